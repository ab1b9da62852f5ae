"""The data package beside each export, judged by the Frictionless tool."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own dependencies warn when they are imported
    import frictionless

from moisson.store.export.sidecar import slug
from moisson.store.reader import StoreReader
from tests.store.export.nasty import folder, write
from tests.store.filling import SOURCE, collect, make_offre, open_here

__all__ = ["folder"]

NAMES = ["o.parquet", "o.csv", "o.ndjson", "o.xlsx", "o.duckdb", "o.gpkg", "o.geojson"]


def package(folder: Path, name: str) -> dict[str, Any]:
    """What stands beside a file."""
    return dict(json.loads((folder.parent / f"{name}.datapackage.json").read_bytes()))


def judged(folder: Path, name: str) -> Any:
    """The verdict of the Frictionless tool."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return frictionless.validate(str(folder.parent / f"{name}.datapackage.json"))


@pytest.mark.parametrize("name", NAMES)
def test_frictionless_agrees(folder: Path, name: str) -> None:
    """The package is valid, and so is the file by what it says: cells by their types, size and hash."""
    write(folder, name)
    report = judged(folder, name)
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note"])
    data = (folder.parent / name).read_bytes()
    (resource,) = package(folder, name)["resources"]
    assert (resource["path"], resource["bytes"]) == (name, len(data))
    assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert resource["moisson"]["rows"] == 23


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_file_is_found_out(folder: Path, name: str) -> None:
    """The check above could fail."""
    write(folder, name)
    with (folder.parent / name).open("ab") as file:
        file.write(b"\n0,1,2\n")
    assert not judged(folder, name).valid


def test_excel_csv_is_described_as_it_is(folder: Path) -> None:
    """Semicolons, decimal commas, VRAI: a strict reader still finds numbers, booleans and instants."""
    write(folder, "o.csv", excel=True)
    assert judged(folder, "o.csv").valid
    raw = (folder.parent / "o.csv").read_bytes().replace(b'"VRAI"', b'"OUI"')
    (folder.parent / "o.csv").write_bytes(raw)
    notes = {task[0] for task in judged(folder, "o.csv").flatten(["type"])}
    assert "type-error" in notes


def test_what_it_says(folder: Path) -> None:
    """Source, date, licence with its link, method, columns with types and meanings; not simulated."""
    write(folder, "o.csv", columns=["id", "competences", "creation", "nombre_postes"], where="nombre_postes > 2")
    found = package(folder, "o.csv")
    assert found["moisson"] == {
        "simulated": False,
        "collected_from": SOURCE,
        "last_proved_at": StoreReader(open_here(folder)).status().last_proved_at,
        "proved": True,
        "collecte": "20260921T141320Z",
        "generation": 1,
        "made_by": "moisson test",
    }
    assert found["created"] == "2026-09-21T14:15:00Z"
    assert found["sources"][0]["title"] == "France Travail, API Offres d'emploi v2"
    assert found["licenses"][0]["path"].endswith("/licence-offres-emploi")
    assert "Collected with Moisson" in found["description"]
    (resource,) = found["resources"]
    assert resource["moisson"]["where"] == "nombre_postes > 2"
    assert resource["schema"]["fields"] == [
        {
            "name": "id",
            "type": "string",
            "description": "identifier, 7 characters, leading zeros count",
            "source": "Offre.id",
        },
        {
            "name": "competences",
            "type": "array",
            "description": "competences asked for",
            "source": "Offre.competences",
        },
        {
            "name": "creation",
            "type": "datetime",
            "description": "date_creation as an instant, on whatever clock the API writes (its Z is not trusted); null "
            "if unreadable (ms)",
            "source": "Offre.dateCreation",
        },
        {
            "name": "nombre_postes",
            "type": "integer",
            "description": "positions to fill",
            "source": "Offre.nombrePostes",
        },
    ]


def test_every_table_of_a_database_is_described(folder: Path) -> None:
    """One resource a table."""
    write(folder, "o.duckdb", tables=["collectes", "fenetres"])
    found = package(folder, "o.duckdb")
    assert [(one["name"], one["moisson"]["rows"]) for one in found["resources"]] == [("collectes", 1), ("fenetres", 1)]
    assert judged(folder, "o.duckdb").valid


def test_simulated_data_say_so(tmp_path: Path) -> None:
    """In the title, the description and a field of their own, and never that they come from France Travail."""
    from moisson.store.store import open_store

    open_store(tmp_path / "store", create=True, source=SOURCE, simulated=True)
    write_simulated(tmp_path)
    found = package(tmp_path / "store", "o.csv")
    assert found["moisson"]["simulated"] is True
    assert found["title"] == "Simulated: offres"
    assert found["description"].startswith("Simulated data: not one of these offers is true.")
    assert found["sources"] == [{"title": f"simulated data: a double of the API, not France Travail ({SOURCE})"}]


def write_simulated(tmp_path: Path) -> None:
    """Export from a store that was filled from a twin."""
    from moisson.store.export.run import export
    from moisson.store.store import open_store

    export(open_store(tmp_path / "store"), tmp_path / "o.csv", now_s=1.0, made_by="moisson test")


def test_documents_are_described_in_the_apis_spelling(folder: Path) -> None:
    """The fields of .ndjson are the keys of its lines."""
    write(folder, "o.ndjson")
    names = [field["name"] for field in package(folder, "o.ndjson")["resources"][0]["schema"]["fields"]]
    assert {"romeCode", "lieuTravail", "dateCreation"} <= set(names)
    assert not {"rome_code", "departement", "creation"} & set(names)


def test_exports_share_a_folder(folder: Path) -> None:
    """Each has its own sidecar."""
    write(folder, "a.csv")
    write(folder, "b.csv", where="id = '0000001'")
    assert package(folder, "a.csv")["resources"][0]["moisson"]["rows"] == 23
    assert package(folder, "b.csv")["resources"][0]["moisson"]["rows"] == 1
    collect(folder, [make_offre(1)], 1_790_000_700.0)
    write(folder, "a.csv")
    assert package(folder, "a.csv")["resources"][0]["moisson"]["rows"] == 1
    assert judged(folder, "a.csv").valid


@pytest.mark.parametrize(
    ("name", "expected"), [("Été 2026.csv", "t-2026.csv"), ("ö", "export"), ("offres.csv", "offres.csv")]
)
def test_slug(name: str, expected: str) -> None:
    """Names that the specification takes."""
    assert slug(name) == expected
