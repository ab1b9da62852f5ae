"""The command line as a person meets it: arguments in; standard output, standard error and exit code out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Run `moisson` with these arguments, in an empty folder, without any setting of the person's own."""
    import os

    for variable in [name for name in os.environ if name.startswith("MOISSON_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        import signal

        from moisson.cli.main import main

        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["moisson", *arguments])
        capsys.readouterr()
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        finally:
            signal.signal(signal.SIGTERM, before)
        captured = capsys.readouterr()
        return Ended(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    """An account in the environment; asked after `cli`, which empties it."""
    monkeypatch.setenv("MOISSON_CLIENT_ID", "PAR_test")
    monkeypatch.setenv("MOISSON_CLIENT_SECRET", "hush")
