"""Two nights of a world that drifts: the calls of each, the fold of the second, and queries while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from double import NO_QUOTA, apart, double
from figures import Figure, spread
from harvest import calls_figures, cost_figures, folder, harvest
from plan import Plan, calls_budget
from watched import COLLECTING, FOLDING, Watched, moisson

__all__ = ["nights"]

BETWEEN_S = 28_000
"""Between the nights, of the world's time: 1.3 % of a whole country goes at 0.35/s, 1.3 % comes."""
DRIFT_PER_S = 0.35
EDITS_PER_S = 0.45
"""With these 3 % of it is new or changed on the second night."""
QUERY = "SELECT departement, count(*) AS offres FROM offres GROUP BY ALL ORDER BY offres DESC"


def nights(plan: Plan) -> Iterator[Figure]:
    """A first night and a second, with 3 % new or changed and 1.3 % gone between them."""
    drift = ("--births", str(DRIFT_PER_S), "--deaths", str(DRIFT_PER_S), "--edits", str(EDITS_PER_S))
    with folder() as parent, double("--offres", str(plan.country), *drift, *NO_QUOTA) as twin:
        store, budget = parent / "store", calls_budget(1.008, plan.country)
        first = harvest(twin, store, plan.rate)
        yield from calls_figures("0.35 births and deaths/s", first, budget)
        yield from queries(plan, store)
        # A smaller world moves as fast, so it waits less long: the shares are those of the country.
        twin.advance(BETWEEN_S * plan.country / 750_000)
        while_collecting: list[float] = []
        second = harvest(twin, store, plan.rate, during=lambda run: ask_during(run, store, while_collecting))
        yield from calls_figures("the night after", second, budget)
        fold = second.outcome.phases[FOLDING]
        yield Figure("fold, 3 % new or changed and 1.3 % gone: time", fold.wall_s, "s", 30)
        written = 100 * fold.written_bytes / first.lake_bytes
        yield Figure("fold, 3 % new or changed and 1.3 % gone: written, part of the lake", written, "%", 25)
        yield from cost_figures("the night after", second, 150)
        note = "the processors are busy with the run"
        yield spread("queries: as a command while a collect runs", while_collecting, "s", note=note)


def queries(plan: Plan, store: Path) -> Iterator[Figure]:
    """Count by département: in the engine, and as a command."""
    times_ms = apart(engine_times_ms, store, plan.repeats)
    yield spread("queries: count by département, in the engine", times_ms, "ms", 100)
    yield spread("queries: count by département, as a command", command_times_s(store, plan.repeats), "s", 1)


def engine_times_ms(store: Path, repeats: int) -> list[float]:
    """Times of one query on an engine that is ready; the first, which warms it up, is left out."""
    from moisson.store.engine import connect
    from moisson.store.store import open_store

    times_ms = []
    with connect(open_store(store)) as engine:
        for _ in range(repeats + 1):
            start_s = time.perf_counter()
            engine.query(QUERY)
            times_ms.append((time.perf_counter() - start_s) * 1000)
    return times_ms[1:]


def command_times_s(store: Path, repeats: int) -> list[float]:
    """Times of `moisson sql`, from the first instant to the last."""
    times_s = []
    for _ in range(repeats):
        outcome = Watched(moisson("sql", QUERY, "--store", str(store)), {}).finish()
        if outcome.exit != 0 or "75" not in outcome.output:
            raise RuntimeError(outcome.errors)
        times_s.append(outcome.wall_s)
    return times_s


def ask_during(run: Watched, store: Path, times_s: list[float]) -> None:
    """Ask the store a few times while it is being filled."""
    run.wait_phase(COLLECTING)
    for _ in range(5):
        times_s += command_times_s(store, 1)
        if run.phase != COLLECTING or run.ended:
            break
        time.sleep(0.5)
