"""A stretch divided along an axis without counts, and looked at beforehand whether the parts hold all of it.

    asks                                      told
    ----------------------------------------  ----------------------------------------------------------------------
    (the whole, before)                       `tout`, with the total that the parts must add up to
    the deepest page of each part, at once    its total; and it is the first page that the part's own walk needs, so
    (`Sonde`)                                 it is no call more, unless a search shows all of the part
    the whole, again                          `couverte`, `refusee`, or all once more

Nothing enters a stretch that is past; offers only leave. So if the parts together hold as many, each at its moment, as
the whole held *before* the first of them was asked, then no offer left a part before that was asked, and every offer
of the whole was in one of them. A sum that falls short says nothing when offers left meanwhile: then it is tried
again. When none left, the axis does not hold all, or holds some twice, and is refused. The whole, asked again, tells
which; and its total must not have risen, since an offer inserted could stand in the sum for one that no part holds.

What this does not see, the reading does: parts that share an offer while another is in none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from moisson.model import Critere, Fait, PageLue, Plage, Question, QuestionRefusee
from moisson.plan.axes import Part
from moisson.plan.limits import Limites

__all__ = ["PRESSANT", "Division", "Sonde"]

PRESSANT = "division"
"""Role of its questions, which go before all others."""

_ESSAIS_MAX = 6
"""Times that it is tried: offers leave now and then in any country."""

_DEPARTS_MAX = 6
"""Offers that left while the parts were asked, from which another try would only meet the same."""


class Sonde:
    """One page of one part, asked for the total that comes with it.

    Args:
        question: the one to ask.
        essais_max: times that it is asked when no answer comes.

    Attributes:
        question: what to ask, or None.
        page: the answer, or None.
        refusee: the API does not take it.
        close: it was answered, or given up.
        appels: times that it was asked.
    """

    agitee = False

    def __init__(self, question: Question, essais_max: int) -> None:
        self.numero = question.fenetre
        self.question: Question | None = question
        self.page: PageLue | None = None
        self.refusee = False
        self.appels = 0
        self._essais_max = essais_max

    @property
    def close(self) -> bool:
        """It was answered, or given up."""
        return self.question is None

    def dire(self, fait: Fait) -> None:
        """Take in the answer."""
        self.appels += 1
        if isinstance(fait, PageLue):
            self.page = fait
        self.refusee = isinstance(fait, QuestionRefusee)
        if self.page is not None or self.refusee or self.appels == self._essais_max:
            self.question = None


class Division:
    """A few tries to divide a stretch.

    Args:
        sonder: opens a `Sonde` for a part and these rows of it.
        limites: how much a search shows.
        tout: a page of the whole, just read.
        axe, valeurs: along what.

    Attributes:
        axe: along what.
        tout: the last page of the whole.
        couverte: the parts hold all of the whole.
        refusee: the axis does not hold all of the whole, although nothing moved, or the API does not take it.
        close: nothing is left to ask.
    """

    def __init__(
        self,
        sonder: Callable[[Critere, Plage], Sonde],
        limites: Limites,
        tout: PageLue,
        axe: str,
        valeurs: tuple[str, ...],
    ) -> None:
        self._sonder = sonder
        self._fond = limites.fond(0)
        self.axe = axe
        self._valeurs = valeurs
        self.tout = tout
        self._essais = 0
        self.couverte = self.refusee = self.close = False
        self._ouvrir()

    @property
    def parts(self) -> list[tuple[Part, PageLue]]:
        """Each part that holds offers, with its deepest page."""
        pages = [sonde.page for sonde in self._sondes if sonde.page is not None]
        return [(Part(page.question.critere, page.total), page) for page in pages if page.total]

    @property
    def appels(self) -> int:
        """Calls of the parts that were asked last."""
        return sum(sonde.appels for sonde in self._sondes)

    def avancer(self) -> bool:
        """Look at the parts. Returns whether all are answered: then the whole is to be asked again, unless closed."""
        if not all(sonde.close for sonde in self._sondes):
            return False
        self.refusee = any(sonde.refusee for sonde in self._sondes)
        self.close = any(sonde.page is None for sonde in self._sondes)
        return True

    def dire(self, page: PageLue) -> None:
        """Take in the whole, asked again."""
        somme, avant, apres = sum(part.attendu or 0 for part, _ in self.parts), self.tout.total, page.total
        self.tout = page
        self._essais += 1
        if somme == avant >= apres:
            self.couverte = self.close = True
            return
        # Once can be a wrong answer; twice is the axis.
        self.refusee = apres == avant and self._essais > 1
        self.close = self.refusee or self._essais == _ESSAIS_MAX or not 0 <= avant - apres <= _DEPARTS_MAX
        if not self.close:
            # The largest first: the sooner a part is asked, the fewer of its offers have left.
            tailles = [sonde.page.total if sonde.page else 0 for sonde in self._sondes]
            ordre = sorted(zip(tailles, self._valeurs, strict=True), reverse=True)
            self._valeurs = tuple(valeur for _, valeur in ordre)
            self._ouvrir()

    def _ouvrir(self) -> None:
        critere = self.tout.question.critere
        self._sondes = [self._sonder(critere.avec(self.axe, valeur), self._fond) for valeur in self._valeurs]
