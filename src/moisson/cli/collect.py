"""`moisson collect`: bring the store to a complete, proved state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moisson.cli import harvesting
from moisson.cli.options import (
    ApiUrlOption,
    ConfigOption,
    LogFormatOption,
    RateOption,
    StoreOption,
    TokenUrlOption,
    read_settings,
)
from moisson.cli.records import recorded

__all__ = ["collect"]


def collect(
    store: StoreOption = None,
    new: Annotated[bool, typer.Option("--new", help="Start afresh, even if a run could go on.")] = False,
    accept_shrink: Annotated[
        bool, typer.Option("--accept-shrink", help="Close offers even if a fifth or more of them are gone.")
    ] = False,
    rate: RateOption = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write how the run ended as one JSON object, whatever the end."),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option("--metrics", metavar="FILE", help="Write the figures for Prometheus' textfile collector."),
    ] = None,
    log_format: LogFormatOption = None,
    config: ConfigOption = None,
    api_url: ApiUrlOption = None,
    token_url: TokenUrlOption = None,
) -> None:
    """Bring the store to a complete, proved state.

    Reads every offer that the API announces, proves that none is missing, then shows the new state as one. An
    unfinished run is continued if it began less than six hours ago, and one that ended without a proof is completed:
    only what is in doubt is asked again. Interrupt it whenever you like.

    \b
    Exit codes: 0 proved complete; 1 failed; 2 settings or account;
    3 finished but not proved, what is missing is named; 130 interrupted safely.

    \b
    Examples:
      moisson collect
      moisson collect --store /data/moisson --rate auto
      moisson collect --report last-run.json --metrics /var/lib/node_exporter/moisson.prom
    """
    settings = read_settings(
        config, store=store, rate=rate, api_url=api_url, token_url=token_url, log_format=log_format
    )
    with recorded(settings, report, metrics) as records:
        settings.require_applications()
        try:
            resultat = harvesting.harvest(settings, new=new, accept_shrink=accept_shrink, observe=records.observe)
        except harvesting.Interrupted:
            harvesting.say_interrupted(settings)
            raise typer.Exit(harvesting.EXIT_INTERRUPTED) from None
        records.resultat = resultat
        harvesting.report(resultat, settings)
        if not resultat.bilan.prouve:
            raise typer.Exit(harvesting.EXIT_NOT_PROVED)
