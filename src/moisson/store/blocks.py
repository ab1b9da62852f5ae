"""What offers meet by: the blocks of derive/doublons.py as numbers, some bytes an offer. Pure.

Texts are digests here, so that a block is a few 64-bit keys, the same from one night to the next. Should two blocks
share a key, their offers are compared in vain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from moisson.store.derive.ancres import MOTS, PAIRES, ancres
from moisson.store.derive.doublons import place_of, title_key, title_words
from moisson.store.index import find

__all__ = ["COLUMNS", "TRAITS", "block_keys", "find_blocks", "is_met", "read_traits"]

TRAITS = np.dtype(
    [
        ("titre", "<u4"),
        ("ville", "<u4"),
        ("departement", "<u4"),
        ("source", "<u4"),
        ("precise", "?"),
        ("mots", "<u4", (MOTS,)),
    ]
)
"""Of one offer: digests of its title (`title_key`), of contract and town, of contract and département, of what brought
it; whether it names its town precisely; its long words (ancres.py). 0 where it does not say."""

COLUMNS = ["intitule", "lieu_travail.libelle", "commune", "departement", "type_contrat", "partenaires", "mots_longs"]
"""Columns of `offres` that the traits are made of."""

_MIX = np.uint64(0x9E3779B97F4A7C15)

_UPPER = np.uint64(64 - 22)
"""Keys are first looked up by their 22 upper bits: four megabytes, which stay near the processor."""

_HALF = np.uint64(32)
_WHOLE = np.uint64(0xFFFFFFFFFFFFFFFF)
_UPPER_HALF = _WHOLE << _HALF

_AT_ONCE = 1 << 13
"""Offers whose keys are made together: columns of 64 kB, so that memory does not grow by ten keys an offer."""

_SORTED = 1_000_000
"""Offers whose keys are sorted together: 80 bytes each."""

Traits = npt.NDArray[np.void]
Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint32]


def read_traits(table: pa.Table) -> Traits:
    """The traits of offers.

    Args:
        table: their `COLUMNS` of `offres`, read one by one: of the place, the label alone.
    """
    labels, label_at = _distinct(table.select(["lieu_travail"]).flatten().column(0))
    communes, commune_at = _distinct(table.column("commune"))
    places = [place_of(commune) for commune in communes]
    town = _digests(ville for ville, _ in places)[commune_at]
    # Without a town, its label says as much of a place as there is to know.
    where = _digests(f"- {label}" if label else "" for label in labels)[label_at]
    contrat = _coded(table.column("type_contrat"))
    mots: Any = pc.list_flatten(table.column("mots_longs").combine_chunks())
    traits = np.empty(len(table), TRAITS)
    traits["titre"] = _titles(table.column("intitule"), labels, label_at)
    traits["ville"] = _both(np.where(town > 0, town, where), contrat)
    traits["departement"] = _both(_coded(table.column("departement")), contrat)
    traits["source"] = _coded(_joined(table.column("partenaires")))
    traits["precise"] = np.array([bool(precise) for _, precise in places])[commune_at]
    traits["mots"] = mots.to_numpy(zero_copy_only=False).reshape(-1, MOTS)
    return traits


def block_keys(traits: Traits) -> Keys:
    """The keys of all blocks that these offers are in, ascending."""
    keys = np.unique(np.concatenate([keys for _, keys in _keys(traits)]))
    return keys[keys > 0]


def is_met(traits: Traits, wanted: Keys) -> npt.NDArray[np.bool_]:
    """Which of these offers are in one of the blocks of these keys, ascending."""
    met, among = np.zeros(len(traits), np.bool_), _Among(wanted)
    for _, keys in _keys(traits):
        met[among.rows(keys)] = True
    return met


def find_blocks(traits: Traits, wanted: Keys | None = None) -> list[Rows]:
    """The blocks that are to be judged, each the rows of two offers or more, ascending; two sources at least in each.

    Args:
        traits: of all offers.
        wanted: keys of the only blocks to find, ascending; None: all.
    """
    blocks: set[bytes] = set()
    asked = None if wanted is None else _Among(wanted)
    for among in _shared(traits, asked):
        found: dict[bool, list[tuple[Keys, Rows]]] = {False: [], True: []}
        for start in range(0, len(traits), _AT_ONCE):
            for vague, column in _keys(traits[start : start + _AT_ONCE]):
                rows = among.rows(column)
                if asked is not None:
                    rows = rows[asked.rows(column[rows])]
                found[vague].append((column[rows], rows + start))
        for vague, parts in found.items():
            several = _several(parts, traits["source"])
            blocks |= {block for block in several if not (vague and traits["precise"][_rows(block)].all())}
    return list(map(_rows, sorted(blocks)))


def _rows(block: bytes) -> Rows:
    return np.frombuffer(block, np.int64)


def _several(parts: Sequence[tuple[Keys, Rows]], source: Digests) -> set[bytes]:
    """The rows of each block that several sources are in. One block is often found by several anchors."""
    all_keys = np.concatenate([np.empty(0, np.uint64), *(keys for keys, _ in parts)])
    all_rows = np.concatenate([np.empty(0, np.int64), *(rows for _, rows in parts)])
    if not len(all_rows):
        return set()
    order = np.lexsort((all_rows, all_keys))
    all_keys, all_rows = all_keys[order], all_rows[order]
    # An offer may be found twice by one key: two of its anchors are the same.
    first = np.ones(len(all_rows), np.bool_)
    starting = all_keys[1:] != all_keys[:-1]
    first[1:] = starting | (all_rows[1:] != all_rows[:-1])
    starts = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), starting])[first])
    all_rows = all_rows[first]
    ends = np.append(starts[1:], len(all_rows))
    sources = source[all_rows]
    several = np.minimum.reduceat(sources, starts) != np.maximum.reduceat(sources, starts)
    return {all_rows[a:b].tobytes() for a, b in zip(starts[several].tolist(), ends[several].tolist(), strict=True)}


def _keys(traits: Traits) -> Iterator[tuple[bool, Keys]]:
    """A column for each kind of block and each anchor: what the offers of a block share, 0 for who is in none.

    With it, whether the block counts only where an offer in it names no town precisely.
    """
    anchors = ancres(traits["mots"])
    pairs, triples = anchors[:PAIRES], anchors[PAIRES:]
    titre, ville, departement = (traits[name].astype(np.uint64) for name in ("titre", "ville", "departement"))
    for vague, place, title, chosen in (
        (False, ville, titre, pairs),
        (True, departement, titre, pairs),
        (False, ville, None, triples),
    ):
        # Wraps around.
        key, said = place * _MIX, place > 0
        if title is not None:
            key, said = (key + title) * _MIX, said & (title > 0)
        for anchor in chosen:
            yield vague, np.where(said & (anchor > 0), (key + anchor) * _MIX, 0)


class _Among:
    """Finds keys among some.

    Args:
        wanted: these, ascending.
        told: the bits of a key that they tell; the others are 0.
    """

    def __init__(self, wanted: Keys, told: np.uint64 = _WHOLE) -> None:
        self._wanted, self._told = wanted, told
        self._near = np.zeros(1 << (64 - int(_UPPER)), np.bool_)
        self._near[wanted >> _UPPER] = True

    def rows(self, keys: Keys) -> Rows:
        """The rows whose key is among them; never those of no block."""
        rows = np.flatnonzero(self._near[keys >> _UPPER] & (keys > 0))
        _, found = find(self._wanted, keys[rows] & self._told)
        return rows[found]


def _shared(traits: Traits, asked: _Among | None) -> Iterator[_Among]:
    """The keys, of those asked or of all, that offers of several sources have. By their upper halves: of millions, some
    thousands are alike by chance. A part of them after the other, so that memory does not grow with the country."""
    parts = np.uint64(1 + len(traits) // _SORTED)
    for part in range(int(parts)):
        found = [np.empty(0, np.uint64)]
        for start in range(0, len(traits), _AT_ONCE):
            some = traits[start : start + _AT_ONCE]
            for _, keys in _keys(some):
                rows = np.flatnonzero(keys) if asked is None else asked.rows(keys)
                rows = rows[(keys[rows] >> _HALF) % parts == part]
                found.append(keys[rows] & _UPPER_HALF | some["source"][rows])
        pairs = np.concatenate(found)
        found.clear()
        pairs.sort()
        # Each half with each of its sources, once; then the halves that come twice.
        halves = np.append(pairs[:1], pairs[1:][pairs[1:] != pairs[:-1]]) & _UPPER_HALF
        again = halves[1:][halves[1:] == halves[:-1]]
        yield _Among(np.append(again[:1], again[1:][again[1:] != again[:-1]]), _UPPER_HALF)


def _titles(column: pa.ChunkedArray[Any], labels: Sequence[str], label_at: Rows) -> Digests:
    titles, at = _distinct(column)
    words, towns = [title_words(title) for title in titles], [title_words(label) for label in labels]
    alone = [crc32(title_key(found, frozenset()).encode()) for found in words]
    return np.array(
        [
            alone[t] if words[t].isdisjoint(towns[p]) else crc32(title_key(words[t], towns[p]).encode())
            for t, p in zip(at.tolist(), label_at.tolist(), strict=True)
        ],
        np.uint32,
    )


def _both(one: Digests, two: Digests) -> Digests:
    """A digest of both, 0 where the first is."""
    mixed = (one.astype(np.uint64) * _MIX + two.astype(np.uint64)) * _MIX
    return np.where(one > 0, (mixed >> np.uint64(32)).astype(np.uint32), np.uint32(0))


def _digests(texts: Iterator[str]) -> Digests:
    return np.array([crc32(text.encode(errors="replace")) for text in texts], np.uint32)


def _coded(column: pa.ChunkedArray[Any]) -> Digests:
    texts, at = _distinct(column)
    return _digests(iter(texts))[at]


def _joined(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Lists of texts as one text each."""
    joined: list[Any] = [pc.binary_join(chunk, "|") for chunk in column.chunks]
    return pa.chunked_array(joined, pa.string())


def _distinct(column: pa.ChunkedArray[Any]) -> tuple[list[str], Rows]:
    """The different texts of a column, "" for null, and which of them stands in each row."""
    texts = column.combine_chunks().dictionary_encode()
    # A null has no place in the dictionary: it gets the last one.
    at = texts.indices.fill_null(len(texts.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return [text or "" for text in texts.dictionary.to_pylist()] + [""], at
