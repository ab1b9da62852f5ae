"""How long to wait after trouble, and when to give up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.api.retry import WAIT_FIRST_S, WAIT_MAX_S, backoff_s, wait_or_give_up
from moisson.errors import NetworkTrouble, ServerTrouble, Throttled, TokenRefused, Transient

DRAWS = st.floats(0, 1, exclude_max=True)


@given(failures=st.integers(1, 10_000), draw=DRAWS)
def test_waits_grow_and_are_bounded(failures: int, draw: float) -> None:
    """Half sure, half drawn, never above the ceiling, whatever the number of failures."""
    wait_s = backoff_s(failures, draw)
    ceiling_s = min(WAIT_MAX_S, WAIT_FIRST_S * 2.0 ** (min(failures, 100) - 1))
    assert ceiling_s / 2 <= wait_s <= ceiling_s
    assert backoff_s(failures + 1, draw) >= wait_s


@given(draw=DRAWS, patience_s=st.floats(0, 3600), attempt_s=st.floats(0, 60))
def test_trouble_without_end_ends(draw: float, patience_s: float, attempt_s: float) -> None:
    """Attempts stop before the patience is over, and are few."""
    now = attempt_s
    failures = 1
    while True:
        spent_s = now - attempt_s
        wait_s = wait_or_give_up(NetworkTrouble("reset"), failures, spent_s=spent_s, patience_s=patience_s, draw=draw)
        if wait_s is None:
            break
        assert spent_s + wait_s <= patience_s
        now += wait_s + attempt_s
        failures += 1
    assert failures <= 10 + patience_s / (WAIT_MAX_S / 2)


@pytest.mark.parametrize(("asked_s", "least_s"), [(None, 0.25), (0.0, 0.25), (1.0, 1.0), (120.0, 120.0)])
def test_a_wish_of_the_server_is_a_lower_limit(asked_s: float | None, least_s: float) -> None:
    """ "Retry-After: 0" for ever is no reason for a tight loop."""
    trouble = Throttled("429", retry_after_s=asked_s, status=429)
    assert wait_or_give_up(trouble, 1, spent_s=0, patience_s=600, draw=0.0) == least_s


def test_a_wish_beyond_our_patience_ends_it() -> None:
    """Waiting to give up is no use."""
    trouble = ServerTrouble("503", retry_after_s=120.0, status=503)
    assert wait_or_give_up(trouble, 1, spent_s=500.0, patience_s=600, draw=0.0) is None


def test_the_first_refused_token_costs_no_wait() -> None:
    """It died early; the second refusal in one call is another matter."""
    refused = TokenRefused("401", status=401)
    assert wait_or_give_up(refused, 1, spent_s=0, patience_s=600, draw=0.9) == 0.0
    second_s = wait_or_give_up(refused, 2, spent_s=0, patience_s=600, draw=0.0)
    assert second_s is not None
    assert second_s >= 0.5


def test_no_patience_at_all() -> None:
    """Zero means one attempt, a dead token apart."""
    assert wait_or_give_up(Transient("x"), 1, spent_s=0, patience_s=0, draw=0.5) is None
