"""How soon the command answers."""

from __future__ import annotations

import os
from collections.abc import Iterator

from figures import Figure, spread
from plan import Plan
from watched import Watched, moisson

__all__ = ["startup"]


def startup(plan: Plan) -> Iterator[Figure]:
    """`moisson --help`, from the first instant to the last."""
    outcomes = [Watched(moisson("--help"), dict(os.environ)).finish() for _ in range(2 * plan.repeats)]
    yield spread("start-up: moisson --help", [outcome.wall_s for outcome in outcomes], "s", 0.3)
    yield spread("start-up: moisson --help, processor time", [outcome.cpu_s for outcome in outcomes], "s")
