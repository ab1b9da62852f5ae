"""The pay, read from its label: period, bounds, months, and what a year of the job pays.

Labels are one of two spellings of one form, own offers' with a point, partners' with a comma:

    Mensuel de 1923.00 Euros sur 12 mois        Annuel de 24000,00 Euros à 28000,00 Euros

People type into that form, so a pay by the hour stands under "Mensuel" (11,88), one by the year too (55000.0), and a
zero under anything. The period is never guessed from the amount: an amount outside `BORNES_EUR` of the period that its
label names makes the whole label unreadable. Comments ("Selon profil", "panier repas") are not read: where they held
an amount in the recorded offers, the label held it too.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

__all__ = ["BORNES_EUR", "HEURES_TEMPS_PLEIN", "Pay", "Salaire", "read_pay", "read_salaire", "yearly_eur"]

HEURES_TEMPS_PLEIN = 35.0
"""Hours a week of a full-time job: the legal length of work (Code du travail, L3121-27). 35 × 52 ÷ 12 = 151.67."""

_SEMAINES = 52

BORNES_EUR = {
    "horaire": (3.0, 200.0),
    "mensuel": (150.0, 20_000.0),
    "annuel": (5_000.0, 400_000.0),
    "cachet": (20.0, 20_000.0),
    "autre": (3.0, 400_000.0),
}
"""Plausible amounts by period, both ends included, in euros.

The hour begins under what the youngest apprentice is paid (27 % of the minimum wage, about 3.20 in 2025), the month at
a few hours a week, the year where a monthly pay typed under "Annuel" would be a rare one. They end above what
physicians are offered.
"""

_MOIS = (1.0, 24.0)
_MOIS_PAYES = (12.0, 18.0)

_NOMBRE = r"(\d[\d\u00a0\u202f ]*(?:[.,]\d+)?)"
_LABEL = re.compile(
    rf"\s*(horaire|mensuel|annuel|cachet|autre) de {_NOMBRE} ?(?:euros?|€)"
    rf"(?: à {_NOMBRE} ?(?:euros?|€))?(?: sur {_NOMBRE} mois)?\s*",
    re.IGNORECASE | re.ASCII,
)
_SPACES = str.maketrans({" ": "", "\u00a0": "", "\u202f": "", ",": "."})


class Salaire(NamedTuple):
    """A pay as its label states it.

    Attributes:
        periode: horaire, mensuel, annuel, cachet (a performance) or autre.
        minimum, maximum: euros before tax for one such period, within `BORNES_EUR`; equal when only one is stated.
        mois: months of pay, 1 to 24; None when not stated. 13.0 is a thirteenth month, 6.0 a job of half a year.
    """

    periode: str
    minimum: float
    maximum: float
    mois: float | None


class Pay(NamedTuple):
    """The columns `salaire_*` of one offer, in their order."""

    periode: str | None
    minimum: float | None
    maximum: float | None
    mois: float | None
    annuel_min: float | None
    annuel_max: float | None
    lu: bool | None


_NO_LABEL = Pay(None, None, None, None, None, None, None)
_UNREAD = _NO_LABEL._replace(lu=False)


def read_salaire(libelle: str) -> Salaire | None:
    """Read a label ("Horaire de 11.88 Euros à 13.0 Euros sur 12.0 mois"); None when it says nothing plausible."""
    match = _LABEL.fullmatch(libelle)
    if match is None:
        return None
    periode, *amounts = match.groups()
    first, second, mois = (None if text is None else float(text.translate(_SPACES)) for text in amounts)
    assert first is not None
    periode = periode.lower()
    # People also type the larger one first.
    minimum, maximum = sorted((first, first if second is None else second))
    lowest, highest = BORNES_EUR[periode]
    if not lowest <= minimum <= maximum <= highest:
        return None
    if mois is not None and not _MOIS[0] <= mois <= _MOIS[1]:
        mois = None
    return Salaire(periode, minimum, maximum, mois)


def yearly_eur(salaire: Salaire, heures_hebdo: float | None, *, temps_partiel: bool) -> tuple[float, float] | None:
    """What a year of the job pays, as it is offered: a part-time job is not scaled up to full time.

    A year is what its label says. A month counts 12 times, or as often as the label says if that is 12 to 18 (a length
    under 12 is that of the job). An hour counts 52 times the weekly hours, times months ÷ 12; a full-time job whose
    hours are not stated has 35, a part-time one cannot be told. Overtime is paid as any hour.

    Args:
        salaire: the pay.
        heures_hebdo: hours a week, None when not stated.
        temps_partiel: the job is said to be part-time.

    Returns:
        Least and most in euros before tax, to the cent, at most the highest plausible yearly pay; or None.
    """
    payes = salaire.mois if salaire.mois is not None and _MOIS_PAYES[0] <= salaire.mois <= _MOIS_PAYES[1] else 12.0
    if salaire.periode == "annuel":
        times = 1.0
    elif salaire.periode == "mensuel":
        times = payes
    elif salaire.periode == "horaire" and (heures_hebdo is not None or not temps_partiel):
        times = (heures_hebdo or HEURES_TEMPS_PLEIN) * _SEMAINES * payes / 12.0
    else:
        return None
    found = round(salaire.minimum * times, 2), round(salaire.maximum * times, 2)
    return found if found[1] <= BORNES_EUR["annuel"][1] else None


# A label and working time come back many times: some 300 labels in 1,500 recorded offers.
@functools.lru_cache(maxsize=1 << 15)
def read_pay(libelle: str | None, heures_hebdo: float | None, temps_partiel: bool) -> Pay:
    """All columns `salaire_*` of an offer; see `read_salaire` and `yearly_eur`."""
    if not libelle or libelle.isspace():
        return _NO_LABEL
    salaire = read_salaire(libelle)
    if salaire is None:
        return _UNREAD
    annuel_min, annuel_max = yearly_eur(salaire, heures_hebdo, temps_partiel=temps_partiel) or (None, None)
    return Pay(*salaire, annuel_min, annuel_max, True)
