"""No second ever holds more calls than allowed, and hardly a slot is lost."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.api.pacing import (
    EASE_CALLS,
    EASE_MAX,
    EASE_STEP,
    MARGIN,
    RATE_MAX,
    SHAKE,
    OwnBook,
    Pacer,
    announced_rate,
    slot_s,
    window_s,
)

RATES = st.one_of(st.sampled_from([0.05, 0.1, 0.5, 1.0, 1.5, 3.0, 4.0, 10.0, 100.0]), st.floats(0.05, 50))


def most_in_a_window(sent_s: list[float], window_s: float) -> int:
    """The largest number of instants in any half-open window, by brute force."""
    ordered = sorted(sent_s)
    return max((sum(1 for other in ordered if 0 <= other - start < window_s) for start in ordered), default=0)


def depart(pacer: Pacer, now: float, *, waited: bool) -> int:
    """Take a slot that is ready for sure."""
    ticket = pacer.depart(now, waited=waited)
    assert ticket is not None
    return ticket


def play(pacer: Pacer, steps: list[tuple[float, float, float, bool]]) -> list[float]:
    """Let calls come, be late, and take time to reach the wire; return when each reached it.

    Each step: seconds until the next call is there; seconds it is late for its slot; seconds from its slot to the
    wire; whether it fails before.
    """
    now = 0.0
    wire: list[tuple[float, int, bool]] = []
    sent_s: list[float] = []

    def pass_time(until_s: float) -> None:
        for at_s, ticket, fails in sorted(w for w in wire if w[0] <= until_s):
            wire.remove((at_s, ticket, fails))
            if fails:
                pacer.void(ticket, at_s)
            else:
                pacer.left(ticket, at_s)
                sent_s.append(at_s)

    for idle_s, late_s, connect_s, fails in steps:
        now += idle_s
        waited = False
        pass_time(now)
        while (ready_s := pacer.ready_s(now)) > now:
            now = max(ready_s, math.nextafter(now, math.inf)) + late_s
            waited = True
            pass_time(now)
        wire.append((now + connect_s, depart(pacer, now, waited=waited), fails))
    pass_time(math.inf)
    return sent_s


STEPS = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0, 3)),
        st.one_of(st.just(0.0), st.floats(0, 0.5)),
        st.one_of(st.just(0.0), st.floats(0, 2)),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(rate=RATES, steps=STEPS)
def test_no_window_is_ever_over_quota(rate: float, steps: list[tuple[float, float, float, bool]]) -> None:
    """Whenever calls come, however late they are and however long their connection takes."""
    sent_s = play(Pacer(rate), steps)
    quota, window_s = (math.floor(rate), 1.0) if rate >= 1 else (1, 1.0 / rate)
    assert most_in_a_window(sent_s, window_s) <= quota


@given(steps=STEPS, rates=st.lists(st.sampled_from([1.0, 3.0, 10.0]), min_size=1, max_size=3), pause=st.floats(0, 10))
def test_nor_when_the_rate_changes(
    steps: list[tuple[float, float, float, bool]], rates: list[float], pause: float
) -> None:
    """The highest rate so far holds at every moment, pauses included."""
    pacer = Pacer(rates[0])
    sent_s: list[float] = []
    base_s = 0.0
    for rate in rates:
        pacer.set_rate(rate)
        pacer.throttled(0.0, pause)
        instant = [(idle, late, 0.0, False) for idle, late, _, _ in steps]
        sent_s += play_from(pacer, instant, base_s)
        base_s = max([base_s, *sent_s])
    assert most_in_a_window(sent_s, 1.0) <= math.floor(max(rates))
    assert all(at_s >= pause for at_s in sent_s)


def play_from(pacer: Pacer, steps: list[tuple[float, float, float, bool]], start_s: float) -> list[float]:
    """Play, with a clock that does not begin at zero."""
    return play(pacer, [(start_s, 0.0, 0.0, False), *steps])


@given(
    rate=st.sampled_from([1.0, 3.0, 4.0, 10.0, 40.0]),
    late_s=st.lists(st.floats(0, 1), min_size=200, max_size=200),
)
def test_a_saturated_pace_loses_less_than_four_percent(rate: float, late_s: list[float]) -> None:
    """Being late for each slot, by up to a third of it and at most 10 ms, costs nothing beyond the margin."""
    most_s = min(0.010, 1 / rate / 3)
    sent_s = play(Pacer(rate), [(0.0, share * most_s, 0.0, False) for share in late_s])
    took_s = sent_s[-1] - sent_s[0]
    assert (len(sent_s) - 1) / took_s >= 0.96 * rate
    assert (len(sent_s) - 1) / took_s <= rate


def test_slots_are_even() -> None:
    """3 % slower than allowed, and no burst at the start."""
    sent_s = play(Pacer(3.0), [(0.0, 0.0, 0.0, False)] * 30)
    gaps = {round(b - a, 9) for a, b in itertools.pairwise(sent_s)}
    assert gaps == {round((1 + MARGIN) / 3, 9)}


def test_an_idle_time_earns_nothing() -> None:
    """After a minute of silence the next two calls are a slot apart."""
    sent_s = play(Pacer(3.0), [(0.0, 0.0, 0.0, False), (60.0, 0.0, 0.0, False), (0.0, 0.0, 0.0, False)])
    assert sent_s[2] - sent_s[1] >= 1 / 3


def test_a_pause_holds_and_earns_nothing() -> None:
    """Retry-After: nothing leaves before, and slots begin anew after."""
    pacer = Pacer(3.0)
    pacer.throttled(0.0, 7.0)
    pacer.throttled(1.0, 2.0)
    sent_s = play(pacer, [(0.0, 0.0, 0.0, False)] * 3)
    assert sent_s[0] == 7.0
    assert sent_s[1] - sent_s[0] >= 1 / 3


def test_refusals_teach_how_much_the_network_shakes() -> None:
    """Each widens the slots, but several within one pause only once; calls that pass take it back; it has an end."""
    book = OwnBook()
    pacer = Pacer(10.0, book)

    def ease() -> float:
        with book.open(0.0) as agenda:
            return agenda.ease

    for now in (0.0, 0.1, 0.2):
        pacer.throttled(now, 1.0)
    assert ease() == pytest.approx(EASE_STEP)
    assert slot_s(10.0, ease()) == pytest.approx((1 + MARGIN + EASE_STEP) / 10)
    assert window_s(10.0, ease()) == pytest.approx(1 + SHAKE + EASE_STEP)
    play(pacer, [(0.0, 0.0, 0.0, False)] * EASE_CALLS)
    assert ease() == pytest.approx(0.0)
    for now in range(1000, 2000):
        pacer.throttled(float(now), 0.5)
    assert ease() == pytest.approx(EASE_MAX)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shake_s", [0.01, 0.05, 0.1])
def test_a_network_that_shakes_costs_few_refusals(shake_s: float, seed: int) -> None:
    """Against a strict limiter behind a network that delays each call by up to so much: few 429, a good pace."""
    draw = random.Random(seed)
    pacer = Pacer(10.0)
    accepted_s: list[float] = []
    now, refused = 0.0, 0
    for _ in range(5000):
        now = max(now, pacer.ready_s(now))
        pacer.left(depart(pacer, now, waited=True), now)
        arrival_s = now + draw.uniform(0, shake_s)
        if sum(1 for at_s in accepted_s[-20:] if arrival_s - at_s < 1.0) >= 10:
            refused += 1
            pacer.throttled(arrival_s, 1.0)
        else:
            accepted_s.append(arrival_s)
            accepted_s.sort()
    assert refused <= 0.005 * 5000
    assert len(accepted_s) / now >= (0.96 if shake_s < 0.02 else 0.88) * 10


def test_connections_that_hang_hold_the_pace() -> None:
    """As many calls as the quota are on their way: none may leave until one has left or failed."""
    pacer = Pacer(2.0)
    first, second = depart(pacer, 0.0, waited=False), depart(pacer, 0.6, waited=False)
    assert pacer.ready_s(20.0) > 20.0
    pacer.left(first, 20.0)
    assert pacer.ready_s(20.0) > 20.0
    pacer.void(second, 20.0)
    assert pacer.ready_s(20.0) <= 20.0


def test_a_departure_counts_once() -> None:
    """Told twice, or failed after it left, it weighs the same."""
    pacer = Pacer(1.0)
    ticket = depart(pacer, 0.0, waited=False)
    pacer.left(ticket, 0.5)
    before_s = pacer.ready_s(0.6)
    pacer.left(ticket, 3.0)
    pacer.void(ticket, 3.0)
    assert pacer.ready_s(0.6) == before_s == 0.5 + 1.0 + SHAKE


def test_memory_does_not_grow() -> None:
    """A night of calls leaves a handful of instants."""
    book = OwnBook()
    play(Pacer(10.0, book), [(0.0, 0.0, 0.0, False)] * 3000)
    with book.open(0.0) as agenda:
        assert len(agenda.left) < 20
        assert not agenda.waiting


@pytest.mark.parametrize("rate", [0.0, -1.0, math.inf, math.nan])
def test_a_rate_is_above_zero(rate: float) -> None:
    """And finite."""
    with pytest.raises(ValueError, match="rate"):
        Pacer(rate)


def test_the_margin_leaves_room_for_the_shake() -> None:
    """Else the counted window would set the pace, and lateness would add up."""
    assert 0 < SHAKE < MARGIN < 0.04


@pytest.mark.parametrize(
    ("replenish", "burst", "rate"),
    [
        ("10", "10", 10.0),
        ("10", "4", 4.0),
        ("10", None, 10.0),
        ("10", "0", 10.0),
        ("0.5", "10", 0.5),
        (None, "10", None),
        ("0", "10", None),
        ("-3", "10", None),
        ("ten", "10", None),
        ("", "10", None),
        ("inf", "10", None),
        ("nan", "10", None),
        (str(RATE_MAX + 1), "10", None),
        ("10", "many", 10.0),
    ],
)
def test_announced_rates(replenish: str | None, burst: str | None, rate: float | None) -> None:
    """Never above the burst, and only what can be true."""
    assert announced_rate(replenish, burst) == rate
