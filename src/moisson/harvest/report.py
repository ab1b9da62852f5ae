"""What is told of a run once it is over, however it ended: the object that `moisson collect --report` writes."""

from __future__ import annotations

import datetime as dt
import platform
from typing import Literal

import msgspec

from moisson import __version__
from moisson.errors import MoissonError
from moisson.harvest.progress import Avancement, Resultat
from moisson.model import FenetreBilan
from moisson.plan.planner import VERSION

__all__ = ["Chronique", "Failure", "RunReport", "report_of"]

FORMAT = 1
"""Version of the report: raised when a key goes or changes its meaning, not when one is added."""

Verdict = Literal["prouvee", "non prouvee", "echouee", "interrompue"]

_INTERRUPTED = 130


class Failure(msgspec.Struct, frozen=True):
    """An error in its three parts.

    Attributes:
        kind: its type, as errors.py names it.
        what, doing, todo: what happened, what was being done, what to do next.
    """

    kind: str
    what: str
    doing: str
    todo: str


class RunReport(msgspec.Struct, frozen=True):
    """A run, for a machine. Keys that `moisson status --json` has too mean the same.

    Attributes:
        format: version of this object.
        versions: of moisson, of the planner, of Python.
        store, source, simulated: what was filled, from where.
        collecte: name of the run, or None when none was begun.
        resumed: it was begun earlier and continued.
        suite_de: the run that was not proved and that it goes on from, or None.
        continuable: not proved, and the next run, if it comes soon, asks what is in doubt and no more.
        verdict: "prouvee", "non prouvee", "echouee" or "interrompue".
        proved: verdict is "prouvee".
        exit_code: of the command.
        begun_at, ended_at: of this session, ISO 8601 UTC.
        duration_s: between the two.
        stages: seconds spent in each stage of the plan, in their order; "pli" is the fold.
        offres: offers in the store after the run, or None when it was not folded.
        nouvelles, retirees: offers added and closed; None likewise.
        announced_first, announced: first and last national total; None before it was asked.
        read: offers read so far.
        missing_known: offers known to exist that could not be read.
        calls, calls_floor, call_ratio, retries, status_429: what it cost.
        windows, windows_proved: windows opened and proved.
        doubtful: the windows that are not proved, each in full.
        reasons: why it is not proved.
        notes: what the person should know although nothing is wrong.
        error: why it failed, or None.
    """

    format: int
    versions: dict[str, str]
    store: str
    source: str
    simulated: bool
    collecte: str | None
    resumed: bool
    suite_de: str | None
    continuable: bool
    verdict: Verdict
    proved: bool
    exit_code: int
    begun_at: str
    ended_at: str
    duration_s: float
    stages: dict[str, float]
    offres: int | None
    nouvelles: int | None
    retirees: int | None
    announced_first: int | None
    announced: int | None
    read: int
    missing_known: int
    calls: int
    calls_floor: int
    call_ratio: float | None
    retries: int
    status_429: int
    windows: int
    windows_proved: int
    doubtful: tuple[FenetreBilan, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    error: Failure | None


class Chronique:
    """Follows a run by its snapshots: the last one, and how long each stage took. Given `now`, so it reads no clock.

    Attributes:
        last: the last snapshot, or None before the first.
    """

    def __init__(self) -> None:
        self.last: Avancement | None = None
        self._stages: dict[str, float] = {}
        self._since_s = 0.0

    def noter(self, avancement: Avancement, now_s: float) -> None:
        """Take note of a snapshot; `now_s` is seconds on any clock that only goes forward."""
        self._pass(now_s)
        self.last = avancement

    def stages(self, now_s: float) -> dict[str, float]:
        """Seconds spent in each stage until now."""
        self._pass(now_s)
        return {etape: round(spent_s, 3) for etape, spent_s in self._stages.items()}

    def _pass(self, now_s: float) -> None:
        if self.last is not None:
            etape = self.last.etape
            self._stages[etape] = self._stages.get(etape, 0.0) + now_s - self._since_s
        self._since_s = now_s


def report_of(
    *,
    store: str,
    source: str,
    simulated: bool,
    begun_s: float,
    ended_s: float,
    exit_code: int,
    last: Avancement | None,
    stages: dict[str, float],
    resultat: Resultat | None = None,
    problem: BaseException | None = None,
) -> RunReport:
    """Tell a run, from what is known of it.

    Args:
        store, source, simulated: what was filled, from where.
        begun_s, ended_s: of this session, seconds since 1970.
        exit_code: of the command.
        last: the last snapshot seen, or None.
        stages: from a Chronique.
        resultat: how the run ended; None when it did not come to its end.
        problem: what stopped it, or None.
    """
    bilan = resultat.bilan if resultat is not None else None
    last = resultat.avancement if resultat is not None else last
    windows = bilan.fenetres if bilan is not None else ()
    doubtful = tuple(window for window in windows if window.verdict != "prouvee")
    ratio = last.appels / last.plancher if last is not None and last.plancher else None
    return RunReport(
        format=FORMAT,
        versions={"moisson": __version__, "planner": VERSION, "python": platform.python_version()},
        store=store,
        source=source,
        simulated=simulated,
        collecte=last.collecte if last is not None else None,
        resumed=last is not None and last.reprise,
        suite_de=(resultat.suite_de or None) if resultat is not None else None,
        continuable=resultat is not None and resultat.reprenable,
        verdict=_verdict(resultat, exit_code),
        proved=bilan is not None and bilan.prouve,
        exit_code=exit_code,
        begun_at=_iso(begun_s),
        ended_at=_iso(ended_s),
        duration_s=round(ended_s - begun_s, 3),
        stages=stages,
        offres=resultat.offres if resultat is not None else None,
        nouvelles=resultat.nouvelles if resultat is not None else None,
        retirees=resultat.retirees if resultat is not None else None,
        announced_first=bilan.nationale_premiere if bilan is not None else (last.annonce or None) if last else None,
        announced=bilan.nationale_derniere if bilan is not None else None,
        read=last.offres if last is not None else 0,
        missing_known=bilan.manquantes if bilan is not None else 0,
        calls=last.appels if last is not None else 0,
        calls_floor=last.plancher if last is not None else 0,
        call_ratio=ratio,
        retries=last.relances if last is not None else 0,
        status_429=last.refus_429 if last is not None else 0,
        windows=len(windows) or (last.fenetres if last is not None else 0),
        windows_proved=len(windows) - len(doubtful) if windows else (last.prouvees if last is not None else 0),
        doubtful=doubtful,
        reasons=bilan.raisons if bilan is not None else (),
        notes=bilan.avertissements if bilan is not None else (),
        error=_failure(problem),
    )


def _verdict(resultat: Resultat | None, exit_code: int) -> Verdict:
    if resultat is not None:
        return "prouvee" if resultat.bilan.prouve else "non prouvee"
    return "interrompue" if exit_code == _INTERRUPTED else "echouee"


def _failure(problem: BaseException | None) -> Failure | None:
    if problem is None:
        return None
    if isinstance(problem, MoissonError):
        return Failure(type(problem).__name__, problem.what, problem.doing, problem.todo)
    return Failure(type(problem).__name__, " ".join(str(problem).split())[:200], "", "")


def _iso(at_s: float) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
