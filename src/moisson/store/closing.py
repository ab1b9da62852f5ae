"""Which offers of the present state a run would close, and why no other: proved gone, seen nowhere.

What a run saw is read once, for the withdrawals that are asked before the fold and for the fold itself.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from moisson.model import Bilan
from moisson.store.generation import Generation
from moisson.store.index import find, read_offres
from moisson.store.layout import Layout
from moisson.store.runs import Run, read_info
from moisson.store.seen import Seen, distinct, key_id, provable, read_seen
from moisson.store.suite import Suite, read_suite

__all__ = ["Examen", "Fermetures", "closed", "closing", "examine", "unseen"]

Keys = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


class Examen(msgspec.Struct):
    """What a finished run saw, and what it is held against.

    Attributes:
        seen: the offers that it read.
        suite: what it takes over from the runs that it continues.
        vues: keys of the offers seen by any of them, ascending.
        presentes: the indexes of the offers of the present state, in the order of its files.
    """

    seen: Seen
    suite: Suite
    vues: Keys
    presentes: tuple[Path, ...]

    def drop_arrays(self) -> None:
        """Give back the memory of the arrays, once they are no longer needed here; the rest stays."""
        self.seen.drop_arrays()
        self.suite.seen.drop_arrays()
        self.vues = np.empty(0, np.uint64)


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
        StoreCorrupt: the journal or evidence of a run that it continues is damaged.
    """
    oublis = frozenset(generation.manifest.oublis if generation is not None else ())
    seen = read_seen(run.faits(), bilan, oublis, read_info(run.layout).resumed_s)
    suite = read_suite(layout, generation, run.debut, bilan, oublis)
    vues = np.union1d(seen.keys, suite.seen.keys) if len(suite.seen.keys) else seen.keys
    if generation is None:
        return Examen(seen, suite, vues, ())
    return Examen(seen, suite, vues, tuple(map(generation.index, generation.manifest.tables.get("offres", ()))))


def unseen(vues: Keys, keys: Keys) -> Mask:
    """Which of these offers are not among those seen."""
    return ~find(vues, keys)[1]


def closed(vues: Keys, keys: Keys, creation_ms: npt.NDArray[np.int64], bilan: Bilan) -> Mask:
    """Which offers of the present state are proved not to be online any more, when these keys were seen."""
    mask = np.zeros(len(keys), np.bool_)
    if bilan.controles_nationaux:
        rows = np.flatnonzero(unseen(vues, keys))
        mask[rows] = provable(creation_ms[rows], bilan)
    return mask


def closing(examen: Examen, bilan: Bilan, combien: int) -> Fermetures:
    """Which offers a run would close, before it does: the present state is looked through a file at a time.

    Args:
        examen: what it saw.
        bilan: what its plan established.
        combien: ids to name, at most; the same ones each time.

    Raises:
        StoreCorrupt: an index is missing or damaged.
    """
    seen, suite = examen.seen, examen.suite.seen
    keys, creation_ms = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for path in examen.presentes:
        rows = read_offres(path)
        gone = rows[closed(examen.vues, rows["key"], rows["creation_ms"], bilan)]
        keys.append(gone["key"])
        creation_ms.append(gone["creation_ms"])
    fermees = np.concatenate(keys)
    fermees = fermees[np.lexsort((fermees, np.concatenate(creation_ms)))]
    # The middle of each of so many equal parts: all periods have their say, whatever was withdrawn most.
    parts = min(combien, len(fermees))
    ids = (key_id(int(fermees[(2 * part + 1) * len(fermees) // (2 * parts)])) for part in range(parts))
    return Fermetures(
        distinctes=distinct(seen, suite),
        nombre=len(fermees),
        ids=tuple(id_ for id_ in ids if id_ is not None),
        recente_ms=int(max(seen.creation_ms.max(initial=0), suite.creation_ms.max(initial=0))),
    )
