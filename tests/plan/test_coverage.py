"""What was read against what was announced: an offer that comes late, with an old date, is read or is told missing."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.model import Bilan, PageLue, Question, QuestionRefusee
from moisson.plan.coverage import confronter
from moisson.plan.limits import Limites
from tests.plan.monde import Issue, Monde, moissonner

PETITES = Limites(page=10, depart_max=200, marge_s=5)
PROUVE = Bilan(True, (), (), (), 1000, 1000, True, 0, annonce_balayage=1000)


@dataclass
class Retardataires(Monde):
    """A country where offers with an old date appear at one call, as those do that were held back or come back.

    Attributes:
        a_l_appel: number of that call.
        ages_s: how old each of them is.
        avant_la_fin: they were there when the closing page was read.
    """

    a_l_appel: int = 0
    ages_s: tuple[int, ...] = ()
    avant_la_fin: bool = False

    def repondre(self, question: Question) -> PageLue | QuestionRefusee:
        if self.appels == self.a_l_appel:
            for age_s in self.ages_s:
                self.naitre(self.now_ms - 60_000 - 1000 * age_s)
        if question.role == "sommet":
            self.avant_la_fin = self.appels >= self.a_l_appel
        return super().repondre(question)


def jouer(graine: int, appel: int, ages_s: tuple[int, ...]) -> tuple[Retardataires, Issue, Bilan]:
    """A harvest of 1,000 offers, and its judgement."""
    monde = Retardataires(random.Random(graine), PETITES, a_l_appel=appel, ages_s=ages_s)
    monde.peupler(1000)
    issue = moissonner(monde)
    return monde, issue, confronter(issue.planificateur.bilan(), len(issue.lus))


@settings(max_examples=25)
@given(
    graine=st.integers(0, 2**32),
    appel=st.integers(2, 130),
    ages_s=st.lists(st.integers(0, 10**7), min_size=1, max_size=12).map(tuple),
)
def test_what_comes_late_is_read_or_told(graine: int, appel: int, ages_s: tuple[int, ...]) -> None:
    """Never is a run proved that lacks an offer online when its closing page was read."""
    monde, issue, bilan = jouer(graine, appel, ages_s)
    manquent = set(monde.offres) - set(issue.lus)
    if bilan.prouve and monde.avant_la_fin:
        assert not manquent
    if manquent and monde.avant_la_fin:
        assert bilan.manquantes >= len(manquent)


@pytest.mark.parametrize("graine", range(3))
def test_a_window_that_came_to_hold_too_much_is_walked_again(graine: int) -> None:
    """Offers that enter a full window while it is read put it in doubt, not past a search's reach: it is mended."""
    for appel in range(5, 100, 12):
        _, issue, _ = jouer(graine, appel, (40, 10**5, 3 * 10**6))
        fenetres = issue.planificateur.bilan().fenetres
        assert all(fenetre.preuve for fenetre in fenetres), [f.raison for f in fenetres if not f.preuve]


def test_too_few_distinct_offers() -> None:
    """The verdict falls, nothing may be closed, and the count that is missing is named."""
    assert confronter(PROUVE, 1000) == PROUVE
    assert confronter(PROUVE, 1003) == PROUVE, "offers that left meanwhile"
    contredit = confronter(PROUVE, 950)
    assert (contredit.prouve, contredit.controles_nationaux, contredit.manquantes) == (False, False, 50)
    assert contredit.raisons == (
        "950 distinct offers were read, and 1000 were online when the last page was: 50 came with an old date, or "
        "back, after their time was read",
    )
