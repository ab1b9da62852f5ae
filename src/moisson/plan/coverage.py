"""What was read against what was announced, for the whole country.

The page that closes a run is read at one instant, and says how many offers are online then. Each of them was online
before, in a window that was read, or stands on that page. So fewer distinct offers read than that page announces means
that some were never seen, whatever the windows say: offers that came with an old date, or back, after their window was
read. An offer withdrawn meanwhile makes more of them, never fewer, and can hide one such: that is the limit of what can
be seen.
"""

from __future__ import annotations

import msgspec

from moisson.model import Bilan

__all__ = ["confronter"]


def confronter(bilan: Bilan, distinctes: int) -> Bilan:
    """Judge a run by the distinct offers that it read, those of the runs it continues included."""
    # What the plan names as out of reach is no contradiction: it was announced, and is known not to be read.
    manquent = bilan.annonce_balayage - distinctes - bilan.manquantes
    if manquent <= 0:
        return bilan
    raison = (
        f"{distinctes} distinct offers were read, and {bilan.annonce_balayage} were online when the last page was: "
        f"{manquent} came with an old date, or back, after their time was read"
    )
    return msgspec.structs.replace(
        bilan,
        prouve=False,
        controles_nationaux=False,
        raisons=(*bilan.raisons, raison),
        manquantes=bilan.manquantes + manquent,
    )
