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
    answering,
    question_of,
    tell_drawn,
)
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import shell

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

    Shares, rates and medians are colours, counts are circles. Communes and EPCI have colours once moisson territories
    --fetch has brought their borders; until then they are circles where their offers are, coloured for a rate.
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
    from moisson.figures.places import BROUGHT, brought
    from moisson.figures.report import write_map
    from moisson.store.layout import Layout

    folder = Layout(settings.store).territoires
    with answering(settings.store) as (engine, provenance):
        chiffres = write_map(file, engine, question, provenance, folder, classes=classes, methode=method)
    tell_drawn(file, chiffres, provenance)
    if by in BROUGHT and question.indicateur.genre != "compte" and brought(by, folder) is None:
        fetch = f"moisson territories --fetch --store {shell(settings.store)}"
        console.note(f"circles, since there are no borders of each {by} here; {fetch} brings them")
