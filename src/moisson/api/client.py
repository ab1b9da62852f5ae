"""Ask the API and get answers.

A call descends through four layers, each of which owns one policy:

    _call       retry: what failed is tried again, by type alone, within the patience       retry.py
      take        pace, then token: whose slot comes first, and does it hold a token        turns.py, pacing.py, auth.py
        get         one request, one deadline, one whole answer, foreign errors translated  wire.py, border.py
          read        what the answer means                                                 answer.py

Time inside is that of the running event loop, so that a test can let it jump.
"""

from __future__ import annotations

import asyncio
import hashlib
import random as random_module
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar
from urllib.parse import quote

import httpx2

from moisson.api import answer, contract
from moisson.api.auth import FORBIDDEN_MAX, Application, Granted, read_token
from moisson.api.events import ClientStats, Effort, Observer, Reponse, Teller, cause_of
from moisson.api.pacing import announced_rate
from moisson.api.query import build_params
from moisson.api.retry import wait_or_give_up
from moisson.api.sharing import SharedBook, book_name, boot_id
from moisson.api.turns import Lane, Turn, Turns
from moisson.api.wire import Whole, Wire
from moisson.errors import (
    AccountError,
    ApiUnavailable,
    MoissonError,
    RequestRefused,
    SettingsError,
    Throttled,
    TokenRefused,
    Transient,
    UnreadableAnswer,
    UsageError,
)
from moisson.model import Question

__all__ = ["Client"]

LATENCIES = 256
"""Searches over which the latency is measured."""

T = TypeVar("T")

_Where = Literal["token", "api"]
_NAMES: dict[_Where, tuple[str, str]] = {
    "token": ("the token endpoint", "MOISSON_TOKEN_URL"),
    "api": ("the API", "MOISSON_API_URL"),
}


@dataclass(slots=True)
class _Tries:
    """One call so far: what it does, attempts and failures, 429 and 403 among them, since when, and by cause."""

    doing: str
    attempts: int = 0
    failures: int = 0
    throttled: int = 0
    forbidden: int = 0
    since_s: float | None = None
    echecs: Counter[str] = field(default_factory=Counter)

    def note(self, trouble: MoissonError, turn: Turn | None) -> None:
        """Count a failure; without a turn, it was the token that could not be had."""
        self.echecs[cause_of(trouble) if turn is not None else f"token {cause_of(trouble)}"] += 1

    def effort(self) -> Effort:
        return Effort(self.attempts, self.throttled, dict(self.echecs))


