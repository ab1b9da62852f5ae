"""Every named misbehaviour does what its name says, to the calls that were chosen and to no others."""

import asyncio
import gzip
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from moisson_twin import World
from moisson_twin.__main__ import list_faults
from moisson_twin.faults import FAULTS, FaultError, Faults, When, parse_fault
from moisson_twin.reply import ConnexionCoupee

Make = Callable[..., Any]


def statuses(caller: Any, count: int) -> list[int]:
    """The statuses of so many searches of one row."""
    return [caller.search(range_="0-0").status_code for _ in range(count)]


# --- which calls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("reply_500:at=1", {1}),
        ("reply_500:at=0|3-5", {0, 3, 4, 5}),
        ("reply_500:every=3", {2, 5, 8}),
        ("reply_500:times=2", {0, 1}),
        ("reply_500", set(range(9))),
        ("reply_500:on=offre", set()),
        ("token_down", set()),
    ],
)
def test_a_fault_strikes_the_calls_it_names(call: Make, still: World, text: str, struck: set[int]) -> None:
    """Numbers count from 0 among the searches that pass the quota."""
    caller = call(still, faults=(text,))
    if text == "token_down":
        assert caller.ask_token().status_code == 503
        return
    assert {number for number, status in enumerate(statuses(caller, 9)) if status == 500} == struck


def test_probability_is_drawn_from_the_seed(call: Make, still: World) -> None:
    """A quarter of the calls, the same ones at each run."""
    runs = [statuses(call(still, faults=("reply_503:p=0.25",)), 60) for _ in range(2)]
    assert runs[0] == runs[1]
    assert 5 < runs[0].count(503) < 28


@pytest.mark.parametrize(
    "text",
    [
        "unknown",
        "reply_500:at",
        "reply_500:at=x",
        "reply_500:colour=red",
        "drop:p=often",
        "latency:max",
        "latency:max=slow",
    ],
)
def test_a_misspelt_fault_is_refused(text: str) -> None:
    """The error says what exists."""
    with pytest.raises(FaultError, match=r"reply_500|key|read|latency|drop"):
        parse_fault(text)


def test_every_fault_is_listed() -> None:
    """The list names each with its keys."""
    text = list_faults()
    assert all(f"{name}" in text for name in FAULTS)
    assert "retry_after=1" in text


# --- another answer -------------------------------------------------------------------------------------------------


