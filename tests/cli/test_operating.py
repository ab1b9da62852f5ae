"""What an operator's tools rely on: the monitor's line, the report, the metrics, the logs, the copy."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from moisson.errors import AccountError, DiskFull
from moisson.settings import Settings
from tests.cli.conftest import Cli
from tests.cli.results import BILAN, RESULTAT
from tests.cli.test_collect import play  # noqa: F401  # a fixture
from tests.cli.test_store_commands import moisson, settings_of
from tests.store.filling import NOW_S, collect, make_bilan, make_fenetre, make_offre, open_here

HOUR_S = 3600.0


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the clock that the commands read."""
    import time

    def put(now_s: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now_s)

    return put


def gauges(text: str) -> dict[str, float]:
    """The samples without a second label, by name."""
    return {
        family.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if set(sample.labels) == {"store"}
    }


# The monitor's line.


def test_check_of_a_fresh_store(cli: Cli, tmp_path: Path, at: Any) -> None:
    """One line, exit 0 while the proof is young enough, 3 when it is not."""
    collect(tmp_path / "moisson-store", [make_offre(n) for n in range(5)], NOW_S)
    at(NOW_S + 5 * HOUR_S)
    ended = cli("status", "--check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "OK: 5 offers, last proved 4 h 59 min ago, within the 24 h 00 min allowed\n"
    at(NOW_S + 25 * HOUR_S)
    ended = cli("status", "--check")
    assert (ended.code, ended.err) == (3, "")
    assert ended.out == "STALE: last proved 24 h 59 min ago, more than the 24 h 00 min allowed\n"
    assert cli("status", "--check", "--max-age", "26h").code == 0
    at(NOW_S - 5 * HOUR_S)
    ended = cli("status", "--check")
    assert ended.code == 3
    assert "in the future of this machine's clock" in ended.out


def test_check_of_a_run_that_is_not_proved(cli: Cli, tmp_path: Path, at: Any) -> None:
    """Young or not, it is said, with the reason; so is a store that was never proved."""
    store = tmp_path / "moisson-store"
    open_here(store)
    at(NOW_S)
    ended = cli("status", "--check")
    assert (ended.code, ended.out) == (3, "NEVER PROVED: no run was folded yet\n")
    doubt = make_bilan(6, make_fenetre(verdict="en doute", total=6), prouve=False)
    collect(store, [make_offre(n) for n in range(5)], NOW_S, bilan=doubt)
    ended = cli("status", "--check")
    assert (ended.code, ended.out) == (3, "NEVER PROVED: 20260921T141320Z; window 1: the total rose\n")
    collect(store, [make_offre(n) for n in range(5)], NOW_S + HOUR_S)
    collect(store, [make_offre(n) for n in range(5)], NOW_S + 2 * HOUR_S, bilan=doubt)
    at(NOW_S + 3 * HOUR_S)
    ended = cli("status", "--check")
    assert ended.code == 3
    assert ended.out == (
        "NOT PROVED: 20260921T161320Z: window 1: the total rose; "
        "last proved 1 h 59 min ago, within the 24 h 00 min allowed\n"
    )


def test_check_with_other_outputs(cli: Cli, tmp_path: Path, at: Any) -> None:
    """The object stays whole on the standard output; the line goes to the standard error, the code stays."""
    collect(tmp_path / "moisson-store", [make_offre(1)], NOW_S)
    at(NOW_S + 30 * HOUR_S)
    ended = cli("status", "--check", "--json")
    assert (ended.code, json.loads(ended.out)["proved"]) == (3, True)
    assert ended.err.startswith("STALE: ")
    ended = cli("status", "--prometheus")
    assert (ended.code, ended.err) == (0, "")
    assert gauges(ended.out)["moisson_last_proved_timestamp_seconds"] == NOW_S + 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--check", "--max-age", "soon"], 'max_age = "soon", from option --max-age'),
        (["--check", "--max-age", "0"], "out of bounds"),
        (["--max-age", "24h"], "without --check"),
        (["--json", "--prometheus"], "both given"),
        (["--check"], "There is no store in moisson-store"),
    ],
)
def test_check_used_wrongly(cli: Cli, arguments: list[str], says: str) -> None:
    """Exit 2, which a monitor must not take for stale."""
    ended = cli("status", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


def test_status_tells_the_disk(cli: Cli, tmp_path: Path, at: Any) -> None:
    """What lies on the disk by what it is, what is free, and the pace once there is one."""
    store = tmp_path / "moisson-store"
    for night in range(3):
        collect(store, [make_offre(n) for n in range(100 * (night + 1))], NOW_S + night * 24 * HOUR_S)
    at(NOW_S + 49 * HOUR_S)
    shown = cli("status").out.splitlines()
    (number,) = [number for number, line in enumerate(shown) if line.startswith("disk ")]
    assert "tables " in shown[number]
    assert "evidence " in shown[number]
    assert shown[number].endswith(" free")
    assert shown[number + 1].startswith("             grows by ")
    assert " a day over 3 runs; at this pace " in shown[number + 1]


# The report and the metrics.


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("end", "code", "verdict"),
    [
        (None, 0, "prouvee"),
        ("doubt", 3, "non prouvee"),
        (DiskFull("No room is left", doing="landing", todo="Free some."), 1, "echouee"),
        (AccountError("The credentials were refused"), 2, "echouee"),
        (KeyError("x"), 1, "echouee"),
        (KeyboardInterrupt(), 130, "interrompue"),
    ],
    ids=["proved", "not proved", "disk full", "refused", "unexpected", "interrupted"],
)
def test_records_of_every_end(cli: Cli, play: Any, tmp_path: Path, end: Any, code: int, verdict: str) -> None:  # noqa: F811
    """Whatever ends the run, both files say so, whole, and nothing is left beside them."""
    import msgspec

    def harvest() -> object:
        if isinstance(end, BaseException):
            raise end
        bilan = msgspec.structs.replace(BILAN, prouve=end is None)
        return msgspec.structs.replace(RESULTAT, bilan=bilan)

    play(harvest)
    for name in ("run.json", "moisson.prom"):
        (tmp_path / name).write_text("from the night before", encoding="utf-8")
    ended = cli("collect", "--report", "run.json", "--metrics", "moisson.prom")
    assert ended.code == code
    found = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (found["verdict"], found["exit_code"], found["proved"]) == (verdict, code, code == 0)
    assert found["collecte"] == "20261103T051200Z"
    assert found["store"] == "moisson-store"
    if isinstance(end, DiskFull):
        assert found["error"]["todo"] == "Free some."
    assert gauges((tmp_path / "moisson.prom").read_text(encoding="utf-8"))["moisson_collect_exit_code"] == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moisson.prom", "run.json"]
    assert (tmp_path / "moisson.prom").stat().st_mode & 0o044, "another user must be able to read the metrics"


