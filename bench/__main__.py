"""Measure the budgets, each figure beside what was promised.

    python bench                     # everything: about an hour, 3 GB of memory, 6 GB of disk
    python bench --quick             # smaller and fewer: under five minutes
    python bench quiet kills         # some of them
    python bench --table             # measure nothing: print the newest saved results

Results are written to bench/results/<date>-<name>.json, those of --quick to <date>-<name>-quick.json, and compared with
the last that are committed: what moved by more than its noise is said.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable

import figures
from exports import exports
from figures import Figure
from full_disk import full_disk
from keep_up import keep_up
from kills import kills
from life import life
from nights import nights
from others import pace, twin
from plan import EVERYTHING, QUICK, Plan
from real_texts import real_texts
from startup import startup
from worlds import crowd, large, quiet, storm, ties

BENCHMARKS: dict[str, Callable[[Plan], Iterable[Figure]]] = {
    "quiet": quiet,
    "nights": nights,
    "life": life,
    "storm": storm,
    "ties": ties,
    "crowd": crowd,
    "large": large,
    "startup": startup,
    "keep_up": keep_up,
    "real_texts": real_texts,
    "kills": kills,
    "full_disk": full_disk,
    "exports": exports,
    "pace": pace,
    "twin": twin,
}


def main() -> int:
    """Measure what was asked; the exit code is 1 when a budget is not held, or a benchmark did not run to its end."""
    arguments = parse()
    names = arguments.names or list(BENCHMARKS)
    if arguments.table:
        saved = [content for name in names if (content := figures.latest(name)) is not None]
        print(figures.table(one for content in saved for one in figures.revive(content)))
        return 0
    good = True
    for name in names:
        measured = run(name, QUICK if arguments.quick else EVERYTHING, "-quick" if arguments.quick else "")
        good &= measured is not None and all(one.verdict != "OVER" for one in measured)
    return 0 if good else 1


def run(name: str, plan: Plan, suffix: str) -> list[Figure] | None:
    """One benchmark: measure, save, print. None when it broke down; the others go on."""
    place, start_s = figures.machine(), time.perf_counter()
    measured: list[Figure] = []
    print(f"\n{name}: {BENCHMARKS[name].__doc__}\n", flush=True)
    try:
        measured += BENCHMARKS[name](plan)
    except (OSError, RuntimeError, AssertionError) as error:
        print(f"{name} broke down: {error}", file=sys.stderr)
        return None
    took_s = time.perf_counter() - start_s
    if measured:
        command = "python bench" + (" --quick" if suffix else "") + f" {name}"
        path = figures.save(name + suffix, measured, command=command, place=place, took_s=took_s)
        print(figures.table(measured))
        print(f"\n{took_s:.0f} s, load before {place['load_before']}; saved as bench/results/{path.name}", flush=True)
        compare(name + suffix)
    return measured


def compare(name: str) -> None:
    """Say what moved since the results that were committed last."""
    before, after = figures.committed(name), figures.latest(name)
    if before is not None and after is not None:
        lines = figures.moved(before, after)
        print(
            f"\nSince {before['date']}, {before['commit']}: {'' if lines else 'nothing moved by more than its noise.'}"
        )
        print(*(f"- {line}" for line in lines), sep="\n", flush=True)


def parse() -> argparse.Namespace:
    """What was asked."""
    parser = argparse.ArgumentParser(
        prog="python bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="smaller worlds, fewer runs")
    parser.add_argument("--table", action="store_true", help="print the newest saved results")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
