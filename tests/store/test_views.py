"""Views over the tables: a row an item, in the order in which the offer has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from moisson.store.engine import connect, query
from moisson.store.views import VIEWS
from tests.store.filling import collect, make_offre, open_here

OFFRES = [
    make_offre(
        1,
        competences=[{"code": "7", "libelle": "Cuire", "exigence": "E"}, 3, {"libelle": "Servir", "exigence": "S"}],
        langues=[{"libelle": "Français", "exigence": "E"}],
        permis=[{"libelle": "B", "exigence": "S"}],
        formations=[{"niveauLibelle": "Bac", "nouveau": 1}],
        origineOffre={"origine": "2", "partenaires": [{"nom": "A", "url": "https://example.org"}, {"nom": "B"}]},
    ),
    make_offre(2, competences=[], langues=None),
]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (
            "offres_competences",
            [("0000001", 1, "7", "Cuire", "E"), ("0000001", 3, None, "Servir", "S")],
        ),
        ("offres_langues", [("0000001", 1, "Français", "E")]),
        ("offres_permis", [("0000001", 1, "B", "S")]),
        ("offres_formations", [("0000001", 1, None, None, "Bac", None, None)]),
        ("offres_partenaires", [("0000001", 1, "A", "https://example.org", None), ("0000001", 2, "B", None, None)]),
    ],
)
def test_a_row_an_item(tmp_path: Path, view: str, expected: list[tuple[object, ...]]) -> None:
    """By id and rank; an item that is no object has no row, an empty list none either."""
    collect(tmp_path, OFFRES)
    found = query(open_here(tmp_path), f"FROM {view} ORDER BY id, rang").to_pylist()
    assert [tuple(row.values()) for row in found] == expected


@pytest.mark.parametrize("filled", [True, False])
def test_views_are_as_documented(tmp_path: Path, filled: bool) -> None:
    """Each has the columns and types that it says, also over a store that was never filled."""
    if filled:
        collect(tmp_path, OFFRES)
    with connect(open_here(tmp_path)) as engine:
        for view in VIEWS:
            found = engine.query(f"FROM {view.nom}").schema
            assert found.names == view.colonnes.names, view.nom
            assert [str(field.type) for field in found if field.name in ("rang", "libelle", "groupe_doublon")] == [
                str(field.type) for field in view.colonnes if field.name in ("rang", "libelle", "groupe_doublon")
            ]


def test_a_view_cannot_be_covered(tmp_path: Path) -> None:
    """A file of one's own takes no view's name."""
    from moisson.errors import UsageError

    (tmp_path / "a.csv").write_text("a\n1\n")
    collect(tmp_path / "store", OFFRES)
    with pytest.raises(UsageError, match="offres_langues"):
        connect(open_here(tmp_path / "store"), with_files={"offres_langues": tmp_path / "a.csv"})
