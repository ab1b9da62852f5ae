"""A walk: windows taken one below the other, from a top down to a floor, each opened by what the one above it showed.

a window tells        the walk
--------------------  ------------------------------------------------------------------------------
its border            opens the next window on the border second
that it is terminal   opens nothing more
a crowded second      opens a cut over that second and its neighbours, and the next window below it
"""

from __future__ import annotations

from collections.abc import Callable

from moisson.model import Critere
from moisson.plan.axes import Part
from moisson.plan.clock import Horloge, fin_de_nuit_s, nuit_de_changement
from moisson.plan.cut import Noeud
from moisson.plan.limits import Limites
from moisson.plan.window import Bordure, Etendue, Fenetre

__all__ = ["Marche"]


class Marche:
    """One walk.

    Args:
        limites: how much a search shows.
        horloge: gives the clocks as known at that moment.
        numeroter: gives the next free number.
        inscrire: takes a new window or part, whose questions are then asked.
        sommet: shown second the walk begins at, and the ids already seen on it.
        bas_s, bas_ms: floor: the bound to write, and the oldest shown millisecond it admits (None: beginning of time).
        serre: whether windows are to be read with groups of ties closed, as known at that moment.
    """

    def __init__(
        self,
        limites: Limites,
        *,
        horloge: Callable[[], Horloge],
        numeroter: Callable[[], int],
        inscrire: Callable[[Fenetre | Noeud], object],
        serre: Callable[[], bool],
        sommet: Bordure,
        bas_s: int,
        bas_ms: int | None,
    ) -> None:
        self._limites = limites
        self._horloge = horloge
        self._numeroter = numeroter
        self._inscrire = inscrire
        self._serre = serre
        self._bas_s = bas_s
        self._bas_ms = bas_ms
        self._membres: list[Fenetre | Noeud] = []
        self._derniere: Fenetre | None = None
        self.au_fond = False
        self._ouvrir(sommet, fin_ms=sommet.seconde * 1000 + 999, lien=sommet)

    @property
    def finie(self) -> bool:
        """Every window down to the floor was opened and is closed."""
        return self.au_fond and all(membre.close for membre in self._membres)

    def avancer(self) -> Fenetre | None:
        """Look at the lowest window; open what comes below it. Returns the window that just showed its border."""
        # A closed member is let go with the ids it holds.
        self._membres = [membre for membre in self._membres if not membre.close or membre is self._derniere]
        fenetre = self._derniere
        if fenetre is None:
            return None
        if fenetre.surchargee_s is not None:
            self._derniere = None
            self._couper(fenetre, fenetre.surchargee_s)
            return fenetre
        if fenetre.bordure is not None:
            self._derniere = None
            bordure = fenetre.bordure
            self._ouvrir(bordure, fin_ms=(fenetre.bilan().debut_ms or 0) - 1, lien=bordure)
            return fenetre
        if fenetre.terminale and fenetre.close:
            self._derniere = None
            self.au_fond = True
        return None

    def _ouvrir(self, bordure: Bordure, *, fin_ms: int, lien: Bordure | None) -> None:
        horloge = self._horloge()
        etendue = Etendue(self._bas_s, horloge.borne_haute(bordure.seconde), self._bas_ms, fin_ms)
        fenetre = Fenetre(
            self._numeroter(),
            self._limites,
            horloge,
            etendue,
            lien=lien,
            attendu=bordure.reste,
            serre=self._serre(),
        )
        self._derniere = fenetre
        self._membres.append(fenetre)
        self._inscrire(fenetre)

    def _couper(self, fenetre: Fenetre, seconde: int) -> None:
        """Cut the crowded stretch from just below `seconde` up to the window's own top, and go on below it."""
        horloge = self._horloge()
        bas = seconde - 1
        while nuit_de_changement(bas):
            # A whole troubled night is cut in one piece, since no bound may stand inside it.
            bas = fin_de_nuit_s(bas) - 5 * 3600 - 1
        debut_s, debut_ms = horloge.borne_basse(bas)
        au_fond = debut_s <= self._bas_s
        if au_fond:
            debut_s, debut_ms = self._bas_s, self._bas_ms or 0
        bornes_s = (debut_s, fenetre.etendue.haut_s)
        racine_fin_ms = fenetre.etendue.fin_ms

        def ouvrir(part: Part) -> Noeud:
            noeud = Noeud(
                self._numeroter(),
                self._limites,
                bornes_s,
                debut_ms=debut_ms,
                fin_ms=racine_fin_ms,
                part=part,
                serre=self._serre(),
                ouvrir=ouvrir,
            )
            self._membres.append(noeud)
            self._inscrire(noeud)
            return noeud

        ouvrir(Part(Critere(), None))
        if au_fond:
            self.au_fond = True
            return
        # The cut answers for all of the second `bas`; what follows begins below it and meets no id again for certain.
        self._ouvrir_sous(bas, debut_ms - 1)

    def _ouvrir_sous(self, seconde: int, fin_ms: int) -> None:
        horloge = self._horloge()
        etendue = Etendue(self._bas_s, horloge.borne_haute(seconde - 1), self._bas_ms, fin_ms)
        fenetre = Fenetre(self._numeroter(), self._limites, horloge, etendue, lien=None, attendu=0, serre=self._serre())
        self._derniere = fenetre
        self._membres.append(fenetre)
        self._inscrire(fenetre)
