"""FILE.datapackage.json: what a file is, for people and programs (Frictionless Data Package 1.0).

It is named after its file, and not datapackage.json, so that several exports can share a folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.types as types

from moisson.store.export.selection import Column, Selection
from moisson.store.export.text import EXCEL_INSTANT
from moisson.store.official import OFFRE
from moisson.store.provenance import LICENCE_NAME, LICENCE_URL, Provenance

__all__ = ["SIDECAR_SUFFIX", "Part", "data_package", "write_sidecar"]

SIDECAR_SUFFIX = ".datapackage.json"
"""What is added to a file's name."""

_KEYS = {champ.nom: champ.cle for champ in OFFRE.champs}
_MODIFIED = {
    "csv": "Texts that begin with = + - @, a tab or a carriage return have an apostrophe before them, plain numbers "
    "excepted.",
    "xlsx": "Texts of more than 32,767 characters are cut.",
    "ndjson": "Keys without a value are left out, as the API does.",
    "gpkg": "Rows without coordinates have no point.",
    "geojson": "Rows without coordinates have no point.",
}


@dataclass(frozen=True)
class Part:
    """A table that a file holds.

    Attributes:
        selection: what was chosen.
        rows: rows written.
    """

    selection: Selection
    rows: int


def write_sidecar(file: Path, package: Mapping[str, Any]) -> None:
    """Write a data package beside its file."""
    text = msgspec.json.format(msgspec.json.encode(package), indent=2)
    file.with_name(file.name + SIDECAR_SUFFIX).write_bytes(text + b"\n")


def data_package(
    file: Path, kind: str, parts: Sequence[Part], provenance: Provenance, *, excel: bool = False
) -> dict[str, Any]:
    """The content of the sidecar.

    Args:
        file: the file, whole.
        kind: its kind: parquet, csv, ndjson, xlsx, duckdb, gpkg or geojson.
        parts: the tables in it.
        provenance: where they come from.
        excel: a CSV for a French Excel.
    """
    facts, name, size = provenance.facts(), file.name, file.stat().st_size
    with file.open("rb") as data:
        sha256 = hashlib.file_digest(data, "sha256").hexdigest()
    warning = "Simulated data: not one of these offers is true. " if provenance.simulated else ""
    return {
        "profile": "data-package",
        "name": slug(name),
        "title": f"{'Simulated' if provenance.simulated else 'France Travail'}: "
        f"{', '.join(part.selection.table for part in parts)}",
        "description": f"{warning}{facts['method']}",
        "created": provenance.made_at,
        "sources": [{"title": facts["source"], "path": facts["source_url"]}]
        if not provenance.simulated
        else [{"title": f"{facts['source']} ({provenance.source})"}],
        "licenses": [{"name": "france-travail-offres", "title": LICENCE_NAME, "path": LICENCE_URL}],
        "resources": [
            {
                "name": slug(part.selection.table),
                "path": name,
                **_FORMATS[kind],
                **(_EXCEL if excel else {}),
                "bytes": size,
                "hash": f"sha256:{sha256}",
                "schema": _schema(kind, part.selection, excel=excel),
                "moisson": {
                    "table": part.selection.table,
                    "where": part.selection.where or None,
                    "rows": part.rows,
                    "modified": _MODIFIED.get(kind),
                },
            }
            for part in parts
        ],
        "moisson": {
            "simulated": provenance.simulated,
            "collected_from": provenance.source,
            "last_proved_at": provenance.last_proved_at,
            "proved": provenance.proved,
            "collecte": provenance.collecte,
            "generation": provenance.generation,
            "made_by": provenance.made_by,
        },
    }


# A table is checked cell by cell by Frictionless; other kinds of file by their size and hash.
_FORMATS: dict[str, dict[str, Any]] = {
    "csv": {
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True, "header": True},
    },
    "xlsx": {
        "profile": "tabular-data-resource",
        "format": "xlsx",
        "mediatype": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    },
    "parquet": {"type": "file", "format": "parquet", "mediatype": "application/vnd.apache.parquet"},
    "ndjson": {"type": "file", "format": "ndjson", "mediatype": "application/x-ndjson", "encoding": "utf-8"},
    "duckdb": {"type": "file", "format": "duckdb", "mediatype": "application/vnd.duckdb"},
    "gpkg": {"type": "file", "format": "gpkg", "mediatype": "application/geopackage+sqlite3"},
    "geojson": {"type": "file", "format": "geojson", "mediatype": "application/geo+json", "encoding": "utf-8"},
}

_EXCEL = {
    "encoding": "utf-8-sig",
    "dialect": {"delimiter": ";", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True, "header": True},
}


_FRENCH: dict[str, dict[str, Any]] = {
    "number": {"decimalChar": ","},
    "boolean": {"trueValues": ["VRAI"], "falseValues": ["FAUX"]},
    "datetime": {"format": EXCEL_INSTANT},
}
"""How a French Excel writes values."""


def _schema(kind: str, selection: Selection, *, excel: bool) -> dict[str, Any]:
    documents = kind == "ndjson"
    fields = []
    for column in selection.columns:
        field: dict[str, Any] = {"name": _KEYS.get(column.name, column.name) if documents else column.name}
        field |= _type(column)
        if excel:
            field |= _FRENCH.get(field["type"], {})
        sens, unite, source = (column.said(key) for key in ("meaning", "unit", "source"))
        if sens:
            field["description"] = f"{sens} ({unite})" if unite and unite not in sens else sens
        if source:
            field["source"] = source
        fields.append(field)
    return {"fields": fields, "missingValues": [""]}


def _type(column: Column) -> dict[str, Any]:
    type_: pa.DataType = column.field.type
    if column.json or types.is_list(type_):
        return {"type": "array"}
    if types.is_struct(type_):
        return {"type": "object"}
    if types.is_timestamp(type_):
        return {"type": "datetime"}
    if types.is_date(type_):
        return {"type": "date"}
    if types.is_boolean(type_):
        return {"type": "boolean"}
    if types.is_integer(type_):
        return {"type": "integer"}
    if types.is_floating(type_) or types.is_decimal(type_):
        return {"type": "number"}
    return {"type": "string"}


def slug(name: str) -> str:
    """A name as a data package takes it: lower case, digits, - _ and ."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-") or "export"
