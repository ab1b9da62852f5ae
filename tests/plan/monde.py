"""A country small enough to hold in a list: what the planner is tried against, and whose truth is known.

It answers questions by brute force, from the documentation alone: filter, sort, slice, count. Between two answers it
may drift. It is not the double of the API (that one speaks HTTP); it is the shortest thing that could be right.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from moisson.model import Ligne, PageLue, Question, QuestionRefusee
from moisson.plan.limits import Limites
from moisson.plan.planner import Planificateur

AXES = {
    "experience": ("0", "1", "2", "3", "4"),
    "natureContrat": ("E1", "E2", "NS", "FS"),
    "typeContrat": ("CDI", "CDD", "MIS", "LIB"),
    "qualification": ("0", "9", "X"),
    "origineOffre": ("1", "2"),
    "dureeHebdo": ("0", "1", "2"),
    "grandDomaine": tuple("ABCDEFGHIJKLMN"),
}
COMPTES = ("typeContrat", "experience", "qualification", "natureContrat")


@dataclass
class Offre:
    id: str
    creation_ms: int
    axes: dict[str, str]


@dataclass
class Monde:
    """A country.

    Attributes:
        births, deaths, republications: expected number between two answers.
        decalage_s: filter's second minus shown second.
        debut_inclus, fin_inclus: whether each bound counts.
        ties: rows of one instant change places at every answer.
    """

    rng: random.Random
    limites: Limites
    offres: dict[str, Offre] = field(default_factory=dict)
    births: float = 0
    deaths: float = 0
    republications: float = 0
    decalage_s: int = 0
    debut_inclus: bool = True
    fin_inclus: bool = True
    ties: bool = False
    refuse: frozenset[tuple[str, str]] = frozenset()
    futur_refuse: bool = False
    hors_dates: int = 0
    now_ms: int = 1_764_000_000_000
    prochain: int = 0
    appels: int = 0
    morts: set[str] = field(default_factory=set)

    def naitre(self, creation_ms: int, axes: dict[str, str] | None = None) -> None:
        self.prochain += 1
        if axes is None:
            axes = {nom: self.rng.choice(valeurs) for nom, valeurs in AXES.items()}
        offre = Offre(f"{self.prochain:07d}", creation_ms, axes)
        self.offres[offre.id] = offre

    def peupler(self, nombre: int, *, par_seconde: int = 3, etendue_s: int = 10**7, ms: float = 0.3) -> None:
        """Make `nombre` offers in bursts of up to `par_seconde`, at least a minute before now."""
        reste = nombre
        while reste:
            lot = min(reste, self.rng.randint(1, par_seconde))
            base = self.now_ms // 1000 - 60 - int(etendue_s * self.rng.random() ** 2)
            for _ in range(lot):
                self.naitre(base * 1000 + (self.rng.randrange(1000) if self.rng.random() < ms else 0))
            reste -= lot

    def deriver(self) -> None:
        self.now_ms += 333
        for _ in range(self._tirage(self.births)):
            self.naitre(self.now_ms - self.rng.randrange(900))
        for _ in range(self._tirage(self.deaths)):
            if self.offres:
                mort = self.rng.choice(list(self.offres))
                self.morts.add(mort)
                del self.offres[mort]
        for _ in range(self._tirage(self.republications)):
            if self.offres:
                self.offres[self.rng.choice(list(self.offres))].creation_ms = self.now_ms

    def _tirage(self, attendu: float) -> int:
        entier = int(attendu)
        return entier + (self.rng.random() < attendu - entier)

    def repondre(self, question: Question) -> PageLue | QuestionRefusee:
        self.appels += 1
        assert len(question.plage) <= self.limites.page
        assert 0 <= question.plage.premier <= self.limites.depart_max
        self.deriver()
        for filtre in question.critere.filtres:
            if filtre in self.refuse:
                return QuestionRefusee(question, "Valeur du paramètre incorrecte.")
        now_ms = self.now_ms // 1000 * 1000
        if self.futur_refuse and question.fin_s is not None and self.lire_ms(question.fin_s) > now_ms + 1000:
            return QuestionRefusee(question, "future")
        trouvees = [o for o in self.offres.values() if self._convient(o, question)]
        if self.ties:
            self.rng.shuffle(trouvees)
        trouvees.sort(key=lambda o: -o.creation_ms)
        total = len(trouvees)
        if question.debut_s is None:
            total += self.hors_dates
        page = trouvees[question.plage.premier : question.plage.dernier + 1]
        agregats = {}
        for axe in COMPTES:
            agregats[axe] = dict(Counter(o.axes[axe] for o in trouvees))
        if total != len(trouvees):
            agregats = {}
        return PageLue(
            question,
            total,
            tuple(Ligne(o.id, self.montrer_ms(o.creation_ms)) for o in page),
            question.plage.premier if page else -1,
            question.plage.premier + len(page) - 1 if page else -1,
            agregats,
            206 if page else 204,
        )

    def _convient(self, offre: Offre, question: Question) -> bool:
        for nom, valeur in question.critere.filtres:
            if offre.axes[nom] not in valeur.split(","):
                return False
        if question.debut_s is None or question.fin_s is None:
            return True
        debut, fin = self.lire_ms(question.debut_s), self.lire_ms(question.fin_s)
        apres = offre.creation_ms >= debut if self.debut_inclus else offre.creation_ms > debut
        avant = offre.creation_ms <= fin if self.fin_inclus else offre.creation_ms < fin
        return apres and avant

    def montrer_ms(self, instant_ms: int) -> int:
        """A true instant as offers show it."""
        return instant_ms

    def lire_ms(self, borne_s: int) -> int:
        """The true instant that a bound names."""
        return (borne_s - self.decalage_s) * 1000


@dataclass
class Issue:
    planificateur: Planificateur
    lus: dict[str, int]
    faits: list[object]
    appels: int
    du_debut_a_la_fin: set[str]
    jamais: set[str]


def moissonner(
    monde: Monde, *, en_vol_max: int = 6, appels_max: int = 200_000, planificateur: Planificateur | None = None
) -> Issue:
    """Run a whole plan against a world, several questions in flight, answered in a random order."""
    planificateur = planificateur or Planificateur(monde.limites)
    depart = set(monde.offres)
    lus: dict[str, int] = {}
    faits: list[object] = []
    en_vol: dict[int, Question] = {}
    appels = 0
    while not planificateur.fini:
        while len(en_vol) < en_vol_max:
            question = planificateur.demander(en_vol)
            if question is None:
                break
            assert question.fenetre not in en_vol, "two questions in flight within one window"
            en_vol[question.fenetre] = question
        assert en_vol, f"stuck in {planificateur.etape}"
        numero = monde.rng.choice(list(en_vol))
        fait = monde.repondre(en_vol.pop(numero))
        appels += 1
        assert appels < appels_max, "planning does not end"
        if isinstance(fait, PageLue):
            for ligne in fait.lignes:
                lus[ligne.id] = ligne.creation_ms
        faits.append(fait)
        planificateur.dire(fait)
    restees = depart & set(monde.offres)
    return Issue(planificateur, lus, faits, appels, restees, set(lus) - set(monde.offres) - monde.morts)
