"""Which tables and columns there are: as a query sees them, with what they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from moisson.errors import UsageError
from moisson.store.catalogue import Colonne, TableInfo, describe_columns, describe_tables, meaning
from moisson.store.engine import connect
from moisson.store.schema import TABLES
from tests.store.filling import NOW_S, collect, make_offre, open_here


def test_tables(tmp_path: Path) -> None:
    """Every one, with its rows; code lists too."""
    collect(tmp_path, [make_offre(n) for n in range(3)])
    store = open_here(tmp_path)
    with store.lock("test"):
        store.write_referentiels({"typesContrats": [{"code": "CDI", "libelle": "Contrat"}]}, NOW_S)
    with connect(store) as engine:
        found = {table.nom: table for table in describe_tables(engine)}
        assert found["offres"] == TableInfo("offres", 3, len(TABLES["offres"]))
        assert found["types_contrats"] == TableInfo("types_contrats", 1, 3)
        assert (found["indicateurs_par_region"].lignes, found["indicateurs_par_region"].colonnes) == (None, 6)
        code = describe_columns(engine, "types_contrats")[0]
    assert code == Colonne("code", "varchar", "code", "", "Referentiel.code")


def test_columns(tmp_path: Path) -> None:
    """Fields of structs after them; each name can be typed in a query, each column of ours has its meaning."""
    collect(tmp_path, [make_offre(1)])
    with connect(open_here(tmp_path)) as engine:
        for table in engine.tables():
            columns = describe_columns(engine, table)
            assert [column.nom for column in columns if not column.sens] == [], table
            engine.query(f"SELECT {', '.join(column.nom for column in columns)} FROM {table}")
        found = {column.nom: column for column in describe_columns(engine, "offres")}
        with pytest.raises(UsageError, match="Did you mean collectes"):
            describe_columns(engine, "collecte")
    assert found["lieu_travail.commune"].sens.startswith("INSEE code")
    assert (found["competences"].type, found["creation"].type) == ("struct[]", "timestamp")
    assert found["creation"].unite == "ms"


def test_an_empty_store_has_columns(tmp_path: Path) -> None:
    """Those of the schema."""
    with connect(open_here(tmp_path)) as engine:
        assert [column.nom for column in describe_columns(engine, "erreurs")] == TABLES["erreurs"].names


@pytest.mark.parametrize(
    ("path", "expected"),
    [("salaire.liste_complements.code", "code"), ("id", "identifier, 7 characters, leading zeros count"), ("a.b", "")],
)
def test_meaning(path: str, expected: str) -> None:
    """Of a field of a field; nothing is invented for what the API does not have."""
    assert meaning("offres", path) == expected
