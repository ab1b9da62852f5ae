"""Who offers a job and how many: partner names, positions, temp agencies, and the région of the workplace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["REGIONS", "is_interim", "partner_names", "positions", "region_of"]

_INTERIM_DIVISION = "78"
_INTERIM_CONTRATS = frozenset({"MIS", "DIN", "TTI"})


def is_interim(code_naf: str | None, secteur: str | None, type_contrat: str | None) -> bool | None:
    """Whether a temp agency offers the job; None when nothing says.

    It does when the employer's activity is in division 78 of the NAF (activities related to employment: 78.20Z is
    temporary work) or when the contract is one that only such an agency signs: MIS (mission), DIN (permanent contract
    of a temp), TTI (temporary work for inclusion). Two thirds of the partners' offers name no activity: of those with
    another contract nothing is known.

    Args:
        code_naf: codeNAF, "78.20Z".
        secteur: secteurActivite, "78", used when there is no codeNAF.
        type_contrat: typeContrat.
    """
    if type_contrat in _INTERIM_CONTRATS:
        return True
    activity = code_naf or secteur
    return activity.startswith(_INTERIM_DIVISION) if activity else None


def positions(nombre_postes: int | None) -> int:
    """People sought, at least 1: an offer that gives no number, or 0, still seeks one."""
    return 1 if nombre_postes is None or nombre_postes < 1 else nombre_postes


def partner_names(partenaires: Iterable[Any] | None) -> list[str] | None:
    """Names of the partners that brought an offer, in the API's order; None for France Travail's own."""
    if partenaires is None:
        return None
    return [partenaire.nom for partenaire in partenaires if partenaire is not None and partenaire.nom]


REGIONS: Mapping[str, str] = {
    departement: region
    for region, departements in {
        "01": "971",
        "02": "972",
        "03": "973",
        "04": "974",
        "06": "976",
        "11": "75 77 78 91 92 93 94 95",
        "24": "18 28 36 37 41 45",
        "27": "21 25 39 58 70 71 89 90",
        "28": "14 27 50 61 76",
        "32": "02 59 60 62 80",
        "44": "08 10 51 52 54 55 57 67 68 88",
        "52": "44 49 53 72 85",
        "53": "22 29 35 56",
        "75": "16 17 19 23 24 33 40 47 64 79 86 87",
        "76": "09 11 12 30 31 32 34 46 48 65 66 81 82",
        "84": "01 03 07 15 26 38 42 43 63 69 73 74",
        "93": "04 05 06 13 83 84",
        "94": "2A 2B",
    }.items()
    for departement in departements.split()
}
"""Code of the région by code of the département: 18 régions, 101 départements.

Source: INSEE, Code officiel géographique, unchanged since the reform of 1 January 2016 (law 2015-29).
"""


def region_of(departement: str | None) -> str | None:
    """Code of the région of a département; None for what lies in none, as Saint-Pierre-et-Miquelon (975)."""
    return REGIONS.get(departement) if departement is not None else None
