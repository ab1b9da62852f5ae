"""`kill -9` and Ctrl-C at seeded moments of collecting, proving and folding, each followed by a run to the end."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from double import NO_QUOTA, Double, double, rows_digest
from figures import Figure
from harvest import folder
from plan import Plan
from watched import COLLECTING, FOLDING, PROVING, STARTING, Outcome, Watched, moisson

__all__ = ["kills"]

SEED = 20261123
LATENCY = ("--fault", "latency:min=0.02,max=0.2")
"""As answers take a while, several calls are in flight at any moment."""


@dataclass
class Cut:
    """One run that was cut short, and the one that ended it.

    Attributes:
        phase: of the run when it was cut.
        code: its exit code.
        in_flight: calls that the double had answered and the journal did not know.
        calls: of both runs.
        same: the rows are those of a run that nothing disturbed.
        resumed: exit code of the second run.
    """

    phase: str
    code: int
    in_flight: int
    calls: int
    same: bool
    resumed: int


def kills(plan: Plan) -> Iterator[Figure]:
    """Cut short anywhere and run again: the same rows, and hardly more calls."""
    dice = random.Random(SEED)
    with folder() as parent, double("--offres", str(plan.small), "--still", *LATENCY, *NO_QUOTA) as twin:
        reference, calls = whole_run(twin, parent / "reference", plan.rate)
        rows = rows_digest(parent / "reference")
        cuts: list[Cut] = []
        for n, phase in enumerate(phases(plan.kills)):
            delay_s = dice.random() * reference.wall_of(phase)
            cuts.append(cut(twin, parent / f"kill-{n}", plan.rate, phase, delay_s, signal.SIGKILL, rows))
        interrupts: list[Cut] = []
        for n in range(plan.interrupts):
            delay_s = dice.random() * reference.wall_of(COLLECTING)
            interrupts.append(cut(twin, parent / f"stop-{n}", plan.rate, COLLECTING, delay_s, signal.SIGINT, rows))
    yield from figures_of("kill -9", cuts, calls)
    yield from figures_of("Ctrl-C", interrupts, calls)
    safely = sum(one.code == 130 for one in interrupts)
    yield Figure("interruptions: Ctrl-C ends with 130", safely, "", len(interrupts), "=")


def phases(count: int) -> list[str]:
    """In which phase each of so many cuts falls: half collecting, a sixth proving, a third folding."""
    return [(COLLECTING, FOLDING, COLLECTING, PROVING, COLLECTING, FOLDING)[n % 6] for n in range(count)]


def whole_run(twin: Double, store: Path, rate: int) -> tuple[Outcome, int]:
    """A run that nothing disturbs; how it went, and its calls."""
    before = twin.searches()
    outcome = Watched(collect(store), twin.account(MOISSON_RATE=str(rate))).finish()
    if outcome.exit != 0:
        raise RuntimeError(outcome.errors)
    return outcome, twin.searches() - before


def cut(
    twin: Double, store: Path, rate: int, phase: str, delay_s: float, number: signal.Signals, rows: tuple[int, int]
) -> Cut:
    """Cut a run short so long after a phase began, then run again."""
    before = twin.searches()
    run = Watched(collect(store), twin.account(MOISSON_RATE=str(rate)))
    run.wait_phase(phase)
    time.sleep(delay_s)
    run.send(number)
    first = run.finish()
    in_flight = twin.searches() - before - journalled(store) if run.phase in (STARTING, COLLECTING, PROVING) else 0
    second = Watched(collect(store), twin.account(MOISSON_RATE=str(rate))).finish()
    calls = twin.searches() - before
    if first.exit == 0 and run.phase == FOLDING:
        # Too late: the run had ended, and the second one was a whole one.
        return Cut("ended", first.exit, 0, 0, rows_digest(store) == rows, second.exit)
    same = second.exit == 0 and rows_digest(store) == rows
    return Cut(run.phase, first.exit, in_flight, calls, same, second.exit)


def journalled(store: Path) -> int:
    """Facts in the journal of the unfinished run; one that is cut off in the middle is none."""
    return sum(max(0, path.read_bytes().count(b"\n") - 1) for path in store.glob("runs/*/journal.ndjson"))


def figures_of(name: str, cuts: list[Cut], calls: int) -> Iterator[Figure]:
    """What a kind of interruption did."""
    count = {phase: sum(one.phase == phase for one in cuts) for phase in (COLLECTING, PROVING, FOLDING, "ended")}
    note = ", ".join(f"{number} {phase}" for phase, number in count.items() if number)
    same = sum(one.same for one in cuts)
    yield Figure(f"interruptions: {name}, same final rows", same, "", len(cuts), "=", note=note)
    proved = sum(one.resumed == 0 for one in cuts)
    yield Figure(f"interruptions: {name}, proved by the next run", proved, "", len(cuts), "=")
    costs = [one for one in cuts if one.phase != "ended"]
    worst = max((one.calls - calls for one in costs), default=0)
    flying = max((one.in_flight for one in costs), default=0)
    note = f"of {calls}; at most {flying} were in flight"
    yield Figure(f"interruptions: {name}, most extra calls", worst, "calls", note=note)
    over = sum(one.calls - calls > max(one.in_flight, calls // 100) for one in costs)
    what = f"interruptions: {name}, runs with more extra calls than 1 % or those in flight"
    yield Figure(what, over, "", 0, "=")


def collect(store: Path) -> list[str]:
    """The command."""
    return moisson("collect", "--store", str(store))
