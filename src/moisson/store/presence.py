"""The table `presence`: a row for each stay of an offer online.

One file holds the stays that are going on, in the order of the rows of `offres`; it is linked when nothing of it
changed. The stays that ended are added to files that never change, with an index of 16 bytes a stay beside them: so the
next folds know an offer that comes back, and go on counting its stays and its versions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from moisson.errors import StoreCorrupt
from moisson.store.appending import Appender
from moisson.store.assembly import Place
from moisson.store.generation import Generation, GenerationWriter, read_file
from moisson.store.history_schema import PRESENCE
from moisson.store.index import CLOSED, STAY, VUE, Before
from moisson.store.ordinals import Ordinals, Rangs
from moisson.store.seen import array_keys

__all__ = ["TABLE", "closed_indexes", "stays_digest", "stays_index", "write_presence"]

TABLE = "presence"
_ROWS_TIMES = 10
"""Stays are narrow: their files hold so many times more rows than those of offers."""


def stays_index(generation: Generation) -> Path | None:
    """The index of the stays that are going on; None when the store kept no history yet."""
    return next((generation.index(file) for file in generation.manifest.own(TABLE) if file.digest), None)


def closed_indexes(generation: Generation) -> list[Path]:
    """The indexes of the stays that ended."""
    return [generation.index(file) for file in generation.manifest.own(TABLE) if not file.digest]


def write_presence(
    writer: GenerationWriter,
    place: Place,
    before: Before,
    ordinals: Ordinals,
    withdrawn: pa.Table,
    at: npt.NDArray[np.int64],
    rows_max: int,
) -> None:
    """Write the table; that of `offres` must be written before.

    Args:
        writer: the generation.
        place: what is online.
        before: the previous state.
        ordinals: the runs, this one last.
        withdrawn: id and creation of the offers whose stay this run ended.
        at: the place of each in `before`.
        rows_max: of a file of `offres`.
    """
    writer.begin_table(TABLE)
    _write_going_on(writer, place, ordinals)
    append = Appender(writer, TABLE, PRESENCE, rows_max * _ROWS_TIMES, index_type=CLOSED, first_part=1)
    append.add(*_ended(before, ordinals, withdrawn, at))
    append.finish()


def stays_digest(keys: npt.NDArray[np.uint64], creation_ms: npt.NDArray[np.int64], index: npt.NDArray[np.void]) -> str:
    """Digest of the stays that are going on, in the order of the rows."""
    digest = hashlib.sha256(keys.tobytes())
    digest.update(creation_ms.tobytes())
    digest.update(index.tobytes())
    return digest.hexdigest()


def _write_going_on(writer: GenerationWriter, place: Place, ordinals: Ordinals) -> None:
    # Newest first, as in the files of `offres`.
    index = np.empty(len(place.keys), STAY)
    for name in STAY.names or ():
        index[name] = getattr(place, name)[::-1]
    digest = stays_digest(place.keys[::-1], place.creation_ms[::-1], index)
    previous = writer.previous
    for file in previous.manifest.own(TABLE) if previous is not None else ():
        if file.digest == digest:
            writer.link(TABLE, file)
            return
    parts = _going_on(writer, place.keys[::-1], index, ordinals)
    writer.write_parts(TABLE, 0, PRESENCE, parts, digest=digest, index=index)


def _going_on(
    writer: GenerationWriter, keys: npt.NDArray[np.uint64], index: npt.NDArray[np.void], ordinals: Ordinals
) -> Iterator[pa.Table]:
    """Their rows, a file of `offres` after the other: of all at once, columns take some 130 bytes an offer."""
    start = 0
    for file in writer.files("offres"):
        data = read_file(writer.folder / "offres" / file.nom, ["id", "creation"])
        rows = slice(start, start + len(data))
        if not np.array_equal(array_keys(data.column("id")), keys[rows]):
            raise StoreCorrupt(f"{file.nom} does not hold what was written", doing="folding the run")
        here = index[rows]
        unseen = here["vue"] != VUE
        seen_by = np.where(unseen, here["vue"], 0)
        yield _rows(data, here["sejour"], here["premiere"], seen_by, unseen, None, ordinals)
        start += len(data)


def _ended(
    before: Before, ordinals: Ordinals, withdrawn: pa.Table, at: npt.NDArray[np.int64]
) -> tuple[pa.Table, npt.NDArray[np.void]]:
    index = np.empty(len(at), CLOSED)
    index["key"] = array_keys(withdrawn.column("id"))
    index["version"], index["sejour"] = before.version[at], before.sejour[at]
    return _rows(
        withdrawn,
        before.sejour[at],
        before.premiere[at],
        before.vue[at],
        np.ones(len(at), np.bool_),
        ordinals.latest,
        ordinals,
    ), index


def _rows(
    data: pa.Table,
    sejour: Rangs,
    premiere: Rangs,
    derniere: Rangs,
    told: npt.NDArray[np.bool_],
    retiree: int | None,
    ordinals: Ordinals,
) -> pa.Table:
    """Rows of the table.

    Args:
        data: their ids and creations.
        sejour, premiere: number of the stay, and run that first saw the offer in it.
        derniere: run that last saw it, where that is `told`; elsewhere the last run of the store did.
        told: see there.
        retiree: run that found them gone; None: they are online.
        ordinals: the runs.
    """
    ended = np.full(len(data), 0 if retiree is None else retiree, np.uint32)
    gone = pa.array(np.full(len(data), retiree is not None))
    columns = [
        data.column("id"),
        pa.array(sejour.astype(np.int32)),
        data.column("creation"),
        ordinals.dates(premiere),
        ordinals.names(premiere),
        pc.if_else(pa.array(told), ordinals.dates(derniere), None),
        pc.if_else(pa.array(told), ordinals.names(derniere), None),
        pc.if_else(gone, ordinals.dates(ended), None),
        pc.if_else(gone, ordinals.names(ended), None),
    ]
    return pa.Table.from_arrays(columns, schema=PRESENCE)
