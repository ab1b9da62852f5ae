"""Borders, those that come with Moisson and those that were brought, as rings of coordinates and as WKB."""

from __future__ import annotations

import functools
import gzip
import struct
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from moisson.errors import StoreCorrupt
from moisson.territory.reference import CONTOURS

__all__ = ["Polygon", "Ring", "point_wkb", "polygons_wkb", "read_shapes", "shapes"]

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


class _Properties(msgspec.Struct):
    code: str


class _Geometry(msgspec.Struct):
    type: str
    coordinates: msgspec.Raw


class _Feature(msgspec.Struct):
    properties: _Properties
    geometry: _Geometry


class _Collection(msgspec.Struct):
    features: list[_Feature]


_Line = list[tuple[float, float]]


def read_shapes(path: Path, codes: Collection[str]) -> dict[str, list[Polygon]]:
    """The polygons of some territories, by code, from a compressed GeoJSON file as Etalab publishes them.

    Args:
        path: each of its features has its code in the property `code`.
        codes: the territories wanted; those that the file does not have are absent.

    Raises:
        StoreCorrupt: it is no such file.
    """
    try:
        collection = msgspec.json.decode(gzip.decompress(path.read_bytes()), type=_Collection)
        found = {
            feature.properties.code: _polygons(feature.geometry)
            for feature in collection.features
            if feature.properties.code in codes
        }
    except (OSError, EOFError, ValueError, msgspec.MsgspecError) as error:
        raise StoreCorrupt(
            f"{path} is not a file of borders: {error}",
            doing="reading borders",
            todo="Type: moisson territories --fetch, or remove the file to do without it.",
        ) from error
    return {code: polygons for code, polygons in found.items() if polygons}


def _polygons(geometry: _Geometry) -> list[Polygon]:
    if geometry.type == "Polygon":
        return [_rings(msgspec.json.decode(geometry.coordinates, type=list[_Line]))]
    if geometry.type == "MultiPolygon":
        return [_rings(lines) for lines in msgspec.json.decode(geometry.coordinates, type=list[list[_Line]])]
    raise ValueError(f"a {geometry.type} is no territory")


def _rings(lines: list[_Line]) -> Polygon:
    return [np.array(line, dtype=np.float64).reshape(-1, 2) for line in lines]


def polygons_wkb(territories: Mapping[str, list[Polygon]]) -> dict[str, bytes]:
    """Territories as multipolygons in well-known binary, as geographic files keep them."""
    return {code: _multipolygon(polygons) for code, polygons in territories.items()}


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
