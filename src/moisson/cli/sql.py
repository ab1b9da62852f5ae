"""`moisson sql "select …"`: query the store."""

from __future__ import annotations

import contextlib
import enum
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

import typer

from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count
from moisson.errors import StoreUnwritable, UsageError

__all__ = ["Format", "sql"]


class Format(enum.StrEnum):
    """How a result is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One statement that reads: select, from or with.")],
    store: StoreOption = None,
    format_: Annotated[Format, typer.Option("--format", help="How the result is written.")] = Format.table,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to. Default: the standard output")
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=FILE", help="Join a Parquet, CSV or JSON file of yours; repeatable."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Query the store; it can only be read.

    The tables: offres, offres_placees (each with its territory), communes, departements, regions, epci, collectes,
    fenetres, erreurs, the code lists; "show tables" lists them.

    \b
    Examples:
      moisson sql "select rome_code, count(*) as n from offres group by all order by n desc limit 10"
      moisson sql "select * from fenetres" --format csv > fenetres.csv
      moisson sql "select * from offres" --format parquet --output offres.parquet
    """
    settings = read_settings(config, store=store)
    if format_ is Format.parquet and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal", todo="Add --output FILE, or send it into a pipe.")
    joined = _joined(with_ or [])
    from moisson.cli.tabular import WRITERS
    from moisson.store.engine import connect
    from moisson.store.store import open_store

    opened = open_store(settings.store)
    with connect(opened, with_files=joined) as engine:
        # The query runs before the file is made: one that is wrong leaves nothing behind.
        reader = engine.stream(query)
        with _destination(output) as out:
            rows, more = WRITERS[format_](reader, out)
    if format_ is Format.table:
        console.note(f"({count(rows, 'row')}{' shown, there are more: --format csv gives all' if more else ''})")
    if opened.simulated:
        console.note("simulated data: they come from a double of the API, not from France Travail")


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
