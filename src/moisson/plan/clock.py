"""The two clocks of the API: the one of the dates it shows, and the one by which it reads our bounds.

Bounds and dates both end in Z, and either may really be Paris time (it was never settled in public). So nothing is
assumed: the shift between them is measured for each season, since an offer known to exist must be found by bounds round
its own second. The planner keeps what was measured in a `Horloge` and translates through it, nowhere else.

On the night when the clocks go back, an hour is shown twice, or read twice; on the other night an hour does not exist.
`nuit_de_changement` names those hours, whatever the clocks turn out to be. No bound is put inside, but round the newest
offers, if they are of that night: then the season of a second shown in Paris time is Paris's own.

Source: Offres d'emploi v2, parameters minCreationDate and maxCreationDate; observed shifts: none published.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

__all__ = [
    "Horloge",
    "Saison",
    "candidats_s",
    "debut_de_nuit_s",
    "fin_de_nuit_s",
    "heure_double",
    "nuit_de_changement",
    "saison",
]

Saison = Literal["hiver", "ete"]

_HEURE_S = 3600
_AVANCES_S: dict[Saison, int] = {"hiver": _HEURE_S, "ete": 2 * _HEURE_S}
"""How far Paris time is ahead of UTC."""
_NUIT_S = 5 * _HEURE_S
"""Length of the troubled night: midnight to five covers the changed hour in UTC and in Paris time."""


@lru_cache(maxsize=64)
def _changements_s(annee: int) -> tuple[int, int]:
    """Seconds of 01:00 UTC on the last Sundays of March and October: when Paris changes its clocks."""
    instants = []
    for mois in (3, 10):
        fin = date(annee, mois, 31)
        dimanche = fin - timedelta(days=(fin.weekday() + 1) % 7)
        instants.append(int(datetime(dimanche.year, dimanche.month, dimanche.day, 1, tzinfo=UTC).timestamp()))
    return instants[0], instants[1]


def _annee(seconde: int) -> int:
    return datetime.fromtimestamp(seconde, UTC).year


def saison(seconde: int, *, paris: bool = False, tard: bool = False) -> Saison:
    """Whether Paris keeps winter or summer time at this second.

    Args:
        seconde: of UTC, or as a clock of Paris shows it, read as if it were UTC.
        paris: which of both it is.
        tard: of the hour that such a clock shows twice in October, the second time is meant.
    """
    mars, octobre = _changements_s(_annee(seconde))
    if paris:
        mars, octobre = mars + _HEURE_S, octobre + (_HEURE_S if tard else 2 * _HEURE_S)
    return "ete" if mars <= seconde < octobre else "hiver"


def nuit_de_changement(seconde: int) -> bool:
    """Whether this second lies in a night of change, 00:00 to 05:00, where no bound may be put."""
    return any(0 <= seconde - (instant - _HEURE_S) < _NUIT_S for instant in _changements_s(_annee(seconde)))


def debut_de_nuit_s(seconde: int) -> int:
    """First second of the night of change that holds `seconde`."""
    return fin_de_nuit_s(seconde) - _NUIT_S if nuit_de_changement(seconde) else seconde


def fin_de_nuit_s(seconde: int) -> int:
    """First second after the night of change that holds `seconde`."""
    for instant in _changements_s(_annee(seconde)):
        if 0 <= seconde - (instant - _HEURE_S) < _NUIT_S:
            return instant - _HEURE_S + _NUIT_S
    return seconde


def heure_double(seconde: int) -> bool:
    """Whether October may show this second twice (dates in Paris time), or read its bound as another (bounds in it)."""
    octobre = _changements_s(_annee(seconde))[1]
    return octobre <= seconde < octobre + 2 * _HEURE_S


def candidats_s(seconde: int) -> tuple[int, ...]:
    """Shifts (filter's second minus shown second) that could explain what the API does, likeliest first.

    Zero when both clocks are one; else one is UTC and the other Paris time, an hour apart in winter, two in summer. The
    season is that of the clock shown: UTC where the filter is ahead, Paris time where it is behind.
    """
    montree = {-_AVANCES_S[saison(seconde, paris=True, tard=tard)] for tard in (False, True)}
    return (0, _AVANCES_S[saison(seconde)], *sorted(montree))


class Horloge(msgspec.Struct, frozen=True):
    """What was measured of the two clocks and of the lower bound.

    Attributes:
        hiver_s, ete_s: filter's second minus shown second, by season; None while not measured.
        debut_inclus: whether minCreationDate itself belongs to the search.
    """

    hiver_s: int | None = None
    ete_s: int | None = None
    debut_inclus: bool = True

    def avec(self, seconde: int, decalage_s: int, *, debut_inclus: bool | None = None) -> Horloge:
        """The same, knowing the shift of this second's season."""
        inclus = self.debut_inclus if debut_inclus is None else debut_inclus
        tard = decalage_s == -_AVANCES_S["hiver"]
        if saison(seconde, paris=decalage_s < 0, tard=tard) == "ete":
            return Horloge(self.hiver_s, decalage_s, inclus)
        return Horloge(decalage_s, self.ete_s, inclus)

    def filtre_s(self, seconde: int, *, tard: bool = False) -> int:
        """The second to write in a bound to mean this shown second.

        A season not measured yet is taken to have the same nature of shift as the other.

        Args:
            seconde: as shown.
            tard: of a second that October shows twice, the second time is meant.
        """
        cette = saison(seconde, paris=self._montre_paris, tard=tard)
        mesure, autre = (self.ete_s, self.hiver_s) if cette == "ete" else (self.hiver_s, self.ete_s)
        if mesure is not None:
            return seconde + mesure
        if not autre:
            return seconde
        return seconde + (_AVANCES_S[cette] if autre > 0 else -_AVANCES_S[cette])

    @property
    def _montre_paris(self) -> bool:
        """Whether Paris time is shown, for sure: a filter behind what is shown reads UTC."""
        return (self.ete_s or self.hiver_s or 0) < 0

    def borne_basse(self, seconde: int) -> tuple[int, int]:
        """Lower bound that takes in all of `seconde`: the bound to write, the oldest shown millisecond it admits."""
        exclu = not self.debut_inclus
        ms = (seconde - exclu) * 1000 + exclu
        filtre_s = self.filtre_s(seconde)
        if filtre_s != self.filtre_s(seconde, tard=True):
            # The first time that this hour is shown: all of the second time is above it, and shown as old as its start.
            ms = min(ms, (seconde - seconde % _HEURE_S) * 1000)
        return filtre_s - exclu, ms

    def borne_haute(self, seconde: int) -> int:
        """Upper bound that takes in all of `seconde`, milliseconds included, whether the bound itself counts or not."""
        return self.filtre_s(seconde, tard=True) + 1
