"""The Python door: a store opened for reading, its tables as Arrow, Polars or DuckDB, its offers as the API's JSON."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from moisson.errors import UsageError
from moisson.store.catalogue import Colonne, TableInfo, describe_columns, describe_tables
from moisson.store.engine import Engine
from moisson.store.export.documents import as_documents, document_of
from moisson.store.export.feed import ROWS_PER_BATCH, Feed, Progress
from moisson.store.export.run import Exported
from moisson.store.export.selection import Selection, select
from moisson.store.status import StoreStatus, read_status
from moisson.store.store import Store
from moisson.store.store import open_store as open_folder

if TYPE_CHECKING:
    import duckdb
    import polars

__all__ = ["StoreReader", "open_store"]


def open_store(folder: str | os.PathLike[str] = "moisson-store") -> StoreReader:
    """Open a store for reading; it may be filled at the same time.

    Args:
        folder: the store's folder.

    Raises:
        StoreUnwritable: there is no store in it.
        StoreCorrupt, StoreVersion: it is damaged, or was made by a newer Moisson.
    """
    return StoreReader(open_folder(Path(folder)))


class StoreReader:
    """A store as it was when it was opened: a later run changes nothing in it; open it again to see the new state.

    The files of a state stay for a day after it was superseded (setting `retention`).

    Attributes:
        folder: its folder.
        source: the API that it is filled from.
        simulated: that API is a twin: not one offer is true.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._generation = store.generation()
        self.folder: Path = store.folder
        self.source: str = store.source
        self.simulated: bool = store.simulated

    def __repr__(self) -> str:
        """Its folder, and whether it is simulated."""
        return f"<moisson store {self.folder}{', simulated data' if self.simulated else ''}>"

    def tables(self) -> list[TableInfo]:
        """Its tables: `nom`, `lignes` (rows), `colonnes` (how many)."""
        with self._engine() as engine:
            return describe_tables(engine)

    def columns(self, table: str = "offres") -> list[Colonne]:
        """The columns of a table: `nom`, `type`, `sens` (meaning), `unite`, `source` (the API's field).

        Raises:
            UsageError: there is no such table; the message names the nearest.
        """
        with self._engine() as engine:
            return describe_columns(engine, table)

    def status(self) -> StoreStatus:
        """What is stored now, how old its proof is, what the last run cost: the figures of `moisson status`."""
        return read_status(self._store, time.time())

    def arrow(
        self, table: str = "offres", *, columns: Sequence[str] | None = None, where: str | None = None
    ) -> pa.Table:
        """A table, or a part of it, in memory; the columns' meanings are in their metadata.

        Args:
            table: its name.
            columns: names, a field of a struct as `lieu_travail.commune`; None: all.
            where: condition in SQL on the rows; None: all.

        Raises:
            UsageError: an unknown table or column, the message names the nearest; a wrong condition.
            StoreCorrupt: a file of the store is missing or damaged.
        """
        reader = self.batches(table, columns=columns, where=where)
        return pa.Table.from_batches(reader, schema=reader.schema)

    def batches(
        self, table: str = "offres", *, columns: Sequence[str] | None = None, where: str | None = None
    ) -> pa.RecordBatchReader:
        """The same in batches of some thousands of rows, for what is larger than memory. Raises as `arrow`."""
        engine = self._engine()
        try:
            selection = select(engine, table, columns=columns, where=where)
            feed = _feed(engine, selection)
        except BaseException:
            engine.close()
            raise
        return pa.RecordBatchReader.from_batches(feed.schema, _closing(engine, feed))

    def polars(
        self, table: str = "offres", *, columns: Sequence[str] | None = None, where: str | None = None
    ) -> polars.DataFrame:
        """A table, or a part of it, as a Polars data frame. Raises as `arrow`; needs `moisson[polars]`."""
        if importlib.util.find_spec("polars") is None:
            raise UsageError("Polars is not installed", todo="Type: pip install 'moisson[polars]'")
        import polars

        frame = polars.from_arrow(self.arrow(table, columns=columns, where=where))
        assert isinstance(frame, polars.DataFrame)
        return frame

    def sql(self, query: str, *, with_files: Mapping[str, str | os.PathLike[str]] | None = None) -> pa.Table:
        """The result of one reading statement, as `moisson sql` runs it: confined to the store.

        Args:
            query: select, from or with.
            with_files: more tables from files of yours (.parquet, .csv, .tsv, .json, .ndjson), by name; in a CSV,
                columns of codes stay text (01004, 2A).

        Raises:
            UsageError: not one statement that only reads, or SQL that is wrong; an unknown name gets the nearest.
            StoreCorrupt: a file of the store is missing or damaged.
        """
        files = {name: Path(path) for name, path in (with_files or {}).items()}
        with Engine(self._generation, with_files=files) as engine:
            return engine.query(query)

    def indicator(
        self,
        nom: str,
        *,
        by: Sequence[str] = (),
        distinct: bool = False,
        region: str | None = None,
        departement: str | None = None,
        metier: str | None = None,
        contrat: str | None = None,
    ) -> pa.Table:
        """An indicator; `docs/indicators.md` defines each, and the columns.

        Args:
            nom: the indicator.
            by: what it is told by, at most one territory, trade, contract and period.
            distinct: of each job that several partners publish, one offer.
            region, departement: only this territory, by its code.
            metier: only trades whose ROME code begins so.
            contrat: only this contract.

        Returns:
            A row a figure. What must be told of them is in the schema's metadata: `offres` in all, `simule`, and
            `part_non_placee` (0 to 1) when a territory was asked.

        Raises:
            UsageError: these do not go together, an unknown name, or the store has too few nights.
            StoreCorrupt: a file of the store is damaged.
        """
        from moisson.store.indicators.axes import read_axes
        from moisson.store.indicators.definitions import indicateur
        from moisson.store.indicators.result import ask
        from moisson.store.indicators.statement import Question

        question = Question(indicateur(nom), read_axes(by), distinct, region, departement, metier, contrat)
        with self._engine() as engine:
            chiffres = ask(engine, question)
        told = {"offres": str(chiffres.n), "simule": str(self.simulated).lower()}
        if chiffres.part_non_placee is not None:
            told["part_non_placee"] = f"{chiffres.part_non_placee:.6f}"
        return chiffres.table.replace_schema_metadata(told)

    def duckdb(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of your own with the store's tables as views, to make relations from.

        Unlike `sql` it is not confined: it may read and write whatever your program may. Close it when you are done.
        """
        return Engine.unconfined(self._generation)

    def offres(self, where: str | None = None) -> Iterator[dict[str, Any]]:
        """Each offer as the JSON that the API sent: its keys, its spelling; what is not kept is absent.

        Args:
            where: condition in SQL on the columns of the table `offres`; None: all offers.

        Raises:
            UsageError: the condition is wrong.
        """
        with self._engine() as engine:
            selection = as_documents(select(engine, "offres", where=where))
            document = document_of(selection)
            for batch in _feed(engine, selection):
                for row in batch.to_pylist():
                    yield document(row)

    def export(
        self,
        file: str | os.PathLike[str],
        *,
        tables: Sequence[str] = ("offres",),
        columns: Sequence[str] | None = None,
        where: str | None = None,
        bulk: bool = False,
        excel: bool = False,
        progress: Progress | None = None,
    ) -> Exported:
        """Write a file for another tool from the state that is current now; see `export.run.export`."""
        from moisson import __version__
        from moisson.store.export.run import export

        return export(
            self._store,
            Path(file),
            now_s=time.time(),
            made_by=f"moisson {__version__}",
            tables=tables,
            columns=columns,
            where=where,
            bulk=bulk,
            excel=excel,
            progress=progress,
        )

    def _engine(self) -> Engine:
        # One for each question: a result that is still being read must not end because another was asked.
        return Engine(self._generation)


def _feed(engine: Engine, selection: Selection) -> Feed:
    return Feed(selection.table, selection.schema, engine.stream(selection.query(), ROWS_PER_BATCH), 0)


def _closing(engine: Engine, feed: Feed) -> Iterator[pa.RecordBatch]:
    with engine:
        yield from feed
