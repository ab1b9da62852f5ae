"""`moisson collect`: its messages and exit codes, with a harvest played by a plain function."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from moisson.errors import AccountError, DiskFull, StoreLocked
from moisson.harvest.progress import Resultat
from tests.cli.conftest import Cli
from tests.cli.results import AVANCEMENT, BILAN, RESULTAT

Play = Callable[..., None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], list[dict[str, Any]]]:
    """Put a function in the place of the harvest; gives the list of what it was asked."""

    def put(harvest: Callable[..., Any]) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        async def collect(store: Path, settings: Any, *, observer: Any, **more: Any) -> Resultat:
            asked.append({"store": store, "settings": settings, "observer": observer, **more})
            observer(AVANCEMENT)
            ended = harvest()
            return await ended if asyncio.iscoroutine(ended) else ended

        module = ModuleType("moisson.harvest.run")
        module.collect = collect  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "moisson.harvest.run", module)
        return asked

    return put


@pytest.mark.usefixtures("account")
def test_proved(cli: Cli, play: Any) -> None:
    """A proved run: exit 0, nothing on the standard output, a dated line, the verdict, what to type next."""
    asked = play(lambda: RESULTAT)
    ended = cli("collect", "--rate", "4", "--new")
    assert (ended.code, ended.out) == (0, "")
    dated, *rest = ended.err.splitlines()
    assert dated.endswith(
        "walking down: 12,260 of 20,000 offers, 61.3 %, 84 calls, 1.024 x the floor, 2.98/s, "
        "4 of 5 windows proved, 17 s left"
    )
    assert rest == [
        "PROVED COMPLETE: 19,998 offers stored, 20,000 announced at first and 19,998 at last",
        "  offers:  20,000 new, 2 closed",
        "  calls:   135, 1.007 x the floor of 134; 1 retried, 0 answered 429",
        "  windows: 1 of 1 proved",
        "  time:    45 s",
        "  store:   moisson-store",
        "  run:     20261103T051200Z",
        "next:",
        "  moisson status",
        '  moisson sql "select type_contrat, count(*) as offres from offres group by all order by offres desc"',
    ]
    assert asked[0]["store"] == Path("moisson-store")
    assert asked[0]["settings"].rate == 4.0
    assert (asked[0]["new"], asked[0]["accept_shrink"]) == (True, False)


@pytest.mark.usefixtures("account")
def test_not_proved(cli: Cli, play: Any) -> None:
    """Finished but not proved: exit 3, and why."""
    bilan = msgspec.structs.replace(BILAN, prouve=False, raisons=("the total rose while it was read",))
    play(lambda: msgspec.structs.replace(RESULTAT, bilan=bilan))
    ended = cli("collect", "--store", "elsewhere")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.splitlines()[1:3] == [
        "NOT PROVED: 19,998 offers stored, 20,000 announced at first and 19,998 at last",
        "  why: the total rose while it was read",
    ]
    assert (
        "  moisson sql --store elsewhere \"select * from fenetres where verdict <> 'prouvee' "
        'and collecte = (select max(collecte) from fenetres)"'
    ) in ended.err.splitlines()


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(cli: Cli, play: Any, number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM: the harvest stops safely, exit 130, and what to do next."""
    stopped: list[bool] = []

    async def harvest() -> Resultat:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            stopped.append(True)
            raise
        return RESULTAT

    play(harvest)
    ended = cli("collect")
    assert (ended.code, ended.out, stopped) == (130, "", [True])
    assert ended.err.splitlines()[1:] == [
        "Stopping safely; once more stops at once.",
        "INTERRUPTED SAFELY: what was read is kept, the store's tables are as before.",
        "  to do: the same command continues the run, if it began less than 6 h 00 min ago.",
    ]


@pytest.mark.usefixtures("account")
def test_the_fold_is_not_cut_short(cli: Cli, play: Any) -> None:
    """Ctrl-C while the lake is written, however often: it says so, and the run ends as it would have."""

    async def harvest() -> Resultat:
        asked[0]["observer"](msgspec.structs.replace(AVANCEMENT, etape="pli"))
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
        return RESULTAT

    asked = play(harvest)
    ended = cli("collect")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.count("Finishing: the lake is being written, which is not cut short.") == 3
    assert "PROVED COMPLETE" in ended.err
    assert "topping" not in ended.err


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("problem", "code", "text"),
    [
        (
            StoreLocked("Process 41 is filling this store", doing="opening moisson-store", todo="Wait for it."),
            1,
            "error: Process 41 is filling this store.\n  while: opening moisson-store\n  to do: Wait for it.\n",
        ),
        (
            AccountError("The credentials were refused", todo="Attach the API, then type: moisson check"),
            2,
            "error: The credentials were refused.\n  to do: Attach the API, then type: moisson check\n",
        ),
        (DiskFull("No room is left"), 1, "error: No room is left.\n"),
        (
            KeyError("x"),
            1,
            "error: unexpected KeyError: 'x'.\n"
            "  This is a fault of Moisson, not of what you typed. Pages already landed are kept.\n"
            "  to do: run the same command with MOISSON_DEBUG=1, and report what it prints as CONTRIBUTING.md says.\n",
        ),
    ],
)
def test_errors(cli: Cli, play: Any, problem: Exception, code: int, text: str) -> None:
    """An error is said in its three parts, with the exit code of its type; an unexpected one says what to report."""

    def harvest() -> Resultat:
        raise problem

    play(harvest)
    ended = cli("collect")
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.split("\n", 1)[1] == text


@pytest.mark.usefixtures("account")
def test_debug_shows_the_traceback(cli: Cli, play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """MOISSON_DEBUG=1 shows where an unexpected error came from."""
    monkeypatch.setenv("MOISSON_DEBUG", "1")

    def harvest() -> Resultat:
        raise KeyError("x")

    play(harvest)
    ended = cli("collect")
    assert ended.code == 1
    assert "Traceback (most recent call last):" in ended.err


def test_without_account(cli: Cli) -> None:
    """No account: exit 2 before anything is imported or written, and the way to one."""
    ended = cli("collect")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error: No account was given: client_id and client_secret are not set.\n"
        "  to do: Set MOISSON_CLIENT_ID and MOISSON_CLIENT_SECRET, or write client_id and client_secret_file in "
        "moisson.toml; docs/account.md says how to get them for free. Without an account, try: moisson demo\n"
    )
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("account")
def test_malformed_setting(cli: Cli) -> None:
    """A malformed setting: exit 2, its name, its origin, its value, what is accepted."""
    ended = cli("collect", "--rate", "fast")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        'error: rate = "fast", from option --rate, cannot be used: it is not a number.\n'
        "  to do: Accepted: calls a second for each application, above 0 and at most 1000, or auto.\n"
    )


def test_warnings_come_first(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person should know is said before the work, on the standard error."""
    monkeypatch.setenv("MOISSON_RATES", "4")
    assert cli("collect").err.startswith(
        "warning: The environment variable MOISSON_RATES is not a setting of Moisson. Did you mean MOISSON_RATE?\n"
    )


def test_unknown_option(cli: Cli) -> None:
    """Wrong usage: exit 2, on the standard error."""
    ended = cli("collect", "--quick")
    assert (ended.code, ended.out) == (2, "")
    assert "No such option: --quick" in ended.err
