"""`moisson check`: account, licence, total, quota, and what a run will take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console, harvesting
from moisson.cli.options import ApiUrlOption, ConfigOption, RateOption, StoreOption, TokenUrlOption, read_settings
from moisson.cli.wording import count, duration, size

if TYPE_CHECKING:
    from moisson.harvest.check import Controle

__all__ = ["check"]


def check(
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    rate: RateOption = None,
    config: ConfigOption = None,
    api_url: ApiUrlOption = None,
    token_url: TokenUrlOption = None,
) -> None:
    """Try the account, and tell what a run takes.

    Asks for one token and makes one call. Says whether the account works and the licence is accepted, how many offers
    are online, the quota announced, and the minutes and disk that a full run will take. Writes nothing.

    \b
    Example:
      moisson check
    """
    from moisson.harvest.check import check as ask

    settings = read_settings(config, store=store, rate=rate, api_url=api_url, token_url=token_url)
    settings.require_applications()
    try:
        controle = harvesting.until_interrupted(ask(settings), "Stopping.")
    except harvesting.Interrupted:
        raise typer.Exit(harvesting.EXIT_INTERRUPTED) from None
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(controle)).decode())
    else:
        for line in lines(controle):
            typer.echo(line)
    if controle.libre_octets < controle.disque_octets:
        console.warn(
            f"{size(controle.libre_octets)} are free around {settings.store}, a full run may need "
            f"{size(controle.disque_octets)}. Free some, or give another folder with --store."
        )
    console.note("next: moisson collect")


def lines(controle: Controle) -> list[str]:
    """What the check found, for a person."""
    many = len(controle.applications) > 1
    found = [f"source       {controle.source}{' (simulated data)' if controle.simulated else ''}"]
    for application in controle.applications:
        announced = application.announced_rate
        quota = "quota not announced" if announced is None else f"{announced:g} calls/s announced"
        found.append(f"account      {application.nom + ': ' if many else ''}works, licence accepted, {quota}")
    return [
        *found,
        f"offers       {count(controle.total)} online",
        f"a full run   {count(controle.appels)} calls at {controle.rate:g}/s: {duration(controle.duree_s)}",
        f"disk         {size(controle.disque_octets)} needed at most, {size(controle.libre_octets)} free",
    ]
