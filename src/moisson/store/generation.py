"""Generations: immutable states of the whole lake, and the pointer to the current one.

A generation is written under a dotted name, synced, renamed to its number, and becomes current by one rename of the
link `current`. A file that did not change is the previous generation's, under a second name (a hard link).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from moisson.errors import StoreCorrupt, StoreVersion
from moisson.store import files
from moisson.store.index import Index, write_index
from moisson.store.layout import (
    INDEX,
    Layout,
    data_file_name,
    data_file_table,
    generation_name,
    generation_number,
    index_file_name,
)
from moisson.store.ordinals import Ordinals

__all__ = [
    "FORMAT",
    "DataFile",
    "Generation",
    "GenerationWriter",
    "Manifest",
    "current_generation",
    "read_file",
    "switch",
    "vacuum",
]

FORMAT = 2
"""Version of a generation's meaning. 1 kept no history: it is read, and the next fold makes it a 2."""

_ROW_GROUP = 8192


class DataFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One Parquet file of a table.

    Attributes:
        nom: its name in the table's folder.
        lignes: rows.
        octets: size in bytes.
        digest: hex digest of what it holds; a file that would hold the same is linked. "" when never linked so.
            In `presence`, the one file that has a digest holds the stays that are going on.
        borne: for `offres`, the lower end of its period: (creation in ms, key of the id), None for the oldest.
    """

    nom: str
    lignes: int
    octets: int
    digest: str = ""
    borne: tuple[int, int] | None = None


class Manifest(msgspec.Struct, frozen=True):
    """manifest.json: what a generation holds.

    Attributes:
        format: version of this file's meaning.
        generation: its number.
        made_s: when it was made, seconds since 1970.
        collectes: names of all runs recorded in it, so that a run is never folded twice.
        forme_offres: digest of the columns of `offres` and of what is kept out of them.
        tables: the files of each table.
        instants: of each of the runs, see ordinals.py.
        oublis: marks (see masking.py) of the ids that were forgotten and must stay out.
        oubliees: offers removed from `offres` by forgetting since the last fold.
        melees: tables some of whose files have other columns than the rest, having been written by an older Moisson.
    """

    format: int
    generation: int
    made_s: float
    collectes: tuple[str, ...]
    forme_offres: str
    tables: dict[str, tuple[DataFile, ...]]
    instants: tuple[int, ...] = ()
    oublis: tuple[str, ...] = ()
    oubliees: int = 0
    melees: tuple[str, ...] = ()

    @property
    def ordinals(self) -> Ordinals:
        """Its runs."""
        return Ordinals.of(self.collectes, self.instants)

    def own(self, table: str) -> tuple[DataFile, ...]:
        """The files of a table that are not another table's too, as those of `offres` are in `offres_versions`."""
        return tuple(file for file in self.tables.get(table, ()) if data_file_table(file.nom) == table)

    def lignes(self, table: str) -> int:
        """Rows of a table, 0 when there is none of that name."""
        return sum(file.lignes for file in self.tables.get(table, ()))

    def octets(self, table: str) -> int:
        """Bytes of a table's own files."""
        return sum(file.octets for file in self.own(table))


class Generation:
    """A generation that is there to be read.

    Attributes:
        folder: its own folder, never the link `current`, so that a switch does not disturb a reader.
        manifest: what it holds.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table; empty when there is no such table."""
        return [self.folder / table / file.nom for file in self.manifest.tables.get(table, ())]

    def index(self, file: DataFile) -> Path:
        """The index of a data file (see index.py)."""
        return self.folder / INDEX / index_file_name(file.nom)

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table | None:
        """A whole table; None when there is none of that name. Meant for the small ones."""
        paths = self.files(table)
        if not paths:
            return None
        return pa.concat_tables([read_file(path, columns) for path in paths])


def read_file(path: Path, columns: list[str] | None = None) -> pa.Table:
    """One Parquet file, or these columns of it, in this order.

    By itself, not as a data set of one file: for the many small ones, setting that up costs more than the reading.

    Raises:
        KeyError: it has no such column; those within a struct have no name here.
    """
    with pq.ParquetFile(path) as file:
        data = file.read(columns=columns)
    return data if columns is None else data.select(columns)


