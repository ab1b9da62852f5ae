"""`moisson files TABLE`: the Parquet files that are this table now."""

from __future__ import annotations

from typing import Annotated

import typer

from moisson.cli.options import ConfigOption, StoreOption, read_settings

__all__ = ["files"]


def files(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, as offres.")],
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a table's Parquet files, one a line.

    They are the current state and nothing else; any tool that reads Parquet can open them.

    \b
    Examples:
      moisson files offres
      duckdb -c "select count(*) from read_parquet('moisson-store/current/offres/*.parquet')"
    """
    settings = read_settings(config, store=store)
    from moisson.store.engine import table_files

    for path in table_files(settings.store, table):
        typer.echo(str(path))
