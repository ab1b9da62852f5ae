"""A stretch of time that no search shows whole, cut by criteria until every part can be read.

There may be more offers than a search shows; or more ties than a page holds, which change places at each call.

    state     asks                                    told                       becomes
    --------  --------------------------------------  -------------------------  -------------------------------------
    etendue   the newest page of the whole            it fits a search           lecture
                                                      it does not                parts, one child each
                                                      it is long                 division
    division  see `Division`                          the parts hold all         parts, one child each
                                                      they do not                parts along counted axes
    lecture   pages, last to first                    all read                   close
                                                      too many restless ties     etendue, and then parts
    parts     nothing (its children ask)              the last child closes      retour; a part that its own parts,
                                                                                 each exact, hold whole: close, proved
    retour    the newest page of the whole, again     the parts hold them all    close, proved
                                                      they do not                parts along another axis, or lecture
                                                                                 of what can be reached, and the count
                                                                                 that is missing, named

What decides is not the axis but the count: distinct ids read = offers announced for the whole. When offers left
meanwhile the count is only bounded, and an offer that no part asked for could hide behind one that left; so the parts
must then be known to cover the whole (their counts added up to it, on one answer), share no offer, and each be proved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from moisson.model import Critere, Fait, FenetreBilan, PageLue, Plage, Preuve, Question, QuestionRefusee, Verdict
from moisson.plan.axes import GAIN_MIN, GRANDS_DOMAINES, Part, choisir, exiger_filtres
from moisson.plan.division import PRESSANT, Division, Sonde
from moisson.plan.limits import Limites
from moisson.plan.reading import plafond_ms
from moisson.plan.search import Recherche
from moisson.plan.window import Etendue

__all__ = ["Enfant", "Noeud"]

_CLASSES = 6
"""Into how many parts, at least, a long cut divides its stretch before they are walked by windows."""


class Enfant(Protocol):
    """A part of a cut, whether cut further (`Noeud`) or walked by windows (`walk.Classe`).

    Attributes:
        part: its criteria, and how many offers it should hold.
        ids: every distinct offer read in it, with its shown creation in milliseconds.
        preuve: how it was proved, or None.
        derniere: offers last announced.
        agitee: rows changed places between two calls.
        refusee: the API refuses its criteria.
        close: nothing is left to do.
    """

    part: Part
    ids: dict[str, int]
    preuve: Preuve | None
    derniere: int
    agitee: bool
    refusee: bool
    close: bool

    def avancer(self) -> None:
        """Look at what it is made of."""

    def lues(self) -> int:
        """Distinct offers read in it, about."""


Ouvreur = Callable[[Part, int, PageLue | None], Enfant]
"""Makes a child for a part. It is told up to how many offers are to be walked by windows, and the deepest page of the
part, if that was read already."""


class Noeud:
    """One part of a cut, or the whole that is cut.

    Args:
        numero: its number; answers come back by it.
        limites: how much a search shows.
        etendue: the stretch it answers for.
        part: its criteria, and how many offers it should hold.
        serre: read with groups of ties closed.
        ouvrir: makes a child; the planner numbers it and asks its questions.
        longue: its parts are walked by windows once they hold a small share of the stretch.
        classe_max: offers up to which they are; 0 to find out.
        melee: its ties are known to be more than a page holds: cut it even if a search shows it whole.
        sonder: opens a question for a part; given where the axis without counts is to be tried first, if there are
            enough offers for that.
        tailles: how many offers it should hold; else it closes at once, unread.

    Attributes:
        question: what to ask now, or None.
        close: nothing is left to do.
        ids: every distinct offer read in it or in its closed parts, with its shown creation in milliseconds.
        serre: groups of ties were closed from the start.
        melee: it is cut down to single pages.
        indivisible: the axis without counts does not hold all of it.
        demesuree: it holds more, or fewer, offers than it should.
    """

    def __init__(
        self,
        numero: int,
        limites: Limites,
        etendue: Etendue,
        *,
        part: Part,
        serre: bool,
        ouvrir: Ouvreur,
        longue: bool = False,
        classe_max: int = 0,
        melee: bool = False,
        sonder: Callable[[Critere, Plage], Sonde] | None = None,
        tailles: range | None = None,
    ) -> None:
        self.numero = numero
        self.part = part
        self._limites = limites
        self.etendue = etendue
        self.serre = serre
        self._ouvrir = ouvrir
        self._recherche: Recherche | None = None
        self._longue = longue
        self._classe_max = classe_max
        self.melee = melee
        self._sonder = sonder
        self._division: Division | None = None
        self._tailles = tailles
        self.indivisible = False
        self.demesuree = False
        self._propres = 0
        self._enfants: list[Enfant] = []
        self._axes: set[str] = set()
        self._essais = 0
        self._reprises = 0
        self._couverte = False
        self._sans_issue = False
        self.ids: dict[str, int] = {}
        self.premiere = 0
        self.derniere = 0
        self.appels = 0
        self.preuve: Preuve | None = None
        self.raison = "not read"
        self.refusee = False
        self.close = False
        self.agitee = False
        self.question: Question | None
        attendu = part.attendu
        if attendu is not None and 0 < attendu <= limites.profondeur and not melee:
            self._lire(attendu)
        else:
            self.question = self._demander("etendue")

    @property
    def vus(self) -> set[str]:
        """Every id read in it or in its parts."""
        return set(self.ids)

    @property
    def nouvelles(self) -> int:
        """Distinct offers that no neighbouring window counts; parts are counted by their whole."""
        return 0 if self.part.critere.filtres else self.lues()

    def lues(self) -> int:
        """Distinct offers of its own read so far, about: those of parts that are not closed yet are added up."""
        return self._propres + sum(enfant.lues() for enfant in self._enfants)

    def dire(self, fait: Fait) -> None:
        """Take in the answer to `question`.

        Raises:
            ContractBroken: its counts show offers that its criteria exclude: a filter is ignored.
        """
        self.appels += 1
        if not isinstance(fait, PageLue):
            self._essais += 1
            if isinstance(fait, QuestionRefusee):
                self.refusee = True
                self._clore(None, f"refused: {fait.message}")
            elif self._essais >= self._limites.essais_page:
                self._clore(None, fait.raison)
            return
        exiger_filtres(fait)
        if fait.question.role == "page":
            self._dire_page(fait)
            return
        if fait.total == 0 and (fait.question.role != "etendue" or not self.part.critere.filtres or self.melee):
            # A crowd does not vanish at once: nothing is believed when it comes again and again.
            self._essais += 1
            if self._essais < self._limites.essais_page:
                return
        if self._division is not None:
            self.question = None
            self.appels += self._division.appels
            self._division.dire(fait)
            if self._division.close:
                self._conclure(self._division)
            return
        if fait.question.role == "etendue":
            self._compter(fait)
            self.derniere = fait.total
            if fait.total == len(fait.lignes):
                self._clore("page", "")
            elif self._tailles is not None and fait.total not in self._tailles:
                self.demesuree = True
                self._clore(None, "")
            elif fait.total <= self._limites.profondeur and not self.melee:
                self._lire(fait.total)
            elif self._sonder is not None and fait.total >= len(GRANDS_DOMAINES) * self._limites.profondeur:
                self.question = None
                self._division = Division(self._sonder, self._limites, fait, "grandDomaine", GRANDS_DOMAINES)
            else:
                self._couper(fait)
        else:
            self._prendre(fait)
            self._comparer(fait)

    def avancer(self) -> None:
        """Look at the parts; when the last of them is closed, ask for the whole's total again."""
        if self._division is not None and self.question is None and self._division.avancer():
            if self._division.close:
                self.appels += self._division.appels
                self._conclure(self._division)
            else:
                self.question = self._demander(PRESSANT)
        if self.close or self.question is not None or not self._enfants:
            return
        for enfant in self._enfants:
            enfant.avancer()
        if all(enfant.close for enfant in self._enfants):
            # An offer has one class an axis: one that stands in two parts came with a page of another search.
            lus = sum(len(enfant.ids) for enfant in self._enfants)
            disjointes = lus == len({id_ for enfant in self._enfants for id_ in enfant.ids})
            self._couverte = self._couverte and disjointes and all(enfant.preuve for enfant in self._enfants)
            for enfant in self._enfants:
                self._garder(enfant.ids)
                self.agitee = self.agitee or enfant.agitee
                # A part about as large as the whole has tried every other axis already, and read what can be reached.
                grande = enfant.derniere >= GAIN_MIN * self.derniere
                self._sans_issue = self._sans_issue or (enfant.preuve is None and not enfant.refusee and grande)
            exactes = all(enfant.preuve in ("page", "compte") for enfant in self._enfants)
            self._enfants = []
            if exactes and self._couverte and self.part.critere.filtres and len(self.ids) == self.premiere:
                # What was announced once is there, part by part, each as it was announced. The whole cut asks again.
                self._clore("compte", self._coupe_par)
                return
            self.question = self._demander("retour")

    def bilan(self) -> FenetreBilan:
        """Its row in the table `fenetres`."""
        manquantes = max(0, self.derniere - len(self.ids)) if self.preuve is None else 0
        verdict: Verdict = "prouvee" if self.preuve else "manque" if manquantes else "en doute"
        return FenetreBilan(
            numero=self.numero,
            debut_ms=self.etendue.bas_ms,
            fin_ms=self.etendue.fin_ms,
            critere=str(self.part.critere),
            annonce_premiere=self.premiere,
            annonce_derniere=self.derniere,
            distinctes=len(self.ids),
            manquantes=manquantes,
            preuve=self.preuve,
            verdict=verdict,
            raison=self.raison,
            appels=self.appels,
        )

    # -- told ------------------------------------------------------------------------------------------------------

    def _dire_page(self, page: PageLue) -> None:
        recherche = self._recherche
        assert recherche is not None
        recherche.lire(page)
        self.question = recherche.question(self.numero)
        if self.question is not None:
            return
        self.agitee = recherche.agitee
        self.premiere = self.premiere or recherche.premiere or 0
        self.derniere = recherche.derniere
        if recherche.deborde or recherche.ouvertes_s:
            # More than its whole's counts said, or too many restless ties; now it must be cut itself.
            self.melee = bool(recherche.ouvertes_s)
            self._recherche = None
            self.question = self._demander("etendue")
            return
        self._garder(recherche.ids)
        self._clore(recherche.preuve, recherche.raison)

    def _conclure(self, division: Division) -> None:
        """When the parts are known to hold all, walk each by windows; when not, begin anew and cut by counts."""
        self._division = self._sonder = self._tailles = None
        self.indivisible = division.refusee
        if not division.couverte:
            self._essais = 0
            self.question = self._demander("etendue")
            return
        self._axes.add(division.axe)
        self._couverte = True
        self._enfants = [self._ouvrir(part, page.total, page) for part, page in division.parts]

    def _couper(self, page: PageLue) -> None:
        self._compter(page)
        profondeur = au_plus = self._limites.profondeur
        if self.melee:
            # Ties that change places can be trusted on one page only.
            au_plus = self._limites.page
            self._longue = False
        elif self._longue:
            self._classe_max = self._classe_max or max(profondeur, page.total // _CLASSES)
            au_plus = self._classe_max
        coupe = choisir(
            self.part.critere,
            page.total,
            page.agregats,
            profondeur=au_plus,
            page=self._limites.page,
            essayes=frozenset(self._axes),
            longue=self._longue,
            melee=self.melee,
        )
        self.question = None
        if coupe is None and self._longue:
            # No counted axis is left: what it is by now is walked by windows; should that fail, cut as any other.
            self._longue = False
            if not self.part.critere.filtres:
                self._couper(page)
                return
            self._couverte = True
            self._enfants = [self._ouvrir(Part(self.part.critere, page.total), page.total, None)]
            return
        if coupe is None:
            # No axis is left. What can be reached is read all the same; the rest is known to be missing.
            self._lire(min(page.total, profondeur), insistante=True)
            return
        self._axes.add(coupe.axe)
        comptes = [part.attendu for part in coupe.parts if part.attendu is not None]
        self._couverte = len(comptes) == len(coupe.parts) and sum(comptes) == page.total
        classe_max = self._classe_max if self._longue else 0
        self._enfants = [self._ouvrir(part, classe_max, None) for part in coupe.parts if part.attendu != 0]

    def _comparer(self, page: PageLue) -> None:
        """The whole's total was asked again: do the parts hold it?"""
        self.derniere = page.total
        distinctes = len(self.ids)
        if distinctes == self.premiere == page.total:
            self._clore("compte", self._coupe_par)
        elif page.total <= distinctes <= self.premiere and (self._couverte or distinctes == self.premiere):
            self._clore("ordre", f"{self._coupe_par}; {self.premiere - page.total} left meanwhile")
        elif page.total > self.premiere and self._reprises < self._limites.relectures_max:
            self._reprises += 1
            self._axes.clear()
            self._couper(page)
        elif self._sans_issue:
            self._clore(None, "")
        else:
            self._couper(page)

    @property
    def _coupe_par(self) -> str:
        return f"cut by {', '.join(sorted(self._axes))}"

    # -- asked -----------------------------------------------------------------------------------------------------

    def _compter(self, page: PageLue) -> None:
        """From now on, ids are held against the total of this page of the whole.

        Those read under another are let go: one that left since would stand in the count for one that no part holds.
        """
        if page.total != self.premiere:
            self.ids, self._propres = {}, 0
            self.premiere = page.total
        self._prendre(page)

    def _prendre(self, page: PageLue) -> None:
        self._garder({ligne.id: ligne.creation_ms for ligne in page.lignes})

    def _garder(self, ids: dict[str, int]) -> None:
        fin_ms = self.etendue.fin_ms
        for id_, ms in ids.items():
            if id_ not in self.ids:
                self._propres += self._dedans(ms) and (fin_ms is None or ms <= fin_ms)
            self.ids[id_] = ms

    def _lire(self, attendu: int, *, insistante: bool = False) -> None:
        self._recherche = Recherche(
            self._limites,
            debut_s=self.etendue.bas_s,
            fin_s=self.etendue.haut_s,
            dedans=self._dedans,
            plafond_ms=plafond_ms(self.etendue.fin_ms),
            attendu=attendu,
            critere=self.part.critere,
            serre=self.serre,
            patiente=insistante,
            insistante=insistante,
        )
        self.question = self._recherche.question(self.numero)

    def _clore(self, preuve: Preuve | None, raison: str) -> None:
        self.preuve, self.raison = preuve, raison
        self.close = True
        self.question = self._division = None
        manquantes = self.derniere - len(self.ids)
        if preuve is None and manquantes > 0 and self.derniere > self._limites.profondeur:
            self.raison = (
                f"{self.derniere} offers share this stretch and these criteria, a search shows "
                f"{self._limites.profondeur}, and no axis is left to cut: {manquantes} are missing"
            )

    def _demander(self, role: str) -> Question:
        plage, etendue = self._limites.premiere, self.etendue
        return Question(self.numero, role, plage, self.part.critere, etendue.bas_s, etendue.haut_s)

    def _dedans(self, creation_ms: int) -> bool:
        return self.etendue.bas_ms is None or creation_ms >= self.etendue.bas_ms
