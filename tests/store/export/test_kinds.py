"""Each kind of file, opened by another program, holds what the store holds."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.escape import unescape

from moisson.store.export.cells import CELL_UNITS_MAX
from moisson.store.reader import StoreReader
from tests.store.export.nasty import FORMULAS, TEXTS, folder, nasty_offres, write
from tests.store.filling import NOW_S, by_id, collect, make_offre, open_here

__all__ = ["folder"]

HARMLESS = ["'=1+1", "'+33 1", "-5", "'- un tiret", "'@moi", "'\tonglet", "'\rretour", "'=cmd|' /C calc'!A0", "-1,5"]
PLACELESS = {"0000020", "0000021"}


def stored(folder: Path, *columns: str) -> list[dict[str, Any]]:
    """Rows of the store by their id."""
    return sorted(StoreReader(open_here(folder)).arrow(columns=["id", *columns]).to_pylist(), key=lambda r: r["id"])


def test_parquet(folder: Path) -> None:
    """The same columns, types and values; what they mean, and where they come from, in the schema."""
    write(folder, "o.parquet")
    found = pq.read_table(folder.parent / "o.parquet").sort_by("id")
    expected = StoreReader(open_here(folder)).arrow().sort_by("id")
    assert found.equals(expected)
    assert found.schema.field("creation").type == pa.timestamp("ms")
    assert found.schema.field("id").metadata[b"meaning"] == b"identifier, 7 characters, leading zeros count"
    assert b"licence-offres-emploi" in found.schema.metadata[b"moisson.licence_url"]
    by_polars = pytest.importorskip("polars").read_parquet(folder.parent / "o.parquet")
    assert by_polars["id"].sort().to_list() == found["id"].to_pylist()


def test_csv(folder: Path) -> None:
    """Codes as texts, lists as JSON, fields of structs as columns, formulas made harmless, all else as stored."""
    write(folder, "o.csv")
    with (folder.parent / "o.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["id"])
    assert [row["id"] for row in rows] == [offre["id"] for offre in nasty_offres()]
    assert [row["intitule"] for row in rows][: len(FORMULAS) - 1] == HARMLESS
    texts = [row["intitule"] for row in rows][len(FORMULAS) :][: len(TEXTS)]
    assert texts == TEXTS
    first = rows[0]
    assert (first["lieu_travail.commune"], first["commune"], first["departement"]) == ("01004", "01004", "01")
    assert (first["nombre_postes"], first["alternance"], first["lieu_travail.longitude"]) == ("0", "true", "-1.5")
    assert first["creation"] == "2026-01-01T00:00:00.000"
    assert json.loads(first["competences"])[0] == {"code": "0123", "libelle": "Écouter", "exigence": "E"}
    assert json.loads(first["outils_bureautiques"]) == ["tableur"]
    assert json.loads(first["autres"]) == {"nouveau": {"clef": 0}}
    assert rows[20]["lieu_travail.commune"] == ""
    by_pandas = pd.read_csv(folder.parent / "o.csv", dtype={"id": str, "commune": str})
    assert sorted(by_pandas["id"]) == [row["id"] for row in rows]
    assert by_pandas["nombre_postes"].sum() == sum(range(len(FORMULAS) + len(TEXTS)))
    by_duckdb = duckdb.connect().sql(f"SELECT count(*), min(id) FROM read_csv('{folder.parent}/o.csv')").fetchall()
    assert by_duckdb == [(len(rows), "0000000")]


def test_csv_for_a_french_excel(folder: Path) -> None:
    """The mark of UTF-8, semicolons, decimal commas, VRAI and FAUX, instants that Excel knows; and a warning."""
    done = write(folder, "o.csv", excel=True, columns=["id", "lieu_travail", "alternance", "creation", "nombre_postes"])
    raw = (folder.parent / "o.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with (folder.parent / "o.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = sorted(csv.DictReader(file, delimiter=";"), key=lambda row: row["id"])
    assert rows[0]["lieu_travail.latitude"] == "46,2"
    assert [row["alternance"] for row in rows[:2]] == ["VRAI", "FAUX"]
    assert rows[-1]["alternance"] == ""
    assert rows[0]["creation"] == "2026-01-01 00:00:00"
    assert "Excel drops the leading zeros" in done.notes[0]
    by_pandas = pd.read_csv(folder.parent / "o.csv", sep=";", decimal=",", dtype={"id": str})
    assert by_pandas["lieu_travail.longitude"].min() == -1.5


def test_ndjson_is_what_the_api_sent(folder: Path) -> None:
    """Value for value, unknown keys included."""
    write(folder, "o.ndjson")
    lines = (folder.parent / "o.ndjson").read_bytes().splitlines()
    found = {offre["id"]: offre for offre in map(json.loads, lines)}
    expected = by_id(nasty_offres())
    assert found == expected
    assert duckdb.connect().sql(f"SELECT count(*) FROM read_json('{folder.parent}/o.ndjson')").fetchall() == [(23,)]


def test_ndjson_with_columns(folder: Path) -> None:
    """What is asked for by name is there, derived columns too, offers' keys in the API's spelling."""
    write(folder, "o.ndjson", columns=["id", "rome_code", "departement"], where="id < '0000001'")
    line = (folder.parent / "o.ndjson").read_bytes()
    assert json.loads(line) == {"id": "0000000", "romeCode": "M1805", "departement": "01"}


def test_ndjson_of_another_table(folder: Path) -> None:
    """By the columns' names, instants as ISO 8601."""
    write(folder, "c.ndjson", tables=["collectes"])
    found = json.loads((folder.parent / "c.ndjson").read_bytes())
    assert found["verdict"] == "prouvee"
    assert found["debut"] == "2026-09-21T14:13:20"


