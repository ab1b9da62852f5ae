"""Where territories are: polygons of départements and régions, and for communes and EPCI the middle of their offers."""

from __future__ import annotations

from moisson.store.engine import Engine
from moisson.store.indicators.statement import Question
from moisson.territory.shapes import point_wkb, shapes_wkb

__all__ = ["LEVELS", "middles", "wkb_of"]

LEVELS = {"departement": "departements", "region": "regions"}
"""The axes that have borders, and what these are called among the shapes."""


def middles(engine: Engine, axis: str) -> dict[str, tuple[float, float]]:
    """Longitude and latitude, degrees, in the middle of the offers that are online in each commune or EPCI.

    No open package has the centres of communes; offers carry coordinates. The median withstands a wrong one. A
    territory none of whose offers has coordinates is absent.
    """
    rows = engine.query(
        f"SELECT {axis} AS code, median(lieu_travail.longitude) AS x, median(lieu_travail.latitude) AS y "
        f"FROM offres_placees WHERE {axis} IS NOT NULL AND lieu_travail.longitude IS NOT NULL "
        "AND lieu_travail.latitude IS NOT NULL GROUP BY ALL"
    )
    return {row["code"]: (row["x"], row["y"]) for row in rows.to_pylist()}


def wkb_of(engine: Engine, question: Question) -> dict[str, bytes]:
    """The geometry of each territory of a question, by its code; empty when it is told by none."""
    territoire = question.territoire
    if territoire is None:
        return {}
    if territoire.nom in LEVELS:
        return shapes_wkb(LEVELS[territoire.nom])
    return {code: point_wkb(*place) for code, place in middles(engine, territoire.nom).items()}
