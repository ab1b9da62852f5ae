"""Whether what a store holds is proved and young enough: what a monitor asks."""

from __future__ import annotations

from moisson.store.status import StoreStatus

__all__ = ["NEVER", "STALE", "UNPROVED", "faults"]

NEVER = "never proved"
UNPROVED = "the last run is not proved"
STALE = "stale"


def faults(found: StoreStatus, max_age_s: float) -> tuple[str, ...]:
    """What is wrong with the store's present state: some of NEVER, UNPROVED and STALE; nothing when all is well.

    Args:
        found: its state.
        max_age_s: greatest age of the last proof that is well, seconds. A proof from the future, by a clock that was
            set back since, has no age that could be trusted, and counts as stale.
    """
    if found.age_s is None:
        return (NEVER,)
    wrong = []
    if not found.proved:
        wrong.append(UNPROVED)
    if not 0 <= found.age_s <= max_age_s:
        wrong.append(STALE)
    return tuple(wrong)