def test_bulk(folder: Path) -> None:
    """An action with the offer's id before each offer, and a mapping that fits every key."""
    write(folder, "o.ndjson", bulk=True)
    raw = (folder.parent / "o.ndjson").read_bytes()
    assert raw.endswith(b"\n")
    lines = [json.loads(line) for line in raw.splitlines()]
    assert [action["index"]["_id"] for action in lines[::2]] == [offre["id"] for offre in lines[1::2]]
    assert by_id(lines[1::2]) == by_id(nasty_offres())
    mapping = json.loads((folder.parent / "o.ndjson.mapping.json").read_bytes())
    properties = mapping["mappings"]["properties"]
    assert properties["intitule"]["analyzer"] == "french"
    assert properties["romeCode"]["type"] == "keyword"
    assert properties["dateCreation"] == {"type": "date"}
    assert properties["lieuTravail"]["properties"]["latitude"] == {"type": "double"}
    assert properties["competences"]["properties"]["libelle"]["type"] == "text"
    assert set(lines[1]) - {"nouveau"} <= set(properties)


def test_xlsx(folder: Path) -> None:
    """Texts are texts, never formulas, with their zeros; numbers, booleans and instants are what they are."""
    done = write(folder, "o.xlsx")
    book = openpyxl.load_workbook(folder.parent / "o.xlsx")
    sheet = book["offres"]
    names = [cell.value for cell in sheet[1]]
    rows = sorted(
        (dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=2)), key=lambda r: r["id"].value
    )
    assert [row["id"].value for row in rows] == [offre["id"] for offre in nasty_offres()]
    assert {cell.data_type for row in rows for cell in row.values()} <= {"s", "n", "b", "d", "inlineStr"}
    titles = [row["intitule"] for row in rows]
    # An empty text is an empty cell; control characters are written as _x000D_, which this library leaves to us.
    assert [unescape(cell.value or "") for cell in titles[:20]] == [*FORMULAS, *TEXTS]
    assert [cell.quotePrefix for cell in titles[:10]] == [text not in {"-5", "-1,5"} for text in FORMULAS]
    first = rows[0]
    assert (first["lieu_travail.commune"].value, first["nombre_postes"].value) == ("01004", 0)
    assert first["alternance"].value is True
    assert first["creation"].value.isoformat() == "2026-01-01T00:00:00"
    assert json.loads(first["competences"].value)[1] == {"code": None, "libelle": "=libre", "exigence": None}
    long = rows[-1]["description"].value
    assert len(long.encode("utf-16-le")) == 2 * CELL_UNITS_MAX
    assert done.notes == ("1 cell was cut at 32,767 characters, the most that a cell holds.",)
    said = {row[0].value: row[1].value for row in book["moisson"].iter_rows()}
    assert said["licence_url"].endswith("licence-offres-emploi")
    assert said["commune"].startswith("INSEE code")


def test_duckdb(folder: Path) -> None:
    """Several tables in one file, with comments; nothing of the store is needed to read it."""
    write(folder, "o.duckdb", tables=["offres", "collectes", "fenetres"])
    expected = stored(folder, "competences", "lieu_travail", "creation")
    with duckdb.connect(folder.parent / "o.duckdb", read_only=True) as database:
        rows = database.sql("SELECT id, competences, lieu_travail, creation FROM offres ORDER BY id").fetchall()
        assert [dict(zip(expected[0], row, strict=True)) for row in rows] == expected
        assert database.sql("SELECT verdict FROM collectes").fetchall() == [("prouvee",)]
        comment = "SELECT comment FROM duckdb_columns() WHERE table_name = 'offres' AND column_name = 'id'"
        assert database.sql(comment).fetchall() == [("identifier, 7 characters, leading zeros count",)]
        said = database.sql("SELECT comment FROM duckdb_tables() WHERE table_name = 'offres'").fetchall()
        assert "licence-offres-emploi" in said[0][0]


