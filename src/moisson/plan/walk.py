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

__all__ = ["COUPES_OUVERTES", "Contexte", "Marche", "ouvrir_coupe", "rassembler"]

_FENETRES_PAR_COUPE = 32
"""Windows that one long cut stands for, about: the longer, the fewer ties of one second a part holds."""

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
        # Long cuts: those that are open, the second and the millisecond below which the next begins, its span.
        self._coupes: list[Noeud] = []
        self._suite_s: int | None = None
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
                self._suite_s, self._suite_ms = fenetre.bordure.seconde, debut_ms - 1
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
        if self._suite_s is None or len(self._coupes) >= COUPES_OUVERTES:
            return False
        # A cut sees nothing beyond its bounds, so neighbours share a second: one of them has it, if no bound counts.
        haut_s = self._contexte.horloge().borne_haute(self._suite_s + 1)
        bas = _sous_la_nuit(self._suite_s - math.ceil(self._portee_s))
        etendue = self._etendue_coupe(bas, haut_s, self._suite_ms + 1000)
        self._coupes.append(self._ouvrir_coupe(etendue, longue=True))
        self._suite_s, self._suite_ms = None if self.au_fond else bas - 1, (etendue.bas_ms or 0) - 1
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
            # certain. It must not reach up to the crowded second, or it would be cut there again.
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


class Isolee:
    """A window read past its restless seconds, and the cuts that know those seconds."""

    def __init__(self, fenetre: Fenetre, coupes: list[Noeud]) -> None:
        self._fenetre = fenetre
        self._coupes = coupes

    @property
    def close(self) -> bool:
        """All cuts are closed."""
        return all(coupe.close for coupe in self._coupes)

    @property
    def ids(self) -> dict[str, int]:
        """The window's offers, those of its restless seconds from the cuts."""
        ids = dict(self._fenetre.ids)
        for coupe in self._coupes:
            # What else the cut's bounds let in is another second's, and maybe another window's.
            ids.update((id_, ms) for id_, ms in coupe.ids.items() if ms // 1000 in self._fenetre.melees_s)
        return ids

    @property
    def preuve(self) -> Preuve | None:
        """As a window is proved: by its totals, once every restless second is known whole."""
        premiere, derniere = self._fenetre.annonces
        if not all(coupe.preuve for coupe in self._coupes) or not derniere <= len(self.ids) <= premiere:
            return None
        return "compte" if premiere == derniere else "ordre"


class Classe:
    """A part of a long cut, walked by windows of its own: an `Enfant` of that cut.

    A second of which it holds more than a page is cut by the criteria that are left, and counted into its window.
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
        self._isolees: list[Isolee] = []
        self._preuves: set[Preuve | None] = set()
        self._contexte = msgspec.structs.replace(contexte, inscrire=self._inscrire)
        self._inscrire_dehors = contexte.inscrire
        self._marche = Marche(self._contexte, etendue, lien=None, attendu=self.derniere, critere=part.critere)

    def avancer(self) -> None:
        """Look at its windows, open those below, and close when all are closed."""
        while self._marche.avancer():
            pass
        fermes = [ouvert for ouvert in self._ouverts if ouvert.close]
        self._ouverts = [ouvert for ouvert in self._ouverts if not ouvert.close]
        for ferme in fermes:
            if isinstance(ferme, Fenetre) and ferme.melees_s:
                self._isoler(ferme)
            elif not isinstance(ferme, Fenetre) or ferme.surchargee_s is None:
                self._garder(ferme.ids, ferme.preuve)
                self.agitee = self.agitee or ferme.agitee
        for isolee in [isolee for isolee in self._isolees if isolee.close]:
            self._isolees.remove(isolee)
            self._garder(isolee.ids, isolee.preuve)
        if self._marche.finie and not self._ouverts and not self._isolees and not self.close:
            self.preuve = None if None in self._preuves else "ordre" if "ordre" in self._preuves else "compte"
            self.close = True

    def lues(self) -> int:
        """Distinct offers of its closed windows."""
        return len(self.ids)

    def _garder(self, ids: dict[str, int], preuve: Preuve | None) -> None:
        self.ids.update(ids)
        self._preuves.add(preuve)

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

    def _inscrire(self, demandeur: Fenetre | Noeud) -> None:
        # Cuts of single seconds are looked at with their window, parts of a cut by their whole.
        if isinstance(demandeur, Fenetre) or (demandeur.part.critere == self.part.critere and not demandeur.melee):
            self._ouverts.append(demandeur)
        self._inscrire_dehors(demandeur)


def _sous_la_nuit(seconde: int) -> int:
    """This second, or one below the night of change that holds it: a whole troubled night is cut in one piece, since no
    bound may stand inside it.
    """
    while nuit_de_changement(seconde):
        seconde = fin_de_nuit_s(seconde) - 5 * 3600 - 1
    return seconde
