"""A lie that no reading again mends: offers that are counted and never shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from moisson_twin.fault import Fault, When
from moisson_twin.search import Found
from moisson_twin.world import World

__all__ = ["Cachees"]


class Cachees(Fault):
    """Every page that some offers belong to comes without them, so that their windows find no agreement.

    Args:
        world: where they live.
        rangs: which, by the age of those alive: 0 is the oldest.
    """

    kinds = frozenset({"search"})

    def __init__(self, world: World, rangs: Sequence[int]) -> None:
        super().__init__(When(), {})
        self.rows = np.flatnonzero(world.columns.alive[: world.columns.size])[list(rangs)]

    def find(self, found: Found) -> Found:
        """The page without them."""
        return replace(found, rows=found.rows[~np.isin(found.rows, self.rows)])
