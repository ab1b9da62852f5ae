"""`moisson status`, as a person reads it, of stores whose last run left something open."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from moisson.plan.planner import VERSION
from tests.cli.conftest import Cli
from tests.store.filling import collect, make_bilan, make_fenetre, make_offre, open_here


def test_how_to_complete_what_is_not_proved(cli: Cli, tmp_path: Path) -> None:
    """The reason, and until when the next run goes on from it; a machine reads the same instant."""
    bilan = make_bilan(10, make_fenetre(verdict="en doute"), prouve=False)
    bilan = msgspec.structs.replace(bilan, raisons=("window 1: the total rose while it was read",))
    began = time.time() - 60
    collect(tmp_path / "moisson-store", [make_offre(n) for n in range(10)], began, bilan=bilan, planner=VERSION)
    done = cli("status")
    shown = done.out.splitlines()
    at = shown.index("             why not proved: window 1: the total rose while it was read")
    until = msgspec.json.decode(cli("status", "--json").out)["completable_until"]
    assert shown[at + 1] == (
        f"             to complete it: moisson collect, before {until}, asks only the windows in doubt, if they are "
        "all that is"
    )
    assert open_here(tmp_path / "moisson-store").continuable(time.time(), planner_version=VERSION)


def test_a_proved_run_needs_no_completion(cli: Cli, tmp_path: Path) -> None:
    """Nothing is said of it."""
    collect(tmp_path / "moisson-store", [make_offre(1)], time.time() - 60)
    assert "complete it" not in cli("status").out
