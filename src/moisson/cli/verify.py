"""`moisson verify`: prove a past run again, from what lies on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.errors import UsageError

if TYPE_CHECKING:
    from moisson.harvest.verify import Verification

__all__ = ["lines", "verify"]

EXIT_NOT_PROVED = 3


def verify(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Name of the run; the last one by default.")
    ] = None,
    store: StoreOption = None,
    every: Annotated[bool, typer.Option("--all", help="Every run whose evidence is kept, oldest first.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it as one JSON object, or an array with --all.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Recompute a run's proof from the evidence on disk.

    Without the network: reads the evidence along its chain of hashes, tells its facts to a new plan, compares what
    that establishes with every row that the tables hold of the run, and the lake with what the pages showed. Says of
    each step whether it holds, fails, is open (in a run that does not claim to be proved), or could not be checked.

    \b
    Exit codes: 0 proved again; 1 something was changed or does not hold; 3 intact, but not proved again: the run was
    not proved, or a Moisson with another planner proved it, which this one cannot judge.

    \b
    Examples:
      moisson verify
      moisson verify 20261123T224601Z --json
      moisson verify --all
    """
    settings = read_settings(config, store=store)
    from moisson.harvest.verify import verifiable_runs
    from moisson.harvest.verify import verify as prove
    from moisson.store.store import open_store

    if run is not None and every:
        raise UsageError("A run and --all were given", todo="Give one of them.")
    opened = open_store(settings.store)
    runs: list[str | None] = [*verifiable_runs(opened)] if every else []
    # Without any run, the verification of the last one says that there is none.
    found = [prove(opened, name) for name in runs or [run]]
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(found if every else found[0])).decode())
    else:
        for verification in found:
            for line in lines(verification):
                typer.echo(line)
    if not all(verification.intacte for verification in found):
        raise typer.Exit(1)
    if not all(verification.prouvee for verification in found):
        raise typer.Exit(EXIT_NOT_PROVED)


def lines(found: Verification) -> list[str]:
    """The verdict on the first line, then what was looked at, then why the run is not proved."""
    verdict = {
        "proved again": f"PROVED AGAIN: {found.collecte}",
        "not proved": f"NOT PROVED: the evidence of {found.collecte} is intact, and does not prove it complete",
        "cannot be judged": f"CANNOT BE JUDGED: the evidence of {found.collecte} is intact, another planner judged it",
        "does not hold": f"DOES NOT HOLD: {found.collecte} cannot be proved from what lies on the disk",
    }[found.verdict]
    return [
        verdict,
        *(f"  {etape.nom:<9} {etape.issue:<12} {etape.detail}" for etape in found.etapes),
        *(f"  why not proved: {raison}" for raison in found.raisons),
    ]
