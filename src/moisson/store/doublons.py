"""The table `doublons` of a generation: jobs published through several partners, found in the files of `offres`.

First all offers are cut into the blocks of derive/doublons.py, as numbers: some 200 bytes an offer. Then the texts are
read of those offers only that share a block with another source, so many at a time, and each block is judged. The
result depends on the offers alone, not on how they lie in files.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moisson.store.derive.ancres import MOTS, PAIRES, ancres
from moisson.store.derive.doublons import (
    Groups,
    Publication,
    Texte,
    place_of,
    read_texte,
    same_jobs,
    title_key,
    title_letters,
    title_words,
)
from moisson.store.generation import GenerationWriter
from moisson.store.schema import DOUBLONS, OFFRES

__all__ = ["find_doublons", "write_doublons"]

_RULE = 1
"""Number of the rule: another one finds other groups in the same offers."""

_TEXTS = 200_000
"""Offers whose texts are in memory at once, about 0.8 kB each; the files are read again for as many more."""

_MIX = np.uint64(0x9E3779B97F4A7C15)

_COLUMNS = ["intitule", "lieu_travail.libelle", "commune", "departement", "type_contrat", "partenaires", "mots_longs"]

Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


def write_doublons(writer: GenerationWriter) -> None:
    """Write the table for the offers that the writer holds, or link it when their files are the previous ones."""
    paths = sorted((writer.folder / "offres").glob("*.parquet"))
    # A file's name is given once, so the names tell whether anything changed.
    names = "\n".join(path.name for path in paths)
    digest = hashlib.sha256(f"{_RULE}\n{names}".encode()).hexdigest()
    before = writer.previous.manifest.tables.get("doublons", ()) if writer.previous is not None else ()
    if [file.digest for file in before] == [digest]:
        writer.carry("doublons")
    else:
        writer.write_table("doublons", find_doublons(paths), digest=digest)


def find_doublons(paths: Sequence[Path]) -> pa.Table:
    """The groups among the offers of these files of `offres`, sorted by group and id."""
    stock = _Stock(paths)
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *stock.blocks]))
    ids = list(stock.read(rows, "id"))
    # Numbers in the order of the ids: the smallest of a group is its name, however the files are cut.
    order = np.argsort(np.array(ids, dtype=object), kind="stable")
    no = np.empty(len(rows), np.int64)
    no[order] = np.arange(len(rows))
    named = [ids[i] for i in order.tolist()]
    groups, exact = Groups(), dict[int, tuple[str, bytes]]()
    for blocks, wanted in _rounds(stock.blocks):
        texts = dict(zip(wanted.tolist(), _texts(stock, wanted), strict=True))
        for block in blocks:
            numbers = no[np.searchsorted(rows, block)].tolist()
            publications = {
                n: Publication(
                    n, texts[row][0], texts[row][1], stock.title(row), stock.precise(row), int(stock.source[row])
                )
                for row, n in zip(block.tolist(), numbers, strict=True)
            }
            for job in same_jobs(list(publications.values())):
                groups.join(job)
                exact.update((n, (publications[n].titre, publications[n].texte.empreinte)) for n in job)
    members = groups.members()
    shared = Counter((group, exact[number]) for number, group in members)
    found_rows = [
        {
            "id": named[number],
            "groupe_doublon": named[group],
            "methode": "exact" if shared[group, exact[number]] > 1 else "proche",
        }
        for number, group in sorted(members, key=lambda member: (member[1], member[0]))
    ]
    return pa.Table.from_pylist(found_rows, DOUBLONS)


class _Codes(dict[str, int]):
    """A number for each text, in the order of their coming; 0 for an empty one."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, text: str) -> int:
        self[text] = code = len(self)
        return code


class _Narrow(NamedTuple):
    """What the blocks are made of, as codes, one of each an offer; 0 where the offer does not say."""

    titre: Codes
    ville: Codes
    place: Codes
    departement: Codes
    contrat: Codes
    source: Codes
    mots: Numbers


