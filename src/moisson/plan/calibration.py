"""Measuring the clocks before any window is walked: an offer known to exist must be found round its own second.

    asks                          offer found                     offer not found
    ----------------------------  ------------------------------  ------------------------------------------------
    what lies before the night,   (a witness is chosen there)     (and from the newest page, though an hour of it
    if all of the newest page is                                  may be shown, or read, twice)
    of a night of change
    [s, s+1] with no shift        the clocks agree, and the       [s-1, s+1]: found means that a lower bound does not
                                  lower bound counts: done        count; not found means the clocks differ
    the same, one shift further   this is the shift               the next shift, then another offer, then the contract
                                                                  is broken: nothing can be proved

Rows that come back outside the seconds asked, for every shift, mean that the dates are not filtered at all.
"""

from __future__ import annotations

from moisson.errors import ContractBroken
from moisson.model import Fait, Ligne, PageLue, Question, QuestionEchouee
from moisson.plan.clock import Horloge, candidats_s, debut_de_nuit_s, heure_double, nuit_de_changement
from moisson.plan.limits import Limites

__all__ = ["Etalonnage"]

VIDES_MIN = 2
"""Times that nothing must come before an offer counts as not found: one wrong answer must not set a clock wrong."""

RECUL_S = 7200
"""How far below a night of change a bound is put to get rows from before it, on whatever clock it is read."""
PORTEE_S = 30 * 86_400
"""How far down such rows are looked for; days without a single offer are not to be feared."""


class Etalonnage:
    """Measures the shift of one season, and whether a lower bound counts.

    Args:
        numero: its number; answers come back by it.
        limites: how much a search shows.
        horloge: what is known so far.
        page: the newest page of the country, just read, to choose witnesses from.

    Attributes:
        question: what to ask now, or None.
        horloge: what is known now.
        close: nothing is left to do.
    """

    def __init__(self, numero: int, limites: Limites, horloge: Horloge, page: PageLue) -> None:
        self.numero = numero
        self.horloge = horloge
        self.close = False
        self.appels = 0
        self._limites = limites
        self._lignes = page.lignes
        self._essais: list[tuple[Ligne, int, int]] = []
        self._rang = 0
        self._vides = 0
        self._echecs = 0
        self.question: Question | None
        if all(nuit_de_changement(ligne.creation_ms // 1000) for ligne in page.lignes):
            avant_s = debut_de_nuit_s(page.lignes[0].creation_ms // 1000) - RECUL_S
            self.question = Question(numero, "horloge", limites.premiere, debut_s=avant_s - PORTEE_S, fin_s=avant_s)
        else:
            self._choisir(page.lignes)

    def dire(self, fait: Fait) -> None:
        """Take in the answer to `question`.

        Raises:
            ContractBroken: no shift explains what the API does, or it does not filter by date.
        """
        self.appels += 1
        if isinstance(fait, QuestionEchouee) and self._echecs < self._limites.essais_page:
            # No answer is not "not found": the same question again.
            self._echecs += 1
            return
        if not self._essais:
            self._choisir((*self._lignes, *(fait.lignes if isinstance(fait, PageLue) else ())))
            return
        if isinstance(fait, PageLue):
            temoin, decalage, marge = self._essais[self._rang]
            seconde = temoin.creation_ms // 1000
            # Another of its instant says as much: a crowded second need not show the witness on its first page.
            trouve = any(ligne.creation_ms == temoin.creation_ms for ligne in fait.lignes)
            ailleurs = [ligne for ligne in fait.lignes if abs(ligne.creation_ms // 1000 - seconde) > marge + 1]
            # Two bounds a second apart may hold an hour between them, where that hour is read twice.
            if trouve and not (ailleurs and heure_double(seconde)):
                if ailleurs:
                    raise ContractBroken(
                        f"offers of other dates came back, {ailleurs[0].id} among them, so dates are not filtered",
                        doing="measuring the clock of the API",
                        todo="Nothing can be proved on such answers. Look at `moisson check`, and try again later.",
                    )
                self.horloge = self.horloge.avec(seconde, decalage, debut_inclus=marge == 0)
                self.close = True
                self.question = None
                return
            self._vides += 1
            if not fait.lignes and self._vides < VIDES_MIN:
                return
        self._vides = 0
        self._rang += 1
        if self._rang == len(self._essais):
            raise ContractBroken(
                f"{len({temoin.id for temoin, *_ in self._essais})} offers just shown are not found by their own "
                "creation dates",
                doing="measuring the clock of the API",
                todo="Bounds or dates mean something new, and nothing can be proved until it is understood.",
            )
        self.question = self._demander()

    def _choisir(self, lignes: tuple[Ligne, ...]) -> None:
        self._essais = [
            (temoin, decalage, marge)
            for temoin in _temoins(lignes, self._limites)
            for decalage in candidats_s(temoin.creation_ms // 1000)
            for marge in (0, 1)
        ]
        self.question = self._demander()

    def _demander(self) -> Question:
        temoin, decalage, marge = self._essais[self._rang]
        seconde_s = temoin.creation_ms // 1000 + decalage
        return Question(self.numero, "horloge", self._limites.premiere, debut_s=seconde_s - marge, fin_s=seconde_s + 1)


def _temoins(lignes: tuple[Ligne, ...], limites: Limites) -> list[Ligne]:
    """Up to three rows fit to be looked for: whole seconds first, since only they tell whether a bound counts.

    A second crowded beyond a third of a page is avoided, so that the witness is on the first page of its answer; so is
    a night of change.
    """
    foule: dict[int, int] = {}
    for ligne in lignes:
        foule[ligne.creation_ms // 1000] = foule.get(ligne.creation_ms // 1000, 0) + 1
    calmes = [ligne for ligne in lignes if not nuit_de_changement(ligne.creation_ms // 1000)] or list(lignes)

    def preference(ligne: Ligne) -> tuple[bool, int]:
        seconde = ligne.creation_ms // 1000
        voisins = foule[seconde] + foule.get(seconde + 1, 0) + foule.get(seconde - 1, 0)
        return ligne.creation_ms % 1000 != 0, voisins // max(1, limites.page // 3)

    choisis: list[Ligne] = []
    for ligne in sorted(calmes, key=preference):
        if all(ligne.creation_ms // 1000 != deja.creation_ms // 1000 for deja in choisis):
            choisis.append(ligne)
        if len(choisis) == 3:
            break
    return choisis
