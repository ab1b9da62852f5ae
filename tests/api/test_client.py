"""Whole dialogues with a service, in virtual time."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import itertools
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.api import ApiEvent, Application, Client, Reponse, Secret, effort_of
from moisson.errors import AccountError, ApiUnavailable, MoissonError, RequestRefused, SettingsError, UsageError
from moisson.model import Critere, Ligne, Plage, Question
from tests import virtual_loop
from tests.api.fake_service import API_URL, SECRET, TOKEN_URL, Fault, Service, TornStream, reply

QUESTION = Question(1, "essai", Plage(0, 149))
WALL_S = 1_795_000_000.0
PAGE = json.dumps({"resultats": [], "filtresPossibles": []}).encode()


def application(rank: int = 1) -> Application:
    """A registered application."""
    return Application(f"PAR_{rank}_{'c1' * 8}", Secret(SECRET + str(rank)), f"app{rank}")


def client(service: Service, applications: Sequence[Application] = (), **settings: Any) -> Client:
    """A client of the fake service; waits are drawn from a fixed seed."""
    return Client(
        api_url=API_URL,
        token_url=TOKEN_URL,
        applications=applications or [application()],
        transport=service.transport,
        random=random.Random(7),
        wall=lambda: WALL_S,
        **settings,
    )


def play(service: Service, dialogue: Callable[[Client], Awaitable[Any]], *args: Any, **settings: Any) -> Any:
    """Run a dialogue in virtual time and return what it returns."""

    async def main() -> Any:
        async with client(service, *args, **settings) as api:
            return await dialogue(api)

    return virtual_loop.run(main())


async def search(api: Client) -> Reponse:
    """One question."""
    return await api.search(QUESTION)


async def four(api: Client) -> list[Reponse]:
    """Four questions, one after the other."""
    return [await api.search(QUESTION) for _ in range(4)]


def refused(request: httpx2.Request) -> httpx2.Response:
    """Nobody listens."""
    raise httpx2.ConnectError("[Errno 111] Connection refused", request=request)


# --------------------------------------------------------------------------------------------------------- a quiet day


@pytest.mark.parametrize("gzipped", [True, False])
def test_an_answer_comes_as_it_was_sent(gzipped: bool) -> None:
    """The bytes to land, their hash once decoded, and what the proof needs."""
    service = Service(gzipped=gzipped)
    answer = play(service, search)
    body = gzip.decompress(answer.corps) if gzipped else answer.corps
    assert answer.encodage == ("gzip" if gzipped else "identity")
    assert json.loads(body)["resultats"][0]["id"] == "196FBMG"
    assert answer.sha256 == hashlib.sha256(body).hexdigest()
    assert answer.octets == len(body)
    assert (answer.total, answer.premier, answer.dernier, answer.statut) == (353, 0, 0, 206)
    assert answer.lignes == (Ligne("196FBMG", 1795420800123),)
    assert (answer.recu_s, answer.tentatives, answer.refus_429) == (WALL_S, 1, 0)


def test_what_goes_on_the_wire() -> None:
    """The token in a header, the question in the query, nothing else; credentials go to the token endpoint alone."""
    service = Service()
    asked = Question(1, "essai", Plage(150, 299), Critere.de({"natureContrat": "E1,E2"}), 1_795_000_000, 1_795_000_001)
    play(service, lambda api: api.search(asked))
    token, call = service.requests
    assert (token.method, str(token.url)) == ("POST", TOKEN_URL)
    assert b"client_secret=" in token.content
    assert call.method == "GET"
    assert dict(call.url.params) == {
        "natureContrat": "E1,E2",
        "minCreationDate": "2026-11-18T11:06:40Z",
        "maxCreationDate": "2026-11-18T11:06:41Z",
        "sort": "1",
        "range": "150-299",
    }
    assert call.headers["authorization"].startswith("Bearer token-0")
    assert call.headers["accept-encoding"] == "gzip"
    assert SECRET not in str(call.url) + repr(call.headers.raw)
    assert "cookie" not in call.headers


def test_nothing_matches() -> None:
    """204 has no body to land."""
    answer = play(Service(always=reply(204, content_range="offres -1--1/353")), search)
    assert (answer.statut, answer.total, answer.lignes, answer.corps, answer.octets) == (204, 353, (), b"", 0)
    assert answer.sha256 == hashlib.sha256(b"").hexdigest()


def test_detail_and_code_list() -> None:
    """The other two resources go the same way, and do not count as searches."""

    async def dialogue(api: Client) -> Any:
        found = [await api.offre("196FBMG"), await api.offre("gone"), await api.referentiel("regions")]
        return found, api.stats()

    (offre, gone, regions), stats = play(Service(), dialogue)
    assert json.loads(offre) == {"id": "196FBMG"}
    assert gone is None
    assert json.loads(regions) == [{"code": "11", "libelle": "Ile-de-France"}]
    assert (stats.search_attempts, stats.other_attempts, stats.tokens) == (0, 3, 1)


@pytest.mark.parametrize("id", ["", ".", "..", "../../v1"])
def test_an_id_cannot_leave_its_place(id: str) -> None:
    """It is one segment of the path, whatever it holds."""
    service = Service()

    async def dialogue(api: Client) -> Any:
        return await api.offre(id)

    if id.strip("."):
        play(service, dialogue)
        assert service.requests[-1].url.raw_path == b"/partenaire/offresdemploi/v2/offres/..%2F..%2Fv1"
    else:
        with pytest.raises(UsageError):
            play(service, dialogue)


def test_a_bad_question_costs_no_call() -> None:
    """An unknown parameter, an unknown code list: refused before a token is even asked for."""
    service = Service()
    with pytest.raises(UsageError, match="no search parameter"):
        play(service, lambda api: api.search(Question(1, "", Plage(0, 0), Critere.de({"dureeHebdo ": "1"}))))
    with pytest.raises(UsageError, match="not a code list"):
        play(service, lambda api: api.referentiel("partenaires"))
    assert service.requests == []


def test_the_base_may_end_with_v2() -> None:
    """As the documentation writes it."""
    service = Service()

    async def main() -> None:
        settings: dict[str, Any] = {"token_url": TOKEN_URL, "applications": [application()]}
        async with Client(api_url=API_URL + "/v2/", transport=service.transport, **settings) as api:
            await api.search(QUESTION)

    virtual_loop.run(main())
    assert service.requests[-1].url.path == "/partenaire/offresdemploi/v2/offres/search"


@pytest.mark.parametrize(
    "settings",
    [
        {"api_url": "http://api.example"},
        {"token_url": "http://jeton.example"},
        {"api_url": "https://user:pass@api.example"},
        {"applications": []},
        {"rate": 0.0},
        {"rate": -3.0},
        {"rate": float("nan")},
        {"rate": float("inf")},
    ],
)
def test_bad_settings_are_told_at_once(settings: dict[str, Any]) -> None:
    """Before anything is opened."""
    good: dict[str, Any] = {"api_url": API_URL, "token_url": TOKEN_URL, "applications": [application()]}
    with pytest.raises(SettingsError):
        Client(**{**good, **settings})


# -------------------------------------------------------------------------------------------------------------- trouble

TRANSIENT: dict[str, Fault] = {
    "reset": lambda request: (_ for _ in ()).throw(httpx2.ReadError("reset")),
    "refused": refused,
    "closed": lambda request: (_ for _ in ()).throw(httpx2.RemoteProtocolError("disconnected")),
    "connect timeout": lambda request: (_ for _ in ()).throw(httpx2.ConnectTimeout("")),
    "401": reply(401),
    "429": reply(429, b"slow down", retry_after="1"),
    "429 without a wait": reply(429),
    "429 now": reply(429, retry_after="0"),
    "429 dated": reply(429, retry_after="Wed, 18 Nov 2026 11:06:43 GMT"),
    "500": reply(500, b'{"message": "Erreur technique. Veuillez contacter le support."}'),
    "502": reply(502, b"<html>Bad gateway</html>", content_type="text/html"),
    "503": reply(503, retry_after="2"),
    "504": reply(504),
    "error page in a broken gzip": reply(503, b"\x1f\x8bnope", content_encoding="gzip"),
    "detour": reply(302, location="https://maintenance.example/"),
    "html": reply(200, b"<html>Maintenance</html>", content_range="offres 0-0/1"),
    "no content-range": reply(206, PAGE),
    "strange content-range": reply(206, PAGE, content_range="offres ?"),
    "empty body": reply(206, b"", content_range="offres 0-0/1"),
    "half a body": reply(206, PAGE[:20], content_range="offres 0-0/1"),
    "half a gzip": reply(206, gzip.compress(PAGE)[:-9], content_range="offres 0-0/1", content_encoding="gzip"),
    "not gzip": reply(206, PAGE, content_range="offres 0-0/1", content_encoding="gzip"),
    "brotli": reply(206, PAGE, content_range="offres 0-0/1", content_encoding="br"),
    "torn body": lambda request: httpx2.Response(
        206, stream=TornStream([PAGE[:9]], httpx2.ReadError("reset")), headers={"content-range": "offres 0-0/1"}
    ),
    "hanging body": lambda request: httpx2.Response(
        206, stream=TornStream([PAGE[:9]], 3600.0), headers={"content-range": "offres 0-0/1"}
    ),
    "trickle": lambda request: httpx2.Response(
        206, stream=TornStream([b" "] * 1000, pause_s=5.0), headers={"content-range": "offres 0-0/1"}
    ),
    "flood": lambda request: httpx2.Response(206, stream=TornStream([bytes(10**6)] * 70)),
}


CAUSES = {
    **dict.fromkeys(TRANSIENT, "unreadable"),
    **{name: name[:3] for name in TRANSIENT if name[:3].isdecimal()},
    "reset": "ReadError",
    "refused": "ConnectError",
    "closed": "RemoteProtocolError",
    "connect timeout": "ConnectTimeout",
    "detour": "302",
    "torn body": "ReadError",
    "hanging body": "TimeoutError",
    "trickle": "TimeoutError",
}
"""What each is counted as."""


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("name", TRANSIENT)
def test_any_trouble_at_any_call_is_made_good(name: str, index: int) -> None:
    """One attempt more, the same answers, and no body left half read."""
    service = Service(faults={index: TRANSIENT[name]})
    answers = play(service, four)
    assert [answer.total for answer in answers] == [353] * 4
    assert [answer.tentatives for answer in answers] == [2 if i == index else 1 for i in range(4)]
    assert [answer.refus_429 for answer in answers] == [int(i == index and "429" in name) for i in range(4)]
    assert [answer.echecs for answer in answers] == [{CAUSES[name]: 1} if i == index else {} for i in range(4)]
    assert len(service.calls) == 5
    assert all(stream.closed for stream in service.streams)


@settings(max_examples=60)
@given(faults=st.dictionaries(st.integers(0, 30), st.sampled_from(sorted(TRANSIENT)), max_size=20))
def test_any_mixture_of_trouble_is_made_good(faults: dict[int, str]) -> None:
    """Ten calls at once under any storm that ends: all answered, every attempt counted, never over three a second."""
    service = Service(faults={index: TRANSIENT[name] for index, name in faults.items()})

    async def ten(api: Client) -> Any:
        return await asyncio.gather(*(api.search(QUESTION) for _ in range(10))), api.stats()

    answers, stats = play(service, ten, first_contact_s=600)
    assert {answer.total for answer in answers} == {353}
    assert sum(answer.tentatives for answer in answers) == stats.search_attempts == len(service.calls)
    assert stats.retries == len(service.calls) - 10
    assert sum(sum(answer.echecs.values()) for answer in answers) == stats.retries
    assert most_in_a_second(service.instants()) <= 3


@pytest.mark.parametrize(
    "fault",
    [refused, reply(503), reply(500), reply(429), TRANSIENT["trickle"], TRANSIENT["html"]],
    ids=["refused", "503", "500", "429", "trickle", "html"],
)
def test_trouble_without_end_ends(fault: Fault) -> None:
    """Within the patience, saying what happened last and that the same command continues."""
    service = Service(always=fault, faults={0: Service().good})

    async def dialogue(api: Client) -> float:
        began_s = asyncio.get_running_loop().time()
        await api.search(QUESTION)
        with pytest.raises(ApiUnavailable, match="the last: ") as erreur:
            await api.search(QUESTION)
        assert "run the same command again" in str(erreur.value)
        assert "rows 0-149" in str(erreur.value)
        assert erreur.value.__cause__ is not None
        assert effort_of(erreur.value).tentatives == len(service.calls) - 1
        assert sum(effort_of(erreur.value).echecs.values()) == len(service.calls) - 1
        return asyncio.get_running_loop().time() - began_s

    assert 300 <= play(service, dialogue) <= 600 + 60 + 35
    assert len(service.calls) < 60


@pytest.mark.parametrize("fault", [refused, TRANSIENT["html"], reply(206, PAGE)], ids=["refused", "html", "header"])
@pytest.mark.parametrize("which", ["api", "token"])
@pytest.mark.parametrize("callers", [1, 10])
def test_a_wrong_host_is_told_quickly(fault: Fault, which: str, callers: int) -> None:
    """It never answered as the API does, so there is no reason to believe that it will."""
    service = Service(always=fault) if which == "api" else Service(token_always=fault)

    async def dialogue(api: Client) -> float:
        calls = [asyncio.ensure_future(api.search(QUESTION)) for _ in range(callers)]
        done, rest = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(ApiUnavailable, match="Nothing at the address") as erreur:
            done.pop().result()
        assert ("MOISSON_API_URL" if which == "api" else "MOISSON_TOKEN_URL") in str(erreur.value)
        for call in (*done, *rest):
            call.cancel()
        await asyncio.gather(*done, *rest, return_exceptions=True)
        return asyncio.get_running_loop().time()

    assert play(service, dialogue) < 25


def test_a_service_that_is_down_at_first_is_waited_for() -> None:
    """A 503 is an answer: somebody is there, and maintenance ends."""
    service = Service(token_faults={i: reply(503) for i in range(6)}, faults={i: reply(503) for i in range(8)})
    answer = play(service, search)
    assert answer.tentatives == 9


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (reply(400, '{"message": "Format du paramètre « range » incorrect."}'.encode()), RequestRefused, "« range »"),
        (reply(404), SettingsError, "MOISSON_API_URL"),
        (reply(301, location="https://new.example/x?secret=1"), SettingsError, "https://new.example"),
        (reply(308, location="https://new.example/x"), SettingsError, "Credentials never follow"),
        (reply(410), RequestRefused, "410"),
    ],
)
def test_what_will_not_pass_is_told_at_once(fault: Fault, kind: type[MoissonError], says: str) -> None:
    """One attempt, no retry, and what was being asked."""
    service = Service(always=fault)
    with pytest.raises(kind) as erreur:
        play(service, search)
    assert says in str(erreur.value)
    assert "asking rows 0-149" in str(erreur.value)
    assert len(service.calls) == 1
    assert effort_of(erreur.value).tentatives == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_follows_a_redirect(status: int) -> None:
    """Neither the token nor the credentials go anywhere else."""
    service = Service(
        token_faults={0: reply(status, location="https://elsewhere.example/")},
        faults={0: reply(status, location="https://elsewhere.example/")},
    )
    for _ in range(2):
        try:
            play(service, search)
        except SettingsError:
            service.token_faults.clear()
    assert {request.url.host for request in service.requests} <= {"api.example", "jeton.example"}


def test_an_observer_cannot_disturb() -> None:
    """What it raises is its own trouble."""

    def observer(event: ApiEvent) -> None:
        raise RuntimeError("observer")

    assert play(Service(faults={0: reply(500)}), search, observer=observer).tentatives == 2


def test_events_tell_the_story() -> None:
    """Each with its application, attempt, wait and status."""
    events: list[ApiEvent] = []
    service = Service(faults={0: reply(500), 1: reply(429, retry_after="3"), 2: refused})
    play(service, search, observer=events.append)
    assert [(e.kind, e.application, e.attempt, e.status) for e in events] == [
        ("token", "app1", 0, None),
        ("retry", "app1", 1, 500),
        ("throttled", "app1", 2, 429),
        ("retry", "app1", 3, None),
    ]
    assert events[2].wait_s == 3.0
    assert 0.25 <= events[1].wait_s <= 0.5


# --------------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("life_s", [0.5, 1.0, 2.0, 3.3, 10.0])
def test_a_token_that_expires_at_any_call(life_s: float) -> None:
    """It is renewed before its end; dying on the way costs one attempt, never an answer."""
    service = Service(life_s=life_s)

    async def thirty(api: Client) -> Any:
        return await asyncio.gather(*(api.search(QUESTION) for _ in range(30)))

    answers = play(service, thirty)
    assert {answer.total for answer in answers} == {353}
    assert len(service.token_calls) >= 10 / life_s - 1


def test_one_request_for_a_token_at_a_time() -> None:
    """However many calls wait for it, and whenever it dies."""
    service = Service(faults={i: reply(401) for i in range(10, 16)})

    async def dialogue(api: Client) -> Any:
        return await asyncio.gather(*(api.search(QUESTION) for _ in range(40)))

    play(service, dialogue)
    assert len(service.token_calls) <= 7
    assert all(later - earlier >= service.latency_s for earlier, later in itertools.pairwise(service.token_calls))


@pytest.mark.parametrize("callers", [1, 30])
def test_a_storm_of_refusals_ends(callers: int) -> None:
    """Tokens are issued and none is good: a few tries with waits, then the account is named."""
    service = Service(accept=lambda token: False)

    async def dialogue(api: Client) -> Any:
        return await asyncio.gather(*(api.search(QUESTION) for _ in range(callers)), return_exceptions=True)

    errors = play(service, dialogue)
    assert all(isinstance(error, AccountError) for error in errors)
    assert "issues tokens and refuses them" in str(errors[0])
    assert len(service.token_calls) == 5
    assert service.token_calls[-1] - service.token_calls[0] > 7
    assert len(service.calls) <= 5 * 8


@pytest.mark.parametrize("status", [401, 403])
def test_one_question_that_is_always_refused_stops_nobody(status: int) -> None:
    """The others pass with the same tokens; that one ends by itself."""
    service = Service()
    good = service.good

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status) if request.url.params["range"] == "0-0" else good(request)

    service.always = answer

    async def dialogue(api: Client) -> Any:
        await api.search(QUESTION)
        bad = asyncio.ensure_future(api.search(Question(1, "", Plage(0, 0))))
        while not bad.done():
            assert (await api.search(QUESTION)).total == 353
        return (await asyncio.gather(bad, return_exceptions=True))[0]

    error = play(service, dialogue, patience_s=100)
    assert isinstance(error, RequestRefused if status == 403 else ApiUnavailable)
    assert len(service.token_calls) < 60


def test_forbidden_from_the_start_is_the_account() -> None:
    """403 with two tokens: believed."""
    service = Service(always=reply(403))
    with pytest.raises(AccountError, match="403"):
        play(service, search)
    assert (len(service.calls), len(service.token_calls)) == (2, 2)


@pytest.mark.parametrize("error", ["invalid_client", "invalid_scope", "unsupported_grant_type", "invalid_grant"])
def test_a_refused_account_is_told_at_once(error: str) -> None:
    """One request, exit code 2, and what to do."""
    service = Service(token_always=reply(400, json.dumps({"error": error}).encode()))
    with pytest.raises(AccountError) as refus:
        play(service, search)
    assert error in str(refus.value)
    assert refus.value.todo
    assert len(service.requests) == 1


def test_a_token_endpoint_that_fails_for_a_while() -> None:
    """Few requests to it, all calls answered when it is back."""
    service = Service(
        token_faults={i: TRANSIENT[name] for i, name in enumerate(["reset", "503", "html", "500", "429"])}
    )

    async def dialogue(api: Client) -> Any:
        return await asyncio.gather(*(api.search(QUESTION) for _ in range(20)))

    answers = play(service, dialogue)
    assert {answer.tentatives for answer in answers} == {1}
    assert len(service.token_calls) == 6


# ----------------------------------------------------------------------------------------------------------------- pace


def most_in_a_second(instants: list[float]) -> int:
    """The largest number of calls in any second."""
    return max((sum(1 for other in instants if 0 <= other - start < 1.0) for start in instants), default=0)


@pytest.mark.parametrize(("rate", "apps"), [(1.0, 1), (3.0, 1), (10.0, 1), (3.0, 2), (10.0, 4)])
def test_the_pace_is_kept_and_used(rate: float, apps: int) -> None:
    """Saturated: at least 96 % of what is allowed, never a call too many in any second of any application."""
    service = Service(quota=int(rate), latency_s=0.7)
    applications = [application(rank) for rank in range(1, apps + 1)]
    count = int(40 * rate * apps)

    async def dialogue(api: Client) -> Any:
        return await asyncio.gather(*(api.search(QUESTION) for _ in range(count))), api.stats()

    answers, stats = play(service, dialogue, applications, rate=rate)
    instants = service.instants()
    assert len(answers) == len(instants) == count
    assert stats.status_429 == 0
    assert stats.rate_s_total == rate * apps
    # The first tokens come one after the other; from then on every application is at work.
    steady = [at_s for at_s in instants if at_s > service.token_calls[-1] + 1]
    assert (len(steady) - 1) / (steady[-1] - steady[0]) >= 0.96 * rate * apps
    for each in applications:
        assert most_in_a_second(service.instants(each.client_id)) <= rate


@pytest.mark.parametrize("retry_after", ["0", "1", "5", "-1", "soon", "999999"])
def test_a_429_pauses_its_application_alone(retry_after: str) -> None:
    """The other goes on, and takes the call that was refused."""
    service = Service(faults={0: reply(429, retry_after=retry_after)})
    first, second = application(1), application(2)

    async def dialogue(api: Client) -> Any:
        return [await api.search(QUESTION) for _ in range(12)]

    answers = play(service, dialogue, [first, second])
    assert answers[0].tentatives == 2
    assert answers[0].refus_429 == 1
    refused_s, who = service.calls[0]
    assert service.calls[1][1] != who
    asked_s = {"1": 1.0, "5": 5.0, "999999": 120.0}.get(retry_after, 0.25)
    back = [at_s for at_s, other in service.calls[1:] if other == who]
    assert not back or back[0] - refused_s >= asked_s


def test_automatic_rate_follows_the_service() -> None:
    """From 3 up to what is announced, within its burst, and down again."""
    headers = {
        "X-Ratelimit-Replenish-Rate-Clientidlimiter": "10",
        "X-Ratelimit-Burst-Capacity-Clientidlimiter": "8",
    }
    service = Service(headers=headers, quota=8)
    events: list[ApiEvent] = []

    async def dialogue(api: Client) -> Any:
        before = api.stats()
        await asyncio.gather(*(api.search(QUESTION) for _ in range(100)))
        return before, api.stats()

    before, after = play(service, dialogue, rate=None, observer=events.append)
    assert (before.rate_s_total, before.announced_rate) == (3.0, None)
    assert (after.rate_s_total, after.announced_rate, after.status_429) == (8.0, 8.0, 0)
    assert most_in_a_second(service.instants()) <= 8
    assert [event.kind for event in events] == ["token", "rate"]


def test_a_given_rate_is_lowered_and_never_raised() -> None:
    """What the user set is a ceiling; what the service announces is another."""
    for announced, rate in (("10", 3.0), ("2", 2.0), ("0", 3.0), ("100000", 3.0)):
        service = Service(headers={"X-Ratelimit-Replenish-Rate-Clientidlimiter": announced})

        async def dialogue(api: Client) -> float:
            await api.search(QUESTION)
            return api.stats().rate_s_total

        assert play(service, dialogue) == rate


# ------------------------------------------------------------------------------------------------ several applications


def test_a_refused_application_is_left_behind() -> None:
    """The others do the work, and an event says why."""
    service = Service(token_faults={0: reply(400, b'{"error": "invalid_client"}')})
    events: list[ApiEvent] = []

    async def dialogue(api: Client) -> Any:
        answers = [await api.search(QUESTION) for _ in range(10)]
        return answers, api.stats()

    answers, stats = play(service, dialogue, [application(1), application(2)], observer=events.append)
    assert len(answers) == 10
    assert stats.applications == 1
    dropped = [event for event in events if event.kind == "dropped_application"]
    assert [event.application for event in dropped] == ["app1"]
    assert "invalid_client" in dropped[0].text


def test_all_refused_is_the_account() -> None:
    """And stays so for every later call, without another request."""
    service = Service(token_always=reply(400, b'{"error": "invalid_client"}'))

    async def dialogue(api: Client) -> Any:
        return [await asyncio.gather(api.search(QUESTION), return_exceptions=True) for _ in range(3)]

    errors = play(service, dialogue, [application(1), application(2)])
    assert all(isinstance(error, AccountError) for (error,) in errors)
    assert len({id(error) for (error,) in errors}) == 3
    assert len(service.requests) == 2


def test_a_token_that_does_not_come_leaves_the_work_to_the_others() -> None:
    """One application's trouble with its token costs the others' calls nothing."""

    def fault(request: httpx2.Request) -> httpx2.Response:
        if b"PAR_2" in request.content:
            return httpx2.Response(503)
        return service._grant(request, asyncio.get_running_loop().time())

    service = Service(token_always=fault)

    async def dialogue(api: Client) -> Any:
        return [await api.search(QUESTION) for _ in range(20)]

    answers = play(service, dialogue, [application(1), application(2)])
    assert {answer.tentatives for answer in answers} == {1}
    assert len(service.token_calls) < 10


# --------------------------------------------------------------------------------------------------------- cancellation


@settings(max_examples=60)
@given(after_s=st.floats(0, 4), fault=st.sampled_from([None, "hanging body", "500", "429", "401"]))
def test_cancelled_at_any_moment(after_s: float, fault: str | None) -> None:
    """It passes through at once, leaves no body open, and the client goes on working."""
    service = Service(always=TRANSIENT[fault] if fault else None)

    async def dialogue(api: Client) -> Any:
        calls = [asyncio.ensure_future(api.search(QUESTION)) for _ in range(5)]
        await asyncio.sleep(after_s)
        now = asyncio.get_running_loop().time()
        for call in calls:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert asyncio.get_running_loop().time() == now
        assert all(isinstance(result, Reponse | asyncio.CancelledError) for result in results)
        service.always = None
        await asyncio.sleep(10)
        return await api.search(QUESTION)

    assert play(service, dialogue).total == 353
    assert all(stream.closed for stream in service.streams)


def test_a_client_that_is_not_open_says_so() -> None:
    """A defect of the caller, not the network's."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="async with"):
            await client(Service()).search(QUESTION)

    virtual_loop.run(main())
