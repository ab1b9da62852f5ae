"""Lengths out of their labels: hours a week, months of contract and of experience."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.derive.durees import (
    CONTRAT_MOIS_MAX,
    EXPERIENCE_MOIS_MAX,
    HEURES_HEBDO_MAX,
    contrat_mois,
    experience_mois,
    heures_hebdo,
    is_temps_partiel,
)


@pytest.mark.parametrize(
    ("libelle", "expected"),
    [
        ("35H/semaine\nTravail en journée", 35.0),
        ("35H Horaires normaux", 35.0),
        ("24H30/semaine", 24.5),
        ("35H43/semaine\nTravail de nuit", 35.72),
        ("Temps partiel - 1H15/semaine\nTravail en journée", 1.25),
        ("Temps partiel - 18H Horaires normaux", 18.0),
        ("35 H", 35.0),
        ("6 H  Travail en horaires fractionnés", 6.0),
        ("37,5 heures hebdomadaires", 37.5),
        ("39h par semaine", 39.0),
        ("Temps plein", None),
        ("9H à 17H", None),
        ("151 H", None),
        ("0 H", None),
        ("Travail posté (2x8, 3x8, 5x8, etc.)", None),
        ("3500H/semaine", None),
        ("", None),
        (None, None),
    ],
)
def test_hours_a_week(libelle: str | None, expected: float | None) -> None:
    """Own offers' labels of three years, and partners'."""
    assert heures_hebdo(libelle) == expected


@pytest.mark.parametrize(
    ("converti", "libelle", "expected"),
    [
        ("Temps partiel", "24H/semaine", True),
        (None, "Temps partiel - 24H/semaine", True),
        ("Temps plein", "35H/semaine", False),
        (None, "35 H", False),
        (None, None, False),
    ],
)
def test_part_time(converti: str | None, libelle: str | None, expected: bool) -> None:
    """By either label."""
    assert is_temps_partiel(converti, libelle) is expected


@pytest.mark.parametrize(
    ("libelle", "expected"),
    [
        ("CDD - 6 Mois", 6.0),
        ("Contrat à durée déterminée - 18 Mois", 18.0),
        ("Intérim - 18 Jour(s)", 0.59),
        ("Mission intérimaire - 1 Jour(s)", 0.03),
        ("Mission intérimaire - 31 Jour(s)", 1.02),
        ("Saisonnier - 2 Semaine(s)", 0.46),
        ("CDD - 1 An(s)", 12.0),
        ("CDD - 0 Mois", None),
        ("CDD - 999 Mois", None),
        ("CDI", None),
        ("Contrat à durée indéterminée", None),
        (None, None),
    ],
)
def test_months_of_a_contract(libelle: str | None, expected: float | None) -> None:
    """The length at the end of the label, a day as a fraction of a month."""
    assert contrat_mois(libelle) == expected


@pytest.mark.parametrize(
    ("exige", "libelle", "expected"),
    [
        ("D", "Débutant accepté", 0),
        ("D", "Débutant accepté - expérience ou CAP", 0),
        ("D", None, 0),
        ("E", "2 An(s)", 24),
        ("E", "6 Mois", 6),
        ("E", "10 An(s) - dans le domaine", 120),
        ("E", "Expérience exigée de 4 An(s) (+ 5 ans, confirmé)", 48),
        ("S", "Expérience souhaitée de 1 An(s)", 12),
        ("E", "Expérience exigée", None),
        ("E", "99 An(s)", None),
        ("E", None, None),
        (None, None, None),
    ],
)
def test_months_of_experience(exige: str | None, libelle: str | None, expected: int | None) -> None:
    """The first length that is named; a beginner needs none."""
    assert experience_mois(exige, libelle) == expected


@given(st.integers(1, 59), st.integers(0, 59), st.booleans(), st.sampled_from(["/semaine", " Horaires normaux", ""]))
def test_hours_that_are_written_are_read(hours: int, minutes: int, part_time: bool, after: str) -> None:
    """Formatting and reading gives them back, to a hundredth of an hour."""
    text = f"{'Temps partiel - ' * part_time}{hours}H{f'{minutes:02d}' * (minutes > 0)}{after}"
    assert heures_hebdo(text) == round(hours + minutes / 60, 2)


PIECES = st.sampled_from(
    ["Temps partiel - ", "H", "h", "/semaine", "- ", "de ", " Mois", " An(s)", " Jour(s)", "٣", "\n"]
)
TEXTS = st.text(max_size=30) | st.lists(PIECES | st.integers(0, 99999).map(str), max_size=8).map("".join)


@given(TEXTS, st.sampled_from(["D", "E", "S", None]))
def test_whatever_is_read_is_within_bounds(text: str, exige: str | None) -> None:
    """Any text is taken."""
    hours, contrat, experience = heures_hebdo(text), contrat_mois(text), experience_mois(exige, text)
    assert hours is None or 0 < hours <= HEURES_HEBDO_MAX
    assert contrat is None or 0 < contrat <= CONTRAT_MOIS_MAX
    assert experience is None or 0 <= experience <= EXPERIENCE_MOIS_MAX
