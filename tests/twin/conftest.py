"""A caller for the double: synchronous, in process, with a token of its own and a clock that tests set."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from moisson_twin import Drift, Settings, World, WorldSettings, create_app

API = "/partenaire/offresdemploi/v2"
TOKEN = "/connexion/oauth2/access_token"
SCOPE = "api_offresdemploiv2 o2dsoffre"


class Caller:
    """Calls one double and keeps its clock (``now_s``) and what it slept (``slept_s``)."""

    def __init__(self, runner: asyncio.Runner, settings: Settings, world: World | None) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []
        self._runner = runner
        app = create_app(settings, world, clock=lambda: self.now_s, sleep=self._sleep)
        self.service = app.state.service
        self.world: World = app.state.world
        self.settings = settings
        self._client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://twin")
        self._tokens: dict[int, str] = {}

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)

    def request(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """One HTTP request."""
        return self._runner.run(self._client.request(method, path, **given))

    def ask_token(self, client: int = 0, realm: str = "?realm=%2Fpartenaire", **form: str) -> httpx2.Response:
        """Ask for a token as one of the known applications, with some fields of the form changed."""
        client_id, secret = self.settings.clients[client]
        fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": SCOPE}
        return self.request("POST", TOKEN + realm, data=fields | form)

    def get(self, path: str, client: int = 0, **given: Any) -> httpx2.Response:
        """A GET under the API's base path, with a token."""
        if client not in self._tokens:
            self._tokens[client] = self.ask_token(client).json()["access_token"]
        headers = {"Authorization": f"Bearer {self._tokens[client]}"} | given.pop("headers", {})
        return self.request("GET", API + path, headers=headers, **given)

    def search(self, client: int = 0, **criteria: Any) -> httpx2.Response:
        """A search; ``range_`` stands for ``range``."""
        return self.get("/offres/search", client, params={name.rstrip("_"): v for name, v in criteria.items()})

    def page(self, **criteria: Any) -> list[dict[str, Any]]:
        """The offers of a search's page."""
        answer = self.search(**criteria)
        assert answer.status_code in (200, 206), answer.text
        return answer.json()["resultats"]  # type: ignore[no-any-return]

    def total(self, **criteria: Any) -> int:
        """A search's total, from its Content-Range."""
        answer = self.search(range_="0-0", **criteria)
        assert answer.status_code in (200, 204, 206), answer.text
        return int(answer.headers["content-range"].rpartition("/")[2])

    def close(self) -> None:
        """Close the client."""
        self._runner.run(self._client.aclose())


@pytest.fixture
def call() -> Iterator[Callable[..., Caller]]:
    """Make callers: ``call(world=None, offres=..., drift=..., **settings)``; still and without quota by default."""
    callers: list[Caller] = []
    with asyncio.Runner() as runner:

        def make(world: World | None = None, *, offres: int = 400, drift: Drift | None = None, **given: Any) -> Caller:
            stock = WorldSettings(offres=offres, drift=drift or Drift.none())
            settings = replace(Settings(world=stock, quota_per_s=None), **given)
            callers.append(Caller(runner, settings, world))
            return callers[-1]

        yield make
        for caller in callers:
            caller.close()


@pytest.fixture(scope="session")
def still() -> World:
    """A still world of 3,000 offers, for reading only."""
    return World(WorldSettings(offres=3000, seed=7, drift=Drift.none()))


@pytest.fixture(scope="session")
def offres(still: World) -> list[dict[str, Any]]:
    """All offers of ``still``, newest first, as read from their JSON."""
    return [json.loads(text) for text in still.render(range(still.columns.size - 1, -1, -1))]