class _Stock:
    """All offers as numbers, and their blocks.

    Attributes:
        blocks: the blocks TITRE, TERRITOIRE and TEXTE, as numbers of rows, ascending.
        source: what brought each row.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._codes = {name: _Codes() for name in ("titre", "ville", "place", "departement", "contrat", "source")}
        parts = [self._read_narrow(path) for path in paths] or [self._narrow(OFFRES.empty_table())]
        self._starts = np.cumsum([0, *(len(part.titre) for part in parts)])
        narrow = _Narrow(*map(np.concatenate, zip(*parts, strict=True)))
        del parts
        self.source, self._titre, self._place = narrow.source, narrow.titre, narrow.place
        self._titles, self._places = list(self._codes["titre"]), list(self._codes["place"])
        self._codes.clear()
        anchors = ancres(narrow.mots)
        pairs, triples = anchors[:PAIRES], anchors[PAIRES:]
        territoire = _blocks(narrow, [narrow.departement, narrow.titre], pairs)
        self.blocks = [
            *_blocks(narrow, [narrow.ville, narrow.titre], pairs),
            *(block for block in territoire if not narrow.place[block].all()),
            *_blocks(narrow, [narrow.ville], triples),
        ]

    def title(self, row: int) -> str:
        """Its `title_key`."""
        return self._titles[int(self._titre[row])]

    def precise(self, row: int) -> str:
        """The precise code of its commune, or ""."""
        return self._places[int(self._place[row])]

    def _read_narrow(self, path: Path) -> _Narrow:
        with pq.ParquetFile(path) as file:
            return self._narrow(file.read(columns=_COLUMNS))

    def _narrow(self, table: pa.Table) -> _Narrow:
        labels, label_at = _distinct(_field(table, "lieu_travail"))
        communes, commune_at = _distinct(table.column("commune"))
        places = [place_of(commune) for commune in communes]
        town = self._code("ville", [ville for ville, _ in places])[commune_at]
        # Without a town, its label says as much of a place as there is to know.
        where = self._code("ville", [f"- {label}" if label else "" for label in labels])[label_at]

        def coded(name: str, column: pa.ChunkedArray[Any]) -> Codes:
            texts, at = _distinct(column)
            return self._code(name, texts)[at]

        return _Narrow(
            titre=self._title_codes(table.column("intitule"), labels, label_at),
            ville=np.where(town > 0, town, where),
            place=self._code("place", [precise for _, precise in places])[commune_at],
            departement=coded("departement", table.column("departement")),
            contrat=coded("contrat", table.column("type_contrat")),
            source=coded("source", _joined(table.column("partenaires"))),
            mots=_flat(table.column("mots_longs")).reshape(-1, MOTS),
        )

    def _code(self, name: str, texts: Sequence[str]) -> Codes:
        return np.array([self._codes[name][text] for text in texts], np.int32)

    def _title_codes(self, column: pa.ChunkedArray[Any], labels: Sequence[str], label_at: Numbers) -> Codes:
        titles, at = _distinct(column)
        words, towns = [title_words(title) for title in titles], [title_words(label) for label in labels]
        codes = self._codes["titre"]
        alone = [codes[title_key(found, frozenset())] for found in words]
        return np.array(
            [
                alone[t] if words[t].isdisjoint(towns[p]) else codes[title_key(words[t], towns[p])]
                for t, p in zip(at.tolist(), label_at.tolist(), strict=True)
            ],
            np.int32,
        )

    def read(self, rows: Numbers, name: str) -> Iterator[Any]:
        """A column's values for these rows, sorted ascending; only the row groups that hold one are read."""
        for start, path in zip(self._starts.tolist(), self._paths, strict=False):
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    end = start + file.metadata.row_group(group).num_rows
                    first, last = np.searchsorted(rows, [start, end])
                    if first < last:
                        column = file.read_row_group(group, columns=[name]).column(0)
                        yield from column.take(pa.array(rows[first:last] - start)).to_pylist()
                    start = end


def _blocks(narrow: _Narrow, columns: Sequence[Codes], anchors: Sequence[npt.NDArray[np.uint64]]) -> list[Numbers]:
    """Rows that agree on the contract, on these columns and on one of their anchors; two sources at least in each.

    Args:
        narrow: all rows.
        columns: what they agree on, a value a row; 0 is no value.
        anchors: columns too, of which agreeing on any one is enough.
    """
    key, said = narrow.contrat.astype(np.uint64), np.ones(len(narrow.contrat), np.bool_)
    for column in columns:
        # Wraps around; should two blocks share a key, they are compared in vain.
        key = key * _MIX + column.astype(np.uint64)
        said &= column > 0
    known = [np.flatnonzero(said & (anchor > 0)) for anchor in anchors]
    keys = np.concatenate([key[at] * _MIX + anchor[at] for at, anchor in zip(known, anchors, strict=True)])
    rows = np.concatenate(known)
    if not len(rows):
        return []
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    starts = np.concatenate([np.zeros(1, np.int64), np.flatnonzero(keys[1:] != keys[:-1]) + 1])
    ends = np.append(starts[1:], len(rows))
    sources = narrow.source[rows]
    several = np.minimum.reduceat(sources, starts) != np.maximum.reduceat(sources, starts)
    # One block is often found by several anchors.
    found = {rows[a:b].tobytes() for a, b in zip(starts[several].tolist(), ends[several].tolist(), strict=True)}
    return [np.unique(np.frombuffer(block, np.int64)) for block in sorted(found)]


def _field(table: pa.Table, name: str) -> pa.ChunkedArray[Any]:
    """The one field that was read of a column of objects."""
    return table.select([name]).flatten().column(0)


def _flat(column: pa.ChunkedArray[Any]) -> Numbers:
    """The items of lists one after the other."""
    flat: Numbers = pc.list_flatten(column.combine_chunks()).to_numpy(zero_copy_only=False)
    return flat


def _joined(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Lists of texts as one text each."""
    joined: list[Any] = [pc.binary_join(chunk, "|") for chunk in column.chunks]
    return pa.chunked_array(joined, pa.string())


def _distinct(column: pa.ChunkedArray[Any]) -> tuple[list[str], Numbers]:
    """The different texts of a column, "" for null, and which of them stands in each row."""
    texts = column.combine_chunks().dictionary_encode()
    # A null has no place in the dictionary: it gets the last one.
    at = texts.indices.fill_null(len(texts.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return [text or "" for text in texts.dictionary.to_pylist()] + [""], at


def _rounds(blocks: Sequence[Numbers]) -> Iterator[tuple[Sequence[Numbers], Numbers]]:
    """Blocks, as many as _TEXTS rows allow at a time, and all their rows, ascending."""
    start = 0
    while start < len(blocks):
        end = start + 1
        rows = set(blocks[start].tolist())
        while end < len(blocks) and len(rows) < _TEXTS:
            rows.update(blocks[end].tolist())
            end += 1
        yield blocks[start:end], np.array(sorted(rows), np.int64)
        start = end


def _texts(stock: _Stock, rows: Numbers) -> Iterator[tuple[Texte, str]]:
    """The text of each of these rows, and its title's words; equal texts are one object."""
    known: dict[bytes, Texte] = {}
    both = zip(stock.read(rows, "description"), stock.read(rows, "intitule"), strict=True)
    for description, intitule in both:
        texte = read_texte(description)
        yield known.setdefault(texte.empreinte, texte), title_letters(intitule)
