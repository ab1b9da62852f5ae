"""The borders that come with Moisson, as rings of coordinates and as WKB. Pure but for reading the shipped file."""

from __future__ import annotations

import functools
import struct
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from moisson.territory.reference import CONTOURS

__all__ = ["Polygon", "Ring", "point_wkb", "shapes", "shapes_wkb"]

Ring = npt.NDArray[np.float64]
"""Points of a closed line, one a row: longitude and latitude, degrees, WGS 84; the last is the first."""

Polygon = list[Ring]
"""The outer ring, then the holes."""


@functools.cache
def shapes(level: str) -> dict[str, list[Polygon]]:
    """The polygons of each département or région, by its code.

    Args:
        level: "departements" or "regions".
    """
    topology = msgspec.json.decode(CONTOURS.read_bytes())
    scale, translate = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    # Each point of an arc is told as the step from the one before, on a grid.
    arcs = [np.cumsum(np.array(arc, dtype=np.float64), axis=0) * scale + translate for arc in topology["arcs"]]

    def ring(numbers: list[int]) -> Ring:
        # ~n is arc n walked backwards; each arc begins where the one before ends.
        parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
        return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])

    def polygons(geometry: dict[str, Any]) -> list[Polygon]:
        many = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        return [[ring(numbers) for numbers in polygon] for polygon in many]

    return {geometry["id"]: polygons(geometry) for geometry in topology["objects"][level]["geometries"]}


@functools.cache
def shapes_wkb(level: str) -> dict[str, bytes]:
    """The same as multipolygons in well-known binary, as geographic files keep them."""
    return {code: _multipolygon(polygons) for code, polygons in shapes(level).items()}


def point_wkb(longitude: float, latitude: float) -> bytes:
    """A point in well-known binary; degrees."""
    return struct.pack("<BIdd", 1, 1, longitude, latitude)


def _multipolygon(polygons: list[Polygon]) -> bytes:
    parts = [struct.pack("<BII", 1, 6, len(polygons))]
    for polygon in polygons:
        parts.append(struct.pack("<BII", 1, 3, len(polygon)))
        for ring in polygon:
            parts += [struct.pack("<I", len(ring)), ring.astype("<f8").tobytes()]
    return b"".join(parts)
