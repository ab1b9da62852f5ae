"""A long series may be stopped and gone on with, and its page is written from what is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def test_a_point_is_measured_once(
    module: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process finds it, with its date and commit, and measures only what is missing; or all, if asked."""
    points, figures = module("points"), module("figures")
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    asked: list[str] = []

    def measure(series: Any, key: str) -> dict[str, Any]:
        found = series.measure(key, lambda: asked.append(key) or {"calls": len(asked)})
        assert isinstance(found, dict)
        return found

    first = measure(points.Points("series"), "a")
    assert (first["calls"], first.keys() >= {"date", "commit", "load_before"}) == (1, True)
    series = points.Points("series")
    assert measure(series, "a") == first
    assert measure(series, "b")["calls"] == 2
    assert asked == ["a", "b"]
    assert measure(points.Points("series", again=True), "a")["calls"] == 3
    assert list(points.Points("series").points) == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["series.json"]


@pytest.mark.parametrize(("load", "busy"), [(0.4, False), (9.0, True)])
def test_a_busy_machine_is_told(module: Callable[[str], ModuleType], load: float, busy: bool) -> None:
    """Whoever reads a time must know what else ran."""
    points = [{"date": f"2026-11-2{day}T10:00+00:00", "commit": "abc", "load_before": load} for day in (5, 6)]
    text = module("points").conditions(points)
    assert "on 2026-11-25 and 2026-11-26 at commit abc" in text
    assert ("other work had the processors" in text) == busy


def test_the_double_reads_what_another_collector_left(module: Callable[[str], ModuleType], tmp_path: Path) -> None:
    """Missing, invented and twice are counted in a file of JSON lines and in a DuckDB table alike."""
    import duckdb

    double = module("double")
    for name in ("before", "after"):
        (tmp_path / name).write_text("".join(f'{{"id":"{id_}","creation_ms":1}}\n' for id_ in "abcd"))
    lines = tmp_path / "offres.ndjson"
    lines.write_text("".join(f'{{"id":"{id_}","intitule":"x"}}\n' for id_ in "abbz"))
    table = tmp_path / "offres.duckdb"
    with duckdb.connect(str(table)) as engine:
        engine.execute("CREATE SCHEMA collecte")
        engine.execute(f"CREATE TABLE collecte.offres AS FROM read_json('{lines}', format = 'nd')")
    for left in (lines, table):
        missed, suspects = double._compare(left, tmp_path / "before", tmp_path / "after")
        assert (missed.throughout, missed.missing, missed.twice, missed.stored) == (4, 2, 1, 4)
        assert suspects == ["z"]


def test_the_page_has_a_place_for_each_table(module: Callable[[str], ModuleType]) -> None:
    """And what stands between two markers is all that is replaced."""
    pytest.importorskip("matplotlib")
    comparison = module("comparison")
    page = comparison.PAGE.read_text(encoding="utf-8")
    for name in ("ways", "code", "sizes", "paces"):
        assert f"<!-- {name}: begin -->\nnew\n<!-- {name}: end -->" in comparison.put(page, name, "new")
    assert comparison.put("a<!-- x: begin -->b<!-- x: end -->c", "x", "y") == "a<!-- x: begin -->\ny\n<!-- x: end -->c"
    with pytest.raises(ValueError, match="no place for z"):
        comparison.put(page, "z", "")
