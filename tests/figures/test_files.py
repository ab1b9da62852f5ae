"""Indicators as files, opened by the tools that they are for."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import time
from pathlib import Path
from typing import Any

import geopandas
import msgspec
import openpyxl
import pyarrow.parquet as pq
import pytest
from shapely import Point

from moisson import open_store
from moisson.errors import StoreUnwritable, UsageError
from moisson.figures.files import write
from moisson.figures.places import wkb_of
from moisson.store.engine import connect
from moisson.store.export.sidecar import SIDECAR_SUFFIX
from moisson.store.indicators.axes import read_axes
from moisson.store.indicators.definitions import indicateur
from moisson.store.indicators.result import Chiffres, ask
from moisson.store.indicators.statement import Question
from moisson.store.provenance import read_provenance
from moisson.territory.fetch import FILES, Fetched
from tests.store.filling import collect, make_offre, open_here

PLACES = {
    "74010": ("74 - ANNECY", 45.9, 6.12),
    "75108": ("75 - PARIS 08", 48.87, 2.31),
    "97411": ("974 - ST DENIS", -20.9, 55.45),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with offers in three places, and some nowhere."""
    found = tmp_path_factory.mktemp("files") / "store"
    offres = []
    for n in range(90):
        code = [*PLACES, None][n % 4]
        lieu: dict[str, Any] = {"libelle": "France"}
        if code is not None:
            label, latitude, longitude = PLACES[code]
            lieu = {"libelle": label, "commune": code, "latitude": latitude, "longitude": longitude}
        offres.append(make_offre(n, lieuTravail=lieu, romeCode="M1805", romeLibelle="=1+1", typeContrat="CDI"))
    collect(found, offres, page=150)
    return found


def asked(folder: Path, file: Path, nom: str, *by: str) -> Chiffres:
    """Ask, and write."""
    store = open_here(folder)
    question = Question(indicateur(nom), read_axes(by))
    with connect(store) as engine:
        chiffres = ask(engine, question)
        write(
            file,
            chiffres,
            read_provenance(store, time.time(), "moisson test"),
            wkb_of(engine, chiffres, folder / "territoires"),
        )
    return chiffres


def plain(chiffres: Chiffres) -> list[dict[str, Any]]:
    """The rows that a file must hold."""
    return chiffres.table.to_pylist()


def test_csv_and_excel_hold_the_same_rows(folder: Path, tmp_path: Path) -> None:
    """Codes stay texts with their zeros; a name that looks like a formula is none, neither here nor there."""
    chiffres = asked(folder, tmp_path / "a.csv", "offres", "region", "rome")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as text:
        found = list(csv.DictReader(text))
    harmless = {"=1+1": "'=1+1"}
    assert [{k: v or None for k, v in row.items()} for row in found] == [
        {k: None if v is None else harmless.get(v, str(v)) for k, v in row.items()} for row in plain(chiffres)
    ]
    asked(folder, tmp_path / "a.xlsx", "offres", "region", "rome")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["offres"]
    names, *rows = sheet.iter_rows(values_only=True)
    assert [dict(zip(names, row, strict=True)) for row in rows] == plain(chiffres)
    assert {cell.data_type for cell in sheet["D"]} == {"s"}


@pytest.mark.parametrize("kind", ["gpkg", "geojson", "parquet"])
@pytest.mark.parametrize("by", ["departement", "region", "commune", "epci"])
def test_geographic_files_open_in_geopandas(folder: Path, tmp_path: Path, kind: str, by: str) -> None:
    """Every figure is there, with its geometry where one is known: borders, or a point where the offers are."""
    file = tmp_path / f"carte.{kind}"
    chiffres = asked(folder, file, "offres_pour_mille", by)
    frame = geopandas.read_parquet(file) if kind == "parquet" else geopandas.read_file(file)
    assert frame.crs is not None
    assert frame.crs.to_epsg() == 4326 or frame.crs.to_string() == "OGC:CRS84"
    rows = {row[by]: row for row in plain(chiffres)}
    assert len(frame) == len(rows)
    for _, row in frame.iterrows():
        code = row[by] if isinstance(row[by], str) else None
        assert row["valeur"] == rows[code]["valeur"] or rows[code]["valeur"] is None
        assert row["n"] == rows[code]["n"]
    there = frame[frame["n"] > 0].dropna(subset=[by])
    assert len(there) == 3
    assert there.geometry.is_valid.all()
    for label, latitude, longitude in PLACES.values():
        around = [g for g in there.geometry if g.distance(Point(longitude, latitude)) < 0.2]
        assert len(around) == 1, label


