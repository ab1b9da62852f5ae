"""DuckDB over the current state: tables as views, nothing else within reach.

A connection looks at the generation that was current when it was made, whatever is folded later. Queries can read that
generation's files and the files handed in, and nothing more: no other file, no network, no extension, no setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from moisson.errors import UsageError
from moisson.store import history_sql
from moisson.store.generation import Generation
from moisson.store.indicators.views import indicator_views
from moisson.store.quiet import no_progress_bar
from moisson.store.quoting import literal
from moisson.store.referentiels import table_name
from moisson.store.schema import TABLES
from moisson.store.sql_errors import explain, interrupted, unknown_table
from moisson.store.store import Store, open_store
from moisson.store.views import VIEWS, View
from moisson.store.yours import KINDS, source
from moisson.territory import reference
from moisson.territory.placing import MACRO, placing_sql

__all__ = ["Engine", "connect", "query", "table_files"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READ_ONLY = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


class Engine:
    """Queries on one state of a store. Use it as a context manager, or `close` it.

    Args:
        generation: the state; None for a store that was never filled: its tables are there, empty.
        with_files: more tables from files of yours, by name; see yours.py.
        threads: threads of the engine, or None for one a core.

    Attributes:
        generation: the state.
        without_history: the state was made before history was kept.

    Raises:
        UsageError: a name is not one, or is taken, or a file is missing or of another kind.
    """

    def __init__(
        self, generation: Generation | None, *, with_files: Mapping[str, Path] | None = None, threads: int | None = None
    ) -> None:
        self.generation = generation
        self._unmade: dict[str, View] = {}
        # Never handed out: a bare connection could write into the very files that it may read.
        self._connection = duckdb.connect(":memory:")
        try:
            self._confine(self._prepare(generation, with_files or {}, threads))
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, generation: Generation | None, with_files: Mapping[str, Path], threads: int | None) -> list[str]:
        """Make the tables; the files that they read."""
        # First of all: what is said of a damaged file asks for it.
        self.without_history = generation is not None and history_sql.no_history(generation.manifest)
        allowed: list[str] = []
        if threads is not None:
            self._connection.execute(f"SET threads = {int(threads)}")
        tables = generation.manifest.tables if generation is not None else {}
        for table in tables:
            assert generation is not None
            columns = history_sql.columns(table, generation.manifest)
            melee = table in generation.manifest.melees
            allowed += self._parquet(table_name(table), generation.files(table), columns=columns, by_name=melee)
        for table, schema in TABLES.items():
            if table not in tables and not (self.without_history and table in history_sql.HISTORY):
                self._connection.from_arrow(schema.empty_table()).create(table)
        if not self.without_history:
            for statement in history_sql.statements():
                self._connection.execute(statement)
        for table, path in reference.files().items():
            allowed += self._parquet(table, [path])
        self._connection.execute("CREATE SCHEMA lieux")
        for table, path in reference.lookup_files().items():
            allowed += self._parquet(table, [path], schema="lieux")
        self._connection.execute(MACRO)
        self._connection.execute(f"CREATE VIEW offres_placees AS {placing_sql('offres')}")
        # Contents of an older store have no pay that was read.
        paid = "salaire_lu" in self._connection.view("offres").columns
        self._unmade = {view.nom: view for view in indicator_views(paie=paid, histoire=not self.without_history)}
        for view in VIEWS:
            with _translated(self):
                self._connection.execute(f'CREATE VIEW "{view.nom}" AS {view.sql}')
        for name, path in with_files.items():
            allowed.append(str(path.resolve()))
            self._add_file(name, path.resolve(), taken=set(self.tables()))
        return allowed

    def _make_indicators(self, sql: str) -> None:
        """Make the views of indicators that a query names: they are large, and only reading them takes a while."""
        for nom in [nom for nom in self._unmade if nom in sql.lower()]:
            self._connection.execute(f'CREATE VIEW "{nom}" AS {self._unmade.pop(nom).sql}')

    def _confine(self, allowed: Sequence[str]) -> None:
        no_progress_bar(self._connection)
        for setting in (
            f"allowed_paths = [{', '.join(map(literal, allowed))}]",
            # Python variables are not tables here: a name in a query must mean the same everywhere.
            "python_enable_replacements = false",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "allow_community_extensions = false",
            "allow_persistent_secrets = false",
            # Nothing is spilled beside whatever folder the person happens to be in.
            "temp_directory = ''",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            self._connection.execute(f"SET {setting}")

    @classmethod
    def unconfined(cls, generation: Generation | None) -> duckdb.DuckDBPyConnection:
        """The same tables in a connection for a program's own use, which may do whatever the program may.

        Raises:
            StoreCorrupt: a file of the store is missing or damaged.
        """
        engine = cls.__new__(cls)
        engine.generation = generation
        engine._unmade = {}
        engine._connection = duckdb.connect(":memory:")
        try:
            engine._prepare(generation, {}, None)
            engine._make_indicators(" ".join(engine._unmade))
        except BaseException:
            engine.close()
            raise
        return engine._connection

    def _parquet(
        self, name: str, files: Sequence[Path], *, schema: str = "main", columns: str = "*", by_name: bool = False
    ) -> list[str]:
        """Show files as a table; `by_name` if they have not all the same columns, which takes time in each of them."""
        paths = [str(path) for path in files]
        listed = ", ".join(map(literal, paths))
        source = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = {by_name})"
        with _translated(self, ours=True):
            self._view(name, source, schema=schema, columns=columns)
        return paths

    def _view(self, name: str, source: str, *, schema: str = "main", columns: str = "*") -> None:
        self._connection.execute(f'CREATE VIEW {schema}."{name}" AS SELECT {columns} FROM {source}')

    def _add_file(self, name: str, path: Path, taken: set[str]) -> None:
        if not _NAME.fullmatch(name) or name in taken:
            raise UsageError(
                f"{name!r} cannot name a table of yours", todo="Use letters, digits and _, and no name of the store's."
            )
        if path.suffix.lower() not in KINDS or not path.is_file():
            raise UsageError(
                f"{path} is not a file that can be joined", todo=f"Give one of these kinds: {', '.join(KINDS)}."
            )
        with _translated(self):
            self._view(name, source(self._connection, path))

    def tables(self) -> list[str]:
        """Names of the tables that a query may use."""
        found = self._connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"
        ).fetchall()
        return sorted({*(name for (name,) in found), *self._unmade})

    def query(self, sql: str) -> pa.Table:
        """Run one reading statement and bring its whole result.

        Raises:
            UsageError: not one statement that only reads, or SQL that is wrong; an unknown table names the nearest.
            StoreCorrupt: a file of the store is missing or damaged.
        """
        return self.stream(sql).read_all()

    def stream(self, sql: str, rows_per_batch: int = 65_536) -> pa.RecordBatchReader:
        """Run one reading statement and bring its result in batches; the next query ends it. Raises as `query`."""
        with _translated(self, sql):
            self._make_indicators(sql)
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type not in _READ_ONLY or _explains_more(sql, statements[0]):
                # A PIVOT that must first find its values is several statements to the engine.
                pivot = " A PIVOT needs its values: ON x IN ('a', 'b')." if "pivot" in sql.lower() else ""
                raise UsageError(
                    "Only one statement that reads can be run", todo=f"Begin it with SELECT, FROM or WITH.{pivot}"
                )
            relation = self._connection.sql(statements[0].query)
            reader: pa.RecordBatchReader = relation.to_arrow_reader(rows_per_batch)
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader))

    def _batches(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        # A mistake may show only in the last row, long after the query began to answer.
        with _translated(self):
            yield from reader

    def interrupt(self) -> None:
        """Give up the query that is running; may be called from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Let go of the files."""
        self._connection.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(store: Store, *, with_files: Mapping[str, Path] | None = None, threads: int | None = None) -> Engine:
    """Queries on the current state of a store; see `Engine`."""
    return Engine(store.generation(), with_files=with_files, threads=threads)


def query(store: Store, sql: str) -> pa.Table:
    """One query on the current state of a store; see `Engine.query`."""
    with connect(store) as engine:
        return engine.query(sql)


def table_files(folder: Path | str, table: str) -> list[Path]:
    """The Parquet files that are a table now: the store's by the link `current`, the geography's as it is shipped.

    Raises:
        UsageError: the store has no such table; the message names the nearest.
        StoreUnwritable: there is no store in this folder.
    """
    store = open_store(folder)
    if table in reference.TABLES:
        return [reference.files()[table]]
    generation = store.generation()
    own = {table_name(name): name for name in generation.manifest.tables} if generation is not None else {}
    if table not in own:
        if table in TABLES:
            return []
        raise unknown_table(table, sorted({*own, *TABLES, *reference.TABLES}))
    return store.files(own[table])


class _translated:  # noqa: N801 -- reads as a statement
    """DuckDB's errors become ours."""

    def __init__(self, engine: Engine, sql: str = "", *, ours: bool = False) -> None:
        self._engine = engine
        self._sql = sql
        self._ours = ours

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if interrupted(error):
            raise KeyboardInterrupt from error
        # What goes wrong while a result is streamed comes as pyarrow's errors, some of them as the system's.
        if isinstance(error, duckdb.Error | pa.ArrowException | OSError):
            not_yet = history_sql.HISTORY if self._engine.without_history else ()
            tables = self._engine.tables()
            raise explain(error, tables, self._sql, ours=self._ours, not_yet=not_yet) from error


def _explains_more(sql: str, statement: duckdb.Statement) -> bool:
    """EXPLAIN ANALYZE runs what follows it, which may write."""
    if statement.type != duckdb.StatementType.EXPLAIN:
        return False
    return re.search(r"\banalyze\b", sql, re.IGNORECASE) is not None
