"""The one module that opens a connection: a request goes out, its whole answer comes back, or an error of ours.

No policy lives here: who may ask, when, and how often is client.py's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal, NamedTuple

import httpx2

from moisson.api.answer import decode_body, excerpt
from moisson.api.auth import Application, Secret, token_form
from moisson.api.border import check_url, is_loopback, translate
from moisson.api.events import Teller
from moisson.errors import MoissonError, NetworkTrouble, SettingsError, UnreadableAnswer

__all__ = ["Whole", "Wire"]

CONNECT_S = 10.0
"""A host that does not take a connection in this time is not there, seconds."""

TOKEN_S = 30.0
"""Deadline of a token request, seconds: no question leaves meanwhile."""

KEEPALIVE_S = 20.0
"""Idle connections are closed after this time, seconds, before the service closes them under a new question."""

CONNECTIONS_MAX = 128
"""More than can ever be in flight: 40 calls a second at 2 s make 80."""

AGENT = "moisson"


class Whole(NamedTuple):
    """A whole answer.

    Attributes:
        status: HTTP status.
        headers: its headers; names in any case.
        raw: the body as received; as `body` when the status is no success.
        body: the body decoded, without credentials when the status is no success.
        encodage: how `raw` is encoded.
    """

    status: int
    headers: httpx2.Headers
    raw: bytes
    body: bytes
    encodage: Literal["gzip", "identity"]


class Wire:
    """Connections to the API and to its token endpoint.

    Args:
        api_url: base address, before /v2.
        token_url: address of the token endpoint, realm included.
        transport: replaces the network, in tests.
        timeout_s: deadline of one request, from departure to the last byte of its answer.
        bytes_max: largest answer taken, bytes, as received and decoded.
        teller: takes credentials out of foreign texts.

    Raises:
        SettingsError: a malformed address, or plain http to another machine.
    """

    def __init__(
        self,
        *,
        api_url: str,
        token_url: str,
        transport: httpx2.AsyncBaseTransport | None,
        timeout_s: float,
        bytes_max: int,
        teller: Teller,
    ) -> None:
        self._api_url = str(check_url(api_url, "MOISSON_API_URL")).rstrip("/").removesuffix("/v2")
        self._token_url = str(check_url(token_url, "MOISSON_TOKEN_URL"))
        self._transport = transport
        # A stand-in transport does not say when a request goes on the wire: it does so at once.
        self._tells_departure = transport is None or isinstance(transport, httpx2.AsyncHTTPTransport)
        self._timeout_s = timeout_s
        self._bytes_max = bytes_max
        self._teller = teller
        self._http: httpx2.AsyncClient | None = None

    def open(self) -> None:
        """Make the connection pool; nothing is connected yet.

        Raises:
            SettingsError: the environment's proxies or certificates cannot be used.
        """
        mounts: dict[str, httpx2.AsyncBaseTransport | None] = {}
        for text in (self._api_url, self._token_url):
            host = httpx2.URL(text).host
            if is_loopback(host):
                # Proxies come from the environment, as people on corporate networks expect, but none of them can reach
                # this machine's own loopback.
                mounts[f"all://[{host}]" if ":" in host else f"all://{host}"] = None
        try:
            self._http = httpx2.AsyncClient(
                transport=self._transport,
                mounts=mounts if self._transport is None else None,
                headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": AGENT},
                timeout=httpx2.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s)),
                limits=httpx2.Limits(
                    max_connections=CONNECTIONS_MAX,
                    max_keepalive_connections=CONNECTIONS_MAX,
                    keepalive_expiry=KEEPALIVE_S,
                ),
                # The default, said aloud: credentials never follow a redirect.
                follow_redirects=False,
            )
        except (ImportError, ValueError, httpx2.InvalidURL, OSError) as erreur:
            raise SettingsError(
                f"The environment's proxies or certificates cannot be used ({excerpt(str(erreur))})",
                todo="Check HTTPS_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE.",
            ) from erreur
        # The token endpoint sets session cookies; sent back, one application's session could answer for another's.
        self._http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def aclose(self) -> None:
        """Close every connection."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def get(self, path: str, params: Mapping[str, str], token: Secret, departed: Callable[[], None]) -> Whole:
        """Ask the API one question.

        Args:
            path: after the base address.
            params: query parameters, not yet percent-encoded.
            token: goes in the Authorization header.
            departed: called at the instant the request goes on the wire, which a new connection delays.

        Raises:
            NetworkTrouble, UnreadableAnswer, SettingsError: by the table of border.py.
        """
        if not self._tells_departure:
            departed()
        return await self._ask(self._api_request(path, params, token, departed), self._timeout_s)

    async def post_token(self, application: Application) -> Whole:
        """Ask for a token.

        Raises:
            As get.
        """
        return await self._ask(self._token_request(application), min(TOKEN_S, self._timeout_s))

    async def _ask(self, request: httpx2.Request, deadline_s: float) -> Whole:
        response: httpx2.Response | None = None
        try:
            # The library's time-outs are for each read; a trickle would pass them all.
            async with asyncio.timeout(deadline_s):
                response = await self._opened().send(request, stream=True)
                raw = await self._read(response)
        except TimeoutError as erreur:
            raise NetworkTrouble(f"No whole answer came within {deadline_s:g} s") from erreur
        except MoissonError:
            raise
        except Exception as foreign:
            ours = translate(foreign, self._teller.clean)
            if ours is None:
                raise
            raise ours from foreign
        finally:
            # Also when cancelled: a connection half read must not stay in the pool.
            if response is not None:
                await response.aclose()
        encoding = response.headers.get("content-encoding", "").strip().lower()
        try:
            body = decode_body(encoding, raw, bytes_max=self._bytes_max)
        except UnreadableAnswer:
            # What an error page is wrapped in matters less than its status.
            if response.status_code in (200, 206):
                raise
            body = b""
        if response.status_code not in (200, 206):
            raw = body = self._teller.clean_body(body)
        encodage: Literal["gzip", "identity"] = "gzip" if encoding in ("gzip", "x-gzip") else "identity"
        return Whole(response.status_code, response.headers, raw, body, encodage)

    async def _read(self, response: httpx2.Response) -> bytes:
        """The body as received: read from the stream itself, since what came is what lands."""
        chunks: list[bytes] = []
        received = 0
        stream = response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        iterator = stream.__aiter__()
        try:
            async for chunk in iterator:
                received += len(chunk)
                if received > self._bytes_max:
                    raise UnreadableAnswer(f"The answer is larger than {self._bytes_max:,} bytes")
                chunks.append(chunk)
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()
        return b"".join(chunks)

    # Requests are built in frames of their own, so that no traceback of a failed sending shows what they hold.

    def _api_request(
        self, path: str, params: Mapping[str, str], token: Secret, departed: Callable[[], None]
    ) -> httpx2.Request:
        async def on_wire(event: str, info: dict[str, Any]) -> None:
            # Through a proxy a CONNECT comes first, which the service does not count.
            if event == "http11.send_request_headers.started" and info["request"].method == b"GET":
                departed()

        return self._opened().build_request(
            "GET",
            self._api_url + path,
            params=dict(params) or None,
            headers={"Authorization": f"Bearer {token.reveal()}"},
            extensions={"trace": on_wire} if self._tells_departure else None,
        )

    def _token_request(self, application: Application) -> httpx2.Request:
        return self._opened().build_request(
            "POST",
            self._token_url,
            content=token_form(application),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    def _opened(self) -> httpx2.AsyncClient:
        if self._http is None:
            raise RuntimeError("the Client is not open: use it in `async with`")
        return self._http
