"""What a store takes on its disk, how fast that grows, and how long the disk will do."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from moisson.store.generation import Generation
from moisson.store.layout import Layout

__all__ = ["DiskUse", "Growth", "days_left", "disk_use", "evidence_sizes", "growth"]

DAY_S = 86_400.0

NIGHTS = 30
"""Runs that the growth is measured on: the last month of nights."""

SPAN_MIN_S = 0.9 * DAY_S
"""A pace is not told from runs closer together than about a day: one edit of a code list would look like a flood."""


class DiskUse(msgspec.Struct, frozen=True):
    """Bytes on the disk, each file counted once however many names it has.

    Attributes:
        tables: the present state's tables.
        index: what the next fold needs to know of them, and the manifest.
        evidence: the journals of past runs.
        superseded: what only past states hold; it goes when their retention is over.
        unfinished: landed pages and journal of runs in progress; they go with the fold.
        raw: raw pages of finished runs, kept on request.
        territoires: official geography that was fetched.
        free: bytes free on that disk.
    """

    tables: int
    index: int
    evidence: int
    superseded: int
    unfinished: int
    raw: int
    territoires: int
    free: int

    @property
    def total(self) -> int:
        """All bytes of the store."""
        later = self.evidence + self.superseded + self.unfinished + self.raw + self.territoires
        return self.tables + self.index + later


class Growth(msgspec.Struct, frozen=True):
    """How fast a store grows.

    Attributes:
        bytes_per_day: mean over the runs looked at; negative when it shrinks.
        runs: how many runs that is measured on.
        days: days between the first and the last of them.
    """

    bytes_per_day: float
    runs: int
    days: float


def disk_use(layout: Layout, generation: Generation | None, free: int) -> DiskUse:
    """Measure a store that may be filled at the same time: a file that vanishes meanwhile is not counted.

    Args:
        layout: its paths.
        generation: its present state, or None before the first.
        free: bytes free on its disk.
    """
    seen: set[tuple[int, int]] = set()
    tables = index = 0
    if generation is not None:
        tables = sum(_octets(generation.folder / table, seen) for table in generation.manifest.tables)
        # Whatever else a state consists of.
        index = _octets(generation.folder, seen)
    return DiskUse(
        tables=tables,
        index=index,
        superseded=_octets(layout.generations, seen),
        evidence=_octets(layout.evidence, seen),
        unfinished=_octets(layout.runs, seen),
        raw=_octets(layout.raw, seen),
        territoires=_octets(layout.territoires, seen),
        free=free,
    )


def _octets(folder: Path, seen: set[tuple[int, int]]) -> int:
    """Bytes of the files below a folder that were not seen yet."""
    total = 0
    for stat in _stats(folder):
        if (key := (stat.st_dev, stat.st_ino)) not in seen:
            seen.add(key)
            total += stat.st_size
    return total


def _stats(folder: Path) -> Iterator[os.stat_result]:
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(root) / name).lstat()
            except FileNotFoundError:
                continue


def growth(
    sizes: Sequence[tuple[float, int]], evidence_bytes: Sequence[int] = (), *, evidence_runs: int = 0
) -> Growth | None:
    """How fast a store grew over its last runs; None when they say too little: fewer than two, or within a day.

    Args:
        sizes: end of each run (seconds since 1970, in order) and bytes of the lake after it.
        evidence_bytes: size of each run's evidence that is kept.
        evidence_runs: how many are kept at most; once they are, evidence grows no more.
    """
    looked_at = list(sizes[-NIGHTS:])
    span_s = looked_at[-1][0] - looked_at[0][0] if len(looked_at) > 1 else 0.0
    if span_s < SPAN_MIN_S:
        return None
    # A line through all of them: the offers online go up and down by some per cent within a week.
    slope, _ = statistics.linear_regression([at / DAY_S for at, _ in looked_at], [octets for _, octets in looked_at])
    if evidence_bytes and len(evidence_bytes) < evidence_runs:
        slope += statistics.fmean(evidence_bytes) * (len(looked_at) - 1) / (span_s / DAY_S)
    return Growth(bytes_per_day=slope, runs=len(looked_at), days=span_s / DAY_S)


def days_left(found: Growth | None, free: int, run_bytes: int) -> float | None:
    """Days until a run no longer fits on the disk at this pace; None when it does not grow, or that is not known.

    Args:
        found: how fast the store grows.
        free: bytes free.
        run_bytes: what a run needs for its time (`space.estimate_run_bytes`).
    """
    if found is None or found.bytes_per_day <= 0:
        return None
    return max(0.0, free - run_bytes) / found.bytes_per_day


def evidence_sizes(layout: Layout) -> Mapping[str, int]:
    """Bytes of each run's evidence that is kept, oldest first."""
    sizes = {}
    for name in layout.evidence_names():
        try:
            sizes[name] = layout.evidence_of(name).stat().st_size
        except FileNotFoundError:
            continue
    return sizes
