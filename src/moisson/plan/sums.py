"""The free sums: every answer counts its whole search again along three axes, and says the total itself once.

experience, qualification and natureContrat each add up to the total. Where all three agree with one another and not
with the total announced beside them, the total is noisy or wrong, and the sum is what is believed. Which of the two it
is, many answers tell together:

    gaps met (sum minus total)                   reading
    -------------------------------------------  ----------------------------------------------------------------
    none                                         the total is exact
    several values, the total sometimes right    noise: said with its width, and the sums carry the proof
    always one and the same                      the total is wrong for good: nothing is proved
    the axes disagree among themselves           nothing can be said: nothing is proved

Source: recorded answers of the service (the official specification does not promise the sums).
"""

from __future__ import annotations

from collections import Counter

import msgspec

from moisson.model import AXES_SOMMES, PageLue

__all__ = ["Sommes", "somme"]

BRUIT_MAX = 10
"""Widest gap that can pass for noise."""


def somme(page: PageLue) -> int | None:
    """What the answer's own counts add up to, or None when it has none or they disagree."""
    sommes = {sum(page.agregats[axe].values()) for axe in AXES_SOMMES if page.agregats.get(axe)}
    return sommes.pop() if len(sommes) == 1 else None


class Sommes:
    """Compares totals with sums over a whole run."""

    def __init__(self) -> None:
        self._ecarts: Counter[int] = Counter()
        self._discordes = 0
        self._exemple = ""

    def corriger(self, page: PageLue) -> PageLue:
        """The same page, with the total that its own counts establish."""
        if not any(page.agregats.get(axe) for axe in AXES_SOMMES):
            return page
        vraie = somme(page)
        if vraie is None:
            self._discordes += 1
            comptes = ", ".join(
                f"{axe} {sum(page.agregats[axe].values())}" for axe in AXES_SOMMES if axe in page.agregats
            )
            self._exemple = self._exemple or f"{page.total} announced, but counted {comptes}"
            return page
        self._ecarts[vraie - page.total] += 1
        return page if vraie == page.total else msgspec.structs.replace(page, total=vraie)

    @property
    def raison(self) -> str:
        """Why the sums forbid to call the run proved, or ""."""
        if self._discordes:
            return f"the free counts do not add up: {self._exemple}"
        faux = [ecart for ecart in self._ecarts if ecart]
        if faux and not self.bruit:
            return (
                f"the totals announced contradict the counts beside them by {', '.join(map(str, sorted(faux)))} "
                f"in {sum(self._ecarts[ecart] for ecart in faux)} of {self._ecarts.total()} answers"
            )
        return ""

    @property
    def bruit(self) -> int:
        """How far off the totals were, where that is noise; 0 where they were exact or are not to be believed."""
        faux = [ecart for ecart in self._ecarts if ecart]
        # One lonely gap is a wrong answer, a constant one a wrong total; noise shows several widths.
        if not faux or len(self._ecarts) < 3 or max(map(abs, faux)) > BRUIT_MAX:
            return 0
        return max(map(abs, faux))
