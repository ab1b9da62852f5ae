"""An indicator as a file for other tools: CSV, Parquet, Excel, GeoPackage, GeoJSON; with what it is beside it.

Files are written as those of `moisson export`, by the same writers. Parquet is GeoParquet when a territory is told. The
file `<name>.datapackage.json` beside each says what the columns mean, where the data come from and under which licence,
and what share of the offers is not placed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from moisson.errors import UsageError
from moisson.store.export.aside import check_place, into_place, written_aside
from moisson.store.export.feed import Feed
from moisson.store.export.job import Job
from moisson.store.export.kinds import KINDS as EXPORTED
from moisson.store.export.kinds import name_of, require
from moisson.store.export.places import GEOMETRY, as_geometry, write_layer
from moisson.store.export.selection import Column, Selection
from moisson.store.export.sidecar import SIDECAR_SUFFIX, Part, data_package, write_sidecar
from moisson.store.indicators.result import Chiffres
from moisson.store.indicators.shown import MENTIONS
from moisson.store.provenance import Provenance

__all__ = ["KINDS", "check_target", "write"]

KINDS = {name: (EXPORTED[name].module, EXPORTED[name].extra) for name in ("csv", "parquet", "xlsx", "gpkg", "geojson")}
"""Kinds of file, each with the library that it needs and the extra that brings it."""

_PLACED = {"parquet", "gpkg", "geojson"}
"""Of these, the kinds that hold the geometry of a territory."""


def check_target(file: Path, kinds: Mapping[str, tuple[str, str]]) -> str:
    """The kind of a file by its name, once it is sure that it can be written.

    Args:
        file: where it shall be.
        kinds: the kinds that there are, each with the library that it needs and the extra that brings it ("": none).

    Raises:
        UsageError: there is no such kind, or its library is not installed.
        StoreUnwritable: there is no such folder.
    """
    kind = name_of(file, kinds)
    require(kind, *kinds[kind])
    check_place(file)
    return kind


def write(file: Path, chiffres: Chiffres, provenance: Provenance, wkb: Mapping[str, bytes]) -> list[Path]:
    """Write the figures, whole or not at all.

    Args:
        file: the end of its name says its kind.
        chiffres: the figures.
        provenance: where they come from.
        wkb: geometry of each territory, by code; empty when they are told by none.

    Returns:
        The file, and the one beside it.

    Raises:
        UsageError: no such kind, its library is missing, or it needs a territory.
        StoreUnwritable, DiskFull: the file cannot be written.
    """
    name = check_target(file, KINDS)
    kind, table = EXPORTED[name], chiffres.table
    if kind.places and chiffres.question.territoire is None:
        raise UsageError(
            f"A .{name} file needs a territory", todo="Add --by departement, or region, epci, commune; or write .csv."
        )
    if kind.rows_max is not None and table.num_rows > kind.rows_max:
        raise UsageError(
            f"{table.num_rows:,} rows do not fit into a sheet", todo="Write .csv or .parquet, or ask by less."
        )
    fields = [field.with_metadata({"meaning": _meaning(field.name, chiffres)}) for field in table.schema]
    columns = tuple(Column(field, field.name) for field in fields)
    selection = Selection(chiffres.question.indicateur.nom, columns, "", None, None, everything=True)
    placed = name in _PLACED and chiffres.question.territoire is not None
    facts = _facts(chiffres)
    with written_aside(file) as aside:
        rows = table.cast(selection.schema)
        if placed:
            rows = _with_geometry(rows, chiffres, wkb)
        feed = Feed(selection.table, rows.schema, rows.to_batches(), rows.num_rows)
        job = Job(selection, feed, aside, provenance, {key: str(value) for key, value in facts.items()})
        if kind.places:
            write_layer(job, name, feed.reader(), _geometry_type(wkb))
        else:
            kind.write(job)
        package = data_package(aside, name, [Part(selection, rows.num_rows)], provenance)
        title = ("[simulated data] " if provenance.simulated else "") + chiffres.question.indicateur.sens
        write_sidecar(aside, {**package, "title": title, "moisson": {**package["moisson"], **facts}})
        sidecar = file.with_name(file.name + SIDECAR_SUFFIX)
        into_place(aside, file, sidecar)
    return [file, sidecar]


def _facts(chiffres: Chiffres) -> dict[str, Any]:
    question = chiffres.question
    asked = {
        nom: getattr(question, nom)
        for nom in ("region", "departement", "metier", "contrat")
        if getattr(question, nom) is not None
    }
    return {
        "indicateur": question.indicateur.nom,
        "distinct": question.distinct,
        "seulement": asked,
        "offres": chiffres.n,
        "part_non_placee": chiffres.part_non_placee,
        "sans_lieu": chiffres.sans_lieu,
        "chiffres_masques": chiffres.marked("masque"),
        "chiffres_petits": chiffres.marked("petit"),
        "nuits": chiffres.nuits,
        "debut": chiffres.debut.isoformat() if chiffres.debut is not None else None,
        "fin": chiffres.fin.isoformat() if chiffres.fin is not None else None,
    }


def _meaning(name: str, chiffres: Chiffres) -> str:
    found = chiffres.question.indicateur
    said = {
        "population": "municipal population, inhabitants",
        "valeur": f"{found.sens} ({found.unite}); null when it is not shown",
        "n": "offers that it rests on; null when that would show a withdrawn offer singly",
        "nuits": "days of the period that had a run",
        "mention": "; ".join(f"{mention}: {sens}" for mention, sens in MENTIONS.items()),
    }
    if name in said:
        return said[name]
    if name.endswith("_nom"):
        return f"name of {name.removesuffix('_nom')}"
    periods = {"jour": "day (UTC) of the run", "semaine": "Monday of the week", "mois": "first day of the month"}
    return periods.get(name, f"code of the {name}; null where it is not known")


def _with_geometry(rows: pa.Table, chiffres: Chiffres, wkb: Mapping[str, bytes]) -> pa.Table:
    """The rows with a last column of geometry, null where none is known, and what GeoParquet says of it."""
    territoire = chiffres.question.territoire
    assert territoire is not None
    codes = rows[territoire.nom].to_pylist()
    shapes = pa.array([wkb.get(code) if code is not None else None for code in codes], pa.binary())
    placed = rows.append_column(as_geometry(pa.field(GEOMETRY, pa.binary())), shapes)
    column = {"encoding": "WKB", "geometry_types": [_geometry_type(wkb)]}
    geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    return placed.replace_schema_metadata({"geo": msgspec.json.encode(geo).decode()})


_GEOMETRY_TYPES = {1: "Point", 6: "MultiPolygon"}


def _geometry_type(wkb: Mapping[str, bytes]) -> str:
    """What the geometries are, by their second byte."""
    return _GEOMETRY_TYPES[next(iter(wkb.values()))[1]] if wkb else "Point"
