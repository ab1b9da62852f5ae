"""`moisson check`: one token and one call for each application, and what a run will take."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from moisson.cli.check import lines
from moisson.errors import AccountError, ContractBroken, SettingsError
from moisson.harvest.check import ApplicationVue, Controle, check
from moisson.settings import Application, Settings
from moisson.store.space import estimate_run_bytes

ONE = Application(client_id="PAR_one", client_secret="secret-one")
TWO = Application(client_id="PAR_two", client_secret="secret-two", nom="nuit")


class Api:
    """Plays the token endpoint and the search, and remembers what it was asked."""

    def __init__(self, *, total: int = 503_356, announced: str | None = "10", refused: str = "") -> None:
        self.total, self.announced, self.refused = total, announced, refused
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if request.method == "POST":
            if self.refused and self.refused in request.content.decode():
                return httpx2.Response(400, json={"error": "invalid_client", "error_description": "failed"})
            return httpx2.Response(
                200, json={"access_token": "t", "expires_in": 1499, "token_type": "Bearer", "scope": "a b"}
            )
        headers = {"Content-Range": f"offres 0-0/{self.total}"}
        if self.announced:
            headers["X-Ratelimit-Replenish-Rate-Clientidlimiter"] = self.announced
        if not self.total:
            return httpx2.Response(204, headers={"Content-Range": "*/0"})
        offre = {"id": "1", "dateCreation": "2026-11-03T05:12:00.000Z"}
        return httpx2.Response(206, headers=headers, json={"resultats": [offre], "filtresPossibles": []})


def run(settings: Settings, api: Api) -> Controle:
    """Check these settings against that API."""
    return asyncio.run(check(settings, transport=httpx2.MockTransport(api), free=lambda _: 80_000_000_000))


def test_one_application() -> None:
    """One token, one call: the total, the quota announced, the minutes and disk of a run."""
    api = Api()
    found = run(Settings(applications=(ONE,)), api)
    assert len(api.asked) == 2
    assert found == Controle(
        source="https://api.francetravail.io/partenaire/offresdemploi",
        simulated=False,
        applications=(ApplicationVue(nom="application 1", announced_rate=10.0),),
        total=503_356,
        rate=3.0,
        appels=3390,
        duree_s=1130.0,
        disque_octets=estimate_run_bytes(503_356),
        libre_octets=80_000_000_000,
    )
    assert lines(found) == [
        "source       https://api.francetravail.io/partenaire/offresdemploi",
        "account      works, licence accepted, 10 calls/s announced",
        "offers       503,356 online",
        "a full run   3,390 calls at 3/s: 18 min 50 s",
        "disk         1.2 GB needed at most, 80.0 GB free",
    ]


def test_several_applications_add_up() -> None:
    """Each application is tried, and each brings its own quota; "auto" follows what is announced."""
    api = Api()
    found = run(Settings(applications=(ONE, TWO), rate="auto"), api)
    assert len(api.asked) == 4
    assert found.rate == 20.0
    assert lines(found)[1:3] == [
        "account      application 1: works, licence accepted, 10 calls/s announced",
        "account      nuit: works, licence accepted, 10 calls/s announced",
    ]
    assert run(Settings(applications=(ONE,), rate="auto"), Api(announced=None)).rate == 3.0


def test_a_refused_application_is_an_account_error() -> None:
    """One refused application fails the check, although the other works: its quota would be missing."""
    with pytest.raises(AccountError):
        run(Settings(applications=(ONE, TWO)), Api(refused="PAR_two"))


def test_an_empty_api_is_not_the_true_one() -> None:
    """The country always has offers."""
    with pytest.raises(ContractBroken, match="no offer at all"):
        run(Settings(applications=(ONE,)), Api(total=0))


def test_without_account() -> None:
    """Nothing is asked without an account."""
    api = Api()
    with pytest.raises(SettingsError):
        run(Settings(store=Path("nowhere")), api)
    assert api.asked == []
