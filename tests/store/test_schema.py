"""The columns: their names, their order, and that they are the official ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from moisson.store.official import OFFRE, REFERENTIELS, Liste, Objet, snake
from moisson.store.schema import DERIVEES, OFFRES, SENS, TABLES
from tests.store.filling import sample_folder
from tests.store.reference import reference


@pytest.mark.parametrize(
    ("cle", "expected"),
    [
        ("dateCreation", "date_creation"),
        ("appellationlibelle", "appellationlibelle"),
        ("codeNAF", "code_naf"),
        ("accessibleTH", "accessible_th"),
        ("coordonnees1", "coordonnees1"),
        ("urlPostulation", "url_postulation"),
        ("typesContrats", "types_contrats"),
    ],
)
def test_snake(cle: str, expected: str) -> None:
    """One way from the API's spelling to ours."""
    assert snake(cle) == expected


def test_every_column_says_what_it_means() -> None:
    """docs/tables.md is made from this."""
    for table, schema in TABLES.items():
        for field in schema:
            assert (field.metadata or {}).get(b"meaning"), f"{table}.{field.name}"


def test_every_table_and_view_is_documented() -> None:
    """docs/tables.md is what the schema says; `make docs` writes it again."""
    assert set(SENS) == set(TABLES)
    path = Path(__file__).parents[2] / "docs" / "tables.md"
    text = path.read_text(encoding="utf-8")
    assert text == reference()
    chapter = text.partition("\n## offres\n")[2].partition("\n## ")[0]
    told = [name for name in re.findall(r"^\| `([^`]+)`", chapter, re.MULTILINE) if "." not in name]
    assert told == TABLES["offres"].names


def test_no_two_columns_share_a_name() -> None:
    """Two spellings of the API could become one column."""
    for schema in TABLES.values():
        assert len(set(schema.names)) == len(schema.names)


def test_the_columns_that_others_rely_on() -> None:
    """Renaming one of these breaks queries of users: it needs a note in the change log."""
    derived = [field.name for field in DERIVEES]
    assert OFFRES.names[-4 - len(derived) :] == ["creation", "departement", "commune", *derived, "autres"]
    assert set(TABLES["fenetres"].names) >= {
        *("collecte", "debut", "fin", "critere", "annonce_premiere", "annonce_derniere", "distinctes"),
        *("preuve", "verdict", "raison"),
    }


def test_the_tree_is_the_official_one() -> None:
    """Every key of the official file, in its order, of its type."""
    path = sample_folder().parent / "api" / "openapi.json"
    if not path.is_file():
        pytest.skip("the official file is not here")
    schemas = json.loads(path.read_text())["components"]["schemas"]
    for objet in (OFFRE, *REFERENTIELS.values()):
        _compare(objet, schemas)
    assert set(REFERENTIELS) == {
        p.rpartition("/")[2] for p in json.loads(path.read_text())["paths"] if "/referentiel/" in p
    }


def _compare(objet: Objet, schemas: dict[str, Any]) -> None:
    official = schemas[objet.nom]["properties"]
    assert [champ.cle for champ in objet.champs] == list(official)
    for champ in objet.champs:
        genre, known = champ.genre, official[champ.cle]
        if isinstance(genre, Liste):
            assert known["type"] == "array"
            genre, known = genre.de, known["items"]
        if isinstance(genre, Objet):
            assert known["$ref"].endswith(f"/{genre.nom}")
            _compare(genre, schemas)
        else:
            types = {"texte": "string", "nombre": "number", "entier": "integer", "booleen": "boolean"}
            assert types[genre.genre] == known["type"]
