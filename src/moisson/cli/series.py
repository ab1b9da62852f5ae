"""`moisson series NAME FILE`: an indicator over time, for a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moisson.cli import console
from moisson.cli.asking import (
    ContratOption,
    DepartementOption,
    MetierOption,
    RegionOption,
    question_of,
    tell,
)
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import size

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
    missing are hatched or hollow. Needs moisson[maps].

    \b
    Examples:
      moisson series nouvelles nouvelles.png
      moisson series offres offres.svg --by jour,grand_domaine --region 84
    """
    settings = read_settings(config, store=store)
    question = question_of(
        name, by, distinct=False, region=region, departement=departement, rome=rome, contract=contract
    )
    import time

    from moisson import __version__
    from moisson.figures.files import check_target
    from moisson.figures.report import SERIES_KINDS, write_series
    from moisson.store.engine import connect
    from moisson.store.provenance import read_provenance
    from moisson.store.store import open_store

    check_target(file, SERIES_KINDS)
    opened = open_store(settings.store)
    with connect(opened) as engine:
        provenance = read_provenance(opened, time.time(), f"moisson {__version__}")
        chiffres = write_series(file, engine, question, provenance)
    console.note(f"{file}: {size(file.stat().st_size)}")
    tell(chiffres, provenance)
