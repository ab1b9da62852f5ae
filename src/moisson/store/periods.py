"""Cutting the offers into files by period of creation. Pure.

The cut of the previous generation is kept where it can be, so that a period in which nothing changed is the very same
file. A period that grew too big is split, small neighbours are merged. An offer's place is the pair (creation, key of
its id), so that even a single crowded millisecond can be cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["ROWS_MAX", "Borne", "cut_periods"]

ROWS_MAX = 14_000
"""Most offers in one file of `offres`: a fold holds some files' worth at once, about 10 kB an offer."""

Borne = tuple[int, int]
"""Lower end of a period, included: (creation in ms, key of the id)."""


def cut_periods(
    creation_ms: npt.NDArray[np.int64],
    keys: npt.NDArray[np.uint64],
    before: Sequence[Borne],
    rows_max: int,
) -> list[tuple[int, int, Borne | None]]:
    """Cut rows into periods.

    Args:
        creation_ms, keys: the rows, sorted by creation then key, oldest first.
        before: lower ends of the previous cut, in any order, without the oldest period's.
        rows_max: most rows that a period may hold; at least 8. New periods hold about two thirds of it.

    Returns:
        For each period, oldest first: index of its first row, index past its last one, lower end (None for the
        oldest). Periods cover all rows and none is empty, except the only one of no rows at all.
    """
    n = len(keys)
    positions: dict[int, Borne | None] = {_position(creation_ms, keys, borne): borne for borne in sorted(before)}
    positions.pop(n, None)
    positions[0] = None  # the oldest period takes whatever is older still
    starts = sorted(positions)
    cuts: list[tuple[int, int, Borne | None]] = []
    for start, end in zip(starts, [*starts[1:], n], strict=True):
        borne = positions.get(start)
        if cuts and _mergeable(cuts[-1][1] - cuts[-1][0], end - start, rows_max):
            cuts[-1] = (cuts[-1][0], end, cuts[-1][2])
        else:
            cuts.append((start, end, borne))
    return [part for cut in cuts for part in _split(creation_ms, keys, *cut, rows_max)]


def _mergeable(left: int, right: int, rows_max: int) -> bool:
    return min(left, right) < rows_max // 8 and left + right <= rows_max


def _split(
    creation_ms: npt.NDArray[np.int64],
    keys: npt.NDArray[np.uint64],
    start: int,
    end: int,
    borne: Borne | None,
    rows_max: int,
) -> list[tuple[int, int, Borne | None]]:
    size = end - start
    if size <= rows_max:
        return [(start, end, borne)]
    parts = -(-size // (rows_max * 2 // 3))
    edges = [start + size * i // parts for i in range(parts + 1)]
    bornes = [borne, *((int(creation_ms[i]), int(keys[i])) for i in edges[1:-1])]
    return list(zip(edges[:-1], edges[1:], bornes, strict=True))


def _position(creation_ms: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64], borne: Borne) -> int:
    """Index of the first row at or after a lower end."""
    ms, key = borne
    left = int(np.searchsorted(creation_ms, ms, "left"))
    right = int(np.searchsorted(creation_ms, ms, "right"))
    return left + int(np.searchsorted(keys[left:right], np.uint64(key), "left"))
