"""`moisson indicator NAME FILE`: one indicator by territory, trade, contract and period, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    tell,
)
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count

__all__ = ["indicator"]


def indicator(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The indicator. Without it, all are listed.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="Ends in .csv, .parquet, .xlsx, .gpkg or .geojson. Without it, shown here."
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="NAMES",
            help="At most one of region, departement, epci, commune; grand_domaine, domaine, rome; contrat; jour, "
            "semaine, mois: joined by commas.",
        ),
    ] = "",
    distinct: DistinctOption = False,
    region: RegionOption = None,
    departement: DepartementOption = None,
    rome: MetierOption = None,
    contract: ContratOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Compute an indicator, as a table or a file for another tool.

    docs/indicators.md defines each. A figure that rests on too few offers is left out and says so; offers that cannot
    be placed are a row without a code. Beside a file, FILE.datapackage.json says what it is and under which licence.

    \b
    Examples:
      moisson indicator
      moisson indicator offres_pour_mille --by departement
      moisson indicator salaire_median salaires.xlsx --by region,grand_domaine
      moisson indicator nouvelles nouvelles.csv --by departement,semaine --rome M18
      moisson indicator offres offres.gpkg --by commune --region 84
    """
    from moisson.store.indicators.definitions import INDICATEURS

    if name is None:
        wide = max(map(len, INDICATEURS))
        for found in INDICATEURS.values():
            typer.echo(f"{found.nom:<{wide}}  {found.sens}")
        return
    question = question_of(
        name, by, distinct=distinct, region=region, departement=departement, rome=rome, contract=contract
    )
    settings = read_settings(config, store=store)
    from moisson.figures.files import KINDS, check_target, write
    from moisson.figures.places import wkb_of
    from moisson.store.indicators.result import ask
    from moisson.store.layout import Layout

    kind = check_target(file, KINDS) if file is not None else ""
    with answering(settings.store) as (engine, provenance):
        chiffres = ask(engine, question)
        places = Layout(settings.store).territoires
        wkb = wkb_of(engine, chiffres, places) if kind in {"gpkg", "geojson", "parquet"} else {}
    if file is None:
        _show(chiffres.table)
    else:
        made = write(file, chiffres, provenance, wkb)
        console.note(f"{made[0]}: {count(chiffres.table.num_rows, 'row')}; beside it: {made[1]}")
    tell(chiffres, provenance)


def _show(table: object) -> None:
    import sys

    import pyarrow as pa

    from moisson.cli.tabular import ROWS_SHOWN, write_table

    assert isinstance(table, pa.Table)
    if write_table(table.to_reader(), sys.stdout.buffer).more:
        console.note(f"only the first {count(ROWS_SHOWN, 'row')} of {count(table.num_rows)}; give a FILE for all")
