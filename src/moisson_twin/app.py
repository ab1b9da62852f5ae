"""The service: its addresses, and the life of a request.

A search goes through these steps, each of which a fault may spoil: token (401), quota (429), drift of the world,
parameters (400), rows, page, wire. The service's clock (seconds, any origin) rules tokens and quota; the world's time
either follows the number of searches or that same clock, as the settings say.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cache
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from moisson_twin import lists
from moisson_twin.control import control_routes
from moisson_twin.faults import ExpireToken, Fault, Faults, RepeatPage
from moisson_twin.identity import ID_FORMAT
from moisson_twin.params import BadRequestError, parse
from moisson_twin.quota import Quota
from moisson_twin.reply import Reply, WireResponse, bad_request, json_reply
from moisson_twin.search import Found, filtres_possibles, find
from moisson_twin.settings import Settings
from moisson_twin.stats import Stats
from moisson_twin.tokens import SCOPES, TokenError, Tokens
from moisson_twin.world import World

#: Where the service lives under its host, as in the official specification.
BASE_PATH = "/partenaire/offresdemploi"
TOKEN_PATH = "/connexion/oauth2/access_token"
CONTROL_PATH = "/_twin"
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Service:
    """One running double: a world, its settings, and all that it remembers of its callers."""

    def __init__(self, settings: Settings, world: World, clock: Clock, sleep: Sleep) -> None:
        self.settings = settings
        self.world = world
        self.stats = Stats()
        self.tokens = Tokens(settings)
        self.quota = Quota(settings.quota_per_s, settings.quota_mode, settings.quota_headers)
        self.faults = Faults(settings.faults, settings.world.seed)
        self.sleep = sleep
        #: Calls that passed token and quota, by kind.
        self.calls = {"search": 0, "offre": 0, "referentiel": 0, "token": 0}
        self._clock = clock
        self._started_s = clock()
        #: Seconds added to both clocks by the control path.
        self.skipped_s = 0.0

    # --- time -------------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """The service's clock."""
        return self._clock() + self.skipped_s

    def move_world(self) -> None:
        """Let the world's time catch up."""
        if self.settings.world_clock == "clock":
            self.world.advance_to(self.now_s - self._started_s)
        else:
            self.world.advance_to(self.calls["search"] / self.settings.calls_per_s + self.skipped_s)

    # --- the life of a request --------------------------------------------------------------------------------------

    async def answer(self, request: Request, kind: str, act: Callable[[Request, list[Fault]], Reply]) -> Response:
        """Token, quota, faults around one act, and the statistics of it."""
        now_s = self.now_s
        headers: dict[str, str] = {}
        faults: list[Fault] = []
        token = self.tokens.read(request.headers.get("authorization"), now_s)
        if token is None:
            reply = Reply(401, headers={"WWW-Authenticate": "Bearer"})
        elif token.scope != SCOPES:
            reply = Reply(403)
        else:
            self.stats.saw(token.client_id, now_s)
            passes, headers = self.quota.take(token.client_id, now_s)
            if not passes:
                reply = Reply(429, b"Too Many Requests", "text/plain", {"Retry-After": "1"})
            else:
                number = self.calls[kind]
                self.calls[kind] += 1
                faults = self.faults.striking(kind, number)
                reply = await self._spoilt(request, faults, act)
        return self._sent(request, kind, reply.with_headers(headers), faults)

    async def _spoilt(
        self, request: Request, faults: list[Fault], act: Callable[[Request, list[Fault]], Reply]
    ) -> Reply:
        await self._wait(faults)
        self.move_world()
        for fault in faults:
            instead = fault.instead()
            if instead is not None:
                if isinstance(fault, ExpireToken):
                    self.tokens.forget_all()
                return instead
        return act(request, faults)

    async def _wait(self, faults: list[Fault]) -> None:
        for fault in faults:
            wait_s = fault.wait_s(self.faults.dice)
            if wait_s > 0:
                await self.sleep(wait_s)

    def _sent(self, request: Request, kind: str, reply: Reply, faults: list[Fault]) -> Response:
        for fault in faults:
            reply = fault.send(reply)
        self.stats.answered(kind, 0 if reply.wire in ("drop", "break") else reply.status)
        gzip = "gzip" in request.headers.get("accept-encoding", "")
        return WireResponse(reply, gzip)

    # --- the three kinds of resource --------------------------------------------------------------------------------

    def search(self, request: Request, faults: list[Fault]) -> Reply:
        """``GET /v2/offres/search``: 200, 206, 204 or 400."""
        pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="replace")
        for fault in faults:
            pairs = fault.ask(pairs)
        now_ms = self.world.now_ms
        try:
            query = parse(pairs, self.settings, now_ms)
        except BadRequestError as error:
            return bad_request(str(error), now_ms)
        found = find(self.world, query, self.settings, self.calls["search"])
        honest = found
        for fault in faults:
            found = fault.find(found)
        for fault in self.faults.active:
            if isinstance(fault, RepeatPage):
                fault.remember(honest)
        if not found.total:
            return Reply(204, headers={"Content-Range": "*/0"})
        if found.first >= found.total:
            return Reply(204, headers={"Content-Range": f"offres -1--1/{found.total}"})
        return self._page(found, len(honest.rows), faults)

    def _page(self, found: Found, announced: int, faults: list[Fault]) -> Reply:
        """A page; ``announced`` rows, whatever a fault left of them."""
        body = b'{"resultats":[%b],"filtresPossibles":%b}' % (
            b",".join(self.world.render(found.rows.tolist(), self.settings.shown_clock)),
            filtres_possibles(found.tally),
        )
        for fault in faults:
            body = fault.write(body)
        self.stats.offres_sent += len(found.rows)
        last = found.first + announced - 1
        ends = last + 1 >= found.total
        return Reply(
            self.settings.last_page_status if ends else 206,
            body,
            headers={
                "Content-Range": f"offres {found.first}-{last}/{found.total}",
                "Accept-Range": str(self.settings.page_size),
            },
        )

    def offre(self, request: Request, faults: list[Fault]) -> Reply:
        """``GET /v2/offres/{id}``: 200, 204 when it is gone, 400 when it can be no id."""
        id_ = request.path_params["id"]
        if not ID_FORMAT.fullmatch(id_):
            return bad_request("Le format de l'id de l'offre recherchée est incorrect.", self.world.now_ms)
        row = self.world.find(id_)
        if row is None:
            return Reply(204)
        return Reply(200, self.world.render([row], self.settings.shown_clock)[0])

    def referentiel(self, request: Request, faults: list[Fault]) -> Reply:
        """``GET /v2/referentiel/{name}``: one of sixteen lists, or 404."""
        name = request.path_params["name"]
        if name not in lists.NAMES:
            return _not_found()
        reply, size = _referentiel(name)
        return reply.with_headers({"Content-Range": f"{name} */{size}"})

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def token(self, request: Request) -> Response:
        """``POST /connexion/oauth2/access_token``: a token or one of the documented refusals."""
        number = self.calls["token"]
        self.calls["token"] += 1
        faults = self.faults.striking("token", number)
        await self._wait(faults)
        reply = next((instead for fault in faults if (instead := fault.instead()) is not None), None)
        if reply is None:
            body = (await request.body()).decode("utf-8", "replace")
            reply = self._token(request, dict(parse_qsl(body, keep_blank_values=True)))
        return self._sent(request, "token", reply, faults)

    def _token(self, request: Request, form: dict[str, str]) -> Reply:
        if request.headers.get("authorization", "").lower().startswith("basic "):
            return Reply(409, b"<html><body><h1>Conflict</h1></body></html>", "text/html")
        try:
            token = self.tokens.ask(request.query_params.get("realm"), form, self.now_s)
        except TokenError as error:
            return json_reply(400, {"error": error.error, "error_description": error.description}, _NO_STORE)
        return json_reply(
            200,
            {
                "scope": " ".join(sorted(token.scope)),
                "expires_in": int(self.settings.token_life_s),
                "token_type": "Bearer",
                "access_token": token.text,
            },
            _NO_STORE,
        )


