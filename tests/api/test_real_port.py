"""The client against the API's double, over a real port."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import msgspec
import pytest

from moisson.api import Application, Client, Secret
from moisson.errors import ApiUnavailable, RequestRefused
from moisson.model import Critere, Plage, Question


@contextmanager
def twin(*options: str) -> Iterator[dict[str, Any]]:
    """A twin on a free port, for as long as it is needed; what it prints when it is ready."""
    command = [sys.executable, "-m", "moisson_twin", "--port", "0", "--exit-with-parent", "--offres", "2000", *options]
    # It stops when its standard input closes, so also if this process dies.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def client(ready: dict[str, Any], **settings: Any) -> Client:
    """A client of that twin."""
    application = Application(ready["client_id"], Secret(ready["client_secret"]))
    addresses = {"api_url": ready["api_url"], "token_url": ready["token_url"]}
    return Client(**{**addresses, "applications": [application], "rate": 50.0, **settings})


def question(premier: int, dernier: int, **filtres: str) -> Question:
    """Rows of a search."""
    return Question(1, "", Plage(premier, dernier), Critere.de(filtres))


def test_a_whole_search() -> None:
    """Every row once, newest first; the bytes that came are those that were hashed; sums add up to the total."""

    async def main(ready: dict[str, Any]) -> None:
        async with client(ready) as api:
            pages = await asyncio.gather(*(api.search(question(p, p + 149)) for p in range(0, 2250, 150)))
            assert {page.total for page in pages} == {2000}
            lignes = [ligne for page in pages for ligne in page.lignes]
            assert len({ligne.id for ligne in lignes}) == len(lignes) == 2000
            assert all(a.creation_ms >= b.creation_ms for a, b in itertools.pairwise(lignes))
            for page in pages[:-1]:
                body = gzip.decompress(page.corps) if page.encodage == "gzip" else page.corps
                assert page.sha256 == hashlib.sha256(body).hexdigest()
                rows = msgspec.json.decode(body)["resultats"]
                assert [row["id"] for row in rows] == [ligne.id for ligne in page.lignes]
                for axe in ("experience", "qualification", "natureContrat"):
                    assert sum(page.agregats[axe].values()) == 2000
            assert (pages[-1].statut, pages[-1].lignes, pages[-1].corps) == (204, (), b"")
            assert json.loads(await api.offre(lignes[0].id) or b"")["id"] == lignes[0].id
            assert len(json.loads(await api.referentiel("regions"))) == 18
            with pytest.raises(RequestRefused, match="departement"):
                await api.search(question(0, 0, departement="01,02,03,04,05,06"))
            stats = api.stats()
            assert stats.tokens == 1
            assert stats.status_429 == 0
            assert stats.received_bytes < stats.decoded_bytes
            assert 0 < stats.latency_p95_s < 10

    with twin("--still", "--quota", "0") as ready:
        asyncio.run(main(ready))


@pytest.mark.parametrize("rate", [3.0, 10.0])
def test_the_pace_suits_a_strict_limiter(rate: float) -> None:
    """A limiter that counts in any one-second window, and a latency that varies: no call is refused."""

    async def main(ready: dict[str, Any]) -> None:
        async with client(ready, rate=rate) as api:
            began_s = time.monotonic()
            count = int(6 * rate)
            await asyncio.gather(*(api.search(question(0, 9)) for _ in range(count)))
            took_s = time.monotonic() - began_s
            stats = api.stats()
            assert stats.search_attempts - stats.status_429 == count
            # The machine that runs this may be busy; a stall of its own may cost a call.
            assert stats.status_429 <= 1
            assert took_s < 1.5 * count / rate

    with twin(
        "--still", "--quota", f"{rate:g}", "--quota-mode", "window", "--fault", "latency:min=0.02,max=0.4"
    ) as ready:
        asyncio.run(main(ready))


def test_the_rate_is_followed() -> None:
    """Automatic: what the twin announces."""

    async def main(ready: dict[str, Any]) -> None:
        async with client(ready, rate=None) as api:
            await asyncio.gather(*(api.search(question(0, 0)) for _ in range(20)))
            assert api.stats().rate_s_total == api.stats().announced_rate == 7.0

    with twin("--still", "--quota", "7") as ready:
        asyncio.run(main(ready))


FAULTS = [
    "drop",
    "expire_token",
    "html_under_200",
    "invalid_json",
    "no_content_range",
    "reply_401",
    "reply_429",
    "reply_500",
    "reply_502",
    "reply_503",
    "reply_504",
    "token_down",
    "truncate_body",
]


def test_every_fault_of_the_twin_is_made_good() -> None:
    """Each at one call in twenty-five, all at once: every question is answered in the end."""

    async def main(ready: dict[str, Any]) -> None:
        async with client(ready, patience_s=120, first_contact_s=60) as api:
            asked = [question(p, p + 49) for p in range(0, 2000, 50)]
            pages = await asyncio.gather(*(api.search(one) for one in asked))
            ids = {ligne.id for page in pages for ligne in page.lignes}
            assert len(ids) == 2000
            assert api.stats().retries > 0

    options = [option for name in FAULTS for option in ("--fault", f"{name}:p=0.04")]
    with twin("--still", "--quota", "0", "--seed", "3", *options) as ready:
        asyncio.run(main(ready))


def test_a_hanging_answer_is_given_up() -> None:
    """At the deadline of the request, not at the library's time-outs."""

    async def main(ready: dict[str, Any]) -> None:
        async with client(ready, timeout_s=0.3, patience_s=1, first_contact_s=1) as api:
            with pytest.raises(ApiUnavailable, match=r"within 0\.3 s"):
                await api.search(question(0, 0))

    with twin("--still", "--fault", "hang") as ready:
        asyncio.run(main(ready))


def test_connections_are_kept_and_none_is_leaked() -> None:
    """One after the other, all calls share two connections; cancelled calls leave none behind."""

    async def main(ready: dict[str, Any]) -> None:
        api = client(ready, rate=100.0)
        async with api:
            for _ in range(20):
                await api.search(question(0, 149))
            http = api._wire._http
            assert http is not None
            pool = http._transport._pool  # type: ignore[attr-defined]
            assert len(pool.connections) == 1
            for _ in range(10):
                calls = [asyncio.ensure_future(api.search(question(0, 149))) for _ in range(5)]
                await asyncio.sleep(0.03)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
            await api.search(question(0, 149))
            assert not [connection for connection in pool.connections if not connection.is_idle()]

    with twin("--still", "--quota", "0") as ready:
        asyncio.run(main(ready))


def test_loopback_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies come from the environment, and none of them can reach this machine's own loopback."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def main(ready: dict[str, Any]) -> None:
        async with client(ready) as api:
            assert (await api.search(question(0, 0))).total == 2000
        outside = {**ready, "api_url": "https://api.example", "token_url": "https://jeton.example"}
        async with client(outside, first_contact_s=0) as api:
            with pytest.raises(ApiUnavailable, match="No connection could be made") as erreur:
                await api.search(question(0, 0))
            assert isinstance(erreur.value.__cause__.__cause__, httpx2.ConnectError)  # type: ignore[union-attr]

    with twin("--still") as ready:
        asyncio.run(main(ready))
