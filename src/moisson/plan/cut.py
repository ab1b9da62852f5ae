"""A stretch of time with more offers than a search shows, cut by criteria until every part can be read.

    state     asks                                    told                       becomes
    --------  --------------------------------------  -------------------------  -------------------------------------
    etendue   the newest page of the whole            it fits a search           lecture
                                                      it does not                parts, one child each
    lecture   pages, last to first                    all read                   close
    parts     nothing (its children ask)              the last child closes      retour
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

from moisson.errors import ContractBroken
from moisson.model import Fait, FenetreBilan, PageLue, Preuve, Question, QuestionRefusee, Verdict
from moisson.plan.axes import GAIN_MIN, Part, choisir
from moisson.plan.limits import Limites
from moisson.plan.reading import plafond_ms
from moisson.plan.search import Recherche

__all__ = ["Noeud", "filtre_ignore"]


def filtre_ignore(page: PageLue) -> str:
    """Say which criterion the answer's own counts contradict, or "": asked experience=4, it counts others too."""
    for nom, valeur in page.question.critere.filtres:
        intrus = page.agregats.get(nom, {}).keys() - set(valeur.split(","))
        if intrus:
            return f"{nom}={valeur} was asked and {nom}={min(intrus)} came back"
    return ""


class Noeud:
    """One part of a cut, or the whole that is cut.

    Args:
        numero: its number; answers come back by it.
        limites: how much a search shows.
        bornes_s: bounds on the filter's clock.
        debut_ms, fin_ms: shown milliseconds that it answers for, both included.
        part: its criteria, and how many offers it should hold.
        serre: read with groups of ties closed.
        ouvrir: makes a child for a part; the planner numbers it and asks its questions.
    """

    def __init__(
        self,
        numero: int,
        limites: Limites,
        bornes_s: tuple[int, int],
        *,
        debut_ms: int,
        fin_ms: int | None,
        part: Part,
        serre: bool,
        ouvrir: Callable[[Part], Noeud],
    ) -> None:
        self.numero = numero
        self.part = part
        self.debut_ms = debut_ms
        self.fin_ms = fin_ms
        self._limites = limites
        self._bornes_s = bornes_s
        self._serre = serre
        self._ouvrir = ouvrir
        self._recherche: Recherche | None = None
        self._enfants: list[Noeud] = []
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
        if attendu is not None and 0 < attendu <= limites.profondeur:
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
        if self.part.critere.filtres:
            return 0
        fin_ms = self.fin_ms
        return sum(1 for ms in self.ids.values() if ms >= self.debut_ms and (fin_ms is None or ms <= fin_ms))

    def dire(self, fait: Fait) -> None:
        """Take in the answer to `question`.

        Raises:
            ContractBroken: its counts show offers that its criteria exclude.
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
        ignore = filtre_ignore(fait)
        if ignore:
            raise ContractBroken(
                f"{ignore}, so this filter is ignored",
                doing="cutting a crowded second by criteria",
                todo="Nothing can be proved while filters are ignored. Look at `moisson check`, and try again later.",
            )
        if fait.question.role == "page":
            self._dire_page(fait)
            return
        if fait.total == 0 and (fait.question.role == "retour" or not self.part.critere.filtres):
            # A crowd does not vanish at once: nothing is believed when it comes again and again.
            self._essais += 1
            if self._essais < self._limites.essais_page:
                return
        self._prendre(fait)
        if fait.question.role == "etendue":
            self.premiere = self.derniere = fait.total
            if fait.total == len(fait.lignes):
                self._clore("page", "")
            elif fait.total <= self._limites.profondeur:
                self._lire(fait.total)
            else:
                self._couper(fait)
        else:
            self._comparer(fait)

    def avancer(self) -> None:
        """Look at the parts; when the last of them is closed, ask for the whole's total again."""
        if self.close or self.question is not None or not self._enfants:
            return
        if all(enfant.close for enfant in self._enfants):
            # An offer has one class an axis: one that stands in two parts came with a page of another search.
            lus = sum(len(enfant.ids) for enfant in self._enfants)
            disjointes = lus == len({id_ for enfant in self._enfants for id_ in enfant.ids})
            self._couverte = self._couverte and disjointes and all(enfant.preuve for enfant in self._enfants)
            for enfant in self._enfants:
                self.ids.update(enfant.ids)
                self.agitee = self.agitee or enfant.agitee
                # A part about as large as the whole has tried every other axis already, and read what can be reached.
                grande = enfant.derniere >= GAIN_MIN * self.derniere
                self._sans_issue = self._sans_issue or (enfant.preuve is None and not enfant.refusee and grande)
            self._enfants = []
            self.question = self._demander("retour")

    def bilan(self) -> FenetreBilan:
        """Its row in the table `fenetres`."""
        manquantes = max(0, self.derniere - len(self.ids)) if self.preuve is None else 0
        verdict: Verdict = "prouvee" if self.preuve else "manque" if manquantes else "en doute"
        return FenetreBilan(
            numero=self.numero,
            debut_ms=self.debut_ms,
            fin_ms=self.fin_ms,
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
        self.ids.update(recherche.ids)
        self.agitee = recherche.agitee
        self.premiere = self.premiere or recherche.premiere or 0
        self.derniere = recherche.derniere
        if recherche.deborde:
            # More than its whole's counts said; now it must be cut itself.
            self._recherche = None
            self.question = self._demander("etendue")
            return
        self._clore(recherche.preuve, recherche.raison)

    def _couper(self, page: PageLue) -> None:
        coupe = choisir(
            self.part.critere,
            page.total,
            page.agregats,
            profondeur=self._limites.profondeur,
            page=self._limites.page,
            essayes=frozenset(self._axes),
        )
        self.question = None
        if coupe is None:
            # No axis is left. What can be reached is read all the same; the rest is known to be missing.
            self._lire(self._limites.profondeur)
            return
        self._axes.add(coupe.axe)
        self._couverte = sum(part.attendu or 0 for part in coupe.parts) == page.total
        self._enfants = [self._ouvrir(part) for part in coupe.parts if part.attendu != 0]

    def _comparer(self, page: PageLue) -> None:
        """The whole's total was asked again: do the parts hold it?"""
        self.derniere = page.total
        distinctes = len(self.ids)
        if distinctes == self.premiere == page.total:
            self._clore("compte", f"cut by {', '.join(sorted(self._axes))}")
        elif page.total <= distinctes <= self.premiere and (self._couverte or distinctes == self.premiere):
            self._clore("ordre", f"cut by {', '.join(sorted(self._axes))}; {self.premiere - page.total} left meanwhile")
        elif page.total > self.premiere and self._reprises < self._limites.relectures_max:
            self._reprises += 1
            self._axes.clear()
            self.premiere = page.total
            self._couper(page)
        elif self._sans_issue:
            self._clore(None, "")
        else:
            self._couper(page)

    # -- asked -----------------------------------------------------------------------------------------------------

    def _prendre(self, page: PageLue) -> None:
        for ligne in page.lignes:
            self.ids[ligne.id] = ligne.creation_ms

    def _lire(self, attendu: int) -> None:
        debut_s, fin_s = self._bornes_s
        self._recherche = Recherche(
            self._limites,
            debut_s=debut_s,
            fin_s=fin_s,
            dedans=lambda ms: ms >= self.debut_ms,
            plafond_ms=plafond_ms(self.fin_ms),
            attendu=attendu,
            critere=self.part.critere,
            serre=self._serre,
        )
        self.question = self._recherche.question(self.numero)

    def _clore(self, preuve: Preuve | None, raison: str) -> None:
        self.preuve, self.raison = preuve, raison
        self.close = True
        self.question = None
        manquantes = self.derniere - len(self.ids)
        if preuve is None and manquantes > 0 and self.derniere > self._limites.profondeur:
            self.raison = (
                f"{self.derniere} offers share this stretch and these criteria, a search shows "
                f"{self._limites.profondeur}, and no axis is left to cut: {manquantes} are missing"
            )

    def _demander(self, role: str) -> Question:
        debut_s, fin_s = self._bornes_s
        return Question(self.numero, role, self._limites.premiere, self.part.critere, debut_s, fin_s)
