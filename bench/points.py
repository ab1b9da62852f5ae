"""What was measured so far, point by point, so that a long series may be stopped and gone on with."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from typing import Any

import figures

__all__ = ["Points", "conditions"]


class Points:
    """A file of points, each with the date, the commit and the load of its own measurement.

    Args:
        name: of the series; the file is bench/results/<name>.json.
        again: measure also what is there already.
    """

    def __init__(self, name: str, *, again: bool = False) -> None:
        self.path = figures.RESULTS / f"{name}.json"
        self._again = again
        self.points: dict[str, dict[str, Any]] = json.loads(self.path.read_text()) if self.path.exists() else {}

    def measure(self, key: str, function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A point: what is there, else what the function measures, which is written down at once."""
        if key in self.points and not self._again:
            return self.points[key]
        place = figures.machine()
        measured = function()
        about = {
            "date": dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
            "commit": figures.commit(),
            "load_before": place["load_before"],
        }
        self.points[key] = measured | about
        self.path.parent.mkdir(exist_ok=True)
        aside = self.path.with_suffix(".new")
        aside.write_text(json.dumps(dict(sorted(self.points.items())), indent=1, ensure_ascii=False) + "\n")
        aside.replace(self.path)
        return self.points[key]


def conditions(points: Iterable[dict[str, Any]]) -> str:
    """When, of what and on which machine these points were measured, as the beginning of a sentence."""
    points, place = list(points), figures.machine()
    days = " and ".join(sorted({point["date"][:10] for point in points}))
    commits = ", ".join(sorted({point["commit"] for point in points}))
    loads = [point["load_before"] for point in points]
    busy = "; other work had the processors, so times on the clock say little" if max(loads) > place["cores"] else ""
    return (
        f"Measured on {days} at commit {commits}, on {place['cores']} cores ({place['cpu']}), {place['memory_gb']} GB, "
        f"Python {place['python']}; load before a run {min(loads):.1f} to {max(loads):.1f}{busy}"
    )
