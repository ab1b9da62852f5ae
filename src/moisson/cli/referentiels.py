"""`moisson referentiels`: fetch the 16 code lists."""

from __future__ import annotations

import typer

from moisson.cli import console, harvesting
from moisson.cli.options import ApiUrlOption, ConfigOption, RateOption, StoreOption, TokenUrlOption, read_settings
from moisson.cli.wording import count

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
    from moisson.harvest.referentiels import bring

    def tell(nom: str, rows: int) -> None:
        console.note(f"  {nom}: {count(rows, 'row')}")

    try:
        lists = harvesting.until_interrupted(bring(settings, tell=tell), "Stopping.")
    except harvesting.Interrupted:
        console.note("INTERRUPTED SAFELY: the store keeps the lists it had.", "yellow")
        raise typer.Exit(harvesting.EXIT_INTERRUPTED) from None
    rows = sum(map(len, lists.values()))
    console.note(f"{count(len(lists), 'list')}, {count(rows, 'row')} in {settings.store}.", "green")
