"""A window: a stretch of time that one search shows whole, found and read without a call spent on asking alone.

    state      asks                                              told                          becomes
    ---------  ------------------------------------------------  ----------------------------  -----------------------
    fond       the deepest page of [floor, top]                  more rows below               lecture above its border
                                                                 only one burst                fond, one page higher
                                                                 nothing below                 lecture of all, terminal
                                                                 the bound cannot move         surchargee: to be cut
    lecture    pages upwards, lower bound just above the border  all read                      lien
                                                                 too many restless ties        melees_s: to be cut
    lien       the border second again, if no id links it to     the link, or why it is gone   close, or lecture again
               the window above
    close      nothing

The border is put where a second without offers follows it, so that nobody needs to know whether a bound counts. What
was read below it belongs to the window below, which need not read it again: its reading ends on the last of those rows,
the link. The link costs nothing and catches any shift of clock or bound.
"""

from __future__ import annotations

import msgspec

from moisson.errors import ContractBroken
from moisson.model import (
    SANS_CRITERE,
    Critere,
    Fait,
    FenetreBilan,
    Ligne,
    PageLue,
    Plage,
    Preuve,
    Question,
    QuestionRefusee,
)
from moisson.plan.axes import exiger_filtres
from moisson.plan.clock import Horloge, fin_de_nuit_s, nuit_de_changement
from moisson.plan.limits import Limites
from moisson.plan.reading import AUCUN, anomalie_de_page, intruse, ordre_rompu, plafond_ms
from moisson.plan.search import Recherche

__all__ = ["Bordure", "Etendue", "Fenetre", "choisir_bord"]

_SECONDES_DENSES = 3
"""Different seconds on a page from which it is no burst: the border takes two at most, so some rows lie above it."""


class Bordure(msgspec.Struct, frozen=True):
    """Where the next window begins.

    Attributes:
        seconde: shown second of the border; all of it belongs to the window below.
        connus: offers already seen on or below it, with their creation in milliseconds; the window below begins with
            them.
        reste: rows believed to lie from it down to the floor; 0 when unknown.
        nette: no offer was created in the second above it, so that a bound put there counts the same for everyone, and
            the known offers are the very first of the window below.
    """

    seconde: int
    connus: dict[str, int]
    reste: int
    nette: bool

    @property
    def saut(self) -> int:
        """First row that the window below must read: the last known one, which is the link."""
        return max(0, len(self.connus) - 1) if self.nette else 0


class Etendue(msgspec.Struct, frozen=True):
    """The stretch of time a window may take from: bounds to write, and what they mean in shown milliseconds.

    Attributes:
        bas_s, haut_s: lower and upper bound on the filter's clock.
        bas_ms: oldest shown millisecond that the lower bound admits; None for the beginning of time.
        fin_ms: newest shown millisecond that the window answers for; None for the open future.
    """

    bas_s: int
    haut_s: int
    bas_ms: int | None
    fin_ms: int | None