def read_generation(folder: Path) -> Generation:
    """Open a generation's folder.

    Raises:
        StoreCorrupt: the manifest is missing or damaged.
        StoreVersion: it was made by a newer Moisson.
    """
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreCorrupt(
            f"The manifest of generation {folder.name} is missing or damaged",
            doing="opening the store",
            todo="Restore the store from a backup, or collect into a new one.",
        ) from error
    if manifest.format > FORMAT:
        raise StoreVersion("This store was filled by a newer Moisson", doing="opening it", todo="Upgrade moisson.")
    return Generation(folder, manifest)


def current_generation(layout: Layout) -> Generation | None:
    """The current state, or None while nothing was folded. Raises as `read_generation`."""
    if not layout.current.exists():
        return None
    return read_generation(layout.current.resolve())


class GenerationWriter:
    """Writes the next generation aside; nothing is visible before `commit`, nor current before `switch`.

    Attributes:
        number: its number.
        previous: the current generation, whose unchanged files are linked.
        melees: see Manifest; to be added to.
    """

    def __init__(self, layout: Layout, previous: Generation | None) -> None:
        self._layout = layout
        self.previous = previous
        # Past every folder there is: a name must never come to mean something else.
        self.number = max(layout.generation_numbers(), default=0) + 1
        self.folder = layout.generations / f".tmp-{generation_name(self.number)}"
        self._tables: dict[str, list[DataFile]] = {}
        self._mutex = threading.Lock()
        self.melees = set(previous.manifest.melees) if previous is not None else set()
        self.written_bytes = 0
        self.written = 0
        self.linked = 0
        files.remove(self.folder)
        files.make_dir(self.folder / INDEX)

    def begin_table(self, table: str) -> None:
        """Make a table's folder; a table without files does not exist."""
        self._tables[table] = []
        files.make_dir(self.folder / table)

    def write(
        self,
        table: str,
        part: int,
        data: pa.Table,
        *,
        digest: str = "",
        borne: tuple[int, int] | None = None,
        order: npt.NDArray[np.int64] | None = None,
        index: Index | None = None,
    ) -> None:
        """Write and sync one file of a table that was begun; different parts may come from different threads.

        Args:
            table: the table.
            part: number of the file in this generation.
            data: its rows.
            digest: see DataFile.
            borne: see DataFile.
            order: numbers of the rows that are written, in the order in which they are to stand; None: all, as they
                are. Meant for large tables: a row group is put in order at a time, and no ordered copy of the whole
                is made.
            index: what to put into the file's index (see index.py).
        """
        # An order may leave rows out: those of a file copied from that are gone, or that were read again.
        lignes = len(data) if order is None else len(order)
        groups = (slice(start, start + _ROW_GROUP) for start in range(0, max(1, lignes), _ROW_GROUP))
        rows = (data[group] if order is None else data.take(order[group]) for group in groups)
        self._write(table, part, data.schema, rows, digest, borne, index)

    def write_parts(
        self, table: str, part: int, schema: pa.Schema, parts: Iterable[pa.Table], *, digest: str, index: Index
    ) -> None:
        """As `write`, for a file that is not to be in memory whole: `parts` are its rows, one after the other."""
        self._write(table, part, schema, _regrouped(schema, parts), digest, None, index)

    def _write(
        self,
        table: str,
        part: int,
        schema: pa.Schema,
        groups: Iterable[pa.Table],
        digest: str,
        borne: tuple[int, int] | None,
        index: Index | None,
    ) -> None:
        nom = data_file_name(table, self.number, part)
        path = self.folder / table / nom
        files.step("write", path)
        lignes = 0
        with pq.ParquetWriter(path, schema, compression="zstd", compression_level=3) as sink:
            for rows in groups:
                sink.write_table(rows, _ROW_GROUP)
                lignes += len(rows)
        files.fsync_file(path)
        if index is not None:
            write_index(self.folder / INDEX / index_file_name(nom), index)
        size = path.stat().st_size
        with self._mutex:
            self.written += 1
            self.written_bytes += size
            self._tables[table].append(DataFile(nom, lignes, size, digest, borne))

    def link(self, table: str, file: DataFile) -> None:
        """Take over one file of the previous generation."""
        assert self.previous is not None
        files.link(self.previous.folder / table / file.nom, self.folder / table / file.nom)
        index = self.previous.index(file)
        if data_file_table(file.nom) == table and index.exists():
            files.link(index, self.folder / INDEX / index.name)
        with self._mutex:
            self.linked += 1
            self._tables[table].append(file)

    def write_table(self, table: str, data: pa.Table, *, digest: str = "") -> None:
        """Write a small table as one file, or link it when the previous one had the same digest."""
        self.begin_table(table)
        before = self.previous.manifest.tables.get(table, ()) if self.previous is not None else ()
        if digest and [file.digest for file in before] == [digest]:
            self.link(table, before[0])
        else:
            self.write(table, 0, data, digest=digest)

    def carry(self, table: str) -> None:
        """Take over a whole table as it is."""
        assert self.previous is not None
        self.begin_table(table)
        for file in self.previous.manifest.tables[table]:
            self.link(table, file)

    def share(self, table: str, other: str) -> None:
        """Show all files of another table, written or linked before, in this one too."""
        for file in self.files(other):
            files.link(self.folder / other / file.nom, self.folder / table / file.nom)
            self._tables[table].append(file)

    def files(self, table: str) -> list[DataFile]:
        """The files of a table so far, newest period first."""
        return sorted(self._tables[table], key=_newest_first)

    @property
    def octets(self) -> int:
        """Bytes of the files of all tables begun so far, linked ones included, each file counted once."""
        return sum({file.nom: file.octets for found in self._tables.values() for file in found}.values())

    def index(self, file: DataFile) -> Path:
        """The index of a data file (see index.py)."""
        return self.folder / INDEX / index_file_name(file.nom)

    def tables(self) -> frozenset[str]:
        """Names of the tables begun so far."""
        return frozenset(self._tables)

    def carry_others(self, *, but: str = "") -> None:
        """Take over every table of the previous generation that was not begun, all `but` one."""
        for table in self.previous.manifest.tables if self.previous is not None else ():
            if table not in self._tables and table != but:
                self.carry(table)

    def commit(self, *, made_s: float, **changes: Any) -> Generation:
        """Sync everything and give the generation its number; it is not current yet.

        Args:
            made_s: wall clock.
            changes: fields of the manifest that are not as in the previous one.
        """
        tables = {name: tuple(self.files(name)) for name in sorted(self._tables)}
        manifest = self.previous.manifest if self.previous is not None else Manifest(FORMAT, 0, 0.0, (), "", {})
        changes |= {"melees": tuple(sorted(self.melees))}
        manifest = msgspec.structs.replace(manifest, generation=self.number, made_s=made_s, tables=tables, **changes)
        for table in tables:
            files.fsync_dir(self.folder / table)
        files.fsync_dir(self.folder / INDEX)
        encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        files.write_new(self.folder / "manifest.json", encoded)
        files.fsync_dir(self.folder)
        target = self._layout.generation(self.number)
        files.rename(self.folder, target)
        return Generation(target, manifest)


