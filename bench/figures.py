"""Figures beside their budgets: one record, one table, one file of results."""

from __future__ import annotations

import datetime as dt
import json
import math
import operator
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

__all__ = ["Figure", "committed", "latest", "machine", "moved", "save", "spread", "table"]

RESULTS = Path(__file__).parent / "results"

_HOLDS = {"<=": operator.le, ">=": operator.ge, "=": operator.eq}

NOISE = {
    "": 0.002,
    "offers": 0.0,
    "calls": 0.002,
    "B": 0.02,
    "MB": 0.15,
    "%": 0.1,
    "calls/s": 0.1,
    "s": 0.25,
    "ms": 0.25,
}
"""By how much a figure moves from run to run though nothing changed, as a share of it, by its unit: assumed, and wide,
as for a single run; where there were several runs and they lay wider apart than that, it is what they showed."""
BUSY = {"s", "ms", "calls/s"}
"""Units that say nothing when other work had the processors."""


@dataclass(frozen=True)
class Figure:
    """One thing measured.

    Attributes:
        what: what it is, for a reader who sees only the table.
        value: the figure; the median when there were several runs.
        unit: its unit; "" for a plain number.
        budget: what was promised, or None.
        sense: how the figure must stand to the budget: "<=", ">=" or "=".
        lowest, highest: of several runs, or None.
        runs: how many.
        note: what the reader must know to judge it.
    """

    what: str
    value: float
    unit: str = ""
    budget: float | None = None
    sense: str = "<="
    lowest: float | None = None
    highest: float | None = None
    runs: int = 1
    note: str = ""

    @property
    def verdict(self) -> str:
        """ "ok", "OVER", or "" when nothing was promised."""
        if self.budget is None:
            return ""
        return "ok" if _HOLDS[self.sense](self.value, self.budget) else "OVER"


def spread(what: str, values: Sequence[float], unit: str = "", budget: float | None = None, note: str = "") -> Figure:
    """The median of several runs, with the lowest and the highest."""
    return Figure(
        what,
        statistics.median(values),
        unit,
        budget,
        lowest=min(values),
        highest=max(values),
        runs=len(values),
        note=note,
    )


