"""The network of a simulation: requests go straight to the double's service, with seeded latencies, and are watched.

What is watched here is what the service would see: how many calls depart in any second of the clock, and with which
token. The double itself is called below its router, since finding a route costs as much as an answer.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Callable

import httpx2
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from moisson_twin.app import BASE_PATH, TOKEN_PATH, Service
from moisson_twin.reply import ConnexionCoupee

__all__ = ["API_URL", "TOKEN_URL", "Wire"]

HOST = "http://127.0.0.1:1"
API_URL = HOST + BASE_PATH
TOKEN_URL = f"{HOST}{TOKEN_PATH}?realm=%2Fpartenaire"


class _Body(httpx2.AsyncByteStream):
    """A body in one piece; a broken one ends with a reset."""

    def __init__(self, body: bytes, *, broken: bool = False) -> None:
        self._body = body
        self._broken = broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        if self._broken:
            raise httpx2.ReadError("connection reset")


class Wire(httpx2.AsyncBaseTransport):
    """A transport without a network.

    Args:
        service: who answers.
        rng: draws the latencies.
        latency_s: shortest and longest way there and back together, seconds.
        per_s: calls that one application may let depart in any second; None: not watched.
        violated: told of every promise that was broken.
        before: called before each search is answered, with its number.

    Attributes:
        searches: searches that departed.
        asked: parameters of the last of them.
        in_flight: requests without an answer yet.
    """

    def __init__(
        self,
        service: Service,
        rng: random.Random,
        latency_s: tuple[float, float],
        *,
        per_s: float | None,
        violated: Callable[[str], None],
        before: Callable[[int], None],
    ) -> None:
        self.searches = 0
        self.asked: dict[str, str] = {}
        self.in_flight = 0
        self._service = service
        self._rng = rng
        self._latency_s = latency_s
        self.per_s = per_s
        self._violated = violated
        self._before = before
        self._departures: dict[str, deque[float]] = {}
        self._tokens: dict[str, tuple[str, float]] = {}

    def forget(self) -> None:
        """A new process: it cannot know what the last one sent."""
        self._departures.clear()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request through the simulated network."""
        way_s = self._rng.uniform(*self._latency_s)
        path = request.url.path
        search = path.endswith("/search")
        if path != TOKEN_PATH:
            self._watch(request)
        if search:
            self.asked = dict(request.url.params)
            self._before(self.searches)
            self.searches += 1
        there_s = way_s * self._rng.random()
        self.in_flight += 1
        try:
            await asyncio.sleep(there_s)
            response = await self._answer(request, await request.aread())
            await asyncio.sleep(way_s - there_s)
        finally:
            self.in_flight -= 1
        return response

    def _watch(self, request: httpx2.Request) -> None:
        now = asyncio.get_running_loop().time()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        client, end_s = self._tokens.get(token, ("?", now - 1))
        if now >= end_s:
            self._violated(f"at {now:.3f} s a token was used that had died at {end_s:.3f} s")
        if self.per_s is None:
            return
        departures = self._departures.setdefault(client, deque())
        # A millionth of slack: instants are floats.
        while departures and departures[0] <= now - 1 + 1e-6:
            departures.popleft()
        departures.append(now)
        if len(departures) > max(1, self.per_s):
            self._violated(f"{len(departures)} calls departed in the second before {now:.3f} s, {self.per_s:g} allowed")

    async def _answer(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        service, path = self._service, request.url.path
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": request.method,
            "path": path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "path_params": {},
        }
        asked = Request(scope, receive)
        reply: Response
        if path == TOKEN_PATH:
            reply = await service.token(asked)
            self._remember(reply, body)
        elif path.endswith("/search"):
            reply = await service.answer(asked, "search", service.search)
        else:
            scope["path_params"] = {"id": path.rsplit("/", 1)[1]}
            reply = await service.answer(asked, "offre", service.offre)
        try:
            await reply(scope, receive, send)
        except ConnexionCoupee:
            if not sent:
                raise httpx2.ReadError("connection reset") from None
            return httpx2.Response(
                reply.status_code, headers=reply.raw_headers, stream=_Body(sent[1]["body"], broken=True)
            )
        return httpx2.Response(reply.status_code, headers=reply.raw_headers, stream=_Body(bytes(reply.body)))

    def _remember(self, reply: Response, body: bytes) -> None:
        if reply.status_code != 200:
            return
        try:
            given = json.loads(bytes(reply.body))
        except ValueError:
            return
        client = body.decode().partition("client_id=")[2].partition("&")[0]
        life_s = float(given["expires_in"])
        self._tokens[given["access_token"]] = client, asyncio.get_running_loop().time() + life_s
