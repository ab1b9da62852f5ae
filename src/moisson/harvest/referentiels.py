"""Bringing the 16 code lists into a store: looked at and locked before a call is spent on it."""

from __future__ import annotations

import time
from collections.abc import Callable

from moisson.harvest.opening import open_client, open_to_fill
from moisson.settings import Settings
from moisson.store.layout import Layout
from moisson.territory.referentiels import Lists, fetch

__all__ = ["bring"]


async def bring(
    settings: Settings, *, tell: Callable[[str, int], None], wall: Callable[[], float] = time.time
) -> Lists:
    """Fetch the 16 lists and keep them as tables, all or none.

    Args:
        settings: whose account, API and store; a store is made once the lists have come.
        tell: is told the name of each list as it came, and its number of rows.
        wall: seconds since 1970.

    Raises:
        MoissonError: the store cannot be filled, or a list did not come; the store keeps the lists it had.
    """
    if Layout(settings.store).store.exists():
        store = open_to_fill(settings.store, settings, wall())
        with store.lock("referentiels", now_s=wall()):
            lists = await _fetch(settings, tell)
            store.write_referentiels(lists, wall(), retention_s=settings.retention_s)
        return lists
    lists = await _fetch(settings, tell)
    store = open_to_fill(settings.store, settings, wall())
    with store.lock("referentiels", now_s=wall()):
        store.write_referentiels(lists, wall(), retention_s=settings.retention_s)
    return lists


async def _fetch(settings: Settings, tell: Callable[[str, int], None]) -> Lists:
    async with open_client(settings) as client:
        return await fetch(client, tell=tell)
