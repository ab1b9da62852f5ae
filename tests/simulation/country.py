"""A country whose offers are short, so that a page costs little; all else is the double's own world."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from moisson_twin.columns import PROFIL_PARTS
from moisson_twin.instants import show
from moisson_twin.settings import ClockName
from moisson_twin.world import World

__all__ = ["Country", "shown_ms"]

_OFFRE = (
    b'{"id":"%b","intitule":"Emploi %b v%d","description":"...","dateCreation":"%b","lieuTravail":{"libelle":"Ici",'
    b'"latitude":46.2,"longitude":5.2,"commune":"01053"},"romeCode":"M1805","typeContrat":"CDI","nombrePostes":1,'
    b'"entreprise":{"nom":"Une"},"salaire":{"libelle":"oui"},"origineOffre":{"origine":"1"}}'
)


class Country(World):
    """A world that also knows who lived when.

    Attributes:
        short: offers are written in 400 bytes instead of 3,000.
    """

    short = True

    def render(self, rows: Iterable[int], clock: ClockName = "utc") -> list[bytes]:
        """The JSON of rows, with the keys that the harvest and the faults look at."""
        rows = list(rows)
        if not self.short:
            return super().render(rows, clock)
        columns = self.columns
        return [
            _OFFRE
            % (id_.encode(), id_.encode(), columns.version[row], show(int(columns.creation_ms[row]), clock).encode())
            for row, id_ in zip(rows, self.ids(rows), strict=True)
        ]

    def alive_during(self, from_s: float, to_s: float) -> set[str]:
        """Ids of the offers alive at some instant between two of the world's times."""
        born, died = np.frombuffer(self._born_s), np.frombuffer(self._died_s)
        offres = np.flatnonzero((born <= to_s) & (died >= from_s))
        return set(self.ids(np.frombuffer(self._row_of, dtype=np.uint32)[offres]))

    def creations(self, clock: ClockName) -> dict[str, int]:
        """Shown creation of every offer that lives now, milliseconds."""
        rows = np.flatnonzero(self.columns.alive[: self.columns.size])
        created = (shown_ms(int(ms), clock) for ms in self.columns.creation_ms[rows])
        return dict(zip(self.ids(rows), created, strict=True))

    def crowd_of(self, id_: str) -> int:
        """Block of an offer, to tell own ones from partners'."""
        row = self.find(id_)
        return -1 if row is None else PROFIL_PARTS[self.columns.profil[row]].bloc


def shown_ms(ms: int, clock: ClockName) -> int:
    """A true instant as an offer shows it, read as if its Z were true."""
    from moisson_twin.instants import shift_ms

    return ms + shift_ms(ms, clock)
