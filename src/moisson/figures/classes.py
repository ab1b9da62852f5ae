"""Classes of a map: where they are cut, and how their bounds are rounded without telling another story. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Classes", "Methode", "classes_of"]

Methode = Literal["quantiles", "jenks"]
_MOVED_MAX = 0.06
"""Share of the values that rounding the bounds may move into a neighbouring class."""


@dataclass(frozen=True)
class Classes:
    """Classes of values.

    Attributes:
        bornes: bounds in order, one more than classes; a class holds its lower bound, the last one also its upper.
        decimales: digits after the point with which the bounds are exact.
        methode: how they were cut.
    """

    bornes: tuple[float, ...]
    decimales: int
    methode: Methode

    def __len__(self) -> int:
        return len(self.bornes) - 1

    def of(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """The class of each value, from 0."""
        return _classify(values, np.array(self.bornes))


def classes_of(values: npt.NDArray[np.float64], count: int, methode: Methode) -> Classes:
    """Cut values into classes with round bounds, none of them empty.

    Quantiles put about as many territories into each class, so that a map uses all its colours; Jenks looks for the
    cuts with the least spread within classes, so that territories of one colour are alike. Where many values are equal
    there are fewer classes than asked.

    Args:
        values: at least one, finite.
        count: how many classes, from 1.
        methode: how to cut.
    """
    ordered = np.sort(values)
    count = min(count, len(np.unique(ordered)))
    cuts = _jenks(ordered, count) if methode == "jenks" else np.quantile(ordered, np.arange(1, count) / count)
    exact = np.unique(np.concatenate([ordered[:1], cuts, ordered[-1:]]))
    if len(exact) == 1:
        value = float(exact[0])
        return Classes((value, value), next(d for d in range(9) if d == 8 or round(value, d) == value), methode)
    before = _classify(ordered, exact)
    for step, decimales in _steps(float(exact[-1] - exact[0])):
        rounded = np.round(exact / step) * step
        # The outer bounds must hold everything.
        rounded[0] = math.floor(exact[0] / step + 1e-9) * step
        rounded[-1] = math.ceil(exact[-1] / step - 1e-9) * step
        rounded = np.round(rounded, decimales)
        if np.all(np.diff(rounded) > 0) and np.mean(_classify(ordered, rounded) != before) <= _MOVED_MAX:
            break
    return _without_empty(ordered, rounded, decimales, methode)


def _without_empty(
    ordered: npt.NDArray[np.float64], bounds: npt.NDArray[np.float64], decimales: int, methode: Methode
) -> Classes:
    held = np.bincount(_classify(ordered, bounds), minlength=len(bounds) - 1)
    # An empty class is joined to the one below.
    kept = [bounds[0], *(low for low, n in zip(bounds[1:-1], held[1:], strict=True) if n), bounds[-1]]
    if held[0] == 0 and len(kept) > 2:
        kept = kept[1:]
    return Classes(tuple(float(bound) for bound in kept), decimales, methode)


def _classify(values: npt.NDArray[np.float64], bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    found = np.searchsorted(bounds, values + 1e-12 * np.abs(values), side="right") - 1
    return np.clip(found, 0, len(bounds) - 2)


def _steps(extent: float) -> Iterator[tuple[float, int]]:
    """Round steps from about the extent down, each with its digits after the point."""
    top = math.floor(math.log10(extent))
    for power in range(top, top - 8, -1):
        for factor in (5, 2, 1):
            yield factor * 10.0**power, max(0, -power)


def _jenks(ordered: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """The lower bounds of the classes but the first, with the least sum of squares within classes (Fisher)."""
    n = len(ordered)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    squares = np.concatenate([[0.0], np.cumsum(ordered**2)])

    def spread(first: npt.NDArray[np.int64], end: int) -> npt.NDArray[np.float64]:
        total: npt.NDArray[np.float64] = sums[end] - sums[first]
        within: npt.NDArray[np.float64] = squares[end] - squares[first] - total**2 / (end - first)
        return within

    best = np.array([spread(np.array([0]), end)[0] for end in range(1, n + 1)])
    starts = np.zeros((count, n), np.int64)
    for classes in range(1, count):
        following = np.full(n, np.inf)
        for end in range(classes + 1, n + 1):
            first = np.arange(classes, end)
            costs = best[first - 1] + spread(first, end)
            chosen = int(np.argmin(costs))
            following[end - 1], starts[classes, end - 1] = costs[chosen], first[chosen]
        best = following
    cuts, end = [], n
    for classes in range(count - 1, 0, -1):
        end = int(starts[classes, end - 1])
        cuts.append(ordered[end])
    return np.array(cuts[::-1])
