"""Which rows a search may show: ranges, and windows of creation dates with their bounds and clocks."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from moisson_twin import Drift, World, WorldSettings

Offres = list[dict[str, Any]]
Make = Callable[..., Any]


# --- ranges ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("range_", "message"),
    [
        ("0-150", "La plage de résultats demandée est trop importante."),
        ("0-200", "La plage de résultats demandée est trop importante."),
        ("3000-3150", "La plage de résultats demandée est trop importante."),
        ("3001-3100", "La position de début doit être inférieure ou égale à 3000."),
        ("3100-3149", "La position de début doit être inférieure ou égale à 3000."),
        ("abc", "Format du paramètre « range » incorrect. <entier>-<entier> attendu."),
        ("10", "Format du paramètre « range » incorrect. <entier>-<entier> attendu."),
        ("9-3", "Format du paramètre « range » incorrect. <entier>-<entier> attendu."),
        ("-1-3", "Format du paramètre « range » incorrect. <entier>-<entier> attendu."),
    ],
)
def test_ranges_refused(call: Make, still: World, range_: str, message: str) -> None:
    """Each wrong range gets its 400, word for word, with a codeErreur of 13 digits."""
    answer = call(still).search(range_=range_)
    assert answer.status_code == 400
    body = answer.json()
    assert body["message"] == message
    assert body["codeHttp"] == 400
    assert re.fullmatch(r"\d{13}", body["codeErreur"])


@pytest.mark.parametrize(
    ("range_", "content_range", "rows"),
    [
        (None, "offres 0-149/4000", 150),
        ("0-149", "offres 0-149/4000", 150),
        ("3000-3149", "offres 3000-3149/4000", 150),
        ("3000-3005", "offres 3000-3005/4000", 6),
        ("0-0", "offres 0-0/4000", 1),
    ],
)
def test_ranges_accepted(call: Make, range_: str | None, content_range: str, rows: int) -> None:
    """Content-Range names the first and last row shown and the uncapped total; page and size are ignored."""
    caller = call(offres=4000)
    answer = caller.search(page="3", size="7", **({"range": range_} if range_ else {}))
    assert answer.status_code == 206
    assert answer.headers["content-range"] == content_range
    assert answer.headers["accept-range"] == "150"
    assert len(answer.json()["resultats"]) == rows


def test_a_page_beyond_the_end_is_cut(call: Make) -> None:
    """The last index is the real one; a page that reaches the total has status 200, or 206 by setting."""
    answer = call(offres=353).search(range_="300-449")
    assert (answer.status_code, answer.headers["content-range"]) == (200, "offres 300-352/353")
    assert call(offres=353, last_page_status=206).search(range_="300-449").status_code == 206


def test_a_start_beyond_the_end_is_empty(call: Make) -> None:
    """204 with the verbatim range of the one recorded answer."""
    answer = call(offres=353).search(range_="353-400")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["content-range"] == "offres -1--1/353"


def test_no_match_is_empty(call: Make, still: World) -> None:
    """204 with */0 when nothing matches."""
    answer = call(still).search(minCreationDate="2001-01-01T00:00:00Z", maxCreationDate="2001-01-02T00:00:00Z")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["content-range"] == "*/0"


def test_window_size_is_a_setting(call: Make) -> None:
    """Small pages and a small depth, for simulations; messages name the setting."""
    caller = call(offres=300, page_size=10, start_max=50)
    assert caller.search().headers["content-range"] == "offres 0-9/300"
    assert caller.search(range_="50-59").status_code == 206
    assert caller.search(range_="0-10").status_code == 400
    assert "égale à 50." in caller.search(range_="51-55").json()["message"]


# --- dates ----------------------------------------------------------------------------------------------------------


def test_dates_go_together(call: Make, still: World) -> None:
    """One bound without the other is refused."""
    answer = call(still).search(minCreationDate="2026-01-01T00:00:00Z")
    assert answer.status_code == 400
    assert "dépendants" in answer.json()["message"]


@pytest.mark.parametrize("name", ["minCreationDate", "maxCreationDate"])
def test_a_malformed_date_is_refused(call: Make, still: World, name: str) -> None:
    """The message names the parameter."""
    dates = {"minCreationDate": "2026-01-01T00:00:00Z", "maxCreationDate": "2026-02-01T00:00:00Z"} | {name: "hier"}
    assert call(still).search(**dates).json()["message"] == f"Format du paramètre « {name} » incorrect."


def test_a_window_holds_exactly_its_offers(call: Make, still: World, offres: Offres) -> None:
    """Inclusive bounds compared with the dates that offers show."""
    low, high = offres[2500]["dateCreation"][:19] + "Z", offres[400]["dateCreation"][:19] + "Z"
    expected = sum(low[:19] + ".000Z" <= o["dateCreation"] <= high[:19] + ".000Z" for o in offres)
    assert call(still).total(minCreationDate=low, maxCreationDate=high) == expected


@pytest.mark.parametrize(
    ("bound_min", "bound_max", "expected"),
    [
        ("inclusive", "inclusive", {0}), ("exclusive", "inclusive", set()), ("inclusive", "exclusive", set()),
        ("inclusive", "whole_second", {0, 250, 999}), ("exclusive", "whole_second", {250, 999}),
    ],
)  # fmt: skip
def test_bounds_at_the_millisecond(call: Make, bound_min: str, bound_max: str, expected: set[int]) -> None:
    """A window [s, s] over offers at s, s + 250 ms, s + 999 ms and s + 1 s, under each reading of the bounds."""
    world = World(WorldSettings(offres=0, drift=Drift.none()))
    for second in (10.0, 10.25, 10.999, 11.0):
        world.advance_to(second)
        world.publish(1, own=True)
    caller = call(world, bound_min=bound_min, bound_max=bound_max)
    second_text = "2026-10-15T09:30:10Z"
    answer = caller.search(minCreationDate=second_text, maxCreationDate=second_text)
    found = [] if answer.status_code == 204 else answer.json()["resultats"]
    assert {int(offre["dateCreation"][20:23]) for offre in found} == expected


@pytest.mark.parametrize("filter_clock", ["utc", "paris"])
@pytest.mark.parametrize("shown_clock", ["utc", "paris"])
def test_the_two_clocks(call: Make, filter_clock: str, shown_clock: str) -> None:
    """An offer born at 09:30:00 UTC in October shows and is found at 09:30 or 11:30, by setting."""
    world = World(WorldSettings(offres=0, drift=Drift.none()))
    world.publish(1, own=False)
    caller = call(world, filter_clock=filter_clock, shown_clock=shown_clock)
    hour = {"utc": "09", "paris": "11"}
    second = f"2026-10-15T{hour[filter_clock]}:30:00Z"
    (offre,) = caller.page(minCreationDate=second, maxCreationDate=second)
    assert offre["dateCreation"] == f"2026-10-15T{hour[shown_clock]}:30:00.000Z"


def test_a_future_bound_may_be_refused(call: Make, still: World) -> None:
    """Accepted by default, refused by setting."""
    dates = {"minCreationDate": "2026-01-01T00:00:00Z", "maxCreationDate": "2030-01-01T00:00:00Z"}
    assert call(still).search(**dates).status_code == 206
    assert call(still, refuse_future=True).search(**dates).status_code == 400


def test_publiee_depuis(call: Make, still: World, offres: Offres) -> None:
    """Offers of the last 7 days; other numbers of days are refused."""
    caller = call(still)
    expected = sum(offre["dateCreation"] >= "2026-10-08T09:30:00.000Z" for offre in offres)
    assert caller.total(publieeDepuis="7") == expected
    assert caller.search(publieeDepuis="5").json()["message"] == (
        "Format du paramètre « publieeDepuis » incorrect. 1, 3, 7, 14 ou 31 attendu."
    )
