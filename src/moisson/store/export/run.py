"""An export from beginning to end: checked before anything is written, written aside, then given its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from moisson.errors import StoreError, UsageError
from moisson.store.engine import Engine, connect
from moisson.store.export.aside import check_place, into_place, written_aside
from moisson.store.export.documents import MAPPING_SUFFIX, as_documents
from moisson.store.export.feed import ROWS_PER_BATCH, Feed, Progress
from moisson.store.export.job import Job
from moisson.store.export.kinds import Kind, kind_of
from moisson.store.export.places import LATITUDE, LONGITUDE
from moisson.store.export.selection import Selection, select
from moisson.store.export.sidecar import SIDECAR_SUFFIX, Part, data_package, write_sidecar
from moisson.store.provenance import Provenance, read_provenance
from moisson.store.sql_errors import interrupted
from moisson.store.store import Store

__all__ = ["Exported", "export"]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: the file, then those beside it.
        rows: rows, by table.
        size: bytes of the file.
        notes: what the person should know, whole sentences.
        provenance: where the data come from.
    """

    files: tuple[Path, ...]
    rows: dict[str, int]
    size: int
    notes: tuple[str, ...]
    provenance: Provenance


def export(
    store: Store,
    file: Path,
    *,
    now_s: float,
    made_by: str,
    tables: Sequence[str] = ("offres",),
    columns: Sequence[str] | None = None,
    where: str | None = None,
    bulk: bool = False,
    excel: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write tables, or parts of one, into a file for other tools, its data package beside it.

    Args:
        store: the store; it may be filled at the same time, one state is written.
        file: the file; the end of its name says its kind. One that is there is replaced when the new one is whole.
        now_s: wall clock, seconds since 1970.
        made_by: the program, with its version.
        tables: what to write; several into a .duckdb file only.
        columns: names, a field of a struct as `lieu_travail.commune`; None: all.
        where: condition in SQL on the rows; None: all.
        bulk: lines for the bulk endpoint of a search engine, a mapping beside them; .ndjson only.
        excel: for a French Excel; .csv only.
        progress: told how far it is.

    Raises:
        UsageError: something asked for does not exist or does not fit; nothing was written.
        StoreUnwritable, DiskFull, StoreError: the file cannot be written; nothing is left of it.
        StoreCorrupt: a file of the store is damaged.
    """
    kind = kind_of(file, bulk=bulk, excel=excel)
    kind.require()
    _check_place(store, file)
    if len(tables) > 1 and (not kind.several or columns or where):
        raise UsageError(
            "Several tables go into a .duckdb file, each one whole",
            todo="Export them one by one, or without --where and --columns into a .duckdb file.",
        )
    if twice := next((name for n, name in enumerate(tables) if name in tables[:n]), None):
        raise UsageError(f"The table {twice} is asked for twice", todo="Name each table once.")
    with connect(store) as engine:
        # The state is the engine's from here on; what is said of it is read at once.
        provenance = read_provenance(store, now_s, made_by)
        selections = [select(engine, table, columns=columns, where=where, flat=kind.flat) for table in tables]
        if kind.documents:
            selections = [as_documents(selection) for selection in selections]
        totals = [selection.count(engine) for selection in selections]
        for selection, total in zip(selections, totals, strict=True):
            _check_fits(kind, selection, total, bulk=bulk)
        with written_aside(file) as aside:
            notes: list[str] = []
            parts: list[Part] = []
            for selection, total in zip(selections, totals, strict=True):
                feed = _feed(engine, kind, selection, total, progress)
                notes += _written(kind, Job(selection, feed, aside, provenance))
                parts.append(Part(selection, feed.rows))
            size = aside.stat().st_size
            write_sidecar(aside, data_package(aside, kind.name, parts, provenance, excel=excel))
            ends = (MAPPING_SUFFIX, SIDECAR_SUFFIX) if bulk else (SIDECAR_SUFFIX,)
            made = [file, *(file.with_name(file.name + end) for end in ends)]
            into_place(aside, *made)
    return Exported(tuple(made), {part.selection.table: part.rows for part in parts}, size, tuple(notes), provenance)


def _check_place(store: Store, file: Path) -> None:
    check_place(file)
    if file.resolve().is_relative_to(store.folder.resolve()):
        raise UsageError(f"{file} lies inside the store", todo="Give a place outside: only Moisson writes there.")


def _check_fits(kind: Kind, selection: Selection, total: int, *, bulk: bool) -> None:
    if kind.rows_max is not None and total > kind.rows_max:
        raise UsageError(
            f"{total:,} rows do not fit into a sheet, which holds {kind.rows_max:,}",
            todo="Choose fewer with --where, as in --where \"departement = '74'\", or export to .csv or .parquet.",
        )
    if kind.places and selection.latitude is None:
        raise UsageError(f"The table {selection.table} has no coordinates", todo="Export it to .csv or .parquet.")
    if bulk and (selection.table != "offres" or "id" not in (column.name for column in selection.columns)):
        raise UsageError("--bulk is for the table offres, with its column id", todo="Leave --bulk out, or add id.")


def _feed(engine: Engine, kind: Kind, selection: Selection, total: int, progress: Progress | None) -> Feed:
    schema, more = selection.schema, []
    if kind.places:
        more = [f"{selection.latitude} AS {LATITUDE}", f"{selection.longitude} AS {LONGITUDE}"]
        schema = pa.schema([*schema, pa.field(LATITUDE, pa.float64()), pa.field(LONGITUDE, pa.float64())])
    batches = engine.stream(selection.query(more), ROWS_PER_BATCH)
    return Feed(selection.table, schema, batches, total, progress)


def _written(kind: Kind, job: Job) -> list[str]:
    feed = job.feed
    try:
        notes = kind.write(job)
    except BaseException as error:
        if feed.failure is not None and feed.failure is not error:
            # What a library made of it is of no use to anybody.
            raise feed.failure from error
        if interrupted(error):
            raise KeyboardInterrupt from error
        raise
    if feed.failure is not None:
        raise feed.failure
    if feed.rows != feed.total:
        raise StoreError(f"{feed.rows:,} rows were written of {feed.total:,}", doing=f"exporting {feed.table}")
    return notes
