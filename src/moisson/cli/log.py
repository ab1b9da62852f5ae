"""Structured logs: one JSON object a line, dated, for whatever collects the logs of a machine.

    {"at":"2026-11-25T03:00:01.204Z","level":"info","event":"progress","text":"walking down: …","collecte":"…", …}

`at`, `level` (info, warning, error), `event` and `text` (for a person) are in every line; the other keys depend on the
event, and docs/operations.md lists them.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import msgspec

from moisson.errors import SettingsError

__all__ = ["Log", "open_file"]

Now = Callable[[], dt.datetime]


class Log:
    """Writes lines to one stream; each line is one write, so that two processes may append to the same file."""

    def __init__(self, stream: TextIO, now: Now) -> None:
        self._stream = stream
        self._now = now

    def write(self, level: str, event: str, text: str, fields: dict[str, object]) -> None:
        """Add a line; what cannot be written is given up, since a log must not stop the work."""
        at = self._now().astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"at": at, "level": level, "event": event, "text": text, **fields}
        try:
            self._stream.write(msgspec.json.encode(line, enc_hook=str).decode() + "\n")
            self._stream.flush()
        except OSError:
            return

    def close(self) -> None:
        """Let go of the stream, unless it is the process's own."""
        if self._stream is not sys.stderr:
            self._stream.close()


def open_file(path: Path) -> TextIO:
    """The file to which lines are added.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        return path.open("a", encoding="utf-8")
    except OSError as problem:
        raise SettingsError(
            f"log_file = {path} cannot be written: {problem.strerror}", todo="Give a file in a folder that exists."
        ) from None
