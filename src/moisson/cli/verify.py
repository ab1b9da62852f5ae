"""`moisson verify`: prove a past run again, from what lies on the disk."""

from __future__ import annotations

from typing import Annotated

import typer

from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings

__all__ = ["verify"]

EXIT_NOT_PROVED = 3


def verify(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Name of the run; the last one by default.")
    ] = None,
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Recompute a run's proof from the evidence on disk.

    Without the network: reads the evidence along its chain of hashes, tells its facts to a new plan, compares what
    that establishes with what the tables claim, and the lake with what the pages showed.

    \b
    Exit codes: 0 proved again; 1 something was changed or does not hold; 3 intact, and the run was not proved.

    \b
    Examples:
      moisson verify
      moisson verify 20261123T224601Z --json
    """
    settings = read_settings(config, store=store)
    from moisson.harvest.verify import verify as prove
    from moisson.store.store import open_store

    found = prove(open_store(settings.store), run)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        for etape in found.etapes:
            typer.echo(f"{etape.nom:<10} {etape.issue:<12} {etape.detail}")
        for raison in found.raisons:
            typer.echo(f"{'':<10} {'':<12} {raison}")
    if not found.intacte:
        console.note(f"DOES NOT HOLD: the run {found.collecte} cannot be proved from what lies on the disk", "red")
        raise typer.Exit(1)
    if not found.prouvee:
        console.note(
            f"NOT PROVED: the evidence of {found.collecte} is intact, and does not prove it complete", "yellow"
        )
        raise typer.Exit(EXIT_NOT_PROVED)
    console.note(f"PROVED AGAIN: {found.collecte}", "green")
