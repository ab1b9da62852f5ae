"""What goes to the standard error: progress, warnings, errors. Results go to the standard output, and nothing else.

Whatever is said goes through `tell`: as text for a person, or, when that was asked for, as one JSON object a line; and
to the log file, if there is one, always as JSON.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from moisson.errors import MoissonError
from moisson.settings import Terminal, debug_wanted

if TYPE_CHECKING:
    from moisson.cli.log import Log

__all__ = [
    "Level",
    "error",
    "is_terminal",
    "log",
    "logs",
    "note",
    "now",
    "setup",
    "tell",
    "texts",
    "unexpected",
    "warn",
]

_STYLES = {"bold": "1", "red": "1;31", "yellow": "33", "green": "1;32"}

Level = Literal["info", "warning", "error"]


@dataclass
class _Output:
    """Where things are said in this process: set once, by its command, before it begins."""

    text: bool = True
    logs: list[Log] = field(default_factory=list)


_output = _Output()


def setup(log_format: str, log_file: Path | None) -> None:
    """Choose how this process says things.

    Args:
        log_format: what the standard error carries, "text" or "json".
        log_file: a file that carries JSON lines besides, or None.

    Raises:
        SettingsError: the file cannot be written.
    """
    for one in _output.logs:
        one.close()
    _output.text, _output.logs = log_format != "json", []
    if log_format == "json" or log_file is not None:
        from moisson.cli.log import Log, open_file

        if log_format == "json":
            _output.logs.append(Log(sys.stderr, now))
        if log_file is not None:
            _output.logs.append(Log(open_file(log_file), now))


def now() -> dt.datetime:
    """The time of this machine, with its zone."""
    return dt.datetime.fromtimestamp(time.time()).astimezone()


def texts() -> bool:
    """Whether the standard error carries text for a person."""
    return _output.text


def logs() -> bool:
    """Whether anything is logged as JSON."""
    return bool(_output.logs)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is looking: a terminal that can move its cursor."""
    return stream.isatty() and Terminal.of().moves


def tell(
    event: str,
    lines: list[str],
    *,
    style: str = "",
    level: Level = "info",
    fields: dict[str, object] | None = None,
    log_text: str | None = None,
) -> None:
    """Say something on the standard error and in the logs.

    Args:
        event: what kind of thing it is, for a log.
        lines: for a person; the first is styled.
        style: used on a terminal only, and never under NO_COLOR.
        level: for a log.
        fields: for a log, beside the text.
        log_text: the text in a log; the first line when absent.
    """
    if _output.text:
        for number, line in enumerate(lines):
            _print(line, style if number == 0 else "")
    text = log_text if log_text is not None else next(iter(lines), "")
    for one in _output.logs:
        one.write(level, event, text, fields or {})


def log(event: str, text: str, *, level: Level = "info", fields: dict[str, object] | None = None) -> None:
    """Say something in the logs alone; see `tell`."""
    tell(event, [], level=level, fields=fields, log_text=text)


def _print(text: str, style: str) -> None:
    if style and sys.stderr.isatty() and Terminal.of().colour:
        text = f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # the one place that prints


def note(text: str = "", style: str = "") -> None:
    """Say a line."""
    tell("note", [text], style=style)


def warn(text: str) -> None:
    """Say what the person should know although nothing stops."""
    tell("warning", [f"warning: {text}"], style="yellow", level="warning", log_text=text)


def error(problem: MoissonError) -> None:
    """Say an error in its three parts, a line each."""
    lines = [f"error: {problem.what}."]
    if problem.doing:
        lines.append(f"  while: {problem.doing}")
    if problem.todo:
        lines.append(f"  to do: {problem.todo}")
    fields: dict[str, object] = {
        "kind": type(problem).__name__,
        "doing": problem.doing,
        "todo": problem.todo,
        "exit_code": problem.exit_code,
    }
    if debug_wanted():
        lines.append(traceback.format_exc().rstrip())
        fields["traceback"] = lines[-1]
    tell("error", lines, style="red", level="error", fields=fields, log_text=problem.what)


def unexpected(problem: BaseException) -> None:
    """Say that we failed in a way nobody foresaw, and where to tell it."""
    excerpt = " ".join(str(problem).split())[:200]
    what = f"unexpected {type(problem).__name__}{': ' + excerpt if excerpt else ''}"
    todo = "run the same command with MOISSON_DEBUG=1, and report what it prints as CONTRIBUTING.md says."
    lines = [
        f"error: {what}.",
        "  This is a fault of Moisson, not of what you typed. Pages already landed are kept.",
    ]
    fields: dict[str, object] = {"kind": type(problem).__name__, "exit_code": 1}
    if debug_wanted():
        lines.append("".join(traceback.format_exception(problem)).rstrip())
        fields["traceback"] = lines[-1]
    else:
        lines.append(f"  to do: {todo}")
        fields["todo"] = todo
    tell("error", lines, style="red", level="error", fields=fields, log_text=what)
