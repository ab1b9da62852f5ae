"""Benchmarks that are scripts of their own: the pace behind a strict limiter, and what the double itself costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from figures import Figure
from harvest import folder
from plan import Plan

__all__ = ["pace", "twin"]

HERE = Path(__file__).parent
SETUPS = {
    "one-10": "10 calls/s",
    "one-3": "3 calls/s",
    "two-10": "10 calls/s, two processes on one application",
}


def pace(plan: Plan) -> Iterator[Figure]:
    """How near a harvest comes to the allowed rate, behind a limiter that counts strictly (pace.py)."""
    # Four fifths of it are neither start nor end: three minutes.
    seconds = 230 if plan.large is not None else 30
    with folder() as parent:
        out = parent / "pace.json"
        # Short, only one of the three fits.
        only = [] if plan.large is not None else ["--only", "one-10"]
        _script("pace.py", "--seconds", str(seconds), *only, "--json", str(out))
        paces = json.loads(out.read_text())["paces"]
    for one in paces:
        name = SETUPS[one["setup"]]
        refused = 100 * one["refused"] / one["calls"]
        priority = "" if one["priority"] else "the double had no priority over other work"
        budget = 96 if plan.large is not None else None
        steady, asking = 100 * one["steady"], 100 * one["asking"]
        yield Figure(f"pace, {name}: part of the allowed rate", steady, "%", budget, ">=", note=priority)
        note = f"of {one['calls']} calls; whole command {100 * one['whole']:.1f} %"
        yield Figure(f"pace, {name}: the same from the first call to the last", asking, "%", note=note)
        note = f"{one['refused']} of {one['calls']}"
        yield Figure(f"pace, {name}: answered 429", refused, "%", 0.5, note=note)


def twin(plan: Plan) -> Iterator[Figure]:
    """What the double costs, so that it never hides what the client does (twin_page.py)."""
    rows = []
    for line in _script("twin_page.py", str(plan.country)).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 8 and cells[0] == f"{plan.country:,}":
            rows.append(cells)
    if not rows:
        raise RuntimeError("twin_page.py printed no table")
    yield Figure("the double: start", _number(rows[-1][1]), "s", 20)
    yield Figure("the double: peak memory", max(_number(row[2]) for row in rows), "MB", 2000)
    for row in rows:
        if row[3] == "newest first":
            note = f"worst {row[6]}"
            yield Figure(f"the double: a page, {row[3]}, {row[4]}, median", _number(row[5]), "ms", 30, note=note)
    slowest = max(rows, key=lambda row: _number(row[5]))
    note = f"{slowest[3]}, {slowest[4]}"
    yield Figure("the double: a page, slowest search, median", _number(slowest[5]), "ms", 30, note=note)


def _script(name: str, *arguments: str) -> str:
    """Run a script of this folder; what it printed."""
    run = subprocess.run([sys.executable, str(HERE / name), *arguments], stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout)
    if run.returncode != 0:
        raise RuntimeError(f"{name} ended with {run.returncode}")
    return run.stdout


def _number(text: str) -> float:
    return float(text.split()[0].replace(",", ""))
