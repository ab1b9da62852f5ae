"""Every indicator, defined once: what it counts, over which offers, in what unit, and when it is not shown.

An indicator is computed over one of four sets of rows (`Fonds`), each row with its place, trade and contract:

    etat       offers online: now, or at the end of each period
    arrivees   stays that began: an offer that comes back begins another one
    departs    stays that ended
    durees     stays that began while the store looked, whether they ended or not

The first run of a store finds offers that were there before: they are no arrivals, and nobody knows how long they had
been online. What a run finds is dated by that run, so arrivals of a missed night are those of the next one.

`docs/indicators.md` is made from this file.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from moisson.errors import UsageError

__all__ = ["INDICATEURS", "MASQUE_RETIREES", "PETIT", "Fonds", "Genre", "Indicateur", "indicateur"]

Fonds = Literal["etat", "arrivees", "departs", "durees"]
Genre = Literal["compte", "taux", "part", "mediane"]
"""A count adds up over territories, the others do not; a map shows counts as circles, the others as colours."""

PETIT = 30
"""A figure that rests on fewer offers is marked as small: a few more or less would change it a lot."""

MASQUE_RETIREES = 3
"""Figures that withdrawn offers may enter rest on at least so many, or are not shown: none can be seen singly."""

_MASQUE = 10


@dataclass(frozen=True)
class Indicateur:
    """One indicator.

    Attributes:
        nom: its name, as commands take it.
        titre: what it is, in French, as a title begins.
        sens: what exactly it is, in English.
        unite: its unit, in French, as a legend shows it.
        genre: a count, a rate per inhabitant, a share in %, or a median.
        fonds: the rows that it is computed over.
        calcul: SQL aggregate over them; `poids` is how many offers a row stands for, `population` the inhabitants.
        n: SQL aggregate, how many offers the figure rests on.
        decimales: digits after the point that are given.
        masque_sous: not shown when it rests on fewer offers than that.
        nuits: nights (days with a finished run) that it needs at least.
        jour: the counts by day hold what it needs, so it can also be told of communes in the past.
    """

    nom: str
    titre: str
    sens: str
    unite: str
    genre: Genre
    fonds: Fonds
    calcul: str
    n: str = "sum(poids)"
    decimales: int = 0
    masque_sous: int = 0
    nuits: int = 1
    jour: bool = False

    @property
    def paie(self) -> bool:
        """Whether it looks at the pay that is read out of the labels."""
        return "salaire" in self.calcul


INDICATEURS = {
    found.nom: found
    for found in (
        Indicateur(
            "offres",
            "Offres d'emploi en ligne",
            "offers online",
            "offres",
            "compte",
            "etat",
            "sum(poids)",
            jour=True,
        ),
        Indicateur(
            "postes",
            "Postes proposés par les offres en ligne",
            "positions that the offers online are to fill; 1 where an offer does not say",
            "postes",
            "compte",
            "etat",
            "sum(postes)",
            jour=True,
        ),
        Indicateur(
            "offres_pour_mille",
            "Offres d'emploi en ligne pour 1 000 habitants",
            "offers online for 1,000 inhabitants (municipal population)",
            "offres pour 1 000 habitants",
            "taux",
            "etat",
            "1000.0 * sum(poids) / any_value(population)",
            decimales=3,
            jour=True,
        ),
        Indicateur(
            "postes_pour_mille",
            "Postes proposés pour 1 000 habitants",
            "positions of the offers online for 1,000 inhabitants (municipal population)",
            "postes pour 1 000 habitants",
            "taux",
            "etat",
            "1000.0 * sum(postes) / any_value(population)",
            decimales=3,
            jour=True,
        ),
        Indicateur(
            "nouvelles",
            "Nouvelles offres d'emploi",
            "offers that came, or came back, each time",
            "offres",
            "compte",
            "arrivees",
            "sum(poids)",
            nuits=2,
            jour=True,
        ),
        Indicateur(
            "retirees",
            "Offres d'emploi retirées",
            "offers that were withdrawn, each time",
            "offres",
            "compte",
            "departs",
            "sum(poids)",
            nuits=2,
            jour=True,
        ),
        Indicateur(
            "duree_mediane",
            "Durée médiane de mise en ligne",
            "days after which half of the offers that came are withdrawn, those still online counted as Kaplan and "
            "Meier do; by period: of the offers that came in it",
            "jours",
            "mediane",
            "durees",
            "",
            masque_sous=_MASQUE,
            nuits=2,
        ),
        Indicateur(
            "part_cdi",
            "Part des offres en contrat permanent",
            "share of the offers online with a permanent contract: CDI, and CDI of a temp agency (DIN)",
            "% des offres",
            "part",
            "etat",
            "100.0 * coalesce(sum(poids) FILTER (type_contrat IN ('CDI', 'DIN')), 0) / sum(poids)",
            decimales=1,
            masque_sous=_MASQUE,
        ),
        Indicateur(
            "part_partenaires",
            "Part des offres venues de partenaires",
            "share of the offers online that a partner brought (origineOffre.origine = 2)",
            "% des offres",
            "part",
            "etat",
            "100.0 * coalesce(sum(poids) FILTER (origine = '2'), 0) / sum(poids)",
            decimales=1,
            masque_sous=_MASQUE,
        ),
        Indicateur(
            "part_salaire",
            "Part des offres qui annoncent un salaire",
            "share of the offers online whose label states a plausible pay (salaire_lu)",
            "% des offres",
            "part",
            "etat",
            "100.0 * coalesce(sum(poids) FILTER (salaire_lu), 0) / sum(poids)",
            decimales=1,
            masque_sous=_MASQUE,
        ),
        Indicateur(
            "salaire_median",
            "Salaire annuel médian annoncé",
            "median of the yearly pay before tax that offers online state, the middle where they state a range; of the "
            "job as offered, so a part-time job counts with its own pay",
            "euros bruts par an",
            "mediane",
            "etat",
            "median(salaire)",
            n="count(salaire)",
            decimales=0,
            masque_sous=_MASQUE,
        ),
    )
}
"""By their name."""


def indicateur(nom: str) -> Indicateur:
    """The indicator of this name.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    if (found := INDICATEURS.get(nom)) is not None:
        return found
    near = difflib.get_close_matches(nom, INDICATEURS, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"There is no indicator {nom}", todo=f"{hint}There are: {', '.join(INDICATEURS)}.")
