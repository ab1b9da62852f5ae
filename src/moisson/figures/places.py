"""Where territories are: their borders, where these are known, and the middle of the offers in communes and EPCI."""

from __future__ import annotations

from pathlib import Path

from moisson.store.engine import Engine
from moisson.store.indicators.result import Chiffres
from moisson.territory.shapes import Polygon, point_wkb, polygons_wkb, read_shapes, shapes

__all__ = ["BROUGHT", "LEVELS", "borders", "brought", "middles", "wkb_of"]

LEVELS = {"departement": "departements", "region": "regions"}
"""The axes whose borders come with Moisson, and what these are called among the shapes."""

BROUGHT = {"commune": "contours_communes", "epci": "contours_epci"}
"""The axes whose borders `moisson territories --fetch` brings, and what it calls the file."""


def borders(chiffres: Chiffres, folder: Path) -> dict[str, list[Polygon]]:
    """The borders of the territories of some figures, by code; empty where the file was not brought.

    Args:
        chiffres: told by a territory.
        folder: where `moisson territories --fetch` puts what it brings.

    Raises:
        StoreCorrupt: the file that was brought is damaged.
    """
    territoire = chiffres.question.territoire
    assert territoire is not None
    if territoire.nom in LEVELS:
        return shapes(LEVELS[territoire.nom])
    path = brought(territoire.nom, folder)
    codes = {code for code in chiffres.table[territoire.nom].to_pylist() if code is not None}
    return read_shapes(path, codes) if path is not None else {}


def brought(axis: str, folder: Path) -> Path | None:
    """The file of borders of communes or EPCI that was brought into a folder, or None."""
    from moisson.territory.fetch import fetched

    return next((folder / found.fichier for found in fetched(folder) if found.nom == BROUGHT[axis]), None)


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


def wkb_of(engine: Engine, chiffres: Chiffres, folder: Path) -> dict[str, bytes]:
    """The geometry of each territory of some figures, by its code: borders, or else points where the offers are; empty
    when they are told by none. Arguments and errors as `borders`.
    """
    territoire = chiffres.question.territoire
    if territoire is None:
        return {}
    if known := borders(chiffres, folder):
        return polygons_wkb(known)
    return {code: point_wkb(*place) for code, place in middles(engine, territoire.nom).items()}
