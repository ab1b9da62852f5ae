"""Opening a store folder: is it one, of which API, and can this version read it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from moisson.errors import SourceMismatch, StoreCorrupt, StoreUnwritable, StoreVersion
from moisson.store import files
from moisson.store.layout import Layout

__all__ = ["FORMAT", "StoreInfo", "open_folder"]

FORMAT = 1
"""Version of the folder's layout; raised when an older Moisson could not read it."""


class StoreInfo(msgspec.Struct, frozen=True):
    """store.json.

    Attributes:
        format: version of the layout.
        source: the API that the store is filled from, without a final slash.
        simule: that API is a twin: its data are simulated.
        made_by: version of Moisson that made the store, or "".
        made_at: when, ISO 8601 UTC, or "".
    """

    format: int
    source: str
    simule: bool
    made_by: str = ""
    made_at: str = ""


def open_folder(
    folder: Path, *, create: bool, source: str | None, simulated: bool, made_by: str = "", made_at: str = ""
) -> tuple[Layout, StoreInfo]:
    """Open a store, or make one.

    Args:
        folder: the store folder.
        create: make it if there is none; `source` is needed then.
        source: the API that the caller is about to ask; None when it only reads.
        simulated: that API is a twin.
        made_by, made_at: put into a new store.json.

    Raises:
        StoreUnwritable: there is no store here, something else is, or the folder cannot be made.
        SourceMismatch: the store is filled from another API.
        StoreVersion: the store was made by a newer Moisson.
        StoreCorrupt: store.json is damaged.
    """
    layout = Layout(folder)
    info = _read(layout)
    if info is None:
        if not create:
            raise StoreUnwritable(
                f"There is no store in {folder}",
                doing="opening it",
                todo="Run `moisson collect` or `moisson demo` first, or say where it is with --store.",
            )
        if source is None:
            raise ValueError("a new store needs its source")
        _make(layout, StoreInfo(FORMAT, _tidy(source), simulated, made_by, made_at))
        # Read again: if two processes made it at once, one of them made it for both.
        info = _read(layout)
        assert info is not None
    if source is not None and (info.source, info.simule) != (_tidy(source), simulated):
        kind = "simulated data, " if info.simule else ""
        raise SourceMismatch(
            f"The store {folder} is filled from {kind}{info.source}, not from {_tidy(source)}",
            doing="opening it",
            todo="Choose another store with --store: two sources never mix.",
        )
    return layout, info


def _tidy(source: str) -> str:
    return source.rstrip("/")


def _read(layout: Layout) -> StoreInfo | None:
    try:
        data = layout.store.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnwritable(
            f"The store {layout.root} cannot be read: {error.strerror}",
            doing="opening it",
            todo="Check the folder's owner and permissions.",
        ) from error
    try:
        info = msgspec.json.decode(data, type=StoreInfo)
    except msgspec.DecodeError as error:
        raise StoreCorrupt(f"{layout.store} is damaged", doing="opening the store") from error
    if info.format > FORMAT:
        raise StoreVersion(
            f"The store {layout.root} was made by a newer Moisson ({info.made_by or 'unknown version'})",
            doing="opening it",
            todo="Upgrade moisson, or choose another store with --store.",
        )
    return info


def _make(layout: Layout, info: StoreInfo) -> None:
    with files.border(f"making the store {layout.root}"):
        if layout.root.exists() and not _begun(layout):
            raise StoreUnwritable(
                f"{layout.root} exists, is not empty and is not a store",
                doing="making a store",
                todo="Choose another folder with --store.",
            )
        for folder in (layout.root, layout.runs, layout.evidence, layout.generations):
            files.make_dir(folder)
        data = msgspec.json.format(msgspec.json.encode(info), indent=2)
        files.write_once(layout.store, data)


def _begun(layout: Layout) -> bool:
    """Whether a folder is empty, or holds only what an interrupted making of a store leaves."""
    ours = {layout.runs.name, layout.evidence.name, layout.generations.name}
    return layout.root.is_dir() and all(
        (p.name in ours and not any(p.iterdir())) or p.name.startswith(f".{layout.store.name}.")
        for p in layout.root.iterdir()
    )
