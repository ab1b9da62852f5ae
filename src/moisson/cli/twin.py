"""`moisson twin`: the API's double on this machine."""

from __future__ import annotations

import os
import sys

import typer

__all__ = ["twin"]


def twin(context: typer.Context) -> None:
    """Serve the API's double on this machine."""
    # The twin shares no code with Moisson and takes this process over: signals reach it, its exit code is ours.
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "moisson_twin", *context.args])
