"""When the next call of one application may leave. Pure, given `now`.

Two rules hold together:

1. Slots are even: one every (1 + MARGIN) / rate seconds, 3 % slower than allowed. A late call does not push the slots
   after it, so lateness costs no throughput; an idle time earns no credit.
2. No window of true departures ever holds more than the quota, whatever the lateness of this process. A call that was
   admitted but has not left yet (its connection is still being made) counts as leaving now, at every instant.

The window is a little over one second, because the service counts arrivals and the network shakes departures: a call
that was slow on its way, followed by a quick one, seem nearer to each other than they left. How much it shakes cannot
be known, only met: each 429 makes slots and window EASE_STEP wider, each call a little narrower again, which settles
where about one call in EASE_CALLS is refused. It pays, for a 429 costs a whole second of calls.

A fraction above one call a second is rounded down, since what the service grants is calls within any one second; below
one, the window is 1 / rate seconds for one call.

What these rules look at is an `Agenda`. It lies in a `Book`: in memory, or in a file that all processes of one
application open (sharing.py). Three rules are for company only:

3. The highest rate that anyone claimed within RATE_CLAIM_S rules the shared slots; who was allowed less keeps both
   rules for itself besides.
4. Slots go in the order of asking: who is not the first in the queue to want a slot leaves it to that one for
   COURTESY_S.
5. A call that never said whether it left (its process died) weighs for WAITING_S.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import msgspec

__all__ = [
    "COURTESY_S",
    "EASE_CALLS",
    "EASE_MAX",
    "EASE_STEP",
    "MARGIN",
    "RATE_MAX",
    "SHAKE",
    "WAITING_S",
    "Agenda",
    "Book",
    "OwnBook",
    "Pacer",
    "announced_rate",
    "quota_of",
    "slot_s",
    "window_s",
]

MARGIN = 0.03
"""Share by which slots are slower than allowed; docs/decisions/0004-pacing.md tells why."""

SHAKE = 0.027
"""Share by which the counted window is longer than allowed; less than MARGIN, or it would set the pace."""

EASE_STEP = 0.01
"""Share by which one 429 widens slots and window."""

EASE_CALLS = 400
"""Calls after which that is taken back."""

EASE_MAX = 0.10
"""Most that they are widened: 429 may have another cause, such as another machine with the same application."""

RATE_MAX = 100.0
"""Calls a second beyond which an announced rate is not believed; the documentation gives 100 to a whole API."""

RATE_MIN = 0.1

RATE_CLAIM_S = 60.0
"""A rate that nobody claimed again for so long rules no more, seconds."""

COURTESY_S = 0.004
"""How long a slot is kept for another; more than timers are late on a quiet machine, seconds."""

WAITING_S = 30.0
"""Longer than a connection can take to be made, seconds."""

MEMORY_S = 1.0 + EASE_MAX + 0.4
"""Departures are remembered for so long, more than any window of several calls; the very last one for ever."""


class Agenda(msgspec.Struct):
    """What is known of the calls of one application. Instants are seconds on one clock that never goes back.

    Attributes:
        next_s: the next slot; during a pause, its end.
        paused_s: end of the last pause.
        ease: share by which slots and window are wider than usual.
        left: when calls left, in order; those of MEMORY_S, and the last.
        waiting: calls that were admitted and have not left: when, by ticket.
        tickets: the last ticket given.
        rate: the highest rate claimed, 0 when none; good until rate_until_s.
        queue: who waits, the first first, and for which slot. Whoever missed one by a whole slot has gone.
    """

    next_s: float = -math.inf
    paused_s: float = -math.inf
    ease: float = 0.0
    left: list[float] = []
    waiting: dict[int, float] = {}
    tickets: int = 0
    rate: float = 0.0
    rate_until_s: float = -math.inf
    queue: dict[int, float] = {}


class Book(Protocol):
    """Where an agenda lies."""

    def open(self, now: float) -> AbstractContextManager[Agenda]:
        """The agenda, to be read and changed by nobody else until the block ends, which must come at once."""


class OwnBook:
    """An agenda in memory: this process is alone."""

    def __init__(self) -> None:
        self._agenda = Agenda()

    def open(self, now: float) -> AbstractContextManager[Agenda]:
        """As Book."""
        return nullcontext(self._agenda)


class Pacer:
    """The slots of one application, as one of its processes sees them.

    Args:
        rate: calls allowed in any one second, more than 0; below 1, one call each 1 / rate seconds.
        book: where the agenda lies; shared with other processes, or not.
        owner: tells this pacer from others that share the book.

    Ask `ready_s`; when that instant has come, `depart` and send; tell `left` once the request is on the wire, or `void`
    if it never will be. All instants are seconds on one clock that never goes back.
    """

    def __init__(self, rate: float, book: Book | None = None, owner: int = 1) -> None:
        self._book = book or OwnBook()
        self._owner = owner
        self._own_next_s = -math.inf
        self._own_taken: deque[float] = deque()
        self._claimed = 0.0
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        """Change the rate from now on."""
        if not rate > 0 or math.isinf(rate):
            raise ValueError(f"a rate is more than 0 calls a second, not {rate}")
        self.rate = float(quota_of(rate)) if rate >= 1 else rate
        self._own_taken = deque(self._own_taken, maxlen=quota_of(rate))

    def ready_s(self, now: float) -> float:
        """The earliest instant at which a call may leave; at or before `now` means at once.

        While as many calls as the quota have yet to leave, it is a slot from now: ask again then.
        """
        with self._book.open(now) as agenda:
            return self._ready_s(agenda, now)

    def depart(self, now: float, *, waited: bool) -> int | None:
        """Take the slot that is ready; the number returned names this call to `left` or `void`.

        Args:
            now: the instant at which it is taken.
            waited: the call was there before the slot. Then the slot after it stays where it was, up to one slot ago,
                even though this one is taken late; otherwise slots begin anew here.

        Returns:
            None when no slot is ready after all: another process was quicker. Ask again.
        """
        with self._book.open(now) as agenda:
            if self._ready_s(agenda, now) > now:
                return None
            rate = self._claim(agenda, now)
            agenda.next_s = _following_s(agenda.next_s, now, slot_s(rate, agenda.ease), waited=waited)
            own_slot_s = slot_s(self.rate, agenda.ease)
            self._own_next_s = _following_s(self._own_next_s, now, own_slot_s, waited=waited)
            agenda.ease = max(0.0, agenda.ease - EASE_STEP / EASE_CALLS)
            self._own_taken.append(now)
            agenda.queue.pop(self._owner, None)
            agenda.tickets += 1
            agenda.waiting[agenda.tickets] = now
            return agenda.tickets

    def left(self, ticket: int, at_s: float) -> None:
        """This call's request went on the wire at this instant. Only the first telling counts."""
        with self._book.open(at_s) as agenda:
            if agenda.waiting.pop(ticket, None) is None:
                return
            # Departures may be told out of order: a new connection takes longer than one that stands ready.
            insort(agenda.left, at_s)
            horizon_s = agenda.left[-1] - MEMORY_S
            while len(agenda.left) > 1 and agenda.left[0] < horizon_s:
                del agenda.left[0]

    def void(self, ticket: int, now: float) -> None:
        """This call never reached the wire; it weighs on no window. Nothing happens if it had left."""
        with self._book.open(now) as agenda:
            agenda.waiting.pop(ticket, None)

    def throttled(self, now: float, wait_s: float) -> None:
        """A call was answered 429: let nothing leave for so many seconds, and be a little slower from then on.

        The slots begin anew after the pause, which earns no credit. Several 429 within one pause are one lesson.
        """
        with self._book.open(now) as agenda:
            if now >= agenda.paused_s:
                agenda.ease = min(EASE_MAX, agenda.ease + EASE_STEP)
            agenda.paused_s = max(agenda.paused_s, now + wait_s)
            agenda.next_s = max(agenda.next_s, agenda.paused_s)

    def _ready_s(self, agenda: Agenda, now: float) -> float:
        rate = self._claim(agenda, now)
        each_s = slot_s(rate, agenda.ease)
        for ticket in [ticket for ticket, taken_s in agenda.waiting.items() if taken_s < now - WAITING_S]:
            del agenda.waiting[ticket]
        free = quota_of(rate) - len(agenda.waiting)
        if free <= 0:
            return max(now + each_s, agenda.next_s)
        ready_s = agenda.next_s
        if len(agenda.left) >= free:
            ready_s = max(ready_s, agenda.left[-free] + window_s(rate, agenda.ease))
        own_s = self._own_next_s
        if len(self._own_taken) == self._own_taken.maxlen:
            # Kept for the person who set it, not for a service that counts arrivals: no allowance for shaking.
            own_s = max(own_s, self._own_taken[0] + quota_of(self.rate) / self.rate)
        if own_s > max(ready_s, now):
            return self._in_own_time(agenda, own_s, max(ready_s, now), each_s)
        return self._in_turn(agenda, ready_s, now, each_s)

    def _in_own_time(self, agenda: Agenda, own_s: float, ready_s: float, each_s: float) -> float:
        """It is we who may not yet: leave the slots before our time to others, and ask in time for the one after it."""
        if own_s > ready_s + each_s:
            agenda.queue.pop(self._owner, None)
            return own_s - each_s
        agenda.queue[self._owner] = own_s
        return own_s

    def _in_turn(self, agenda: Agenda, ready_s: float, now: float, each_s: float) -> float:
        """Keep our place in the queue; give way to the first in it who wants this slot."""
        for gone in [owner for owner, for_s in agenda.queue.items() if for_s <= now - each_s]:
            del agenda.queue[gone]
        slot_at_s = ready_s
        first, for_s = next(((o, s) for o, s in agenda.queue.items() if s <= slot_at_s), (self._owner, slot_at_s))
        if first != self._owner:
            ready_s = max(ready_s, for_s + COURTESY_S)
        if ready_s > now:
            agenda.queue[self._owner] = ready_s
        return ready_s

    def _claim(self, agenda: Agenda, now: float) -> float:
        """Say which rate we may go at, and return the highest that anyone did."""
        if agenda.rate == self._claimed != self.rate:
            agenda.rate = 0.0
        if self.rate >= agenda.rate or now >= agenda.rate_until_s:
            agenda.rate = self._claimed = self.rate
            agenda.rate_until_s = now + RATE_CLAIM_S
        return agenda.rate


def quota_of(rate: float) -> int:
    """Calls in one window."""
    return max(1, math.floor(rate))


def window_s(rate: float, ease: float = 0.0) -> float:
    """Seconds in which no more calls leave than the quota."""
    return quota_of(rate) / rate * (1 + SHAKE + ease)


def slot_s(rate: float, ease: float = 0.0) -> float:
    """Seconds between two slots."""
    return (1 + MARGIN + ease) / rate


def _following_s(slot_at_s: float, now: float, each_s: float, *, waited: bool) -> float:
    """The slot after one that is taken now."""
    return (max(slot_at_s, now - each_s) if waited else now) + each_s


def announced_rate(replenish: str | None, burst: str | None) -> float | None:
    """Read the rate that an answer announces, calls a second, or None when it says nothing sane.

    Args:
        replenish, burst: texts of the two quota headers; the rate is never above the burst.

    Source: headers recorded from August to October 2026; not in the official file.
    """
    rate = _number(replenish)
    if rate is None or not RATE_MIN <= rate <= RATE_MAX:
        return None
    most = _number(burst)
    return rate if most is None or most < 1 else min(rate, most)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
