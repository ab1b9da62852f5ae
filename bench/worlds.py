"""Harvests of quiet and unquiet worlds: calls against the floor, nothing missing, what a full run costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from double import NO_QUOTA, double
from figures import Figure
from harvest import calls_figures, cost_figures, disk_figures, folder, harvest
from plan import Plan, calls_budget

__all__ = ["crowd", "large", "quiet", "storm", "ties"]

CPU_S = 150.0


@dataclass(frozen=True)
class World:
    """A world and what its harvest may cost.

    Attributes:
        name: for the table.
        offres: how many.
        arguments: of the double.
        ratio: calls ÷ floor, at most.
    """

    name: str
    offres: int
    arguments: tuple[str, ...]
    ratio: float


def quiet(plan: Plan) -> Iterator[Figure]:
    """Nothing moves: calls, processor time, memory, disk."""
    yield from _one(World("quiet", plan.country, ("--still",), 1.005), plan, costs=True)


def storm(plan: Plan) -> Iterator[Figure]:
    """Twenty offers come and twenty go each second."""
    arguments = ("--births", "20", "--deaths", "20")
    yield from _one(World("20 births and 20 deaths/s", plan.country, arguments, 1.04), plan)


def ties(plan: Plan) -> Iterator[Figure]:
    """Offers of one instant change places at each call: alone, and while offers come and go."""
    for name, drift in (("unstable ties", ("--still",)), ("unstable ties and drift", ())):
        arguments = ("--unstable-ties", "instant", *drift)
        yield from _one(World(name, plan.country, arguments, 1.06), plan)


def crowd(plan: Plan) -> Iterator[Figure]:
    """One second holds far more than a search shows."""
    on_it, offres = plan.crowd
    arguments = ("--crowd", str(on_it), "--still")
    with folder() as parent, double("--offres", str(offres - on_it), *arguments, *NO_QUOTA) as twin:
        done = harvest(twin, parent / "store", plan.rate)
    yield from calls_figures(f"{on_it:,} of {offres:,} on one second", done, (1.15, ""))


def large(plan: Plan) -> Iterator[Figure]:
    """Four countries in one: the same memory."""
    if plan.large is not None:
        yield from _one(World(f"{plan.large:,} offers", plan.large, ("--still",), 1.005), plan, costs=True, cpu_s=None)


def _one(world: World, plan: Plan, *, costs: bool = False, cpu_s: float | None = CPU_S) -> Iterator[Figure]:
    with folder() as parent, double("--offres", str(world.offres), *world.arguments, *NO_QUOTA) as twin:
        done = harvest(twin, parent / "store", plan.rate)
    yield from calls_figures(world.name, done, calls_budget(world.ratio, world.offres))
    if costs:
        yield from cost_figures(world.name, done, cpu_s)
        yield from disk_figures(world.name, done)
