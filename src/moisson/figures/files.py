"""An indicator as a file for other tools: CSV, Parquet, Excel, GeoPackage, GeoJSON; with what it is beside it.

Parquet is GeoParquet when a territory is told. The file `<name>.datapackage.json` beside each says what the columns
mean, where the data come from and under which licence, and what share of the offers is not placed.
"""

from __future__ import annotations

import importlib.util
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from moisson.errors import StoreUnwritable, UsageError
from moisson.store.indicators.result import Chiffres
from moisson.store.indicators.shown import MENTIONS
from moisson.store.provenance import Provenance

__all__ = ["KINDS", "SIDECAR", "check_target", "package", "with_geometry", "write"]

SIDECAR = ".datapackage.json"
_GEOMETRY = "geometry"
_XLSX_ROWS_MAX = 1_048_575


def check_target(file: Path, kinds: dict[str, tuple[str, str]]) -> str:
    """The kind of a file by its name, once it is sure that it can be written.

    Args:
        file: where it shall be.
        kinds: the kinds that there are, each with the library that it needs and the extra that brings it ("": none).

    Raises:
        UsageError: there is no such kind, or its library is not installed.
        StoreUnwritable: there is no such folder.
    """
    kind = file.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise UsageError(
            f"{file.name} does not say by its end what it shall be",
            todo=f"There are: {', '.join('.' + name for name in kinds)}.",
        )
    module, extra = kinds[kind]
    if module and importlib.util.find_spec(module) is None:
        raise UsageError(
            f"Writing .{kind} needs the library {module}, which is not installed",
            todo=f"Type: pip install 'moisson[{extra}]'",
        )
    if not file.parent.is_dir():
        raise StoreUnwritable(f"There is no folder {file.parent}", todo="Make it first, or give another place.")
    return kind


KINDS = {
    "csv": ("", ""),
    "parquet": ("", ""),
    "xlsx": ("xlsxwriter", "excel"),
    "gpkg": ("pyogrio", "geo"),
    "geojson": ("pyogrio", "geo"),
}
"""Kinds of file, each with the library that it needs and the extra that brings it."""