class Fenetre:
    """One window of a walk.

    Args:
        numero: its number; answers come back by it.
        limites: how much a search shows.
        horloge: the clocks, as measured.
        etendue: the stretch it may take from.
        lien: the border of the window above, which it must meet again.
        attendu: rows believed to lie in the stretch; 0 when unknown.
        serre: read with groups of ties closed.
        critere: filters besides the dates: then it is a window of one part of a cut, and is read past seconds that have
            too many restless ties.
        fond: its deepest page, if somebody has read that already.

    Attributes:
        question: what to ask now, or None.
        close: nothing is left to do.
        bordure: where the next window begins, once known.
        terminale: it reaches the floor, so no window follows.
        serre: its groups of ties were closed from the start.
        surchargee_s: shown second that holds more than a search shows; the window must be cut by criteria instead.
        melees_s: shown seconds of which it holds more offers than a page, that change places: to be cut, too.
        coupee: that is done together with what lies below it.
    """

    def __init__(
        self,
        numero: int,
        limites: Limites,
        horloge: Horloge,
        etendue: Etendue,
        *,
        lien: Bordure | None,
        attendu: int,
        serre: bool = False,
        critere: Critere = SANS_CRITERE,
        fond: PageLue | None = None,
    ) -> None:
        self.numero = numero
        self.etendue = etendue
        self.critere = critere
        self._limites = limites
        self._horloge = horloge
        self._lien = lien if lien is not None and lien.connus else None
        self._saut = 0 if self._lien is None or serre else min(self._lien.saut, limites.depart_max)
        self.serre = serre
        self._debut_ms = etendue.bas_ms
        self._recherche: Recherche | None = None
        self._essais = 0
        self._rebours = 0
        self._annonce_fond: int | None = None
        self._dessous: list[PageLue] = []
        self.appels = 0
        self.close = False
        self.terminale = False
        self.bordure: Bordure | None = None
        self.surchargee_s: int | None = None
        self.melees_s: frozenset[int] = frozenset()
        self.coupee = False
        self.question: Question | None
        if fond is not None:
            self.question = self._demander("fond", fond.question.plage, etendue.bas_s)
            self._dire_fond(fond)
        elif 0 < attendu <= limites.profondeur:
            # What is left fits one search: its own last page is asked at once, there is no border to look for.
            self._lire_tout(attendu)
        else:
            self.question = self._demander("fond", limites.fond(self._saut), etendue.bas_s)

    @property
    def agitee(self) -> bool:
        """Rows changed places between two calls."""
        return self._recherche is not None and self._recherche.agitee

    @property
    def par_ordre(self) -> bool:
        """Whether its proof rests on the order of rows: on that alone, or for offers that only the window above saw.

        One of those may have left before this window was asked, and stand in its count for one that was never read.
        """
        return self.preuve == "ordre" or (self._recherche is not None and self._recherche.supposees > 0)

    @property
    def annonces(self) -> tuple[int, int]:
        """First and last totals announced."""
        return (self._recherche.premiere or 0, self._recherche.derniere) if self._recherche is not None else (0, 0)

    @property
    def preuve(self) -> Preuve | None:
        """How it was proved, or None."""
        return self._recherche.preuve if self._recherche is not None else None

    @property
    def ids(self) -> dict[str, int]:
        """Every distinct offer read in it, with its shown creation in milliseconds."""
        return self._recherche.ids if self._recherche is not None else {}

    @property
    def nouvelles(self) -> int:
        """Distinct offers of its own: those that the window above did not count. A part is counted by its whole."""
        if self._recherche is None or self.critere.filtres:
            return 0
        fin_ms = self.etendue.fin_ms
        return sum(1 for ms in self._recherche.lues.values() if fin_ms is None or ms <= fin_ms)

    def dire(self, fait: Fait) -> None:
        """Take in the answer to `question`.

        Raises:
            ContractBroken: a stretch holds far more than the rows above its own lower border, or a filter is ignored.
        """
        self.appels += 1
        if isinstance(fait, PageLue):
            exiger_filtres(fait)
            {"fond": self._dire_fond, "page": self._dire_page, "lien": self._dire_lien}[fait.question.role](fait)
            return
        self._essais += 1
        refus = isinstance(fait, QuestionRefusee)
        if refus or self._essais >= self._limites.essais_page:
            self._abandonner(f"refused: {fait.message}" if isinstance(fait, QuestionRefusee) else fait.raison)

    def a_refaire(self) -> Etendue:
        """Its own stretch, to be read again by another window."""
        debut_s = self._recherche.debut_s if self._recherche is not None else None
        return Etendue(
            self.etendue.bas_s if debut_s is None else debut_s,
            self.etendue.haut_s,
            self._debut_ms,
            self.etendue.fin_ms,
        )

    def bilan(self) -> FenetreBilan:
        """Its row in the table `fenetres`."""
        r = self._recherche
        return FenetreBilan(
            numero=self.numero,
            debut_ms=self._debut_ms,
            fin_ms=self.etendue.fin_ms,
            critere=str(self.critere),
            annonce_premiere=(r.premiere or 0) if r else 0,
            annonce_derniere=r.derniere if r else 0,
            distinctes=r.distinctes if r else 0,
            manquantes=max(0, r.derniere - len(r.ids)) if r and r.preuve is None else 0,
            preuve=r.preuve if r else None,
            verdict="prouvee" if r and r.preuve else "en doute",
            raison=r.raison if r else "not read",
            appels=self.appels,
        )

    # -- told ------------------------------------------------------------------------------------------------------

    def _dire_fond(self, page: PageLue) -> None:
        plage = page.question.plage
        if page.total <= plage.dernier + 1 and not self._dessous:
            self._lire_tout(page.total, deja=page)
            return
        ailleurs = intruse(page.lignes, self._dedans, plafond_ms(self.etendue.fin_ms))
        if anomalie_de_page(page) or ordre_rompu(page.lignes) or ailleurs:
            self._essais += 1
            if self._essais < self._limites.essais_page or not page.lignes:
                if self._essais >= 2 * self._limites.essais_page:
                    self._abandonner(f"its deepest page stays empty though {page.total} offers are announced")
                return
            if ailleurs:
                self._abandonner(ailleurs)
                return
        self._essais = 0
        bord = choisir_bord(page.lignes)
        burst = bord is None and not _dense(page.lignes)
        if burst and len(self._dessous) < self._limites.remontees_max and plage.premier > 0:
            # The page lies within a burst: look for the border above it. What was read belongs to the window below.
            self._dessous.append(page)
            self.question = self._demander("fond", self._limites.finissant(plage.premier - 1), self.etendue.bas_s)
            return
        vues = [*self._dessous, page]
        nette = bord is not None
        if bord is not None:
            debut_s, self._debut_ms = self._horloge.filtre_s(bord + 1), (bord + 1) * 1000
        else:
            # No second is empty, so the border stands on one that has offers: the oldest of the page, or where all of
            # it is a burst, the oldest seen; then the reading begins again from there.
            if burst:
                page = vues[0]
                plage = page.question.plage
            oldest = min(ligne.creation_ms for ligne in page.lignes) // 1000
            # A lower bound that does not count lets in part of its own second, so all of that must have been seen.
            bord = _hors_trouble(oldest + (0 if self._horloge.debut_inclus else 1))
            if self._horloge.borne_haute(bord) >= self.etendue.haut_s:
                self.surchargee_s = oldest
                self.question = None
                self.close = True
                return
            debut_s, self._debut_ms = self._horloge.borne_basse(bord + 1)
        connus = {
            ligne.id: ligne.creation_ms
            for vue in reversed(vues)
            for ligne in vue.lignes
            if not self._dedans(ligne.creation_ms)
        }
        dessus = sum(1 for ligne in page.lignes if self._dedans(ligne.creation_ms))
        # Rows of the second above the border come again below, since the upper bound may count.
        repris = sum(1 for ligne in page.lignes if ligne.creation_ms == (bord + 1) * 1000)
        # Where the whole page lies below the border, so may rows above the page: how many is not known.
        reste = max(1, page.total - plage.premier - dessus + repris) if dessus or plage.premier == 0 else 0
        self.bordure = Bordure(bord, connus, reste, nette)
        self._dessous.clear()
        self._annonce_fond = plage.premier + dessus
        self._recherche = self._nouvelle_recherche(debut_s, plage.premier)
        self._recherche.amorcer(page)
        self._suivre(self._recherche)

    def _dire_page(self, page: PageLue) -> None:
        recherche = self._recherche
        assert recherche is not None
        if self.terminale and page.total > self._limites.profondeur:
            # More is left than one search shows after all: look for a border.
            self._rebours += 1
            if self._rebours >= self._limites.essais_page:
                self._abandonner(f"now more, now fewer offers are announced than a search shows, {page.total} at last")
                return
            self.terminale = False
            self._recherche = None
            self.question = self._demander("fond", self._limites.fond(self._saut), self.etendue.bas_s)
            return
        if self._annonce_fond is not None and page.total > self._annonce_fond + self._limites.profondeur // 2:
            self._essais += 1
            if self._essais >= self._limites.essais_page:
                raise ContractBroken(
                    f"{page.total} offers are announced above a row that {self._annonce_fond} stood above",
                    doing=f"reading rows {page.question.plage} of window {self.numero}",
                    todo="The order or a bound is ignored, and nothing can be proved. Look at `moisson check`, and try "
                    "again later.",
                )
            return
        recherche.lire(page)
        self._suivre(recherche)

    def _suivre(self, recherche: Recherche) -> None:
        """Ask what the search wants next; when it wants nothing more, look at the link and close."""
        self.question = recherche.question(self.numero)
        if self.question is not None:
            return
        self.melees_s = recherche.ouvertes_s
        if recherche.preuve and self._lien is not None and not self._lien.connus.keys() & recherche.vus:
            seconde_s = self._horloge.filtre_s(self._lien.seconde)
            self._essais = 0
            self.question = Question(
                self.numero, "lien", self._limites.premiere, self.critere, seconde_s - 1, seconde_s + 1
            )
            return
        self.close = True

    def _dire_lien(self, page: PageLue) -> None:
        """The border second was asked again: are the offers that should link the windows still online?"""
        recherche, lien = self._recherche, self._lien
        assert recherche is not None
        assert lien is not None
        self._essais += page.total == 0
        if page.total == 0 and self._essais < self._limites.essais_page:
            return
        au_bord = {ligne.id for ligne in page.lignes if ligne.creation_ms // 1000 == lien.seconde}
        if au_bord & lien.connus.keys() or not au_bord <= recherche.vus:
            if recherche.relire("no offer links it to the window above, whose border second is still there"):
                self.question = recherche.question(self.numero)
                return
        else:
            recherche.raison = "the offers on its upper border were withdrawn in between"
        self.close = True
        self.question = None

    # -- decided ---------------------------------------------------------------------------------------------------

    def _dedans(self, creation_ms: int) -> bool:
        return self._debut_ms is None or creation_ms >= self._debut_ms

    def _nouvelle_recherche(self, debut_s: int, attendu: int) -> Recherche:
        return Recherche(
            self._limites,
            debut_s=debut_s,
            fin_s=self.etendue.haut_s,
            dedans=self._dedans,
            plafond_ms=plafond_ms(self.etendue.fin_ms),
            attendu=attendu,
            critere=self.critere,
            serre=self.serre,
            connus=self._lien.connus if self._lien is not None and self._lien.nette else AUCUN,
            saut=self._saut,
            patiente=bool(self.critere.filtres),
        )

    def _lire_tout(self, attendu: int, *, deja: PageLue | None = None) -> None:
        self.terminale = True
        self._recherche = self._nouvelle_recherche(self.etendue.bas_s, attendu)
        if deja is not None and (deja.lignes or not attendu):
            self._recherche.lire(deja)
        self._suivre(self._recherche)

    def _abandonner(self, raison: str) -> None:
        if self._recherche is None:
            self._recherche = self._nouvelle_recherche(self.etendue.bas_s, 1)
            self.terminale = True
        self._recherche.preuve, self._recherche.raison = None, raison
        self.close = True
        self.question = None

    def _demander(self, role: str, plage: Plage, debut_s: int) -> Question:
        return Question(self.numero, role, plage, self.critere, debut_s, self.etendue.haut_s)


def choisir_bord(lignes: tuple[Ligne, ...]) -> int | None:
    """The oldest shown second with a row above it on the page and an empty second between them, or None.

    A bound put into that empty second means the same whether bounds count or not, and whatever the milliseconds. Nights
    when the clocks change are passed over.
    """
    dessous = None
    for ligne in reversed(lignes):
        seconde = ligne.creation_ms // 1000
        if dessous is not None and seconde >= dessous + 2 and not _trouble(dessous):
            return dessous
        dessous = seconde
    return None


def _dense(lignes: tuple[Ligne, ...]) -> bool:
    """Whether these rows are no burst, although no second between them is empty. Not within a night of change."""
    secondes = {ligne.creation_ms // 1000 for ligne in lignes}
    return len(secondes) >= _SECONDES_DENSES and not any(map(_trouble, secondes))


def _trouble(seconde: int) -> bool:
    """A border here would put a bound inside a night of change."""
    return nuit_de_changement(seconde) or nuit_de_changement(seconde + 1)


def _hors_trouble(seconde: int) -> int:
    """This second, or the end of the night of change that holds it."""
    if not _trouble(seconde):
        return seconde
    return fin_de_nuit_s(seconde if nuit_de_changement(seconde) else seconde + 1) - 1
