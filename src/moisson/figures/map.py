"""A map of an indicator: shares, rates and medians as coloured territories, counts as circles.

A colour on a large territory weighs more than the same on a small one, so what adds up (offers, positions) is a circle
whose area is the number, and only what does not is a colour. Communes and EPCI, whose borders do not come with Moisson
but can be brought, are circles where their offers are as long as they are not: for a rate, the circle's area is how
many offers it rests on.
"""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moisson.figures.classes import Classes, Methode, classes_of
from moisson.figures.places import LEVELS
from moisson.figures.projection import lambert_93, local
from moisson.figures.sheet import GREY, INK, Caption, new_sheet
from moisson.figures.words import number
from moisson.store.indicators.definitions import MASQUE_RETIREES, PETIT
from moisson.store.indicators.result import Chiffres
from moisson.territory.shapes import Polygon, shapes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Projection = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""Longitudes and latitudes in degrees to places on the sheet."""

__all__ = ["COLOURS", "Drawn", "draw_map"]

COLOURS = ("#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#2c7fb8", "#253494")
"""From few to many: YlGnBu of ColorBrewer (Cynthia Brewer, Apache 2.0), which it lists as safe for the colour-blind; it
also darkens at each step, so that it survives a grey printer."""

_CIRCLE = "#2c7fb8"
_LAND = "#f3f1ec"
_NONE: dict[str, Any] = {"facecolor": "#e3e3e3", "hatch": None}
_EMPTY: dict[str, Any] = {"facecolor": "#ffffff", "hatch": None}
_HIDDEN: dict[str, Any] = {"facecolor": "#ffffff", "hatch": "//////"}

_OVERSEAS = {"971": "Guadeloupe", "972": "Martinique", "973": "Guyane", "974": "La Réunion", "976": "Mayotte"}
_REGION_OVERSEAS = {"01": "971", "02": "972", "03": "973", "04": "974", "06": "976"}
_PARIS = ("75", "92", "93", "94")
_STEPS = 4000
"""Of a grid over a frame, to which borders that were brought are set: what is finer cannot be seen, but weighs."""

_MANY = 400
"""Territories from which on the lines between them are drawn thin."""

_RADIUS_MAX = 17.0
"""Points, of the largest circle."""


@dataclass
class Drawn:
    """A map that was drawn.

    Attributes:
        sheet: the figure.
        labels: what to say of each element, by its id in an SVG: territories are ids themselves, circles are the
            children of a group in the order of its list.
        territories: codes by the id of their element.
        circles: codes in the order of their circles, or of their areas, by the id of the group.
    """

    sheet: Figure
    labels: dict[str, list[str]] = field(default_factory=dict)
    territories: dict[str, str] = field(default_factory=dict)
    circles: dict[str, list[str]] = field(default_factory=dict)


def draw_map(
    chiffres: Chiffres,
    caption: Caption,
    middles: Mapping[str, tuple[float, float]],
    borders: Mapping[str, Sequence[Polygon]],
    *,
    classes: int = 5,
    methode: Methode = "quantiles",
) -> Drawn:
    """Draw the figures of one territory level.

    Args:
        chiffres: told by a territory and nothing else.
        caption: the words round it.
        middles: longitude and latitude of communes or EPCI; not needed for levels with borders.
        borders: of the territories that shall be coloured; empty: communes and EPCI are circles.
        classes: how many colours, 2 to 6.
        methode: how classes are cut.
    """
    return _Map(chiffres, caption, middles, borders, classes, methode).drawn


class _Map:
    def __init__(
        self,
        chiffres: Chiffres,
        caption: Caption,
        middles: Mapping[str, tuple[float, float]],
        borders: Mapping[str, Sequence[Polygon]],
        classes: int,
        methode: Methode,
    ) -> None:
        question = chiffres.question
        territoire = question.territoire
        assert territoire is not None
        self._indicateur = question.indicateur
        self._level = territoire.nom
        self._rows = {row[self._level]: row for row in chiffres.table.to_pylist() if row[self._level] is not None}
        self._ground = _ground(self._level, question.region, question.departement)
        self._elsewhere = 0
        if self._level in LEVELS:
            # Territories overseas that are no département have no borders here, and must not count in the legend.
            others = [code for code in self._rows if code not in self._ground]
            self._elsewhere = sum(self._rows.pop(code)["n"] or 0 for code in others)
        self._counts = self._indicateur.genre == "compte"
        # Borders that were brought, of what is neither a département nor a région.
        self._areas = borders if self._level not in LEVELS and not self._counts else {}
        self._coloured = not self._counts and (self._level in LEVELS or bool(self._areas))
        self._middles = middles
        if self._areas or self._level in LEVELS:
            self._middles = _centres(self._areas or shapes(LEVELS[self._level]))
        known = [row["valeur"] for row in self._rows.values() if row["valeur"] is not None and row["n"]]
        self._classes: Classes | None = None
        if known and not self._counts:
            self._classes = classes_of(np.array(known, dtype=np.float64), classes, methode)
        weights = [self._weight(row) for row in self._rows.values()]
        self._heaviest = max(weights, default=0) or 1
        self._borders = shapes("regions" if self._level == "region" else "departements")
        self.drawn = Drawn(new_sheet(caption, 9.0, 7.9))
        self._no_place = 0
        self._draw(whole=question.region is None and question.departement is None)
        self._legend(methode)
        for code, row in self._rows.items():
            self.drawn.labels[code] = [str(row[f"{self._level}_nom"] or code), *self._said(row)]

    # --- where ---

    def _draw(self, *, whole: bool) -> None:
        overseas = [code for code in self._ground if _is_overseas(self._level, code)]
        metropolitan = [code for code in self._ground if code not in overseas]
        if not whole and not metropolitan and len(overseas) == 1:
            self._frame("zone", (0.10, 0.14, 0.62, 0.72), overseas, overseas=True)
            return
        self._frame("metropole", (0.15 if whole else 0.03, 0.09, 0.62 if whole else 0.73, 0.8), metropolitan)
        if not whole:
            return
        height = 0.12
        for place, code in enumerate(sorted(overseas, key=_department)):
            bottom = 0.745 - place * (height + 0.03)
            name = _OVERSEAS[_department(code)]
            self._frame(f"d{_department(code)}", (0.02, bottom, 0.12, height), [code], overseas=True, name=name)
        if self._level != "region":
            self._frame("paris", (0.77, 0.73, 0.19, 0.14), list(_PARIS), name="Paris et petite couronne")

    def _frame(
        self,
        frame: str,
        box: tuple[float, float, float, float],
        ground: Sequence[str],
        *,
        overseas: bool = False,
        name: str = "",
    ) -> None:
        axes = self.drawn.sheet.add_axes(box)
        axes.set_aspect("equal", adjustable="datalim" if not name else "box")
        axes.set_axis_off()
        project: Projection = lambert_93
        if overseas:
            project = functools.partial(local, latitude=float(self._borders[ground[0]][0][0][0, 1]))
        for code in ground:
            if self._areas:
                axes.update_datalim(np.concatenate([project(polygon[0]) for polygon in self._borders[code]]))
            else:
                self._territory(axes, frame, code, project)
        axes.margins(0.01)
        axes.autoscale_view()
        if self._areas:
            self._fill(axes, frame, ground, project, bounded=bool(name))
        if name:
            axes.set_title(name, fontsize=7, color=GREY, pad=2)
            axes.set_axis_on()
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_linewidth(0.4)
        if not self._coloured:
            self._circles(axes, frame, ground, project, bounded=bool(name))

    def _territory(self, axes: Axes, frame: str, code: str, project: Projection) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        rings = [project(ring) for polygon in self._borders[code] for ring in polygon]
        look: dict[str, Any] = {"facecolor": _LAND, "hatch": None}
        if self._coloured:
            look = self._look(self._rows.get(code))
        path = Path.make_compound_path(*(Path(ring, closed=True) for ring in rings))
        patch = PathPatch(path, edgecolor="#8a929b" if look["hatch"] else "white", linewidth=0.5, **look)
        if not self._coloured:
            patch.set_edgecolor("#b9b5ab")
        element = f"t-{frame}-{code}"
        patch.set_gid(element)
        self.drawn.territories[element] = code if self._coloured else ""
        axes.add_patch(patch)

    def _fill(self, axes: Axes, frame: str, ground: Sequence[str], project: Projection, *, bounded: bool) -> None:
        """Colour the areas of a frame: as many as there are communes, so all of one look at once."""
        from matplotlib.collections import PathCollection
        from matplotlib.path import Path

        step = float(np.ptp(axes.dataLim.get_points(), axis=0).max()) / _STEPS
        here = sorted(code for code in self._rows if code in self._areas and self._is_here(code, ground))
        if ground[0] == self._ground[0]:
            self._no_place += sum(bool(row["n"]) and code not in self._areas for code, row in self._rows.items())
        for part, hatch in (("", None), ("-masque", _HIDDEN["hatch"])):
            codes = [code for code in here if self._look(self._rows[code])["hatch"] == hatch]
            if not codes:
                continue
            rings = [_on_grid(self._areas[code], project, step) for code in codes]
            paths = [Path.make_compound_path(*(Path(ring, closed=True) for ring in of_one)) for of_one in rings]
            group = PathCollection(
                paths,
                facecolors=[self._look(self._rows[code])["facecolor"] for code in codes],
                edgecolors="#8a929b",
                linewidths=0.35 if len(here) < _MANY else 0.12,
                hatch=hatch,
                clip_on=bounded,
            )
            element = f"s-{frame}{part}"
            group.set_gid(element)
            self.drawn.circles[element] = codes
            axes.add_collection(group, autolim=False)

    def _look(self, row: dict[str, Any] | None) -> dict[str, Any]:
        """How a territory or circle is filled."""
        if row is None or (row["valeur"] is None and "masque" not in (row["mention"] or "")):
            return _NONE
        if row["valeur"] is None:
            return _HIDDEN
        if row["n"] == 0:
            return _EMPTY
        if self._counts or self._classes is None:
            return {"facecolor": _CIRCLE, "hatch": None}
        return {"facecolor": self._palette()[int(self._classes.of(np.array([row["valeur"]]))[0])], "hatch": None}

    def _seen(self, row: dict[str, Any]) -> bool:
        """Whether it is on the map: a circle needs offers, a territory is there."""
        return self._coloured or bool(row["n"])

    def _palette(self) -> list[str]:
        assert self._classes is not None
        many = len(self._classes)
        steps = np.linspace(0 if many > 3 else 1, len(COLOURS) - 1, many) if many > 1 else [3]
        return [COLOURS[round(step)] for step in steps]

    # --- circles ---

    def _weight(self, row: dict[str, Any]) -> float:
        """What a circle's area is."""
        return float((row["valeur"] if self._counts else row["n"]) or 0)

    def _area(self, weight: float) -> float:
        """Of a circle, in square points; the smallest can still be seen."""
        return max(math.pi * _RADIUS_MAX**2 * weight / self._heaviest, 1.5)

    def _circles(self, axes: Axes, frame: str, ground: Sequence[str], project: Projection, *, bounded: bool) -> None:
        here = [code for code in self._rows if self._is_here(code, ground) and self._weight(self._rows[code]) > 0]
        known = [code for code in here if code in self._middles]
        if frame != "paris":
            self._no_place += len(here) - len(known)
        known.sort(key=lambda code: (-self._weight(self._rows[code]), code))
        if not known:
            return
        points = project(np.array([self._middles[code] for code in known]))
        group = axes.scatter(
            points[:, 0],
            points[:, 1],
            s=[4 / math.pi * self._area(self._weight(self._rows[code])) for code in known],
            c=[self._look(self._rows[code])["facecolor"] for code in known],
            alpha=0.75 if self._counts else 0.9,
            edgecolors="white" if self._counts else "#5c6670",
            linewidths=0.35,
            clip_on=bounded,
            zorder=3,
        )
        element = f"c-{frame}"
        group.set_gid(element)
        self.drawn.circles[element] = known

    def _is_here(self, code: str, ground: Sequence[str]) -> bool:
        if self._level in LEVELS:
            return code in ground
        if code not in self._middles:
            # Told once, of the first frame.
            return ground[0] == self._ground[0]
        return _around(self._middles[code], [self._borders[of] for of in ground])

    # --- legend ---

    def _legend(self, methode: Methode) -> None:
        from matplotlib.patches import Patch

        sheet, low = self.drawn.sheet, 0.66
        handles, bounds = [], self._classes
        rows = [row for row in self._rows.values() if self._seen(row)]
        if bounds is not None:
            known = np.array([row["valeur"] for row in rows if row["valeur"] is not None and row["n"]], np.float64)
            held = np.bincount(bounds.of(known), minlength=len(bounds))
            for at, colour in reversed(list(enumerate(self._palette()))):
                first, last = (number(bounds.bornes[at + more], bounds.decimales) for more in (0, 1))
                text = f"{first} à {'moins de ' if at < len(bounds) - 1 else ''}{last}  ({held[at]})"
                handles.append(Patch(facecolor=colour, edgecolor=GREY, linewidth=0.4, label=text))
        hidden = sum("masque" in (row["mention"] or "") for row in rows)
        nothing = sum(
            row["valeur"] is None and "masque" not in (row["mention"] or "") for row in rows if self._seen(row)
        )
        empty = sum(row["valeur"] is not None and row["n"] == 0 for row in rows)
        if empty and not self._counts:
            handles.append(Patch(**_EMPTY, edgecolor=GREY, linewidth=0.4, label=f"aucune offre  ({number(empty)})"))
        if hidden:
            least = max(self._indicateur.masque_sous, MASQUE_RETIREES)
            # A hatch could not be seen in a small circle: there, white alone is hidden.
            look = _HIDDEN if self._coloured else _EMPTY
            handles.append(Patch(**look, edgecolor=GREY, linewidth=0.4, label=f"moins de {least} offres  ({hidden})"))
        if nothing and not self._counts:
            handles.append(Patch(**_NONE, edgecolor=GREY, linewidth=0.4, label=f"pas de donnée  ({nothing})"))
        if handles:
            legend = sheet.legend(
                handles=handles,
                loc="upper left",
                bbox_to_anchor=(0.765, low),
                title=_wrapped(self._indicateur.unite),
                frameon=False,
                fontsize=8,
                title_fontsize=8.5,
                alignment="left",
                handlelength=1.6,
                handleheight=1.2,
            )
            legend.get_title().set_fontweight("bold")
            low -= 0.055 + 0.031 * len(handles)
        notes = []
        if bounds is not None:
            how = "d'effectifs voisins (quantiles)" if methode == "quantiles" else "de Jenks (seuils naturels)"
            notes.append(f"{len(bounds)} classes {how}, bornes arrondies ; entre parenthèses : nombre de territoires.")
        small = sum("petit" in (row["mention"] or "") for row in rows)
        if small and not self._counts:
            reposent = "territoires reposent" if small > 1 else "territoire repose"
            notes.append(f"{number(small)} {reposent} sur moins de {PETIT} offres.")
        if self._no_place:
            what = "contour connu" if self._areas else "position connue"
            notes.append(f"{number(self._no_place)} territoires sans {what} n'y figurent pas.")
        if self._elsewhere:
            notes.append(f"{number(self._elsewhere)} offres d'autres collectivités d'outre-mer n'y figurent pas.")
        if notes:
            lines = [line for note in notes for line in textwrap.wrap(note, 34)]
            sheet.text(0.774, low, "\n".join(lines), fontsize=7, color=GREY, va="top", linespacing=1.4)
            low -= 0.02 + 0.0195 * len(lines)
        if not self._coloured and any(self._weight(row) for row in rows):
            self._circle_legend(low)

    def _circle_legend(self, top: float) -> None:
        axes = self.drawn.sheet.add_axes((0.77, max(top - 0.17, 0.1), 0.2, 0.15))
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        unit = self._indicateur.unite if self._counts else "offres"
        axes.set_title(f"Aire du cercle : {unit}", fontsize=8, loc="left", color=INK)
        shown = sorted({_round_down(self._heaviest / part) for part in (1, 4, 20)}, reverse=True)
        for row, weight in enumerate(weight for weight in shown if weight):
            y = 0.78 - row * 0.36
            axes.scatter([0.13], [y], s=4 / math.pi * self._area(weight), c="none", edgecolors=INK, linewidths=0.7)
            axes.text(0.32, y, number(weight), fontsize=8, va="center")

    # --- words ---

    def _said(self, row: dict[str, Any]) -> list[str]:
        mention, found = row["mention"] or "", self._indicateur
        if row["valeur"] is None:
            return [
                f"non montré : moins de {max(found.masque_sous, 3)} offres" if "masque" in mention else "sans donnée"
            ]
        said = [f"{number(row['valeur'], found.decimales)} {found.unite}"]
        if not self._counts and row["n"] is not None:
            said.append(f"sur {number(row['n'])} offres{' : peu' if 'petit' in mention else ''}")
        return said


