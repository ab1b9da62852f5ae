"""Running a harvest from the command line: signals, progress, and how it ended. `collect` and `demo` share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from moisson.cli import console
from moisson.cli.live import observer
from moisson.cli.wording import duration, next_commands, summary
from moisson.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from moisson.harvest.progress import Resultat

__all__ = ["EXIT_NOT_PROVED", "Interrupted", "harvest", "report", "until_interrupted"]

EXIT_NOT_PROVED = 3
EXIT_INTERRUPTED = 130

T = TypeVar("T")


class Interrupted(Exception):
    """Ctrl-C or SIGTERM came, and the work has stopped safely."""


def harvest(settings: Settings, *, new: bool = False, accept_shrink: bool = False) -> Resultat:
    """Bring the store of these settings to a complete, proved state, showing progress.

    Raises:
        Interrupted: a signal came; what was landed and journalled is kept.
        MoissonError: the run could not be done.
    """
    from moisson.harvest.run import collect

    with observer() as tell:
        return until_interrupted(
            collect(settings.store, settings, observer=tell, new=new, accept_shrink=accept_shrink),
            "Stopping safely; once more stops at once.",
        )


def until_interrupted(work: Coroutine[Any, Any, T], stopping: str) -> T:
    """Run `work`; on SIGINT or SIGTERM cancel it and wait until it has stopped safely.

    A second signal does what the system does by default. Nothing is lost even then: pages land before their fact is
    journalled.

    Raises:
        Interrupted: a signal came.
    """
    import asyncio
    import signal

    async def supervised() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
            console.note(stopping)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            raise Interrupted from None

    return asyncio.run(supervised())


def report(resultat: Resultat, settings: Settings) -> None:
    """Say how a run ended, and what can be typed next."""
    lines = summary(resultat, store=settings.store, simulated=settings.simulated)
    console.note(lines[0], "green" if resultat.bilan.prouve else "yellow")
    for line in lines[1:]:
        console.note(line)
    if resultat.reprenable:
        console.note(
            f"  to do: run it again within {duration(settings.resume_max_age_s)} of its beginning, and it asks what is "
            "in doubt and no more."
        )
    console.note("next:")
    commands = next_commands(settings.store, proved=resultat.bilan.prouve, continuable=resultat.reprenable)
    for command in commands:
        console.note(f"  {command}")


def say_interrupted(settings: Settings) -> None:
    """Say that nothing is lost, and until when the run can be continued."""
    console.note("INTERRUPTED SAFELY: what was read is kept, the store's tables are as before.", "yellow")
    console.note(
        f"  to do: the same command continues the run, if it began less than {duration(settings.resume_max_age_s)} ago."
    )
