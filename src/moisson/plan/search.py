"""One bounded search, read until it is proved or given up.

A reading that contradicts itself is no loss: its offers are kept, and the search alone is read again, the second time
with groups of ties closed. Several readings under one and the same total together hold what that total says, or less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from moisson.model import SANS_CRITERE, Critere, PageLue, Plage, Preuve, Question
from moisson.plan.limits import Limites
from moisson.plan.reading import AUCUN, Lecture

__all__ = ["Recherche"]


class Recherche:
    """A search with its bounds and criteria, and what was established about it.

    Args:
        limites: how much a search shows.
        debut_s, fin_s: bounds on the filter's clock, or None and None for no bounds.
        dedans: whether an offer of this shown millisecond belongs to it (its lower bound, as measured).
        plafond_ms: newest shown millisecond that it can hold, or None.
        attendu: rows it is believed to hold.
        critere: filters besides the dates.
        serre: read with groups of ties closed from the start.
        connus, saut: offers known to stand at its head, and the row from which pages follow each other; see Lecture.
        patiente: go on where a group of ties cannot be closed.
        insistante: and read all of it again and again, as for any other doubt.

    Attributes:
        plage: rows to ask next, or None when finished.
        ids: every distinct offer read in it, with its shown creation in milliseconds.
        vus: every id seen, on either side of its lower bound.
        premiere, derniere: first and last totals announced.
        preuve, raison: how it was proved, or None and why not.
        agitee: rows changed places between two calls.
        deborde: it holds more than a search shows.
        ouvertes_s: shown seconds of which it holds more offers than a page, that change places: not proved for that.
    """

    def __init__(
        self,
        limites: Limites,
        *,
        debut_s: int | None,
        fin_s: int | None,
        dedans: Callable[[int], bool],
        plafond_ms: int | None,
        attendu: int,
        critere: Critere = SANS_CRITERE,
        serre: bool = False,
        connus: Mapping[str, int] = AUCUN,
        saut: int = 0,
        patiente: bool = False,
        insistante: bool = False,
    ) -> None:
        self._limites = limites
        self._patiente = patiente
        self._insistante = insistante
        self._dedans = dedans
        self._plafond_ms = plafond_ms
        self.debut_s = debut_s
        self.fin_s = fin_s
        self.critere = critere
        self._serre = serre
        self._relectures = 0
        self.ids: dict[str, int] = {}
        self.vus: set[str] = set()
        self.premiere: int | None = None
        self.derniere = 0
        self.distinctes = 0
        self.preuve: Preuve | None = None
        self.raison = ""
        self.agitee = False
        self.deborde = False
        self.ouvertes_s: frozenset[int] = frozenset()
        # Offers of the last readings, and the one total that all of them were announced under.
        self._somme: dict[str, int] = {}
        self._sous: int | None = None
        self._lecture = Lecture(
            limites, dedans, plafond_ms, attendu, serre=serre, connus=connus, saut=saut, patiente=patiente
        )

    @property
    def plage(self) -> Plage | None:
        """Rows to ask next; None when the search is proved or given up."""
        return self._lecture.suivante

    @property
    def lues(self) -> dict[str, int]:
        """Offers read so far, those of the reading under way included."""
        return self.ids | self._lecture.ids

    @property
    def supposees(self) -> int:
        """Known offers that the last reading took for granted, as it stopped below them."""
        return self._lecture.non_revues

    def question(self, fenetre: int) -> Question | None:
        """The next question, for the window of that number."""
        if self.plage is None:
            return None
        return Question(fenetre, "page", self.plage, self.critere, self.debut_s, self.fin_s)

    def amorcer(self, page: PageLue) -> None:
        """Begin from a page already read with a lower bound further down."""
        self._lecture.amorcer(page)
        if self._lecture.terminee:
            self._juger()

    def lire(self, page: PageLue) -> None:
        """Take in the answer to the last question; afterwards `plage` is the next one, or None."""
        self._lecture.lire(page)
        if self._lecture.terminee:
            self._juger()

    def relire(self, raison: str) -> bool:
        """Read it again for this reason; False when it was read often enough and is given up."""
        self.raison = raison
        self.preuve = None
        self._relectures += 1
        # Reading again shows no more of a search that holds more than can be shown.
        if self._relectures > self._limites.relectures_max or self.deborde or self._lecture.tronquee:
            return False
        serre = self._serre or self.agitee or self._relectures > 1
        self._lecture = Lecture(
            self._limites, self._dedans, self._plafond_ms, self.derniere, serre=serre, patiente=self._patiente
        )
        return True

    def _juger(self) -> None:
        lecture = self._lecture
        self.agitee = self.agitee or lecture.agitee
        self.deborde = lecture.deborde
        if self.premiere is None:
            self.premiere = lecture.premiere or 0
        self.derniere = lecture.derniere
        self.preuve, self.raison = lecture.jugement()
        self.distinctes = len(lecture.ids)
        if not lecture.anomalies:
            # Where pages contradicted themselves, their rows may be another search's: they count for nothing.
            self.ids.update(lecture.ids)
            self.vus |= lecture.vus
            self._additionner(lecture)
            if self.preuve is None and not self._insistante and not (self._patiente and lecture.montee):
                self._passer(lecture)
        if self.preuve is None and (self.ouvertes_s or not self.relire(self.raison)):
            self.distinctes = len(self.ids)

    def _additionner(self, lecture: Lecture) -> None:
        """Several readings under one and the same total together hold what that total says, or less.

        One whose total moved ends the sum: an offer that left could stand in it for one that was never read.
        """
        if lecture.montee or lecture.premiere != lecture.derniere:
            self._somme, self._sous = {}, None
            return
        self._somme = lecture.ids | (self._somme if self._sous == lecture.derniere else {})
        self._sous = lecture.derniere
        if self.preuve is None and not lecture.deborde and len(self._somme) == lecture.derniere:
            self.preuve, self.raison = "compte", "counted over several readings"
            self.ids = dict(self._somme)
            self.distinctes = len(self.ids)

    def _passer(self, lecture: Lecture) -> None:
        """Leave the seconds that hold too many restless ties to others; what this reading alone says, they complete."""
        self.ouvertes_s = frozenset(lecture.ouvertes_s)
        if self.ouvertes_s and self._patiente:
            self.ids, self.premiere = dict(lecture.ids), lecture.premiere
