"""Forty calls a second, four applications' worth: does the client keep up?"""

from __future__ import annotations

from collections.abc import Iterator

from double import NO_QUOTA, double
from figures import Figure
from harvest import folder, harvest
from plan import Plan
from watched import COLLECTING, FOLDING, PROVING, STARTING

__all__ = ["keep_up"]

RATE = 40


def keep_up(plan: Plan) -> Iterator[Figure]:
    """The double answers at once, in a process of its own; only the client's own slowness could hold it back."""
    # The first and the last calls wait for each other's answers: the fewer there are, the more that weighs.
    offres = plan.country
    with folder() as parent, double("--offres", str(offres), "--still", *NO_QUOTA) as twin:
        done = harvest(twin, parent / "store", RATE)
    outcome = done.outcome
    # Start-up, the judgement (but for its two or three calls) and the fold ask nothing.
    asking_s = outcome.wall_of(COLLECTING)
    yield Figure("cost: pace kept when 40 calls/s are allowed", done.calls / asking_s, "calls/s", 0.96 * RATE, ">=")
    asking = sum(outcome.phases[name].cpu_s for name in (STARTING, COLLECTING, PROVING) if name in outcome.phases)
    note = f"fold {outcome.phases[FOLDING].cpu_s:.1f} s"
    yield Figure("cost: processor busy at 40 calls/s", 100 * asking / asking_s, "%", 100, note=note)
