"""Is there room on the disk: before a run, and while it goes on."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from moisson.errors import DiskFull
from moisson.store import files
from moisson.store.bookkeeping import PAGE_MAX

__all__ = ["check_space", "estimate_run_bytes", "free_bytes"]

LANDED_PAGE_BYTES = 130_000
"""A page of 150 offers, gzipped."""

JOURNAL_PAGE_BYTES = 6_000
"""A page's fact."""

LAKE_OFFRE_BYTES = 1_200
"""An offer in the lake; the budget of the design."""

_MARGIN = 1.1


def estimate_run_bytes(annonce: int, *, acquises: int = 0) -> int:
    """Bytes that a run still writes before anything old is removed: pages, journal, and a whole new generation.

    Args:
        annonce: offers that the API announces.
        acquises: how many of them were read already.
    """
    pages = math.ceil(max(0, annonce - acquises) / PAGE_MAX)
    return math.ceil(_MARGIN * (pages * (LANDED_PAGE_BYTES + JOURNAL_PAGE_BYTES) + annonce * LAKE_OFFRE_BYTES))


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written where this folder is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with files.border("measuring the free space of the disk"):
        return shutil.disk_usage(folder).free


def check_space(folder: Path, needed_bytes: int, doing: str) -> None:
    """Refuse to begin what will not fit.

    Args:
        folder: the store.
        needed_bytes: bytes about to be written.
        doing: completing "while ...".

    Raises:
        DiskFull: less than that is free; the message says how much of each.
    """
    free = free_bytes(folder)
    if free < needed_bytes:
        raise DiskFull(
            f"{_gb(needed_bytes)} are needed and {_gb(free)} are free on the disk of {folder}",
            doing=doing,
            todo="Free some space, or choose another disk with --store.",
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