def test_gpkg(folder: Path) -> None:
    """A layer that SQLite and GDAL read: points where coordinates are on Earth, the other rows without."""
    done = write(folder, "o.gpkg")
    assert done.notes == ("2 of 23 rows have no coordinates: they are there, without a point.",)
    with sqlite3.connect(folder.parent / "o.gpkg") as database:
        columns = 'id, geom, "lieu_travail.commune", competences, creation, alternance'
        rows = database.execute(f"SELECT {columns} FROM offres ORDER BY id").fetchall()
        assert database.execute("SELECT srs_id FROM gpkg_geometry_columns").fetchall() == [(4326,)]
    database.close()
    assert {row[0] for row in rows if row[1] is None} == PLACELESS
    assert rows[0][2] == "01004"
    assert json.loads(rows[0][3])[0]["code"] == "0123"
    assert rows[0][4].startswith("2026-01-01T00:00:00")
    assert rows[0][5] == 1
    import pyogrio

    meta, _, points, _ = pyogrio.raw.read(folder.parent / "o.gpkg", columns=["id"])
    assert (meta["crs"], meta["geometry_type"], len(points)) == ("EPSG:4326", "Point", 23)


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="no ogrinfo here (Debian: gdal-bin)")
@pytest.mark.parametrize("name", ["o.gpkg", "o.geojson"])
def test_maps_open_in_gdal(folder: Path, name: str) -> None:
    """Another, older GDAL than the one that wrote it finds the layer."""
    write(folder, name)
    said = subprocess.run(
        ["ogrinfo", "-so", folder.parent / name, "offres"], capture_output=True, text=True, check=True
    ).stdout
    assert "Feature Count: 23" in said
    assert "Geometry: Point" in said
    assert "lieu_travail.commune: String" in said


def test_geojson(folder: Path) -> None:
    """RFC 7946: points as longitude, latitude; null where there is none; texts stay texts, lists are lists."""
    write(folder, "o.geojson")
    found = json.loads((folder.parent / "o.geojson").read_text(encoding="utf-8"))
    features = {one["properties"]["id"]: one for one in found["features"]}
    assert features["0000000"]["geometry"] == {"type": "Point", "coordinates": [-1.5, 46.2]}
    assert {id_ for id_, one in features.items() if one["geometry"] is None} == PLACELESS
    titles = [features[offre["id"]]["properties"]["intitule"] for offre in nasty_offres()[:20]]
    assert titles == [*FORMULAS, *TEXTS]
    assert features["0000000"]["properties"]["outils_bureautiques"] == ["tableur"]
    assert "crs" not in found
    assert "licence-offres-emploi" in found["description"]


@pytest.mark.parametrize("name", ["o.parquet", "o.csv", "o.ndjson", "o.xlsx", "o.duckdb", "o.gpkg", "o.geojson"])
def test_nothing_to_write_is_a_file_all_the_same(folder: Path, name: str) -> None:
    """With its columns, where the kind of file has any."""
    done = write(folder, name, where="id = 'none'")
    assert done.rows == {"offres": 0}
    assert (folder.parent / name).is_file()


def test_a_state_is_one(folder: Path) -> None:
    """A run folded in the midst of an export changes nothing in it."""
    told = []

    def meanwhile(table: str, rows: int, total: int) -> None:
        if not told:
            collect(folder, [make_offre(900)], NOW_S + 600)
        told.append((table, rows, total))

    done = write(folder, "o.csv", progress=meanwhile)
    assert done.rows == {"offres": 23}
    assert told[-1] == ("offres", 23, 23)


def test_a_view_is_exported_like_a_table(folder: Path) -> None:
    """Offers with their territory: in the API's spelling, the territory added, each column with its meaning."""
    write(folder, "p.ndjson", tables=["offres_placees"], where="id = '0000000'")
    found = json.loads((folder.parent / "p.ndjson").read_bytes())
    assert (found["romeCode"], found["departement"], found["commune"], found["place_par"]) == (
        "M1805",
        "01",
        "01004",
        "code",
    )
    write(folder, "p.gpkg", tables=["offres_placees"])
    package = json.loads((folder.parent / "p.gpkg.datapackage.json").read_bytes())
    fields = package["resources"][0]["schema"]["fields"]
    assert [field["name"] for field in fields if "description" not in field] == []


@pytest.mark.parametrize("name", ["t.csv", "t.ndjson", "t.parquet", "t.duckdb", "t.xlsx"])
def test_every_table_can_be_exported(folder: Path, name: str) -> None:
    """Those of tomorrow too: no writer knows any by name."""
    store = StoreReader(open_here(folder))
    for table in store.tables():
        if table.lignes is not None and table.lignes < 3000:
            assert write(folder, name, tables=[table.nom]).rows == {table.nom: table.lignes}
    # Nobody counts the rows of what must be computed, until it is: 26 régions and what is nowhere, by indicator.
    assert write(folder, name, tables=["indicateurs_par_region"]).rows == {"indicateurs_par_region": 8 * 27}


def test_a_list_as_documents(folder: Path) -> None:
    """A row an item: all of its columns, by their names."""
    write(folder, "c.ndjson", tables=["offres_competences"], where="id = '0000000' and rang = 1")
    found = json.loads((folder.parent / "c.ndjson").read_bytes())
    assert found == {"id": "0000000", "rang": 1, "code": "0123", "libelle": "Écouter", "exigence": "E"}
