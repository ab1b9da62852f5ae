"""A service made of a few lines, for dialogues in virtual time; its misbehaviour is scripted call by call.

It shares no code with the client, and is no judge of the API: that is the twin's part.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx2

__all__ = ["API_URL", "SECRET", "TOKEN_URL", "Fault", "Service", "TornStream", "reply"]

API_URL = "https://api.example/partenaire/offresdemploi"
TOKEN_URL = "https://jeton.example/connexion/oauth2/access_token?realm=%2Fpartenaire"
SECRET = "5ecre7" * 10

Fault = Callable[[httpx2.Request], httpx2.Response]
"""What happens instead of an answer: a response, or an exception."""


class TornStream(httpx2.AsyncByteStream):
    """A body that breaks off, hangs or trickles.

    Args:
        parts: what comes first.
        then: an exception to raise after it, seconds to hang, or None to end.
    """

    def __init__(self, parts: list[bytes], then: Exception | float | None = None, pause_s: float = 0.0) -> None:
        self.parts = parts
        self.then = then
        self.pause_s = pause_s
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            await asyncio.sleep(self.pause_s)
            yield part
        if isinstance(self.then, Exception):
            raise self.then
        if self.then is not None:
            await asyncio.sleep(self.then)

    async def aclose(self) -> None:
        self.closed = True


def reply(status: int, body: bytes = b"", **headers: str) -> Fault:
    """A fault that is simply another answer; `retry_after="1"` becomes the header retry-after."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(status, content=body, headers=named)


@dataclass
class Service:
    """What the service holds and does.

    Attributes:
        latency_s: from departure to answer.
        life_s: of a token.
        faults: call number (searches, details and code lists, from 0) to what happens instead.
        token_faults: the same for token requests.
        always, token_always: what happens at every call instead.
        headers: added to each answer.
        gzipped: whether bodies are compressed.
        quota: calls that any half-open second may hold for one application, or None; the rest is answered 429.
        accept: whether a live token is good enough, for storms.
    """

    latency_s: float = 0.3
    life_s: float = 1499.0
    faults: dict[int, Fault] = field(default_factory=dict)
    token_faults: dict[int, Fault] = field(default_factory=dict)
    always: Fault | None = None
    token_always: Fault | None = None
    headers: dict[str, str] = field(default_factory=dict)
    gzipped: bool = True
    quota: int | None = None
    accept: Callable[[str], bool] = lambda token: True

    def __post_init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.calls: list[tuple[float, str]] = []
        self.token_calls: list[float] = []
        self.status: list[int] = []
        self.streams: list[TornStream] = []
        self._tokens: dict[str, tuple[str, float]] = {}

    @property
    def transport(self) -> httpx2.MockTransport:
        """To be handed to the client."""
        return httpx2.MockTransport(self._handle)

    def instants(self, client_id: str | None = None) -> list[float]:
        """When each call came, of one application or of all."""
        return [at_s for at_s, who in self.calls if client_id in (None, who)]

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        now = asyncio.get_running_loop().time()
        self.requests.append(request)
        if request.url.host == "jeton.example":
            number = len(self.token_calls)
            self.token_calls.append(now)
            fault = self.token_faults.get(number, self.token_always)
            await asyncio.sleep(self.latency_s)
            return fault(request) if fault is not None else self._grant(request, now)
        number = len(self.calls)
        text = request.headers.get("authorization", "").removeprefix("Bearer ")
        who, end_s = self._tokens.get(text, ("", 0.0))
        recent = sum(1 for at_s in self.instants(who) if now - at_s < 1.0)
        self.calls.append((now, who))
        await asyncio.sleep(self.latency_s)
        response = self._answer(request, number, now < end_s and self.accept(text), recent)
        self.status.append(response.status_code)
        if isinstance(response.stream, TornStream):
            self.streams.append(response.stream)
        return response

    def _answer(self, request: httpx2.Request, number: int, known: bool, recent: int) -> httpx2.Response:
        fault = self.faults.get(number, self.always)
        if fault is not None:
            return fault(request)
        if not known:
            return httpx2.Response(401, headers={"www-authenticate": "Bearer"})
        if self.quota is not None and recent >= self.quota:
            return httpx2.Response(429, headers={"retry-after": "1", **self.headers}, text="Too many")
        return self.good(request)

    def good(self, request: httpx2.Request) -> httpx2.Response:
        """The answer of a quiet day."""
        if "/referentiel/" in request.url.path:
            return self._body(200, [{"code": "11", "libelle": "Ile-de-France"}], {"content-range": "regions */1"})
        if request.url.path.endswith("/search"):
            offre = {"id": "196FBMG", "dateCreation": "2026-11-23T08:00:00.123Z", "intitule": "Boulanger"}
            return self._body(206, {"resultats": [offre], "filtresPossibles": []}, {"content-range": "offres 0-0/353"})
        if request.url.path.endswith("/gone"):
            return httpx2.Response(204)
        return self._body(200, {"id": request.url.path.rsplit("/", 1)[1]}, {})

    def _grant(self, request: httpx2.Request, now: float) -> httpx2.Response:
        form = parse_qs(request.content.decode())
        text = f"token-{len(self._tokens)}-of-the-fake-service"
        self._tokens[text] = (form["client_id"][0], now + self.life_s)
        return httpx2.Response(200, json={"access_token": text, "expires_in": self.life_s, "token_type": "Bearer"})

    def _body(self, status: int, value: object, headers: dict[str, str]) -> httpx2.Response:
        body = json.dumps(value).encode()
        named = {"content-type": "application/json", **headers, **self.headers}
        if self.gzipped:
            return httpx2.Response(status, content=gzip.compress(body), headers={**named, "content-encoding": "gzip"})
        return httpx2.Response(status, content=body, headers=named)
