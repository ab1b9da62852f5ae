"""Which offers of the present state a run would close, and why no other: proved gone, seen nowhere.

What a run saw is read once, for the withdrawals that are asked before the fold and for the fold itself.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from moisson.model import Bilan
from moisson.store.generation import Generation
from moisson.store.index import Before, find, read_before
from moisson.store.layout import Layout
from moisson.store.ordinals import Ordinals
from moisson.store.presence import stays_index
from moisson.store.runs import Run, read_info
from moisson.store.seen import Seen, distinct, key_id, provable, read_seen
from moisson.store.suite import Suite, read_suite

__all__ = ["Examen", "Fermetures", "closed", "closing", "examine", "unseen"]


class Examen(msgspec.Struct):
    """What a finished run saw, and what it is held against.

    Attributes:
        seen: the offers that it read.
        suite: what it takes over from the runs that it continues.
        vues: keys of the offers seen by any of them, ascending.
        before: the offers of the present state.
    """

    seen: Seen
    suite: Suite
    vues: npt.NDArray[np.uint64]
    before: Before

    def drop_arrays(self) -> None:
        """Give back the memory of the arrays, once they are no longer needed here; the rest stays."""
        self.seen.drop_arrays()
        self.suite.seen.drop_arrays()
        self.vues, self.before = np.empty(0, np.uint64), read_before([], None, 0)


class Fermetures(msgspec.Struct, frozen=True):
    """The offers that a run would close.

    Attributes:
        distinctes: distinct offers that the run read, those of the runs it continues and forgotten ones included.
        nombre: how many.
        ids: some of them, spread evenly over their creations, newest last.
        recente_ms: newest creation that the run saw, shown milliseconds since 1970; what is newer still came after it.
    """

    distinctes: int
    nombre: int
    ids: tuple[str, ...]
    recente_ms: int


def examine(layout: Layout, generation: Generation | None, run: Run, bilan: Bilan) -> Examen:
    """Read what a run saw.

    Args:
        layout: the store.
        generation: the present state, or None before the first.
        run: the run.
        bilan: what its plan established of its windows.

    Raises:
        StoreCorrupt: the journal, evidence of a run that it continues or an index is damaged.
    """
    oublis = frozenset(generation.manifest.oublis if generation is not None else ())
    seen = read_seen(run.faits(), bilan, oublis, read_info(run.layout).resumed_s)
    suite = read_suite(layout, generation, run.debut, bilan, oublis)
    return Examen(seen, suite, np.union1d(seen.keys, suite.seen.keys), _read_present(generation))


def _read_present(generation: Generation | None) -> Before:
    if generation is None:
        return read_before([], None, Ordinals().latest)
    offres = [generation.index(file) for file in generation.manifest.tables.get("offres", ())]
    return read_before(offres, stays_index(generation), generation.manifest.ordinals.latest)


def unseen(vues: npt.NDArray[np.uint64], before: Before) -> npt.NDArray[np.bool_]:
    """Which offers of the present state are not among these keys."""
    at, found = find(before.keys, vues)
    mask = np.ones(len(before.keys), np.bool_)
    mask[at[found]] = False
    return mask


def closed(vues: npt.NDArray[np.uint64], before: Before, bilan: Bilan) -> npt.NDArray[np.bool_]:
    """Which offers of the present state are proved not to be online any more, when these keys were seen."""
    mask = np.zeros(len(before.keys), np.bool_)
    if bilan.controles_nationaux:
        rows = np.flatnonzero(unseen(vues, before))
        mask[rows] = provable(before.creation_ms[rows], bilan)
    return mask


def closing(examen: Examen, bilan: Bilan, combien: int) -> Fermetures:
    """Which offers a run would close, before it does.

    Args:
        examen: what it saw.
        bilan: what its plan established.
        combien: ids to name, at most; the same ones each time.
    """
    seen, suite, before = examen.seen, examen.suite.seen, examen.before
    rows = np.flatnonzero(closed(examen.vues, before, bilan))
    rows = rows[np.lexsort((before.keys[rows], before.creation_ms[rows]))]
    # The middle of each of so many equal parts: all periods have their say, whatever was withdrawn most.
    parts = min(combien, len(rows))
    chosen = rows[[(2 * part + 1) * len(rows) // (2 * parts) for part in range(parts)]]
    ids = (key_id(int(key)) for key in before.keys[chosen])
    return Fermetures(
        distinctes=distinct(seen, suite),
        nombre=len(rows),
        ids=tuple(id_ for id_ in ids if id_ is not None),
        recente_ms=int(max(seen.creation_ms.max(initial=0), suite.creation_ms.max(initial=0))),
    )
