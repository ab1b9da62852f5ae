"""`moisson probe`: measure again what the API promises and what a harvest relies on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console, harvesting
from moisson.cli.options import ApiUrlOption, ConfigOption, RateOption, TokenUrlOption, read_settings
from moisson.cli.wording import count, duration

if TYPE_CHECKING:
    from moisson.harvest.probe import Attribut, Sondage

__all__ = ["lines", "probe", "verdict"]

_LINE_EVERY_S = 60.0
_ATTRIBUTES_A_LINE = 4


def probe(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    rate: RateOption = None,
    config: ConfigOption = None,
    api_url: ApiUrlOption = None,
    token_url: TokenUrlOption = None,
) -> None:
    """Measure again what the API promises.

    About 60 calls: how far a search shows, how date bounds count and on which clock, whether ties keep their order,
    whether each criterion adds up to the whole, what is ignored and what is refused, which attributes are absent. Each
    line says what was expected, what was seen, and what it means for a harvest and its proof. Writes nothing.

    \b
    Exit codes: 0 all that a proof rests on holds; 1 failed; 2 settings or account;
    3 something that a proof rests on no longer holds, or could not be measured.

    \b
    Examples:
      moisson probe
      moisson probe --json > probe.json
    """
    settings = read_settings(config, rate=rate, api_url=api_url, token_url=token_url)
    settings.require_applications()
    from moisson.harvest.probe import probe as measure

    try:
        with _observer() as tell:
            sondage = harvesting.until_interrupted(measure(settings, observer=tell), "Stopping.")
    except harvesting.Interrupted:
        raise typer.Exit(harvesting.EXIT_INTERRUPTED) from None
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(sondage)).decode())
    else:
        for line in lines(sondage):
            typer.echo(line)
    console.note(verdict(sondage), "yellow" if sondage.tombees else "green")
    if sondage.tombees:
        raise typer.Exit(harvesting.EXIT_NOT_PROVED)


def verdict(sondage: Sondage) -> str:
    """The whole probe in one line."""
    spent = f"{count(sondage.appels, 'call')} in {duration(sondage.duree_s)}"
    if not sondage.tombees:
        return f"HOLDS: all that a proof rests on, by {spent}"
    said = ", ".join(
        f"{mesure.nom}{' (not known)' if mesure.issue == 'not known' else ''}" for mesure in sondage.tombees
    )
    return f"NO LONGER HOLDS: a proof rests on {said}; by {spent}"


def lines(sondage: Sondage) -> list[str]:
    """The table, for a person: what was seen, then what was expected and what follows."""
    shown = [f"{sondage.le}  {sondage.source}{' (simulated data)' if sondage.simulated else ''}", ""]
    wide = max(len(mesure.nom) for mesure in sondage.mesures)
    rests = {"proof": "the proof rests on it", "cost": "calls rest on it", "nothing": "nothing rests on it"}
    for mesure in sondage.mesures:
        shown.append(f"{mesure.issue:<15}  {mesure.nom:<{wide}}  {mesure.vu}")
        shown.append(f"{'':<15}  {'':<{wide}}    expected: {mesure.attendu}")
        shown.append(f"{'':<15}  {'':<{wide}}    {rests[mesure.appui]}: {mesure.sens}")
    shown += ["", f"attributes absent from some of the {count(sondage.offres_lues, 'offer')} read:"]
    parts = [_share(attribut) for attribut in sondage.attributs if attribut.absent or attribut.nul]
    for start in range(0, len(parts), _ATTRIBUTES_A_LINE):
        shown.append("  " + ", ".join(parts[start : start + _ATTRIBUTES_A_LINE]))
    shown += [f"unknown to the schema: {nom}, {count(nombre, 'offer')}" for nom, nombre in sondage.inconnus.items()]
    return shown


def _share(attribut: Attribut) -> str:
    nul = f" and null {100 * attribut.nul:.1f} %" if attribut.nul else ""
    return f"{attribut.nom} {100 * attribut.absent:.1f} %{nul}"


@contextmanager
def _observer() -> Iterator[Callable[[int, str], None]]:
    """What the probe tells its progress to: a living line on a terminal, else one at first and one a minute."""
    from moisson.harvest.probe import APPELS_PREVUS

    if console.is_terminal(sys.stderr):
        from rich.console import Console

        with Console(stderr=True, highlight=False).status("asking for a token …") as screen:
            yield lambda appels, nom: screen.update(f"call {appels} of about {APPELS_PREVUS}: {nom}")
        return
    said_at: float | None = None

    def tell(appels: int, nom: str) -> None:
        nonlocal said_at
        if said_at is None or time.monotonic() - said_at >= _LINE_EVERY_S:
            said_at = time.monotonic()
            console.note(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} call {appels} of about {APPELS_PREVUS}: {nom}")

    yield tell
