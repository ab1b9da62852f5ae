"""Temp agencies, positions, partners, régions; and the columns made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from moisson.store.columns import rows_to_batch
from moisson.store.derive.emploi import REGIONS, is_interim, positions, region_of
from moisson.store.rows import RowReader
from tests.store.filling import make_offre, sample_folder, sample_offres

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("naf", "secteur", "contrat", "expected"),
    [
        ("78.20Z", "78", "CDI", True),
        (None, "78", "CDD", True),
        ("43.21A", "43", "CDI", False),
        ("43.21A", "43", "MIS", True),
        (None, None, "MIS", True),
        (None, None, "DIN", True),
        (None, None, "TTI", True),
        (None, None, "CDI", None),
        ("07.80Z", "07", "CDI", False),
        (None, None, None, None),
    ],
)
def test_temp_agencies(naf: str | None, secteur: str | None, contrat: str | None, expected: bool | None) -> None:
    """By activity, else by a contract that only an agency signs; unknown where neither says."""
    assert is_interim(naf, secteur, contrat) is expected


def test_positions() -> None:
    """One at least."""
    assert [positions(n) for n in (None, -1, 0, 1, 12)] == [1, 1, 1, 1, 12]


def test_regions() -> None:
    """18 régions share the 101 départements; nothing else has one."""
    assert len(REGIONS) == 101
    assert len(set(REGIONS.values())) == 18
    assert [region_of(code) for code in ("74", "2A", "75", "974", "975", "20", None)] == [
        *("84", "94", "11", "04"),
        *(None, None, None),
    ]


def test_regions_are_those_of_the_service() -> None:
    """The recorded code list `departements` says the same, département by département."""
    listed = json.loads((ROOT / "src" / "moisson_twin" / "data" / "departements.json").read_text(encoding="utf-8"))
    assert {row["code"]: row["region"]["code"] for row in listed} == REGIONS


def columns_of(*offres: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of these offers, as the table has them."""
    reader = RowReader(store_contacts=False)
    return rows_to_batch([reader.read(json.dumps(offre).encode()) for offre in offres]).to_pylist()


def test_derived_columns_stand_beside_the_raw_ones() -> None:
    """One offer with everything, one with nothing, one with a label of another type."""
    full = make_offre(
        1,
        salaire={"libelle": "Horaire de 12.5 Euros à 14.0 Euros sur 12.0 mois"},
        dureeTravailLibelle="Temps partiel - 24H30/semaine\nTravail en journée",
        dureeTravailLibelleConverti="Temps partiel",
        typeContrat="MIS",
        typeContratLibelle="Mission intérimaire - 3 Mois",
        experienceExige="E",
        experienceLibelle="2 An(s)",
        nombrePostes=4,
        codeNAF="78.20Z",
        origineOffre={
            "origine": "2",
            "partenaires": [{"nom": "A"}, {"url": "https://example.org"}, None, {"nom": "B"}],
        },
    )
    empty = {"id": "0000002", "intitule": "Rien"}
    odd = make_offre(3, salaire={"libelle": 2000}, nombrePostes="deux", origineOffre="2")
    rows = columns_of(full, empty, odd)
    names = [
        *("region", "salaire_periode", "salaire_min", "salaire_max", "salaire_mois", "salaire_annuel_min"),
        *("salaire_annuel_max", "salaire_lu", "heures_hebdo", "contrat_mois", "experience_mois", "partenaires"),
        *("postes", "interim"),
    ]
    assert [[row[name] for name in names] for row in rows] == [
        ["84", "horaire", 12.5, 14.0, 12.0, 15925.0, 17836.0, True, 24.5, 3.0, 24, ["A", "B"], 4, True],
        [None, None, None, None, None, None, None, None, None, None, None, None, 1, None],
        ["84", None, None, None, None, None, None, None, None, None, None, None, 1, None],
    ]
    assert rows[0]["salaire"]["libelle"] == "Horaire de 12.5 Euros à 14.0 Euros sur 12.0 mois"
    assert rows[0]["nombre_postes"] == 4


def test_real_labels_are_read() -> None:
    """Of the labels met in the wild: all lengths; of the pays 94 %, the rest name no plausible amount."""
    from moisson.store.derive.durees import contrat_mois, heures_hebdo
    from moisson.store.derive.salaire import read_salaire

    met = json.loads((sample_folder() / "libelles-rencontres.json").read_text(encoding="utf-8"))

    def shares(name: str, read: Any) -> tuple[int, int]:
        found = [(label["valeur"], label["n"]) for label in met[name] if label["valeur"]]
        return sum(n for text, n in found if read(text) is not None), sum(n for _, n in found)

    assert shares("salaire.libelle", read_salaire) == (464, 492)
    assert shares("dureeTravailLibelle", heures_hebdo) == (123, 134)
    assert all(contrat_mois(label["valeur"]) for label in met["typeContratLibelle"] if " - " in label["valeur"])


def test_real_offers_have_plausible_columns() -> None:
    """455 offers: a year is never paid less than an hour a week, nor more than a surgeon is."""
    rows = columns_of(*(json.loads(line) for line in sample_offres()))
    years = [row["salaire_annuel_min"] for row in rows if row["salaire_annuel_min"] is not None]
    assert len(years) > 150
    assert 500 < min(years) <= max(years) < 150_000
    assert {row["region"] for row in rows} == {"84"}
    assert all((row["partenaires"] is None) == (row["origine_offre"]["origine"] == "1") for row in rows)
