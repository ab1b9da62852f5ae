"""`moisson demo`: a whole harvest from the API's double, without an account."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from moisson.cli import console, harvesting
from moisson.cli.wording import count, duration

__all__ = ["demo"]

_DEMO_STORE = "moisson-demo"

# The same world each time: a second demo finds again what the first one stored.
_WORLD_START = "2026-10-15T09:30:00Z"

# The double's world moves by a third of a second at each call.
_CALLS_PER_S = 3.0


def demo(
    store: Annotated[
        str, typer.Option("--store", metavar="DIR", help="Folder of the demo's store.")
    ] = f"./{_DEMO_STORE}",
    offres: Annotated[
        int, typer.Option("--offres", min=1, max=3_000_000, help="Offers of the simulated world.")
    ] = 20_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same world.")] = 1,
    rate: Annotated[
        float, typer.Option("--rate", min=0.1, max=1000, help="Calls a second; the true API allowed 10 in 2026.")
    ] = 10.0,
) -> None:
    """Harvest a simulated world, no account needed.

    Starts the double on this machine, collects everything from it into ./moisson-demo, proves that nothing is
    missing, stops the double, and says what to type next.

    \b
    Example:
      moisson demo --offres 5000
    """
    from moisson.cli.double import let_time_pass, running_twin
    from moisson.settings import Application, Settings

    folder = Path(store).expanduser()
    console.note(f"moisson demo: {count(offres, 'simulated offer')} on this machine, nothing leaves it.", "bold")
    try:
        with running_twin(
            ["--offres", str(offres), "--seed", str(seed), "--start", _WORLD_START, "--quota", f"{rate:g}"]
        ) as ready:
            # No setting of the person's own is read: a demo must never spend their quota nor touch their store.
            settings = Settings(
                store=folder,
                api_url=ready["api_url"],
                token_url=ready["token_url"],
                applications=(Application(client_id=ready["client_id"], client_secret=ready["client_secret"]),),
                rate=rate,
                source_name=f"simulated: moisson_twin seed={seed} offres={offres}",
            )
            let_time_pass(ready, _calls_made(folder) / _CALLS_PER_S)
            calls = math.ceil(offres / 150)
            console.note(f"At least {count(calls, 'call')} at {rate:g}/s: {duration(calls / rate)} or a bit more.")
            resultat = harvesting.harvest(settings)
    except harvesting.Interrupted:
        harvesting.say_interrupted(settings)
        raise typer.Exit(harvesting.EXIT_INTERRUPTED) from None
    harvesting.report(resultat, settings)
    console.note("The true offers need a free account: docs/account.md says how, then type: moisson check")
    if not resultat.bilan.prouve:
        raise typer.Exit(harvesting.EXIT_NOT_PROVED)


def _calls_made(folder: Path) -> int:
    """Calls that earlier demos made for this store: its world must go on from there, for time does not run back."""
    from moisson.store.layout import Layout
    from moisson.store.runs import unfinished_runs
    from moisson.store.store import finished_runs, open_store

    if not Layout(folder).store.exists():
        return 0
    store = open_store(folder)
    finished = sum(run["appels"] or 0 for run in finished_runs(store.generation()))
    landed = (store.layout.run(name).pages.glob("*.json.gz") for name in unfinished_runs(store.layout))
    return finished + sum(1 for pages in landed for _ in pages)
