"""What a person reads: numbers, progress, and how a run ended."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from moisson.cli.live import dated_lines
from moisson.cli.wording import count, duration, next_commands, progress_line, progress_lines, size, summary
from tests.cli.results import AVANCEMENT, BILAN, PROVED, RESULTAT


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (1700, "28 min 20 s"), (3900, "1 h 05 min"), (266_400, "3 d 2 h")],
)
def test_duration(seconds: float, text: str) -> None:
    """A duration is said in its two largest units."""
    assert duration(seconds) == text


def test_count_and_size() -> None:
    """Thousands are marked, one is singular, sizes are in powers of ten."""
    assert (count(1, "offer"), count(20_000, "offer"), count(3)) == ("1 offer", "20,000 offers", "3")
    assert (size(812), size(24_000_000), size(3_000_000_000_000)) == ("812 B", "24.0 MB", "3.0 TB")


def test_progress() -> None:
    """Offers, share, calls and their ratio to the floor, rate, windows proved, time left, last trouble."""
    assert progress_line(AVANCEMENT) == (
        "walking down: 12,260 of 20,000 offers, 61.3 %, 84 calls, 1.024 x the floor, 2.98/s, 4 of 5 windows proved, "
        "17 s left"
    )
    troubled = msgspec.structs.replace(AVANCEMENT, dernier_ennui="503, tried again", restant_s=None, reprise=True)
    assert progress_lines(troubled) == (
        "12,260 of 20,000 offers, 61.3 %, resumed",
        "84 calls, 1.024 x the floor, 2.98/s of 3.00/s allowed",
        "1 retried, 0 answered 429",
        "4 of 5 windows proved, 28 s gone, time left not known yet",
        "last trouble: 503, tried again",
    )


def test_progress_before_anything_is_known() -> None:
    """Nothing is divided by what has not been announced."""
    start = msgspec.structs.replace(AVANCEMENT, etape="horloge", offres=0, annonce=0, appels=1, fenetres=0, prouvees=0)
    assert progress_line(start) == ("measuring the clock: 0 offers, 1 call, 2.98/s, 0 of 0 windows proved, 17 s left")


def test_dated_lines() -> None:
    """Without a terminal: a dated line at once, each minute, and at each change of stage."""
    said: list[str] = []
    clock = iter((0.0, 1.0, 59.0, 60.0, 61.0, 61.5))
    at = 0.0
    tell = dated_lines(
        lambda line, _: said.append(line),
        monotonic=lambda: at,
        now=lambda: dt.datetime(2026, 11, 3, 5, 12, tzinfo=dt.UTC),
    )
    for at in clock:  # the observer's clock reads it
        tell(AVANCEMENT if at < 61.5 else msgspec.structs.replace(AVANCEMENT, etape="pli"))
    stages = [line.split(" ", 1)[1].split(":")[0] for line in said]
    assert stages == ["walking down", "walking down", "writing the lake"]
    assert all(line.startswith("2026-11-03T05:12:00+00:00 ") for line in said)


def test_summary_of_a_proved_run() -> None:
    """The verdict first; then what changed, what it cost, where the data lie."""
    assert summary(RESULTAT, store=Path("moisson-store"), simulated=False) == [
        "PROVED COMPLETE: 19,998 offers stored, 20,000 announced at first and 19,998 at last",
        "  offers:  20,000 new, 2 closed",
        "  calls:   135, 1.007 x the floor of 134; 1 retried, 0 answered 429",
        "  windows: 1 of 1 proved",
        "  time:    45 s",
        "  store:   moisson-store",
        "  run:     20261103T051200Z",
    ]


def test_summary_of_a_run_that_is_not_proved() -> None:
    """What is missing is named: the reasons, and the windows with their dates, but not the parts of one."""
    missing = msgspec.structs.replace(
        PROVED, numero=7, verdict="manque", preuve=None, manquantes=37,
        raison="3,187 offers share one second and every criterion",
    )  # fmt: skip
    part = msgspec.structs.replace(missing, numero=8, critere="experience=4")
    doubtful = msgspec.structs.replace(PROVED, numero=9, verdict="en doute", preuve=None, debut_ms=None, raison="x")
    bilan = msgspec.structs.replace(
        BILAN, prouve=False, raisons=("two windows are not proved",), fenetres=(PROVED, missing, part, doubtful),
        manquantes=37, avertissements=("the clock was read once",),
    )  # fmt: skip
    result = msgspec.structs.replace(RESULTAT, bilan=bilan)
    assert summary(result, store=Path("demo"), simulated=True)[:6] == [
        "NOT PROVED: 19,998 offers stored, 20,000 announced at first and 19,998 at last, 37 known to be missing",
        "  why: two windows are not proved",
        "  window 7 (2026-10-26T07:33:20Z to 2026-10-27T11:20:00Z): 37 offers missing; "
        "3,187 offers share one second and every criterion",
        "  window 9 (… to 2026-10-27T11:20:00Z): in doubt; x",
        "  simulated data: they come from a double of the API, not from France Travail",
        "  note: the clock was read once",
    ]


def test_many_windows_in_doubt_are_counted() -> None:
    """A long list is cut, and says where the rest is."""
    doubtful = msgspec.structs.replace(PROVED, verdict="en doute", preuve=None, raison="x")
    bilan = msgspec.structs.replace(BILAN, prouve=False, fenetres=(doubtful,) * 12)
    lines = summary(msgspec.structs.replace(RESULTAT, bilan=bilan), store=Path("demo"), simulated=False)
    assert lines[11] == "  … and 2 windows more; all of them: table fenetres"


def test_next_commands() -> None:
    """What to type next names the store where it is not the usual one, quoted for a shell."""
    assert next_commands(Path("moisson-store"), proved=True)[0] == "moisson status"
    assert next_commands(Path("my store"), proved=True)[0] == "moisson status --store 'my store'"
    assert next_commands(Path("moisson-store"), proved=False)[0] == (
        "moisson sql \"select * from fenetres where verdict <> 'prouvee' "
        'and collecte = (select max(collecte) from fenetres)"'
    )
