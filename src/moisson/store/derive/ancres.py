"""Long words: by what texts that are nearly the same meet, found in some microseconds a text. Pure.

Whoever cuts a text, or puts a heading into it, rarely touches all of its longest words, and a long word says more than
a short one. A word here is a run of letters without accents. A text is reduced to the digests of its MOTS longest
words, each of another length; several of them together are an *anchor*.
"""

from __future__ import annotations

import itertools
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["MOTS", "PAIRES", "ancres", "mots_longs"]

MOTS = 4
"""Words kept of a text."""

_PAIRS = list(itertools.combinations(range(3), 2))
_TRIPLES = list(itertools.combinations(range(MOTS), MOTS - 1))

PAIRES = len(_PAIRS)
"""The first anchors of a text: pairs among its three longest words, for where something else agrees too."""

_BYTES_MIN, _BYTES_MAX = 6, 24
"""Shorter words are most of a text and never its longest; what is longer is an address, or words glued together."""

_AT_ONCE = 96
"""Texts looked at together: about 200 kB. Of 512, each column of bytes would be a megabyte that the system has to clear
and map anew each time, and that took longer than looking at it."""

_KEYS = 1 << 32

# An accent ends a run as a bullet does: bullets and quotes are what partners rewrite, and the run left is long enough.
_OUTSIDE = bytes(byte >= 128 or not chr(byte).isalpha() for byte in range(256))

Numbers = npt.NDArray[np.int64]


def mots_longs(texts: pa.Array[Any]) -> Numbers:
    """Digests of each text's longest words, the longest first: a row of MOTS for each, 0 where it has no more.

    Args:
        texts: an array of strings (32-bit offsets); a null is an empty text.
    """
    found = np.zeros((len(texts), MOTS), np.int64)
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
    """The long words of texts one after the other, none of them empty, given where each ends."""
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
    for _ in range(MOTS):
        length, rest = np.divmod(np.maximum.reduceat(keys, first), _KEYS)
        at = starts[np.minimum(len(starts) - rest, len(starts) - 1)]
        spans = zip(at.tolist(), (at + length).tolist(), strict=True)
        words.append(np.array([zlib.crc32(data[a:b].lower()) for a, b in spans], np.int64))
        keys[lengths >= np.repeat(length, sizes)] = 0
    return np.stack(words, axis=1)


def ancres(mots: Numbers) -> list[npt.NDArray[np.uint64]]:
    """The anchors of texts, a column for each: first PAIRES pairs, then sets of all their long words but one.

    Two texts with one word that the other lacks still have an anchor in common. 0 where a text has no word at all.

    Args:
        mots: their `mots_longs`.
    """
    return [_mix(mots[:, chosen]) for chosen in map(list, [*_PAIRS, *_TRIPLES])]


def _mix(words: Numbers) -> npt.NDArray[np.uint64]:
    mixed = np.zeros(len(words), np.uint64)
    for word in words.T:
        # Wraps around; chance makes two of 2⁶⁴ keys one, and then texts are compared in vain.
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + word.astype(np.uint64)
    return mixed
