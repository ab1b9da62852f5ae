"""The closing sweep: everything created, or published again, since the top was fixed.

The newest page of the country, asked without any date, is atomic and in order. Once it reaches down to the top, it
holds all that came since, at one instant: nothing can hide between it and the walk. No bound is written, so no clock
has a part in it, nor a bound in the future that might be refused.
"""

from __future__ import annotations

from moisson.model import Fait, FenetreBilan, PageLue, Question, QuestionRefusee
from moisson.plan.clock import heure_double
from moisson.plan.limits import Limites
from moisson.plan.reading import anomalie_de_page, ordre_rompu
from moisson.plan.window import Bordure

__all__ = ["Balayage"]


class Balayage:
    """One look at the moving top.

    Args:
        numero: its number; answers come back by it.
        limites: how much a search shows.
        base: the top that was walked from.

    Attributes:
        question: what to ask now, or None.
        close: nothing is left to do.
        page: the answer, once told.
        complet: the page reaches down to the top, so it holds all that came since.
        raison: why nothing could be learnt.
    """

    def __init__(self, numero: int, limites: Limites, base: Bordure) -> None:
        self.numero = numero
        self.base = base
        self.page: PageLue | None = None
        self.complet = False
        self.close = False
        self.raison = ""
        self.appels = 0
        self._limites = limites
        self._essais = 0
        self.question: Question | None = Question(numero, "sommet", limites.premiere)

    @property
    def nouvelles(self) -> int:
        """Distinct offers newer than the top."""
        if not self.complet or self.page is None:
            return 0
        return len({ligne.id for ligne in self.page.lignes if ligne.creation_ms // 1000 > self.base.seconde})

    @property
    def annonce(self) -> int:
        """Offers of the whole country when the page was read; 0 before it holds all that came since."""
        return self.page.total if self.complet and self.page is not None else 0

    def dire(self, fait: Fait) -> None:
        """Take in the answer to `question`."""
        self.appels += 1
        trouble = self._trouble(fait)
        if trouble or (isinstance(fait, PageLue) and fait.total == 0):
            # That the country is empty is believed when it is said again and again.
            self._essais += 1
            if not isinstance(fait, QuestionRefusee) and self._essais < self._limites.essais_page:
                return
        if trouble:
            self.raison = trouble
            self._clore()
            return
        assert isinstance(fait, PageLue)
        self.page = fait
        self.complet = fait.total == len(fait.lignes) or self._atteint(fait)
        self._clore()

    def bilan(self) -> FenetreBilan:
        """Its row in the table `fenetres`: a single page, from the top to the open future."""
        vues = self.nouvelles
        return FenetreBilan(
            numero=self.numero,
            debut_ms=self.base.seconde * 1000 + 1000,
            fin_ms=None,
            critere="",
            annonce_premiere=vues,
            annonce_derniere=vues,
            distinctes=vues,
            manquantes=0,
            preuve="page" if self.complet else None,
            verdict="prouvee" if self.complet else "en doute",
            raison=self.raison,
            appels=self.appels,
        )

    def _atteint(self, page: PageLue) -> bool:
        """Whether the page reaches down to the top."""
        if heure_double(self.base.seconde):
            # A second shown below the top may be of the hour shown again above it: a row known to lie below is not.
            return any(self.base.connus.get(ligne.id) == ligne.creation_ms for ligne in page.lignes)
        return any(ligne.creation_ms // 1000 <= self.base.seconde for ligne in page.lignes)

    def _clore(self) -> None:
        self.close = True
        self.question = None

    def _trouble(self, fait: Fait) -> str:
        if not isinstance(fait, PageLue):
            return fait.message if isinstance(fait, QuestionRefusee) else fait.raison
        return anomalie_de_page(fait) or ordre_rompu(fait.lignes)
