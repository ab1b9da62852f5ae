"""What goes to the standard error: progress, warnings, errors. Results go to the standard output, and nothing else."""

from __future__ import annotations

import sys
import traceback
from typing import TextIO

from moisson.errors import MoissonError
from moisson.settings import Terminal, debug_wanted

__all__ = ["error", "is_terminal", "note", "unexpected", "warn"]

_STYLES = {"bold": "1", "red": "1;31", "yellow": "33", "green": "1;32"}


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is looking: a terminal that can move its cursor."""
    return stream.isatty() and Terminal.of().moves


def note(text: str = "", style: str = "") -> None:
    """Say a line on the standard error; `style` is used on a terminal only, and never under NO_COLOR."""
    if style and sys.stderr.isatty() and Terminal.of().colour:
        text = f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # the one place that prints


def warn(text: str) -> None:
    """Say what the person should know although nothing stops."""
    note(f"warning: {text}", "yellow")


def error(problem: MoissonError) -> None:
    """Say an error in its three parts, a line each."""
    note(f"error: {problem.what}.", "red")
    if problem.doing:
        note(f"  while: {problem.doing}")
    if problem.todo:
        note(f"  to do: {problem.todo}")
    if debug_wanted():
        note(traceback.format_exc().rstrip())


def unexpected(problem: BaseException) -> None:
    """Say that we failed in a way nobody foresaw, and where to tell it."""
    excerpt = " ".join(str(problem).split())[:200]
    note(f"error: unexpected {type(problem).__name__}{': ' + excerpt if excerpt else ''}.", "red")
    note("  This is a fault of Moisson, not of what you typed. Pages already landed are kept.")
    if debug_wanted():
        note("".join(traceback.format_exception(problem)).rstrip())
    else:
        note("  to do: run the same command with MOISSON_DEBUG=1, and report what it prints as CONTRIBUTING.md says.")
