"""From the settings of a person to a client that can ask, and a store that can be filled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moisson import __version__
from moisson.api import Application, Client, Secret
from moisson.settings import Application as Account
from moisson.settings import Settings
from moisson.store.store import Store, open_store

__all__ = ["open_client", "open_to_fill"]


def open_client(settings: Settings, *, accounts: Sequence[Account] = (), **details: Any) -> Client:
    """A client for these settings, to be entered with `async with`.

    Args:
        settings: addresses, accounts and rate.
        accounts: some of the accounts only; all of them when empty.
        details: handed to the client as they are: transport, observer, random…

    Raises:
        SettingsError: no account was given, or an address is not one.
    """
    return Client(
        api_url=settings.api_url,
        token_url=settings.token_url,
        applications=[
            Application(client_id=one.client_id, client_secret=Secret(one.client_secret), nom=one.nom)
            for one in accounts or settings.require_applications()
        ],
        rate=None if settings.rate == "auto" else settings.rate,
        # A transport of its own, in tests, has a quota and often a clock of its own too.
        state_dir=settings.state_dir if details.get("transport") is None else None,
        **details,
    )


def open_to_fill(folder: Path, settings: Settings, now_s: float) -> Store:
    """The store of this folder, made if there is none. Raises as `open_store`."""
    return open_store(
        folder,
        create=True,
        source=settings.source,
        simulated=settings.simulated,
        made_by=f"moisson {__version__}",
        made_at=datetime.fromtimestamp(now_s, UTC).isoformat(timespec="seconds"),
    )
