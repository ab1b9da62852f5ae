"""What the next fold needs to know of the offers of this one, in small files beside the data files.

With it, the next fold finds what changed without opening the data: an offer whose JSON is byte for byte what it was is
not even decoded, and its row is copied. Beside a file of `offres`, 40 bytes an offer, which say nothing that changes
while its content is the same; beside the stays in `presence`, 12 bytes one that is going on, 16 one that ended; beside
`doublons`, 33 bytes an offer (blocks.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from moisson.errors import StoreCorrupt
from moisson.store import files
from moisson.store.ordinals import Rangs

__all__ = [
    "CLOSED",
    "OFFRE",
    "STAY",
    "VUE",
    "Before",
    "find",
    "last_stays",
    "read_before",
    "read_index",
    "read_index_if_any",
    "read_offres",
    "write_index",
]

_OFFRE_1 = np.dtype([("key", "<u8"), ("creation_ms", "<i8"), ("empreinte", "<i8"), ("brut", "<i8")])
"""Of a store that kept no history."""

OFFRE = np.dtype([*_OFFRE_1.descr, ("depuis", "<u4"), ("version", "<u4")])
"""An offer online: what is in `Before`, in the order of the rows of its file."""

STAY = np.dtype([("premiere", "<u4"), ("sejour", "<u4"), ("vue", "<u4")])
"""A stay that is going on, in the order of the rows of `offres`, file after file."""

CLOSED = np.dtype([("key", "<u8"), ("version", "<u4"), ("sejour", "<u4")])
"""A stay that ended: the offer, the number of its last content, its own number."""

VUE = 0xFFFFFFFF
"""In place of the ordinal of the run that last saw an offer: the last run of the store did. So a night on which every
offer was seen again changes nothing on the disk."""

Entiers = npt.NDArray[np.int64]
Index = npt.NDArray[np.void]


class Before(msgspec.Struct):
    """The offers of a generation, sorted by key.

    Attributes:
        keys: key of the id (`seen.id_keys`).
        creation_ms: its creation.
        empreinte: hash of what is stored of it.
        brut: hash of its JSON as received.
        depuis: run that first saw this content.
        version: number of this content.
        premiere: run that first saw it in this stay.
        sejour: number of this stay.
        vue: run that last saw it.
        file, row: which data file of the table, and which of its rows.
    """

    keys: npt.NDArray[np.uint64]
    creation_ms: Entiers
    empreinte: Entiers
    brut: Entiers
    depuis: Rangs
    version: Rangs
    premiere: Rangs
    sejour: Rangs
    vue: Rangs
    file: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]


def write_index(path: Path, rows: Index) -> None:
    """Write and sync the index of one data file."""
    files.step("write", path)
    with path.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
    files.fsync_file(path)


def read_before(offres: Sequence[Path], stays: Path | None, latest: int) -> Before:
    """Read what a generation says of its offers.

    Args:
        offres: the indexes of the data files of `offres`, in the order of the files.
        stays: the index of the stays that are going on; None: the store kept no history.
        latest: ordinal of the last run that was folded into it. Without history, that run is the first that is known
            to have seen each offer.

    Raises:
        StoreCorrupt: an index is missing or damaged.
    """
    parts = [_with_history(read_offres(path), latest) for path in offres]
    sizes = [len(part) for part in parts]
    rows = np.concatenate([np.empty(0, OFFRE), *parts])
    parts.clear()
    if stays is not None:
        going_on = read_index(stays, STAY)
        if len(going_on) != len(rows):
            raise _damaged(stays)
    else:
        going_on = np.empty(len(rows), STAY)
        going_on["premiere"], going_on["sejour"], going_on["vue"] = max(0, latest), 1, VUE
    going_on["vue"][going_on["vue"] == VUE] = max(0, latest)
    order = np.argsort(rows["key"], kind="stable")
    starts = np.cumsum([0, *sizes[:-1]]) if sizes else np.empty(0, np.int64)
    return Before(
        **{name: rows[name][order] for name in ("creation_ms", "empreinte", "brut", "depuis", "version")},
        **{name: going_on[name][order] for name in ("premiere", "sejour", "vue")},
        keys=rows["key"][order],
        file=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order],
        row=(order - np.repeat(starts, sizes)[order]).astype(np.int32),
    )


def _with_history(rows: Index, latest: int) -> Index:
    if rows.dtype == OFFRE:
        return rows
    known = np.empty(len(rows), OFFRE)
    for name in _OFFRE_1.fields or ():
        known[name] = rows[name]
    known["depuis"], known["version"] = max(0, latest), 1
    return known


def read_index(path: Path, *dtypes: np.dtype[np.void]) -> Index:
    """Read one index.

    Args:
        path: where it is.
        dtypes: the records that it may hold.

    Raises:
        StoreCorrupt: it is missing, damaged, or holds others.
    """
    try:
        rows: Index = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreCorrupt(
            f"The index {path.name} is missing or damaged",
            doing="reading the present state",
            todo="Restore the store from a backup, or collect into a new one.",
        ) from error
    if rows.dtype not in dtypes or rows.ndim != 1:
        raise _damaged(path)
    return rows


def read_index_if_any(path: Path) -> Index | None:
    """Read the index of a data file that may have none. Raises as `read_index`."""
    return read_index(path, _OFFRE_1, OFFRE, STAY, CLOSED) if path.exists() else None


def read_offres(path: Path) -> Index:
    """Read the index of one data file of `offres`, with history or without. Raises as `read_index`."""
    return read_index(path, OFFRE, _OFFRE_1)


def _damaged(path: Path) -> StoreCorrupt:
    return StoreCorrupt(f"The index {path.name} is not one of ours", doing="reading the present state")


def last_stays(paths: Iterable[Path], keys: npt.NDArray[np.uint64]) -> tuple[Rangs, Rangs]:
    """What is known of offers from stays that ended, one index at a time.

    Args:
        paths: the indexes of the stays that ended.
        keys: the offers, ascending.

    Returns:
        For each, the highest version and the highest number of a stay; 0 and 0 for an offer that was never there.
    """
    version, sejour = np.zeros(len(keys), np.uint32), np.zeros(len(keys), np.uint32)
    for path in paths:
        rows = read_index(path, CLOSED)
        at, found = find(keys, rows["key"])
        np.maximum.at(version, at[found], rows["version"][found])
        np.maximum.at(sejour, at[found], rows["sejour"][found])
    return version, sejour


def find(
    haystack: npt.NDArray[np.uint64], needles: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where each needle stands in a sorted array, and whether it is there at all."""
    if not len(haystack):
        return np.zeros(len(needles), np.int64), np.zeros(len(needles), np.bool_)
    at = np.minimum(np.searchsorted(haystack, needles), len(haystack) - 1)
    return at, haystack[at] == needles
