"""What an indicator is asked by: a territory, a trade, a contract, a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from moisson.errors import UsageError

__all__ = ["AXES", "GRANDS_DOMAINES", "Axe", "Sorte", "read_axes"]

Sorte = Literal["territoire", "metier", "contrat", "periode"]


@dataclass(frozen=True)
class Axe:
    """One thing to tell figures apart by.

    Attributes:
        nom: its name, and that of its column.
        sorte: which of the four it is; an indicator is asked by one of each at most.
        colonne: SQL of it on a row.
        par: how a title says it, in French.
        mot: the unit's name for periods, as date_trunc takes it.
    """

    nom: str
    sorte: Sorte
    colonne: str
    par: str
    mot: str = ""


AXES = {
    axe.nom: axe
    for axe in (
        Axe("region", "territoire", "region", "par région"),
        Axe("departement", "territoire", "departement", "par département"),
        Axe("epci", "territoire", "epci", "par intercommunalité"),
        Axe("commune", "territoire", "commune", "par commune"),
        Axe("grand_domaine", "metier", "substr(rome_code, 1, 1)", "par grand domaine professionnel"),
        Axe("domaine", "metier", "substr(rome_code, 1, 3)", "par domaine professionnel"),
        Axe("rome", "metier", "rome_code", "par métier"),
        Axe("contrat", "contrat", "type_contrat", "par contrat"),
        Axe("jour", "periode", "", "par jour", "day"),
        Axe("semaine", "periode", "", "par semaine", "week"),
        Axe("mois", "periode", "", "par mois", "month"),
    )
}
"""By their name, in the order of a table's columns."""

_ALIASES = {
    "territory": "departement",
    "contract": "contrat",
    "period": "semaine",
    "day": "jour",
    "week": "semaine",
    "month": "mois",
    "domain": "domaine",
    "major_domain": "grand_domaine",
}

GRANDS_DOMAINES = {
    "A": "Agriculture et pêche, espaces naturels et espaces verts, soins aux animaux",
    "B": "Arts et façonnage d'ouvrages d'art",
    "C": "Banque, assurance, immobilier",
    "D": "Commerce, vente et grande distribution",
    "E": "Communication, média et multimédia",
    "F": "Construction, bâtiment et travaux publics",
    "G": "Hôtellerie-restauration, tourisme, loisirs et animation",
    "H": "Industrie",
    "I": "Installation et maintenance",
    "J": "Santé",
    "K": "Services à la personne et à la collectivité",
    "L": "Spectacle",
    "M": "Support à l'entreprise",
    "N": "Transport et logistique",
}
"""The fourteen of the ROME; the API's lists begin one level below. Source: France Travail, ROME."""


def read_axes(names: Sequence[str]) -> tuple[Axe, ...]:
    """The axes of these names, in the order of a table's columns.

    Raises:
        UsageError: a name is unknown, or two are of one sort.
    """
    found: dict[Sorte, Axe] = {}
    for name in names:
        axe = AXES.get(_ALIASES.get(name, name))
        if axe is None:
            raise UsageError(f"Nothing can be told by {name}", todo=f"There are: {', '.join(AXES)}.")
        if (other := found.get(axe.sorte)) is not None:
            raise UsageError(
                f"{other.nom} and {axe.nom} cannot be asked at once", todo="Ask one, then the other: one file each."
            )
        found[axe.sorte] = axe
    return tuple(axe for axe in AXES.values() if found.get(axe.sorte) is axe)
