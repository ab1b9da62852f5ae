"""Ties that change places at each call, more of them on one second than a page holds: cut, counted in, and proved."""

from __future__ import annotations

import random

import pytest

from moisson.model import Critere, PageLue
from moisson.plan import cut, walk
from moisson.plan.axes import Part
from moisson.plan.clock import Horloge
from moisson.plan.cut import Noeud
from moisson.plan.division import Sonde
from moisson.plan.limits import LIMITES_API, Limites
from moisson.plan.walk import Classe, Contexte
from moisson.plan.window import Etendue, Fenetre
from tests.plan.monde import AXES, Monde, moissonner

PETITES = Limites(page=10, depart_max=200, marge_s=5)


def verifier(monde: Monde) -> int:
    """A whole plan against this world: proved, and nothing missing. The calls that it made."""
    issue = moissonner(monde, appels_max=8_000)
    assert issue.planificateur.bilan().prouve, issue.planificateur.bilan().raisons
    assert issue.du_debut_a_la_fin <= set(issue.lus)
    return issue.appels


@pytest.mark.parametrize("deaths", [0, 0.05])
def test_groups_larger_than_a_page(deaths: float) -> None:
    """Seconds of up to 400 offers in a country of 30,000: 1.7 x the floor, at most, when there is no more."""
    monde = Monde(random.Random(14), LIMITES_API, deaths=deaths, ties=True)
    monde.peupler(24_000, par_seconde=8)
    while len(monde.offres) < 30_000:
        seconde = monde.now_ms // 1000 - 60 - int(10**7 * monde.rng.random() ** 2)
        for _ in range(monde.rng.randint(20, 400)):
            monde.naitre(seconde * 1000)
    assert verifier(monde) <= 1.7 * 201


@pytest.mark.parametrize("graine", range(8))
def test_small_worlds(graine: int) -> None:
    """Every kind of bound and clock, and offers that leave."""
    rng = random.Random(graine)
    monde = Monde(
        rng,
        PETITES,
        deaths=rng.choice([0, 0.1]),
        ties=True,
        debut_inclus=rng.random() < 0.5,
        fin_inclus=rng.random() < 0.5,
        decalage_s=rng.choice([0, 3600]),
    )
    monde.peupler(1500, par_seconde=40, etendue_s=10**6)
    verifier(monde)


