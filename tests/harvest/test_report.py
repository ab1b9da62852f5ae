"""The report of a run: the same object however the run ended."""

from __future__ import annotations

import json

import msgspec

from moisson.errors import DiskFull
from moisson.harvest.report import Chronique, RunReport, report_of
from tests.cli.results import AVANCEMENT, BILAN, PROVED, RESULTAT

BASE = {
    "store": "lake", "source": "https://api.example.org", "simulated": False,
    "begun_s": 1_790_000_000.0, "ended_s": 1_790_000_045.25, "stages": {"descente": 40.0, "pli": 5.25},
}  # fmt: skip


def report(**more: object) -> RunReport:
    """A report, through JSON and back."""
    return msgspec.json.decode(msgspec.json.encode(report_of(**{**BASE, **more})), type=RunReport)  # type: ignore[arg-type]


def test_proved() -> None:
    """Figures, windows, timings."""
    found = report(exit_code=0, last=AVANCEMENT, resultat=RESULTAT)
    assert (found.verdict, found.proved, found.exit_code, found.error) == ("prouvee", True, 0, None)
    assert (found.begun_at, found.ended_at, found.duration_s) == (
        "2026-09-21T14:13:20Z", "2026-09-21T14:14:05Z", 45.25,
    )  # fmt: skip
    assert (found.offres, found.nouvelles, found.retirees) == (19_998, 20_000, 2)
    assert (found.announced_first, found.announced, found.read) == (20_000, 19_998, 20_000)
    assert (found.calls, found.calls_floor, found.call_ratio) == (135, 134, 135 / 134)
    assert (found.windows, found.windows_proved, found.doubtful) == (1, 1, ())
    assert found.collecte == "20261103T051200Z"
    assert set(found.versions) == {"moisson", "planner", "python"}


def test_not_proved() -> None:
    """The windows in doubt are told in full, the reasons as they are."""
    doubtful = msgspec.structs.replace(PROVED, numero=7, verdict="manque", preuve=None, manquantes=37, raison="x")
    bilan = msgspec.structs.replace(
        BILAN, prouve=False, raisons=("37 missing",), fenetres=(PROVED, doubtful), manquantes=37
    )
    resultat = msgspec.structs.replace(RESULTAT, bilan=bilan, reprenable=True, suite_de="20261103T041200Z")
    found = report(exit_code=3, last=AVANCEMENT, resultat=resultat)
    assert (found.continuable, found.suite_de) == (True, "20261103T041200Z")
    assert (found.verdict, found.proved, found.exit_code) == ("non prouvee", False, 3)
    assert (found.windows, found.windows_proved, found.missing_known) == (2, 1, 37)
    assert found.doubtful == (doubtful,)
    assert found.reasons == ("37 missing",)


def test_failed_and_interrupted() -> None:
    """What was read so far, and why it stopped."""
    full = DiskFull("No room is left", doing="landing page 12", todo="Free some.")
    found = report(exit_code=1, last=AVANCEMENT, problem=full)
    assert (found.verdict, found.offres, found.read, found.calls) == ("echouee", None, 12_260, 84)
    assert (found.windows, found.windows_proved, found.announced_first) == (5, 4, 20_000)
    assert json.loads(msgspec.json.encode(found.error)) == {
        "kind": "DiskFull", "what": "No room is left", "doing": "landing page 12", "todo": "Free some.",
    }  # fmt: skip
    assert report(exit_code=130, last=AVANCEMENT).verdict == "interrompue"
    nothing = report(exit_code=2, last=None, problem=ValueError("x\ny"))
    assert (nothing.verdict, nothing.collecte, nothing.calls, nothing.call_ratio) == ("echouee", None, 0, None)
    assert nothing.error is not None
    assert nothing.error.what == "x y"


def test_stages_add_up() -> None:
    """Each stage gets the time until the next snapshot, the last one the time until the end."""
    chronique = Chronique()
    assert chronique.stages(5.0) == {}
    for at, etape in ((10.0, "depart"), (10.5, "descente"), (20.0, "descente"), (21.0, "depart"), (22.0, "pli")):
        chronique.noter(msgspec.structs.replace(AVANCEMENT, etape=etape), at)
    assert chronique.stages(25.0) == {"depart": 1.5, "descente": 10.5, "pli": 3.0}
    assert chronique.last is not None
    assert chronique.last.etape == "pli"