def machine() -> dict[str, Any]:
    """Where the figures come from; nothing that names the machine or its folders."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def commit() -> str:
    """The state of the sources that was measured; results and pages that a measurement writes do not change it."""
    described = _git("rev-parse", "--short=12", "HEAD")
    changed = _git(
        "status", "--porcelain", "--untracked-files=no", ":/", ":(top,exclude)bench/results", ":(top,exclude)docs"
    )
    return f"{described}-dirty" if described and changed else described or "unknown"


def _git(*arguments: str) -> str:
    """What git says of these sources; nothing where they are no checkout."""
    run = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return run.stdout.strip()


def save(name: str, figures: Iterable[Figure], *, command: str, place: dict[str, Any], took_s: float) -> Path:
    """Write the results of one benchmark; a later run on the same day replaces them.

    Args:
        name: of the benchmark.
        figures: what it measured.
        command: what to type to do it again.
        place: what `machine` said when it began.
        took_s: how long it took.
    """
    today = dt.datetime.now(dt.UTC).date().isoformat()
    path = RESULTS / f"{today}-{name}.json"
    content = {
        "name": name,
        "date": today,
        "commit": commit(),
        "command": command,
        "machine": place,
        "took_s": round(took_s),
        "figures": [_whole(figure) for figure in figures],
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def _whole(figure: Figure) -> dict[str, Any]:
    rounded = {name: _short(value) for name, value in asdict(figure).items()}
    return {name: value for name, value in rounded.items() if value not in (None, "")} | {"verdict": figure.verdict}


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def latest(name: str) -> dict[str, Any] | None:
    """The newest saved results of a benchmark."""
    found = sorted(RESULTS.glob(f"????-??-??-{name}.json"))
    return json.loads(found[-1].read_text()) if found else None


def committed(name: str, results: Path = RESULTS) -> dict[str, Any] | None:
    """The newest results of a benchmark that are committed, as the commit has them; None: there are none.

    What lies in the working tree may be of an hour ago, and of a change that is being tried.
    """
    asked = ["git", "ls-tree", "--name-only", "HEAD", "./"]
    listed = subprocess.run(asked, cwd=results, capture_output=True, text=True, check=False)
    found = sorted(file for file in listed.stdout.splitlines() if fnmatchcase(file, f"????-??-??-{name}.json"))
    if not found:
        return None
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{found[-1]}"], cwd=results, capture_output=True, text=True, check=True
    )
    return json.loads(shown.stdout)  # type: ignore[no-any-return]


def moved(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is another figure than it was, by more than its noise; one line each, those that got worse first.

    Times are compared only between runs on the same kind of machine that was not busy with other work when they began.

    Args:
        before: saved results.
        after: saved results of the same benchmark.
    """
    old = {figure.what: figure for figure in revive(before)}
    new = {figure.what: figure for figure in revive(after)}
    quiet = before["machine"]["cpu"] == after["machine"]["cpu"] and all(
        content["machine"]["load_before"] <= content["machine"]["cores"] / 2 for content in (before, after)
    )
    lines = []
    for what in old.keys() & new.keys():
        share = _share(old[what].value, new[what].value)
        noise = max(NOISE.get(new[what].unit, 0.1), _apart(old[what]), _apart(new[what]))
        if abs(share) > noise and (quiet or new[what].unit not in BUSY):
            verdict = _verdict(old[what], new[what])
            was, now = (_said(figure.value, figure.unit) for figure in (old[what], new[what]))
            lines.append((verdict != "worse", f"{verdict}: {what}: {was} → {now} ({share:+.1%}, noise {noise:.1%})"))
    lines += [(True, f"gone: {what}") for what in old.keys() - new.keys()]
    lines += [(True, f"new: {what}") for what in new.keys() - old.keys()]
    skipped = sum(1 for what in old.keys() & new.keys() if new[what].unit in BUSY and not quiet)
    if skipped:
        lines.append((True, f"{skipped} times were not compared: another machine, or one busy with other work"))
    return [line for _, line in sorted(lines)]


def _share(old: float, new: float) -> float:
    if old == new:
        return 0.0
    return (new - old) / abs(old) if old else math.copysign(math.inf, new)


def _apart(figure: Figure) -> float:
    """How far the runs of a figure lay apart, as a share of it."""
    if figure.lowest is None or figure.highest is None or not figure.value:
        return 0.0
    return (figure.highest - figure.lowest) / abs(figure.value)


def _verdict(old: Figure, new: Figure) -> str:
    if new.sense == "=":
        if new.budget is None:
            return "moved"
        return "worse" if abs(new.value - new.budget) > abs(old.value - new.budget) else "better"
    return "worse" if (new.value > old.value) == (new.sense == "<=") else "better"


def revive(content: dict[str, Any]) -> list[Figure]:
    """The figures of saved results."""
    return [Figure(**{name: value for name, value in one.items() if name != "verdict"}) for one in content["figures"]]


def table(figures: Iterable[Figure]) -> str:
    """The figures beside their budgets, as a table of Markdown."""
    lines = ["| what | budget | measured | |", "|---|---|---|---|"]
    for one in figures:
        signs = {"<=": "≤ ", ">=": "≥ ", "=": ""}
        budget = "" if one.budget is None else f"{signs[one.sense]}{_said(one.budget, one.unit)}"
        measured = _said(one.value, one.unit)
        if one.runs > 1 and one.lowest is not None and one.highest is not None:
            measured += f" ({_said(one.lowest)} to {_said(one.highest)}, {one.runs} runs)"
        note = f"; {one.note}" if one.note else ""
        lines.append(f"| {one.what} | {budget} | {measured}{note} | {one.verdict} |")
    return "\n".join(lines)


def _said(value: float, unit: str = "") -> str:
    if isinstance(value, int) or value == int(value):
        text = f"{int(value):,}"
    elif abs(value) >= 100:
        text = f"{value:,.0f}"
    elif unit == "" and abs(value) < 10:
        text = f"{value:.4f}"
    else:
        text = f"{value:.3g}"
    return f"{text} {unit}".strip()