def _ground(level: str, region: str | None, departement: str | None) -> list[str]:
    """The territories with borders that are drawn."""
    import pyarrow.parquet as pq

    from moisson.territory.reference import files

    if level == "region":
        return [code for code in shapes("regions") if region in {None, code}]
    regions = {row["code"]: row["region"] for row in pq.read_table(files()["departements"]).to_pylist()}
    return [code for code in shapes("departements") if departement in {None, code} and region in {None, regions[code]}]


def _department(code: str) -> str:
    return _REGION_OVERSEAS.get(code, code)


def _is_overseas(level: str, code: str) -> bool:
    return code in (_REGION_OVERSEAS if level == "region" else _OVERSEAS)


def _centres(borders: Mapping[str, Sequence[Polygon]]) -> dict[str, tuple[float, float]]:
    """The middle of the largest polygon of each territory, degrees."""
    found = {}
    for code, polygons in borders.items():
        largest = max((polygon[0] for polygon in polygons), key=lambda ring: abs(_area_and_middle(ring)[0]))
        _, x, y = _area_and_middle(largest)
        found[code] = (x, y)
    return found


def _on_grid(polygons: Sequence[Polygon], project: Projection, step: float) -> list[npt.NDArray[np.float64]]:
    """The rings of a territory on the sheet, on points of a grid: neighbours still share every point of their border.

    A ring that is smaller than the grid is left out, unless nothing else is left.
    """
    rings = [project(ring) for polygon in polygons for ring in polygon]
    kept = []
    for ring in rings:
        points = np.round(ring / step) * step
        points = points[np.append(True, np.any(np.diff(points, axis=0) != 0, axis=1))]
        if len(points) > 3:
            kept.append(points)
    return kept or rings[:1]


