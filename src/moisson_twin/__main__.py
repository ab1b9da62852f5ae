"""The command line: ``python -m moisson_twin`` serves the double on the loopback interface."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from moisson_twin.app import BASE_PATH, CONTROL_PATH, TOKEN_PATH, create_app
from moisson_twin.faults import FAULTS, FaultError, parse_fault
from moisson_twin.settings import Crowd, Drift, Settings, WorldSettings

LOOPBACK = ("127.0.0.1", "::1", "localhost")

_EXAMPLES = """
examples:

  a server with 20,000 offers on a free port; its first line on stdout is JSON with its addresses:
    python -m moisson_twin
    {"api_url": "http://127.0.0.1:…/partenaire/offresdemploi", "token_url": …, "client_id": …, "client_secret": …}

  the whole country at 3 calls a second, failing now and then:
    python -m moisson_twin --offres 750000 --quota 3 --fault reply_500:p=0.001 --fault drop:every=700

  a second that one search cannot show, and Paris time under the letter Z:
    python -m moisson_twin --crowd 5000 --filter-clock paris --shown-clock paris

in a test, as a process (stops when the test's process does):

    with subprocess.Popen([sys.executable, "-m", "moisson_twin", "--exit-with-parent"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as twin:
        urls = json.loads(twin.stdout.readline())
        ...
        twin.stdin.close()

in a test, in process, without any port (any HTTP client that takes an ASGI transport; here as a pytest fixture):

    @pytest.fixture
    async def service():
        app = create_app(Settings(world=WorldSettings(offres=2000, drift=Drift.none()), quota_per_s=None))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://twin") as client:
            yield client, app.state.world     # world.truth() is what a harvest must find

paths that the true service does not have (see control.py):
  /_twin/truth, duplicates, stats, offre/ID, clock, faults, events
"""


def parser() -> argparse.ArgumentParser:
    """All options, their defaults and examples of use."""
    cli = argparse.ArgumentParser(
        prog="moisson-twin",
        description="A double of France Travail's API \"Offres d'emploi v2\" over invented offers.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    drift = Drift()
    defaults = Settings()
    world = cli.add_argument_group("the stock of offers")
    world.add_argument("--offres", type=_at_least(0), default=20_000, metavar="N", help="offers at the start (20000)")
    world.add_argument("--seed", type=_at_least(0), default=1, metavar="N", help="same seed, same world (1)")
    world.add_argument(
        "--start", default="now", metavar="WHEN", help='the world\'s first instant: "now" or 2026-10-15T09:30:00Z (now)'
    )
    world.add_argument(
        "--crowd", action="append", default=[], metavar="N[:alike]",
        help="N offers on one second; alike: no criterion tells them apart (repeatable)",
    )  # fmt: skip
    world.add_argument(
        "--duplicates", type=float, default=0.0, metavar="SHARE",
        help="share of the partners' first offers that publish another offer again (0)",
    )  # fmt: skip
    world.add_argument("--still", action="store_true", help="no births, deaths, edits nor republications")
    for name in ("births", "deaths", "edits", "republications"):
        rate = getattr(drift, f"{name}_per_s")
        world.add_argument(
            f"--{name}",
            type=_positive(zero=True),
            default=rate,
            metavar="RATE",
            help=f"{name} per second of world time ({rate})",
        )
    world.add_argument(
        "--lag",
        type=_positive(zero=True),
        default=drift.lag_s,
        metavar="S",
        help="newborn offers show up to S seconds late (0)",
    )
    world.add_argument(
        "--world-clock", choices=("calls", "clock"), default=defaults.world_clock,
        help="the world's time: a third of a second per search, or real time (calls)",
    )  # fmt: skip
    world.add_argument(
        "--calls-per-s", type=_positive(zero=False), default=defaults.calls_per_s, metavar="RATE", help="for calls (3)"
    )
    answers = cli.add_argument_group("how it answers")
    answers.add_argument(
        "--quota", type=_positive(zero=True), default=defaults.quota_per_s, metavar="RATE", help="calls/s (10; 0: none)"
    )
    answers.add_argument("--quota-mode", choices=("bucket", "window"), default=defaults.quota_mode, help="(bucket)")
    answers.add_argument("--no-quota-headers", action="store_true", help="leave out the X-Ratelimit headers")
    answers.add_argument(
        "--page-size", type=_at_least(1), default=defaults.page_size, metavar="N", help="rows in a page (150)"
    )
    answers.add_argument(
        "--start-max", type=_at_least(0), default=defaults.start_max, metavar="N", help="highest first row (3000)"
    )
    answers.add_argument(
        "--token-life", type=_positive(zero=False), default=defaults.token_life_s, metavar="S", help="seconds (1499)"
    )
    answers.add_argument("--detached", action="store_true", help="the API is attached to no application")
    answers.add_argument("--filter-clock", choices=("utc", "paris"), default="utc", help="how bounds are read (utc)")
    answers.add_argument("--shown-clock", choices=("utc", "paris"), default="utc", help="how dates are shown (utc)")
    answers.add_argument("--bound-min", choices=("inclusive", "exclusive"), default="inclusive")
    answers.add_argument("--bound-max", choices=("inclusive", "exclusive", "whole_second"), default="inclusive")
    answers.add_argument("--refuse-future", action="store_true", help="400 to an upper bound after now")
    answers.add_argument("--last-page-status", type=int, choices=(200, 206), default=200, help="(200)")
    answers.add_argument(
        "--unstable-ties", choices=("instant", "second"), help="equal dates change places at each call"
    )
    answers.add_argument(
        "--fault", action="append", default=[], metavar="NAME[:KEY=VALUE,...]", help="misbehave (repeatable)"
    )
    answers.add_argument("--list-faults", action="store_true", help="name all faults and leave")
    process = cli.add_argument_group("the process")
    process.add_argument("--host", default="127.0.0.1", help="a loopback address; others are refused")
    process.add_argument("--port", type=int, default=0, metavar="N", help="0: a free one (0)")
    process.add_argument("--ready-file", type=Path, metavar="FILE", help="also write the line of JSON there")
    process.add_argument("--exit-with-parent", action="store_true", help="stop when standard input closes")
    return cli


def _at_least(least: int) -> Callable[[str], int]:
    """A whole number, `least` or more, for argparse."""

    def read(text: str) -> int:
        if (number := int(text)) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return number

    return read


def _positive(*, zero: bool) -> Callable[[str], float]:
    """A number above zero, or zero too, for argparse."""

    def read(text: str) -> float:
        number = float(text)
        if not (number > 0 or (zero and number == 0)) or number == float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not {'zero or more' if zero else 'above zero'}")
        return number

    return read


def settings_from(options: argparse.Namespace) -> Settings:
    """The settings that the options mean.

    Raises:
        ValueError: an option's text cannot be read.
    """
    for text in options.fault:
        parse_fault(text)
    if options.start == "now":
        start = datetime.now(UTC).replace(microsecond=0)
    else:
        start = datetime.fromisoformat(options.start)
        if start.tzinfo is None:
            raise ValueError("--start needs a time zone, such as the final Z")
    drift = (
        Drift.none()
        if options.still
        else Drift(options.births, options.deaths, options.edits, options.republications, options.lag)
    )
    crowds = []
    for text in options.crowd:
        count, _, alike = text.partition(":")
        if alike not in ("", "alike"):
            raise ValueError(f"--crowd {text}: write N or N:alike")
        crowds.append(Crowd(int(count), separable=not alike))
    if not 0 <= options.duplicates < 1:
        raise ValueError(f"--duplicates {options.duplicates}: a share lies between 0 and 1")
    defaults = Settings()
    return Settings(
        world=WorldSettings(
            offres=options.offres,
            seed=options.seed,
            start=start,
            duplicate_share=options.duplicates,
            drift=drift,
            crowded=tuple(crowds),
        ),
        world_clock=options.world_clock,
        calls_per_s=options.calls_per_s,
        page_size=options.page_size,
        start_max=options.start_max,
        quota_per_s=options.quota or None,
        quota_mode=options.quota_mode,
        quota_headers=not options.no_quota_headers,
        detached_clients=tuple(client_id for client_id, _ in defaults.clients) if options.detached else (),
        token_life_s=options.token_life,
        bound_min=options.bound_min,
        bound_max=options.bound_max,
        filter_clock=options.filter_clock,
        shown_clock=options.shown_clock,
        refuse_future=options.refuse_future,
        last_page_status=options.last_page_status,
        unstable_ties=options.unstable_ties,
        faults=tuple(options.fault),
    )


def list_faults() -> str:
    """One line per fault: name, own keys with their defaults, what it does."""
    lines = []
    for name, fault in sorted(FAULTS.items()):
        keys = "".join(f" {key}={value}" for key, value in fault.options.items())
        lines.append(f"{name}{keys}\n    {(fault.__doc__ or '').strip().splitlines()[0]}\n")
    return "".join(lines)


class _Server(uvicorn.Server):
    """A server that says when it listens, and leaves signals to us, so that being told to stop is a clean exit."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def ready_line(settings: Settings, listener: socket.socket) -> str:
    """The line of JSON that tells where the double is and who may call it."""
    host, port = listener.getsockname()[:2]
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    client_id, client_secret = settings.clients[0]
    return json.dumps(
        {
            "api_url": base + BASE_PATH,
            "token_url": f"{base}{TOKEN_PATH}?realm=%2Fpartenaire",
            "control_url": base + CONTROL_PATH,
            "client_id": client_id,
            "client_secret": client_secret,
            "pid": os.getpid(),
        }
    )


async def serve(settings: Settings, listener: socket.socket, ready_file: Path | None, with_parent: bool) -> None:
    """Serve until told to stop; says on stdout, and in a file if asked, when it is ready."""

    def ready() -> None:
        line = ready_line(settings, listener)
        if ready_file is not None:
            # Written aside and renamed: whoever waits for the file never reads half of it.
            aside = ready_file.with_name(ready_file.name + ".part")
            aside.write_text(line + "\n", encoding="utf-8")
            aside.replace(ready_file)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def stop() -> None:
        server.should_exit = True

    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        # As gateways do. The five seconds of old are less than clients keep theirs: now and then a call met the close.
        timeout_keep_alive=60,
    )
    server = _Server(config, ready)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    if with_parent:
        threading.Thread(target=_watch_parent, args=(loop, stop), daemon=True).start()
    await server.serve(sockets=[listener])


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    cli = parser()
    options = cli.parse_args(arguments)
    if options.list_faults:
        sys.stdout.write(list_faults())
        return 0
    if options.host not in LOOPBACK:
        cli.error(f"--host {options.host}: the double serves the loopback interface only ({', '.join(LOOPBACK)})")
    try:
        settings = settings_from(options)
    except (ValueError, FaultError) as error:
        cli.error(str(error))
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        listener.close()
        sys.stderr.write(f"moisson-twin: port {options.port} of {options.host} cannot be had: {error.strerror}\n")
        return 1
    asyncio.run(serve(settings, listener, options.ready_file, options.exit_with_parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
