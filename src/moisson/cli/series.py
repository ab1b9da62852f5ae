"""`moisson series NAME FILE`: an indicator over time, for a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moisson.cli.asking import (
    ContratOption,
    DepartementOption,
    MetierOption,
    RegionOption,
    answering,
    question_of,
    tell_drawn,
)
from moisson.cli.options import ConfigOption, StoreOption, read_settings

__all__ = ["series"]


def series(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The indicator. See: moisson indicator")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .png or .svg.")],
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="NAMES", help="jour, semaine or mois; and one thing more at most: semaine,region."
        ),
    ] = "semaine",
    region: RegionOption = None,
    departement: DepartementOption = None,
    rome: MetierOption = None,
    contract: ContratOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Draw an indicator over time.

    Bars for what comes and goes, lines for what is there at the end of each period. Periods in which nights are
    missing are hatched or hollow. Offers that are published twice count twice: which are is known of the present only,
    so there is no --distinct here. Needs moisson[maps].

    \b
    Examples:
      moisson series nouvelles nouvelles.png
      moisson series offres offres.svg --by jour,grand_domaine --region 84
    """
    settings = read_settings(config, store=store)
    question = question_of(
        name, by, distinct=False, region=region, departement=departement, rome=rome, contract=contract
    )
    from moisson.figures.report import write_series

    with answering(settings.store) as (engine, provenance):
        chiffres = write_series(file, engine, question, provenance)
    tell_drawn(file, chiffres, provenance)
