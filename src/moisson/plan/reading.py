"""Reading one bounded search whole, from its last row to its first, and judging what was read.

Why backwards. A search is a list that shrinks while we read it: an offer that is withdrawn moves every later row up by
one. Read forwards, a row slides from the page to come onto the page already read, and is missed. Read backwards, it
slides the other way, and is merely seen twice. New offers cannot enter a search whose upper bound is past.

    state            told                                    becomes
    ---------------  --------------------------------------  -----------------------------------------
    reading          a full page                             reading the page above it, or judged
    reading          a page shorter than its own header, of  the same page again, then in doubt
                     other dates, or of rows already read
    reading          nothing, since the list became shorter  reading the page that is now last
    reading          more rows seen twice than offers left,  restless: to be read again, ties closed
                     or known rows above unknown ones

The first rows are often known already: the window above read them below its own border. The reading then stops at the
first page that begins with a known offer, since what stands above it is known too; if those offers were withdrawn in
between, no page begins with one and the reading goes on to the top.

In `serre` mode each page ends on the last of the rows that share a second with the oldest unread border, so that ties
which change places between two calls are read in one piece. Where more of them share a second than a page holds, no
page does that (`ouvertes_s`): that second has to be cut by criteria. The reading is given up at once, unless it is
`patiente`: then it goes on past that second, of which it knows only some offers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from types import MappingProxyType

from moisson.model import Ligne, PageLue, Plage, Preuve
from moisson.plan.clock import nuit_de_changement
from moisson.plan.limits import Limites

__all__ = ["AUCUN", "Lecture", "anomalie_de_page", "ex_aequo_deplaces", "intruse", "ordre_rompu", "plafond_ms"]


def anomalie_de_page(page: PageLue) -> str:
    """Say how a page contradicts its own Content-Range, or "" when it does not.

    A short page in the middle, an empty page under a total, a page of other rows than were asked.
    """
    plage, total = page.question.plage, page.total
    attendues = max(0, min(plage.dernier, total - 1) - plage.premier + 1)
    if len(page.lignes) != attendues:
        return f"rows {plage} of {total} announced: {attendues} due, {len(page.lignes)} came"
    if page.lignes and page.premier != plage.premier:
        return f"rows {plage} asked, rows from {page.premier} came"
    return ""


def ordre_rompu(lignes: tuple[Ligne, ...]) -> str:
    """Say where rows are not newest first, or "". Equal seconds may stand in any order; so may a night of change."""
    avant = None
    for ligne in lignes:
        seconde = ligne.creation_ms // 1000
        if avant is not None and seconde > avant and not (nuit_de_changement(seconde) and nuit_de_changement(avant)):
            return f"offer {ligne.id} is newer than the row above it"
        avant = seconde
    return ""


def ex_aequo_deplaces(avant: tuple[Ligne, ...], apres: tuple[Ligne, ...]) -> bool:
    """Whether offers of one instant stand in another order in the second of two readings of the same rows."""
    rangs = {ligne.id: rang for rang, ligne in enumerate(avant)}
    connues = [ligne for ligne in apres if ligne.id in rangs]
    return any(
        haut.creation_ms == bas.creation_ms and rangs[haut.id] > rangs[bas.id]
        for haut, bas in itertools.pairwise(connues)
    )


def intruse(lignes: tuple[Ligne, ...], dedans: Callable[[int], bool], plafond_ms: int | None) -> str:
    """Say which row lies outside the dates asked, or "": then the page is another search's."""
    for ligne in lignes:
        if not dedans(ligne.creation_ms) or (plafond_ms is not None and ligne.creation_ms > plafond_ms):
            return f"offer {ligne.id} came, which lies outside the dates asked"
    return ""


