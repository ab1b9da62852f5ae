"""`moisson status`: what is stored, how old its proof is, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count, doubtful_windows, duration, size

if TYPE_CHECKING:
    from moisson.store.status import StoreStatus

__all__ = ["lines", "status"]


def status(
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show what is stored, how old its proof is.

    Also when it was last proved, its coverage, what is missing by name, what the last run cost, and the bytes of each
    table. Can be asked while a run is going on.

    \b
    Examples:
      moisson status
      moisson status --json
    """
    settings = read_settings(config, store=store)
    import time

    from moisson.plan.planner import VERSION
    from moisson.store.status import read_status
    from moisson.store.store import open_store

    found = read_status(
        open_store(settings.store),
        time.time(),
        planner_version=VERSION,
        resume_max_age_s=settings.resume_max_age_s,
    )
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    for line in lines(found):
        typer.echo(line)
    for warning in found.warnings:
        console.warn(warning)
    if found.last_run is not None and not found.proved:
        console.note("what is missing, by name:")
        console.note(f"  {doubtful_windows(settings.store)}")


def lines(found: StoreStatus) -> list[str]:
    """The state of a store, for a person."""
    shown = [
        f"source       {found.source}{' (simulated data)' if found.simulated else ''}",
        f"offers       {count(found.offres)} online",
        f"proved       {_proof(found)}",
    ]
    if found.last_run is not None:
        share = "" if found.coverage is None else f"{100 * found.coverage:.3f} % of what was announced"
        missing = f", {count(found.missing_known)} known to be missing" if found.missing_known else ""
        shown.append(f"coverage     {share}{missing}")
        ratio = (
            "" if found.call_ratio is None else f", {found.call_ratio:.3f} x the floor of {count(found.calls_floor)}"
        )
        took = "" if found.duration_s is None else f" in {duration(found.duration_s)}"
        shown.append(f"last run     {found.last_run}: {count(found.calls, 'call')}{ratio}{took}")
        shown.append(f"             {count(found.retries)} retried, {count(found.status_429)} answered 429")
        shown += [f"             why not proved: {reason}" for reason in found.reasons]
    if (run := found.unfinished) is not None:
        then = (
            "moisson collect continues it, if nothing else is at it"
            if run.resumable
            else f"it will not be continued: {run.why_not}"
        )
        shown.append(
            f"unfinished   {run.collecte}: {count(run.pages, 'page')} landed, {duration(run.age_s)} old; {then}"
        )
    shown.append(f"evidence     {count(len(found.evidence), 'run')} can be proved again, {size(found.evidence_bytes)}")
    shown.append(f"superseded   {size(found.superseded_bytes)} kept for readers that began before the last run")
    if found.runs_bytes:
        shown.append(f"pages        {size(found.runs_bytes)} of unfinished runs and raw pages")
    if found.forgotten:
        shown.append(f"forgotten    {count(found.forgotten, 'offer')}, kept out of every run")
    for table in sorted(found.bytes, key=lambda name: -found.bytes[name]):
        rows = count(found.rows.get(table, 0), "row")
        shown.append(f"table        {table}: {rows}, {size(found.bytes[table])}")
    return shown


def _proof(found: StoreStatus) -> str:
    if found.last_proved_at is None or found.age_s is None:
        return "never"
    then = f"{found.last_proved_at}, {duration(found.age_s)} ago; the licence asks for a refresh every 24 h"
    return f"yes, {then}" if found.proved else f"not by the last run; last {then}"
