"""The stock of offers: made from a seed, moving with the world's time, and knowing the truth about itself."""

import heapq
import random
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from moisson_twin.columns import PROFIL_PARTS, Columns, Values
from moisson_twin.copies import draw_copies
from moisson_twin.counts import BlockCounts
from moisson_twin.draw import Frequencies, draw
from moisson_twin.drift import Event, Schedule
from moisson_twin.identity import Identities
from moisson_twin.instants import to_ms
from moisson_twin.render import Renderer
from moisson_twin.rhythm import DAY_MS, draw_bursts, draw_instants
from moisson_twin.settings import ClockName, WorldSettings

_BATCH = 512


@dataclass(frozen=True, slots=True)
class Truth:
    """The living offers at one instant of the world's time, oldest creation first."""

    time_s: float
    ids: list[str]
    #: True UTC, milliseconds since 1970.
    creation_ms: NDArray[np.int64]


class World:
    """A stock of offers and its drift.

    The world's time is in seconds since its start; it only moves when :meth:`advance_to` is called. Instants are
    milliseconds since 1970 in true UTC.
    """

    def __init__(self, settings: WorldSettings | None = None) -> None:
        self.settings = settings or WorldSettings()
        seed = self.settings.seed
        self.start_ms = to_ms(self.settings.start) // 1000 * 1000
        self.time_s = 0.0
        #: Grows at each event: two searches with one version between them saw the same stock.
        self.revision = 0
        self.columns = Columns()
        self.identities = Identities(seed)
        self.frequencies = Frequencies(seed)
        self._rng = np.random.default_rng([seed, 1])
        self._dice = random.Random(seed)
        self._schedule = Schedule(self.settings.drift, self.settings.partner_share, random.Random(seed + 1))
        # Per offer: the row that shows it, and when it was born and died (seconds of the world's time).
        self._row_of = array("I")
        self._born_s = array("d")
        self._died_s = array("d")
        # Per origin (partner, own): the offer of each rank.
        self._ranks: tuple[array[int], array[int]] = (array("I"), array("I"))
        self._unborn: dict[bool, tuple[Values, int]] = {}
        #: Rows created but not shown yet: (when they show, row).
        self._hidden: list[tuple[float, int]] = []
        #: Rows that are not shown for a while.
        self._suspended: set[int] = set()
        self._populate()
        self.counts = BlockCounts(self.columns)
        self._renderer = Renderer(self.columns, self.identities, seed)

    # --- time -------------------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The present instant."""
        return self.start_ms + int(self.time_s * 1000)

    def advance_to(self, time_s: float) -> None:
        """Let everything happen that is due up to a time; going back in time does nothing."""
        for due_s, kind in self._schedule.due(time_s):
            self._reveal(due_s)
            self._happen(due_s, kind)
        self._reveal(time_s)
        self.time_s = max(self.time_s, time_s)

    # --- truth ------------------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """How many offers are alive."""
        return self.counts.living

    def truth(self) -> Truth:
        """All offers alive now."""
        rows = np.flatnonzero(self.columns.alive[: self.columns.size])
        return Truth(self.time_s, self.ids(rows), self.columns.creation_ms[rows].copy())

    def ids(self, rows: Iterable[int] | NDArray[np.int64]) -> list[str]:
        """The ids of rows."""
        profil, number, text = self.columns.profil, self.columns.number, self.identities.text
        return [text(PROFIL_PARTS[profil[row]].bloc < 2, int(number[row])) for row in rows]

    def duplicates(self) -> list[list[str]]:
        """Ids of the living offers that are one job, a list of two or more for each job published again."""
        columns, rows = self.columns, np.flatnonzero(self.columns.alive[: self.columns.size])
        jobs: dict[int, list[int]] = {}
        for row in rows[columns.copy_of[rows] > 0].tolist():
            jobs.setdefault(int(columns.copy_of[row]) - 1, []).append(row)
        for first_row, copies in jobs.items():
            original = self._row_of[int(columns.offre[first_row])]
            if columns.alive[original]:
                copies.append(original)
        return [self.ids(copies) for copies in jobs.values() if len(copies) > 1]

    def alive_throughout(self, from_s: float, to_s: float) -> set[str]:
        """Ids of the offers alive at every instant between two of the world's times, both included."""
        born, died = np.frombuffer(self._born_s), np.frombuffer(self._died_s)
        offres = np.flatnonzero((born <= from_s) & (died > to_s))
        return set(self.ids(np.frombuffer(self._row_of, dtype=np.uint32)[offres]))

    def ever(self) -> list[str]:
        """Ids of all offers that were ever alive."""
        born = np.frombuffer(self._born_s) < np.inf
        return self.ids(np.frombuffer(self._row_of, dtype=np.uint32)[born])

    def find(self, id_: str) -> int | None:
        """The row of a living offer; None when it does not exist or not any more."""
        row = self._row(id_)
        return row if row is not None and self.columns.alive[row] else None

    def _row(self, id_: str) -> int | None:
        """The row that shows an offer, or showed it last."""
        found = self.identities.number(id_)
        if found is None:
            return None
        own, number = found
        ranks = self._ranks[own]
        if number >= len(ranks):
            return None
        return self._row_of[ranks[number]]

    def offre(self, id_: str, clock: ClockName = "utc") -> dict[str, Any] | None:
        """A living offer, decoded from the JSON that a search would hold; None when there is none."""
        row = self.find(id_)
        return None if row is None else msgspec.json.decode(self.render([row], clock)[0])

    def render(self, rows: Iterable[int], clock: ClockName = "utc") -> list[bytes]:
        """The JSON of rows, with dates shown on a clock."""
        return self._renderer.render(list(rows), clock)

    # --- events -----------------------------------------------------------------------------------------------------

    def withdraw(self, id_: str) -> None:
        """Withdraw one offer now."""
        row = self.find(id_)
        if row is None:
            raise KeyError(id_)
        self._die(row)

    def suspend(self, id_: str) -> None:
        """Stop showing one offer, which may come back as it was."""
        row = self.find(id_)
        if row is None:
            raise KeyError(id_)
        self._die(row)
        self._suspended.add(row)

    def restore(self, id_: str) -> None:
        """Show an offer again that was suspended, with the dateCreation that it had."""
        row = self._row(id_)
        if row is None or row not in self._suspended:
            raise KeyError(id_)
        self._suspended.remove(row)
        self._live(row, self.time_s)

    def publish(self, count: int, own: bool) -> list[str]:
        """Publish offers now (for partners, in one whole second); returns their ids."""
        return self.ids(self._bear(self._instant_ms(own), count, own))

    def edit(self, id_: str) -> None:
        """Change the content and dateActualisation of one offer now."""
        row = self.find(id_)
        if row is None:
            raise KeyError(id_)
        self._edit(row, self.now_ms)

    def republish(self, id_: str) -> None:
        """Give one offer the present as its dateCreation."""
        row = self.find(id_)
        if row is None:
            raise KeyError(id_)
        self._republish(row, self._instant_ms(PROFIL_PARTS[self.columns.profil[row]].bloc < 2))

    def _instant_ms(self, own: bool) -> int:
        """Now, as a new offer would be dated: never before the last one."""
        last = int(self.columns.creation_ms[self.columns.size - 1]) if self.columns.size else 0
        now = max(self.now_ms, last)
        return now if own else -(-now // 1000) * 1000

    def _happen(self, due_s: float, kind: Event) -> None:
        self.time_s = due_s
        last = int(self.columns.creation_ms[self.columns.size - 1]) if self.columns.size else 0
        ms = max(self.start_ms + int(due_s * 1000), last)
        if kind in (Event.BIRTH_OWN, Event.BIRTH_PARTNER):
            own = kind is Event.BIRTH_OWN
            rows = self._bear(ms, 1 if own else self._schedule.burst(), own)
            if self.settings.drift.lag_s > 0:
                self._hide(rows, due_s)
        elif kind is Event.DEATH:
            row = self._any_row()
            if row is not None:
                self._die(row)
        elif kind is Event.EDIT:
            row = self._any_row()
            if row is not None:
                self._edit(row, ms)
        else:
            row = self._any_row(own=kind is Event.REPUBLICATION_OWN)
            if row is not None:
                self._republish(row, ms)

    def _any_row(self, own: bool | None = None) -> int | None:
        """A living row, each as likely as the others."""
        tally = self.counts.tally(0, self.columns.size)
        blocs = [int(n) for n in tally.bloc]
        wanted = range(4) if own is None else range(2) if own else range(2, 4)
        if not sum(blocs[bloc] for bloc in wanted):
            return None
        for _ in range(200):
            row = self._dice.randrange(self.columns.size)
            if self.columns.alive[row] and PROFIL_PARTS[self.columns.profil[row]].bloc in wanted:
                return row
        # So many rows are dead that luck is slow: count instead.
        rank = self._dice.randrange(sum(blocs[bloc] for bloc in wanted))
        for bloc in wanted:
            if rank < blocs[bloc]:
                return int(self.counts.newest(0, self.columns.size, rank, 1, bloc)[0])
            rank -= blocs[bloc]
        return None

    def _bear(self, ms: int, count: int, own: bool) -> range:
        parts = []
        while count:
            values, used = self._unborn.get(own, ({}, _BATCH))
            if used >= _BATCH:
                values, used = draw(self._rng, self.frequencies, np.full(_BATCH, own)), 0
            taken = min(count, _BATCH - used)
            parts.append({name: column[used : used + taken] for name, column in values.items()})
            self._unborn[own] = (values, used + taken)
            count -= taken
        values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        born = len(values["profil"])
        first = len(self._row_of)
        values["creation_ms"] = np.full(born, ms, dtype=np.int64)
        values["actualisation_ms"] = values["creation_ms"]
        values["offre"] = np.arange(first, first + born)
        values["number"] = np.arange(len(self._ranks[own]), len(self._ranks[own]) + born)
        rows = self.columns.append(values)
        self._row_of.extend(rows)
        self._born_s.extend([self.time_s] * born)
        self._died_s.extend([float("inf")] * born)
        self._ranks[own].extend(range(first, first + born))
        for row in rows:
            self.counts.add(row, +1)
        self.revision += 1
        return rows

    def _hide(self, rows: range, born_s: float) -> None:
        """Keep newborn rows from being found until some time later, each its own."""
        for row in rows:
            self.columns.alive[row] = False
            self.counts.add(row, -1)
            self._born_s[int(self.columns.offre[row])] = float("inf")
            heapq.heappush(self._hidden, (born_s + self._dice.uniform(0, self.settings.drift.lag_s), row))

    def _reveal(self, until_s: float) -> None:
        while self._hidden and self._hidden[0][0] <= until_s:
            shown_s, row = heapq.heappop(self._hidden)
            self._live(row, shown_s)

    def _live(self, row: int, from_s: float) -> None:
        self.columns.alive[row] = True
        self.counts.add(row, +1)
        self._born_s[int(self.columns.offre[row])] = from_s
        self._died_s[int(self.columns.offre[row])] = float("inf")
        self.revision += 1

    def _die(self, row: int) -> None:
        self.columns.alive[row] = False
        self.counts.add(row, -1)
        self._died_s[int(self.columns.offre[row])] = self.time_s
        self.revision += 1

    def _edit(self, row: int, ms: int) -> None:
        self.columns.version[row] += 1
        self.columns.actualisation_ms[row] = ms
        self.revision += 1

    def _republish(self, row: int, ms: int) -> None:
        values = self.columns.row_values(row)
        self.columns.alive[row] = False
        self.counts.add(row, -1)
        values["creation_ms"][:] = ms
        values["actualisation_ms"][:] = ms
        (new,) = self.columns.append(values)
        self.counts.add(new, +1)
        self._row_of[int(self.columns.offre[new])] = new
        self.revision += 1

    # --- the initial stock ------------------------------------------------------------------------------------------

    def _populate(self) -> None:
        settings = self.settings
        rng = self._rng
        partners = round(settings.offres * settings.partner_share)
        own_count = settings.offres - partners
        sizes = draw_bursts(rng, partners, largest=max(8, settings.offres // 1000))
        bursts = draw_instants(rng, len(sizes), False, self.start_ms, settings.age_days_max)
        own_ms = draw_instants(rng, own_count, True, self.start_ms, settings.age_days_max)
        own = np.concatenate([np.zeros(partners, dtype=np.bool_), np.ones(own_count, dtype=np.bool_)])
        values = draw(rng, self.frequencies, own)
        values["creation_ms"] = np.concatenate([np.repeat(bursts, sizes), own_ms])
        # A burst is one partner's.
        values["partner"][:partners] = np.repeat(values["partner"][np.cumsum(sizes) - sizes], sizes)
        stock = [values]
        owns = [own]
        for index, crowd in enumerate(settings.crowded):
            second_ms = (self.start_ms // DAY_MS - 3 - 2 * index) * DAY_MS + 45_296_000
            crowd_own = rng.random(crowd.offres) < (1 - settings.partner_share if crowd.separable else 0.0)
            drawn = draw(rng, self.frequencies, crowd_own)
            if not crowd.separable:
                drawn = {name: np.repeat(column[:1], crowd.offres) for name, column in drawn.items()}
            within = np.where(crowd_own, rng.integers(0, 1000, crowd.offres), 0)
            drawn["creation_ms"] = second_ms + within
            stock.append(drawn)
            owns.append(crowd_own)
        values = {name: np.concatenate([part[name] for part in stock]) for name in stock[0]}
        own = np.concatenate(owns)
        order = np.argsort(values["creation_ms"], kind="stable")
        values = {name: column[order] for name, column in values.items()}
        own = own[order]
        count = len(own)
        ranks = np.where(own, np.cumsum(own), np.cumsum(~own)) - 1
        values["number"] = ranks
        values["offre"] = np.arange(count)
        values["actualisation_ms"] = self._actualisations(values["creation_ms"], own)
        if settings.duplicate_share:
            rng = np.random.default_rng([settings.seed, 11])
            draw_copies(rng, self.frequencies, own, settings.duplicate_share, values)
        self.columns.append(values)
        self._row_of.extend(range(count))
        self._born_s.frombytes(np.full(count, -np.inf).tobytes())
        self._died_s.frombytes(np.full(count, np.inf).tobytes())
        for origin in (False, True):
            self._ranks[origin].frombytes(np.flatnonzero(own == origin).astype(np.uint32).tobytes())

    def _actualisations(self, creation_ms: NDArray[np.int64], own: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Last updates: a few ms to months after creation for own offers; mostly none, or no key, for partners'."""
        rng = self._rng
        count = len(own)
        moment = rng.random(count)
        later = creation_ms + (rng.random(count) * (self.start_ms - creation_ms)).astype(np.int64)
        shortly = creation_ms + rng.integers(0, 400, count)
        own_ms = np.where(moment < 0.6, shortly, later)
        partner_ms = np.where(moment < 0.85, creation_ms, np.where(moment < 0.92, later // 1000 * 1000, 0))
        partner_ms = np.where((partner_ms > 0) & (partner_ms < creation_ms), creation_ms, partner_ms)
        return np.where(own, own_ms, partner_ms).astype(np.int64)
