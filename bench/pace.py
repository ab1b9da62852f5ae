"""How near whole harvests come to the allowed rate, behind a limiter that counts strictly in any one second.

    python bench/pace.py [--seconds 180] [--only one-10,one-3,two-10] [--json FILE]

The double answers after 0.2 to 1.5 s, drawn evenly, once its limiter has let the call pass. Harvests are real
processes: one at 10 calls a second, one at 3, and two of them, on two stores, that share one application at 10. The
double counts what reached its limiter; a call answered 429 is no call of the pace.

    steady      between the tenth and the ninetieth hundredth of the answers: no start, no end
    asking      from the first call to the last
    whole       from starting the command to its end: the program's own start, the fold

A start and an end take the same 15 s or so, in a harvest of three minutes as in one of ten: the first questions wait
for each other's answers, as the first windows do; so do the last pages, the closing sweep and the closing totals. They
are latency, which no pace can make good; so the pace is judged where it rules, and all three are told.

The double stands for a service on machines of its own. Here it shares ours, and what it does for one answer (16 ms) or
waits for a core makes the next calls late at its limiter. So it is given priority where that is allowed, and the table
says whether it was.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LATENCY = "latency:min=0.2,max=1.5"
PAGE = 150
LOOK_S = 0.5
PRIORITY = -15
SETUPS = {"one-10": (1, 10), "one-3": (1, 3), "two-10": (2, 10)}


@dataclass(frozen=True)
class Pace:
    """One measurement; shares are 0 to 1.

    Attributes:
        setup: how many harvests, and the rate allowed to their application.
        calls: searches that the limiter saw, refused ones included.
        refused: those it answered 429.
        steady, asking, whole: accepted calls a second over the allowed rate; see the module.
        most_in_one_second: calls, refused ones included, as the double counted them.
        each: calls of each harvest that were accepted, by its own count.
        priority: the double went before other work of this machine.
        load: of the machine, a minute's average before and after.
        exits: exit codes of the harvests; 0 is proved complete.
    """

    setup: str
    calls: int
    refused: int
    steady: float
    asking: float
    whole: float
    most_in_one_second: int
    each: list[int]
    priority: bool
    load: tuple[float, float]
    exits: list[int]


def main() -> None:
    """Measure what was asked for, print the table, write the JSON."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("--seconds", type=int, default=180, help="how long each harvest asks, about (180)")
    options.add_argument("--only", default=",".join(SETUPS), help=f"some of {','.join(SETUPS)}")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    asked = options.parse_args()
    paces = []
    for name in asked.only.split(","):
        processes, rate = SETUPS[name]
        paces.append(measure(name, processes, rate, asked.seconds))
    about = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}",
        "command": "python " + " ".join(["bench/pace.py", *sys.argv[1:]]),
    }
    print("  ".join(about.values()))
    print("harvests   calls  steady  asking   whole     429 in 1 s  load, calls of each, exit codes")
    for pace in paces:
        print(
            f"{pace.setup:9} {pace.calls:6} {pace.steady:7.2%} {pace.asking:7.2%} {pace.whole:7.2%} "
            f"{pace.refused / pace.calls:7.2%} {pace.most_in_one_second:6}  "
            f"{pace.load[0]:.1f} to {pace.load[1]:.1f}, {pace.each}, {pace.exits}"
            f"{'' if pace.priority else ', the double without priority'}"
        )
    if asked.json:
        asked.json.write_text(json.dumps(about | {"paces": [asdict(pace) for pace in paces]}, indent=1) + "\n")


def measure(name: str, processes: int, rate: int, seconds: int) -> Pace:
    """Run harvests of one application side by side until each has everything."""
    offres = PAGE * rate * seconds // processes
    load_before = os.getloadavg()[0]
    with double(offres, rate) as (hello, priority), tempfile.TemporaryDirectory() as folder:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("MOISSON_")} | {
            "MOISSON_API_URL": hello["api_url"],
            "MOISSON_TOKEN_URL": hello["token_url"],
            "MOISSON_CLIENT_ID": hello["client_id"],
            "MOISSON_CLIENT_SECRET": hello["client_secret"],
            "MOISSON_RATE": str(rate),
            "XDG_STATE_HOME": folder,
        }
        stores = [Path(folder, f"store-{number}") for number in range(processes)]
        began_s = time.monotonic()
        harvests = [
            subprocess.Popen(
                [sys.executable, "-m", "moisson", "collect", "--store", str(store)],
                env=environ,
                cwd=folder,
                stderr=subprocess.DEVNULL,
            )
            for store in stores
        ]
        seen: list[tuple[float, int]] = []
        while any(harvest.poll() is None for harvest in harvests):
            accepted, _, _ = count(hello)
            seen.append((time.monotonic(), accepted))
            time.sleep(LOOK_S)
        took_s = time.monotonic() - began_s
        accepted, refused, most = count(hello)
        each = [own_calls(store, environ) for store in stores]
    return Pace(
        setup=name,
        calls=accepted + refused,
        refused=refused,
        steady=slope(seen, 0.1 * accepted, 0.9 * accepted) / rate,
        asking=slope(seen, 1, accepted) / rate,
        whole=accepted / took_s / rate,
        most_in_one_second=most,
        each=each,
        priority=priority,
        load=(round(load_before, 2), round(os.getloadavg()[0], 2)),
        exits=[harvest.returncode for harvest in harvests],
    )


def slope(seen: list[tuple[float, int]], least: float, most: float) -> float:
    """Calls a second between the first look that saw `least` calls and the first that saw `most`."""
    (from_s, before), (until_s, after) = (next(look for look in seen if look[1] >= bound) for bound in (least, most))
    return (after - before) / (until_s - from_s)


@contextmanager
def double(offres: int, rate: int) -> Iterator[tuple[dict[str, Any], bool]]:
    """The double on a free port; what it says when it is ready, and whether it has priority."""
    command = [sys.executable, "-m", "moisson_twin", "--exit-with-parent", "--still", "--offres", str(offres)]
    command += ["--quota", str(rate), "--quota-mode", "window", "--fault", LATENCY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            hello = json.loads(process.stdout.readline())
            try:
                os.setpriority(os.PRIO_PROCESS, process.pid, PRIORITY)
            except PermissionError:
                yield hello, False
            else:
                yield hello, True
        finally:
            process.terminate()


def count(hello: dict[str, Any]) -> tuple[int, int, int]:
    """Searches that the limiter let pass, those it refused, and the most calls that it saw in any one second."""
    with urllib.request.urlopen(hello["control_url"] + "/stats") as answer:
        stats = json.load(answer)
    most = max((client["max_in_one_second"] for client in stats["clients"].values()), default=0)
    return stats["calls"]["search"], stats["answers"].get("search", {}).get("429", 0), most


def own_calls(store: Path, environ: dict[str, str]) -> int:
    """What a harvest says that it cost, 429 taken off."""
    done = subprocess.run(
        [sys.executable, "-m", "moisson", "status", "--json", "--store", str(store)],
        env=environ,
        capture_output=True,
        check=True,
    )
    status = json.loads(done.stdout)
    return int(status["calls"] - status["status_429"])


if __name__ == "__main__":
    main()
