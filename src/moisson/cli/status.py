"""`moisson status`: what is stored, how old its proof is, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count, doubtful_windows, duration, size
from moisson.errors import SettingsError

if TYPE_CHECKING:
    from moisson.settings import Settings
    from moisson.store.status import StoreStatus

__all__ = ["lines", "read_state", "status", "verdict"]

EXIT_NOT_FRESH = 3

_YEARS = 3 * 365
"""Days of room from which on their number says nothing more."""


def status(
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Print the figures as Prometheus reads them.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="For a monitor: one line, and exit code 3 unless proved and young enough.")
    ] = False,
    max_age: Annotated[
        str | None, typer.Option("--max-age", metavar="AGE", help="Oldest proof that --check accepts. Default: 24h")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Show what is stored, how old its proof is.

    Also when it was last proved, its coverage, what is missing by name, what the last run cost, the bytes of each
    table, how fast the store grows and how long the disk will do. Can be asked while a run is going on.

    \b
    Exit codes: 0 shown; with --check: proved and young enough; 1 failed;
    2 wrong usage, or no store; 3 with --check: stale or not proved.

    \b
    Examples:
      moisson status
      moisson status --json
      moisson status --check --max-age 26h
    """
    if as_json and prometheus:
        raise SettingsError("--json and --prometheus are both given", todo="Keep one of them.")
    if max_age is not None and not check:
        raise SettingsError("--max-age is given without --check", todo="Type: moisson status --check --max-age 24h")
    settings = read_settings(config, store=store, max_age=max_age)
    found = read_state(settings)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    elif prometheus:
        from moisson.cli.records import metrics_of

        typer.echo(metrics_of(settings, found), nl=False)
    elif not check:
        for line in lines(found):
            typer.echo(line)
        for warning in found.warnings:
            console.warn(warning)
        if found.last_run is not None and not found.proved:
            console.note("what is missing, by name:")
            console.note(f"  {doubtful_windows(settings.store)}")
    if check:
        well, line = verdict(found, settings.max_age_s)
        if as_json or prometheus:
            console.note(line)
        else:
            typer.echo(line)
        if not well:
            raise typer.Exit(EXIT_NOT_FRESH)


def read_state(settings: Settings) -> StoreStatus:
    """The state of the store of these settings, as of now. Raises what opening it raises."""
    import time

    from moisson.plan.planner import VERSION
    from moisson.store.status import read_status
    from moisson.store.store import open_store

    return read_status(
        open_store(settings.store),
        time.time(),
        planner_version=VERSION,
        resume_max_age_s=settings.resume_max_age_s,
        evidence_runs=settings.evidence_runs,
    )


def verdict(found: StoreStatus, max_age_s: float) -> tuple[bool, str]:
    """Whether a monitor may be content, and the line that says so or why not."""
    from moisson.store.freshness import NEVER, STALE, UNPROVED, faults

    wrong = faults(found, max_age_s)
    simulated = " (simulated data)" if found.simulated else ""
    if NEVER in wrong:
        why = f"; {found.reasons[0]}" if found.reasons else ""
        return False, f"NEVER PROVED: {'no run was folded yet' if found.last_run is None else found.last_run}{why}"
    assert found.age_s is not None
    if found.age_s < 0:
        age = f"last proved at {found.last_proved_at}, which is in the future of this machine's clock"
    else:
        over = "more than" if STALE in wrong else "within"
        age = f"last proved {duration(found.age_s)} ago, {over} the {duration(max_age_s)} allowed"
    if UNPROVED in wrong:
        why = f": {found.reasons[0]}" if found.reasons else ""
        return False, f"NOT PROVED: {found.last_run}{why}; {age}{simulated}"
    if STALE in wrong:
        return False, f"STALE: {age}{simulated}"
    return True, f"OK: {count(found.offres, 'offer')}, {age}{simulated}"


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
        if found.completable_until is not None:
            shown.append(
                f"             to complete it: moisson collect, before {found.completable_until}, asks only the "
                "windows in doubt, if they are all that is"
            )
    if (run := found.unfinished) is not None:
        then = (
            "moisson collect continues it, if nothing else is at it"
            if run.resumable
            else f"it will not be continued: {run.why_not}"
        )
        shown.append(
            f"unfinished   {run.collecte}: {count(run.pages, 'page')} landed, {duration(run.age_s)} old; {then}"
        )
    shown.append(f"evidence     {count(len(found.evidence), 'run')} can be proved again")
    if found.forgotten:
        shown.append(f"forgotten    {count(found.forgotten, 'offer')}, kept out of every run")
    shown += _disk(found)
    for table in sorted(found.bytes, key=lambda name: -found.bytes[name]):
        rows = count(found.rows.get(table, 0), "row")
        shown.append(f"table        {table}: {rows}, {size(found.bytes[table])}")
    return shown


def _disk(found: StoreStatus) -> list[str]:
    disk = found.disk
    parts = {
        "tables": disk.tables,
        "indexes": disk.index,
        "evidence": disk.evidence,
        "superseded": disk.superseded,
        "unfinished": disk.unfinished,
        "raw pages": disk.raw,
        "geography": disk.territoires,
    }
    named = ", ".join(f"{name} {size(octets)}" for name, octets in parts.items() if octets)
    shown = [f"disk         {size(disk.total)}{f' ({named})' if named else ''}; {size(disk.free)} free"]
    if found.growth is not None:
        pace = found.growth.bytes_per_day
        grows = f"grows by {size(round(pace))} a day" if pace > 0 else f"shrinks by {size(round(-pace))} a day"
        left = "" if found.days_left is None else f"; at this pace {_room(found.days_left)}"
        shown.append(f"             {grows} over {count(found.growth.runs, 'run')}{left}")
    return shown


def _room(days: float) -> str:
    return f"a run no longer fits in {count(round(days), 'day')}" if days < _YEARS else "the disk does for years"


def _proof(found: StoreStatus) -> str:
    if found.last_proved_at is None or found.age_s is None:
        return "never"
    then = f"{found.last_proved_at}, {duration(found.age_s)} ago; the licence asks for a refresh every 24 h"
    return f"yes, {then}" if found.proved else f"not by the last run; last {then}"
