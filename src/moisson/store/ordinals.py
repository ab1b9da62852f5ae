"""Runs as ordinals: four bytes name the run that first saw an offer, and date it. Pure.

A store records its runs in a list that only grows, so the place of a run in it never comes to mean another. Each has an
instant, later than that of the run before it even when the clock was set back between the two: questions about any past
run need no other order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from moisson.store.colonne import MS
from moisson.store.layout import begun_s

__all__ = ["Ordinals", "Rangs"]

Rangs = npt.NDArray[np.uint32]
"""Ordinals of runs."""


class Ordinals(msgspec.Struct, frozen=True):
    """The runs that a store records, the one being folded included.

    Attributes:
        collectes: their names.
        instants: their instants, milliseconds since 1970, strictly ascending.
    """

    collectes: tuple[str, ...] = ()
    instants: tuple[int, ...] = ()

    @classmethod
    def of(cls, collectes: Sequence[str], instants: Sequence[int]) -> Ordinals:
        """The runs of a manifest; one that was written before instants were kept has those of the names."""
        known = cls(tuple(collectes[: len(instants)]), tuple(instants))
        return known.followed_by((nom, begun_s(nom)) for nom in collectes[len(instants) :])

    def followed_by(self, runs: Iterable[tuple[str, float]]) -> Ordinals:
        """With more runs: name, and when it began in seconds since 1970."""
        collectes, instants = list(self.collectes), list(self.instants)
        for nom, debut_s in runs:
            earliest = instants[-1] + 1 if instants else 0
            collectes.append(nom)
            instants.append(max(earliest, round(debut_s * 1000)))
        return Ordinals(tuple(collectes), tuple(instants))

    @property
    def latest(self) -> int:
        """Ordinal of the last run."""
        return len(self.collectes) - 1

    def dates(self, rangs: Rangs) -> pa.Array[Any]:
        """The instants of runs, as a column."""
        return pa.array(np.array(self.instants, np.int64)[rangs], MS)

    def names(self, rangs: Rangs) -> pa.Array[Any]:
        """The names of runs, as a column."""
        return pa.array(self.collectes, pa.string()).take(rangs)
