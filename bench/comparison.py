"""Moisson beside other ways of collecting everything, and how its cost grows; both are written into docs/comparison.md.

    python bench/comparison.py                          # what is not measured yet, at 60,000 offers; about an hour
    python bench/comparison.py --offres 750000          # the whole country: hours, most of them the tree's
    python bench/comparison.py against --worlds quiet --methods moisson,halving
    python bench/comparison.py growth --largest 3000000
    python bench/comparison.py --again                  # measure also what is there
    python bench/comparison.py --page                   # measure nothing, write the page and the plots again

Needs the dependency group `comparison`: `make comparison` makes an environment of its own for it. Every point is saved
in bench/results/ as soon as it is measured, so the command may be stopped, and goes on where it was. (To begin afresh
and still be able to stop, remove the file of that series instead of saying --again.)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import against
import growth
import plots
from against import METHODS, OURS, RATE, WORLDS, Method, Row, World, lines_of, table
from points import conditions

PAGE = Path(__file__).parent.parent / "docs" / "comparison.md"


def main() -> int:
    """Measure what was asked, then write the page."""
    told = parse()
    if "against" in told.parts and not told.page:
        worlds = [world for world in WORLDS if not told.worlds or world.key in told.worlds]
        methods = [method for method in METHODS if not told.methods or method.key in told.methods]
        against.measure(told.offres, told.runs, worlds, methods, again=told.again)
    if "growth" in told.parts and not told.page:
        growth.measure(told.largest, again=told.again)
    write(told.offres)
    return 0


def write(offres: int) -> None:
    """Write tables and plots from what was measured, in whatever order."""
    page = PAGE.read_text(encoding="utf-8")
    if rows := against.measured(offres):
        each = [points for _, _, points in rows]
        runs = [point for points in each for point in points]
        counts = sorted({min(map(len, each)), max(map(len, each))})
        about = (
            f"{offres:,} offers, {RATE} calls a second, answers after 0.05 to 0.35 s; "
            f"{' to '.join(str(count) for count in counts)} separate runs of each: where they differ, least and most."
        )
        page = put(page, "ways", f"{conditions(runs)}. {about}\n\n{table(rows)}")
        page = put(page, "code", code(rows))
    for name, text in growth.tables().items():
        page = put(page, name, text)
    PAGE.write_text(page, encoding="utf-8")
    plots.draw(PAGE.parent / "comparison")


def put(page: str, name: str, text: str) -> str:
    """The page with a text between two markers.

    Raises:
        ValueError: the markers are not there.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"docs/comparison.md has no place for {name}: {begin} and {end} are not there")
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


def code(rows: list[Row]) -> str:
    """How much each is, and what it leaves."""
    lines = ["| way | lines of its own | bytes on the disk for an offer |", "|---|---|---|"]
    for world, method, runs in rows:
        if world.key == "quiet":
            left = [run["left_bytes"] / run["kept"] for run in runs if run["kept"]]
            remark = " (evidence, history and indexes included)" if method is OURS else ""
            lines.append(f"| {method.title} | {lines_of(method):,} | {sum(left) / len(left):,.0f}{remark} |")
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    """What was asked."""
    parser = argparse.ArgumentParser(
        prog="python bench/comparison.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ["against", "growth"]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {' and '.join(parts)} (both)")
    parser.add_argument("--offres", type=int, default=60_000, help="size of the four worlds (60000)")
    parser.add_argument("--runs", type=int, default=2, help="separate runs of each (2)")
    parser.add_argument("--worlds", type=_names, default=[], help=f"some of {_keys(WORLDS)}")
    parser.add_argument("--methods", type=_names, default=[], help=f"some of {_keys(METHODS)}")
    parser.add_argument("--largest", type=int, default=1_000_000, help="largest world of the growth (1000000)")
    parser.add_argument("--again", action="store_true", help="measure also what is there")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page again")
    told = parser.parse_args()
    told.parts = told.parts or parts
    for asked, known in ((told.parts, parts), (told.worlds, _keys(WORLDS)), (told.methods, _keys(METHODS))):
        if unknown := set(asked) - set(known if isinstance(known, list) else known.split(",")):
            parser.error(f"nothing is called {', '.join(sorted(unknown))}")
    return told


def _names(text: str) -> list[str]:
    return text.split(",")


def _keys(known: Iterable[World | Method]) -> str:
    return ",".join(one.key for one in known)


if __name__ == "__main__":
    sys.exit(main())
