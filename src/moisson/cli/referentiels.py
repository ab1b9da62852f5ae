"""`moisson referentiels`: fetch the 16 code lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from moisson.cli import console, harvesting
from moisson.cli.options import ApiUrlOption, ConfigOption, RateOption, StoreOption, TokenUrlOption, read_settings
from moisson.cli.wording import count

if TYPE_CHECKING:
    from moisson.settings import Settings
    from moisson.territory.referentiels import Lists

__all__ = ["referentiels"]


def referentiels(
    store: StoreOption = None,
    rate: RateOption = None,
    config: ConfigOption = None,
    api_url: ApiUrlOption = None,
    token_url: TokenUrlOption = None,
) -> None:
    """Fetch the 16 code lists into the store.

    Sixteen calls; each list becomes a table of its own: metiers, types_contrats, nafs... Those of communes,
    departements and regions are ref_communes and so on, beside the official geography. All of them come, or the store
    keeps those that it had.

    \b
    Example:
      moisson referentiels
    """
    settings = read_settings(config, store=store, rate=rate, api_url=api_url, token_url=token_url)
    settings.require_applications()
    try:
        lists = harvesting.until_interrupted(_fetch(settings), "Stopping.")
    except harvesting.Interrupted:
        console.note("INTERRUPTED SAFELY: the store keeps the lists it had.", "yellow")
        raise typer.Exit(harvesting.EXIT_INTERRUPTED) from None
    _keep(settings, lists)
    rows = sum(map(len, lists.values()))
    console.note(f"{count(len(lists), 'list')}, {count(rows, 'row')} in {settings.store}.", "green")


async def _fetch(settings: Settings) -> Lists:
    from moisson.harvest.opening import open_client
    from moisson.territory.referentiels import fetch

    async with open_client(settings) as client:
        return await fetch(client, tell=lambda nom, rows: console.note(f"  {nom}: {count(rows, 'row')}"))


def _keep(settings: Settings, lists: Lists) -> None:
    import time

    from moisson import __version__
    from moisson.store.referentiels import write_referentiels
    from moisson.store.store import open_store

    opened = open_store(
        settings.store,
        create=True,
        source=settings.source,
        simulated=settings.simulated,
        made_by=f"moisson {__version__}",
        made_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    now_s = time.time()
    with opened.lock("referentiels", now_s=now_s):
        write_referentiels(opened.layout, lists, now_s=now_s, retention_s=settings.retention_s)
