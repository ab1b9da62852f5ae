"""The table `doublons` of a generation: jobs published through several partners, found in the files of `offres`.

Texts are read of those offers only that share a block with another source (blocks.py), so many at a time, and each
block is judged. The result depends on the offers alone, not on how they lie in files.

From one fold to the next, only blocks that hold a new, changed or gone offer can be judged otherwise. So beside the
table lies what each offer meets by, from which the next fold knows those blocks; a group with an offer in one of them
is judged whole again, by all blocks of all its offers, and every other group is the one that it was: all its blocks
are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moisson.errors import StoreCorrupt
from moisson.store.blocks import COLUMNS, TRAITS, block_keys, find_blocks, is_met, read_traits
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
from moisson.store.generation import DataFile, Generation, GenerationWriter
from moisson.store.index import OFFRE, find, read_index
from moisson.store.schema import DOUBLONS
from moisson.store.seen import array_keys

__all__ = ["TABLE", "Known", "find_doublons", "judge_again", "write_doublons"]

TABLE = "doublons"

_RULE = 2
"""Number of the rule, and of what is kept beside the table: another one finds other groups in the same offers."""

_TEXTS = 200_000
"""Offers whose texts are in memory at once, about 0.8 kB each; the files are read again for as many more."""

_READ = ["intitule", "description", "lieu_travail.libelle", "commune"]

Numbers = npt.NDArray[np.int64]
Traits = npt.NDArray[np.void]


def write_doublons(writer: GenerationWriter, forme: str) -> None:
    """Write the table for the offers that the writer holds, or link it when their files are the previous ones.

    Args:
        writer: the generation, its table `offres` written.
        forme: digest of the columns of `offres` and of what is kept out of them.
    """
    offres = writer.files("offres")
    digest = _digest(forme, offres)
    previous = writer.previous.manifest.tables if writer.previous is not None else {}
    before = [file.digest for file in previous.get(TABLE, ())]
    if before == [digest]:
        writer.carry(TABLE)
        return
    known = Known.nothing()
    # The digest says so: what lies beside the table was made by this rule, of these very files.
    if writer.previous is not None and before == [_digest(forme, previous.get("offres", ()))]:
        known = _read_known(writer.previous)
    paths = [writer.folder / "offres" / file.nom for file in offres]
    found, traits = judge_again(paths, _rows(writer.index(file) for file in offres), known)
    writer.begin_table(TABLE)
    writer.write(TABLE, 0, found, digest=digest, index=traits)


def find_doublons(paths: Sequence[Path]) -> pa.Table:
    """The groups among the offers of these files of `offres`, sorted by group and id."""
    traits = _read_traits(paths)
    return _judge(paths, traits, find_blocks(traits))


def _digest(forme: str, offres: Iterable[DataFile]) -> str:
    # A file's name is given once, so the names tell whether anything changed.
    names = "\n".join(file.nom for file in offres)
    return hashlib.sha256(f"{_RULE}\n{forme}\n{names}".encode()).hexdigest()


class Known(NamedTuple):
    """What a generation knew of its offers.

    Attributes:
        groupes: its table.
        keys: of its offers (`id_keys`), ascending.
        empreinte: hash of what is stored of each.
        traits: what each meets by.
    """

    groupes: pa.Table
    keys: npt.NDArray[np.uint64]
    empreinte: Numbers
    traits: Traits

    @classmethod
    def of(cls, groupes: pa.Table, offres: npt.NDArray[np.void], traits: Traits) -> Known:
        """The same of offers in the order of the rows of their files.

        Args:
            groupes: the table.
            offres: the files' indexes, one after the other.
            traits: what each meets by.
        """
        order = np.argsort(offres["key"], kind="stable")
        return cls(groupes, offres["key"][order], offres["empreinte"][order], traits[order])

    @classmethod
    def nothing(cls) -> Known:
        """Before the first generation."""
        return cls.of(DOUBLONS.empty_table(), np.empty(0, OFFRE), np.empty(0, TRAITS))


def _read_known(generation: Generation) -> Known:
    """What a generation knew; nothing if that is missing or damaged, for it can be made again."""
    (file,) = generation.manifest.tables[TABLE]
    offres = _rows(map(generation.index, generation.manifest.tables["offres"]))
    try:
        groupes, traits = generation.read(TABLE), read_index(generation.index(file), TRAITS)
    except (StoreCorrupt, OSError, pa.ArrowException):
        return Known.nothing()
    assert groupes is not None
    return Known.of(groupes, offres, traits) if len(traits) == len(offres) else Known.nothing()


def _rows(indexes: Iterable[Path]) -> npt.NDArray[np.void]:
    return np.concatenate([np.empty(0, OFFRE), *(read_index(path, OFFRE) for path in indexes)])


def judge_again(paths: Sequence[Path], offres: npt.NDArray[np.void], known: Known) -> tuple[pa.Table, Traits]:
    """The groups of a generation, sorted by group and id, and what its offers meet by.

    Args:
        paths: its files of `offres`.
        offres: the indexes of these files, one after the other.
        known: what the previous one knew.
    """
    at, same = find(known.keys, offres["key"])
    same[same] = known.empreinte[at[same]] == offres["empreinte"][same]
    traits = np.empty(len(offres), TRAITS)
    traits[same] = known.traits[at[same]]
    traits[~same] = _read_traits(paths, np.flatnonzero(~same))
    del offres
    if not len(known.keys):
        return _judge(paths, traits, find_blocks(traits)), traits
    stays = np.zeros(len(known.keys), np.bool_)
    stays[at[same]] = True
    changed = np.union1d(block_keys(traits[~same]), block_keys(known.traits[~stays]))
    members, _ = find(known.keys, array_keys(known.groupes.column("id")))
    met = ~stays[members] | is_met(known.traits[members], changed)
    names = known.groupes.column("groupe_doublon")
    again = pc.is_in(names, value_set=names.filter(pa.array(met)))
    wanted = np.union1d(changed, block_keys(known.traits[members[again.to_numpy(zero_copy_only=False)]]))
    judged = _judge(paths, traits, find_blocks(traits, wanted))
    carried = known.groupes.filter(pc.invert(again))
    # Some blocks of the groups judged again hold other groups too, in part.
    judged = judged.filter(pc.invert(pc.is_in(judged.column("id"), value_set=carried.column("id"))))
    found = pa.concat_tables([carried, judged]).sort_by([("groupe_doublon", "ascending"), ("id", "ascending")])
    return found, traits


def _judge(paths: Sequence[Path], traits: Traits, blocks: Sequence[Numbers]) -> pa.Table:
    """The groups that these blocks hold, sorted by group and id."""
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *blocks]))
    ids = pa.concat_tables([DOUBLONS.empty_table().select(["id"]), *_read(paths, rows, ["id"])]).column("id")
    # Numbers in the order of the ids: the smallest of a group is its name, however the files are cut.
    order = pc.array_sort_indices(ids).to_numpy()
    named = ids.take(order)
    no = np.empty(len(rows), np.int64)
    no[order] = np.arange(len(rows))
    groups, textes = Groups(), np.zeros(len(rows), np.int64)
    for some, wanted in _rounds(blocks):
        numbers = no[np.searchsorted(rows, wanted)]
        publications = dict(zip(wanted.tolist(), _publications(paths, wanted, numbers, traits), strict=True))
        for block in some:
            found = {publications[row].no: publications[row] for row in block.tolist()}
            for job in same_jobs(found.values()):
                groups.join(job)
                for n in job:
                    textes[n] = hash((found[n].titre, found[n].texte.empreinte))
        # Before the next are read, or twice as many would be in memory.
        publications.clear()
    # Columns, not rows: of three million offers a fifth is in a group.
    number, group = np.array(groups.members(), np.int64).reshape(-1, 2).T
    order = np.lexsort((number, group))
    number, group = number[order], group[order]
    copies = np.empty(len(group), [("group", np.int64), ("texte", np.int64)])
    copies["group"], copies["texte"] = group, textes[number]
    _, at, times = np.unique(copies, return_inverse=True, return_counts=True)
    columns = [named.take(number), named.take(group), np.where(times[at] > 1, "exact", "proche")]
    return pa.table(columns, schema=DOUBLONS)


def _read_traits(paths: Sequence[Path], rows: Numbers | None = None) -> Traits:
    """What offers meet by, of these rows, ascending; None: of all."""
    return np.concatenate([np.empty(0, TRAITS), *map(read_traits, _read(paths, rows, COLUMNS))])


def _read(paths: Sequence[Path], rows: Numbers | None, columns: list[str]) -> Iterator[pa.Table]:
    """These rows, ascending (None: all), of the files one after the other; row groups that hold none are not read."""
    start = 0
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                if rows is None:
                    yield file.read_row_group(group, columns=columns)
                else:
                    first, last = np.searchsorted(rows, [start, end])
                    if first < last:
                        yield file.read_row_group(group, columns=columns).take(rows[first:last] - start)
                start = end


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


def _publications(paths: Sequence[Path], rows: Numbers, numbers: Numbers, traits: Traits) -> Iterator[Publication]:
    """The offers of these rows, ascending, under these numbers; equal texts are one object."""
    known: dict[bytes, Texte] = {}
    told = zip(numbers.tolist(), traits["source"][rows].tolist(), strict=True)
    for table in _read(paths, rows, _READ):
        labels = table.select(["lieu_travail"]).flatten().column(0)
        columns = [*(table.column(name) for name in ("intitule", "description", "commune")), labels]
        for intitule, description, commune, label in zip(*(column.to_pylist() for column in columns), strict=True):
            texte = read_texte(description)
            number, source = next(told)
            yield Publication(
                number,
                known.setdefault(texte.empreinte, texte),
                title_letters(intitule),
                title_key(title_words(intitule or ""), title_words(label or "")),
                place_of(commune)[1],
                source,
            )