def test_borders_that_were_brought_are_the_geometry(folder: Path, tmp_path: Path) -> None:
    """Of communes, where there are some; a territory without one has none, and a reader is told what kind they are."""
    places = tmp_path / "store" / "territoires"
    shutil.copytree(folder, tmp_path / "store", symlinks=True)
    places.mkdir()
    one = FILES[0]
    ring = [[6.0, 45.8], [6.2, 45.8], [6.2, 46.0], [6.0, 45.8]]
    feature = {"properties": {"code": "74010"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (places / one.fichier).write_bytes(gzip.compress(json.dumps({"features": [feature]}).encode()))
    record = Fetched(one.nom, one.url, "", "2026", "", "", one.fichier, "", 0, 0.0)
    (places / "territoires.json").write_bytes(msgspec.json.encode([record]))
    for kind in ("gpkg", "parquet"):
        asked(tmp_path / "store", tmp_path / f"a.{kind}", "offres", "commune")
        read = geopandas.read_parquet if kind == "parquet" else geopandas.read_file
        frame = read(tmp_path / f"a.{kind}").set_index("commune")
        assert frame.geometry["74010"].geom_type == "MultiPolygon"
        assert frame.geometry["74010"].bounds == (6.0, 45.8, 6.2, 46.0)
        assert frame.geometry.notna().sum() == 1


def test_the_sidecar_says_source_licence_and_what_is_not_placed(folder: Path, tmp_path: Path) -> None:
    """Whoever receives the file alone and this beside it knows what it is."""
    chiffres = asked(folder, tmp_path / "a.csv", "offres", "departement")
    package = json.loads((tmp_path / f"a.csv{SIDECAR_SUFFIX}").read_text(encoding="utf-8"))
    assert package["licenses"][0]["path"].startswith("https://francetravail.io/")
    assert package["moisson"]["part_non_placee"] == pytest.approx(chiffres.part_non_placee)
    assert package["moisson"]["offres"] == 90
    fields = package["resources"][0]["schema"]["fields"]
    assert [field["name"] for field in fields] == chiffres.table.column_names
    assert all(field["description"] for field in fields)


def test_parquet_without_a_territory_is_plain(folder: Path, tmp_path: Path) -> None:
    """No column of geometry without a place; source and licence are in its metadata."""
    chiffres = asked(folder, tmp_path / "a.parquet", "offres", "contrat")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.to_pylist() == plain(chiffres)
    assert table.schema.metadata[b"moisson.licence_url"].startswith(b"https://")


def test_what_cannot_be_written_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    """Wrong kinds, missing folders and territories are told before; nothing half written stays."""
    with pytest.raises(UsageError, match="needs a territory"):
        asked(folder, tmp_path / "a.gpkg", "offres", "rome")
    with pytest.raises(UsageError, match="does not say by its end"):
        asked(folder, tmp_path / "a.doc", "offres")
    with pytest.raises(StoreUnwritable, match="There is no folder"):
        asked(folder, tmp_path / "none" / "a.csv", "offres")
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(StoreUnwritable, match="is a folder"):
        asked(folder, tmp_path / "a.csv", "offres")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_the_door_gives_the_figures_of_the_command(folder: Path) -> None:
    """As an Arrow table, what must be told in its metadata."""
    table = open_store(folder).indicator("offres", by=["departement"])
    assert sum(table["n"].to_pylist()) == 90
    assert table.schema.metadata == {b"offres": b"90", b"simule": b"false", b"part_non_placee": b"0.244444"}
    assert open_store(folder).indicator("offres", departement="74")["valeur"].to_pylist() == [23]