def test_records_without_account(cli: Cli, tmp_path: Path) -> None:
    """A night that could not begin is told too."""
    assert cli("collect", "--report", "run.json").code == 2
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["error"]["kind"] == "SettingsError"


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("option", ["--report", "--metrics"])
def test_a_record_that_cannot_be_written(cli: Cli, play: Any, tmp_path: Path, option: str) -> None:  # noqa: F811
    """Told before anything is asked, as wrong usage."""
    asked = play(lambda: RESULTAT)
    for path, why in (("no/such/run.json", "there is no folder no/such"), (str(tmp_path), "it is a folder")):
        ended = cli("collect", option, path)
        assert (ended.code, ended.out, asked) == (2, "", [])
        assert why in ended.err


@pytest.mark.usefixtures("account")
def test_a_record_that_fails_at_the_end(cli: Cli, play: Any, tmp_path: Path) -> None:  # noqa: F811
    """The run's own end matters more: it is warned of, and the exit code stays."""
    folder = tmp_path / "there"
    folder.mkdir()

    def harvest() -> object:
        folder.rmdir()
        return RESULTAT

    play(harvest)
    ended = cli("collect", "--report", "there/run.json")
    assert ended.code == 0
    assert "warning: there/run.json cannot be written: No such file or directory." in ended.err


# The logs.