def write(file: Path, chiffres: Chiffres, provenance: Provenance, wkb: dict[str, bytes]) -> list[Path]:
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
        StoreUnwritable: the file cannot be written.
    """
    kind = check_target(file, KINDS)
    territoire = chiffres.question.territoire
    if kind in {"gpkg", "geojson"} and territoire is None:
        raise UsageError(
            f"A .{kind} file needs a territory", todo="Add --by departement, or region, epci, commune; or write .csv."
        )
    if kind == "xlsx" and chiffres.table.num_rows > _XLSX_ROWS_MAX:
        raise UsageError(
            f"{chiffres.table.num_rows:,} rows do not fit into a sheet", todo="Write .csv or .parquet, or ask by less."
        )
    sidecar = file.with_name(file.name + SIDECAR)
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        aside.mkdir()
        made = aside / file.name
        _WRITERS[kind](made, chiffres, provenance, wkb)
        said = aside / sidecar.name
        said.write_bytes(msgspec.json.format(msgspec.json.encode(package(file.name, chiffres, provenance))) + b"\n")
        made.replace(file)
        said.replace(sidecar)
    except OSError as error:
        raise StoreUnwritable(
            f"{file} cannot be written: {error.strerror or error}", todo="Give another place."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [file, sidecar]


# --- what a file is ---------------------------------------------------------------------------------------------------

_TYPES = {"string": "string", "int64": "integer", "double": "number", "date32[day]": "date"}


def package(name: str, chiffres: Chiffres, provenance: Provenance) -> dict[str, Any]:
    """A data package (Frictionless) of one file."""
    question, facts = chiffres.question, provenance.facts()
    return {
        "name": question.indicateur.nom.replace("_", "-"),
        "title": ("[simulated data] " if provenance.simulated else "") + question.indicateur.sens,
        "sources": [{"title": facts["source"], "path": facts["source_url"]}],
        "licenses": [{"title": facts["licence"], "path": facts["licence_url"]}],
        "created": provenance.made_at,
        "resources": [
            {
                "name": question.indicateur.nom.replace("_", "-"),
                "path": name,
                "schema": {
                    "fields": [
                        {"name": f.name, "type": _TYPES[str(f.type)], "description": _meaning(f.name, chiffres)}
                        for f in chiffres.table.schema
                    ]
                },
            }
        ],
        "moisson": {**facts, **_facts(chiffres)},
    }


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


# --- writers ----------------------------------------------------------------------------------------------------------


def with_geometry(chiffres: Chiffres, wkb: dict[str, bytes]) -> pa.Table:
    """The figures with a last column of geometry in well-known binary, null where none is known."""
    territoire = chiffres.question.territoire
    assert territoire is not None
    codes = chiffres.table[territoire.nom].to_pylist()
    return chiffres.table.append_column(
        pa.field(_GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}),
        pa.array([wkb.get(code) if code is not None else None for code in codes], pa.binary()),
    )


def _write_csv(file: Path, chiffres: Chiffres, provenance: Provenance, wkb: dict[str, bytes]) -> None:
    import pyarrow.csv as csv

    csv.write_csv(chiffres.table, file)


def _write_parquet(file: Path, chiffres: Chiffres, provenance: Provenance, wkb: dict[str, bytes]) -> None:
    import pyarrow.parquet as pq

    said = {f"moisson.{key}": str(value) for key, value in {**provenance.facts(), **_facts(chiffres)}.items()}
    table = chiffres.table
    territoire = chiffres.question.territoire
    if territoire is not None:
        column = {"encoding": "WKB", "geometry_types": ["Point"] if _points(chiffres) else ["MultiPolygon"]}
        geo = {"version": "1.1.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: column}}
        said["geo"] = msgspec.json.encode(geo).decode()
        plain = with_geometry(chiffres, wkb)
        # The extension's name is for GDAL; GeoParquet says by its own metadata what the column is.
        table = plain.set_column(len(plain.schema) - 1, pa.field(_GEOMETRY, pa.binary()), plain[_GEOMETRY])
    pq.write_table(table.replace_schema_metadata(said), file, compression="zstd")


def _points(chiffres: Chiffres) -> bool:
    territoire = chiffres.question.territoire
    return territoire is not None and territoire.nom in {"commune", "epci"}


def _write_xlsx(file: Path, chiffres: Chiffres, provenance: Provenance, wkb: dict[str, bytes]) -> None:
    import xlsxwriter

    table = chiffres.table
    # No text may become a formula or a link: names come from outside.
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(file), options) as book:
        bold, date = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("indicateur")
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(table.column_names):
            sheet.write_string(0, column, name, bold)
            for row, value in enumerate(table[name].to_pylist(), 1):
                if isinstance(value, str):
                    sheet.write_string(row, column, value)
                elif isinstance(value, int | float):
                    sheet.write_number(row, column, value)
                elif value is not None:
                    sheet.write_datetime(row, column, value, date)
        sheet.autofilter(0, 0, table.num_rows, len(table.column_names) - 1)
        sheet.autofit()
        source = book.add_worksheet("source")
        meanings = {name: _meaning(name, chiffres) for name in table.column_names}
        told = {**provenance.facts(), **_facts(chiffres), **meanings}
        for row, (key, value) in enumerate(told.items()):
            source.write_string(row, 0, key, bold)
            source.write_string(row, 1, str(value))


def _write_gpkg(file: Path, chiffres: Chiffres, provenance: Provenance, wkb: dict[str, bytes]) -> None:
    said = {key: str(value) for key, value in {**provenance.facts(), **_facts(chiffres)}.items()}
    _write_gdal(file, chiffres, wkb, "GPKG", dataset_metadata=said)


def _write_geojson(file: Path, chiffres: Chiffres, provenance: Provenance, wkb: dict[str, bytes]) -> None:
    facts = provenance.facts()
    description = f"{facts['source']}, last updated {facts['last_updated']}, licence: {facts['licence_url']}"
    _write_gdal(file, chiffres, wkb, "GeoJSON", layer_options={"RFC7946": "YES", "DESCRIPTION": description})


def _write_gdal(file: Path, chiffres: Chiffres, wkb: dict[str, bytes], driver: str, **options: Any) -> None:
    import pyogrio

    pyogrio.write_arrow(
        with_geometry(chiffres, wkb),
        str(file),
        layer=chiffres.question.indicateur.nom,
        driver=driver,
        geometry_name=_GEOMETRY,
        geometry_type="Point" if _points(chiffres) else "MultiPolygon",
        crs="EPSG:4326",
        **options,
    )


_WRITERS: dict[str, Callable[[Path, Chiffres, Provenance, dict[str, bytes]], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "xlsx": _write_xlsx,
    "gpkg": _write_gpkg,
    "geojson": _write_geojson,
}
