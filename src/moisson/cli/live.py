"""The progress of a run: a few live lines on a terminal, else one dated line a minute."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from moisson.cli import console
from moisson.cli.wording import ETAPES, progress_line, progress_lines

if TYPE_CHECKING:
    from rich.console import Console, Group

    from moisson.harvest.progress import Avancement

__all__ = ["Observer", "dated_lines", "observer"]

Observer = Callable[["Avancement"], None]

_LINE_EVERY_S = 60.0


@contextmanager
def observer() -> Iterator[Observer]:
    """What a run tells its progress to, for as long as the block lasts."""
    dated = dated_lines(_say)
    if not (console.texts() and console.is_terminal(sys.stderr)):
        yield dated
        return
    from rich.console import Console

    with _live(Console(stderr=True, highlight=False)) as draw:

        def tell(avancement: Avancement) -> None:
            draw(avancement)
            logged(avancement)

        logged = dated_lines(_log)
        yield tell


def _say(dated: str, avancement: Avancement) -> None:
    console.tell("progress", [dated], fields=_fields(avancement), log_text=progress_line(avancement))


def _log(_dated: str, avancement: Avancement) -> None:
    console.log("progress", progress_line(avancement), fields=_fields(avancement))


def _fields(avancement: Avancement) -> dict[str, object]:
    return {name: getattr(avancement, name) for name in avancement.__struct_fields__}


def dated_lines(
    say: Callable[[str, Avancement], None],
    *,
    every_s: float = _LINE_EVERY_S,
    monotonic: Callable[[], float] = time.monotonic,
    now: Callable[[], dt.datetime] = console.now,
) -> Observer:
    """An observer that says a dated line now and then: at once, each minute, and when the stage changes.

    Args:
        say: is given the line and the snapshot behind it.
        every_s, monotonic, now: how often, by which clock, and dated by which.
    """
    said_at: float | None = None
    etape = ""

    def tell(avancement: Avancement) -> None:
        nonlocal said_at, etape
        if said_at is None or monotonic() - said_at >= every_s or avancement.etape != etape:
            said_at, etape = monotonic(), avancement.etape
            say(f"{now().isoformat(timespec='seconds')} {progress_line(avancement)}", avancement)

    return tell


@contextmanager
def _live(screen: Console) -> Iterator[Observer]:
    from rich.live import Live
    from rich.text import Text

    latest: Avancement | None = None

    def tell(avancement: Avancement) -> None:
        nonlocal latest
        latest = avancement

    def draw() -> Group | Text:
        return Text("asking for a token …") if latest is None else _panel(latest)

    # The drawing thread looks at the latest snapshot: a busy loop neither waits for the terminal nor freezes it.
    with Live(get_renderable=draw, console=screen, refresh_per_second=4, transient=True):
        yield tell


def _panel(avancement: Avancement) -> Group:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 1))
    head.add_row(
        Text(ETAPES.get(avancement.etape, avancement.etape), style="bold"),
        ProgressBar(total=max(1, avancement.annonce), completed=avancement.offres, width=40),
    )
    return Group(head, *(Text(f"  {line}") for line in progress_lines(avancement)))
