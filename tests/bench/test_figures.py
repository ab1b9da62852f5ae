"""What a benchmark says of the one before: only what moved by more than its noise, and which way."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import NOISE, Figure, commit, committed, moved

QUIET = {"cpu": "one", "cores": 2, "load_before": 0.4}

values = st.floats(0.001, 1e9)
figures = st.builds(
    Figure, st.text(min_size=1), values, st.sampled_from([*NOISE, "kB"]), sense=st.sampled_from(["<=", ">=", "="])
)


def results(*figures: Figure, **machine: Any) -> dict[str, Any]:
    """Saved results."""
    return {"machine": QUIET | machine, "figures": [asdict(figure) | {"verdict": ""} for figure in figures]}


@given(figures)
def test_nothing_moves_of_itself(figure: Figure) -> None:
    """The same figure twice is no news."""
    assert moved(results(figure), results(figure)) == []


@given(values, st.sampled_from(list(NOISE)), st.floats(-0.9, 3.0))
def test_a_figure_is_told_when_it_moved_by_more_than_its_noise(value: float, unit: str, share: float) -> None:
    """Within the noise of its unit a figure is silent, beyond it one line says it."""
    new = value * (1 + share)
    lines = moved(results(Figure("x", value, unit)), results(Figure("x", new, unit)))
    told = abs((new - value) / value)
    # The borders themselves belong to floats.
    if told > NOISE[unit] * (1 + 1e-9) + 1e-12:
        assert len(lines) == 1
        assert lines[0].startswith("worse: x: " if share > 0 else "better: x: ")
    elif told < NOISE[unit] * (1 - 1e-9):
        assert lines == []


def test_runs_that_lay_wider_apart_are_the_noise() -> None:
    """Five runs between 50 and 150: a median of 140 after one of 100 says nothing."""
    wide = Figure("x", 100, "MB", lowest=50, highest=150, runs=5)
    assert moved(results(wide), results(Figure("x", 140, "MB"))) == []
    assert moved(results(Figure("x", 100, "MB")), results(Figure("x", 140, "MB"))) != []


def test_which_way_is_worse_is_the_budgets_own() -> None:
    """More calls a second is better where at least so many were promised; what must be equal, the nearer to it."""
    before = results(
        Figure("pace", 10, "calls/s", sense=">="), Figure("missing", 0, "offers", 0, "="), Figure("calls", 5000, "")
    )
    after = results(
        Figure("pace", 20, "calls/s", sense=">="), Figure("missing", 3, "offers", 0, "="), Figure("calls", 5100, "")
    )
    assert moved(before, after) == [
        "worse: calls: 5,000 → 5,100 (+2.0%, noise 0.2%)",
        "worse: missing: 0 offers → 3 offers (+inf%, noise 0.0%)",
        "better: pace: 10 calls/s → 20 calls/s (+100.0%, noise 10.0%)",
    ]


@pytest.mark.parametrize("machine", [{"load_before": 1.2}, {"cpu": "another"}])
def test_times_of_a_busy_or_another_machine_are_not_compared(machine: dict[str, Any]) -> None:
    """Calls still are; and that times were left out is said."""
    before = results(Figure("time", 10, "s"), Figure("calls", 100))
    after = results(Figure("time", 99, "s"), Figure("calls", 200), **machine)
    assert moved(before, after) == [
        "worse: calls: 100 → 200 (+100.0%, noise 0.2%)",
        "1 times were not compared: another machine, or one busy with other work",
    ]


def test_figures_that_come_and_go_are_told() -> None:
    """A figure that silently vanished would be a regression that nobody sees."""
    assert moved(results(Figure("a", 1)), results(Figure("b", 1))) == ["gone: a", "new: b"]


def git(folder: Path, *arguments: str) -> None:
    """Run git there, as somebody."""
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_results_do_not_change_the_sources_that_they_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second point of a series is of the same commit as the first; a changed source is told."""
    for name in ("bench/figures.py", "bench/results/a.json", "docs/a.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    monkeypatch.setattr("bench.figures.__file__", str(tmp_path / "bench" / "figures.py"))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "all")
    clean = commit()
    assert len(clean) == 12
    (tmp_path / "bench" / "results" / "a.json").write_text("new")
    (tmp_path / "docs" / "a.md").write_text("new")
    assert commit() == clean
    (tmp_path / "bench" / "figures.py").write_text("new")
    assert commit() == f"{clean}-dirty"


def test_what_is_compared_with_is_what_is_committed(tmp_path: Path) -> None:
    """The newest of the commit, not what was written since, nor another benchmark's whose name begins alike."""
    folder = tmp_path / "results"
    folder.mkdir()
    git(tmp_path, "init", "-q")
    for date, name in (
        ("2026-11-01", "quiet"),
        ("2026-11-03", "quiet"),
        ("2026-11-04", "quiet-quick"),
        ("2026-11-05", "un-quiet"),
    ):
        (folder / f"{date}-{name}.json").write_text(json.dumps({"date": date}))
    assert committed("quiet", folder) is None
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "results")
    (folder / "2026-11-03-quiet.json").write_text("{}")
    (folder / "2026-11-09-quiet.json").write_text("{}")
    assert committed("quiet", folder) == {"date": "2026-11-03"}
    assert committed("storm", folder) is None
