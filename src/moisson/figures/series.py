"""A series of an indicator over time: bars for what happens within a period, lines for what is there at its end.

A period that was not seen whole is hatched or hollow, one without any run is a gap: nothing is drawn that was not seen.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from moisson.figures.sheet import GREY, Caption, new_sheet
from moisson.figures.words import number
from moisson.store.indicators.definitions import Indicateur
from moisson.store.indicators.result import Chiffres

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "LINES_MAX", "draw_series"]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Seven that the colour-blind can tell apart. Source: Okabe and Ito, Color Universal Design, 2008."""

_MARKERS = "osD^vPX"
LINES_MAX = len(COLOURS)
"""More lines than that cannot be followed; those with most offers are drawn."""

_DAYS = {"jour": 1, "semaine": 7, "mois": 28}
_MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


def draw_series(chiffres: Chiffres, caption: Caption) -> Figure:
    """Draw the figures of a question by a period, and by one thing more at most."""
    question = chiffres.question
    periode = question.periode
    assert periode is not None
    other = next((axe for axe in question.axes if axe is not periode), None)
    rows = chiffres.table.to_pylist()
    notes = []
    sheet = new_sheet(caption, 9.0, 5.8)
    axes = sheet.add_axes((0.09, 0.2, 0.87 if other is None else 0.62, 0.6))
    if other is None:
        _single(axes, rows, periode.nom, bars=question.indicateur.fonds in {"arrivees", "departs"})
    else:
        left_out = _several(axes, rows, periode.nom, other.nom)
        if left_out:
            notes.append(f"{LINES_MAX} courbes sur {LINES_MAX + left_out} : celles qui ont le plus d'offres.")
    if any("incomplet" in (row["mention"] or "") for row in rows):
        notes.append("Hachuré ou creux : période où des nuits manquent.")
    if any("masque" in (row["mention"] or "") for row in rows):
        notes.append("Chiffres qui reposent sur trop peu d'offres : non montrés.")
    if any("non_atteinte" in (row["mention"] or "") for row in rows):
        notes.append("Sans point : plus de la moitié des offres encore en ligne.")
    _dress(axes, question.indicateur, sorted({row[periode.nom] for row in rows}), periode.nom)
    if notes:
        sheet.text(0.97, 0.125, " ".join(notes), fontsize=7, color=GREY, va="top", ha="right")
    return sheet


def _single(axes: Axes, rows: list[dict[str, Any]], period: str, *, bars: bool) -> None:
    shown = [row for row in rows if row["valeur"] is not None]
    if bars:
        for row in shown:
            partial = "incomplet" in (row["mention"] or "")
            axes.bar(
                _number(row[period]),
                row["valeur"],
                width=0.8 * _DAYS[period],
                align="edge",
                facecolor="white" if partial else COLOURS[0],
                edgecolor=COLOURS[0],
                hatch="////" if partial else None,
                linewidth=0.8,
            )
            if len(shown) <= 16:
                axes.annotate(
                    number(row["valeur"]),
                    (_number(row[period]) + 0.4 * _DAYS[period], row["valeur"]),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                )
        return
    _line(axes, shown, period, 0)


def _several(axes: Axes, rows: list[dict[str, Any]], period: str, other: str) -> int:
    """Draw the lines with most offers; how many were left out."""
    groups: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[other], []).append(row)
    groups.pop(None, None)  # what is not placed is told below the figure
    order = sorted(groups, key=lambda code: -sum(row["n"] or 0 for row in groups[code]))
    for at, code in enumerate(order[:LINES_MAX]):
        name = groups[code][0].get(f"{other}_nom")
        _line(axes, [row for row in groups[code] if row["valeur"] is not None], period, at, name or str(code))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=7.5, labelspacing=1.1)
    return max(0, len(order) - LINES_MAX)


def _line(axes: Axes, rows: list[dict[str, Any]], period: str, at: int, name: str = "") -> None:
    import textwrap

    # A line only joins periods that follow each other.
    parts: list[list[dict[str, Any]]] = []
    for row in rows:
        if parts and (row[period] - parts[-1][-1][period]).days <= _DAYS[period] + 3 * (period == "mois"):
            parts[-1].append(row)
        else:
            parts.append([row])
    label = "\n".join(textwrap.wrap(name, 26)[:3])
    for part in parts:
        days, values = [_number(row[period]) for row in part], [row["valeur"] for row in part]
        axes.plot(days, values, color=COLOURS[at], linewidth=1.6)
    for row in rows:
        partial = "incomplet" in (row["mention"] or "")
        axes.plot(
            _number(row[period]),
            row["valeur"],
            marker=_MARKERS[at],
            markersize=4.5,
            color=COLOURS[at],
            markerfacecolor="white" if partial else COLOURS[at],
            linestyle="none",
        )
    axes.plot([], [], color=COLOURS[at], marker=_MARKERS[at], markersize=4.5, label=label)


def _dress(axes: Axes, found: Indicateur, periods: list[dt.date], period: str) -> None:
    axes.set_ylabel(found.unite[0].upper() + found.unite[1:])
    # From nought, and with room above: a flat line must not be cut in its middle.
    highest = axes.dataLim.y1
    axes.set_ylim(0, highest * 1.08 if math.isfinite(highest) and highest > 0 else 1)
    if not found.decimales:
        axes.locator_params(axis="y", integer=True)
    if periods:
        # All periods that had a run, those without a figure too.
        days = _DAYS[period]
        low, high = (-0.4 * days, 1.2 * days) if axes.patches else (-0.6 * days, 0.6 * days)
        axes.set_xlim(_number(periods[0]) + low, _number(periods[-1]) + high)
    axes.yaxis.set_major_formatter(lambda value, _: number(value, 0 if value == round(value) else 1))
    axes.grid(axis="y", color="#dde1e6", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    every = max(1, -(-len(periods) // 12))
    shown = periods[::every]
    middle = 0.4 * _DAYS[period] if axes.patches else 0
    axes.set_xticks([_number(day) + middle for day in shown])
    axes.set_xticklabels([_label(day, period) for day in shown], fontsize=8)
    if period == "semaine":
        # On the left: the notes stand on the right.
        axes.set_xlabel("Semaine du", fontsize=8, loc="left")


def _number(day: dt.date) -> float:
    return float(day.toordinal())


def _label(day: dt.date, period: str) -> str:
    if period == "mois":
        return f"{_MONTHS[day.month - 1]}\n{day.year}"
    return f"{day.day}\n{_MONTHS[day.month - 1]}"
