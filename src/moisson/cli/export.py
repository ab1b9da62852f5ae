"""`moisson export FILE`: a file for another tool, with what it is and where it comes from beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moisson import __version__
from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count, duration, size

if TYPE_CHECKING:
    from moisson.store.export.feed import Progress

__all__ = ["export"]

_LINE_EVERY_S = 60.0


def export(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Ends in .parquet, .csv, .ndjson, .xlsx, .duckdb, .gpkg or .geojson."),
    ],
    store: StoreOption = None,
    table: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="TABLE", help="What to write; repeatable for .duckdb. Default: offres"),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only the rows of which this is true.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="NAMES", help="Only these, in this order: id,lieu_travail.commune,..."),
    ] = None,
    bulk: Annotated[
        bool, typer.Option("--bulk", help="With .ndjson: lines for Elasticsearch and OpenSearch, a mapping beside.")
    ] = False,
    excel: Annotated[
        bool, typer.Option("--excel", help="With .csv: for a French Excel: semicolons, decimal commas.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Write the offers, or any table, for another tool.

    The end of the file's name says its kind. Codes and ids stay texts (01004), offers in .ndjson are as the API
    spelled them, texts that a spreadsheet could take for a formula are made harmless. Beside the file,
    FILE.datapackage.json says what the columns mean, where the data come from, how old they are and under which
    licence. A file appears whole or not at all.

    \b
    Examples:
      moisson export offres.parquet
      moisson export savoie.xlsx --where "departement in ('73', '74')"
      moisson export offres.csv --excel --columns id,intitule,rome_code,lieu_travail.commune,salaire.libelle
      moisson export offres.ndjson --bulk
      moisson export preuve.duckdb --table collectes --table fenetres
    """
    settings = read_settings(config, store=store)
    from moisson.store.export.run import export as write
    from moisson.store.store import open_store

    begun_s = time.monotonic()
    with _progress() as tell:
        done = write(
            open_store(settings.store),
            file.expanduser(),
            now_s=time.time(),
            made_by=f"moisson {__version__}",
            tables=table or ["offres"],
            where=where,
            columns=[name.strip() for name in columns.split(",") if name.strip()] if columns is not None else None,
            bulk=bulk,
            excel=excel,
            progress=tell,
        )
    rows = ", ".join(f"{count(n, 'row')} of {name}" for name, n in done.rows.items())
    console.note(f"{done.files[0]}: {rows}, {size(done.size)} in {duration(time.monotonic() - begun_s)}")
    for beside in done.files[1:]:
        console.note(f"  beside it: {beside}")
    for text in done.notes:
        console.note(f"  note: {text}")
    if done.provenance.simulated:
        console.note("simulated data: they come from a double of the API, not from France Travail")
    else:
        console.note(
            f"source: France Travail, last updated {done.provenance.last_proved_at or 'never proved'}; the licence "
            "asks that both be named, and that offers be not given on as a database"
        )


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal; else a dated line a minute."""
    import sys

    if not console.is_terminal(sys.stderr):
        yield _dated_lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )
    with bar:
        tasks: dict[str, int] = {}

        def tell(table: str, rows: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bar.add_task(table, total=total)
            bar.update(tasks[table], completed=rows)  # type: ignore[arg-type]  # an int under another name

        yield tell


def _dated_lines() -> Progress:
    import datetime as dt

    said_s = time.monotonic()

    def tell(table: str, rows: int, total: int) -> None:
        nonlocal said_s
        if time.monotonic() - said_s >= _LINE_EVERY_S:
            said_s = time.monotonic()
            now = dt.datetime.now().astimezone().isoformat(timespec="seconds")
            console.note(f"{now} {table}: {count(rows)} of {count(total, 'row')} written")

    return tell
