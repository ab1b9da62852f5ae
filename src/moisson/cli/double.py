"""The API's double as a process of this machine, for as long as a demo lasts."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from moisson.errors import ApiUnavailable

__all__ = ["let_time_pass", "running_twin"]

_READY_S = 60.0
_STOP_S = 5.0


@contextmanager
def running_twin(arguments: list[str]) -> Iterator[dict[str, Any]]:
    """The double as a process of its own, always stopped; gives what it announces when it is ready.

    Raises:
        ApiUnavailable: it did not start.
    """
    command = [sys.executable, "-m", "moisson_twin", "--port", "0", "--exit-with-parent", *arguments]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        # Its own process group: Ctrl-C on the terminal reaches the harvest alone, which must still be answered.
        subprocess.Popen(
            # Its end of our pipe closes with us, however we end: it never outlives the demo.
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            process_group=0,
        ) as process,
    ):
        try:
            yield _ready(process, log)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def let_time_pass(ready: dict[str, Any], seconds: float) -> None:
    """Let the double's world be so many seconds older, as its control path allows."""
    body = json.dumps({"advance_s": seconds}).encode()
    request = urllib.request.Request(ready["control_url"] + "/clock", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=_READY_S):
        pass


def _ready(process: subprocess.Popen[str], log: IO[str]) -> dict[str, Any]:
    # A double that hangs must not hang us: it is killed when its time is over, and then its output ends.
    timer = threading.Timer(_READY_S, process.kill)
    timer.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
    finally:
        timer.cancel()
    try:
        ready = json.loads(line)
        return {key: ready[key] for key in ("api_url", "token_url", "control_url", "client_id", "client_secret")}
    except (ValueError, KeyError, TypeError):
        process.kill()
        process.wait()
        log.seek(0)
        last = log.read().strip().splitlines()[-1:] or ["it said nothing"]
        raise ApiUnavailable(
            f"The API's double did not start: {last[0][:200]}",
            doing="starting the demo",
            todo="See what it says by itself: moisson twin --offres 100",
        ) from None