@cache
def _referentiel(name: str) -> tuple[Reply, int]:
    rows = lists.referentiel(name)
    return json_reply(200, rows), len(rows)


def _not_found() -> Reply:
    return json_reply(404, {"codeHttp": 404, "message": "Ressource inconnue."})


def create_app(
    settings: Settings | None = None,
    world: World | None = None,
    clock: Clock | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Starlette:
    """An ASGI application that behaves as the service.

    Args:
        settings: how it answers.
        world: the stock of offers; by default one made from ``settings.world``.
        clock: seconds, from any origin, never going back; by default the machine's monotonic clock. Tokens expire and
            quotas refill by it, and the world moves by it when ``settings.world_clock`` is "clock".
        sleep: how latencies and hangs wait; a simulation hands in its own.

    The application's ``state.service`` is the :class:`Service`, ``state.world`` the world.
    """
    settings = settings or Settings()
    world = world or World(settings.world)
    service = Service(settings, world, clock or time.monotonic, sleep)

    def resource(kind: str, act: Callable[[Request, list[Fault]], Reply]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await service.answer(request, kind, act)

        return endpoint

    async def unknown(request: Request, _: Exception) -> Response:
        return WireResponse(_not_found(), False)

    app = Starlette(
        routes=[
            Mount(
                BASE_PATH,
                routes=[
                    Route("/v2/offres/search", resource("search", service.search)),
                    Route("/v2/offres/{id}", resource("offre", service.offre)),
                    Route("/v2/referentiel/{name}", resource("referentiel", service.referentiel)),
                ],
            ),
            Route(TOKEN_PATH, service.token, methods=["POST"]),
            Mount(CONTROL_PATH, routes=control_routes(service)),
        ],
        exception_handlers={404: unknown},
    )
    app.state.service = service
    app.state.world = world
    return app
