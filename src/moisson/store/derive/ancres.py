"""Anchors: keys by which texts that are nearly the same meet, found in some 10 microseconds a text. Pure.

The anchors of a text are made of its longest words, of different lengths: whoever cuts a text, or puts a heading into
it, rarely touches all of them, and a long word says more than a short one. A word here is a run of letters without
accents.
"""

from __future__ import annotations

import itertools
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["ANCRES", "PAIRES", "ancres"]

_WORDS = 4
_PAIRS = list(itertools.combinations(range(_WORDS - 1), 2))
_TRIPLES = list(itertools.combinations(range(_WORDS), 3))

PAIRES = len(_PAIRS)
"""The first anchors of a text: pairs among its three longest words, for where something else agrees too."""

ANCRES = PAIRES + len(_TRIPLES)
"""All of them: then come triples among its four longest words, rare enough to stand alone."""

_BYTES_MIN, _BYTES_MAX = 6, 24
"""Shorter words are most of a text and never its longest; what is longer is an address, or words glued together."""

_AT_ONCE = 512
"""Texts looked at together: about a megabyte, which stays near the processor."""

_KEYS = 1 << 32

# An accent ends a run as a bullet does: bullets and quotes are what partners rewrite, and the run left is long enough.
_OUTSIDE = bytes(byte >= 128 or not chr(byte).isalpha() for byte in range(256))

Numbers = npt.NDArray[np.int64]


def ancres(texts: pa.Array[Any]) -> npt.NDArray[np.uint32]:
    """The anchors of texts, a row of ANCRES for each, from 1 to 2³² - 1; 0 where a text has too few.

    Args:
        texts: an array of strings (32-bit offsets); a null is an empty text.
    """
    found = np.zeros((len(texts), ANCRES), np.uint32)
    _, offsets_buffer, data_buffer = texts.buffers()
    if offsets_buffer is None or data_buffer is None:
        return found
    offsets = np.frombuffer(memoryview(offsets_buffer), np.int32)[texts.offset :][: len(texts) + 1].astype(np.int64)
    data = memoryview(data_buffer)
    for start in range(0, len(texts), _AT_ONCE):
        bounds = offsets[start : start + _AT_ONCE + 1]
        there = np.flatnonzero(bounds[1:] > bounds[:-1])
        if len(there):
            part = data[int(bounds[0]) : int(bounds[-1])].tobytes()
            found[start + there] = _of_some(part, bounds[there + 1] - bounds[0])
    return found


def _of_some(data: bytes, end: Numbers) -> Numbers:
    """The anchors of texts one after the other, none of them empty, given where each ends."""
    outside = np.frombuffer(bytearray(data.translate(_OUTSIDE)), np.bool_)
    # The last byte of a text ends its last word, though it belongs to it: alike in all copies, and so good enough.
    outside[end - 1] = True
    ends = np.flatnonzero(outside)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    lengths = ends - starts
    kept = (lengths >= _BYTES_MIN) & (lengths <= _BYTES_MAX)
    # Each text keeps something, if only a word of no length.
    last = np.searchsorted(ends, end - 1)
    lengths[last[~kept[last]]] = 0
    kept[last] = True
    starts, lengths = starts[kept], lengths[kept]
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)[last[:-1]]])
    sizes = np.diff(np.append(first, len(lengths)))
    # The longest, and of those the first to come.
    keys = lengths * _KEYS + np.arange(len(lengths), 0, -1)
    words = []
    for _ in range(_WORDS):
        length, rest = np.divmod(np.maximum.reduceat(keys, first), _KEYS)
        at = starts[np.minimum(len(starts) - rest, len(starts) - 1)]
        spans = zip(at.tolist(), (at + length).tolist(), strict=True)
        words.append(np.array([zlib.crc32(data[a:b].lower()) for a, b in spans], np.int64))
        keys[lengths >= np.repeat(length, sizes)] = 0
    return np.stack([_mix([words[n] for n in chosen]) for chosen in [*_PAIRS, *_TRIPLES]], axis=1)


def _mix(words: list[Numbers]) -> Numbers:
    """A key for a set of words, given the digest of each; 0 is that of no word."""
    mixed, said = np.zeros(len(words[0]), np.int64), np.zeros(len(words[0]), np.bool_)
    for word in words:
        mixed = (mixed * 1_000_003 + word) % _KEYS
        said |= word > 0
    key: Numbers = np.where(said, mixed % (_KEYS - 1) + 1, 0)
    return key
