"""In which order a search shows its rows, and how pages move with the world."""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from moisson_twin import Crowd, Drift, World, WorldSettings

Offres = list[dict[str, Any]]
Make = Callable[..., Any]


def origine(offre: dict[str, Any]) -> str:
    """1 or 2."""
    return offre["origineOffre"]["origine"]  # type: ignore[no-any-return]


def departement(offre: dict[str, Any]) -> str | None:
    """What stands before the dash of the place's label."""
    match = re.match(r"(\d\d|2[AB]|97\d) - ", offre["lieuTravail"]["libelle"])
    return match[1] if match else None


# --- orders ---------------------------------------------------------------------------------------------------------


def walk(caller: Any, **criteria: str) -> Offres:
    """All pages of a search."""
    pages = [
        caller.page(range_=f"{start}-{start + 149}", **criteria) for start in range(0, caller.total(**criteria), 150)
    ]
    return [offre for page in pages for offre in page]


def test_sort_1_is_newest_first_and_misses_none(call: Make, still: World, offres: Offres) -> None:
    """All pages together are all offers, by falling dateCreation, in the same order at each call."""
    caller = call(still)
    walked = walk(caller, sort="1")
    assert [offre["id"] for offre in walked] == [offre["id"] for offre in offres]
    dates = [offre["dateCreation"] for offre in walked]
    assert dates == sorted(dates, reverse=True)
    assert walk(caller, sort="1") == walked


def test_sort_1_with_a_criterion(call: Make, still: World, offres: Offres) -> None:
    """The order does not depend on the way the rows were found."""
    walked = walk(call(still), sort="1", origineOffre="2")
    assert [offre["id"] for offre in walked] == [offre["id"] for offre in offres if origine(offre) == "2"]


@pytest.mark.parametrize("criteria", [{}, {"dureeHebdo": "0"}])
def test_sort_0_is_blocks_own_first(call: Make, still: World, criteria: dict[str, str]) -> None:
    """Own offers come before partners'; dates fall inside blocks and jump up at their borders."""
    walked = walk(call(still), **criteria)
    origins = [origine(offre) for offre in walked]
    assert origins == sorted(origins)
    dates = [offre["dateCreation"] for offre in walked]
    jumps = sum(later > earlier for earlier, later in itertools.pairwise(dates))
    assert 1 <= jumps <= 3
    assert len({offre["id"] for offre in walked}) == len(walked)


def test_sort_2_is_nearest_first(call: Make) -> None:
    """With a commune, distance rules."""
    caller = call(offres=20_000)
    nearest = caller.page(commune="69123", distance="40", sort="2")
    assert {departement(offre) for offre in nearest[:5]} == {"69"}
    assert caller.total(commune="69123", distance="40", sort="2") == caller.total(commune="69123", distance="40")


@pytest.mark.parametrize("unit", ["instant", "second"])
@pytest.mark.parametrize("criteria", [{}, {"dureeHebdo": "0"}])
def test_unstable_ties_reorder_equal_dates_only(call: Make, unit: str, criteria: dict[str, str]) -> None:
    """Two calls give equal dates in another order; each call alone is a correct page."""
    world = World(WorldSettings(offres=200, drift=Drift.none(), crowded=(Crowd(300),)))
    caller = call(world, unstable_ties=unit)
    pages = [caller.page(sort="1", range_="50-199", **criteria) for _ in range(3)]
    cut = 19 if unit == "second" else 24
    for page in pages:
        dates = [offre["dateCreation"][:cut] for offre in page]
        assert dates == sorted(dates, reverse=True)
        assert len({offre["id"] for offre in page}) == len(page)
    assert len({tuple(offre["id"] for offre in page) for page in pages}) == 3
    steady = call(world).page(sort="1", range_="50-199", **criteria)
    assert [o["dateCreation"][:cut] for o in steady] == [o["dateCreation"][:cut] for o in pages[0]]


def test_a_page_of_another_range_under_unstable_ties_may_repeat_and_miss(call: Make) -> None:
    """This is the trouble that the setting is for: pages of one group of ties overlap."""
    world = World(WorldSettings(offres=0, drift=Drift.none(), crowded=(Crowd(600),)))
    walked = walk(call(world, unstable_ties="second"), sort="1")
    assert len(walked) == 600 > len({offre["id"] for offre in walked})


# --- drift ----------------------------------------------------------------------------------------------------------


def test_the_world_moves_with_the_calls(call: Make) -> None:
    """The k-th search happens at k / 3 s of the world's time; totals follow births and deaths."""
    caller = call(offres=1000, drift=Drift(20, 5, 0, 0))
    totals = [caller.total() for _ in range(30)]
    assert caller.world.time_s == pytest.approx(10)
    assert totals[-1] > totals[0] + 50
    assert caller.total() == caller.world.total


def test_the_world_may_follow_the_clock(call: Make) -> None:
    """With world_clock="clock" only the clock handed in moves the world."""
    caller = call(offres=1000, drift=Drift(20, 5, 0, 0), world_clock="clock")
    before = caller.total()
    assert caller.total() == before
    caller.now_s += 100
    assert caller.total() > before
    assert caller.world.time_s == pytest.approx(100)


def test_a_page_holds_the_truth_of_its_instant(call: Make) -> None:
    """Every offer shown is alive and equal to what the world tells of it."""
    caller = call(offres=300, drift=Drift(5, 5, 5, 1))
    for _ in range(5):
        for offre in caller.page(sort="1"):
            assert caller.world.offre(offre["id"]) == offre
    assert json.dumps(caller.page()[0])
