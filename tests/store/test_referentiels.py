"""The code lists as tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from moisson.store.engine import query, table_files
from moisson.store.official import REFERENTIELS, snake
from tests.store.filling import NOW_S, collect, make_offre, open_here, read_offres

LISTES = {
    "typesContrats": [
        {"code": "CDI", "libelle": "Contrat à durée indéterminée"},
        {"code": "CDD", "libelle": "x", "n": 1},
    ],
    "departements": [{"code": "74", "libelle": "Haute-Savoie", "region": {"code": "84", "libelle": "ARA"}}],
}


def test_lists_become_tables_and_stay(tmp_path: Path) -> None:
    """Through folds too; unknown keys are kept; unchanged lists make no new generation."""
    collect(tmp_path, [make_offre(1)])
    store = open_here(tmp_path)
    with store.lock("referentiels"):
        assert store.write_referentiels(LISTES, NOW_S + 100) == 2
        assert store.write_referentiels(LISTES, NOW_S + 200) == 2
        assert store.write_referentiels({"typesContrats": LISTES["typesContrats"][:1]}, NOW_S + 300) == 3
    collect(tmp_path, [make_offre(1)], NOW_S + 400)
    assert query(store, "SELECT region.code AS r FROM ref_departements").to_pylist() == [{"r": "84"}]
    assert query(store, "SELECT code FROM types_contrats").to_pylist() == [{"code": "CDI"}]
    assert set(read_offres(tmp_path)) == {"0000001"}


def test_lists_of_an_older_moisson(tmp_path: Path) -> None:
    """Lie under the names that the geography has now: they are read by the new ones, and move with the next list."""
    store = open_here(tmp_path)
    with store.lock("referentiels"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("moisson.store.referentiels.table_name", lambda table: table)
        store.write_referentiels(LISTES, NOW_S)
    assert (tmp_path / "current" / "departements").is_dir()
    assert query(store, "SELECT libelle FROM ref_departements").to_pylist() == [{"libelle": "Haute-Savoie"}]
    assert [path.parent.name for path in table_files(tmp_path, "ref_departements")] == ["departements"]
    with store.lock("referentiels"):
        store.write_referentiels(LISTES, NOW_S + 60)
    assert sorted(path.name for path in (tmp_path / "current").iterdir() if "dep" in path.name) == ["ref_departements"]
    assert query(store, "SELECT libelle FROM ref_departements").to_pylist() == [{"libelle": "Haute-Savoie"}]


def test_unknown_keys_of_a_list_are_kept(tmp_path: Path) -> None:
    """As they are in offers."""
    store = open_here(tmp_path)
    with store.lock("referentiels"):
        store.write_referentiels(LISTES, NOW_S)
    found = query(store, "SELECT autres FROM types_contrats").to_pylist()
    assert found == [{"autres": None}, {"autres": '{"n":1}'}]


def test_lists_may_come_before_offers(tmp_path: Path) -> None:
    """The tables of offers are there, empty, and are filled later."""
    store = open_here(tmp_path)
    with store.lock("referentiels"):
        store.write_referentiels(LISTES, NOW_S)
    assert read_offres(tmp_path) == {}
    collect(tmp_path, [make_offre(1)], NOW_S + 60)
    assert set(read_offres(tmp_path)) == {"0000001"}
    assert query(store, "SELECT count(*) AS n FROM ref_departements").to_pylist() == [{"n": 1}]


def test_a_list_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    """Sixteen names, no other; none is the name of another table."""
    store = open_here(tmp_path)
    with store.lock("referentiels"), pytest.raises(KeyError):
        store.write_referentiels({"partenaires": []}, NOW_S)
    assert len(REFERENTIELS) == 16
    assert not {snake(nom) for nom in REFERENTIELS} & {"offres", "collectes", "fenetres", "erreurs"}
