"""What a probe writes down: its calls, its measures, and what the later ones need to know of the earlier. Pure.

A measure is a dialogue: a generator that yields a call, is sent the answer, and notes what it learnt. It touches no
network, so a test can play the service by hand; probe.py is what carries the calls out.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Literal, TypeVar

import msgspec

from moisson.api import Sonde
from moisson.api.contract import CHEMIN_RECHERCHE, TRI_PAR_DATE
from moisson.api.query import format_borne
from moisson.model import Ligne
from moisson.plan.clock import Horloge
from moisson.plan.planner import DEBUTS_S

__all__ = ["Appel", "Appui", "Carnet", "Dialogue", "Issue", "Mesure", "bornes", "recherche"]

T = TypeVar("T")

Issue = Literal["holds", "no longer holds", "not known"]
Appui = Literal["proof", "cost", "nothing"]
"""What rests on it: the proof; only the number of calls, since there is another way; nothing but our knowledge."""


class Appel(msgspec.Struct, frozen=True):
    """One call to make: a path of contract.py, completed, and query parameters as they are to be written."""

    chemin: str
    params: dict[str, str] = {}


Dialogue = Generator[Appel, Sonde, T]
"""Yields calls, is sent their answers."""


class Mesure(msgspec.Struct, frozen=True):
    """One line of the table.

    Attributes:
        nom: what was measured; one name for ever, so that two probes can be compared.
        attendu: what was expected.
        vu: what was seen.
        issue: whether the two agree, as far as it could be known.
        appui: what rests on it.
        sens: what that means for a harvest and its proof.
    """

    nom: str
    attendu: str
    vu: str
    issue: Issue
    appui: Appui
    sens: str


class Carnet:
    """The notebook of one probe.

    Attributes:
        mesures: the lines so far.
        page: rows that one call brings, as measured.
        lignes: rows of the newest page, in order.
        fond: rows of the deepest page, in order.
        total: the first unfiltered total.
        agregats: the free counts beside it.
        corps: bodies of full pages, for the shares of attributes.
        horloge: the shift of the clocks.
        mesuree: the shift is known.
        dehors: ids of rows that came back from outside the bounds asked.
        debut_s: the widest lower bound that is taken.
    """

    def __init__(self) -> None:
        self.mesures: list[Mesure] = []
        self.page = 150
        self.lignes: tuple[Ligne, ...] = ()
        self.fond: tuple[Ligne, ...] = ()
        self.total = 0
        self.agregats: dict[str, dict[str, int]] = {}
        self.corps: list[bytes] = []
        self.horloge = Horloge()
        self.mesuree = False
        self.dehors: list[str] = []
        self.debut_s = DEBUTS_S[0]

    def noter(
        self, nom: str, *, attendu: str, vu: str, tient: bool | None, sens: str, appui: Appui = "nothing"
    ) -> None:
        """Write down a line; `tient` is None when it could not be known."""
        issue: Issue = "not known" if tient is None else "holds" if tient else "no longer holds"
        self.mesures.append(Mesure(nom, attendu, vu, issue, appui, sens))

    @property
    def recente_s(self) -> int:
        """The newest creation shown, seconds."""
        return self.lignes[0].creation_ms // 1000

    @property
    def premiere(self) -> str:
        """The rows of a first page, as `range` writes them."""
        return f"0-{self.page - 1}"

    def calme(self) -> dict[str, str]:
        """Bounds of a stretch that nothing new can enter: from the beginning to below the newest page.

        Offers can only leave it, so that what is asked of it in parts must add up to something between its totals
        before and after. Empty while the clocks are not known.
        """
        if not self.mesuree:
            return {}
        return bornes(self.debut_s, self.horloge.filtre_s(self.lignes[-1].creation_ms // 1000 - 1))


def bornes(debut_s: int, fin_s: int) -> dict[str, str]:
    """Two bounds on the filter's clock, as parameters."""
    return {"minCreationDate": format_borne(debut_s), "maxCreationDate": format_borne(fin_s)}


def recherche(plage: str, *autres: Mapping[str, str]) -> Appel:
    """A search, newest first."""
    params = {nom: valeur for mapping in autres for nom, valeur in mapping.items()}
    return Appel(CHEMIN_RECHERCHE, {**params, "sort": TRI_PAR_DATE, "range": plage})
