"""How much one search shows, as numbers the planner is given: real ones for the API, small ones in simulations."""

from __future__ import annotations

import msgspec

from moisson.model import Plage

__all__ = ["LIMITES_API", "Limites"]


class Limites(msgspec.Struct, frozen=True):
    """What a search shows at most, and how near to "now" we dare to look.

    Attributes:
        page: rows a page, at most.
        depart_max: highest first row that may be asked.
        marge_s: seconds below the newest creation shown at which the moving top is fixed; an offer is assumed to be
            visible within that time of its creation ("about one second" was observed).
        relectures_max: times a window in doubt is read again before it is given up.
        essais_page: times one page that came short is asked, in all.
        remontees_max: pages read upwards in search of a border, where the deepest one lies in a burst.
        balayages_max: sweeps over the moving top before it is said to move faster than we read.
        controles_max: pairs of national totals asked before they are said to disagree.

    Source: Offres d'emploi v2, parameter `range`: p <= 3000, d <= 3149, at most 150 rows.
    """

    page: int = 150
    depart_max: int = 3000
    marge_s: int = 10
    relectures_max: int = 3
    essais_page: int = 3
    remontees_max: int = 3
    balayages_max: int = 20
    controles_max: int = 8

    @property
    def profondeur(self) -> int:
        """Rows that one search shows at most."""
        return self.depart_max + self.page

    @property
    def cle(self) -> str:
        """What of it changes the plan, as text: kept with a run, so that the run is judged by the same limits later."""
        return f"page={self.page} depart_max={self.depart_max}"

    @classmethod
    def de_cle(cls, cle: str) -> Limites:
        """The limits that such a text stands for.

        Raises:
            ValueError: it is no such text.
        """
        paires = dict(partie.split("=", 1) for partie in cle.split())
        if set(paires) != {"page", "depart_max"}:
            raise ValueError(f"not the limits of a plan: {cle!r}")
        return cls(page=int(paires["page"]), depart_max=int(paires["depart_max"]))

    @property
    def premiere(self) -> Plage:
        """The page of the newest rows."""
        return Plage(0, self.page - 1)

    def fond(self, saut: int) -> Plage:
        """The deepest page such that whole pages lie between row `saut` and its end."""
        dernier = saut + (self.profondeur - saut) // self.page * self.page - 1
        return Plage(dernier - self.page + 1, dernier)

    def page_de(self, rang: int, saut: int = 0) -> Plage:
        """The page that holds row `rang`, of those that follow each other from row `saut` on."""
        premier = min(saut + max(0, rang - saut) // self.page * self.page, self.depart_max)
        return Plage(premier, premier + self.page - 1)

    def finissant(self, rang: int) -> Plage:
        """A full page whose last row is `rang`, shorter at the top of the list."""
        return Plage(max(0, rang - self.page + 1), rang)


LIMITES_API = Limites()
"""What the API documents."""
