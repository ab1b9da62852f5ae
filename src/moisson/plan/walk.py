"""A walk: windows taken one below the other, from a top down to a floor, each opened by what the one above it showed.

a window tells        the walk
--------------------  ------------------------------------------------------------------------------
its border            opens the next window on the border second
that it is terminal   opens nothing more
a crowded second      opens a cut over that second and its neighbours, and the next window below it

Where more ties than a page holds change places at each call, windows are of no use. Once that was seen, the walk goes
on by long cuts over stretches of time, whose parts hold few offers of any second: they cost a few calls in a hundred
more, where windows would have to be read again and again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import msgspec

from moisson.model import SANS_CRITERE, Critere, Preuve
from moisson.plan.axes import Part
from moisson.plan.clock import Horloge, fin_de_nuit_s, nuit_de_changement
from moisson.plan.cut import Enfant, Noeud
from moisson.plan.limits import Limites
from moisson.plan.window import Bordure, Etendue, Fenetre

__all__ = ["Contexte", "Marche", "ouvrir_coupe", "rassembler"]

_FENETRES_PAR_COUPE = 32
"""Windows that one long cut stands for, about: the longer, the fewer ties of one second a part holds."""

_COUPES_OUVERTES = 2
"""Long cuts open at once: each keeps the ids of its stretch until it is closed."""


TOUT = Part(SANS_CRITERE, None)
"""All of a stretch."""


class Contexte(msgspec.Struct, frozen=True):
    """What windows and parts are made with.

    Attributes:
        limites: how much a search shows.
        horloge: gives the clocks as known at that moment.
        numeroter: gives the next free number.
        inscrire: takes a new window or part, whose questions are then asked.
        serre: whether groups of ties are to be closed, as known at that moment.
        melee: whether more ties than a page holds were seen to change places, as known at that moment.
    """

    limites: Limites
    horloge: Callable[[], Horloge]
    numeroter: Callable[[], int]
    inscrire: Callable[[Fenetre | Noeud], object]
    serre: Callable[[], bool]
    melee: Callable[[], bool]


def ouvrir_coupe(
    contexte: Contexte, etendue: Etendue, part: Part = TOUT, *, longue: bool = False, melee: bool = False
) -> Noeud:
    """Begin to cut a stretch of time by criteria; its parts and theirs are inscribed as they are opened.

    Args:
        contexte: see there.
        etendue: the stretch.
        part: what of it, if not all.
        longue: walk its parts by windows once they are small.
        melee: its ties are known to be more than a page holds.
    """

    def noeud(part: Part, classe_max: int, *, longue: bool, melee: bool = False) -> Noeud:
        ouvert = Noeud(
            contexte.numeroter(),
            contexte.limites,
            etendue,
            part=part,
            serre=contexte.serre(),
            ouvrir=ouvrir,
            longue=longue,
            classe_max=classe_max,
            melee=melee,
        )
        contexte.inscrire(ouvert)
        return ouvert

    def ouvrir(part: Part, classe_max: int) -> Enfant:
        if part.attendu is not None and part.attendu <= classe_max:
            return Classe(contexte, etendue, part)
        return noeud(part, classe_max, longue=classe_max > 0)

    return noeud(part, 0, longue=longue, melee=melee)


def rassembler(etendues: Iterable[Etendue]) -> list[Etendue]:
    """Stretches of windows, neighbours put together into stretches for long cuts; newest first."""
    lots: list[list[Etendue]] = []
    for etendue in sorted(etendues, key=lambda e: -(e.bas_ms or 0)):
        voisine = lots and (lots[-1][-1].bas_ms or 0) - 1 == etendue.fin_ms
        if voisine and len(lots[-1]) < _FENETRES_PAR_COUPE:
            lots[-1].append(etendue)
        else:
            lots.append([etendue])
    return [Etendue(lot[-1].bas_s, lot[0].haut_s, lot[-1].bas_ms, lot[0].fin_ms) for lot in lots]


class Marche:
    """One walk.

    Args:
        contexte: see there.
        etendue: from where to where.
        lien: the border it begins at, with the ids already seen there, or None.
        attendu: rows believed to lie in the stretch; 0 when unknown.
        critere: filters besides the dates. Such a walk makes no long cuts: it is part of one.
    """

    def __init__(
        self,
        contexte: Contexte,
        etendue: Etendue,
        *,
        lien: Bordure | None,
        attendu: int,
        critere: Critere = SANS_CRITERE,
    ) -> None:
        self._contexte = contexte
        self._critere = critere
        self._bas_s = etendue.bas_s
        self._bas_ms = etendue.bas_ms
        self._membres: list[Fenetre | Noeud] = []
        self._derniere: Fenetre | None = None
        # Long cuts: those that are open, the top of the next one, and the seconds it is to span.
        self._coupes: list[Noeud] = []
        self._suite: Bordure | None = None
        self._suite_ms = 0
        self._portee_s = 1.0
        self.au_fond = False
        self._ouvrir(etendue.haut_s, etendue.fin_ms, lien=lien, attendu=attendu)

    @property
    def finie(self) -> bool:
        """Every window down to the floor was opened and is closed."""
        return self.au_fond and all(membre.close for membre in self._membres)

    def avancer(self) -> bool:
        """Look at the lowest window; open what comes below it. Returns whether something was opened or ended."""
        # A closed member is let go with the ids it holds.
        self._membres = [membre for membre in self._membres if not membre.close or membre is self._derniere]
        fenetre = self._derniere
        if fenetre is None:
            return self._avancer_coupes()
        if fenetre.surchargee_s is not None:
            self._derniere = None
            self._couper(fenetre, fenetre.surchargee_s)
            return True
        if fenetre.bordure is not None:
            self._derniere = None
            debut_ms = fenetre.bilan().debut_ms or 0
            if self._contexte.melee() and not self._critere.filtres:
                self._suite, self._suite_ms = fenetre.bordure, debut_ms - 1
                fin_ms = fenetre.etendue.fin_ms
                duree_ms = (fin_ms if fin_ms is not None else debut_ms) - debut_ms
                self._portee_s = max(1.0, _FENETRES_PAR_COUPE * duree_ms / 1000)
            else:
                haut_s = self._contexte.horloge().borne_haute(fenetre.bordure.seconde)
                self._ouvrir(haut_s, debut_ms - 1, lien=fenetre.bordure, attendu=fenetre.bordure.reste)
            return True
        if fenetre.terminale and fenetre.close:
            self._derniere = None
            self.au_fond = True
        return False

    def _avancer_coupes(self) -> bool:
        """Open the next long cut when fewer than allowed are open."""
        for coupe in [coupe for coupe in self._coupes if coupe.close]:
            self._coupes.remove(coupe)
            # Offers lie the thinner the older they are.
            voulues = _FENETRES_PAR_COUPE * self._contexte.limites.profondeur
            self._portee_s *= min(4.0, max(0.25, voulues / max(1, coupe.derniere)))
        if self._suite is None or len(self._coupes) >= _COUPES_OUVERTES:
            return False
        haut_s = self._contexte.horloge().borne_haute(self._suite.seconde)
        bas = _sous_la_nuit(self._suite.seconde - math.ceil(self._portee_s))
        etendue = self._etendue_coupe(bas, haut_s, self._suite_ms)
        self._coupes.append(self._ouvrir_coupe(etendue, longue=True))
        self._suite = None if self.au_fond else Bordure(bas - 1, {}, 0, nette=False)
        self._suite_ms = (etendue.bas_ms or 0) - 1
        return True

    def _ouvrir(self, haut_s: int, fin_ms: int | None, *, lien: Bordure | None, attendu: int) -> None:
        fenetre = Fenetre(
            self._contexte.numeroter(),
            self._contexte.limites,
            self._contexte.horloge(),
            Etendue(self._bas_s, haut_s, self._bas_ms, fin_ms),
            lien=lien,
            attendu=attendu,
            serre=self._contexte.serre(),
            critere=self._critere,
        )
        self._derniere = fenetre
        self._membres.append(fenetre)
        self._contexte.inscrire(fenetre)

    def _couper(self, fenetre: Fenetre, seconde: int) -> None:
        """Cut the crowded stretch from just below `seconde` up to the window's own top, and go on below it."""
        bas = _sous_la_nuit(seconde - 1)
        etendue = self._etendue_coupe(bas, fenetre.etendue.haut_s, fenetre.etendue.fin_ms)
        self._ouvrir_coupe(etendue)
        if not self.au_fond:
            # The cut answers for all of the second `bas`; what follows begins below it and meets no id again for
            # certain.
            haut_s = self._contexte.horloge().borne_haute(bas - 1)
            self._ouvrir(haut_s, (etendue.bas_ms or 0) - 1, lien=None, attendu=0)

    def _etendue_coupe(self, bas: int, haut_s: int, fin_ms: int | None) -> Etendue:
        """The stretch from the shown second `bas` up, or from the floor, which is then reached."""
        debut_s, debut_ms = self._contexte.horloge().borne_basse(bas)
        self.au_fond = debut_s <= self._bas_s
        if self.au_fond:
            return Etendue(self._bas_s, haut_s, self._bas_ms, fin_ms)
        return Etendue(debut_s, haut_s, debut_ms, fin_ms)

    def _ouvrir_coupe(self, etendue: Etendue, *, longue: bool = False) -> Noeud:
        def inscrire(demandeur: Fenetre | Noeud) -> None:
            self._membres.append(demandeur)
            self._contexte.inscrire(demandeur)

        contexte = msgspec.structs.replace(self._contexte, inscrire=inscrire)
        return ouvrir_coupe(contexte, etendue, Part(self._critere, None), longue=longue)


