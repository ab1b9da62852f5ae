"""Moisson and other ways of collecting everything, on the same double, in the same worlds, at the same pace.

The others are scripts in rivals/; each says whom it stands for. Every run has a double of its own, made from one seed,
and is held against the truth of that world from outside: what the double was asked, what was online throughout, what
the operating system says of the process.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from double import NO_QUOTA, START, Double, compare, double
from harvest import folder, harvest
from plan import floor_of
from points import Points
from watched import Watched, moisson

__all__ = ["METHODS", "OURS", "RATE", "WORLDS", "Method", "Row", "World", "lines_of", "measure", "measured", "table"]

HERE = Path(__file__).parent
RATE = 40
LATENCY = "latency:min=0.05,max=0.35"
"""An answer comes after 0.2 s in the mean; at 10 calls/s, four times slower, these would be 0.2 to 1.4 s."""
CROWD = 6000
NUMBER = re.compile(r"\d[\d,]*")


@dataclass(frozen=True)
class Method:
    """A way of collecting everything.

    Attributes:
        key: its name on the command line.
        title: for the table.
        files: those it is made of.
        suffix: of what it leaves.
        arguments: it is started with.
        worlds: where it is run; empty: everywhere.
    """

    key: str
    title: str
    files: tuple[str, ...]
    suffix: str = ".ndjson"
    arguments: tuple[str, ...] = ()
    worlds: tuple[str, ...] = ()


@dataclass(frozen=True)
class World:
    """A world of so many offers.

    Attributes:
        key: its name on the command line.
        title: for the table.
        crowd: how many of its offers bear one second.
        arguments: of the double.
    """

    key: str
    title: str
    arguments: tuple[str, ...]
    crowd: int = 0


Row = tuple[World, Method, list[dict[str, Any]]]
"""A world, a method, and its runs."""

OURS = Method("moisson", "**Moisson**", ())
_LENT = ("--lent",)
METHODS = (
    OURS,
    Method("halving", "halving of dates", ("halving.py", "halves.py", "asking.py")),
    Method("halving-lent", "the same, our retries lent", ("halving.py",), arguments=_LENT, worlds=("faults",)),
    Method("tree", "région → département → ROME", ("tree.py", "asking.py")),
    Method("tree-lent", "the same, our retries lent", ("tree.py",), arguments=_LENT, worlds=("faults",)),
    Method("days", "one window a day", ("days.py", "asking.py")),
    Method("dlt", "dlt's REST source, halving", ("dlt_halving.py", "halves.py", "asking.py"), ".duckdb"),
    Method("scrapy", "a Scrapy spider, halving", ("scrapy_halving.py", "halves.py", "asking.py")),
)
WORLDS = (
    World("quiet", "A quiet world", ("--still",)),
    World(
        "drifting",
        "A drifting one: 2 births, 2 withdrawals, 0.1 republications a second",
        ("--births", "2", "--deaths", "2", "--republications", "0.1"),
    ),
    World("crowded", f"A crowded second: {CROWD:,} offers bear one", ("--still", "--crowd", str(CROWD)), CROWD),
    World(
        "faults",
        "One call in ten fails: status 500 (5 %), 502 (3 %), connection dropped (2 %)",
        ("--still", "--fault", "reply_500:p=0.05", "--fault", "reply_502:p=0.03", "--fault", "drop:p=0.02"),
    ),
)


@dataclass
class Measured:
    """One run of one method.

    Attributes:
        offres, rate: size of the world, calls a second.
        calls, floor: searches that reached the double, and the least that could do.
        throughout, missing: offers online before and after, and those of them that were not collected.
        invented, twice, kept: offers that never were; rows whose id another row has; rows left.
        sent: rows that the API sent.
        announced, told_missing, lost: what the method says of itself: the total it began with; how many offers it says
            it lacks (None: it does not say); how many places it names where some are.
        exit: its exit code.
        said: its last word, when it did not end well.
        wall_s, cpu_s, peak_mb, left_bytes: time, processors, memory, what it leaves on the disk.
    """

    offres: int
    rate: int
    calls: int
    floor: int
    throughout: int
    missing: int
    invented: int
    twice: int
    kept: int
    sent: int
    announced: int | None
    told_missing: int | None
    lost: int
    exit: int
    said: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    left_bytes: int


def measure(offres: int, runs: int, worlds: Sequence[World], methods: Sequence[Method], *, again: bool) -> None:
    """Run every method in every world, as often as asked; what is measured already is left as it is."""
    points = Points(f"comparison-{offres}", again=again)
    # Run after run, not each twice in a row: a busy hour of the machine then shows as spread.
    for run in range(1, runs + 1):
        for world in worlds:
            for method in methods:
                if not method.worlds or world.key in method.worlds:
                    key = f"{world.key}/{method.key}/{run}"
                    point = points.measure(key, partial(_one, method, world, offres))
                    print(f"{key}: {point['calls']:,} calls, {point['missing']} missing, {point['wall_s']:.0f} s")


def measured(offres: int) -> list[Row]:
    """What is measured, in the order of the table."""
    points = Points(f"comparison-{offres}").points
    rows = []
    for world in WORLDS:
        for method in METHODS:
            runs = [point for key, point in points.items() if key.rpartition("/")[0] == f"{world.key}/{method.key}"]
            if runs:
                rows.append((world, method, runs))
    return rows


def _one(method: Method, world: World, offres: int) -> dict[str, Any]:
    arguments = ("--offres", str(offres - world.crowd), "--fault", LATENCY, *world.arguments, *NO_QUOTA)
    with folder() as parent, double(*arguments) as twin:
        done = _ours(twin, parent, offres) if method is OURS else _theirs(method, twin, parent, offres)
    return asdict(done)


def _ours(twin: Double, parent: Path, offres: int) -> Measured:
    done = harvest(twin, parent / "store", RATE)
    status = Watched(moisson("status", "--json", "--store", str(parent / "store")), twin.account()).finish()
    told = json.loads(status.output)
    outcome, missed = done.outcome, done.missed
    return Measured(
        offres=offres,
        rate=RATE,
        calls=done.calls,
        floor=done.floor,
        throughout=missed.throughout,
        missing=missed.missing,
        invented=missed.invented,
        twice=missed.twice,
        kept=missed.stored,
        sent=twin.stats()["offres_sent"],
        announced=told["announced"],
        told_missing=told["missing_known"],
        lost=len(told["reasons"]),
        exit=outcome.exit,
        said="proved" if told["proved"] else "; ".join(told["reasons"]),
        wall_s=outcome.wall_s,
        cpu_s=outcome.cpu_s,
        peak_mb=outcome.peak_mb,
        left_bytes=done.store_bytes,
    )


def _theirs(method: Method, twin: Double, parent: Path, offres: int) -> Measured:
    out = parent / f"offres{method.suffix}"
    before = twin.save_truth(parent / "before.ndjson")
    script = str(HERE / "rivals" / method.files[0])
    command = [sys.executable, script, str(out), "--until", START, *method.arguments]
    outcome = Watched(command, twin.account(MOISSON_RATE=str(RATE), HOME=str(parent))).finish()
    answered = twin.stats()
    if not outcome.output:
        raise RuntimeError(f"{method.key} said nothing: {outcome.errors[-2000:]}")
    told = json.loads(outcome.output.splitlines()[-1])
    left = out.stat().st_size if out.exists() else 0
    after = twin.save_truth(parent / "after.ndjson")
    if told["kept"] == 0:
        out = parent / "nothing.ndjson"
        out.touch()
    missed = compare(twin, out, before, after)
    with before.open("rb") as lines:
        floor = floor_of(sum(1 for _ in lines))
    counts = [count for _, count in told["lost"]]
    return Measured(
        offres=offres,
        rate=RATE,
        calls=answered["calls"]["search"],
        floor=floor,
        throughout=missed.throughout,
        missing=missed.missing,
        invented=missed.invented,
        twice=missed.twice,
        kept=missed.stored,
        sent=answered["offres_sent"],
        announced=told["announced"],
        told_missing=sum(counts) if counts and None not in counts else None,
        lost=len(counts),
        exit=outcome.exit,
        said=(outcome.errors.strip().splitlines() or [""])[-1][:200] if outcome.exit else "",
        wall_s=outcome.wall_s,
        cpu_s=outcome.cpu_s,
        peak_mb=outcome.peak_mb,
        left_bytes=left,
    )


def lines_of(method: Method) -> int:
    """How many lines of source a method is made of, its libraries left out."""
    source = HERE.parent / "src" / "moisson"
    files = sorted(source.rglob("*.py")) if method is OURS else [HERE / "rivals" / name for name in method.files]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def table(rows: Iterable[Row]) -> str:
    """The runs as Markdown: a table a world; where runs differ, the least and the most of them."""
    lines: list[str] = []
    for world, method, runs in rows:
        title = f"### {world.title}"
        if title not in lines:
            lines += ["", title, ""]
            lines.append(
                "| way | calls | × floor | collected | missing | invented, twice | what it says itself "
                "| time, s | processor, s | memory, MB |"
            )
            lines.append("|---|---|---|---|---|---|---|---|---|---|")
        cells = [
            method.title,
            _span(run["calls"] for run in runs),
            _span((run["calls"] / run["floor"] for run in runs), ".2f"),
            _span((100 * (1 - run["missing"] / run["throughout"]) for run in runs), ".2f", " %"),
            _span(run["missing"] for run in runs),
            _span(run["invented"] + run["twice"] for run in runs),
            _together([_says(method, run) for run in runs]),
            _span((run["wall_s"] for run in runs), ".0f"),
            _span((run["cpu_s"] for run in runs), ".0f"),
            _span((run["peak_mb"] for run in runs), ".0f"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines[1:])


def _span(values: Iterable[float], form: str = ",", unit: str = "") -> str:
    shown = sorted(values)
    least, most = format(shown[0], form), format(shown[-1], form)
    return f"{least}{unit}" if least == most else f"{least} – {most}{unit}"


def _together(said: list[str]) -> str:
    """What runs say, in one text if it is the same but for its numbers."""
    texts = list(dict.fromkeys(said))
    if len({NUMBER.sub("#", text) for text in texts}) > 1:
        return "; ".join(texts)
    numbers = zip(*(NUMBER.findall(text) for text in texts), strict=True)
    spans = [_span(int(number.replace(",", "")) for number in each) for each in numbers]
    return NUMBER.sub(lambda _: spans.pop(0), texts[0])


def _says(method: Method, run: dict[str, Any]) -> str:
    if method is OURS:
        missing = f", {run['told_missing']:,} missing" if run["told_missing"] else ""
        return "proved complete" if run["exit"] == 0 else f"not proved{missing} (exit {run['exit']})"
    places = f"{run['lost']:,} place{'s' if run['lost'] > 1 else ''}"
    if run["exit"]:
        return f"stopped (exit {run['exit']})"
    if run["lost"]:
        count = "" if run["told_missing"] is None else f", {run['told_missing']:,} offers"
        return f"in its log: {places}{count}"
    if run["announced"] is not None and run["kept"] < run["announced"]:
        return f"two counts that differ by {run['announced'] - run['kept']:,}"
    return "nothing"
