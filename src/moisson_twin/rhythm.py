"""When offers are created: ages, days of the week, hours of the day, and the bursts of partners' loads.

Half the living stock is older than a month, the oldest two years. Own offers are typed in office hours, Paris time, to
the millisecond; partners load theirs in batches that bear one whole second.
"""

import numpy as np
from numpy.typing import NDArray

from moisson_twin.instants import shift_ms

DAY_MS = 86_400_000
#: Weight of each day of the week, Monday first, for own and partners' offers.
_WEEK = {True: (1.0, 1.1, 1.05, 1.05, 0.9, 0.1, 0.05), False: (0.9, 1.1, 1.1, 1.05, 1.0, 0.6, 0.5)}
#: Weight of each hour of the day in Paris: office hours with a dip at noon; night and day batches.
_HOURS = {
    True: (1, 0.5, 0.5, 0.5, 0.2, 0.2, 0.5, 2, 12, 15, 14, 13, 4, 10, 12, 11, 10, 7, 3, 2, 3, 1, 1, 1),
    False: (2, 3, 8, 7, 4, 4, 6, 4, 7, 6, 9, 14, 16, 9, 10, 7, 12, 14, 5, 3, 4, 2, 2, 2),
}


def draw_instants(
    rng: np.random.Generator, count: int, own: bool, start_ms: int, age_days_max: float
) -> NDArray[np.int64]:
    """Creation instants before ``start_ms``, true UTC, in no order: whole seconds for partners, any ms for own."""
    days = int(age_days_max) + 1
    age = np.arange(days)
    # Half within 31 days, falling off with a mean of two weeks; half in a long tail.
    recent, tail = np.exp(-age / 16) * (age < 31), np.exp(-(age - 31) / 150) * (age >= 31)
    weights = recent / recent.sum() * 0.53 + tail / max(tail.sum(), 1e-9) * 0.47
    today = start_ms // DAY_MS  # days since 1970, which was a Thursday
    weights = weights * np.array(_WEEK[own])[(today - age + 3) % 7]
    day = today - rng.choice(days, count, p=weights / weights.sum())
    hours = np.array(_HOURS[own], dtype=float)
    hour = rng.choice(24, count, p=hours / hours.sum())
    in_hour = rng.integers(0, 3_600_000, count)
    shifts = np.array([shift_ms(int(today - a) * DAY_MS + DAY_MS // 2, "paris") for a in range(days)])
    instants = day * DAY_MS + hour * 3_600_000 + in_hour - shifts[today - day]
    # What would lie in the future happened a week before.
    instants = np.where(instants >= start_ms, instants - 7 * DAY_MS, instants)
    whole = rng.random(count) < 0.01 if own else np.ones(count, dtype=np.bool_)
    rounded: NDArray[np.int64] = np.where(whole, instants // 1000 * 1000, instants).astype(np.int64)
    return rounded


def draw_bursts(rng: np.random.Generator, count: int, largest: int) -> NDArray[np.int64]:
    """Sizes of bursts that sum to ``count``: one in k holds k offers or more, none more than ``largest``."""
    sizes: list[NDArray[np.int64]] = []
    missing = count
    while missing > 0:
        batch = (1.0 / (1.0 - rng.random(max(16, missing // 3)) * (1 - 1 / largest))).astype(np.int64)
        batch = batch[: int(np.searchsorted(np.cumsum(batch), missing)) + 1]
        missing -= int(batch.sum())
        sizes.append(batch)
    if count > 0:
        sizes[-1][-1] += missing  # the last one ends where the count does
    return np.concatenate(sizes) if sizes else np.zeros(0, dtype=np.int64)
