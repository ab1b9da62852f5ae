"""`moisson sql "select …"`: query the store."""

from __future__ import annotations

import contextlib
import enum
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from moisson.cli import console
from moisson.cli.interrupting import interruptible
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count
from moisson.errors import StoreUnwritable, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from moisson.store.engine import Engine

__all__ = ["Format", "sql"]

MEANING_MAX = 250


class Format(enum.StrEnum):
    """How a result is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="One statement that reads: select, from or with.")
    ] = None,
    store: StoreOption = None,
    format_: Annotated[Format, typer.Option("--format", help="How the result is written.")] = Format.table,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to. Default: the standard output")
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=FILE", help="Join a Parquet, CSV or JSON file of yours; repeatable."),
    ] = None,
    tables: Annotated[bool, typer.Option("--tables", help="List the tables, with their rows.")] = False,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="TABLE", help="List a table's columns, with what they mean.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Query the store; it can only be read.

    A query sees the store's tables and the files given by --with, and nothing else: no other file, no network, no
    setting. On a terminal the table is made to fit; every other form holds the whole result.

    In a CSV of yours, columns of codes stay text: those with a leading zero (01004) or letters (2A) anywhere, and those
    called as codes are (code_insee, siret, departement). For a number, write "departement"::integer.

    \b
    Examples:
      moisson sql --tables
      moisson sql --columns offres
      moisson sql "select rome_code, count(*) as n from offres group by all order by n desc limit 10"
      moisson sql "select nom, count(*) from offres join z on z.insee = commune group by all" --with z=zones.csv
      moisson sql "select * from fenetres" --format csv > fenetres.csv
      moisson sql "select * from offres" --format parquet --output offres.parquet
    """
    settings = read_settings(config, store=store)
    if format_ is Format.parquet and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal", todo="Add --output FILE, or send it into a pipe.")
    if sum((query is not None, tables, columns is not None)) != 1:
        raise UsageError(
            "Give one of these: a query, --tables, or --columns TABLE",
            todo='As in: moisson sql "select count(*) from offres"',
        )
    joined = _joined(with_ or [])
    from moisson.cli.tabular import CELL_MAX, WRITERS, write_table
    from moisson.store.engine import connect
    from moisson.store.store import open_store

    opened = open_store(settings.store)
    with connect(opened, with_files=joined) as engine, interruptible(engine.interrupt):
        # The query runs before the file is made: one that is wrong leaves nothing behind.
        reader = _listing(engine, columns) if query is None else engine.stream(query)
        with _destination(output) as out:
            if format_ is Format.table:
                shown = write_table(
                    reader,
                    out,
                    width=_width() if output is None else None,
                    # What a column means is there to be read whole.
                    cell_max=CELL_MAX if query is not None else MEANING_MAX,
                )
            else:
                WRITERS[format_](reader, out)
    if format_ is Format.table:
        more = ", there are more" if shown.more else ""
        left = f", {count(shown.hidden, 'column')} left out" if shown.hidden else ""
        whole = ": --format csv or json gives all" if more or left else ""
        console.note(f"({count(shown.rows, 'row')}{' shown' if more else ''}{more}{left}{whole})")
    if opened.simulated:
        console.note("simulated data: they come from a double of the API, not from France Travail")


def _listing(engine: Engine, table: str | None) -> pa.RecordBatchReader:
    """The tables, or the columns of one, as a result like any other."""
    import msgspec
    import pyarrow as pa

    from moisson.store.catalogue import Colonne, TableInfo, describe_columns, describe_tables

    kind = TableInfo if table is None else Colonne
    found = describe_tables(engine) if table is None else describe_columns(engine, table)
    rows = [msgspec.structs.asdict(one) for one in found]
    names = kind.__struct_fields__
    listed = pa.table({name: [row[name] for row in rows] for name in names})
    return listed.to_reader()


def _width() -> int | None:
    """Columns of the terminal that a table must fit into; None when a program reads it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _joined(given: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--with {text} is not NAME=FILE", todo="As in: --with zones=zones.csv")
        files[name] = Path(path).expanduser()
    return files


@contextlib.contextmanager
def _destination(output: Path | None) -> Iterator[IO[bytes]]:
    """Where the result goes; a file appears whole or not at all."""
    if output is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    aside = output.with_name(f".{output.name}.part")
    try:
        with aside.open("wb") as out:
            yield out
        aside.replace(output)
    except OSError as problem:
        raise StoreUnwritable(
            f"{output} cannot be written: {problem.strerror}", todo="Give another place with --output."
        ) from problem
    finally:
        aside.unlink(missing_ok=True)
