"""Running a harvest from the command line: signals, progress, and how it ended. `collect` and `demo` share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from moisson.cli import console
from moisson.cli.live import observer
from moisson.cli.wording import duration, next_commands, summary
from moisson.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from moisson.api import ApiEvent
    from moisson.cli.live import Observer
    from moisson.harvest.progress import Avancement, Resultat

__all__ = ["EXIT_NOT_PROVED", "Interrupted", "harvest", "report", "until_interrupted"]

EXIT_NOT_PROVED = 3
EXIT_INTERRUPTED = 130

T = TypeVar("T")


class Interrupted(Exception):
    """Ctrl-C or SIGTERM came, and the work has stopped safely."""


def harvest(
    settings: Settings, *, new: bool = False, accept_shrink: bool = False, observe: Observer | None = None
) -> Resultat:
    """Bring the store of these settings to a complete, proved state, showing progress.

    Args:
        settings: which store, from which API.
        new, accept_shrink: see `harvest.run.collect`.
        observe: is told each snapshot besides.

    Raises:
        Interrupted: a signal came; what was landed and journalled is kept.
        MoissonError: the run could not be done.
    """
    from moisson.harvest.run import collect

    etape = ""

    def folding() -> str:
        return "Finishing: the lake is being written, which is not cut short." if etape == "pli" else ""

    with observer() as show:

        def tell(avancement: Avancement) -> None:
            nonlocal etape
            etape = avancement.etape
            if observe is not None:
                observe(avancement)
            show(avancement)

        work = collect(
            settings.store,
            settings,
            observer=tell,
            ecouteur=_log_event if console.logs() else None,
            new=new,
            accept_shrink=accept_shrink,
        )
        return until_interrupted(work, "Stopping safely; once more stops at once.", folding)


def _log_event(event: ApiEvent) -> None:
    """A line in the logs for what the client met; a person sees the last trouble among the progress."""
    fields: dict[str, object] = {
        "application": event.application,
        "attempt": event.attempt,
        "wait_s": event.wait_s,
        "status": event.status,
    }
    level: console.Level = "info" if event.kind in ("token", "rate") else "warning"
    console.log(f"api.{event.kind}", event.text, level=level, fields=fields)


def until_interrupted(work: Coroutine[Any, Any, T], stopping: str, finishing: Callable[[], str] = lambda: "") -> T:
    """Run `work`; on SIGINT or SIGTERM cancel it and wait until it has stopped safely.

    A second signal does what the system does by default. Nothing is lost even then: pages land before their fact is
    journalled.

    Args:
        work: what to do.
        stopping: said at the first signal.
        finishing: what to say instead while the work cannot be stopped, however often a signal comes; "" otherwise.

    Raises:
        Interrupted: a signal came.
    """
    import asyncio
    import signal

    async def supervised() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if said := finishing():
                console.note(said)
                return
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
            console.note(stopping)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            if not task.done():
                # A second signal: the loop is being torn down, and says itself why.
                raise
            raise Interrupted from None

    return asyncio.run(supervised())


def report(resultat: Resultat, settings: Settings) -> None:
    """Say how a run ended, and what can be typed next."""
    bilan, last = resultat.bilan, resultat.avancement
    lines = summary(resultat, store=settings.store, simulated=settings.simulated)
    following = next_commands(settings.store, proved=bilan.prouve, continuable=resultat.reprenable)
    if resultat.reprenable:
        lines.append(
            f"  to do: run it again within {duration(settings.resume_max_age_s)} of its beginning, and it asks what is "
            "in doubt and no more."
        )
    fields: dict[str, object] = {
        "collecte": resultat.collecte,
        "proved": bilan.prouve,
        "reasons": bilan.raisons,
        "offres": resultat.offres,
        "nouvelles": resultat.nouvelles,
        "retirees": resultat.retirees,
        "missing_known": bilan.manquantes,
        "calls": last.appels,
        "calls_floor": last.plancher,
        "retries": last.relances,
        "status_429": last.refus_429,
        "duration_s": last.ecoule_s,
    }
    console.tell(
        "finished",
        [*lines, "next:", *(f"  {command}" for command in following)],
        style="green" if bilan.prouve else "yellow",
        level="info" if bilan.prouve else "warning",
        fields=fields,
    )


def say_interrupted(settings: Settings) -> None:
    """Say that nothing is lost, and until when the run can be continued."""
    todo = f"the same command continues the run, if it began less than {duration(settings.resume_max_age_s)} ago."
    console.tell(
        "interrupted",
        ["INTERRUPTED SAFELY: what was read is kept, the store's tables are as before.", f"  to do: {todo}"],
        style="yellow",
        level="warning",
    )
