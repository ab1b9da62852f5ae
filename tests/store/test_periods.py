"""Cutting into periods: everything is covered, nothing is too big, and a quiet world keeps its cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.periods import Borne, cut_periods

ROWS_MAX = 9
PAIRS = st.sets(st.tuples(st.integers(-5, 30) | st.integers(0, 10**6), st.integers(0, 50)), max_size=120)


def arrays(pairs: set[Borne]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Sorted, as the fold has them."""
    ordered = sorted(pairs)
    return np.array([ms for ms, _ in ordered], np.int64), np.array([key for _, key in ordered], np.uint64)


@given(PAIRS, PAIRS)
def test_a_cut_covers_all_and_fits(pairs: set[Borne], before: set[Borne]) -> None:
    """Whatever the previous cut, even one crowded millisecond: disjoint, whole, in order, never too big or empty."""
    creation_ms, keys = arrays(pairs)
    cut = cut_periods(creation_ms, keys, sorted(before), ROWS_MAX)
    assert [start for start, _, _ in cut] == [0, *(end for _, end, _ in cut[:-1])]
    assert cut[-1][1] == len(pairs)
    assert cut[0][2] is None
    for start, end, borne in cut:
        assert end - start <= ROWS_MAX
        assert end > start or not pairs
        if borne is not None:
            assert (int(creation_ms[start - 1]), int(keys[start - 1])) < borne
            assert borne <= (int(creation_ms[start]), int(keys[start]))


@given(PAIRS, PAIRS)
def test_a_quiet_world_keeps_its_cut(pairs: set[Borne], before: set[Borne]) -> None:
    """Cutting again with one's own cut changes nothing, so unchanged files are the same files."""
    creation_ms, keys = arrays(pairs)
    first = cut_periods(creation_ms, keys, sorted(before), ROWS_MAX)
    again = cut_periods(creation_ms, keys, [borne for _, _, borne in first if borne is not None], ROWS_MAX)
    assert again == first


def test_arrivals_at_the_top_leave_old_periods_alone() -> None:
    """New offers are newer than all others: only the newest period grows."""
    old = {(ms, 0) for ms in range(60)}
    first = cut_periods(*arrays(old), [], ROWS_MAX)
    new = old | {(ms, 0) for ms in range(60, 90)}
    again = cut_periods(*arrays(new), [b for _, _, b in first if b is not None], ROWS_MAX)
    assert again[: len(first) - 1] == first[:-1]
