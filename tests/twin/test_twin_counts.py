"""Counts and rank look-ups by block against counting one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson_twin import Drift, World, WorldSettings
from moisson_twin.columns import PROFIL_PARTS
from moisson_twin.counts import tally_profils


@pytest.fixture(scope="module")
def world() -> World:
    """Five blocks and a bit, a third of them dead."""
    world = World(WorldSettings(offres=5500, seed=3, drift=Drift(2, 6, 1, 1)))
    world.advance_to(300)
    return world


ROWS = st.integers(0, 7000)


@settings(max_examples=60)
@given(a=ROWS, b=ROWS)
def test_tally_of_any_range_is_exact(world: World, a: int, b: int) -> None:
    """Block sums and partial blocks together count each living row of a range once."""
    columns = world.columns
    start, stop = sorted((min(a, columns.size), min(b, columns.size)))
    profils = [PROFIL_PARTS[columns.profil[row]] for row in range(start, stop) if columns.alive[row]]
    tally = world.counts.tally(start, stop)
    assert tally.total == len(profils)
    for part, counts in (("bloc", tally.bloc), ("type", tally.type), ("nature", tally.nature)):
        for index, count in enumerate(counts):
            assert count == sum(getattr(profil, part) == index for profil in profils)
    assert list(tally.experience) == [sum(p.experience == i for p in profils) for i in range(5)]
    assert list(tally.qualification) == [sum(p.qualification == i for p in profils) for i in range(3)]


@settings(max_examples=80)
@given(a=ROWS, b=ROWS, skip=st.integers(0, 6000), count=st.integers(0, 200), bloc=st.sampled_from([None, 0, 1, 2, 3]))
def test_newest_is_the_slice_of_living_rows(
    world: World, a: int, b: int, skip: int, count: int, bloc: int | None
) -> None:
    """The k-th newest living rows of a range are those that a plain scan finds."""
    columns = world.columns
    start, stop = sorted((min(a, columns.size), min(b, columns.size)))
    living = [
        row
        for row in range(stop - 1, start - 1, -1)
        if columns.alive[row] and (bloc is None or PROFIL_PARTS[columns.profil[row]].bloc == bloc)
    ]
    assert world.counts.newest(start, stop, skip, count, bloc).tolist() == living[skip : skip + count]


def test_counts_follow_the_drift(world: World) -> None:
    """After births, deaths and republications the kept counts equal counts made anew."""
    kept = world.counts.tally(0, world.columns.size)
    world.counts.rebuild()
    anew = world.counts.tally(0, world.columns.size)
    for part in ("bloc", "type", "experience", "qualification", "nature"):
        assert np.array_equal(getattr(kept, part), getattr(anew, part))


def test_both_ways_of_counting_profils_agree() -> None:
    """Few profils are counted one by one, many by histogram: the results are the same."""
    rng = np.random.default_rng(0)
    many = rng.integers(0, len(PROFIL_PARTS), 9000).astype(np.uint16)
    whole = tally_profils(many)
    parts = [tally_profils(many[start : start + 3000]) for start in range(0, 9000, 3000)]
    assert whole.total == 9000
    assert np.array_equal(whole.nature, sum(part.nature for part in parts))
    assert np.array_equal(whole.type, sum(part.type for part in parts))
