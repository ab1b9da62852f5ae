"""The recipes of contrib/, tried as far as a machine without systemd, cron or containers allows."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRIB = ROOT / "contrib"
UNITS = sorted((CONTRIB / "systemd").iterdir())
INSTALLED = "/opt/moisson/bin/moisson"
STATE = "/var/lib/moisson"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """What a machine has after the installation: a state folder, a configuration, the command."""
    for folder in ("state", "etc", "bin"):
        (tmp_path / folder).mkdir()
    command = tmp_path / "bin" / "moisson"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m moisson.cli.main "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


@pytest.fixture
def twin(machine: Path) -> Iterator[dict[str, str]]:
    """A double, and a configuration that leads to it, as an operator writes one."""
    with subprocess.Popen(
        [sys.executable, "-m", "moisson_twin", "--offres", "600", "--quota", "0", "--exit-with-parent"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=machine,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        secret = machine / "etc" / "client_secret"
        secret.write_text(ready["client_secret"] + "\n", encoding="utf-8")
        lines = [f'{key} = "{ready[key]}"' for key in ("api_url", "token_url", "client_id")]
        (machine / "etc" / "moisson.toml").write_text(
            "\n".join([*lines, "rate = 200", 'client_secret_file = "client_secret"']), encoding="utf-8"
        )
        for path in (machine / "etc").iterdir():
            path.chmod(0o600)
        yield ready
        process.terminate()


def here(text: str, machine: Path) -> str:
    """A line of a recipe with this machine's folders in the place of those it names."""
    for installed, actual in ((INSTALLED, "bin/moisson"), (STATE, "state"), ("/etc/moisson", "etc")):
        text = text.replace(installed, str(machine / actual))
    return text


def unit(name: str) -> configparser.RawConfigParser:
    """A unit file; keys that stand several times are joined by a new line."""
    joined: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in (CONTRIB / "systemd" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            joined.setdefault(section, {}).setdefault(key, []).append(value)
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_dict({name: {k: "\n".join(v) for k, v in keys.items()} for name, keys in joined.items()})
    return parser


def test_units_are_understood(machine: Path) -> None:
    """systemd itself finds nothing to say about them."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    copies = []
    for path in UNITS:
        copies.append(machine / path.name)
        copies[-1].write_text(here(path.read_text(encoding="utf-8"), machine), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, copies)], capture_output=True, text=True, check=False
    )
    # It also speaks of units of the machine itself.
    assert [line for line in (done.stdout + done.stderr).splitlines() if "moisson" in line] == []
    broken = machine / "moisson-broken.service"
    broken.write_text(copies[-1].read_text(encoding="utf-8").replace("OnCalendar", "OnCalender"), encoding="utf-8")
    said = subprocess.run(["systemd-analyze", "verify", str(broken)], capture_output=True, text=True, check=False)
    assert "moisson-broken" in said.stderr, "the check above would not see anything"


@pytest.mark.parametrize("name", ["moisson.service", "moisson-check.service"])
def test_the_service_runs_with_its_own_environment_alone(machine: Path, twin: dict[str, str], name: str) -> None:
    """The command of the unit, with the unit's environment and nothing else, ends as it should."""
    for service in ("moisson.service", name):
        section = unit(service)["Service"]
        environment = dict(line.split("=", 1) for line in here(section["Environment"], machine).splitlines())
        credential, source = here(section["LoadCredential"], machine).split(":")
        assert credential == "client_secret"
        environment["MOISSON_CLIENT_SECRET_FILE"] = source  # %d is a folder that systemd makes
        done = subprocess.run(
            here(section["ExecStart"], machine).split(), env=environment, cwd=machine / "state", capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert {path.name for path in (machine / "state").iterdir()} == {"store", "state", "last-run.json", "moisson.prom"}
    assert json.loads((machine / "state" / "last-run.json").read_text(encoding="utf-8"))["proved"] is True


def test_the_service_is_tried_again_when_that_helps() -> None:
    """After 1 and 3; not after 2, which wants a person."""
    section = unit("moisson.service")["Service"]
    assert section["Restart"] == "on-failure"
    assert section["RestartPreventExitStatus"] == "2"


def cron_lines() -> tuple[dict[str, str], list[str]]:
    """The variables of the cron file, and its commands without their dates and user."""
    variables, commands = {}, []
    for line in (CONTRIB / "moisson.cron").read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Z_]+=", line):
            name, _, value = line.partition("=")
            variables[name] = value
        elif line and not line.startswith("#"):
            assert "%" not in line, "cron reads % as a new line"
            *dates, user, command = line.split(None, 6)
            assert len(dates) == 5
            assert user == "moisson"
            commands.append(command)
    return variables, commands


def as_cron(command: str, variables: dict[str, str], machine: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as cron does: by sh, with next to no environment; what it prints would be mailed."""
    bare = {"SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "HOME": str(machine), "LOGNAME": "moisson"}
    variables = {name: here(value, machine) for name, value in variables.items()}
    return subprocess.run(
        ["/bin/sh", "-c", here(command, machine)], env={**bare, **variables}, cwd=machine, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def test_cron_mails_only_what_is_wrong(machine: Path, twin: dict[str, str]) -> None:
    """A good night mails nothing; a wrong secret mails why, and what to do."""
    variables, (collect, check) = cron_lines()
    stale = as_cron(check, variables, machine)
    assert (stale.returncode, stale.stdout) == (0, "")
    assert "There is no store" in stale.stderr  # mailed too
    night = as_cron(collect, variables, machine)
    assert (night.returncode, night.stdout, night.stderr) == (0, "", "")
    assert "PROVED COMPLETE" in (machine / "state" / "last-night.log").read_text(encoding="utf-8")
    fine = as_cron(check, variables, machine)
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "", "")
    (machine / "etc" / "client_secret").write_text("wrong-wrong-wrong-wrong", encoding="utf-8")
    wrong = as_cron(collect, variables, machine)
    assert "error: " in wrong.stdout
    assert "to do: " in wrong.stdout
    assert json.loads((machine / "state" / "last-run.json").read_text(encoding="utf-8"))["exit_code"] == 2


@pytest.mark.slow
@pytest.mark.timeout(900)  # it installs every package anew
def test_the_container_recipe_builds(tmp_path: Path) -> None:
    """The steps of its first stage, run here in their order; the image itself is made by no engine here."""
    recipe = (CONTRIB / "Containerfile").read_text(encoding="utf-8")
    build = recipe[recipe.index("AS build") :].partition("\nFROM ")[0]
    steps = re.findall(r"^RUN (.+)$", build, flags=re.MULTILINE)
    assert len(steps) == 4
    copied = tmp_path / "src"
    shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__"))
    for step in steps:
        command = step.replace("/opt/moisson", str(tmp_path / "env")).replace("/src", str(copied))
        command = re.sub(r"^python ", f"{sys.executable} ", command)
        done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
    assert done.stdout.startswith("moisson ")
