"""The other ways do what their kind does, no worse: a comparison with a broken rival would prove nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.double import NO_QUOTA, START, double
from bench.rivals.halves import Span

BENCH = Path(__file__).parents[2] / "bench"
OFFRES = 4000

seconds = st.integers(0, 4_000_000_000)
spans = st.builds(lambda a, b: Span(min(a, b), max(a, b)), seconds, seconds)


@given(spans)
def test_halves_apart_hold_each_second_once(span: Span) -> None:
    """Together they are the whole, none twice; a single second has no halves."""
    halves = span.apart
    if halves is None:
        assert span.first_s == span.last_s
    else:
        lower, upper = halves
        assert (lower.first_s, upper.last_s) == (span.first_s, span.last_s)
        assert lower.last_s + 1 == upper.first_s
        assert lower.first_s <= lower.last_s
        assert upper.first_s <= upper.last_s


@given(spans)
def test_halves_that_touch_share_one_second_and_are_smaller(span: Span) -> None:
    """So halving ends."""
    halves = span.touching
    if halves is None:
        assert span.last_s - span.first_s < 2
    else:
        lower, upper = halves
        assert (lower.first_s, upper.last_s) == (span.first_s, span.last_s)
        assert lower.last_s == upper.first_s
        assert max(lower.last_s - lower.first_s, upper.last_s - upper.first_s) < span.last_s - span.first_s


def collect(script: str, out: Path, *world: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], set[str]]:
    """Run one of them against a world of its own: how it ended, what it says, and the ids that were there."""
    with double("--offres", str(OFFRES), "--still", *NO_QUOTA, *world) as twin:
        command = [sys.executable, str(BENCH / "rivals" / script), str(out), "--until", START]
        environ = twin.account(MOISSON_RATE="400", HOME=str(out.parent))
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        truth = twin.save_truth(out.with_name("truth")).read_text().splitlines()
    return done, json.loads(done.stdout.splitlines()[-1]), {json.loads(line)["id"] for line in truth}


def ids(path: Path) -> list[str]:
    """Ids in a file of JSON lines."""
    return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "least", "needs"),
    [
        ("halving.py", 0.999, "requests"),
        ("days.py", 0.999, "requests"),
        ("tree.py", 0.97, "requests"),
        ("scrapy_halving.py", 1.0, "scrapy"),
    ],
)
def test_a_quiet_world_is_collected(tmp_path: Path, script: str, least: float, needs: str) -> None:
    """All of it, but what the walk itself leaves out; each id once; nothing that never was."""
    pytest.importorskip(needs)
    done, told, truth = collect(script, tmp_path / "offres.ndjson")
    got = ids(tmp_path / "offres.ndjson")
    assert done.returncode == 0, done.stderr
    assert len(set(got)) == len(got) == told["kept"]
    assert set(got) <= truth
    assert len(got) >= least * OFFRES
    assert (told["announced"], told["lost"]) == (OFFRES, [])


@pytest.mark.slow
def test_dlt_loads_a_quiet_world(tmp_path: Path) -> None:
    """Every offer is a row of its table."""
    pytest.importorskip("dlt")
    done, told, truth = collect("dlt_halving.py", tmp_path / "offres.duckdb")
    assert done.returncode == 0, done.stderr
    assert told["kept"] == len(truth)


@pytest.mark.slow
@pytest.mark.parametrize(("script", "exit_code"), [("halving.py", 1), ("tree.py", 0)])
def test_what_the_original_did_not_ask_again_is_lost_and_told(tmp_path: Path, script: str, exit_code: int) -> None:
    """One error of the service ends the halving, and costs the tree what was left of one search."""
    pytest.importorskip("requests")
    done, told, truth = collect(script, tmp_path / "offres.ndjson", "--fault", "reply_500:at=9")
    assert done.returncode == exit_code
    assert len(told["lost"]) == 1
    assert told["kept"] < len(truth)


def run(**more: Any) -> dict[str, Any]:
    """A run of the table."""
    plain = {
        "calls": 100, "floor": 80, "throughout": 12_000, "missing": 0, "invented": 0, "twice": 0, "kept": 12_000,
        "announced": 12_000, "told_missing": None, "lost": 0, "exit": 0, "wall_s": 9.0, "cpu_s": 2.0, "peak_mb": 50.0,
    }  # fmt: skip
    return plain | more


def test_the_table_says_the_spread_and_what_a_way_knows(module: Callable[[str], ModuleType]) -> None:
    """One figure where runs agree, least and most where they do not; silence is called nothing."""
    against = module("against")
    quiet = against.WORLDS[0]
    ways = {method.key: method for method in against.METHODS}
    rows = [
        (quiet, ways["moisson"], [run(told_missing=0), run(told_missing=12, exit=3, missing=12)]),
        (quiet, ways["tree"], [run(kept=11_990, missing=10), run(lost=2, missing=1500)]),
        (
            quiet,
            ways["days"],
            [run(lost=2, told_missing=3300, missing=300), run(lost=4, told_missing=300, missing=300)],
        ),
        (quiet, ways["halving"], [run(exit=1, calls=7, wall_s=1.4), run(wall_s=8.6)]),
    ]
    assert against.table(rows).splitlines() == [
        "### A quiet world",
        "",
        "| way | calls | × floor | collected | missing | invented, twice | what it says itself | time, s "
        "| processor, s | memory, MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| **Moisson** | 100 | 1.25 | 99.90 – 100.00 % | 0 – 12 | 0 "
        "| proved complete; not proved, 12 missing (exit 3) | 9 | 2 | 50 |",
        "| région → département → ROME | 100 | 1.25 | 87.50 – 99.92 % | 10 – 1,500 | 0 "
        "| two counts that differ by 10; in its log: 2 places | 9 | 2 | 50 |",
        "| one window a day | 100 | 1.25 | 97.50 % | 300 | 0 "
        "| in its log: 2 – 4 places, 300 – 3,300 offers | 9 | 2 | 50 |",
        "| halving of dates | 7 – 100 | 0.09 – 1.25 | 100.00 % | 0 | 0 | stopped (exit 1); nothing | 1 – 9 | 2 | 50 |",
    ]
