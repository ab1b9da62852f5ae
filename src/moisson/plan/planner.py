"""The planner: tell it facts, ask it what next.

Rules of the house. All that a run knows is decided here from facts alone: no clock, no randomness, no I/O. The same
facts told in the same order lead to the same state, so resuming is telling the journal's facts again. Every asker
(window, part, check) has at most one question open, and a question stays the same until its answer is told.

    stage        asks                                               ends when
    -----------  -------------------------------------------------  ----------------------------------------------
    depart       the newest page of the country, without dates      one page holds it all, or it is read
    horloge      a witness round its own second                     the shift of this season is known
    controle     the unfiltered and dated totals, back to back      they agree, or do not
    descente     windows from a fixed top down to the beginning,    all are proved or given up
                 then once more over the stretches in doubt
    balayage     from the top to the future, until one page holds   that single, atomic page is read
                 the rest
    cloture      the national totals, again                         they agree, or do not
    fini         nothing

Oldest asker first, so windows are finished before others are opened further down. Only a division goes before, since
offers that leave while it is made spoil it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

import msgspec

from moisson.errors import ContractBroken
from moisson.model import Bilan, Fait, FenetreBilan, Ligne, PageLue, Question
from moisson.plan.calibration import Etalonnage
from moisson.plan.clock import Horloge, heure_double
from moisson.plan.cut import Noeud
from moisson.plan.division import PRESSANT, Sonde
from moisson.plan.limits import LIMITES_API, Limites
from moisson.plan.national import Controle, page_unique
from moisson.plan.reading import ordre_rompu
from moisson.plan.sums import Sommes
from moisson.plan.sweep import Balayage
from moisson.plan.walk import COUPES_OUVERTES, Contexte, Marche, ouvrir_coupe, rassembler
from moisson.plan.window import Bordure, Etendue, Fenetre

__all__ = ["DEBUTS_S", "VERSION", "Planificateur"]

VERSION = "8"
"""Changes whenever the same facts would lead to other questions; a run journalled by another version starts afresh."""

DEBUTS_S = (946_684_800, 1_546_300_800)
"""Lower bounds to try: 2000-01-01, and 2019-01-01, which is known to be taken [B]."""
AVANCES_S = (86_400, 3 * 3600, 2 * 3600, 3600, 60, 1)
"""How far above the newest creation the open upper bound is put; a bound in the future might be refused [?]."""

REPRISES_MAX = 2
"""Times that the stretches in doubt are walked over again within one run, each by windows of its own."""

D = TypeVar("D", Fenetre, Fenetre | Noeud | Sonde, Controle, Etalonnage, Balayage)
Demandeur = Fenetre | Noeud | Sonde | Controle | Etalonnage | Balayage


class Planificateur:
    """Decides what to ask so that every offer is read, and judges what was.

    Args:
        limites: how much a search shows.

    Attributes:
        etape: the stage, as in the table above.
        annonce: the first national total, 0 before it is known.
    """

    def __init__(self, limites: Limites = LIMITES_API) -> None:
        self._limites = limites
        self._lignes: dict[int, FenetreBilan] = {}
        self._ouverts: dict[int, Demandeur] = {}
        self._prochain = 0
        self._horloge = Horloge()
        self._serre = False
        self._melee = False
        self._divisible = True
        self._a_couper: list[Etendue] = []
        self._lots: list[Etendue] = []
        self._contexte = Contexte(
            limites,
            horloge=lambda: self._horloge,
            numeroter=self._numeroter,
            inscrire=self._inscrire,
            serre=lambda: self._serre,
            melee=lambda: self._melee,
            divisible=lambda: self._divisible,
        )
        self._sommes = Sommes()
        self._par_ordre: dict[int, Etendue] = {}
        self._marches: list[Marche] = []
        self._nouvelles: dict[int, int] = {}
        self._balayage: Balayage | None = None
        self._balayages = 0
        self._reprises = 0
        self._recente = 0
        self._unique: FenetreBilan | None = None
        self._coupees: set[int] = set()
        self._acquis = 0
        self.etape = "depart"
        self._depart = self._inscrire(Controle(self._numeroter(), limites, DEBUTS_S, AVANCES_S))
        self._cloture: Controle | None = None

    # -- ask -------------------------------------------------------------------------------------------------------

    def demander(self, en_vol: Collection[int]) -> Question | None:
        """The next question to ask, or None when all that can be asked is in flight.

        Args:
            en_vol: numbers of the windows that have a question in flight.
        """
        libres = (d.question for numero, d in self._ouverts.items() if numero not in en_vol)
        questions = [question for question in libres if question is not None]
        return next((question for question in questions if question.role == PRESSANT), next(iter(questions), None))

    @property
    def fini(self) -> bool:
        """Nothing is left to ask."""
        return self.etape == "fini"

    @property
    def annonce(self) -> int:
        """The first unfiltered total, 0 before it is known."""
        return self._depart.premiere.total if self._depart.premiere else 0

    @property
    def acquises(self) -> int:
        """Distinct offers read so far, each window's own counted once."""
        ouvertes = sum(d.nouvelles for d in self._ouverts.values() if isinstance(d, Fenetre | Noeud))
        return self._acquis + ouvertes

    @property
    def fenetres(self) -> tuple[int, int]:
        """How many windows were opened, and how many of them are proved."""
        ouvertes = sum(1 for d in self._ouverts.values() if isinstance(d, Fenetre | Noeud | Balayage))
        return ouvertes + len(self._lignes), sum(1 for ligne in self._lignes.values() if ligne.preuve)

    # -- tell ------------------------------------------------------------------------------------------------------

    def dire(self, fait: Fait) -> None:
        """Take in a fact.

        Raises:
            ContractBroken: the API does something that leaves nothing to prove: an order or a filter is ignored.
            ValueError: the fact answers no question of this plan; the journal belongs to another plan.
        """
        if isinstance(fait, PageLue):
            fait = self._sommes.corriger(fait)
        numero = fait.question.fenetre
        demandeur = self._ouverts.get(numero)
        if demandeur is None or demandeur.question != fait.question:
            raise ValueError(f"fact for window {numero} answers no open question: {fait.question}")
        if isinstance(fait, PageLue) and self.etape in ("depart", "controle"):
            self._verifier_ordre(fait)
        demandeur.dire(fait)
        # Parts before their whole, which may close with the last of them.
        for autre in reversed(list(self._ouverts.values())):
            if isinstance(autre, Noeud):
                autre.avancer()
                self._divisible = self._divisible and not autre.indivisible
        self._noter_agitation(demandeur)
        self._melee = self._melee or (isinstance(demandeur, Fenetre) and bool(demandeur.melees_s))
        self._avancer()
        for ferme in [n for n, d in self._ouverts.items() if d.close]:
            self._fermer(ferme)

    def dire_tout(self, faits: Iterable[Fait]) -> None:
        """Take in the facts of a journal, in its order."""
        for fait in faits:
            self.dire(fait)

    def rouvrir(self) -> bool:
        """Go on after an end that proved not enough: read again what is in doubt, and only that.

        The windows that were proved stay proved; the moving top is swept again, and the national totals compared again.
        To be called at the same point of the facts whenever they are told again.

        Returns:
            Whether there is something to be gained: False when the run is proved, or when what failed is no window.
        """
        if not self.fini or self._unique is not None or not self._depart.accord or self._sommes.raison:
            return False
        if self.bilan().prouve:
            return False
        for ligne in [ligne for ligne in self._lignes.values() if not ligne.critere and ligne.fin_ms is None]:
            self._oublier(ligne.numero)
        for ligne in self._douteuses():
            self._reprendre(ligne)
        self._balayages = self._reprises = 0
        self.etape = "descente"
        self._avancer()
        return True

    def _douteuses(self) -> list[FenetreBilan]:
        """The stretches below the moving top that are not proved; not where the bound itself may mean another hour."""
        lignes = [f for f in map(self._nuancer, self._lignes.values()) if f.preuve is None and not f.critere]
        return [f for f in lignes if f.fin_ms is not None and not heure_double(f.fin_ms // 1000)]

    def _reprendre(self, ligne: FenetreBilan) -> None:
        """Walk again over one stretch in doubt; its parts, if it was cut, are forgotten with it."""
        assert ligne.fin_ms is not None
        for partie in [p for p in self._lignes.values() if p.critere and _dans(p, ligne)]:
            self._oublier(partie.numero)
        self._oublier(ligne.numero)
        reste = ligne.annonce_derniere if ligne.annonce_derniere <= self._limites.profondeur else 0
        sommet = Bordure(ligne.fin_ms // 1000, {}, reste, nette=False)
        if ligne.debut_ms is None:
            self._marcher(sommet, self._depart.debut_s, None)
        else:
            self._marcher(sommet, self._horloge.filtre_s(ligne.debut_ms // 1000), ligne.debut_ms)

    # -- judge -----------------------------------------------------------------------------------------------------

    def bilan(self) -> Bilan:
        """What was established so far; complete once `fini`."""
        fenetres = tuple(sorted(map(self._nuancer, self._toutes()), key=lambda ligne: ligne.numero))
        raisons = [
            f"window {f.numero}{f' ({f.critere})' if f.critere else ''}: {f.raison}"
            for f in fenetres
            if f.preuve is None and not f.critere
        ]
        controles = [self._depart, *([self._cloture] if self._cloture else [])]
        if self._unique is None:
            raisons += [c.raison for c in controles if not c.accord and c.raison]
        if self._sommes.raison:
            raisons.append(self._sommes.raison)
        accords = self._unique is not None or (len(controles) == 2 and all(c.accord for c in controles))
        national = accords and not self._sommes.raison
        if not self.fini:
            raisons.append("the run did not end")
        avertissements = ["rows of one second changed places; groups of ties were closed"] if self._serre else []
        if self._sommes.bruit:
            avertissements.append(f"within the announced noise: totals were off by up to {self._sommes.bruit}")
        return Bilan(
            prouve=self.fini and national and not raisons,
            raisons=tuple(raisons),
            avertissements=tuple(avertissements),
            fenetres=fenetres,
            nationale_premiere=self.annonce,
            nationale_derniere=(self._cloture or self._depart).dernier_total,
            controles_nationaux=national,
            manquantes=sum(f.manquantes for f in fenetres if not f.critere),
            annonce_balayage=self._balayage.annonce if self._balayage is not None else 0,
        )

    def _toutes(self) -> Iterable[FenetreBilan]:
        yield from self._lignes.values()
        for demandeur in self._ouverts.values():
            if isinstance(demandeur, Fenetre | Noeud | Balayage):
                yield demandeur.bilan()

    def _nuancer(self, ligne: FenetreBilan) -> FenetreBilan:
        """A crowded second is one group of ties: while ties change places, order proves nothing about it."""
        if not (self._serre and ligne.preuve == "ordre" and ligne.numero in self._coupees):
            return ligne
        raison = "offers left while it was read, and its ties change places"
        return msgspec.structs.replace(ligne, preuve=None, verdict="en doute", raison=raison)

    # -- stages ----------------------------------------------------------------------------------------------------

    def _avancer(self) -> None:
        """Move to the next stage as far as the facts allow."""
        if self.etape == "depart" and self._depart.premiere is not None:
            self._quitter_depart(self._depart.premiere)
        elif self.etape == "depart" and self._depart.close:
            self.etape = "fini"
        if self.etape == "horloge":
            etalonnage = self._etalonnage
            if etalonnage.close:
                self._horloge = etalonnage.horloge
                self._entrer_controle()
        elif self.etape == "controle" and self._depart.close:
            self._entrer_descente()
        elif self.etape == "descente":
            for marche in self._marches:
                while marche.avancer():
                    pass
            self._marches = [marche for marche in self._marches if not marche.finie]
            if not self._marches and all(d.close for d in self._ouverts.values()) and not self._revenir():
                self._balayer()
        elif self.etape == "balayage":
            self._avancer_balayage()
        elif self.etape == "cloture":
            assert self._cloture is not None
            if self._cloture.close:
                self.etape = "fini"

    def _quitter_depart(self, page: PageLue) -> None:
        if page.total <= self._limites.page and page.total == len(page.lignes):
            # One atomic page holds the whole country: there is nothing to walk, and nothing outside it.
            self._unique = page_unique(page, self._depart.appels)
            self._lignes[0] = self._unique
            self._acquis = self._unique.distinctes
            self._depart.close = True
            self.etape = "fini"
            return
        if not page.lignes:
            self._depart.raison = f"{page.total} offers are announced and the newest page is empty"
            self._depart.close = True
            self.etape = "fini"
            return
        self.etape = "horloge"
        self._etalonnage = self._inscrire(Etalonnage(self._numeroter(), self._limites, self._horloge, page))

    def _entrer_controle(self) -> None:
        self.etape = "controle"
        self._depart.dater(self._horloge)

    def _entrer_descente(self) -> None:
        premiere = self._depart.premiere
        assert premiere is not None
        self.etape = "descente"
        total = self._depart.date if self._depart.date is not None else self._depart.dernier_total
        self._sommet = self._fixer_sommet(premiere.lignes, total)
        self._recente = premiere.lignes[0].creation_ms // 1000
        self._marcher(self._sommet, self._depart.debut_s, None)

    def _marcher(self, sommet: Bordure, bas_s: int, bas_ms: int | None) -> None:
        haut_s = self._horloge.borne_haute(sommet.seconde)
        etendue = Etendue(bas_s, haut_s, bas_ms, sommet.seconde * 1000 + 999)
        self._marches.append(Marche(self._contexte, etendue, lien=sommet, attendu=sommet.reste))

    def _fixer_sommet(self, lignes: tuple[Ligne, ...], total: int) -> Bordure:
        """Where the still land begins: a margin below the newest creation shown, within the first third of the page.

        Args:
            lignes: the newest page of the country.
            total: offers down to the floor, or 0 when unknown.
        """
        tete = lignes[: max(1, self._limites.page // 3)]
        recente = tete[0].creation_ms // 1000
        calme = sum(1 for ligne in tete if ligne.creation_ms // 1000 > recente - self._limites.marge_s)
        secondes = [ligne.creation_ms // 1000 for ligne in lignes]
        # The first empty second below the margin; else, still within the page, the first one at all.
        rangs = [*range(max(1, calme), len(secondes)), *range(1, max(1, calme))]
        rang = next((r for r in rangs if secondes[r - 1] >= secondes[r] + 2), None)
        # One second that fills the page is walked once it is known to be full, so no bound may touch it now.
        sommet = secondes[rang] if rang is not None else recente - (2 if secondes[-1] == recente else 1)
        # By place: where an hour is shown twice, an older row may show a newer second.
        dessous = lignes[rang if rang is not None else sum(seconde > sommet for seconde in secondes) :]
        reste = max(0, total - len(lignes) + len(dessous))
        connus = {ligne.id: ligne.creation_ms for ligne in dessous}
        return Bordure(sommet, connus, reste, nette=rang is not None and not heure_double(sommet))

    def _revenir(self) -> bool:
        """Walk again over the stretches in doubt, whose windows may hold more than a search shows by now.

        One where no axis was left to cut would only cost as much again at once; a later run may find it smaller.
        """
        for numero in list(self._ouverts):
            self._fermer(numero)
        self._couper_melees()
        if self._ouverts:
            return True
        douteuses = [ligne for ligne in self._douteuses() if ligne.verdict == "en doute"]
        if not douteuses or self._reprises == REPRISES_MAX:
            return False
        self._reprises += 1
        for ligne in douteuses:
            self._reprendre(ligne)
        return True

    def _couper_melees(self) -> None:
        """Cut the windows whose ties could not be closed, neighbours together, and few at a time."""
        self._lots += rassembler(self._a_couper)
        self._a_couper = []
        for etendue in self._lots[:COUPES_OUVERTES]:
            ouvrir_coupe(self._contexte, etendue, longue=True)
        del self._lots[:COUPES_OUVERTES]

    # -- the moving top --------------------------------------------------------------------------------------------

    def _balayer(self) -> None:
        self.etape = "balayage"
        self._balayage = self._inscrire(Balayage(self._numeroter(), self._limites, self._sommet))
        self._balayages += 1

    def _avancer_balayage(self) -> None:
        balayage = self._balayage
        assert balayage is not None
        if not balayage.close:
            return
        if not balayage.complet and not balayage.raison and self._balayages >= self._limites.balayages_max:
            balayage.raison = "the newest offers come faster than they can be read"
        if balayage.complet or balayage.raison:
            self._entrer_cloture(balayage.page)
            return
        # More than a page came meanwhile: fix the top anew, walk from there down to the last top, and look again.
        assert balayage.page is not None
        del self._ouverts[balayage.numero]
        self._sommet = self._fixer_sommet(balayage.page.lignes, 0)
        recente = balayage.page.lignes[0].creation_ms // 1000
        if recente == self._recente and self._sommet.seconde == balayage.base.seconde:
            # One second fills the page, and was the newest already before the last walk: it is full, so walk from it.
            connus = {ligne.id: ligne.creation_ms for ligne in balayage.page.lignes}
            self._sommet = Bordure(recente, connus, 0, nette=False)
        self._recente = recente
        self.etape = "descente"
        self._marcher(self._sommet, *self._horloge.borne_basse(balayage.base.seconde))

    def _entrer_cloture(self, page: PageLue | None) -> None:
        self.etape = "cloture"
        self._cloture = self._inscrire(Controle(self._numeroter(), self._limites, (self._depart.debut_s,), AVANCES_S))
        self._cloture.commencer(page, self._horloge, self._sommet.seconde)

    # -- bookkeeping -----------------------------------------------------------------------------------------------

    def _numeroter(self) -> int:
        numero = self._prochain
        self._prochain += 1
        return numero

    def _inscrire(self, demandeur: D) -> D:
        self._ouverts[demandeur.numero] = demandeur
        return demandeur

    def _fermer(self, numero: int) -> None:
        """Keep the row of a closed window and let its ids go: memory must not grow with the country."""
        demandeur = self._ouverts.pop(numero)
        if isinstance(demandeur, Fenetre) and demandeur.melees_s:
            if not demandeur.critere.filtres and not demandeur.coupee:
                self._a_couper.append(demandeur.a_refaire())
            return
        if isinstance(demandeur, Fenetre) and demandeur.surchargee_s is not None:
            return
        if isinstance(demandeur, Noeud) and demandeur.demesuree:
            return
        if isinstance(demandeur, Fenetre | Noeud | Balayage):
            ligne, nouvelles = self._lier(demandeur), demandeur.nouvelles
            self._acquis += nouvelles
            self._nouvelles[numero] = nouvelles
            self._lignes[numero] = ligne
            if isinstance(demandeur, Noeud) and not demandeur.serre:
                self._coupees.add(numero)
            if isinstance(demandeur, Fenetre) and ligne.preuve and demandeur.par_ordre and not demandeur.serre:
                self._par_ordre[numero] = demandeur.a_refaire()
                if self._serre:
                    self._refaire_par_ordre()

    def _lier(self, ferme: Fenetre | Noeud | Balayage) -> FenetreBilan:
        """The row of what closes: in doubt where its upper bound may mean another hour and it met none of its top."""
        ligne, sommet = ferme.bilan(), self._sommet
        fin_s = (ligne.fin_ms or 0) // 1000
        if isinstance(ferme, Balayage) or ligne.critere or not heure_double(fin_s):
            return ligne
        if fin_s == sommet.seconde and ferme.ids.keys() & sommet.connus.keys():
            return ligne
        raison = ligne.raison if ligne.preuve is None else "no offer links its newest second, which is of a double hour"
        return msgspec.structs.replace(ligne, preuve=None, verdict="en doute", raison=raison)

    def _noter_agitation(self, demandeur: Demandeur) -> None:
        """Ties that change places once are evidence enough: from now on every window closes its groups of ties.

        A withdrawal can hide a row that was missed for that reason, so windows already proved by order alone are read
        again.
        """
        if self._serre or isinstance(demandeur, Etalonnage | Balayage) or not demandeur.agitee:
            return
        self._serre = True
        self._refaire_par_ordre()

    def _refaire_par_ordre(self) -> None:
        for numero, etendue in self._par_ordre.items():
            if self.etape == "cloture":
                # Nothing is walked any more: a run that goes on from this one reads them again.
                raison = "its ties were seen to change places only at the end"
                doute = msgspec.structs.replace(self._lignes[numero], preuve=None, verdict="en doute", raison=raison)
                self._lignes[numero] = doute
                continue
            # By a walk: what was one window may need two by now.
            reste = self._oublier(numero).annonce_derniere
            self._marches.append(Marche(self._contexte, etendue, lien=None, attendu=reste))
        self._par_ordre.clear()

    def _oublier(self, numero: int) -> FenetreBilan:
        """Take back the row of a window that is to be read again."""
        self._acquis -= self._nouvelles.pop(numero)
        return self._lignes.pop(numero)

    def _verifier_ordre(self, page: PageLue) -> None:
        rompu = ordre_rompu(page.lignes)
        if rompu:
            raise ContractBroken(
                f"the newest page is not in order: {rompu}",
                doing="asking for the newest offers of the country",
                todo="Nothing can be proved while the order is ignored. Look at `moisson check`, and try again later.",
            )


def _dans(partie: FenetreBilan, ligne: FenetreBilan) -> bool:
    """Whether a part lies within the stretch of a window."""
    debut = (partie.debut_ms or 0) >= (ligne.debut_ms or 0)
    return debut and partie.fin_ms is not None and ligne.fin_ms is not None and partie.fin_ms <= ligne.fin_ms