def plafond_ms(fin_ms: int | None) -> int | None:
    """Newest shown millisecond that can come back from a search that answers for all up to `fin_ms`.

    Its upper bound is written one second higher and may count, whole or not.
    """
    return None if fin_ms is None else (fin_ms // 1000 + 1) * 1000 + 999


AUCUN: Mapping[str, int] = MappingProxyType({})
"""No known offer."""

_OUVERTE = "more offers share a second than a page holds, and they change places"


class Lecture:
    """One reading of one search.

    Args:
        limites: how much a search shows.
        dedans: whether an offer of this shown millisecond belongs to the search (its lower bound, as measured).
        plafond_ms: newest shown millisecond that the search can hold, or None.
        attendu: rows the search is believed to hold; the reading begins at the last of them, at most the deepest
            reachable row.
        serre: close groups of ties at every page border.
        connus: offers known to stand at its head, in a piece, with their creation.
        saut: row from which the pages follow each other: the last known one, so that a page begins with it.
        patiente: go on where a group of ties cannot be closed.
    """

    def __init__(
        self,
        limites: Limites,
        dedans: Callable[[int], bool],
        plafond_ms: int | None,
        attendu: int,
        *,
        serre: bool = False,
        connus: Mapping[str, int] = AUCUN,
        saut: int = 0,
        patiente: bool = False,
    ) -> None:
        self._limites = limites
        self._patiente = patiente
        self._dedans = dedans
        self._plafond_ms = plafond_ms
        self._connus = {} if serre else {id_: ms for id_, ms in connus.items() if dedans(ms)}
        self.non_revues = 0
        self.serre = serre
        self.ids: dict[str, int] = {}
        self.dehors: dict[str, int] = {}
        self.premiere: int | None = None
        self.derniere = 0
        self.montee = False
        self.anomalies: list[str] = []
        self.agitee = False
        self.deborde = False
        self.tronquee = False
        self.ouvertes_s: set[int] = set()
        self.appels = 0
        self.terminee = False
        self._essais = 0
        self._departs = 0
        self._a_glisser = 0
        self._lu_depuis: int | None = None
        self._plus_recente: int | None = None
        self._page_unique = False
        rang = min(max(attendu, 1), limites.profondeur) - 1
        self._saut = saut if self._connus else 0
        self.suivante: Plage | None = self._en_bas(rang)

    def amorcer(self, page: PageLue) -> None:
        """Begin from a page already read with a lower bound further down: the same rows, so no call is lost."""
        self.appels += 1
        nombre = 0
        for ligne in page.lignes:
            if self._dedans(ligne.creation_ms):
                self.ids[ligne.id] = ligne.creation_ms
                nombre += 1
            else:
                self.dehors[ligne.id] = ligne.creation_ms
        rang = page.question.plage.premier
        if nombre and not rang:
            # The page is the first one: nothing stands above it.
            self._finir(vide=False)
        elif nombre and page.lignes[0].id not in self._connus:
            self._monter(rang, page.lignes)
        elif nombre:
            self._rejoindre()
        elif rang:
            self.suivante = self._limites.finissant(rang - 1)
        else:
            # The newest row lies below the border already: nothing is left above it.
            self.premiere = self.derniere = 0
            self._finir(vide=True)
        if nombre:
            # The rows above were all of this search at that moment, so its total then is known to the offer.
            self.premiere = self.derniere = rang + nombre
            self._lu_depuis = rang
            self._plus_recente = page.lignes[0].creation_ms // 1000

    def lire(self, page: PageLue) -> None:
        """Take in the answer to `suivante`."""
        self.appels += 1
        plage, total = page.question.plage, page.total
        anomalie = anomalie_de_page(page) or intruse(page.lignes, self._dedans, self._plafond_ms) or self._repetee(page)
        if anomalie or total == 0:
            # A search that holds nothing any more is believed when it says so again and again.
            self._essais += 1
            if self._essais < self._limites.essais_page:
                return
            self.anomalies += [anomalie] if anomalie else []
        self._essais = 0
        if self._lu_depuis is None and total > plage.dernier + 1 and not self.ids:
            if total > self._limites.profondeur and plage.dernier + 1 < self._limites.profondeur:
                self.deborde = True
                self._compter(total)
                self._finir(vide=False)
                return
            if plage.dernier + 1 < min(total, self._limites.profondeur) and self._departs < self._limites.essais_page:
                # It holds more than was believed: begin again at its true last row.
                self._departs += 1
                self.suivante = self._en_bas(min(total, self._limites.profondeur) - 1)
                return
        if self._departs == self._limites.essais_page and not self.ids:
            self.anomalies.append(f"its last row is now beyond {plage.dernier}, now before it")
        self.tronquee = self.tronquee or total > self._limites.profondeur
        glissees = self._glissees(page)
        self._compter(total)
        if not page.lignes:
            if total == 0 or plage.premier == 0:
                self._finir(vide=total == 0)
            else:
                self.suivante = self._limites.finissant(min(plage.premier, max(total, 1)) - 1)
            return
        self._ranger(page, glissees)
        if self.agitee and not self.serre:
            self._finir(vide=False)
            return
        if plage.premier > 0 and page.lignes[0].id in self._connus:
            self._rejoindre()
            return
        if plage.premier == 0:
            self._page_unique = self._lu_depuis is None and total == len(page.lignes) and not anomalie
            self._lu_depuis = 0
            self._finir(vide=False)
            return
        self._lu_depuis = plage.premier
        self._monter(plage.premier, page.lignes)

    def jugement(self) -> tuple[Preuve | None, str]:
        """How the search is proved, or None and why not. Only to be asked once `terminee`."""
        distinctes, premiere, derniere = len(self.ids), self.premiere or 0, self.derniere
        if self.anomalies:
            return None, self.anomalies[0]
        if self.deborde:
            return None, f"{derniere} offers announced, more than a search shows"
        if self.agitee and not self.serre:
            return None, "rows changed places between two calls"
        if self.ouvertes_s and not self._patiente:
            return None, _OUVERTE
        if self._page_unique:
            return ("page", "") if distinctes == derniere else (None, "an offer stands twice on one page")
        if self.montee:
            return None, f"the announced total rose while it was read, to {derniere}"
        if premiere == derniere == distinctes:
            return "compte", ""
        if self.ouvertes_s:
            return None, _OUVERTE
        if self.tronquee:
            return None, "it held more than a search shows while it was read"
        # A known offer may have been withdrawn before its search was begun: then there is one more than announced.
        if derniere <= distinctes <= premiere + self.non_revues:
            return "ordre", f"{max(premiere, distinctes) - derniere} left while it was read"
        return None, f"{distinctes} distinct offers for {premiere} announced first and {derniere} last"

    @property
    def vus(self) -> set[str]:
        """Every id seen, on either side of the lower bound."""
        return self.ids.keys() | self.dehors.keys()

    def _en_bas(self, rang: int) -> Plage:
        """The page to begin with, if `rang` is the last row: full where pages overlap anyway."""
        return self._limites.finissant(rang) if self.serre else self._limites.page_de(rang, self._saut)

    def _monter(self, premier: int, lignes: tuple[Ligne, ...]) -> None:
        """Go on with the page above these rows, or give up."""
        self.suivante = self._au_dessus(premier, lignes)
        if self.ouvertes_s and not self._patiente:
            self._finir(vide=False)

    def _rejoindre(self) -> None:
        """A page begins with a known offer: all that stands above it was read by the window above."""
        self.non_revues = len(self._connus.keys() - self.ids.keys())
        self.ids.update(self._connus)
        self._finir(vide=False)

    def _repetee(self, page: PageLue) -> str:
        """Say that the page brought known rows alone, more than can have slid onto it, or ""."""
        connues = sum(1 for ligne in page.lignes if ligne.id in self.ids or ligne.id in self.dehors)
        if connues < len(page.lignes) or connues <= max(1, self._glissees(page)) or self.ouvertes_s:
            return ""
        return f"rows {page.question.plage} brought only offers already read"

    def _glissees(self, page: PageLue) -> int:
        """How many rows of the pages below may stand on this one: those asked twice, and one for each offer that left
        since the page below, or before where that page was filled with rows that slid.

        A total that rose says nothing about how many left.
        """
        if self._lu_depuis is None or self.premiere is None or self.montee or page.total > self.derniere:
            return len(page.lignes)
        recouvertes = max(0, page.question.plage.dernier + 1 - self._lu_depuis)
        return recouvertes + self._a_glisser + self.derniere - page.total

    def _compter(self, total: int) -> None:
        if self.premiere is None:
            self.premiere = total
        elif total > self.derniere:
            self.montee = True
        self.derniere = total

    def _ranger(self, page: PageLue, glissees: int) -> None:
        """Keep the rows and check their order, within the page and against the pages below.

        Rows that slid here from below are at most so many, and stand at its foot: else ties changed places.
        """
        rompu = ordre_rompu(page.lignes)
        if rompu:
            self.anomalies.append(rompu)
        deja, inconnue_dessous = 0, False
        for ligne in page.lignes:
            seconde = ligne.creation_ms // 1000
            connue = ligne.id in self.ids or ligne.id in self.dehors
            inconnue_dessous = inconnue_dessous or (deja > 0 and not connue)
            deja += connue
            if (
                not connue
                and self._plus_recente is not None
                and seconde < self._plus_recente
                and not (nuit_de_changement(seconde) and nuit_de_changement(self._plus_recente))
            ):
                self.anomalies.append(f"offer {ligne.id} stands above newer rows and was not below them")
            (self.ids if self._dedans(ligne.creation_ms) else self.dehors)[ligne.id] = ligne.creation_ms
        self._a_glisser = max(0, glissees - deja) if deja == len(page.lignes) else 0
        if (deja > glissees or inconnue_dessous) and self._lu_depuis is not None and not self.anomalies:
            self.agitee = True
        self._plus_recente = max(self._plus_recente or 0, page.lignes[0].creation_ms // 1000)

    def _au_dessus(self, premier: int, lignes: tuple[Ligne, ...]) -> Plage:
        if self.serre:
            bord = lignes[0].creation_ms // 1000
            groupe = 0
            while groupe < len(lignes) and lignes[groupe].creation_ms // 1000 == bord:
                groupe += 1
            if groupe < self._limites.page - 1:
                return self._limites.finissant(premier + groupe - 1)
            self.ouvertes_s.add(bord)
        return self._limites.finissant(premier - 1)

    def _finir(self, *, vide: bool) -> None:
        self.terminee = True
        self.suivante = None
        if vide and not self.ids:
            self._page_unique = True
