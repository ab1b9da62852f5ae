"""What happens to the stock as the world's time passes, and exactly when.

Events follow each other at random but their sequence depends only on the seed: advancing by one second sixty times or
by a minute once leads to the same world. Partners' events fall on whole seconds, like their dates.
"""

import heapq
import math
import random
from collections.abc import Iterator
from enum import IntEnum

from moisson_twin.settings import Drift

#: Largest burst of partners' births, and its mean size (bursts of k or more: one in k).
BURST_MAX = 30
_BURST_MEAN = sum(1 / k for k in range(1, BURST_MAX + 1))


class Event(IntEnum):
    """Kinds of events, in the order in which those of one instant happen."""

    BIRTH_PARTNER = 0
    REPUBLICATION_PARTNER = 1
    BIRTH_OWN = 2
    REPUBLICATION_OWN = 3
    EDIT = 4
    DEATH = 5


class Schedule:
    """When the next events are due, in seconds of the world's time."""

    def __init__(self, drift: Drift, partner_share: float, rng: random.Random) -> None:
        own_share = 1 - partner_share
        self._rng = rng
        self._rates = {
            Event.BIRTH_PARTNER: drift.births_per_s * partner_share / _BURST_MEAN,
            Event.REPUBLICATION_PARTNER: drift.republications_per_s * partner_share,
            Event.BIRTH_OWN: drift.births_per_s * own_share,
            Event.REPUBLICATION_OWN: drift.republications_per_s * own_share,
            Event.EDIT: drift.edits_per_s,
            Event.DEATH: drift.deaths_per_s,
        }
        #: (due, kind, exact time before rounding up to a whole second)
        self._next: list[tuple[float, Event, float]] = []
        for kind in Event:
            self._plan(kind, 0.0)

    def due(self, until_s: float) -> Iterator[tuple[float, Event]]:
        """Each event up to and including a time, in order."""
        while self._next and self._next[0][0] <= until_s:
            time_s, kind, exact_s = heapq.heappop(self._next)
            self._plan(kind, exact_s)
            yield time_s, kind

    def burst(self) -> int:
        """The size of a burst of partners' births."""
        return min(int(1 / (1 - self._rng.random())), BURST_MAX)

    def _plan(self, kind: Event, after_s: float) -> None:
        rate = self._rates[kind]
        if rate <= 0:
            return
        exact_s = after_s + self._rng.expovariate(rate)
        whole = kind in (Event.BIRTH_PARTNER, Event.REPUBLICATION_PARTNER)
        heapq.heappush(self._next, (math.ceil(exact_s) if whole else exact_s, kind, exact_s))
