"""A month of nights under a scheduler, with two failures in it, and what the operator would have seen.

    python bench/month.py                      # 30 nights of 3,000 offers, some minutes
    python bench/month.py --nights 6 --api-down 2 --power-cut 4

Real processes against a real double; only the dates are virtual (`at.py`), and the double's world moves on by as much
between the nights. The scheduler does what contrib/systemd does: a run at 02:40, again 20 minutes after a failure, four
times at most, and ten minutes after the machine has started; the monitor looks at 06:00; a copy is made on Sundays. On
one night the API is down until the evening; on another the machine loses its power in the middle of the fold, and
is back an hour later. At the end the store is compared with the double's truth.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from double import NO_QUOTA, Double, compare, double

FIRST_NIGHT = dt.datetime(2026, 10, 16, 2, 40, tzinfo=dt.UTC)
DAY_S = 86_400.0
RETRY_S, ATTEMPTS = 20 * 60, 4
BOOT_S, OUTAGE_S = 10 * 60, 60 * 60
CHECK_AT_S = 3 * 3600 + 20 * 60
"""From the run's time to the monitor's: 06:00."""

# As much of a small world changes in a day as of the country: 4 % come, 4 % go, 5 % are edited.
SHARE_PER_DAY = {"births": 0.04, "deaths": 0.04, "edits": 0.05, "republications": 0.002}


@dataclass
class Night:
    """What the operator saw of one night."""

    date: str
    exits: list[str] = field(default_factory=list)
    check: str = ""
    check_exit: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)
    copy: str = ""


class Machine:
    """The operator's machine: its clock, its store, and the double as the API it asks."""

    def __init__(self, twin: Double, folder: Path) -> None:
        self.twin, self.folder, self.store = twin, folder, folder / "store"
        self.now_s = FIRST_NIGHT.timestamp()
        more = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "MOISSON_STORE": "store"}
        self.environment = twin.account(MOISSON_RATE="200", **more)

    def command(self, *arguments: str) -> list[str]:
        """A command line that runs at the machine's time."""
        return [sys.executable, str(Path(__file__).with_name("at.py")), str(self.now_s), *arguments]

    def moisson(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments), env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, here and in the world."""
        self.now_s += seconds
        self.twin.advance(seconds)

    def collect(self) -> subprocess.CompletedProcess[str]:
        """The run as the scheduler starts it."""
        return self.moisson("collect", "--report", "run.json", "--metrics", "moisson.prom")

    def collect_until_the_fold(self) -> int:
        """The run, and the power goes as soon as the fold is writing its new state; returns the exit code."""
        line = self.command("collect", "--report", "run.json", "--metrics", "moisson.prom")
        with subprocess.Popen(line, env=self.environment, cwd=self.folder, stderr=subprocess.DEVNULL) as process:
            while not list((self.store / "generations").glob(".tmp-*/offres/*")):
                if process.poll() is not None:
                    raise RuntimeError("the run ended before the power could be cut")
                time.sleep(0.001)
            os.kill(process.pid, signal.SIGKILL)
        return process.returncode


def main() -> int:
    """Live through the month; exit code 1 when anything was not as it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--offres", type=int, default=3000)
    parser.add_argument("--api-down", type=int, default=12, metavar="NIGHT")
    parser.add_argument("--power-cut", type=int, default=21, metavar="NIGHT")
    options = parser.parse_args()
    drift = [f"--{name}={share * options.offres / DAY_S}" for name, share in SHARE_PER_DAY.items()]
    with (
        tempfile.TemporaryDirectory() as folder,
        double("--offres", str(options.offres), *drift, *NO_QUOTA) as twin,
    ):
        machine = Machine(twin, Path(folder))
        nights = []
        for number in range(1, options.nights + 1):
            before = twin.save_truth(Path(folder) / "before")
            nights.append(live(machine, number, options))
            print(f"night {number}: {', '.join(nights[-1].exits)}; {nights[-1].check}", file=sys.stderr, flush=True)
        after = twin.save_truth(Path(folder) / "after")
        missed = compare(twin, machine.store, before, after)
        print(table(nights))
        for night in nights:
            for mail in night.mails:
                print(f"\n{night.date}, the standard error of a run that did not end proved:\n{mail}")
        print(f"\n{nights[-1].date}, moisson status:\n{machine.moisson('status').stdout}")
        print(f"missing {missed.missing}, invented {missed.invented}, twice {missed.twice} of {missed.stored} offers")
        wrong = judge(nights, options)
        if missed.missing or missed.invented or missed.twice:
            wrong.append("the store is not what the double holds")
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def live(machine: Machine, number: int, options: argparse.Namespace) -> Night:
    """One night and the day after it."""
    began_s = machine.now_s
    night = Night(dt.datetime.fromtimestamp(began_s, dt.UTC).date().isoformat())
    if number == options.api_down:
        faults(machine.twin, ["drop"])
    if number == options.power_cut:
        night.exits.append(f"power cut ({machine.collect_until_the_fold()})")
        machine.wait(OUTAGE_S + BOOT_S)
    for attempt in range(1, ATTEMPTS + 1):
        done = machine.collect()
        night.exits.append(str(done.returncode))
        if done.returncode != 0:
            night.mails.append(done.stderr.rstrip())
        if done.returncode in (0, 2) or attempt == ATTEMPTS:
            break
        machine.wait(RETRY_S)
    night.report = json.loads((machine.folder / "run.json").read_text(encoding="utf-8"))
    night.metrics = metrics((machine.folder / "moisson.prom").read_text(encoding="utf-8"))
    machine.wait(began_s + CHECK_AT_S - machine.now_s)
    checked = machine.moisson("status", "--check", "--max-age", "26h")
    night.check, night.check_exit = checked.stdout.strip(), checked.returncode
    if dt.datetime.fromtimestamp(machine.now_s, dt.UTC).weekday() == 6:
        copied = machine.moisson("backup", "copy")
        verified = machine.moisson("verify", "--store", "copy")
        night.copy = f"copy {copied.returncode}, verified {verified.returncode}"
    faults(machine.twin, [])
    machine.wait(began_s + DAY_S - machine.now_s)
    return night


