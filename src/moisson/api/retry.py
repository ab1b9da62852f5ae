"""Trouble and attempt in, seconds to wait or None to give up out. Pure, given a draw.

The wait before attempt k+1 is half sure and half drawn:

    ceiling_s = min(WAIT_MAX_S, WAIT_FIRST_S * 2 ** (k - 1))
    wait_s    = ceiling_s * (0.5 + 0.5 * draw)          draw in [0, 1)

so 0.25 to 0.5 s, then 0.5 to 1 s, ... up to 15 to 30 s: within the default patience of 600 s about 30 attempts. Half of
it is drawn so that calls struck together do not come back together. A Retry-After is a lower limit, never an upper one:
"Retry-After: 0" for ever must not become a tight loop.
"""

from __future__ import annotations

from moisson.errors import TokenRefused, Transient

__all__ = ["WAIT_FIRST_S", "WAIT_MAX_S", "backoff_s", "wait_or_give_up"]

WAIT_FIRST_S = 0.5
"""Ceiling of the first wait, seconds."""

WAIT_MAX_S = 30.0
"""Ceiling of every wait, seconds."""


def backoff_s(failures: int, draw: float) -> float:
    """Seconds to wait after this many failures in a row (at least 1), by the formula at the head of this module."""
    ceiling_s = min(WAIT_MAX_S, WAIT_FIRST_S * 2.0 ** min(failures - 1, 16))
    return ceiling_s * (0.5 + 0.5 * draw)


def wait_or_give_up(
    trouble: Transient, failures: int, *, spent_s: float, patience_s: float, draw: float
) -> float | None:
    """Decide what follows a failed attempt.

    Args:
        trouble: what happened.
        failures: how many attempts of this call have failed, this one included.
        spent_s: seconds since the first of them.
        patience_s: seconds that this call may spend on trouble.
        draw: a random number in [0, 1).

    Returns:
        Seconds to wait before the next attempt, or None when it would begin after our patience has ended.
    """
    if isinstance(trouble, TokenRefused) and failures == 1:
        # A token that died early is replaced at once; auth.py holds back a storm of refusals.
        wait_s = 0.0
    else:
        wait_s = max(backoff_s(failures, draw), trouble.retry_after_s or 0.0)
    return wait_s if spent_s + wait_s <= patience_s else None
