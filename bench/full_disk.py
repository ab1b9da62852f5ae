"""A disk that fills up: while a page lands, while its fact is journalled, in the fold.

Each store lies on a small file system in memory. At the chosen moment the run is stopped (SIGSTOP), the disk is filled
to the last block, and the run goes on. For the journal the pages get a disk of their own at that moment, or a page
would fail first. Mounting needs root; without it nothing is measured.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from double import NO_QUOTA, Double, double, rows_digest
from figures import Figure
from harvest import folder
from kills import collect, whole_run
from plan import Plan
from watched import COLLECTING, FOLDING, Outcome, Watched, moisson

__all__ = ["full_disk"]

DISK_MB = 400
SMALL_DISK_MB = 20


def full_disk(plan: Plan) -> Iterator[Figure]:
    """A full disk loses nothing, says what to do, and the same command goes on once there is room."""
    with folder() as parent:
        if not may_mount(parent / "try"):
            print("A small file system cannot be mounted here (it needs root): left out", file=sys.stderr)
            return
        with double("--offres", str(plan.small), "--still", *NO_QUOTA) as twin:
            _, calls = whole_run(twin, parent / "reference", plan.rate)
            rows = rows_digest(parent / "reference")
            yield from too_small(twin, parent / "small", plan)
            for name, (fill, doing) in MOMENTS.items():
                yield from filled(name, fill, doing, twin, parent / name.replace(" ", "-"), plan, rows, calls)


def too_small(twin: Double, disk: Path, plan: Plan) -> Iterator[Figure]:
    """A disk on which a run cannot fit: said before anything is written."""
    before = twin.searches()
    with mounted(disk, SMALL_DISK_MB):
        outcome = Watched(collect(disk / "store"), twin.account(MOISSON_RATE=str(plan.rate))).finish()
        wrote = (disk / "store").exists()
    told = outcome.exit == 1 and not wrote and "are needed" in outcome.errors
    note = f"after {twin.searches() - before} call: " + said_by(outcome)
    yield Figure("full disk, too small from the start: told before the run", int(told), "", 1, "=", note=note)


Fill = Callable[[Watched, Path, ExitStack], None]


def filled(
    name: str, fill: Fill, doing: str, twin: Double, disk: Path, plan: Plan, rows: tuple[int, int], calls: int
) -> Iterator[Figure]:
    """Fill the disk at one moment; then make room, and run again."""
    environ = twin.account(MOISSON_RATE=str(plan.rate))
    with mounted(disk, DISK_MB), ExitStack() as extra:
        store = disk / "store"
        before = twin.searches()
        run = Watched(collect(store), environ)
        fill(run, store, extra)
        outcome = run.finish()
        said = said_by(outcome)
        told = outcome.exit == 1 and doing in said and "No space left" in said and "Free some space" in said
        readable = Watched(moisson("status", "--store", str(store)), environ).finish().exit == 0
        extra.close()
        (disk / "ballast").unlink(missing_ok=True)
        again = Watched(collect(store), environ).finish()
        same = again.exit == 0 and rows_digest(store) == rows
        more = twin.searches() - before - calls
    yield Figure(f"full disk, {name}: exit 1, and says what to do", int(told), "", 1, "=", note=said)
    yield Figure(f"full disk, {name}: status still answers", int(readable), "", 1, "=")
    yield Figure(f"full disk, {name}: same rows once there is room", int(same), "", 1, "=")
    yield Figure(f"full disk, {name}: extra calls", more, "calls", note=f"of {calls}")


def at_landing(run: Watched, store: Path, extra: ExitStack) -> None:
    """No room for the next page, in the middle of collecting."""
    wait_for_pages(run, store, 30)
    with stopped(run):
        fill_up(store.parent)


def at_journal(run: Watched, store: Path, extra: ExitStack) -> None:
    """Room for pages, none for their facts."""
    wait_for_pages(run, store, 30)
    with stopped(run):
        (pages,) = store.glob("runs/*/pages")
        aside = store.parent.with_name("pages")
        extra.enter_context(mounted(aside, DISK_MB))
        for page in pages.iterdir():
            shutil.copy2(page, aside)
        subprocess.run(["mount", "--bind", str(aside), str(pages)], check=True)

        def bring_back() -> None:
            # The disk has room again before what landed meanwhile is put where it belongs.
            (store.parent / "ballast").unlink(missing_ok=True)
            subprocess.run(["umount", str(pages)], check=True)
            for page in aside.iterdir():
                if not (pages / page.name).exists():
                    shutil.copy2(page, pages)

        extra.callback(bring_back)
        fill_up(store.parent)


def in_fold(run: Watched, store: Path, extra: ExitStack) -> None:
    """Room for a part of the lake only."""
    run.wait_phase(FOLDING)
    with stopped(run):
        fill_up(store.parent, leave_bytes=1_000_000)


MOMENTS = {
    "at landing": (at_landing, "landing page"),
    "at the journal": (at_journal, "journal"),
    "in the fold": (in_fold, "folding"),
}
"""When the disk fills up, and what the message must say was being done."""


def wait_for_pages(run: Watched, store: Path, count: int) -> None:
    """Wait until so many pages have landed."""
    run.wait_phase(COLLECTING)
    while not run.ended and sum(1 for _ in store.glob("runs/*/pages/*")) < count:
        time.sleep(0.01)


@contextmanager
def stopped(run: Watched) -> Iterator[None]:
    """Hold the run for a moment."""
    run.send(signal.SIGSTOP)
    try:
        yield
    finally:
        run.send(signal.SIGCONT)


def fill_up(disk: Path, leave_bytes: int = 0) -> None:
    """Write until the disk is full, or nearly."""
    free = shutil.disk_usage(disk).free - leave_bytes
    fd = os.open(disk / "ballast", os.O_WRONLY | os.O_CREAT)
    try:
        os.posix_fallocate(fd, 0, max(free, 1))
    finally:
        os.close(fd)


@contextmanager
def mounted(where: Path, size_mb: int) -> Iterator[None]:
    """A small file system in memory."""
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(where)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


def may_mount(where: Path) -> bool:
    """Whether a file system can be mounted here."""
    try:
        with mounted(where, 1):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False


def said_by(outcome: Outcome) -> str:
    """What the run said of its end, without the names of folders."""
    lines = [line.strip() for line in outcome.errors.splitlines()]
    at = next((n for n, line in enumerate(lines) if line.startswith("error:")), len(lines) - 1)
    words = " ".join(lines[at : at + 3]).split()
    return " ".join("STORE" if "/moisson-bench-" in word else word for word in words)
