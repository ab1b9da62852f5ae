"""A sheet to draw on: title, subtitle, the mark of simulated data, the lines below; and saving it as PNG or SVG.

Drawing is matplotlib's. Texts stay texts in an SVG, so that they can be read aloud, searched and set in another face.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moisson.figures.words import SIMULATED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GREY", "INK", "Caption", "new_sheet", "render", "style"]

INK = "#1f2933"
GREY = "#6b7785"
_RED = "#b3261e"
_DPI = 160


@dataclass(frozen=True)
class Caption:
    """The words round a figure.

    Attributes:
        title: what.
        subtitle: where and when.
        lines: below: source, licence, what is left out.
        simulated: the data come from a twin.
    """

    title: str
    subtitle: str
    lines: Sequence[str]
    simulated: bool


@contextmanager
def style() -> Iterator[None]:
    """The look of every sheet; nothing of the person's own settings enters it."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": "sans-serif",
                "font.sans-serif": ["DejaVu Sans"],
                "font.size": 9,
                "svg.fonttype": "none",
                "svg.hashsalt": "moisson",
                "hatch.linewidth": 0.5,
                "text.color": INK,
                "axes.labelcolor": INK,
                "axes.edgecolor": GREY,
                "xtick.color": INK,
                "ytick.color": INK,
            }
        )
        yield


def new_sheet(caption: Caption, width: float, height: float) -> Figure:
    """A sheet with its words, inches wide and high; the figure itself goes below the uppermost inch."""
    from matplotlib.figure import Figure

    sheet = Figure(figsize=(width, height), facecolor="white")
    # A long title is set smaller rather than cut.
    size = min(14.0, 14.0 * 62 / max(len(caption.title), 1) * width / 8)
    sheet.text(0.03, 1 - 0.28 / height, caption.title, fontsize=max(size, 8.5), fontweight="bold", va="top")
    below = 1 - 0.64 / height
    sheet.text(0.03, below, caption.subtitle, fontsize=10, color=GREY, va="top")
    if caption.simulated:
        sheet.text(
            0.965,
            below,
            SIMULATED,
            fontsize=10,
            fontweight="bold",
            color="white",
            ha="right",
            va="top",
            bbox={"facecolor": _RED, "edgecolor": _RED, "boxstyle": "round,pad=0.35"},
        )
    for row, line in enumerate(reversed(caption.lines)):
        sheet.text(0.03, 0.015 + row * 0.15 / height, line, fontsize=7, color=GREY, va="bottom")
    return sheet


def render(sheet: Figure, kind: str) -> bytes:
    """The sheet as "png" or "svg"; the same sheet gives the same bytes."""
    out = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": "Moisson"}
    sheet.savefig(out, format=kind, dpi=_DPI, metadata=metadata)
    return out.getvalue()
