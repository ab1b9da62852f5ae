"""A walk: windows taken one below the other, from a top down to a floor, each opened by what the one above it showed.

a window tells        the walk
--------------------  ------------------------------------------------------------------------------
its border            opens the next window on the border second
that it is terminal   opens nothing more
a crowded second      opens a cut over that second and its neighbours, and the next window below it

Where ties change places at each call, every page gives up the group it ends in, and where more of them than a page
holds do, windows are of no use. Once that was seen, the walk goes on by long cuts over stretches of time, whose parts
hold few offers of any second: they cost a few calls in a hundred more, where windows would have to be read again and
again. A long cut is first measured, a call a try, and given another span where it holds too much or too little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import msgspec

from moisson.model import SANS_CRITERE, Critere, PageLue, Plage, Preuve, Question
from moisson.plan.axes import Part
from moisson.plan.clock import Horloge, debut_de_nuit_s, nuit_de_changement
from moisson.plan.cut import Enfant, Noeud
from moisson.plan.division import PRESSANT, Sonde
from moisson.plan.limits import Limites
from moisson.plan.window import Bordure, Etendue, Fenetre

__all__ = ["COUPES_OUVERTES", "Contexte", "Marche", "ouvrir_coupe", "rassembler"]

_FENETRES_PAR_COUPE = 110
"""Windows that one long cut stands for, about: the longer, the fewer calls are lost at the ends of its parts, and the
more ids are kept until it is closed."""

_FENETRES_MIN = 24
"""Windows below which ties that a page holds are left to windows."""

_MESURES_MAX = 6
"""Times that a long cut is given another span, to hold about as many offers as it should."""

_REPRISES_MAX = 4
"""Times that windows in doubt are walked over again within one part of a long cut."""

COUPES_OUVERTES = 2
"""Long cuts open at once: each keeps the ids of its stretch until it is closed."""


TOUT = Part(SANS_CRITERE, None)
"""All of a stretch."""


class Contexte(msgspec.Struct, frozen=True):
    """What windows and parts are made with.

    Attributes:
        limites: how much a search shows.
        horloge: gives the clocks as known at that moment.
        numeroter: gives the next free number.
        inscrire: takes a new window, part or page of a part, whose questions are then asked.
        serre: whether groups of ties are to be closed, as known at that moment.
        melee: whether more ties than a page holds were seen to change places, as known at that moment.
        divisible: whether the axis without counts may still be expected to hold all offers, as known at that moment.
    """

    limites: Limites
    horloge: Callable[[], Horloge]
    numeroter: Callable[[], int]
    inscrire: Callable[[Fenetre | Noeud | Sonde], object]
    serre: Callable[[], bool]
    melee: Callable[[], bool]
    divisible: Callable[[], bool]


def ouvrir_coupe(
    contexte: Contexte,
    etendue: Etendue,
    part: Part = TOUT,
    *,
    longue: bool = False,
    melee: bool = False,
    tailles: range | None = None,
) -> Noeud:
    """Begin to cut a stretch of time by criteria; its parts and theirs are inscribed as they are opened.

    Args:
        contexte: see there.
        etendue: the stretch.
        part: what of it, if not all.
        longue: walk its parts by windows once they are small.
        melee: its ties are known to be more than a page holds.
        tailles: how many offers it should hold; else it closes at once, unread.
    """

    def noeud(
        part: Part,
        classe_max: int,
        *,
        longue: bool,
        melee: bool = False,
        sonder: Callable[[Critere, Plage], Sonde] | None = None,
        tailles: range | None = None,
    ) -> Noeud:
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
            sonder=sonder,
            tailles=tailles,
        )
        contexte.inscrire(ouvert)
        return ouvert

    def ouvrir(part: Part, classe_max: int, fond: PageLue | None) -> Enfant:
        if part.attendu is not None and part.attendu <= classe_max:
            return Classe(contexte, etendue, part, fond)
        return noeud(part, classe_max, longue=classe_max > 0)

    def sonder(critere: Critere, plage: Plage) -> Sonde:
        question = Question(contexte.numeroter(), PRESSANT, plage, critere, etendue.bas_s, etendue.haut_s)
        sonde = Sonde(question, contexte.limites.essais_page)
        contexte.inscrire(sonde)
        return sonde

    a_diviser = longue and contexte.divisible()
    return noeud(part, 0, longue=longue, melee=melee, sonder=sonder if a_diviser else None, tailles=tailles)


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


class Suite(msgspec.Struct, frozen=True):
    """Where the next long cut begins.

    Attributes:
        seconde: shown second from which its span is counted.
        haut_s, fin_ms: as in Etendue.
    """

    seconde: int
    haut_s: int
    fin_ms: int | None


class Marche:
    """One walk.

    Args:
        contexte: see there.
        etendue: from where to where.
        lien: the border it begins at, with the ids already seen there, or None.
        attendu: rows believed to lie in the stretch; 0 when unknown.
        critere: filters besides the dates. Such a walk makes no long cuts: it is part of one.
        fond: the deepest page of the first window, if somebody has read that already.
    """

    def __init__(
        self,
        contexte: Contexte,
        etendue: Etendue,
        *,
        lien: Bordure | None,
        attendu: int,
        critere: Critere = SANS_CRITERE,
        fond: PageLue | None = None,
    ) -> None:
        self._contexte = contexte
        self._critere = critere
        self._bas_s = etendue.bas_s
        self._bas_ms = etendue.bas_ms
        self._membres: list[Fenetre | Noeud | Sonde] = []
        self._derniere: Fenetre | None = None
        # Long cuts: those that are open; where the next begins, its span, what it and all below hold (0 when unknown).
        self._coupes: list[Noeud] = []
        self._suite: Suite | None = None
        self._portee_s = 1.0
        self._reste = 0
        # The last window above them; the long cut that is being measured, where it began, and how often that was tried.
        self._seuil: Fenetre | None = None
        self._essai: tuple[Noeud, Suite] | None = None
        self._essais = 0
        self.au_fond = False
        self._ouvrir(etendue.haut_s, etendue.fin_ms, lien=lien, attendu=attendu, fond=fond)

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
            if not self._critere.filtres and self._en_coupes(fenetre.bordure):
                seconde = fenetre.bordure.seconde
                self._suite = Suite(seconde, self._contexte.horloge().borne_haute(seconde + 1), debut_ms + 999)
                self._seuil, self._reste = fenetre, fenetre.bordure.reste
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
        """Open the next long cut when fewer than allowed are open, and the last one has the size it should have."""
        self._coupes = [coupe for coupe in self._coupes if not coupe.close]
        if self._seuil is not None and not self._passer(self._seuil):
            return False
        if self._essai is not None and not self._mesurer(*self._essai):
            return False
        suite = self._suite
        if suite is None or len(self._coupes) >= COUPES_OUVERTES:
            return False
        # What fits one cut is taken down to the floor, and none reaches below it: clocks are two hours apart at most.
        plus_bas = max(suite.seconde - math.ceil(self._portee_s), self._bas_s - 3 * 3600)
        bas = None if self._parts_du_reste == 1 else _sous_la_nuit(plus_bas)
        etendue = self._etendue_coupe(bas, suite.haut_s, suite.fin_ms)
        tailles = range(0 if self.au_fond else self._voulues * 6 // 7, self._pleine * 3 // 2)
        coupe = self._ouvrir_coupe(etendue, longue=True, tailles=tailles if self._essais < _MESURES_MAX else None)
        self._coupes.append(coupe)
        self._essai = coupe, suite
        self._suite = None
        if bas is not None and not self.au_fond:
            # A cut sees nothing beyond its bounds, so neighbours share a second: one has it, if no bound counts.
            self._suite = Suite(bas - 1, self._contexte.horloge().borne_haute(bas), (etendue.bas_ms or 0) + 999)
        return True

    @property
    def _pleine(self) -> int:
        """Offers that a long cut holds, about."""
        return _FENETRES_PAR_COUPE * self._contexte.limites.profondeur

    @property
    def _parts_du_reste(self) -> int:
        """How many long cuts will do for what is left; 0 when that is unknown."""
        return -(-4 * self._reste // (5 * self._pleine))

    @property
    def _voulues(self) -> int:
        """Offers that the next long cut should hold: all of them about the same."""
        parts = self._parts_du_reste
        return self._reste // parts if parts else self._pleine

    def _passer(self, fenetre: Fenetre) -> bool:
        """Look at the last window above the long cuts: is it to be cut with them? Returns whether that is known."""
        if not fenetre.close:
            return False
        self._seuil = None
        if fenetre.melees_s and self._suite is not None:
            fenetre.coupee = True
            self._suite = Suite(self._suite.seconde, fenetre.etendue.haut_s, fenetre.etendue.fin_ms)
            self._reste += fenetre.annonces[1] if self._reste else 0
        return True

    def _en_coupes(self, bordure: Bordure) -> bool:
        """Whether what lies below is better read by long cuts."""
        if self._contexte.melee():
            return True
        loin = bordure.reste >= _FENETRES_MIN * self._contexte.limites.profondeur
        return loin and self._contexte.serre() and self._contexte.divisible()

    def _mesurer(self, coupe: Noeud, suite: Suite) -> bool:
        """Fit the span to what the last long cut holds. Returns whether that is known."""
        if not coupe.premiere and not coupe.close:
            return False
        self._essai = None
        if coupe.premiere or coupe.preuve:
            # Offers lie the thinner the older they are.
            self._portee_s *= min(8.0, max(0.125, self._voulues / max(1, coupe.premiere)))
        self._essais = self._essais + 1 if coupe.demesuree else 0
        if not coupe.demesuree:
            self._reste = max(0, self._reste - coupe.premiere)
            return True
        if self.au_fond:
            self._reste = coupe.premiere
        self._suite, self.au_fond = suite, False
        return True

    def _ouvrir(
        self, haut_s: int, fin_ms: int | None, *, lien: Bordure | None, attendu: int, fond: PageLue | None = None
    ) -> None:
        fenetre = Fenetre(
            self._contexte.numeroter(),
            self._contexte.limites,
            self._contexte.horloge(),
            Etendue(self._bas_s, haut_s, self._bas_ms, fin_ms),
            lien=lien,
            attendu=attendu,
            serre=self._contexte.serre(),
            critere=self._critere,
            fond=fond,
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
            # certain. It must not reach up to the crowded second, or it would be cut there again.
            haut_s = self._contexte.horloge().borne_haute(bas - 1)
            self._ouvrir(haut_s, (etendue.bas_ms or 0) - 1, lien=None, attendu=0)

    def _etendue_coupe(self, bas: int | None, haut_s: int, fin_ms: int | None) -> Etendue:
        """The stretch from the shown second `bas` up, or from the floor, which is then reached."""
        debut_s, debut_ms = (self._bas_s, None) if bas is None else self._contexte.horloge().borne_basse(bas)
        self.au_fond = debut_s <= self._bas_s
        if self.au_fond:
            return Etendue(self._bas_s, haut_s, self._bas_ms, fin_ms)
        return Etendue(debut_s, haut_s, debut_ms, fin_ms)

    def _ouvrir_coupe(self, etendue: Etendue, *, longue: bool = False, tailles: range | None = None) -> Noeud:
        def inscrire(demandeur: Fenetre | Noeud | Sonde) -> None:
            self._membres.append(demandeur)
            self._contexte.inscrire(demandeur)

        contexte = msgspec.structs.replace(self._contexte, inscrire=inscrire)
        return ouvrir_coupe(contexte, etendue, Part(self._critere, None), longue=longue, tailles=tailles)


class Isolee:
    """A window read past its restless seconds, and the cuts that know those seconds."""

    def __init__(self, fenetre: Fenetre, coupes: list[Noeud]) -> None:
        self.fenetre = fenetre
        self._coupes = coupes

    @property
    def close(self) -> bool:
        """All cuts are closed."""
        return all(coupe.close for coupe in self._coupes)

    @property
    def ids(self) -> dict[str, int]:
        """The window's offers, those of its restless seconds from the cuts."""
        ids = dict(self.fenetre.ids)
        for coupe in self._coupes:
            # What else the cut's bounds let in is another second's, and maybe another window's.
            ids.update((id_, ms) for id_, ms in coupe.ids.items() if ms // 1000 in self.fenetre.melees_s)
        return ids

    @property
    def preuve(self) -> Preuve | None:
        """As a window is proved: by its totals, once every restless second is known whole."""
        premiere, derniere = self.fenetre.annonces
        if not all(coupe.preuve for coupe in self._coupes) or not derniere <= len(self.ids) <= premiere:
            return None
        return "compte" if premiere == derniere else "ordre"


class Classe:
    """A part of a long cut, walked by windows of its own: an `Enfant` of that cut.

    A second of which it holds more than a page is cut by the criteria that are left, and counted into its window.
    """

    def __init__(self, contexte: Contexte, etendue: Etendue, part: Part, fond: PageLue | None = None) -> None:
        self.part = part
        self.ids: dict[str, int] = {}
        self.preuve: Preuve | None = None
        self.derniere = part.attendu or 0
        self.agitee = False
        self.refusee = False
        self.close = False
        self._ouverts: list[Fenetre | Noeud] = []
        self._isolees: list[Isolee] = []
        self._preuves: set[Preuve | None] = set()
        self._contexte = msgspec.structs.replace(contexte, inscrire=self._inscrire)
        self._inscrire_dehors = contexte.inscrire
        self._reprises = 0
        self._marches: list[Marche] = []
        self._marcher(etendue, self.derniere, fond)

    def avancer(self) -> None:
        """Look at its windows, open those below, and close when all are closed."""
        for marche in self._marches:
            while marche.avancer():
                pass
        self._marches = [marche for marche in self._marches if not marche.finie]
        fermes = [ouvert for ouvert in self._ouverts if ouvert.close]
        self._ouverts = [ouvert for ouvert in self._ouverts if not ouvert.close]
        for ferme in fermes:
            if isinstance(ferme, Fenetre) and ferme.melees_s:
                self._isoler(ferme)
            elif isinstance(ferme, Noeud):
                self._garder(ferme.ids, ferme.preuve)
                self.agitee = self.agitee or ferme.agitee
            elif ferme.surchargee_s is None:
                self._garder_fenetre(ferme, ferme.ids, ferme.preuve)
                self.agitee = self.agitee or ferme.agitee
        for isolee in [isolee for isolee in self._isolees if isolee.close]:
            self._isolees.remove(isolee)
            self._garder_fenetre(isolee.fenetre, isolee.ids, isolee.preuve)
        if not self._marches and not self._ouverts and not self._isolees and not self.close:
            self.preuve = None if None in self._preuves else "ordre" if "ordre" in self._preuves else "compte"
            self.close = True

    def lues(self) -> int:
        """Distinct offers of its closed windows."""
        return len(self.ids)

    def _garder(self, ids: dict[str, int], preuve: Preuve | None) -> None:
        self.ids.update(ids)
        self._preuves.add(preuve)

    def _garder_fenetre(self, fenetre: Fenetre, ids: dict[str, int], preuve: Preuve | None) -> None:
        """Keep what a window read; one in doubt is walked over again, or all of the stretch would have to be."""
        if preuve is None and self._reprises < _REPRISES_MAX:
            self._reprises += 1
            attendu = fenetre.annonces[1]
            self._marcher(fenetre.a_refaire(), attendu if attendu <= self._contexte.limites.profondeur else 0)
            return
        self._garder(ids, preuve)

    def _marcher(self, etendue: Etendue, attendu: int, fond: PageLue | None = None) -> None:
        contexte, critere = self._contexte, self.part.critere
        self._marches.append(Marche(contexte, etendue, lien=None, attendu=attendu, critere=critere, fond=fond))

    def _isoler(self, fenetre: Fenetre) -> None:
        """Cut the restless seconds of a window by criteria, each with its neighbours; else all of the window."""
        part, etendue = Part(self.part.critere, None), fenetre.a_refaire()
        if any(nuit_de_changement(autour) for seconde in fenetre.melees_s for autour in (seconde - 1, seconde + 2)):
            # No bound may stand inside such a night.
            self._ouverts.append(ouvrir_coupe(self._contexte, etendue, part, melee=True))
            return
        horloge, coupes = self._contexte.horloge(), []
        for seconde in sorted(fenetre.melees_s):
            bas_s, bas_ms = horloge.borne_basse(seconde - 1)
            autour = Etendue(bas_s, horloge.borne_haute(seconde + 1), bas_ms, (seconde + 1) * 1000 + 999)
            coupes.append(ouvrir_coupe(self._contexte, autour, part, melee=True))
        self._isolees.append(Isolee(fenetre, coupes))

    def _inscrire(self, demandeur: Fenetre | Noeud | Sonde) -> None:
        # Cuts of single seconds are looked at with their window, parts of a cut by their whole.
        if isinstance(demandeur, Noeud):
            if demandeur.part.critere == self.part.critere and not demandeur.melee:
                self._ouverts.append(demandeur)
        elif isinstance(demandeur, Fenetre):
            self._ouverts.append(demandeur)
        self._inscrire_dehors(demandeur)


def _sous_la_nuit(seconde: int) -> int:
    """This second, or one below the night of change that holds it: a whole troubled night is cut in one piece, since no
    bound may stand inside it.
    """
    while nuit_de_changement(seconde):
        seconde = debut_de_nuit_s(seconde) - 1
    return seconde