class Client:
    """A client of Offres d'emploi v2, to be used as an async context manager.

    Args:
        api_url: base address, before /v2.
        token_url: address of the token endpoint, realm included.
        applications: at least one; each has its own quota and token.
        rate: calls a second and application, lowered if the service announces less; None follows what it announces.
        transport: replaces the network, in tests.
        random: where the jitter of waits is drawn from.
        wall: seconds since 1970, for `recu_s` and dated Retry-After.
        observer: is told every event.
        patience_s: seconds that one call may spend on trouble before giving up.
        first_contact_s: the same while the address has never answered as the API does: a wrong one is told quickly.
        timeout_s: deadline of one request, from departure to the last byte of its answer.
        page_bytes_max: largest answer taken, bytes, decoded.
        state_dir: folder where processes of one application keep common slots; None paces this process alone.

    Raises:
        SettingsError: a malformed address, plain http to another machine, no application.
    """

    def __init__(
        self,
        *,
        api_url: str,
        token_url: str,
        applications: Sequence[Application],
        rate: float | None = contract.RATE_DEFAULT,
        transport: httpx2.AsyncBaseTransport | None = None,
        random: random_module.Random | None = None,
        wall: Callable[[], float] = time.time,
        observer: Observer | None = None,
        patience_s: float = 600.0,
        first_contact_s: float = 15.0,
        timeout_s: float = 60.0,
        page_bytes_max: int = 64_000_000,
        state_dir: Path | None = None,
    ) -> None:
        self._teller = Teller(observer, [t for a in applications for t in (a.client_secret.reveal(), a.client_id)])
        self._wire = Wire(
            api_url=api_url,
            token_url=token_url,
            transport=transport,
            timeout_s=timeout_s,
            bytes_max=page_bytes_max,
            teller=self._teller,
        )
        if not applications:
            raise SettingsError("No application is given", todo="Set MOISSON_CLIENT_ID and MOISSON_CLIENT_SECRET.")
        if rate is not None and not 0 < rate < float("inf"):
            raise SettingsError(f"A rate of {rate} calls a second is not possible", todo="Set MOISSON_RATE above 0.")
        self._rate = rate
        self._token_url = token_url
        self._state_dir = state_dir
        self._books: list[SharedBook] = []
        self._draw = (random or random_module.Random()).random
        self._wall = wall
        self._turns = Turns(
            applications,
            rate or contract.RATE_DEFAULT,
            ask_token=self._ask_token,
            draw=self._draw,
            teller=self._teller,
            open_book=self._open_book if state_dir is not None else None,
        )
        self._patience_s = patience_s
        self._first_contact_s = first_contact_s
        self._met: set[_Where] = set()
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._counts = dict.fromkeys(
            ("search_attempts", "other_attempts", "retries", "status_429", "tokens", "received", "decoded"), 0
        )
        self._announced: float | None = None

    async def __aenter__(self) -> Self:
        self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.aclose()
        for book in self._books:
            book.close()

    # -------------------------------------------------------------------------------------------------- what one asks

    async def search(self, question: Question) -> Reponse:
        """Ask one bounded search.

        Raises:
            UsageError: a question that the API would ignore or refuse; nothing was sent. Also AccountError (every
                application is refused) and SettingsError (a wrong address).
            RequestRefused: the API does not take this question.
            ApiUnavailable: trouble outlasted the patience.
        """
        params = build_params(question)

        def read(whole: Whole, effort: Effort) -> Reponse:
            now_s = self._wall()
            page = answer.read_search(whole.status, whole.headers, whole.body, now_s=now_s)
            vide = whole.status == 204
            return Reponse(
                total=page.total,
                premier=page.premier,
                dernier=page.dernier,
                lignes=page.lignes,
                agregats=page.agregats,
                statut=whole.status,
                corps=b"" if vide else whole.raw,
                encodage="identity" if vide else whole.encodage,
                sha256=hashlib.sha256(b"" if vide else whole.body).hexdigest(),
                octets=0 if vide else len(whole.body),
                recu_s=now_s,
                tentatives=effort.tentatives,
                refus_429=effort.refus_429,
                echecs=effort.echecs,
            )

        doing = f"asking rows {question.plage}" + (f" of {question.critere}" if question.critere.filtres else "")
        if "minCreationDate" in params:
            doing += f" from {params['minCreationDate']} to {params['maxCreationDate']}"
        return await self._call(contract.CHEMIN_RECHERCHE, params, read, doing, search=True)

    async def offre(self, id: str) -> bytes | None:
        """Ask one offer's detail: its JSON, or None when it is no longer online.

        Raises:
            As search.
        """
        if not id.strip("."):
            raise UsageError(f"{id!r} is not the id of an offer")

        def read(whole: Whole, effort: Effort) -> bytes | None:
            return answer.read_offre(whole.status, whole.headers, whole.body, now_s=self._wall())

        return await self._call(contract.CHEMIN_OFFRE + quote(id, safe=""), {}, read, f"asking offer {id}")

    async def referentiel(self, nom: str) -> bytes:
        """Ask one of the 16 code lists: a JSON array, as sent.

        Raises:
            As search; UsageError for a name that is not one of them.
        """
        if nom not in contract.REFERENTIELS:
            raise UsageError(f"{nom!r} is not a code list", todo=f"There are: {', '.join(contract.REFERENTIELS)}.")

        def read(whole: Whole, effort: Effort) -> bytes:
            return answer.read_referentiel(whole.status, whole.headers, whole.body, now_s=self._wall())

        return await self._call(contract.CHEMIN_REFERENTIEL + nom, {}, read, f"asking the code list {nom}")

    async def sonder(self, chemin: str, params: Mapping[str, str]) -> answer.Sonde:
        """Ask anything at all, as it is written, and take a refusal for an answer.

        For `moisson probe` alone, which has to ask what no harvest may: a harvest's questions go through `search` and
        its closed list of parameters.

        Args:
            chemin: one of the paths of contract.py, completed.
            params: query parameters, not yet percent-encoded; nothing is checked.

        Raises:
            As search, but for refusals of the question.
        """
        recherche = chemin == contract.CHEMIN_RECHERCHE

        def read(whole: Whole, effort: Effort) -> answer.Sonde:
            return answer.read_sonde(whole.status, whole.headers, whole.body, now_s=self._wall(), recherche=recherche)

        asked = ", ".join(f"{name}={value}" for name, value in params.items()) or chemin
        return await self._call(chemin, dict(params), read, f"probing {asked}", search=recherche)

    def stats(self) -> ClientStats:
        """What was done so far."""
        counts = self._counts
        ordered = sorted(self._latencies)
        return ClientStats(
            search_attempts=counts["search_attempts"],
            other_attempts=counts["other_attempts"],
            retries=counts["retries"],
            status_429=counts["status_429"],
            tokens=counts["tokens"],
            received_bytes=counts["received"],
            decoded_bytes=counts["decoded"],
            latency_p95_s=ordered[int(len(ordered) * 0.95)] if ordered else 0.0,
            announced_rate=self._announced,
            rate_s_total=sum(lane.pacer.rate for lane in self._turns.lanes),
            applications=len(self._turns.lanes),
        )

    # ------------------------------------------------------------------------------------------------- retry, by type

    async def _call(
        self,
        path: str,
        params: dict[str, str],
        read: Callable[[Whole, Effort], T],
        doing: str,
        *,
        search: bool = False,
    ) -> T:
        """Ask until there is an answer, a final error, or no patience left."""
        clock = asyncio.get_running_loop().time
        tries = _Tries(doing)
        while True:
            turn: Turn | None = None
            try:
                turn = await self._turns.take()
                tries.attempts += 1
                self._counts["search_attempts" if search else "other_attempts"] += 1
                self._counts["retries"] += tries.attempts > 1
                departed_s = clock()
                value = await self._attempt(turn, path, params, read, tries)
                if search:
                    self._latencies.append(clock() - departed_s)
                return value
            except AccountError as refusal:
                tries.note(refusal, turn)
                self._teller.finish(refusal, doing, tries.effort())
                self._turns.drop(turn.lane if turn is not None else None, refusal)
            except Transient as trouble:
                tries.note(trouble, turn)
                await self._wait_after(trouble, turn, tries, clock())
            except MoissonError as final:
                raise self._teller.finish(final, doing, tries.effort()) from final.__cause__

    async def _attempt(
        self,
        turn: Turn,
        path: str,
        params: dict[str, str],
        read: Callable[[Whole, Effort], T],
        tries: _Tries,
    ) -> T:
        """Make one attempt, and tell the keeper how its token fared."""
        clock = asyncio.get_running_loop().time
        keeper, pacer = turn.lane.keeper, turn.lane.pacer
        try:
            whole = await self._wire.get(path, params, turn.token, lambda: pacer.left(turn.ticket, clock()))
        finally:
            pacer.void(turn.ticket, clock())
        self._counts["status_429"] += whole.status == 429
        self._weigh(whole)
        self._follow(turn.lane, whole.headers)
        try:
            value = read(whole, tries.effort())
        except TokenRefused as refusal:
            tries.forbidden += refusal.status == 403
            keeper.refused(turn.number, refusal.status, clock())
            if tries.forbidden >= FORBIDDEN_MAX:
                # The account is good, or the keeper would have said so: it is this question that is forbidden.
                raise RequestRefused(refusal.what) from refusal
            raise
        except RequestRefused:
            keeper.accepted(turn.number)
            raise
        keeper.accepted(turn.number)
        self._met.add("api")
        return value

    async def _wait_after(self, trouble: Transient, turn: Turn | None, tries: _Tries, now: float) -> None:
        """Wait as long as retry.py says, or give up.

        Raises:
            ApiUnavailable: trouble outlasted the patience.
        """
        where: _Where = "token" if turn is None else "api"
        if trouble.status is not None and not isinstance(trouble, UnreadableAnswer):
            self._met.add(where)
        tries.failures += 1
        tries.since_s = now if tries.since_s is None else tries.since_s
        since_s = tries.since_s
        if turn is None and self._turns.token_trouble_since_s is not None:
            # The token's trouble is everyone's, though each call in the queue meets it only when its turn comes.
            since_s = min(since_s, self._turns.token_trouble_since_s)
        wait_s = wait_or_give_up(
            trouble,
            tries.failures,
            spent_s=now - since_s,
            patience_s=self._patience_s if where in self._met else self._first_contact_s,
            draw=self._draw(),
        )
        throttled = turn is not None and isinstance(trouble, Throttled)
        tries.throttled += throttled
        if wait_s is None:
            final = self._unavailable(trouble, where, now - since_s, tries.failures)
            raise self._teller.finish(final, tries.doing, tries.effort()) from trouble
        self._teller.tell(
            "throttled" if throttled else "retry",
            trouble.what,
            turn.lane.nom if turn is not None else "",
            attempt=tries.attempts,
            wait_s=wait_s,
            status=trouble.status,
        )
        if turn is not None and throttled:
            # The application pauses, not the call: another application may take it at once.
            turn.lane.pacer.throttled(now, wait_s)
        elif wait_s > 0:
            await asyncio.sleep(wait_s)

    def _unavailable(self, trouble: Transient, where: _Where, spent_s: float, failures: int) -> ApiUnavailable:
        host, setting = _NAMES[where]
        times = f"{failures} attempt{'s' if failures > 1 else ''}"
        if where in self._met:
            return ApiUnavailable(
                f"No usable answer came from {host} in {spent_s:.0f} s and {times}; the last: {trouble.what}",
                todo="What was collected is kept: run the same command again, it continues where it stopped.",
            )
        return ApiUnavailable(
            f"Nothing at the address of {host} answers as it should; the last of {times}: {trouble.what}",
            todo=f"Check the network, the proxy and {setting}, then run the same command again: it continues.",
        )

    # ------------------------------------------------------------------------------------------------- what is noticed

    async def _ask_token(self, application: Application) -> Granted:
        """One request to the token endpoint."""
        self._counts["tokens"] += 1
        whole = await self._wire.post_token(application)
        self._weigh(whole)
        try:
            granted = read_token(whole.status, whole.headers, whole.body, now_s=self._wall())
        except AccountError:
            self._met.add("token")
            raise
        self._met.add("token")
        self._teller.guard(granted.token.reveal())
        return granted

    def _open_book(self, application: Application) -> SharedBook:
        """The slots that this application has in all processes; opened when they are first looked at."""
        assert self._state_dir is not None
        book = SharedBook(
            self._state_dir / book_name(application.client_id, self._token_url),
            boot=boot_id(),
            on_alone=lambda text: self._teller.tell("alone", text, application.nom),
        )
        self._books.append(book)
        return book

    def _weigh(self, whole: Whole) -> None:
        self._counts["received"] += len(whole.raw)
        self._counts["decoded"] += len(whole.body)

    def _follow(self, lane: Lane, headers: httpx2.Headers) -> None:
        """Keep to the rate that the service announces: never above it, and up to it when the rate is automatic."""
        announced = announced_rate(headers.get(contract.EN_TETE_RECHARGE), headers.get(contract.EN_TETE_PLAFOND))
        if announced is None:
            return
        self._announced = announced
        before = lane.pacer.rate
        lane.pacer.set_rate(announced if self._rate is None else min(self._rate, announced))
        if lane.pacer.rate != before:
            text = f"{lane.pacer.rate:g} calls/s from now on; the service announces {announced:g}"
            self._teller.tell("rate", text, lane.nom)