class Classe:
    """A part of a long cut, walked by windows of its own. Attributes as those of `cut.Noeud`.

    A second of which it holds more than a page is cut by the criteria that are left, and walked round.
    """

    def __init__(self, contexte: Contexte, etendue: Etendue, part: Part) -> None:
        self.part = part
        self.ids: dict[str, int] = {}
        self.preuve: Preuve | None = None
        self.derniere = part.attendu or 0
        self.agitee = False
        self.refusee = False
        self.close = False
        self._ouverts: list[Fenetre | Noeud] = []
        self._prouvee = True
        self._contexte = msgspec.structs.replace(contexte, inscrire=self._inscrire)
        self._inscrire_dehors = contexte.inscrire
        self._marches: list[Marche] = []
        self._marcher(etendue, self.derniere)

    def avancer(self) -> None:
        """Look at its windows, open those below, and close when all are closed."""
        for marche in self._marches:
            while marche.avancer():
                pass
        self._marches = [marche for marche in self._marches if not marche.finie]
        fermes = [ouvert for ouvert in self._ouverts if ouvert.close]
        self._ouverts = [ouvert for ouvert in self._ouverts if not ouvert.close]
        for ferme in fermes:
            if isinstance(ferme, Fenetre) and ferme.melee_s is not None:
                self._isoler(ferme.a_refaire(), ferme.melee_s)
            elif not isinstance(ferme, Fenetre) or ferme.surchargee_s is None:
                self.ids.update(ferme.ids)
                self.agitee = self.agitee or ferme.agitee
                self._prouvee = self._prouvee and ferme.preuve is not None
        if not self._marches and not self._ouverts and not self.close:
            self.preuve = "compte" if self._prouvee else None
            self.close = True

    def lues(self) -> int:
        """Distinct offers of its closed windows."""
        return len(self.ids)

    def _marcher(self, etendue: Etendue, attendu: int) -> None:
        self._marches.append(Marche(self._contexte, etendue, lien=None, attendu=attendu, critere=self.part.critere))

    def _isoler(self, etendue: Etendue, seconde: int) -> None:
        """Cut this second of a stretch by criteria, with its neighbours, and walk what lies above and below.

        A bound may let in part of the second beside the one it means. With the neighbours in the cut, what is walked
        holds nothing of the crowded second.
        """
        part, horloge = Part(self.part.critere, None), self._contexte.horloge()
        if any(map(nuit_de_changement, range(seconde - 2, seconde + 3))):
            # No bound may stand inside such a night.
            ouvrir_coupe(self._contexte, etendue, part, melee=True)
            return
        bas_s, bas_ms = horloge.borne_basse(seconde - 1)
        if bas_s <= etendue.bas_s:
            bas_s, bas_ms = etendue.bas_s, etendue.bas_ms or 0
        else:
            self._marcher(Etendue(etendue.bas_s, horloge.borne_haute(seconde - 2), etendue.bas_ms, bas_ms - 1), 0)
        haut_s, fin_ms = min(horloge.borne_haute(seconde + 1), etendue.haut_s), (seconde + 1) * 1000 + 999
        ouvrir_coupe(self._contexte, Etendue(bas_s, haut_s, bas_ms, fin_ms), part, melee=True)
        if haut_s < etendue.haut_s:
            dessus_s, dessus_ms = horloge.borne_basse(seconde + 2)
            self._marcher(Etendue(dessus_s, etendue.haut_s, dessus_ms, etendue.fin_ms), 0)

    def _inscrire(self, demandeur: Fenetre | Noeud) -> None:
        critere = demandeur.critere if isinstance(demandeur, Fenetre) else demandeur.part.critere
        if critere == self.part.critere:
            # The parts of a cut within it are looked at by their whole.
            self._ouverts.append(demandeur)
        self._inscrire_dehors(demandeur)


def _sous_la_nuit(seconde: int) -> int:
    """This second, or one below the night of change that holds it: a whole troubled night is cut in one piece, since no
    bound may stand inside it.
    """
    while nuit_de_changement(seconde):
        seconde = fin_de_nuit_s(seconde) - 5 * 3600 - 1
    return seconde
