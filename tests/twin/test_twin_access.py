"""Who gets in: tokens, their refusals and their end; quotas and the headers that tell of them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson_twin import Settings, World
from moisson_twin.quota import Bucket, Window

Make = Callable[..., Any]


def test_a_token(call: Make, still: World) -> None:
    """27 opaque characters for 1499 seconds, never to be stored."""
    answer = call(still).ask_token()
    assert answer.status_code == 200
    body = answer.json()
    assert body == {
        "scope": "api_offresdemploiv2 o2dsoffre",
        "expires_in": 1499,
        "token_type": "Bearer",
        "access_token": body["access_token"],
    }
    assert re.fullmatch(r"[\w-]{27}", body["access_token"])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


@pytest.mark.parametrize("realm", ["?realm=%2Fpartenaire", "?realm=/partenaire"])
def test_the_realm_may_be_plain_or_encoded(call: Make, still: World, realm: str) -> None:
    """Both spellings are the same query string value."""
    assert call(still).ask_token(realm=realm).status_code == 200


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"client_id": "PAR_unknown"}, "invalid_client", "Client authentication failed"),
        ({"client_secret": "wrong"}, "invalid_client", "Client authentication failed"),
        ({"client_secret": "5" * 64 + "\n"}, "invalid_client", "Client authentication failed"),
        ({"scope": "api_quinexistepasv0"}, "invalid_scope", "Unknown/invalid scope(s): [api_quinexistepasv0]"),
        ({"grant_type": "implicit_grant"}, "unsupported_grant_type", "Grant type is not supported: implicit_grant"),
        (
            {"grant_type": "refresh_token"},
            "invalid_grant",
            "The provided access grant is invalid, expired, or revoked.",
        ),
    ],
)
def test_token_refusals(call: Make, still: World, form: dict[str, str], error: str, description: str) -> None:
    """The four documented errors, word for word."""
    answer = call(still).ask_token(**form)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json() == {"error": error, "error_description": description}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("realm", ["", "?realm=partenaire", "?realm=%2Findividu"])
def test_a_wrong_realm_is_refused(call: Make, still: World, realm: str) -> None:
    """The message mentions it."""
    answer = call(still).ask_token(realm=realm)
    assert answer.status_code == 400
    assert "Invalid realm" in answer.text


def test_basic_credentials_are_rejected(call: Make, still: World) -> None:
    """Status 409 with a page of HTML."""
    path = "/connexion/oauth2/access_token?realm=%2Fpartenaire"
    answer = call(still).request(
        "POST", path, data={"grant_type": "client_credentials"}, headers={"Authorization": "Basic YTpi"}
    )
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("text/html")


def test_an_application_without_the_api_is_an_invalid_client(call: Make, still: World) -> None:
    """As the service says when the API is not attached or its licence not accepted."""
    detached = (Settings().clients[0][0],)
    caller = call(still, detached_clients=detached)
    assert caller.ask_token().json()["error"] == "invalid_client"
    assert caller.ask_token(client=1).status_code == 200


def test_a_token_for_one_scope_only_opens_nothing(call: Make, still: World) -> None:
    """403 with a token that lacks one of the two scopes."""
    caller = call(still)
    token = caller.ask_token(scope="o2dsoffre").json()["access_token"]
    answer = caller.get("/offres/search", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic YTpi"])
@pytest.mark.parametrize("path", ["/offres/search", "/offres/048KLTP", "/referentiel/regions"])
def test_without_a_good_token_nothing_opens(call: Make, still: World, path: str, authorization: str) -> None:
    """401 with an empty body."""
    answer = call(still).get(path, headers={"Authorization": authorization})
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_ends_on_the_clock(call: Make, still: World) -> None:
    """Good until 1499 s have passed; a second token does not end the first."""
    caller = call(still)
    assert caller.search(range_="0-0").status_code == 206
    assert caller.ask_token().status_code == 200
    caller.now_s += 1498.9
    assert caller.search(range_="0-0").status_code == 206
    caller.now_s += 0.1
    assert caller.search(range_="0-0").status_code == 401


# --- quota ----------------------------------------------------------------------------------------------------------


def test_the_bucket_and_its_headers(call: Make, still: World) -> None:
    """Ten calls at once, the eleventh refused with Retry-After: 1, one more after a tenth of a second."""
    caller = call(still, quota_per_s=10)
    answers = [caller.search(range_="0-0") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [206] * 10 + [429]
    assert [answer.headers["x-ratelimit-remaining-clientidlimiter"] for answer in answers][:3] == ["9", "8", "7"]
    for name in ("burst-capacity", "replenish-rate"):
        assert answers[0].headers[f"x-ratelimit-{name}-clientidlimiter"] == "10"
        assert answers[0].headers[f"x-ratelimit-{name}-defaultlimiter"] == "100"
    assert answers[0].headers["x-ratelimit-requested-tokens-clientidlimiter"] == "1"
    assert answers[10].headers["retry-after"] == "1"
    assert answers[10].headers["content-type"].startswith("text/plain")
    assert answers[10].headers["x-ratelimit-remaining-clientidlimiter"] == "0"
    caller.now_s += 0.1
    assert [caller.search(range_="0-0").status_code for _ in range(2)] == [206, 429]


def test_quota_is_by_application_and_covers_every_resource(call: Make, still: World) -> None:
    """Two applications have a quota each; details and lists count as searches do."""
    caller = call(still, quota_per_s=2)
    assert caller.get("/referentiel/regions").status_code == 200
    assert caller.get("/offres/000BBBB").status_code == 204
    assert caller.search(range_="0-0").status_code == 429
    assert caller.search(client=1, range_="0-0").status_code == 206


def test_quota_or_its_headers_may_be_off(call: Make, still: World) -> None:
    """Settings."""
    assert {call(still).search(range_="0-0").status_code for _ in range(30)} == {206}
    silent = call(still, quota_per_s=1, quota_headers=False)
    answers = [silent.search(range_="0-0") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [206, 429]
    assert not any(name.startswith("x-ratelimit") for answer in answers for name in answer.headers)


def test_the_strict_window(call: Make, still: World) -> None:
    """A burst at the end of one second and another at the start of the next are too many in one second."""
    for mode, last in (("bucket", 206), ("window", 429)):
        caller = call(still, quota_per_s=3, quota_mode=mode)
        statuses = []
        for wait_s in (0.0, 0.9, 0.0, 0.05):
            caller.now_s += wait_s
            statuses.append(caller.search(range_="0-0").status_code)
        assert statuses == [206, 206, 206, last]


@given(st.lists(st.floats(0, 0.7), min_size=1, max_size=80), st.integers(1, 10))
def test_the_window_never_lets_too_many_pass(waits: list[float], rate: int) -> None:
    """In any period of one second at most ``rate`` calls are accepted."""
    window = Window(rate)
    now, accepted = 0.0, []
    for wait in waits:
        now += wait
        if window.take(now):
            accepted.append(now)
    for first in accepted:
        assert sum(first <= later < first + 1 for later in accepted) <= rate


@given(st.lists(st.floats(0, 0.7), min_size=1, max_size=80), st.integers(1, 10))
def test_the_bucket_never_lets_more_than_burst_and_rate_pass(waits: list[float], rate: int) -> None:
    """Over any period at most ``rate`` calls plus ``rate`` a second are accepted."""
    bucket = Bucket(rate)
    now, accepted = 0.0, 0
    for wait in waits:
        now += wait
        accepted += bucket.take(now)
    assert accepted <= rate + now * rate + 1e-6
