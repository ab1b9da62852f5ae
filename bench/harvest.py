"""One harvest of one world, watched: calls, what is missing, what it costs, what lies on the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from double import Double, Missed, compare
from figures import Figure
from plan import floor_of
from watched import COLLECTING, FOLDING, PROVING, STARTING, Outcome, Watched, moisson

__all__ = ["Harvest", "bytes_of", "calls_figures", "cost_figures", "disk_figures", "folder", "harvest"]


@dataclass
class Harvest:
    """What a watched harvest showed.

    Attributes:
        outcome: what the system said of the process.
        calls: searches that reached the double.
        floor: the least that could do for the offers online when it began.
        missed: the store against the truth.
        landed_bytes: bytes of the run's folder when collecting was over.
        left_bytes: bytes of it after the fold.
        lake_bytes: bytes of the current state of the lake, with what the next fold needs.
        store_bytes: bytes of the whole store.
    """

    outcome: Outcome
    calls: int
    floor: int
    missed: Missed
    landed_bytes: int
    left_bytes: int
    lake_bytes: int
    store_bytes: int

    @property
    def calls_per_s(self) -> float:
        """Pace while collecting and proving."""
        return self.calls / self.outcome.wall_of(STARTING, COLLECTING, PROVING)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for stores, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="moisson-bench-") as parent:
        yield Path(parent)


def harvest(twin: Double, store: Path, rate: int, *, during: Callable[[Watched], None] = lambda run: None) -> Harvest:
    """Collect everything into a store, and look at what came of it.

    Args:
        twin: the double to read from.
        store: its folder.
        rate: calls a second.
        during: done while the run goes on.

    Raises:
        RuntimeError: the run left no store to look at; the message is what it said.
    """
    before = twin.save_truth(store.with_name("before.ndjson"))
    calls = twin.searches()
    landed: list[int] = []

    def at_phase(phase: str) -> None:
        if phase == FOLDING:
            landed.append(bytes_of(store / "runs"))

    run = Watched(moisson("collect", "--store", str(store)), twin.account(MOISSON_RATE=str(rate)), at_phase)
    during(run)
    outcome = run.finish()
    if outcome.exit not in (0, 3):
        raise RuntimeError(outcome.errors)
    calls = twin.searches() - calls
    after = twin.save_truth(store.with_name("after.ndjson"))
    with before.open("rb") as lines:
        floor = floor_of(sum(1 for _ in lines))
    return Harvest(
        outcome=outcome,
        calls=calls,
        floor=floor,
        missed=compare(twin, store, before, after),
        landed_bytes=landed[0] if landed else 0,
        left_bytes=bytes_of(store / "runs"),
        lake_bytes=bytes_of((store / "current").resolve()),
        store_bytes=bytes_of(store),
    )


def bytes_of(path: Path) -> int:
    """Bytes of all files under a folder, a file with several names counted once."""
    seen: dict[int, int] = {}
    for child in path.rglob("*"):
        try:
            stat = child.lstat()
        except FileNotFoundError:
            continue
        if child.is_file() and not child.is_symlink():
            seen[stat.st_ino] = stat.st_size
    return sum(seen.values())


def calls_figures(name: str, done: Harvest, budget: tuple[float, str]) -> Iterator[Figure]:
    """Calls against the floor, and what is missing or invented."""
    ratio, remark = budget
    note = f"{done.calls:,} calls for {done.floor:,}" + (f"; {remark}" if remark else "")
    yield Figure(f"calls, {name}: × the floor", done.calls / done.floor, "", ratio, note=note)
    missed = done.missed
    note = f"of {missed.throughout:,}"
    yield Figure(f"calls, {name}: missing though online throughout", missed.missing, "offers", 0, "=", note=note)
    note = f"of {missed.stored:,} stored"
    yield Figure(
        f"calls, {name}: invented, or there twice", missed.invented + missed.twice, "offers", 0, "=", note=note
    )
    yield Figure(f"calls, {name}: exit code", done.outcome.exit, "", 0, "=")


def cost_figures(name: str, done: Harvest, cpu_s: float | None) -> Iterator[Figure]:
    """Processor time and memory, of the client alone."""
    outcome = done.outcome
    phases = ", ".join(
        f"{phase} {outcome.phases[phase].cpu_s:.0f}"
        for phase in (STARTING, COLLECTING, PROVING, FOLDING)
        if phase in outcome.phases
    )
    note = f"user {outcome.user_s:.0f}, system {outcome.sys_s:.0f}; {phases}"
    yield Figure(f"cost, {name}: processor time", outcome.cpu_s, "s", cpu_s, note=note)
    note = f"at {done.calls_per_s:.0f} calls/s"
    yield Figure(f"cost, {name}: time on the clock", outcome.wall_s, "s", note=note)
    yield Figure(f"cost, {name}: time of the fold", outcome.wall_of(FOLDING), "s")
    collecting = outcome.peak_of(STARTING, COLLECTING, PROVING)
    yield Figure(f"memory, {name}: peak while collecting", collecting, "MB", 400)
    yield Figure(f"memory, {name}: peak in the fold", outcome.peak_of(FOLDING), "MB", 1000)


def disk_figures(name: str, done: Harvest) -> Iterator[Figure]:
    """Bytes that an offer takes, during the run and after."""
    stored = done.missed.stored
    yield Figure(f"disk, {name}: lake, bytes an offer", done.lake_bytes / stored, "B", 1200)
    evidence = (done.store_bytes - done.lake_bytes) / stored
    yield Figure(f"disk, {name}: evidence and the rest, bytes an offer", evidence, "B")
    note = f"{done.landed_bytes / done.calls / 1000:.0f} kB a page with its fact"
    yield Figure(f"disk, {name}: landing during the run, bytes an offer", done.landed_bytes / stored, "B", note=note)
    yield Figure(f"disk, {name}: landing left after the fold", done.left_bytes, "B", 0, "=")
