"""A stretch divided along an axis without counts: whether the parts hold all of it is known before it is read."""

from __future__ import annotations

import random

import pytest

from moisson.model import PageLue, Question, QuestionRefusee
from moisson.plan import walk
from moisson.plan.division import PRESSANT
from moisson.plan.limits import Limites
from tests.plan.monde import Issue, Monde, Offre, moissonner

PETITES = Limites(page=10, depart_max=20, marge_s=5)


@pytest.fixture(autouse=True)
def coupes_courtes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long cuts of about 900 offers."""
    monkeypatch.setattr(walk, "_FENETRES_PAR_COUPE", 30)


class Autre(Monde):
    """A country where the axis is not what it should be, or where something happens while it is asked.

    Attributes:
        sans: offers that no domain holds.
        partout: offers that every domain holds.
        ignore: the filter is ignored.
        eteints: share of the questions of a division before which an offer leaves.
        recodes: share of all questions before which an offer's domain is edited.
    """

    def __init__(self, graine: int, nombre: int = 1600, *, deaths: float = 0) -> None:
        super().__init__(random.Random(graine), PETITES, ties=True, deaths=deaths)
        self.sans: set[str] = set()
        self.partout: set[str] = set()
        self.ignore = False
        self.eteints = self.recodes = 0.0
        self.divisions = 0
        self.peupler(nombre, par_seconde=12, etendue_s=10**6)

    def repondre(self, question: Question) -> PageLue | QuestionRefusee:
        self.divisions += question.role == PRESSANT
        if question.role == PRESSANT and self.rng.random() < self.eteints:
            mort = self.rng.choice(sorted(self.offres.keys() - self.sans))
            self.morts.add(mort)
            del self.offres[mort]
        if self.rng.random() < self.recodes:
            self.offres[self.rng.choice(sorted(self.offres))].axes["grandDomaine"] = self.rng.choice("ABCDEFGHIJKLMN")
        return super().repondre(question)

    def _convient(self, offre: Offre, question: Question) -> bool:
        filtres = dict(question.critere.filtres)
        domaine = filtres.get("grandDomaine")
        if domaine is None or self.ignore:
            vrai = offre.axes["grandDomaine"]
        elif offre.id in self.sans:
            return False
        elif offre.id in self.partout:
            vrai = domaine
        else:
            return super()._convient(offre, question)
        avant, offre.axes["grandDomaine"] = offre.axes["grandDomaine"], domaine or vrai
        try:
            return super()._convient(offre, question)
        finally:
            offre.axes["grandDomaine"] = avant


def moissonne(monde: Autre) -> Issue:
    """A whole plan, during which the stretch was divided, or that was tried; it claims nothing that is false."""
    issue = moissonner(monde, appels_max=20_000)
    assert monde.divisions
    if issue.planificateur.bilan().prouve:
        assert issue.du_debut_a_la_fin <= set(issue.lus)
    return issue


@pytest.mark.parametrize("graine", range(6))
@pytest.mark.parametrize("deaths", [0, 0.02])
def test_all_is_read_and_proved(graine: int, deaths: float) -> None:
    """Offers leave or do not; what stays is read."""
    monde = Autre(graine, deaths=deaths)
    assert moissonne(monde).planificateur.bilan().prouve


def test_it_costs_little() -> None:
    """A tenth of a country, in pages a fifth as large."""
    monde = Monde(random.Random(3), Limites(page=30, depart_max=300), ties=True)
    while len(monde.offres) < 16_000:
        seconde = monde.now_ms // 1000 - 60 - int(10**7 * monde.rng.random() ** 2)
        for _ in range(min(25, int(1 / (1 - monde.rng.random())))):
            monde.naitre(seconde * 1000)
    assert moissonner(monde).planificateur.bilan().prouve
    assert monde.appels <= 1.15 * (-(-len(monde.offres) // 30))


@pytest.mark.parametrize("graine", range(4))
def test_offers_that_no_part_holds(graine: int) -> None:
    """The sum falls short while nothing moves: the axis is refused, and the counted ones find them."""
    monde = Autre(graine)
    monde.sans = set(monde.rng.sample(sorted(monde.offres), 5))
    issue = moissonne(monde)
    assert issue.planificateur.bilan().prouve
    assert monde.divisions <= 2 * 2 * 15, "tried again although it was refused"


@pytest.mark.parametrize("graine", range(12))
def test_an_offer_that_no_part_holds_behind_others_that_leave(graine: int) -> None:
    """Offers leave at each question of the division: then it proves nothing, and claims nothing."""
    monde = Autre(graine)
    monde.eteints = monde.rng.choice([0.03, 0.1, 0.3])
    monde.sans = set(monde.rng.sample(sorted(monde.offres), monde.rng.choice([1, 2])))
    moissonne(monde)


@pytest.mark.parametrize("graine", range(8))
def test_an_offer_in_all_parts_makes_up_for_others_in_none(graine: int) -> None:
    """The sum is right by chance: the parts share an offer, which the reading sees."""
    monde = Autre(graine)
    stretch = sorted(monde.offres, key=lambda id_: monde.offres[id_].creation_ms)[200:700]
    monde.partout = set(stretch[:1])
    monde.sans = set(stretch[1:14])
    issue = moissonne(monde)
    assert issue.planificateur.bilan().prouve


@pytest.mark.parametrize("graine", range(2))
def test_the_filter_is_ignored(graine: int) -> None:
    """Every part holds all: refused."""
    monde = Autre(graine)
    monde.ignore = True
    moissonne(monde)


@pytest.mark.parametrize("graine", range(2))
def test_one_value_is_refused(graine: int) -> None:
    """A code that the API does not take: the counted axes are used, and it is not tried again."""
    monde = Autre(graine)
    monde.refuse = frozenset({("grandDomaine", "M")})
    issue = moissonne(monde)
    assert issue.planificateur.bilan().prouve
    assert monde.divisions <= 2 * 15


@pytest.mark.parametrize("graine", range(12))
def test_domains_that_are_edited_meanwhile(graine: int) -> None:
    """While nothing leaves, an offer that moved to a part already read is missed by the count, and looked for."""
    monde = Autre(graine)
    monde.recodes = monde.rng.choice([0.005, 0.05])
    moissonne(monde)
