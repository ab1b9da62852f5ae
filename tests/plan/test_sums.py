"""Totals against the counts beside them: exact, noisy, wrong for good."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest

from moisson.model import PageLue, Plage, Question, QuestionRefusee
from moisson.plan.limits import Limites
from moisson.plan.sums import Sommes, somme
from tests.plan.monde import Issue, Monde, moissonner


def page(total: int, **sommes: int) -> PageLue:
    """An answer with that total and those sums."""
    agregats = {axe: {"0": n - 1, "1": 1} for axe, n in sommes.items()}
    return PageLue(Question(0, "page", Plage(0, 9)), total, agregats=agregats)


def test_what_the_counts_add_up_to() -> None:
    """Three axes that agree give a sum; none, or disagreement, gives none."""
    assert somme(page(9, experience=10, qualification=10, natureContrat=10)) == 10
    assert somme(page(9, experience=10, qualification=11, natureContrat=10)) is None
    assert somme(page(9)) is None


def test_axes_that_disagree() -> None:
    """Counts that contradict one another forbid a proof."""
    sommes = Sommes()
    assert sommes.corriger(page(10, experience=10, qualification=11, natureContrat=10)).total == 10
    assert "do not add up" in sommes.raison


def moisson_bruitee(bruit: Callable[[random.Random], int]) -> tuple[Monde, Issue]:
    """A harvest where every announced total is off by what `bruit` draws."""
    monde = Monde(random.Random(1), Limites(page=10, depart_max=200, marge_s=5))
    monde.peupler(1500)
    vrai = monde.repondre

    def repondre(question: Question) -> PageLue | QuestionRefusee:
        fait = vrai(question)
        if not isinstance(fait, PageLue) or not fait.lignes:
            return fait
        return msgspec.structs.replace(fait, total=max(fait.dernier + 1, fait.total + bruit(monde.rng)))

    monde.repondre = repondre  # type: ignore[method-assign]
    return monde, moissonner(monde)


def test_noise_is_established_and_told() -> None:
    """Totals off by up to three from call to call: proved by the counts, and said to be within the noise."""
    monde, issue = moisson_bruitee(lambda rng: rng.randint(-3, 3))
    bilan = issue.planificateur.bilan()
    assert bilan.prouve, bilan.raisons
    assert set(issue.lus) == set(monde.offres)
    assert "off by up to 3" in " ".join(bilan.avertissements)


@pytest.mark.parametrize("ecart", [-4, 1, 5, 400])
def test_a_total_wrong_for_good(ecart: int) -> None:
    """A total that is always off by the same is a contradiction, never noise."""
    monde, issue = moisson_bruitee(lambda rng: ecart)
    bilan = issue.planificateur.bilan()
    assert not bilan.prouve
    assert not bilan.controles_nationaux
    assert set(issue.lus) == set(monde.offres)