def read(lines: str) -> list[dict[str, Any]]:
    """Each line is one JSON object with a date, a level, an event and a text."""
    found = [json.loads(line) for line in lines.splitlines()]
    for line in found:
        assert list(line)[:4] == ["at", "level", "event", "text"]
        assert line["at"].endswith("Z")
        assert line["level"] in {"info", "warning", "error"}
    return found


@pytest.mark.usefixtures("account")
def test_logs_on_the_standard_error(cli: Cli, play: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Nothing but JSON, from the first warning to the verdict."""
    play(lambda: RESULTAT)
    monkeypatch.setenv("MOISSON_RATES", "4")
    ended = cli("collect", "--log-format", "json")
    assert (ended.code, ended.out) == (0, "")
    warning, progress, finished = read(ended.err)
    assert (warning["event"], warning["level"]) == ("warning", "warning")
    assert (progress["event"], progress["etape"], progress["appels"]) == ("progress", "descente", 84)
    assert (finished["event"], finished["proved"], finished["calls"]) == ("finished", True, 135)
    assert finished["text"].startswith("PROVED COMPLETE: ")


@pytest.mark.usefixtures("account")
def test_logs_in_a_file(cli: Cli, play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """The standard error stays for people; the file is added to."""
    play(lambda: RESULTAT)
    monkeypatch.setenv("MOISSON_LOG_FILE", "night.ndjson")
    for _ in range(2):
        assert "PROVED COMPLETE" in cli("collect").err.splitlines()[1]
    events = [line["event"] for line in read((tmp_path / "night.ndjson").read_text(encoding="utf-8"))]
    assert events == ["progress", "finished"] * 2


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("problem", "kind", "code"),
    [(DiskFull("No room is left", todo="Free some."), "DiskFull", 1), (KeyError("x"), "KeyError", 1)],
)
def test_errors_in_the_logs(cli: Cli, play: Any, problem: Exception, kind: str, code: int) -> None:  # noqa: F811
    """An error is one line too, its parts apart."""

    def harvest() -> object:
        raise problem

    play(harvest)
    ended = cli("collect", "--log-format", "json")
    line = read(ended.err)[-1]
    assert (ended.code, line["event"], line["level"], line["kind"]) == (code, "error", "error", kind)
    assert line["todo"]


def test_a_malformed_setting_in_the_logs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even what is wrong with the settings themselves; a wrong format is said as text."""
    monkeypatch.setenv("MOISSON_LOG_FORMAT", "json")
    monkeypatch.setenv("MOISSON_RATE", "fast")
    ended = cli("collect")
    (line,) = read(ended.err)
    assert (ended.code, line["kind"], line["exit_code"]) == (2, "SettingsError", 2)
    monkeypatch.setenv("MOISSON_RATE", "3")
    monkeypatch.setenv("MOISSON_LOG_FORMAT", "xml")
    assert 'error: log_format = "xml"' in cli("status").err
    monkeypatch.setenv("MOISSON_LOG_FORMAT", "text")
    monkeypatch.setenv("MOISSON_LOG_FILE", "no/such/folder/x")
    ended = cli("status")
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be written" in ended.err


# With real processes.


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A double that stumbles now and then; what it announces."""
    with subprocess.Popen(
        [
            sys.executable, "-m", "moisson_twin", "--offres", "3000", "--quota", "0", "--exit-with-parent",
            "--fault", "reply_500:every=7", "--fault", "reply_429:every=11",
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path_factory.mktemp("twin"),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_night_with_everything(twin: dict[str, str], tmp_path: Path) -> None:
    """Report, metrics and logs agree with the status; no secret is in any of them; the copy is proved again."""
    env = settings_of(twin, MOISSON_LOG_FORMAT="json", MOISSON_LOG_FILE="night.ndjson", MOISSON_STATE="x")
    ended = moisson("collect", "--report", "run.json", "--metrics", "m.prom", cwd=tmp_path, env=env)
    assert ended.returncode == 0, ended.stderr
    lines = read(ended.stderr)
    assert read((tmp_path / "night.ndjson").read_text(encoding="utf-8")) != []
    events = {line["event"] for line in lines}
    assert {"api.token", "api.retry", "api.throttled", "progress", "finished"} <= events
    report = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    status = json.loads(moisson("status", "--json", cwd=tmp_path).stdout)
    assert report["retries"] > 0
    assert report["status_429"] > 0
    for key in ("calls", "calls_floor", "call_ratio", "retries", "status_429", "offres", "missing_known", "proved"):
        assert report[key] == status[key], key
    assert report["collecte"] == status["last_run"]
    assert list(report["stages"])[-1] == "pli"
    assert sum(report["stages"].values()) <= report["duration_s"] + 0.5
    metrics = gauges((tmp_path / "m.prom").read_text(encoding="utf-8"))
    assert metrics["moisson_offers"] == status["offres"]
    assert metrics["moisson_run_calls"] == status["calls"]
    assert metrics["moisson_collect_exit_code"] == 0

    written = [path.read_bytes() for path in (tmp_path / "run.json", tmp_path / "m.prom", tmp_path / "night.ndjson")]
    for text in (*written, ended.stderr.encode()):
        assert twin["client_secret"].encode() not in text
        assert b"Bearer" not in text
    checked = moisson("status", "--check", cwd=tmp_path)
    assert checked.returncode == 0
    assert checked.stdout.startswith("OK: ")

    copied = moisson("backup", "copy", cwd=tmp_path)
    assert (copied.returncode, copied.stdout) == (0, "")
    assert copied.stderr.startswith("COPIED: copy holds the state after ")
    assert moisson("verify", "--store", "copy", cwd=tmp_path).returncode == 0
    count = ("sql", "select count(*), count(distinct id), sum(hash(offres)) from offres", "--format", "csv")
    assert moisson(*count, "--store", "copy", cwd=tmp_path).stdout == moisson(*count, cwd=tmp_path).stdout
    refused = moisson("backup", ".", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")


def test_a_wrong_secret_is_in_no_record(twin: dict[str, str], tmp_path: Path) -> None:
    """A night without the right secret: told everywhere, and shown nowhere."""
    secret = "hush-hush-hush-hush"
    env = settings_of(twin, MOISSON_CLIENT_SECRET=secret, MOISSON_LOG_FORMAT="json")
    ended = moisson("collect", "--report", "run.json", "--metrics", "m.prom", cwd=tmp_path, env=env)
    assert ended.returncode == 2
    report = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (report["error"]["kind"], report["exit_code"]) == ("AccountError", 2)
    assert gauges((tmp_path / "m.prom").read_text(encoding="utf-8"))["moisson_collect_exit_code"] == 2
    assert read(ended.stderr)[-1]["kind"] == "AccountError"
    for text in (ended.stderr, *((tmp_path / name).read_text(encoding="utf-8") for name in ("run.json", "m.prom"))):
        assert "hush" not in text


def test_settings_never_show_a_secret() -> None:
    """Neither does the object that all of this is made from."""
    from moisson.settings import Application

    assert "hush" not in repr(Settings(applications=(Application(client_id="PAR_x", client_secret="hush"),)))


def test_interrupted_for_good(twin: dict[str, str], tmp_path: Path) -> None:
    """SIGTERM in the middle of a run: exit 130 in the report and in the metrics."""
    with subprocess.Popen(
        [sys.executable, "-m", "moisson.cli.main", "collect", "--report", "run.json", "--metrics", "m.prom"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **settings_of(twin, MOISSON_RATE="3")},
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while "walking down" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130
    report = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (report["verdict"], report["exit_code"]) == ("interrompue", 130)
    assert report["calls"] > 0
    metrics = gauges((tmp_path / "m.prom").read_text(encoding="utf-8"))
    assert (metrics["moisson_collect_exit_code"], metrics["moisson_proved"]) == (130, 0)


def test_the_room_that_is_left() -> None:
    """In days while they can be planned with, then no more."""
    from moisson.cli.status import _room

    assert _room(0.2) == "a run no longer fits in 0 days"
    assert _room(41.4) == "a run no longer fits in 41 days"
    assert _room(3_000_000) == "the disk does for years"
