"""How large and how often: everything, or what fits in five minutes."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["EVERYTHING", "PAGE", "QUICK", "Plan", "calls_budget", "floor_of"]

PAGE = 150
CONSTANT_CALLS = 8
"""Calls that a run costs at any size: the totals before and after, the bounds, the end of the sweep."""


@dataclass(frozen=True)
class Plan:
    """How large and how often.

    Attributes:
        country: offers of the country.
        large: offers of a country four times as large, or None to leave it out.
        small: offers where a run must be short because there are many.
        crowd: offers on one second, and in all.
        rate: calls a second; more than the API allows, as the world's time counts calls.
        kills: how often a run is killed.
        interrupts: how often it is interrupted.
        repeats: how often what takes a second is measured.
    """

    country: int
    large: int | None
    small: int
    crowd: tuple[int, int]
    rate: int
    kills: int
    interrupts: int
    repeats: int


def calls_budget(ratio: float, offres: int) -> tuple[float, str]:
    """The budget of a ratio of calls to the floor, which holds for a whole country; and what to say of it.

    A smaller world has the calls that a run costs at any size on top, as they are a larger part of it.
    """
    floor = floor_of(offres)
    if offres >= 500_000:
        return ratio, ""
    return (math.floor(ratio * floor) + CONSTANT_CALLS) / floor, f"budget: {ratio} and {CONSTANT_CALLS} calls"


def floor_of(offres: int) -> int:
    """The least calls that can read so many offers."""
    return -(-offres // PAGE)


EVERYTHING = Plan(
    country=750_000, large=3_000_000, small=40_000, crowd=(12_000, 60_000), rate=80, kills=20, interrupts=5, repeats=11
)
QUICK = Plan(
    country=100_000, large=None, small=20_000, crowd=(12_000, 60_000), rate=80, kills=6, interrupts=2, repeats=5
)
