"""A cut compares its count only with ids read under the same total: one that left must not stand for one missed."""

from __future__ import annotations

import random

import pytest

from moisson.model import PageLue, Question, QuestionRefusee
from moisson.plan.coverage import confronter
from moisson.plan.limits import Limites
from tests.plan.monde import Issue, Monde, Offre, moissonner

LIMITES = Limites(page=5, depart_max=95, marge_s=5)
COMMUN = {"natureContrat": "E1", "typeContrat": "CDI", "qualification": "0"}


class Foule(Monde):
    """A country of 100, and a second with many more than a search shows; one offer of them that an axis does not hold.

    Attributes:
        sans_axes: the axes that do not hold it.
    """

    sans_axes = frozenset({"grandDomaine"})

    def __init__(self, graine: int, foule: int, *, ties: bool, ajouts: tuple[str, ...], perdue: int) -> None:
        super().__init__(random.Random(graine), LIMITES, ties=ties)
        self.peupler(100, par_seconde=3, etendue_s=10**6)
        self.seconde_ms = self.now_ms // 1000 * 1000 - 5_000_000
        avant = set(self.offres)
        for rang in range(foule):
            self.naitre(self.seconde_ms, self.axes(rang, foule, ajouts))
        self.foule = sorted(self.offres.keys() - avant)
        self.perdue = self.foule[perdue]

    def axes(self, rang: int, foule: int, ajouts: tuple[str, ...]) -> dict[str, str]:
        """All alike but for the axes that are named."""
        tires = {
            "experience": "0" if rang < foule // 2 else "1",
            "origineOffre": self.rng.choice("12"),
            "dureeHebdo": self.rng.choice("012"),
            "grandDomaine": self.rng.choice("ABCDEFGHIJKLMN"),
        }
        fixes = {"experience": "0", "origineOffre": "1", "dureeHebdo": "0"}
        return COMMUN | fixes | {nom: tires[nom] for nom in (*ajouts, "grandDomaine")}

    def quitter(self, id_: str) -> None:
        """An offer leaves."""
        self.morts.add(id_)
        del self.offres[id_]

    def _convient(self, offre: Offre, question: Question) -> bool:
        if offre.id == self.perdue and self.sans_axes & {nom for nom, _ in question.critere.filtres}:
            return False
        return super()._convient(offre, question)


def juger(issue: Issue) -> None:
    """Nothing false is claimed."""
    bilan = confronter(issue.planificateur.bilan(), len(issue.lus))
    assert not bilan.prouve or issue.du_debut_a_la_fin <= set(issue.lus)


class QuitteePendantLaLecture(Foule):
    """An offer that was read leaves just before its part, full of restless ties, is counted anew."""

    def __init__(self, graine: int) -> None:
        super().__init__(graine, 180, ties=True, ajouts=("experience",), perdue=5)
        self.partie = False
        self.vues: dict[int, set[str]] = {}

    def repondre(self, question: Question) -> PageLue | QuestionRefusee:
        vues = self.vues.setdefault(question.fenetre, set())
        lues = [id_ for id_ in self.foule if id_ in vues and id_ != self.perdue]
        if lues and not self.partie and question.role == "etendue" and ("experience", "0") in question.critere.filtres:
            self.partie = True
            self.quitter(self.rng.choice(lues))
        reponse = super().repondre(question)
        if isinstance(reponse, PageLue):
            vues |= {ligne.id for ligne in reponse.lignes}
        return reponse


@pytest.mark.parametrize("graine", range(10))
def test_one_left_after_a_reading_that_was_given_up(graine: int) -> None:
    """Its id stood in the count of the next total, in the place of the one that no domain holds."""
    monde = QuitteePendantLaLecture(graine)
    issue = moissonner(monde, appels_max=5_000)
    assert monde.partie
    juger(issue)


class QuitteeEntreDeuxTotaux(Foule):
    """One leaves before the whole is asked again; before it is asked once more, two come with the same old date."""

    sans_axes = frozenset({"origineOffre", "dureeHebdo", "grandDomaine"})
    retours = 0

    def repondre(self, question: Question) -> PageLue | QuestionRefusee:
        if question.role == "retour" and not question.critere.filtres:
            self.retours += 1
            if self.retours == 1:
                self.quitter(self.foule[20])
            elif self.retours == 2:
                for rang in range(2):
                    self.naitre(self.seconde_ms, self.axes(rang, 160, ("origineOffre", "dureeHebdo")))
        return super().repondre(question)


@pytest.mark.parametrize("perdue", [40, 120, 155])
@pytest.mark.parametrize("graine", range(2))
def test_one_left_before_the_total_rose(graine: int, perdue: int) -> None:
    """Its id made up for the missed one in the count of the later total."""
    monde = QuitteeEntreDeuxTotaux(graine, 160, ties=False, ajouts=("origineOffre", "dureeHebdo"), perdue=perdue)
    issue = moissonner(monde, appels_max=3_000)
    assert monde.retours >= 2
    juger(issue)
