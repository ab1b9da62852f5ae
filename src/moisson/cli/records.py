"""What a run leaves for machines, however it ends: a report (`--report`) and metrics (`--metrics`)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moisson.cli import console
from moisson.errors import MoissonError, SettingsError

if TYPE_CHECKING:
    from moisson.harvest.metrics import CollectEnd
    from moisson.harvest.progress import Avancement, Resultat
    from moisson.settings import Settings
    from moisson.store.status import StoreStatus

__all__ = ["Records", "metrics_of", "recorded", "write_whole"]


class Records:
    """Collects what will be told; nothing is written before the run is over.

    Attributes:
        resultat: how the run ended, once it has come to its end.
    """

    def __init__(self, settings: Settings, report: Path | None, metrics: Path | None) -> None:
        from moisson.harvest.report import Chronique

        self.resultat: Resultat | None = None
        self._settings = settings
        self._report, self._metrics = report, metrics
        self._begun_s = time.time()
        self._chronique = Chronique()

    def observe(self, avancement: Avancement) -> None:
        """Take note of a snapshot of the run."""
        self._chronique.noter(avancement, time.monotonic())

    def write(self, exit_code: int, problem: BaseException | None) -> None:
        """Write both files; one that cannot be written is warned of, since the run's own end matters more."""
        ended_s = time.time()
        if self._report is not None:
            _attempt(self._report, self._report_json(exit_code, ended_s, problem))
        if self._metrics is not None:
            from moisson.harvest.metrics import CollectEnd

            end = CollectEnd(exit_code, ended_s, ended_s - self._begun_s)
            _attempt(self._metrics, metrics_of(self._settings, self._status(), end).encode())

    def _status(self) -> StoreStatus | None:
        from moisson.cli.status import read_state

        try:
            return read_state(self._settings)
        except MoissonError:
            # There is no store yet, or it cannot be read: how the run ended is told all the same.
            return None

    def _report_json(self, exit_code: int, ended_s: float, problem: BaseException | None) -> bytes:
        import msgspec

        from moisson.harvest.report import report_of

        found = report_of(
            store=str(self._settings.store),
            source=self._settings.source,
            simulated=self._settings.simulated,
            begun_s=self._begun_s,
            ended_s=ended_s,
            exit_code=exit_code,
            last=self._chronique.last,
            stages=self._chronique.stages(time.monotonic()),
            resultat=self.resultat,
            problem=problem,
        )
        return msgspec.json.format(msgspec.json.encode(found)) + b"\n"


@contextmanager
def recorded(settings: Settings, report: Path | None, metrics: Path | None) -> Iterator[Records]:
    """Write the report and the metrics when the block ends, whatever ends it.

    Raises:
        SettingsError: one of the files could not be written; nothing was begun.
    """
    for option, path in (("--report", report), ("--metrics", metrics)):
        if path is not None:
            _must_be_writable(option, path)
    records = Records(settings, report, metrics)
    try:
        yield records
    except typer.Exit as end:
        records.write(end.exit_code, None)
        raise
    except MoissonError as problem:
        records.write(problem.exit_code, problem)
        raise
    except KeyboardInterrupt:
        records.write(130, None)
        raise
    except Exception as problem:
        records.write(1, problem)
        raise
    records.write(0, None)


def metrics_of(settings: Settings, found: StoreStatus | None, end: CollectEnd | None = None) -> str:
    """The metrics of a store: its state, if there is one to be read, and how the run that writes them ended."""
    from moisson import __version__
    from moisson.harvest.metrics import prometheus

    return prometheus(str(settings.store.absolute()), found, end, version=__version__)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file's content; whoever reads it sees the old or the new. Raises OSError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _attempt(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as problem:
        console.warn(f"{path} cannot be written: {problem.strerror or problem}.")


def _must_be_writable(option: str, path: Path) -> None:
    folder = path.parent
    reason = ""
    if path.is_dir():
        reason = "it is a folder"
    elif not folder.is_dir():
        reason = f"there is no folder {folder}"
    elif not os.access(folder, os.W_OK):
        reason = f"the folder {folder} cannot be written to"
    if reason:
        raise SettingsError(f"{option} {path} cannot be written: {reason}", todo="Give a file in a folder of yours.")
