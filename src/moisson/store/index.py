"""What the next fold needs to know of the offers of this one: 32 bytes each, in a file beside each data file.

With it, the next fold finds what changed without opening the data: an offer whose JSON is byte for byte what it was is
not even decoded, and its row is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from moisson.errors import StoreCorrupt
from moisson.store import files

__all__ = ["Before", "find", "read_before", "write_index"]

_ROW = np.dtype([("key", "<u8"), ("creation_ms", "<i8"), ("empreinte", "<i8"), ("brut", "<i8")])

Entiers = npt.NDArray[np.int64]


class Before(msgspec.Struct):
    """The offers of a generation, sorted by key.

    Attributes:
        keys: key of the id (`seen.id_keys`).
        creation_ms: its creation.
        empreinte: hash of what is stored of it.
        brut: hash of its JSON as received.
        file, row: which data file of the table, and which of its rows.
    """

    keys: npt.NDArray[np.uint64]
    creation_ms: Entiers
    empreinte: Entiers
    brut: Entiers
    file: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]

    def drop_keys(self) -> None:
        """Give back the memory of what is needed only to find offers."""
        self.keys, self.creation_ms = np.empty(0, np.uint64), np.empty(0, np.int64)


def write_index(
    path: Path, keys: npt.NDArray[np.uint64], creation_ms: Entiers, empreinte: Entiers, brut: Entiers
) -> None:
    """Write and sync the index of one data file, in the order of its rows."""
    rows = np.empty(len(keys), _ROW)
    rows["key"], rows["creation_ms"], rows["empreinte"], rows["brut"] = keys, creation_ms, empreinte, brut
    files.step("write", path)
    with path.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
    files.fsync_file(path)


def read_before(paths: Iterable[Path]) -> Before:
    """Read the indexes of a table's data files, in the order of the files.

    Raises:
        StoreCorrupt: one is missing or damaged.
    """
    parts = [_read(path) for path in paths]
    sizes = [len(part) for part in parts]
    rows = np.concatenate([np.empty(0, _ROW), *parts])
    parts.clear()
    order = np.argsort(rows["key"], kind="stable")
    starts = np.cumsum([0, *sizes[:-1]]) if sizes else np.empty(0, np.int64)
    return Before(
        keys=rows["key"][order],
        creation_ms=rows["creation_ms"][order],
        empreinte=rows["empreinte"][order],
        brut=rows["brut"][order],
        file=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order],
        row=(order - np.repeat(starts, sizes)[order]).astype(np.int32),
    )


def _read(path: Path) -> npt.NDArray[np.void]:
    try:
        rows: npt.NDArray[np.void] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreCorrupt(
            f"The index {path.name} is missing or damaged",
            doing="reading the present state",
            todo="Restore the store from a backup, or collect into a new one.",
        ) from error
    if rows.dtype != _ROW or rows.ndim != 1:
        raise StoreCorrupt(f"The index {path.name} is not one of ours", doing="reading the present state")
    return rows


def find(
    haystack: npt.NDArray[np.uint64], needles: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where each needle stands in a sorted array, and whether it is there at all."""
    if not len(haystack):
        return np.zeros(len(needles), np.int64), np.zeros(len(needles), np.bool_)
    at = np.minimum(np.searchsorted(haystack, needles), len(haystack) - 1)
    return at, haystack[at] == needles
