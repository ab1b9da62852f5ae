"""Maps: GeoPackage and GeoJSON, a point a row, written by GDAL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from moisson.store.export.job import Job

__all__ = ["GEOMETRY", "LATITUDE", "LONGITUDE", "as_geometry", "write_geojson", "write_gpkg", "write_layer"]

LATITUDE = "moisson_latitude"
LONGITUDE = "moisson_longitude"
"""The last two columns of a feed for a map; they become the point."""

GEOMETRY = "geometry"
"""How the column is called that holds it."""

_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""A point in well-known binary: little-endian (1), type 1, longitude, latitude (OGC 06-103r4, 8.2)."""


def write_gpkg(job: Job) -> list[str]:
    """A GeoPackage with a layer of points named as the table, in WGS 84, with its spatial index."""
    return _write(job, "gpkg")


def write_geojson(job: Job) -> list[str]:
    """A GeoJSON file as RFC 7946 has it; lists are JSON inside."""
    return _write(job, "geojson")


def write_layer(job: Job, kind: str, rows: pa.RecordBatchReader, geometry: str) -> None:
    """Write rows whose last column is their geometry in well-known binary.

    Args:
        job: what they are.
        kind: "gpkg" or "geojson".
        rows: the rows, the last column called as GEOMETRY.
        geometry: what it is: "Point", "MultiPolygon", or "Unknown" for several.
    """
    import pyogrio

    facts = job.facts()
    # What is said of the file; a title that happens to look like JSON is a text all the same.
    said: dict[str, Any] = {"dataset_metadata": facts}
    if kind == "geojson":
        description = f"{facts['source']}, last updated {facts['last_updated']}, licence: {facts['licence_url']}"
        said = {"layer_options": {"RFC7946": "YES", "AUTODETECT_JSON_STRINGS": "NO", "DESCRIPTION": description}}
    pyogrio.write_arrow(
        rows,
        str(job.path),
        layer=job.selection.table,
        driver={"gpkg": "GPKG", "geojson": "GeoJSON"}[kind],
        geometry_name=GEOMETRY,
        geometry_type=geometry,
        crs="EPSG:4326",
        **said,
    )


def as_geometry(field: pa.Field[pa.DataType]) -> pa.Field[pa.DataType]:
    """The same column, known to GDAL as geometry in well-known binary."""
    return field.with_metadata({"ARROW:extension:name": "geoarrow.wkb"})


def _write(job: Job, kind: str) -> list[str]:
    points = _Points(job)
    write_layer(job, kind, pa.RecordBatchReader.from_batches(points.schema, iter(points)), "Point")
    if not points.nowhere:
        return []
    return [f"{points.nowhere:,} of {job.feed.rows:,} rows have no coordinates: they are there, without a point."]


class _Points:
    """The rows of a feed, latitude and longitude made a point; counts those that are nowhere."""

    def __init__(self, job: Job) -> None:
        self._feed = job.feed
        self._kept = len(job.selection.columns)
        fields = []
        for column in job.selection.columns:
            # GDAL knows by this name that a text is JSON.
            said = {"ARROW:extension:name": "arrow.json"} if column.json else None
            fields.append(pa.field(column.name, column.field.type, metadata=said))
        self.schema = pa.schema([*fields, as_geometry(pa.field(GEOMETRY, pa.binary()))])
        self.nowhere = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._feed:
            points = _points(batch.column(LATITUDE), batch.column(LONGITUDE))
            self.nowhere += points.null_count
            yield pa.RecordBatch.from_arrays([*batch.columns[: self._kept], points], schema=self.schema)


def _points(latitude: pa.Array[Any], longitude: pa.Array[Any]) -> pa.Array[Any]:
    """Points in well-known binary; null where a coordinate is missing, or is none on Earth."""
    there = pc.and_(_within(latitude, 90.0), _within(longitude, 180.0))
    found = np.zeros(len(latitude), _POINT)
    found["order"] = found["type"] = 1
    found["x"] = longitude.fill_null(0.0).to_numpy(zero_copy_only=False)
    found["y"] = latitude.fill_null(0.0).to_numpy(zero_copy_only=False)
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_POINT.itemsize), len(found), [None, pa.py_buffer(found.tobytes())]
    )
    points: pa.Array[Any] = pc.if_else(there, fixed.cast(pa.binary()), pa.scalar(None, pa.binary()))
    return points


def _within(values: pa.Array[Any], most: float) -> pa.Array[Any]:
    return pc.less_equal(pc.abs(values), pa.scalar(most)).fill_null(False)
