"""Exact counts over any range of rows without reading them all, and the k-th living row of a range.

Rows are grouped in blocks of 1,024; each block keeps how many of its living rows have each value of the five counted
parts. A range is then whole blocks, summed, plus at most two partial ones, read.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from moisson_twin.columns import PROFIL_PARTS, PROFIL_SHAPE, PROFILS, Columns

BLOCK_BITS: Final = 10
BLOCK: Final = 1 << BLOCK_BITS
#: Parts that are counted: bloc, type, experience, qualification, nature (not duree).
_COUNTED: Final = PROFIL_SHAPE[:5]
_OFFSETS: Final = np.concatenate([[0], np.cumsum(_COUNTED)])
WIDTH: Final = int(_OFFSETS[-1])
#: For each profil, the five places of a tally that it adds to.
_PLACES: Final[NDArray[np.int16]] = (np.array(PROFIL_PARTS)[:, :5] + _OFFSETS[:5]).astype(np.int16)


class Tally:
    """How many offers of a search have each value: one array per counted part."""

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self.bloc, self.type, self.experience, self.qualification, self.nature = (
            counts[_OFFSETS[part] : _OFFSETS[part + 1]] for part in range(5)
        )
        #: The number of offers.
        self.total = int(self.bloc.sum())


def tally_profils(profils: NDArray[np.uint16]) -> Tally:
    """Count profils one by one."""
    if len(profils) < 4 * BLOCK:
        return Tally(np.bincount(_PLACES[profils].ravel(), minlength=WIDTH))
    histogram = np.bincount(profils, minlength=PROFILS).reshape(PROFIL_SHAPE)
    axes = range(len(PROFIL_SHAPE))
    return Tally(
        np.concatenate([histogram.sum(axis=tuple(axis for axis in axes if axis != part)) for part in range(5)])
    )


class BlockCounts:
    """The counts of every block, kept up to date as rows are born and die.

    Attributes:
        living: how many rows live.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._counts = np.zeros((0, WIDTH), dtype=np.int32)
        self.rebuild()

    def rebuild(self) -> None:
        """Count everything anew."""
        size = self._columns.size
        blocks = (size >> BLOCK_BITS) + 64
        keys = (np.arange(size) >> BLOCK_BITS) * WIDTH
        alive = self._columns.alive[:size]
        self.living = int(np.count_nonzero(alive))
        total = np.zeros(blocks * WIDTH, dtype=np.int64)
        for part in range(5):
            places = _PLACES[self._columns.profil[:size], part]
            total += np.bincount((keys + places)[alive], minlength=blocks * WIDTH)
        self._counts = total.reshape(blocks, WIDTH).astype(np.int32)

    def add(self, row: int, sign: int) -> None:
        """Count a row in (+1) or out (-1)."""
        self.living += sign
        block = row >> BLOCK_BITS
        if block >= len(self._counts):
            self._counts = np.vstack([self._counts, np.zeros((64 + len(self._counts) // 16, WIDTH), dtype=np.int32)])
        self._counts[block, _PLACES[self._columns.profil[row]]] += sign

    def tally(self, start: int, stop: int) -> Tally:
        """The counts of the living rows of a range."""
        if stop <= start:
            return Tally(np.zeros(WIDTH, dtype=np.int64))
        first, last = -(-start >> BLOCK_BITS), stop >> BLOCK_BITS
        if first >= last:
            return self._read(start, stop)
        whole = self._counts[first:last].sum(axis=0, dtype=np.int64)
        edges = np.concatenate([self._living(start, first << BLOCK_BITS), self._living(last << BLOCK_BITS, stop)])
        return Tally(whole + np.bincount(_PLACES[self._columns.profil[edges]].ravel(), minlength=WIDTH))

    def newest(self, start: int, stop: int, skip: int, count: int, bloc: int | None = None) -> NDArray[np.int64]:
        """Living rows of a range, newest first, without the first ``skip``; ``bloc``: only those of this block."""
        found: list[NDArray[np.int64]] = []
        high = stop
        while high > start and count > 0:
            block = (high - 1) >> BLOCK_BITS
            low = max(start, block << BLOCK_BITS)
            if skip and high - low == BLOCK:
                counts = self._counts[block]
                size = int(counts[: PROFIL_SHAPE[0]].sum() if bloc is None else counts[bloc])
                if size <= skip:
                    skip -= size
                    high = low
                    continue
            rows = self._living(low, high)
            if bloc is not None:
                rows = rows[_PLACES[self._columns.profil[rows], 0] == bloc]
            taken = rows[::-1][skip : skip + count]
            skip = max(0, skip - len(rows))
            count -= len(taken)
            found.append(taken)
            high = low
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def _living(self, start: int, stop: int) -> NDArray[np.int64]:
        return np.flatnonzero(self._columns.alive[start:stop]) + start

    def _read(self, start: int, stop: int) -> Tally:
        return tally_profils(self._columns.profil[self._living(start, stop)])
