"""A stretch divided along an axis without counts: whether the parts hold all of it is known before it is read."""

from __future__ import annotations

import random

import pytest

from moisson.model import Critere, PageLue, Plage, Question, QuestionEchouee, QuestionRefusee
from moisson.plan import walk
from moisson.plan.coverage import confronter
from moisson.plan.division import PRESSANT, Division, Sonde
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
    assert monde.divisions <= 2 * 2 * 15, "tried again although it was refused"


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


class Trompeur(Autre):
    """When the whole is asked again, another answer comes in its place, once; one offer left before, others do after.

    Attributes:
        vide: it says "nothing"; else it is the page of one part.
    """

    def __init__(self, graine: int, *, vide: bool) -> None:
        super().__init__(graine)
        self.vide = vide
        self.quittee = self.trompe = False
        self.page_c: PageLue | None = None
        milieu = sorted(self.offres, key=lambda id_: self.offres[id_].creation_ms)[950:1450]
        self.cachee = self.rng.choice(milieu)
        if not vide:
            # One class, but for the one offer of an experience that the page of C does not know.
            for id_, offre in self.offres.items():
                offre.axes |= {"qualification": "0", "natureContrat": "E1", "typeContrat": "CDI"}
                offre.axes["experience"] = "4" if id_ == self.cachee else self.rng.choice("0123")
            self.offres[self.cachee].axes["grandDomaine"] = "D"

    def repondre(self, question: Question) -> PageLue | QuestionRefusee:
        filtres = dict(question.critere.filtres)
        if question.role == PRESSANT and filtres and not self.quittee:
            self.quittee = True
            debut_ms, fin_ms = self.lire_ms(question.debut_s or 0), self.lire_ms(question.fin_s or 0)
            autres = [
                id_
                for id_, offre in sorted(self.offres.items())
                if id_ != self.cachee
                and debut_ms <= offre.creation_ms <= fin_ms
                and offre.axes["grandDomaine"] != filtres["grandDomaine"]
            ]
            self.morts.add(mort := self.rng.choice(autres))
            del self.offres[mort]
        if question.role == PRESSANT and not filtres and not self.trompe and (self.vide or self.page_c):
            self.trompe, self.deaths = True, 0.05
            self.appels += 1
            if self.page_c is None or self.vide:
                return PageLue(question, 0, (), -1, -1, {}, 204)
            c = self.page_c
            return PageLue(question, c.total, c.lignes, c.premier, c.dernier, c.agregats, 206)
        reponse = super().repondre(question)
        if question.role == PRESSANT and filtres.get("grandDomaine") == "C" and isinstance(reponse, PageLue):
            self.page_c = reponse
        return reponse

    def _convient(self, offre: Offre, question: Question) -> bool:
        if self.vide and offre.id == self.cachee and "origineOffre" in dict(question.critere.filtres):
            return False
        return super()._convient(offre, question)


@pytest.mark.parametrize("graine", range(6))
@pytest.mark.parametrize("vide", [False, True], ids=["another page", "nothing"])
def test_one_wrong_answer_for_the_whole(graine: int, vide: bool) -> None:
    """What is cut afterwards is cut by an answer of its own; the wrong one added up to itself, and hid an offer."""
    monde = Trompeur(graine, vide=vide)
    issue = moissonne(monde)
    assert monde.trompe
    bilan = confronter(issue.planificateur.bilan(), len(issue.lus))
    assert not bilan.prouve or issue.du_debut_a_la_fin <= set(issue.lus)


# -- what a division concludes ---------------------------------------------------------------------------------------


class Essai:
    """A division in two, whose answers are written down."""

    def __init__(self, total: int) -> None:
        self.sondes: list[Sonde] = []
        self.division = Division(
            self.sonder, PETITES, page(Question(0, "etendue", PETITES.premiere), total), "x", ("A", "B")
        )

    def sonder(self, critere: Critere, plage: Plage) -> Sonde:
        """A question for a part."""
        self.sondes.append(Sonde(Question(len(self.sondes), PRESSANT, plage, critere), 2))
        return self.sondes[-1]

    def repondre(self, a: int, b: int, tout: int) -> None:
        """Totals of the two parts, in the order in which they are asked, then of the whole."""
        for sonde, total in zip(self.sondes[-2:], (a, b), strict=True):
            assert sonde.question is not None
            sonde.dire(page(sonde.question, total))
        assert self.division.avancer()
        assert not self.division.close
        self.division.dire(page(Question(0, PRESSANT, PETITES.premiere), tout))


def page(question: Question, total: int) -> PageLue:
    """An answer of which only the total counts."""
    return PageLue(question, total, (), -1, -1, {}, 206)


@pytest.mark.parametrize(
    ("a", "b", "tout", "couverte", "refusee", "close"),
    [
        (60, 40, 100, True, False, True),
        # One left after its part was asked: all had been there.
        (60, 40, 99, True, False, True),
        # It was in no part, or left before: nothing is known.
        (60, 39, 99, False, False, False),
        # Nothing moved, and one is in no part: once may be a wrong answer.
        (60, 39, 100, False, False, False),
        # One came: it may stand in the sum for one that is in no part.
        (60, 40, 101, False, False, True),
        (60, 41, 100, False, False, False),
        # More left than another try could do without.
        (60, 30, 90, False, False, True),
    ],
)
def test_one_try(a: int, b: int, tout: int, couverte: bool, refusee: bool, close: bool) -> None:
    """The parts must hold what the whole held before the first of them was asked, and nothing may have come."""
    essai = Essai(100)
    essai.repondre(a, b, tout)
    assert (essai.division.couverte, essai.division.refusee, essai.division.close) == (couverte, refusee, close)


def test_an_axis_that_loses_offers_is_refused_the_second_time() -> None:
    """Nothing moved, twice."""
    essai = Essai(100)
    essai.repondre(60, 39, 100)
    essai.repondre(60, 39, 100)
    assert essai.division.refusee
    assert essai.division.close
    assert not essai.division.couverte


def test_it_is_not_tried_for_ever() -> None:
    """Where offers leave at each try."""
    essai = Essai(100)
    for essais in range(1, 7):
        assert not essai.division.close
        essai.repondre(100 - 41 - essais, 40, 100 - essais)
    assert essai.division.close
    assert not essai.division.couverte


def test_a_part_without_an_answer() -> None:
    """Refused, or given up: the axis is not used; only a refusal says something of it."""
    for fait, refusee in (("refused", True), ("failed", False)):
        essai = Essai(100)
        for sonde in essai.sondes:
            while (question := sonde.question) is not None:
                echec = QuestionEchouee(question, "no answer", 0.0)
                sonde.dire(QuestionRefusee(question, "unknown code") if fait == "refused" else echec)
        assert essai.division.avancer()
        assert (essai.division.close, essai.division.refusee, essai.division.couverte) == (True, refusee, False)
