"""Snapshots of a run: the pace that is shown is the one that was kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from moisson.api import ClientStats
from moisson.harvest.meter import Compteur
from moisson.plan.limits import LIMITES_API
from moisson.plan.planner import Planificateur

TICK_S = 0.25


@given(
    rates=st.lists(st.sampled_from([1.0, 3.0, 10.0]), min_size=1, max_size=4),
    seconds=st.integers(1, 40),
    shift=st.floats(0.0, 0.24),
)
def test_the_pace_is_never_above_what_was_allowed(rates: list[float], seconds: int, shift: float) -> None:
    """Calls leave at even slots; no look at them, however short, makes a faster pace of it, nor a much slower one."""
    compteur = Compteur("c", reprise=False, page=150, debut_s=0.0)
    plan, now, calls, next_s = Planificateur(LIMITES_API), 0.0, 0, shift
    shown = []
    for rate in rates:
        for _ in range(round(seconds / TICK_S)):
            while next_s <= now:
                calls, next_s = calls + 1, next_s + 1 / rate
            shown.append(compteur.instantane(now, plan, ClientStats(search_attempts=calls, rate_s_total=rate)).rythme_s)
            now += TICK_S
    assert max(shown) <= max(rates)
    if len(set(rates)) == 1 and len(rates) * seconds >= 30:
        assert shown[-1] >= rates[0] - 2 / 30
