"""Lengths, read from their labels: hours a week, months of a contract, months of experience."""

from __future__ import annotations

import functools
import re

__all__ = [
    "CONTRAT_MOIS_MAX",
    "EXPERIENCE_MOIS_MAX",
    "HEURES_HEBDO_MAX",
    "contrat_mois",
    "experience_mois",
    "heures_hebdo",
    "is_temps_partiel",
]

HEURES_HEBDO_MAX = 70.0
"""Above the 60 hours that the law allows by exception: what lies beyond is a month's ("151 H")."""

CONTRAT_MOIS_MAX = 120.0
EXPERIENCE_MOIS_MAX = 480

# Few distinct labels: what repeats is looked up. What people add to a label does not, so the cache has an end.
_cached = functools.lru_cache(maxsize=1 << 14)

# At the start only, and before a word that goes on about the working time: "9H à 17H" is not a length.
_HEURES = re.compile(
    r"(?:temps (?:partiel|plein) - )?(\d{1,3})(?:[.,](\d{1,2}))? ?h(?:eures?)?(?: ?([0-5]\d))?"
    r"(?= *(?:/|par |hebdo|-? *(?:horaires|travail|temps)|\n|$|\.))",
    re.IGNORECASE | re.ASCII,
)


@_cached
def heures_hebdo(libelle: str | None) -> float | None:
    """Hours a week of a label of working time, above 0 and at most HEURES_HEBDO_MAX.

    35H/semaine, 35H Horaires normaux and "35 H" give 35.0; Temps partiel - 4H30/semaine gives 4.5; Temps plein, None.
    """
    match = _HEURES.match(libelle.strip()) if libelle else None
    if match is None:
        return None
    heures, decimales, minutes = match.groups()
    found = float(f"{heures}.{decimales or 0}") + int(minutes or 0) / 60
    return round(found, 2) if 0 < found <= HEURES_HEBDO_MAX else None


@_cached
def is_temps_partiel(converti: str | None, libelle: str | None) -> bool:
    """Whether a job is said to be part-time, by dureeTravailLibelleConverti or the label itself."""
    return any(text is not None and text.lstrip().lower().startswith("temps partiel") for text in (converti, libelle))


_LENGTH = re.compile(r"- (\d{1,4}) (jour|semaine|mois|an)", re.IGNORECASE | re.ASCII)
_MOIS_DE = {"jour": 12 / 365, "semaine": 84 / 365, "mois": 1.0, "an": 12.0}


@_cached
def contrat_mois(libelle: str | None) -> float | None:
    """Months of a contract, above 0 and at most CONTRAT_MOIS_MAX; None when its label names no length.

    CDD - 6 Mois gives 6.0; Intérim - 18 Jour(s) gives 0.59 (18 days of a year of 365).
    """
    match = _LENGTH.search(libelle) if libelle else None
    if match is None:
        return None
    found = round(int(match[1]) * _MOIS_DE[match[2].lower()], 2)
    return found if 0 < found <= CONTRAT_MOIS_MAX else None


_EXPERIENCE = re.compile(r"(?:^|de )(\d{1,3}) (mois|an)", re.IGNORECASE | re.ASCII)


@_cached
def experience_mois(exige: str | None, libelle: str | None) -> int | None:
    """Months of experience required or wished for, 0 to EXPERIENCE_MOIS_MAX; None when no length is named.

    Args:
        exige: experienceExige; D, a beginner is accepted, is 0 whatever the label.
        libelle: experienceLibelle: 2 An(s), 6 Mois, Expérience exigée de 3 An(s) (...).
    """
    if exige == "D":
        return 0
    match = _EXPERIENCE.search(libelle) if libelle else None
    if match is None:
        return None
    found = int(match[1]) * (12 if match[2].lower() == "an" else 1)
    return found if found <= EXPERIENCE_MOIS_MAX else None
