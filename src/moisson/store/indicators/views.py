"""Indicators as views of `moisson sql`: those of the offers online now by territory, and every one by week. Pure.

A view holds many indicators, a row a figure, told apart by its column `indicateur`: so there are five views rather than
fifty, and figures that belong together are read together. Each is the definition's own SQL, shown by the same rules as
everywhere: what has no view (trades, contracts, days, one région only) is a question for `moisson indicator`.
"""

from __future__ import annotations

from itertools import groupby

import pyarrow as pa

from moisson.store.colonne import colonne
from moisson.store.indicators.axes import AXES, Axe
from moisson.store.indicators.definitions import INDICATEURS, Indicateur
from moisson.store.indicators.shown import MENTIONS, shown
from moisson.store.indicators.statement import Question, figures, rows
from moisson.store.views import View

__all__ = ["PAR_SEMAINE", "indicator_views"]

PAR_SEMAINE = "indicateurs_par_semaine"
"""The one view that needs history."""

_TERRITOIRES = ("region", "departement", "epci", "commune")


def indicator_views(*, paie: bool = True, histoire: bool = True) -> list[View]:
    """The views.

    Args:
        paie: the store reads the pay; else the indicators that look at it are left out.
        histoire: the store keeps history; else there is no view of it.
    """
    known = [found for found in INDICATEURS.values() if paie or not found.paie]
    now = [found for found in known if found.fonds == "etat"]
    views = [_view(AXES[nom], now, "the offers online now") for nom in _TERRITOIRES]
    if histoire:
        views.append(_view(AXES["semaine"], known, "each week that had a run"))
    return views


def _view(axe: Axe, indicateurs: list[Indicateur], of: str) -> View:
    nom = f"indicateurs_par_{axe.nom}"
    assert axe.sorte == "territoire" or nom == PAR_SEMAINE
    if axe.sorte == "territoire":
        said = f"one indicator of {of} in one {axe.nom}; docs/indicators.md defines each"
        own = [
            colonne(axe.nom, pa.string(), f"code of the {axe.nom}; null: offers that are not placed at this level"),
            colonne(f"{axe.nom}_nom", pa.string(), f"name of the {axe.nom}"),
        ]
        more = []
    else:
        said = f"one indicator of {of}; docs/indicators.md defines each"
        own = [colonne(axe.nom, pa.date32(), "Monday of the week")]
        more = [colonne("nuits", pa.int64(), "days of the week that had a run", unite="days")]
    schema = pa.schema(
        [
            colonne("indicateur", pa.string(), "name of the indicator"),
            *own,
            colonne("valeur", pa.float64(), "the figure, in the indicator's unit; null when it is not shown"),
            colonne("n", pa.int64(), "offers that it rests on; null when that would show a withdrawn offer singly"),
            *more,
            colonne("mention", pa.string(), "; ".join(f"{mention}: {sens}" for mention, sens in MENTIONS.items())),
        ]
    )
    return View(nom, said, _union(axe, indicateurs, schema.names[1:]), schema)


def _union(axe: Axe, indicateurs: list[Indicateur], columns: list[str]) -> str:
    """The figures of all, those over the same rows from one reading of them."""
    questions = [Question(found, (axe,)) for found in indicateurs]
    parts = []
    for _, of_one in groupby(sorted(questions, key=_rows_of), _rows_of):
        together = list(of_one)
        selects = [
            f"SELECT '{question.indicateur.nom}' AS indicateur, {', '.join(columns)} "
            f"FROM ({shown(question, figures(question, ()))})"
            for question in together
        ]
        parts.append(f"SELECT * FROM (WITH {', '.join(rows(together))} {' UNION ALL '.join(selects)})")
    return " UNION ALL ".join(parts)


def _rows_of(question: Question) -> str:
    return question.indicateur.fonds