def _area_and_middle(ring: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Signed area and centroid of a ring, about its first point to keep the digits."""
    x, y = (ring - ring[0]).T
    crossed = x[:-1] * y[1:] - x[1:] * y[:-1]
    area = float(crossed.sum()) / 2
    if not area:
        return 0.0, float(ring[0, 0]), float(ring[0, 1])
    middle_x = float(((x[:-1] + x[1:]) * crossed).sum()) / (6 * area)
    middle_y = float(((y[:-1] + y[1:]) * crossed).sum()) / (6 * area)
    return area, middle_x + float(ring[0, 0]), middle_y + float(ring[0, 1])


def _around(place: tuple[float, float], borders: Sequence[Sequence[Sequence[npt.NDArray[np.float64]]]]) -> bool:
    """Whether a place lies in the box of one of some territories, or a little beside, where a coast is drawn short."""
    for polygons in borders:
        points = np.concatenate([polygon[0] for polygon in polygons])
        low, high = points.min(axis=0) - 0.15, points.max(axis=0) + 0.15
        if low[0] <= place[0] <= high[0] and low[1] <= place[1] <= high[1]:
            return True
    return False


def _round_down(weight: float) -> float:
    """The largest of 1, 2, 5 × a power of ten that is not above."""
    if weight < 1:
        return 0
    power = 10.0 ** math.floor(math.log10(weight))
    return float(next(factor * power for factor in (5, 2, 1) if factor * power <= weight))


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text[0].upper() + text[1:], 26))
