"""`moisson map FILE`: an indicator on a map, for a report or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from moisson.cli import console
from moisson.cli.asking import (
    ContratOption,
    DepartementOption,
    DistinctOption,
    MetierOption,
    RegionOption,
    question_of,
    tell,
)
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import size

__all__ = ["draw_map"]


def draw_map(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .html, .png or .svg.")],
    indicator: Annotated[
        str, typer.Option("--indicator", metavar="NAME", help="See: moisson indicator")
    ] = "offres_pour_mille",
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="region, departement, epci or commune.")
    ] = "departement",
    classes: Annotated[int, typer.Option("--classes", min=2, max=6, help="How many colours.")] = 5,
    method: Annotated[
        Literal["quantiles", "jenks"],
        typer.Option("--method", help="How classes are cut: as many territories in each, or natural breaks."),
    ] = "quantiles",
    distinct: DistinctOption = False,
    region: RegionOption = None,
    departement: DepartementOption = None,
    rome: MetierOption = None,
    contract: ContratOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Draw an indicator on a map of France.

    Shares, rates and medians are colours, counts are circles; communes and EPCI are circles where their offers are.
    The .html is one page that works offline and tells the figure under the pointer. Needs moisson[maps].

    \b
    Examples:
      moisson map carte.html
      moisson map carte.png --indicator part_cdi --by region --method jenks
      moisson map communes.svg --indicator offres --by commune --region 84
    """
    settings = read_settings(config, store=store)
    question = question_of(
        indicator, by, distinct=distinct, region=region, departement=departement, rome=rome, contract=contract
    )
    import time

    from moisson import __version__
    from moisson.figures.files import check_target
    from moisson.figures.report import MAP_KINDS, write_map
    from moisson.store.engine import connect
    from moisson.store.provenance import read_provenance
    from moisson.store.store import open_store

    check_target(file, MAP_KINDS)
    opened = open_store(settings.store)
    with connect(opened) as engine:
        provenance = read_provenance(opened, time.time(), f"moisson {__version__}")
        chiffres = write_map(file, engine, question, provenance, classes=classes, methode=method)
    console.note(f"{file}: {size(file.stat().st_size)}")
    tell(chiffres, provenance)
