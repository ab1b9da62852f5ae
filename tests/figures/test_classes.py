"""Classes of a map: nothing is lost, none is empty, and rounding tells no other story."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.figures.classes import Methode, classes_of

VALUES = st.lists(
    st.floats(0, 1e6, allow_nan=False, allow_subnormal=False).map(lambda x: round(x, 3)), min_size=1, max_size=60
)
METHODS: list[Methode] = ["quantiles", "jenks"]


@given(VALUES, st.integers(1, 6), st.sampled_from(METHODS))
def test_every_value_has_a_class_and_every_class_a_value(values: list[float], count: int, methode: Methode) -> None:
    """Bounds rise and hold all values between them; what the legend says of a value is true of it."""
    found = classes_of(np.array(values), count, methode)
    assert 1 <= len(found) <= count
    assert list(found.bornes) == sorted(found.bornes)
    assert found.bornes[0] <= min(values)
    assert max(values) <= found.bornes[-1]
    which = found.of(np.array(values))
    assert set(which) == set(range(len(found)))
    for value, at in zip(values, which, strict=True):
        low, high = found.bornes[at : at + 2]
        assert low <= value + 1e-9 * abs(value)
        assert value < high or (at == len(found) - 1 and value == high)


@given(VALUES, st.integers(1, 6), st.sampled_from(METHODS))
def test_bounds_are_as_the_legend_writes_them(values: list[float], count: int, methode: Methode) -> None:
    """Written with the digits that they are said to have, they are the same."""
    found = classes_of(np.array(values), count, methode)
    assert [round(bound, found.decimales) for bound in found.bornes] == list(found.bornes)


@given(st.lists(st.integers(0, 50), min_size=3, max_size=12, unique=True), st.integers(2, 3))
def test_jenks_cuts_where_the_spread_within_is_least(values: list[int], count: int) -> None:
    """Against all ways of cutting: the natural breaks before rounding are the best."""
    from moisson.figures.classes import _jenks

    def spread(parts: list[np.ndarray]) -> float:
        return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)

    ordered = np.sort(np.array(values, dtype=np.float64))
    cuts = _jenks(ordered, count)
    ours = spread(np.split(ordered, np.searchsorted(ordered, cuts)))
    places = itertools.combinations(range(1, len(ordered)), count - 1)
    assert ours == pytest.approx(min(spread(np.split(ordered, list(at))) for at in places), abs=1e-6)


def test_quantiles_share_out_and_are_round() -> None:
    """A hundred values make five classes of about twenty, with bounds that one can read."""
    values = np.random.default_rng(1).lognormal(2, 0.5, 101)
    found = classes_of(values, 5, "quantiles")
    assert all(17 <= n <= 24 for n in np.bincount(found.of(values)))
    assert found.decimales <= 1