def faults(twin: Double, texts: Sequence[str]) -> None:
    """Have the double misbehave in these ways from now on."""
    url = twin.hello["api_url"].split("/partenaire")[0] + "/_twin/faults"
    body = json.dumps({"faults": list(texts)}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST")):
        pass


def metrics(text: str) -> dict[str, float]:
    """The samples that have no label but the store's."""
    from prometheus_client.parser import text_string_to_metric_families

    families = text_string_to_metric_families(text)
    return {f.name: s.value for f in families for s in f.samples if set(s.labels) == {"store"}}


def table(nights: Sequence[Night]) -> str:
    """The month, a line a night."""
    lines = [
        "| night | exit codes | offers | new | closed | calls | age of the proof at 06:00 | monitor | copy |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for night in nights:
        report = night.report
        figures = [report["offres"], report["nouvelles"], report["retirees"]]
        shown = ["" if figure is None else f"{figure:,}" for figure in figures]
        lines.append(
            f"| {night.date} | {', '.join(night.exits)} | {' | '.join(shown)} | {report['calls']} | "
            f"{night.check.partition('last proved ')[2].partition(' ago')[0]} | "
            f"{night.check_exit} {night.check.partition(':')[0]} | {night.copy} |"
        )
    return "\n".join(lines)


def judge(nights: Sequence[Night], options: argparse.Namespace) -> list[str]:
    """What is not as the operator was promised."""
    wrong = []
    for number, night in enumerate(nights, 1):
        exits = ["0"]
        if number == options.api_down:
            exits = ["1"] * ATTEMPTS
        elif number == options.power_cut:
            exits = ["power cut (-9)", "0"]
        if night.exits != exits:
            wrong.append(f"{night.date}: exit codes {night.exits}, not {exits}")
        expected = 3 if number == options.api_down else 0
        if night.check_exit != expected:
            wrong.append(f"{night.date}: the monitor said {night.check_exit} {night.check}")
        if night.metrics["moisson_collect_exit_code"] != int(exits[-1]) or night.report["exit_code"] != int(exits[-1]):
            wrong.append(f"{night.date}: report and metrics do not tell the exit code")
        if number == options.power_cut and not night.report["resumed"]:
            wrong.append(f"{night.date}: the run was not continued after the power cut")
        if night.copy not in ("", "copy 0, verified 0"):
            wrong.append(f"{night.date}: {night.copy}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
