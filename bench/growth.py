"""How the cost of a harvest grows: with the size of the country, with the allowed rate, with the latency.

Sizes are real: a process, a port, a disk, two nights of a world that drifts. Rates and latencies are played in virtual
time, by the simulation of the tests: 75,000 offers at 15 a page and 315 a search are as many windows and calls as
750,000 at 150 and 3,150, and an hour of waiting costs nothing. There the processor takes no time at all, so what is
seen is waiting alone; what the processor could do at most comes from the sizes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from double import NO_QUOTA, double
from harvest import Harvest, folder, harvest
from nights import BETWEEN_S, DRIFT_PER_S, EDITS_PER_S
from points import Points, conditions
from watched import COLLECTING, FOLDING, PROVING, STARTING

__all__ = ["COUNTRY", "LATENCIES_S", "RATES", "SIZES", "measure", "paces", "shares", "sizes", "tables"]

COUNTRY = 750_000
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
RATES = (3, 10, 30, 100)
LATENCIES_S = (0.0, 0.2, 0.5, 1.0, 2.0)
FAST = 200
"""Calls a second where only the processor is to set the pace."""
SMALL_PAGE, SMALL_START_MAX, SMALL = 15, 300, 75_000
MARGIN = 1.03
"""Slots are this much longer than the rate asks: docs/decisions/0004-pacing.md."""


def measure(largest: int, *, again: bool) -> None:
    """Measure what is not measured yet: sizes up to a largest, all rates and latencies."""
    series = Points("growth-sizes", again=again)
    for size in SIZES:
        if size <= largest:
            point = series.measure(str(size), partial(_two_nights, size))
            print(f"{size:,} offers: {point['first']['calls']:,} calls, {point['first']['wall_s']:.0f} s", flush=True)
    series = Points("growth-paces", again=again)
    for rate in RATES:
        for latency_s in LATENCIES_S:
            point = series.measure(f"{rate}/{latency_s}", partial(_virtual, rate, latency_s))
            kept = point["calls"] / point["virtual_s"]
            print(f"{rate} calls/s, latency {latency_s} s: {kept:.1f} calls/s", flush=True)


def sizes() -> list[tuple[int, dict[str, Any]]]:
    """Sizes measured, smallest first."""
    return sorted((int(key), point) for key, point in Points("growth-sizes").points.items())


def paces() -> dict[tuple[int, float], float]:
    """Calls a second that were made, by rate allowed and mean latency in seconds."""
    found = {}
    for key, point in Points("growth-paces").points.items():
        rate, _, latency_s = key.partition("/")
        found[int(rate), float(latency_s)] = point["calls"] / point["virtual_s"]
    return found


def shares(latency_s: float) -> Iterator[tuple[int, dict[str, float]]]:
    """Where the time of a whole country goes at each rate, in seconds; what ran beside something longer takes none.

    Fold and processor are those of the largest world measured, by proportion.
    """
    made, measured = paces(), sizes()
    if not measured:
        return
    size, point = measured[-1]
    first = point["first"]
    per_call_s = sum(first["cpu_s"].get(name, 0.0) for name in (COLLECTING, PROVING)) / first["calls"]
    fold_s = first["fold_s"] * COUNTRY / size
    for rate in RATES:
        if (rate, latency_s) in made:
            calls = COUNTRY / 150
            due_s, slots_s, asked_s = calls / rate, calls * MARGIN / rate, calls / made[rate, latency_s]
            yield (
                rate,
                {
                    "the allowed rate": due_s,
                    "even slots": slots_s - due_s,
                    "waiting for answers": max(0.0, asked_s - slots_s),
                    "our processor": max(0.0, calls * per_call_s - asked_s),
                    "the fold": fold_s,
                },
            )


def tables() -> dict[str, str]:
    """What the page shows of it, by the name of its place."""
    found = {}
    if measured := sizes():
        found["sizes"] = f"{conditions(point for _, point in measured)}.\n\n" + "\n".join(_size_lines(measured))
    if made := paces():
        found["paces"] = "\n".join(_pace_lines(made))
    return found


def _size_lines(measured: list[tuple[int, dict[str, Any]]]) -> Iterator[str]:
    yield (
        "| offers | night | calls | × floor | processor, s: asking, fold | fold, s "
        "| memory, MB: asking, fold | store, MB |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for size, point in measured:
        for night in ("first", "second"):
            one = point[night]
            asking = sum(one["cpu_s"].get(name, 0.0) for name in (STARTING, COLLECTING, PROVING))
            yield (
                f"| {size:,} | {night} | {one['calls']:,} | {one['calls'] / one['floor']:.4f} "
                f"| {asking:.1f}, {one['cpu_s'][FOLDING]:.1f} | {one['fold_s']:.1f} "
                f"| {one['asking_mb']:.0f}, {one['fold_mb']:.0f} | {one['store_bytes'] / 1e6:,.0f} |"
            )


def _pace_lines(made: dict[tuple[int, float], float]) -> Iterator[str]:
    yield "| mean latency | " + " | ".join(f"{rate} calls/s" for rate in RATES) + " |"
    yield "|---" * (len(RATES) + 1) + "|"
    for latency_s in LATENCIES_S:
        cells = [f"{made[rate, latency_s]:.1f}" if (rate, latency_s) in made else "" for rate in RATES]
        yield f"| {latency_s:g} s | " + " | ".join(cells) + " |"


def _two_nights(size: int) -> dict[str, Any]:
    drift = ("--births", str(DRIFT_PER_S), "--deaths", str(DRIFT_PER_S), "--edits", str(EDITS_PER_S))
    with folder() as parent, double("--offres", str(size), *drift, *NO_QUOTA) as twin:
        first = harvest(twin, parent / "store", FAST)
        # As in nights.py: a smaller world moves as fast, so it waits less long.
        twin.advance(BETWEEN_S * size / COUNTRY)
        second = harvest(twin, parent / "store", FAST)
    return {"first": _night(first), "second": _night(second)}


def _night(done: Harvest) -> dict[str, Any]:
    outcome = done.outcome
    if outcome.exit != 0:
        raise RuntimeError(f"not proved: {outcome.errors[-2000:]}")
    return {
        "calls": done.calls,
        "floor": done.floor,
        "missing": done.missed.missing,
        "wall_s": outcome.wall_s,
        "cpu_s": {name: phase.cpu_s for name, phase in outcome.phases.items()},
        "asking_s": outcome.wall_of(COLLECTING, PROVING),
        "fold_s": outcome.wall_of(FOLDING),
        "asking_mb": outcome.peak_of(STARTING, COLLECTING, PROVING),
        "fold_mb": outcome.peak_of(FOLDING),
        "lake_bytes": done.lake_bytes,
        "store_bytes": done.store_bytes,
        "landed_bytes": done.landed_bytes,
    }


def _virtual(rate: int, latency_s: float) -> dict[str, Any]:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from moisson.plan.limits import Limites
    from moisson_twin.settings import Drift, Settings, WorldSettings
    from tests.simulation.harvest import simulate
    from tests.simulation.scenario import Scenario

    scenario = Scenario(
        seed=1,
        twin=Settings(
            world=WorldSettings(offres=SMALL, drift=Drift.none()),
            world_clock="clock",
            page_size=SMALL_PAGE,
            start_max=SMALL_START_MAX,
            quota_per_s=None,
        ),
        limites=Limites(page=SMALL_PAGE, depart_max=SMALL_START_MAX),
        rate=float(rate),
        latency_s=(0.5 * latency_s, 1.5 * latency_s),
        fold=False,
    )
    outcome = simulate(scenario)
    if outcome.verdict != 0 or outcome.violations:
        raise RuntimeError(f"{outcome.reasons} {outcome.violations}")
    return {"calls": outcome.calls, "floor": outcome.floor, "virtual_s": outcome.virtual_s}