def _regrouped(schema: pa.Schema, parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, a row group at a time; one without rows where there are none."""
    waiting = schema.empty_table()
    for part in parts:
        waiting = pa.concat_tables([waiting, part])
        while len(waiting) > _ROW_GROUP:
            yield waiting[:_ROW_GROUP]
            waiting = waiting[_ROW_GROUP:]
    yield waiting


def _newest_first(file: DataFile) -> tuple[int, int, str]:
    # Sorted ascending, so negated; the oldest period has no lower end and comes last.
    ms, key = (-file.borne[0], -file.borne[1]) if file.borne is not None else (1 << 63, 0)
    return ms, key, file.nom


def switch(layout: Layout, generation: Generation) -> None:
    """Make a generation current. This is the commit point of a fold."""
    files.point(layout.current, f"{layout.generations.name}/{generation.folder.name}")


def vacuum(layout: Layout, *, now_s: float, retention_s: float) -> None:
    """Remove generations that ceased to be current at least `retention_s` ago, and those that never were."""
    current = current_generation(layout)
    if current is None:
        return
    number = generation_number(current.folder.name) or 0
    numbers = layout.generation_numbers()
    for n, following in zip(numbers, [*numbers[1:], None], strict=True):
        if n > number:
            _discard(layout, n)
        elif n < number and following is not None:
            superseded_s = read_generation(layout.generation(following)).manifest.made_s
            if superseded_s + retention_s <= now_s:
                _discard(layout, n)


def _discard(layout: Layout, number: int) -> None:
    # Renamed first: a half-removed generation must not look like one.
    gone = layout.generations / f".gone-{generation_name(number)}"
    files.remove(gone)
    files.rename(layout.generation(number), gone)
    files.remove(gone)


def digest_rows(data: pa.Table) -> str:
    """Digest of a small table's content and columns, for `GenerationWriter.write_table`."""
    digest = hashlib.sha256(str(data.schema.to_string(show_field_metadata=True)).encode())
    digest.update(msgspec.json.encode(data.to_pylist()))
    return digest.hexdigest()
