"""The plots of docs/comparison.md: how cost grows with size, and what becomes of the pace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import growth
import matplotlib as mpl
from watched import COLLECTING, FOLDING, PROVING

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

__all__ = ["draw"]

INK, FADED = "#1f4e79", "#c55a11"
PARTS = ("#1f4e79", "#8faadc", "#c55a11", "#7f6000", "#a5a5a5")
LATENCY_S = 1.0
DPI = 110


def draw(folder: Path) -> None:
    """Draw whatever was measured."""
    folder.mkdir(exist_ok=True)
    mpl.rcParams |= {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True}
    mpl.rcParams |= {"grid.color": "#e4e4e4", "axes.axisbelow": True, "legend.frameon": False}
    if growth.sizes():
        _save(_sizes(), folder / "sizes.png")
    if growth.paces():
        _save(_paces(), folder / "paces.png")


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    # No date and no version in the file: the same figures give the same bytes.
    figure.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(figure)


def _sizes() -> Any:
    figure, axes = plt.subplots(2, 3, figsize=(10, 5.6))
    calls, processor, fold, asking, memory, disk = axes.flat
    _lines(calls, "calls ÷ floor", lambda one: one["calls"] / one["floor"])
    calls.axhline(1, color="#888888", linewidth=0.8)
    _lines(processor, "processor while asking, ms an offer", _asking_ms)
    _lines(fold, "processor in the fold, ms an offer", _fold_ms)
    _lines(asking, "memory while asking, MB", lambda one: one["asking_mb"])
    _lines(memory, "memory in the fold, MB", lambda one: one["fold_mb"])
    _lines(disk, "store, kB an offer", lambda one: one["store_bytes"] / 1e3, each=True)
    for ax in axes.flat:
        ax.set_ylim(bottom=0.99 if ax is calls else 0)
        ax.set_xlabel("offers")
    calls.legend()
    return figure


def _lines(ax: Axes, title: str, value: Callable[[dict[str, Any]], float], *, each: bool = False) -> None:
    measured = growth.sizes()
    for night, colour in (("first", INK), ("second", FADED)):
        values = [value(point[night]) / (size if each else 1) for size, point in measured]
        ax.plot([size for size, _ in measured], values, "o-", color=colour, label=f"{night} night", markersize=4)
    ax.set_xscale("log")
    ax.set_title(title, fontsize=9, loc="left")


def _asking_ms(one: dict[str, Any]) -> float:
    return 1000 * sum(one["cpu_s"].get(name, 0.0) for name in (COLLECTING, PROVING)) / one["floor"] / 150


def _fold_ms(one: dict[str, Any]) -> float:
    return 1000 * one["cpu_s"][FOLDING] / one["floor"] / 150


def _paces() -> Any:
    figure, (pace, time) = plt.subplots(1, 2, figsize=(10, 4))
    made = growth.paces()
    for rate, colour in zip(growth.RATES, PARTS, strict=False):
        found = [(latency_s, made[rate, latency_s]) for latency_s in growth.LATENCIES_S if (rate, latency_s) in made]
        pace.plot(*zip(*found, strict=True), "o-", color=colour, markersize=4, label=f"{rate} allowed")
        pace.axhline(rate, color=colour, linewidth=0.6, linestyle=":")
    pace.set_yscale("log")
    pace.set_yticks(growth.RATES, [str(rate) for rate in growth.RATES])
    pace.minorticks_off()
    pace.set_xlabel("mean latency, s")
    pace.set_title("calls a second, over a whole country", fontsize=9, loc="left")
    pace.legend()
    shares = list(growth.shares(LATENCY_S))
    below = [0.0] * len(shares)
    for name, colour in zip(shares[0][1] if shares else (), PARTS, strict=False):
        values = [parts[name] / 60 for _, parts in shares]
        time.bar([str(rate) for rate, _ in shares], values, bottom=below, color=colour, label=name, width=0.6)
        below = [low + value for low, value in zip(below, values, strict=True)]
    time.set_xlabel("calls a second allowed")
    time.set_title(
        f"minutes for {growth.COUNTRY:,} offers at a mean latency of {LATENCY_S:g} s", fontsize=9, loc="left"
    )
    time.set_ylim(0, 1.15 * max(below, default=1))
    time.legend(loc="upper right")
    return figure
