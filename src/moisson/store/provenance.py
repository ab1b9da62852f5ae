"""Where exported data come from, how old they are, and under which licence: what must travel with every file.

The licence (articles 4 and 5) asks whoever shows offers to name France Travail, the date of the last update and the
licence with its link, and to describe the method and what was modified.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from moisson.store.status import read_status
from moisson.store.store import Store

__all__ = ["LICENCE_NAME", "LICENCE_URL", "METHOD", "SOURCE_NAME", "SOURCE_URL", "Provenance", "read_provenance"]

SOURCE_NAME = "France Travail, API Offres d'emploi v2"
SOURCE_URL = "https://francetravail.io/data/api/offres-emploi"
LICENCE_NAME = "Licence de réutilisation de la base de données des offres d'emploi de France Travail"
LICENCE_URL = (
    "https://francetravail.io/produits-partages/documentation/conditions-dutilisation-api/licence-offres-emploi"
)

METHOD = (
    "Collected with Moisson from the search of the API Offres d'emploi v2, window by window of creation dates, until "
    "distinct offers met the announced totals. Texts and codes are as the API sent them; contacts of recruiters are "
    "left out unless asked for; the columns creation, departement and commune are derived from the API's own fields."
)
"""How the data were made and what was modified (licence, article 4)."""


class Provenance(msgspec.Struct, frozen=True):
    """Where the data of one state of a store come from.

    Attributes:
        source: the API that was asked, or what is told of the twin.
        simulated: that API is a twin: not one offer is true.
        last_proved_at: when the data were last proved complete, ISO 8601 UTC; None: never.
        proved: this very state is a proved one.
        collecte: the last run, or None.
        generation: number of the state.
        made_at: when this was written, ISO 8601 UTC.
        made_by: the program, with its version.
    """

    source: str
    simulated: bool
    last_proved_at: str | None
    proved: bool
    collecte: str | None
    generation: int
    made_at: str
    made_by: str

    def facts(self) -> dict[str, str]:
        """The same as texts, for a file that can carry them."""
        return {
            "source": "simulated data: a double of the API, not France Travail" if self.simulated else SOURCE_NAME,
            "source_url": self.source if self.simulated else SOURCE_URL,
            "collected_from": self.source,
            "last_updated": self.last_proved_at or "never proved complete",
            "licence": LICENCE_NAME,
            "licence_url": LICENCE_URL,
            "simulated": "yes" if self.simulated else "no",
            "method": METHOD,
            "made_at": self.made_at,
            "made_by": self.made_by,
        }


def read_provenance(store: Store, now_s: float, made_by: str) -> Provenance:
    """What must be said of the present state of a store; `now_s` is the wall clock. Raises as `read_status`."""
    status = read_status(store, now_s)
    made_at = dt.datetime.fromtimestamp(now_s, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Provenance(
        source=store.source,
        simulated=store.simulated,
        last_proved_at=status.last_proved_at,
        proved=status.proved,
        collecte=status.last_run,
        generation=status.generation,
        made_at=made_at,
        made_by=made_by,
    )
