"""The check on the whole country: does anything lie outside the dates?

The unfiltered total and the dated total are asked back to back: U, D, U. Where offers come and go between the calls,
the dated one need only lie between the two unfiltered ones; else the pair is asked again, a bounded number of times.
An offer without a date, or dated outside the widest bounds, would keep D below U for ever, and nothing is proved then.
"""

from __future__ import annotations

from moisson.model import Fait, FenetreBilan, Ligne, PageLue, Question, QuestionRefusee
from moisson.plan.clock import Horloge, nuit_de_changement
from moisson.plan.limits import Limites
from moisson.plan.reading import anomalie_de_page, ex_aequo_deplaces

__all__ = ["Controle", "page_unique"]

AVANCES_NUIT_S = (7201, 3601, 1800, 900, 600, 300)
"""More of them on a night of change, where the shift may be an hour off: a bound must lie beyond the newest offer, out
of the hour that is read twice, and not in the future."""

REFUS_MAX = 60
"""Times the narrowest dated question is asked again after a refusal. Where a bound in the future is refused, one put a
second above an offer that was just created is taken a second later: so many calls last longer than that at any pace."""


class Controle:
    """One comparison of the unfiltered and the dated totals.

    Args:
        numero: its number; answers come back by it.
        limites: how much a search shows.
        debuts_s: lower bounds to try on the filter's clock, widest first; one that is refused (400) gives way to the
            next.
        avances_s: how far above the newest creation shown the upper bound is put, widest first, in the same way.

    Attributes:
        question: what to ask now, or None.
        close: nothing is left to do.
        accord: the totals agreed.
        raison: why not.
        premiere: the first page of the unfiltered search.
        dernier_total: last unfiltered total.
        date: last dated total, or None.
        agitee: offers of one instant changed places between two of its pages.
    """

    def __init__(self, numero: int, limites: Limites, debuts_s: tuple[int, ...], avances_s: tuple[int, ...]) -> None:
        self.numero = numero
        self.close = False
        self.appels = 0
        self.accord = False
        self.raison = ""
        self.premiere: PageLue | None = None
        self.dernier_total = 0
        self.date: int | None = None
        self.agitee = False
        self._avant: tuple[Ligne, ...] = ()
        self._limites = limites
        self._debuts_s = list(debuts_s)
        self._avances_s = list(avances_s)
        self._nuit_s: list[int] = []
        self._horloge: Horloge | None = None
        self._recente_s = 0
        self._totaux: list[int] = []
        self._dates: list[int] = []
        self._echecs = 0
        self._refus = 0
        self.question: Question | None = Question(numero, "nationale", limites.premiere)

    @property
    def debut_s(self) -> int:
        """The widest lower bound that was not refused."""
        return self._debuts_s[0]

    def dater(self, horloge: Horloge) -> None:
        """Go on to the dated total, now that the first page was looked at and the clocks are known."""
        self._horloge = horloge
        if nuit_de_changement(self._recente_s):
            self._nuit_s = sorted({*self._avances_s, *AVANCES_NUIT_S}, reverse=True)
            self._avances_s = list(self._nuit_s)
        self.question = self._datee()

    def commencer(self, page: PageLue | None, horloge: Horloge, recente_s: int) -> None:
        """Begin with the clocks known.

        Args:
            page: an unfiltered page that was just read for another purpose: its total is the first; or None.
            horloge: the clocks.
            recente_s: newest shown second known before, for a page that shows none.
        """
        self._horloge = horloge
        self._recente_s = recente_s
        if page is not None:
            self._prendre(page)
            self.dater(horloge)

    def dire(self, fait: Fait) -> None:
        """Take in the answer to `question`."""
        self.appels += 1
        if isinstance(fait, QuestionRefusee) and fait.question.role == "datee" and self._reculer():
            return
        if not isinstance(fait, PageLue):
            self._echecs += 1
            if isinstance(fait, QuestionRefusee) or self._echecs >= self._limites.essais_page:
                motif = fait.message if isinstance(fait, QuestionRefusee) else fait.raison
                self._clore(f"the national totals could not be asked: {motif}")
            return
        # That the country is empty is believed when it is said again and again.
        anomalie = anomalie_de_page(fait) or fait.total == 0
        if anomalie and self._echecs < self._limites.essais_page:
            self._echecs += 1
            return
        if fait.question.role == "nationale":
            self._prendre(fait)
            self.question = self._datee() if self._horloge is not None else None
        else:
            self._controler(fait)
            self.date = fait.total
            self._dates.append(fait.total)
            self.question = Question(self.numero, "nationale", self._limites.premiere)
        self._juger()

    def _prendre(self, page: PageLue) -> None:
        self._controler(page)
        self.premiere = self.premiere or page
        self.dernier_total = page.total
        self._totaux.append(page.total)
        self._recente_s = max((ligne.creation_ms // 1000 for ligne in page.lignes), default=self._recente_s)

    def _controler(self, page: PageLue) -> None:
        self.agitee = self.agitee or ex_aequo_deplaces(self._avant, page.lignes)
        self._avant = page.lignes

    def _reculer(self) -> bool:
        """A bound was refused: put the upper one nearer to now, then the lower one; False when nothing helps."""
        for bornes in (self._avances_s, self._debuts_s):
            if len(bornes) > 1:
                bornes.pop(0)
                self.question = self._datee()
                return True
        self._refus += 1
        if self._refus == REFUS_MAX and self._nuit_s:
            # The clock may have changed between the offer's creation and the bound, as written: try the other hour.
            self._avances_s = [self._avances_s[0] - 3600]
            self.question = self._datee()
        return self._refus <= REFUS_MAX * (2 if self._nuit_s else 1)

    def _juger(self) -> None:
        """Compare the last dated total with the unfiltered totals asked just before and just after it."""
        if not self._dates:
            return
        avant = self._totaux[len(self._dates) - 1]
        date = self._dates[-1]
        apres = self._totaux[len(self._dates)] if len(self._totaux) > len(self._dates) else None
        if date == avant or (apres is not None and min(avant, apres) <= date <= max(avant, apres)):
            self.accord = True
            self._clore("")
        elif apres is not None and len(self._dates) >= self._limites.controles_max:
            self._clore(
                f"{apres} offers are announced without dates and {date} within all dates: "
                f"{abs(apres - date)} lie outside, or the totals do not keep still"
            )
        elif apres is not None and self._nuit_s and self._refus < REFUS_MAX:
            # The bound that was taken may have been an hour short: a wider one may be taken by now.
            self._avances_s = list(self._nuit_s)
            self.question = self._datee()

    def _clore(self, raison: str) -> None:
        self.raison = raison
        self.close = True
        self.question = None

    def _datee(self) -> Question:
        assert self._horloge is not None
        fin_s = self._horloge.filtre_s(self._recente_s, tard=True) + self._avances_s[0]
        return Question(self.numero, "datee", self._limites.premiere, debut_s=self.debut_s, fin_s=fin_s)


def page_unique(page: PageLue, appels: int) -> FenetreBilan:
    """The row of a country that one page holds."""
    distinctes = len({ligne.id for ligne in page.lignes})
    entiere = distinctes == page.total
    return FenetreBilan(
        numero=0,
        debut_ms=None,
        fin_ms=None,
        critere="",
        annonce_premiere=page.total,
        annonce_derniere=page.total,
        distinctes=distinctes,
        manquantes=page.total - distinctes,
        preuve="page" if entiere else None,
        verdict="prouvee" if entiere else "manque",
        raison="" if entiere else "an offer stands twice on the only page",
        appels=appels,
    )