def test_expire_token(call: Make, still: World) -> None:
    """401 once, and the token stays dead until another is asked."""
    caller = call(still, faults=("expire_token:at=1",))
    assert statuses(caller, 4) == [206, 401, 401, 401]
    token = caller.ask_token().json()["access_token"]
    answer = caller.get("/offres/search", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 206


def test_a_storm_of_401(call: Make, still: World) -> None:
    """401 for a while although the token is good."""
    assert statuses(call(still, faults=("reply_401:at=1-3",)), 5) == [206, 401, 401, 401, 206]


@pytest.mark.parametrize(
    ("value", "header"),
    [("0", "0"), ("1", "1"), ("60", "60"), ("-5", "-5"), ("absent", None), ("soon", "soon"),
     ("Mon;_23_Nov_2026_10:00:00_GMT", "Mon, 23 Nov 2026 10:00:00 GMT")],
)  # fmt: skip
def test_reply_429(call: Make, still: World, value: str, header: str | None) -> None:
    """Any Retry-After, or none."""
    answer = call(still, faults=(f"reply_429:retry_after={value}",)).search()
    assert answer.status_code == 429
    assert answer.headers.get("retry-after") == header


@pytest.mark.parametrize(
    ("name", "status", "media_type"),
    [
        ("reply_403", 403, None),
        ("reply_500", 500, "application/json"),
        ("reply_502", 502, "text/html; charset=utf-8"),
        ("reply_503", 503, "text/html; charset=utf-8"),
        ("reply_504", 504, "text/html; charset=utf-8"),
        ("html_under_200", 200, "text/html; charset=utf-8"),
        ("nothing", 204, None),
    ],
)
def test_error_pages(call: Make, still: World, name: str, status: int, media_type: str | None) -> None:
    """Status and type of each."""
    answer = call(still, faults=(name,)).search()
    assert (answer.status_code, answer.headers.get("content-type")) == (status, media_type)


# --- the wire -------------------------------------------------------------------------------------------------------


def test_drop_raises_in_process(call: Make, still: World) -> None:
    """In process a dropped connection is an exception; over a port it is a reset (see the command line's tests)."""
    with pytest.raises(ConnexionCoupee):
        call(still, faults=("drop",)).search()


def test_break_body_raises_half_way(call: Make, still: World) -> None:
    """The same, after some bytes of the body."""
    with pytest.raises(ConnexionCoupee):
        call(still, faults=("break_body",)).search()


def test_hang_and_latency_wait(call: Make, still: World) -> None:
    """They sleep by the sleep handed in: an hour, or between two bounds."""
    hanging = call(still, faults=("hang:on=search",))
    hanging.search()
    assert hanging.slept_s == [3600.0]
    slow = call(still, faults=("latency:min=0.2,max=0.3,on=search",))
    statuses(slow, 5)
    assert len(slow.slept_s) == 5
    assert all(0.2 <= slept <= 0.3 for slept in slow.slept_s)


def test_truncate_body_cuts_the_gzip_stream(call: Make, still: World) -> None:
    """Half the bytes; what can still be decompressed is no JSON."""
    caller = call(still, faults=("truncate_body",))
    assert len(call(still).page()) == 150
    answer = caller.search()
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


def test_no_content_range(call: Make, still: World) -> None:
    """The body is right, the header is missing."""
    answer = call(still, faults=("no_content_range",)).search()
    assert answer.status_code == 206
    assert "content-range" not in answer.headers
    assert len(answer.json()["resultats"]) == 150


# --- the search and the page ----------------------------------------------------------------------------------------


def test_ignored_parameters(call: Make, still: World) -> None:
    """Dates by default, any parameter by name, or the order."""
    dates = {"minCreationDate": "2001-01-01T00:00:00Z", "maxCreationDate": "2001-01-02T00:00:00Z"}
    assert call(still, faults=("ignore_filter",)).total(**dates) == 3000
    assert call(still, faults=("ignore_filter:name=origineOffre|experience",)).total(origineOffre="1") == 3000
    unsorted = call(still, faults=("ignore_sort",)).page(sort="1")
    assert unsorted == call(still).page(sort="0")


def test_a_page_repeated(call: Make, still: World) -> None:
    """The rows of the page before under the range asked."""
    caller = call(still, faults=("repeat_page:at=1",))
    first = caller.page(sort="1")
    again = caller.search(sort="1", range_="150-299")
    assert again.json()["resultats"] == first
    assert again.headers["content-range"] == "offres 150-299/3000"
    assert caller.page(sort="1", range_="300-449") != first


def test_rows_missing(call: Make, still: World) -> None:
    """From the middle, or all, while Content-Range promises them."""
    short = call(still, faults=("short_page:missing=3",)).search(sort="1")
    whole = call(still).page(sort="1")
    assert short.headers["content-range"] == "offres 0-149/3000"
    ids = [offre["id"] for offre in short.json()["resultats"]]
    assert len(ids) == 147
    assert ids[0] == whole[0]["id"]
    assert ids[-1] == whole[-1]["id"]
    empty = call(still, faults=("empty_page",)).search()
    assert (empty.status_code, empty.json()["resultats"]) == (206, [])
    assert empty.headers["content-range"].endswith("/3000")


@pytest.mark.parametrize("by", [-2, -1, 1, 500])
def test_total_off(call: Make, still: World, by: int) -> None:
    """The announced total is wrong, the counts beside it are right."""
    answer = call(still, faults=(f"total_off:by={by}",)).search()
    assert answer.headers["content-range"] == f"offres 0-149/{3000 + by}"
    assert sum(item["nbResultats"] for item in answer.json()["filtresPossibles"][3]["agregation"]) == 3000


def test_bodies_that_surprise(call: Make, still: World) -> None:
    """Unknown keys, changed types, nulls, a huge text: still JSON; and one that is none."""
    unknown = call(still, faults=("unknown_keys",)).search().json()
    assert "teletravail" in unknown["resultats"][0]
    assert "meta" in unknown
    changed = call(still, faults=("changed_type",)).page()[0]
    assert changed["nombrePostes"] in [str(number) for number in range(1, 11)]
    assert changed["romeCode"] == 4242
    assert call(still, faults=("null_object",)).page()[0]["entreprise"] is None
    huge = call(still, faults=("huge_description:megabytes=2",)).search(range_="0-1")
    assert len(huge.json()["resultats"][0]["description"].encode()) == 2_000_000
    broken = call(still, faults=("invalid_json",)).search()
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.content)


def test_several_faults_at_once(call: Make, still: World) -> None:
    """Each spoils its own step."""
    caller = call(still, faults=("total_off:by=7", "short_page", "no_content_range:at=1", "reply_500:at=2"))
    assert caller.search().headers["content-range"].endswith("/3007")
    assert "content-range" not in caller.search().headers
    assert caller.search().status_code == 500


def test_dice_are_not_shared_with_the_world(still: World) -> None:
    """Faults drawn at random do not change which offers live: they have dice of their own."""
    faults = Faults(["reply_500:p=0.5"], seed=1)
    assert isinstance(faults.dice, random.Random)
    assert When(p=0.5).strikes("search", 0, random.Random(3)) in (True, False)


def test_gzip_is_what_a_decompressor_reads(call: Make, still: World) -> None:
    """Compressed when asked, four to five times smaller at the usual level; plain otherwise."""
    caller = call(still)
    plain = caller.search(headers={}).json()
    token = caller.ask_token().json()["access_token"]
    sizes = {}

    async def raw(accept: str) -> None:
        import httpx2

        from moisson_twin import create_app

        app = create_app(caller.settings, still)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://twin") as client:
            form = dict(zip(("client_id", "client_secret"), caller.settings.clients[0], strict=True))
            form |= {"grant_type": "client_credentials", "scope": "api_offresdemploiv2 o2dsoffre"}
            answer = await client.post("/connexion/oauth2/access_token?realm=%2Fpartenaire", data=form)
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "Accept-Encoding": accept}
            url = "/partenaire/offresdemploi/v2/offres/search"
            async with client.stream("GET", url, headers=headers) as answer:
                body = b"".join([part async for part in answer.aiter_raw()])
                sizes[accept] = len(body)
                decoded = gzip.decompress(body) if answer.headers.get("content-encoding") == "gzip" else body
                assert json.loads(decoded) == plain

    for accept in ("gzip", "identity"):
        asyncio.run(raw(accept))
    assert token
    assert sizes["identity"] > 3.3 * sizes["gzip"]
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
    assert 4 < len(text) / len(zlib.compress(text, 6)) < 6
    assert 450_000 < len(text) < 680_000
