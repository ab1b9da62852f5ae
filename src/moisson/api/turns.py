"""Whose turn it is: which application takes the next call, and with which token.

Only one call at a time waits for a slot; the others queue behind it in order. It takes the first slot of any
application, so a pause of one is no pause of the others. A token is asked for while that place is held: there is one
such request at most, and a slot never goes stale while it is under way.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from moisson.api.auth import Application, Granted, Secret, TokenKeeper
from moisson.api.events import Effort, Teller
from moisson.api.pacing import Book, Pacer
from moisson.api.retry import backoff_s
from moisson.errors import AccountError, Transient

__all__ = ["Lane", "Turn", "Turns"]

OWNER_BITS = 62
"""Enough that no two processes draw the same number, and that every encoding takes it."""

LOOK_AGAIN_S = 1.0
"""A pause may be long; meanwhile another application may have come back, seconds."""


class Lane:
    """One application at work: its slots, its token, and how messages call it."""

    def __init__(self, application: Application, rank: int, rate: float, book: Book | None, owner: int) -> None:
        self.application = application
        self.nom = application.nom or f"application {rank}"
        self.pacer = Pacer(rate, book, owner)
        self.keeper = TokenKeeper()
        self.token_failures = 0


class Turn(NamedTuple):
    """A slot taken: send at once.

    Attributes:
        lane: whose it is.
        token, number: the token to send, and the number to tell its fate by.
        ticket: names the call to the lane's pacer.
    """

    lane: Lane
    token: Secret
    number: int
    ticket: int


class Turns:
    """The applications, and the queue before them.

    Args:
        applications: at least one.
        rate: calls a second and application, to begin with.
        ask_token: one request to the token endpoint.
        draw: a random number in [0, 1), for waits.
        teller: where events go.
        open_book: opens where an application's slots are kept; None keeps them in memory.
    """

    def __init__(
        self,
        applications: Sequence[Application],
        rate: float,
        *,
        ask_token: Callable[[Application], Awaitable[Granted]],
        draw: Callable[[], float],
        teller: Teller,
        open_book: Callable[[Application], Book] | None = None,
    ) -> None:
        owner = secrets.randbits(OWNER_BITS)
        self.lanes = [
            Lane(application, rank, rate, open_book(application) if open_book else None, owner)
            for rank, application in enumerate(applications, 1)
        ]
        self.token_trouble_since_s: float | None = None
        self._ask_token = ask_token
        self._draw = draw
        self._teller = teller
        self._gate = asyncio.Lock()
        self._refusal = AccountError("No application is left")

    async def take(self) -> Turn:
        """Wait until an application that holds a token has a slot, and take it.

        Raises:
            Transient: no token could be had for a passing reason.
            AccountError: every application is refused.
        """
        clock = asyncio.get_running_loop().time
        waited = self._gate.locked()
        async with self._gate:
            while True:
                if not self.lanes:
                    raise AccountError(self._refusal.what, todo=self._refusal.todo)
                now = clock()
                ready_s, rank = min((self._ready_s(lane, now), rank) for rank, lane in enumerate(self.lanes))
                if ready_s > now:
                    await asyncio.sleep(min(ready_s - now, LOOK_AGAIN_S))
                    waited = True
                    continue
                lane = self.lanes[rank]
                token = lane.keeper.usable(now)
                if token is None:
                    await self._renew(lane)
                    continue
                # No await from here to the request: the slot, the token and the departure belong together.
                ticket = lane.pacer.depart(now, waited=waited)
                if ticket is not None:
                    return Turn(lane, token.text, token.number, ticket)
                # Another process was quicker: on to the next slot.

    def drop(self, lane: Lane | None, refusal: AccountError) -> None:
        """Go on without an application that is refused; raise the refusal when it was the last."""
        self._refusal = refusal
        if lane in self.lanes and len(self.lanes) > 1:
            self.lanes = [other for other in self.lanes if other is not lane]
            self._teller.tell("dropped_application", refusal.what, lane.nom if lane is not None else "")
        elif lane is None or self.lanes in ([], [lane]):
            self.lanes = []
            raise refusal

    @staticmethod
    def _ready_s(lane: Lane, now: float) -> float:
        return max(lane.pacer.ready_s(now), lane.keeper.ready_s(now))

    async def _renew(self, lane: Lane) -> None:
        """Ask for a token of this application; the others may take the turn if none comes."""
        clock = asyncio.get_running_loop().time
        asked_s = clock()
        try:
            granted = await self._ask_token(lane.application)
        except AccountError as refusal:
            self.drop(lane, self._teller.finish(refusal, f"asking for a token of {lane.nom}", Effort()))
            return
        except Transient as trouble:
            now = clock()
            lane.token_failures += 1
            wait_s = max(backoff_s(lane.token_failures, self._draw()), trouble.retry_after_s or 0.0)
            lane.keeper.failed(now, wait_s)
            if any(other.keeper.usable(now) for other in self.lanes):
                self._teller.tell("retry", trouble.what, lane.nom, wait_s=wait_s, status=trouble.status)
                return
            if self.token_trouble_since_s is None:
                self.token_trouble_since_s = now
            raise
        lane.token_failures = 0
        lane.keeper.granted(granted, asked_s)
        self.token_trouble_since_s = None
        self._teller.tell("token", f"A token came, good for {granted.life_s:.0f} s", lane.nom)
