"""The command line: a real process on a real port, and how it ends."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moisson_twin.__main__ import main, parser, settings_from

SRC = Path(__file__).parents[2] / "src"


@contextlib.contextmanager
def twin(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A double in a process of its own, and the line it prints when ready."""
    command = [sys.executable, "-m", "moisson_twin", "--exit-with-parent", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONPATH": str(SRC)}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read().decode())
        try:
            yield process, json.loads(line)
        finally:
            process.terminate()
            process.wait(10)


def request(url: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """One plain HTTP request."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def token(urls: dict[str, str]) -> str:
    """A token from a running double."""
    form = {"grant_type": "client_credentials", "scope": "api_offresdemploiv2 o2dsoffre"}
    form |= {"client_id": urls["client_id"], "client_secret": urls["client_secret"]}
    body = urllib.parse.urlencode(form)
    _, _, answer = request(urls["token_url"], "POST", body, Content_Type="application/x-www-form-urlencoded")
    return str(json.loads(answer)["access_token"])


def test_a_server_from_start_to_end(tmp_path: Path) -> None:
    """Ready line and file, one search, a dropped and a broken connection, statistics, and exit code 0 on SIGTERM."""
    ready = tmp_path / "ready.json"
    with twin(
        "--offres", "300", "--still", "--ready-file", str(ready), "--fault", "drop:at=1", "--fault", "break_body:at=2"
    ) as (process, urls):
        assert json.loads(ready.read_text()) == urls
        assert urls["api_url"].endswith("/partenaire/offresdemploi")
        search = urls["api_url"] + "/v2/offres/search?sort=1&range=0-9"
        bearer = f"Bearer {token(urls)}"
        status, headers, body = request(search, Authorization=bearer)
        assert (status, headers["content-range"]) == (206, "offres 0-9/300")
        assert len(json.loads(body)["resultats"]) == 10
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            request(search, Authorization=bearer)
        with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
            request(search, Authorization=bearer)
        assert request(search, Authorization=bearer)[0] == 206
        stats = json.loads(request(urls["control_url"] + "/stats")[2])
        assert stats["answers"]["search"] == {"0": 2, "206": 2}
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_it_stops_with_its_parent() -> None:
    """Closing its standard input ends it, cleanly."""
    with twin("--offres", "50") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_interrupting_it_is_a_clean_exit() -> None:
    """As Ctrl-C does."""
    with twin("--offres", "50") as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.org"])
def test_only_loopback_is_served(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Another host is wrong usage."""
    with pytest.raises(SystemExit) as leaving:
        main(["--host", host])
    assert leaving.value.code == 2
    assert "loopback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--fault", "typo"], ["--start", "yesterday"], ["--start", "2026-01-01T00:00:00"], ["--crowd", "9:odd"]]
)
def test_wrong_options_are_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a word on what is wrong."""
    with pytest.raises(SystemExit) as leaving:
        main(wrong)
    assert leaving.value.code == 2
    assert "error" in capsys.readouterr().err


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and the port, no traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port), "--offres", "10"]) == 1
    assert str(port) in capsys.readouterr().err


def test_options_become_settings() -> None:
    """Each option reaches its setting."""
    options = parser().parse_args(
        ["--offres", "7", "--seed", "3", "--start", "2026-01-02T03:04:05Z", "--crowd", "4000", "--crowd", "100:alike",
         "--births", "1.5", "--quota", "0", "--no-quota-headers", "--page-size", "10", "--start-max", "40",
         "--filter-clock", "paris", "--bound-max", "whole_second", "--unstable-ties", "second", "--fault", "drop:at=3",
         "--detached", "--world-clock", "clock", "--last-page-status", "206"]
    )  # fmt: skip
    settings = settings_from(options)
    assert (settings.world.offres, settings.world.seed) == (7, 3)
    assert settings.world.start.isoformat() == "2026-01-02T03:04:05+00:00"
    assert [(crowd.offres, crowd.separable) for crowd in settings.world.crowded] == [(4000, True), (100, False)]
    assert settings.world.drift.births_per_s == 1.5
    assert (settings.quota_per_s, settings.quota_headers) == (None, False)
    assert (settings.page_size, settings.start_max) == (10, 40)
    assert (settings.filter_clock, settings.bound_max, settings.unstable_ties) == ("paris", "whole_second", "second")
    assert settings.faults == ("drop:at=3",)
    assert len(settings.detached_clients) == 2
    assert (settings.world_clock, settings.last_page_status) == ("clock", 206)


def test_help_tells_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Three ways in: process, in process, fixture."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(word in text for word in ("subprocess.Popen", "ASGITransport", "@pytest.fixture", "/_twin/truth"))
    assert main(["--list-faults"]) == 0
    assert "reply_429" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "value"),
    [("--offres", "-5"), ("--page-size", "0"), ("--births", "-1"), ("--quota", "nan"), ("--token-life", "0")],
)
def test_a_number_that_makes_no_sense(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused by name, as wrong usage, and nothing starts."""
    with pytest.raises(SystemExit) as ended:
        main([option, value])
    assert ended.value.code == 2
    assert f"argument {option}: {value} is" in capsys.readouterr().err