@pytest.mark.parametrize("graine", range(12))
def test_no_second_is_lost_between_two_long_cuts(graine: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither bound counts, and the newest offers, all with milliseconds, do not tell."""
    monkeypatch.setattr(walk, "_FENETRES_PAR_COUPE", 2)
    monkeypatch.setattr(cut, "_CLASSES", 2)
    limites = Limites(page=10, depart_max=90, marge_s=5)
    monde = Monde(random.Random(graine), limites, ties=True, debut_inclus=False, fin_inclus=False)
    for rang in range(12):
        monde.naitre(monde.now_ms - 60_000 - rang * 2000 - 500)
    for rang in range(900):
        monde.naitre((monde.now_ms // 1000 - 100 - rang // 2) * 1000)
    for _ in range(3):
        seconde = monde.now_ms // 1000 - 110 - monde.rng.randrange(400)
        for _ in range(20):
            monde.naitre(seconde * 1000)
    verifier(monde)


@pytest.mark.parametrize("partout", [False, True])
def test_counts_that_divide_nothing(partout: bool) -> None:
    """A burst of one class, or a country of one class: only an axis without counts divides it, and that is found."""
    monde = Monde(random.Random(0), PETITES, ties=True)
    monde.peupler(600, par_seconde=5, etendue_s=10**6)
    commun = {nom: valeurs[0] for nom, valeurs in AXES.items() if nom != "grandDomaine"}
    for _ in range(190):
        domaine = monde.rng.choice(AXES["grandDomaine"])
        monde.naitre(monde.now_ms - 5_000_000, {**commun, "grandDomaine": domaine})
    for offre in monde.offres.values() if partout else ():
        offre.axes |= commun
    verifier(monde)


class Part0:
    """One part of a long cut with one restless second, driven by hand, so that answers can be falsified."""

    def __init__(self, graine: int) -> None:
        self.rng = random.Random(graine)
        self.monde = Monde(self.rng, PETITES, ties=True)
        self.seconde = self.monde.now_ms // 1000 - 5000
        for _ in range(60):
            self.naitre(self.seconde + self.rng.randrange(-1000, 1000))
        for _ in range(25):
            self.naitre(self.seconde)
        self.depart = set(self.monde.offres)
        self.ouverts: dict[int, Fenetre | Noeud] = {}
        numeros = iter(range(1, 10_000))
        contexte = Contexte(
            PETITES,
            horloge=lambda: Horloge(0, 0, True),
            numeroter=lambda: next(numeros),
            inscrire=self.inscrire,
            serre=lambda: True,
            melee=lambda: True,
            divisible=lambda: True,
        )
        bas_s, haut_s = self.seconde - 2000, self.seconde + 2001
        etendue = Etendue(bas_s, haut_s, bas_s * 1000, haut_s * 1000 - 1)
        self.classe = Classe(contexte, etendue, Part(Critere.de({"experience": "0"}), 85))

    def inscrire(self, demandeur: Fenetre | Noeud | Sonde) -> None:
        assert not isinstance(demandeur, Sonde)
        self.ouverts[demandeur.numero] = demandeur

    def naitre(self, seconde: int) -> None:
        axes = {nom: self.rng.choice(valeurs) for nom, valeurs in AXES.items()}
        self.monde.naitre(seconde * 1000, axes | {"experience": "0"})

    def prochain(self) -> Fenetre | Noeud:
        return next(ouvert for ouvert in self.ouverts.values() if ouvert.question is not None)

    def repondre(self, demandeur: Fenetre | Noeud, *, rien: bool = False) -> None:
        assert demandeur.question is not None
        fait = self.monde.repondre(demandeur.question)
        demandeur.dire(PageLue(demandeur.question, 0, (), -1, -1, {}, 204) if rien else fait)
        for ouvert in reversed(list(self.ouverts.values())):
            if isinstance(ouvert, Noeud):
                ouvert.avancer()
        self.classe.avancer()
        self.ouverts = {numero: ouvert for numero, ouvert in self.ouverts.items() if not ouvert.close}

    def manquantes(self) -> set[str]:
        """What stayed, and was not read, although it is proved."""
        return (self.depart & set(self.monde.offres)) - set(self.classe.ids) if self.classe.preuve else set()


@pytest.mark.parametrize("graine", range(40))
def test_one_answer_that_says_nothing_of_a_restless_second(graine: int) -> None:
    """Offers leave while the window is read; then the second's first answer is empty: it is asked again."""
    part, faux = Part0(graine), False
    while not part.classe.close:
        demandeur = part.prochain()
        if isinstance(demandeur, Fenetre):
            ailleurs = [i for i, offre in part.monde.offres.items() if offre.creation_ms != part.seconde * 1000]
            del part.monde.offres[part.rng.choice(ailleurs)]
        rien = isinstance(demandeur, Noeud) and demandeur.melee and not faux
        faux = faux or rien
        part.repondre(demandeur, rien=rien)
    assert faux
    assert not part.manquantes()


@pytest.mark.parametrize("graine", [*range(20), 191])
def test_an_offer_inserted_and_another_withdrawn_at_a_later_call(graine: int) -> None:
    """The total rises in between, so it is seen: nothing is counted together that was not online together."""
    part, ajoutee, appels = Part0(graine), False, 0
    while not part.classe.close:
        demandeur = part.prochain()
        appels += 1
        if isinstance(demandeur, Fenetre) and 3 <= appels <= 6:
            if not ajoutee and part.rng.random() < 0.5:
                part.naitre(part.seconde + 1001)
                ajoutee = True
            elif ajoutee and part.rng.random() < 0.7:
                vues = [i for i in demandeur._recherche.lues if i in part.monde.offres] if demandeur._recherche else []
                if vues:
                    del part.monde.offres[part.rng.choice(vues)]
                    ajoutee = False
        part.repondre(demandeur)
    assert not part.manquantes()


@pytest.mark.parametrize("graine", range(12))
def test_an_offer_of_a_restless_second_that_leaves_between_window_and_cut(graine: int) -> None:
    """The window's totals do not hold it any more: that window is walked over again, and the part is proved."""
    part, partie = Part0(graine), False
    while not part.classe.close:
        demandeur = part.prochain()
        if isinstance(demandeur, Noeud) and demandeur.melee and not partie:
            memes = [i for i, offre in part.monde.offres.items() if offre.creation_ms == part.seconde * 1000]
            del part.monde.offres[part.rng.choice(memes)]
            partie = True
        part.repondre(demandeur)
    assert partie
    assert part.classe.preuve
    assert not part.manquantes()
