"""See tests/simulation/__init__.py for the calls."""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import itertools
import os
import platform
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from tests.simulation.harvest import Outcome, simulate, trouble
from tests.simulation.scenario import SMALL_FROM, draw
from tests.simulation.table import ROWS, play

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
REPLAY = "python -m tests.simulation --seed {} -v"


def main(argv: list[str] | None = None) -> int:
    """Parse, call, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Whole harvests in virtual time.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seconds", type=float, help="play fresh seeds for so long")
    what.add_argument("--seed", type=int, help="play one seed")
    what.add_argument("--table", action="store_true", help="play the named troubles")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell every question and its answer")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--first", type=int, help="first of the fresh seeds (default: drawn)")
    parser.add_argument("--rows", default="", help="only these rows of the table, with commas between them")
    parser.add_argument("--write", action="store_true", help="write the table into docs/simulation.md")
    options = parser.parse_args(argv)
    if options.seed is not None:
        return one(options.seed, verbose=options.verbose)
    # A worker that is killed from outside breaks this pool instead of being waited for.
    with ProcessPoolExecutor(options.jobs, initializer=_settle) as pool:
        if options.table:
            return table(pool, options.rows.split(",") if options.rows else [], write=options.write)
        first = random.SystemRandom().randrange(SMALL_FROM, 10**9) if options.first is None else options.first
        return fresh(pool, first, options.seconds, options.jobs)


def one(seed: int, *, verbose: bool) -> int:
    """Play one seed, and say all that is known of it."""
    scenario = draw(seed)
    print(scenario)
    outcome = simulate(scenario, print if verbose else None)
    print(outcome)
    wrong = trouble(scenario, outcome)
    print(*wrong or ["All promises were kept."], sep="\n")
    return bool(wrong)


def _settle() -> None:
    """What was imported stays, and a harvest leaves little behind in circles: look for it seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _try(seed: int) -> tuple[int, Outcome, list[str], float]:
    begun_s = time.process_time()
    scenario = draw(seed)
    outcome = simulate(scenario)
    return seed, outcome, trouble(scenario, outcome), time.process_time() - begun_s


def fresh(pool: Executor, first: int, seconds: float, jobs: int) -> int:
    """Play seed after seed until the time is over."""
    begun_s = time.monotonic()

    def seeds() -> Iterator[int]:
        seed = first
        while time.monotonic() < begun_s + seconds:
            yield seed
            seed += 1

    print(f"seeds from {first} on", flush=True)
    verdicts: Counter[int] = Counter()
    calls = facts = changes = failing = 0
    virtual_s = busy_s = 0.0
    # A few ahead, so that no process waits for another, and the time is looked at.
    source = seeds()
    ahead = deque(pool.submit(_try, seed) for seed in itertools.islice(source, 4 * jobs))
    while ahead:
        seed, outcome, wrong, cpu_s = ahead.popleft().result()
        ahead += [pool.submit(_try, following) for following in itertools.islice(source, 1)]
        verdicts[outcome.verdict] += 1
        calls, facts, changes = calls + outcome.calls, facts + outcome.facts, changes + outcome.changes
        virtual_s, busy_s = virtual_s + outcome.virtual_s, busy_s + cpu_s
        if wrong:
            failing += 1
            print(f"seed {seed}: {'; '.join(wrong)[:400]}\n    {REPLAY.format(seed)}", flush=True)
    spent_s = time.monotonic() - begun_s
    count = verdicts.total()
    print(
        f"{count} harvests in {spent_s:.0f} s, {count / spent_s * 60:.0f} a minute, {count / busy_s * 60:.0f} a minute "
        f"of one core's time ({calls} calls, {facts} facts, "
        f"{changes} changes of the file system; {virtual_s / 86_400:.1f} days of virtual time); verdicts "
        f"{dict(sorted(verdicts.items()))}; {failing} failing; {_machine()}"
    )
    return bool(failing)


def table(pool: Executor, keys: list[str], *, write: bool) -> int:
    """Play the named troubles and print what came, as Markdown."""
    rows = [row for row in ROWS if not keys or row.key in keys]
    lines = ["| switch | due | came | harvests |", "|---|---|---|---|"]
    wrong: list[str] = []
    for row, came in zip(rows, pool.map(_row, [row.key for row in rows]), strict=True):
        lines.append(f"| {row.switch} | {row.due} | {came} | {came.verdicts.total()} |")
        wrong += [f"{row.key}: {text}" for text in came.wrong]
    lines += ["", f"Played by `make simulation-table`: {_machine()}."]
    text = "\n".join(lines)
    print(text)
    print(*wrong, sep="\n", file=sys.stderr)
    if write and not keys:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    return bool(wrong)


def _row(key: str):  # type: ignore[no-untyped-def]  # only the pool calls it
    return play(next(row for row in ROWS if row.key == key))


def _machine() -> str:
    today = dt.datetime.now(dt.UTC).date()
    return f"{today}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
