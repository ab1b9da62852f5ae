"""Figures as files: ask, draw, write."""

from __future__ import annotations

from pathlib import Path

from moisson.errors import UsageError
from moisson.figures.classes import Methode
from moisson.figures.files import check_target
from moisson.figures.map import draw_map
from moisson.figures.page import map_page
from moisson.figures.places import LEVELS, borders, middles
from moisson.figures.series import draw_series
from moisson.figures.sheet import Caption, render, style
from moisson.figures.words import credits_lines, scope, title, when
from moisson.store.engine import Engine
from moisson.store.export.aside import into_place, written_aside
from moisson.store.indicators.result import Chiffres, ask
from moisson.store.indicators.statement import Question
from moisson.store.provenance import Provenance

__all__ = ["MAP_KINDS", "SERIES_KINDS", "write_map", "write_series"]

MAP_KINDS = dict.fromkeys(("html", "png", "svg"), ("matplotlib", "maps"))


SERIES_KINDS = dict.fromkeys(("png", "svg"), ("matplotlib", "maps"))


def write_map(
    file: Path,
    engine: Engine,
    question: Question,
    provenance: Provenance,
    folder: Path,
    *,
    classes: int = 5,
    methode: Methode = "quantiles",
) -> Chiffres:
    """Draw an indicator by one territory level.

    Args:
        file: ends in .html, .png or .svg.
        engine: the state to ask.
        question: told by a territory, and nothing else.
        provenance: where the data come from.
        folder: where `moisson territories --fetch` puts the borders of communes and EPCI.
        classes: how many colours, 2 to 6.
        methode: how classes are cut.

    Raises:
        UsageError: not one territory, a question that does not fit the store, no such kind of file.
        StoreCorrupt: a file of borders that was brought is damaged.
        StoreUnwritable, DiskFull: the file cannot be written; nothing of it is left.
    """
    kind = check_target(file, MAP_KINDS)
    if [axe.sorte for axe in question.axes] != ["territoire"]:
        raise UsageError("A map is told by one territory", todo="As in: --by departement (or region, epci, commune).")
    chiffres = ask(engine, question)
    level = question.axes[0].nom
    places = middles(engine, level) if level not in LEVELS else {}
    known = borders(chiffres, folder) if question.indicateur.genre != "compte" else {}
    caption = _caption(engine, chiffres, provenance)
    with style():
        drawn = draw_map(chiffres, caption, places, known, classes=classes, methode=methode)
        data = map_page(drawn, caption, chiffres) if kind == "html" else render(drawn.sheet, kind)
    _write(file, data)
    return chiffres


def write_series(file: Path, engine: Engine, question: Question, provenance: Provenance) -> Chiffres:
    """Draw an indicator over time.

    Args:
        file: ends in .png or .svg.
        engine: the state to ask.
        question: told by a period, and by one thing more at most.
        provenance: where the data come from.

    Raises:
        UsageError: no period, more than one thing besides, a question that does not fit the store, no such kind.
        StoreUnwritable, DiskFull: the file cannot be written; nothing of it is left.
    """
    kind = check_target(file, SERIES_KINDS)
    if question.periode is None or len(question.axes) > 2:
        raise UsageError(
            "A series is told by a period, and by one thing more at most",
            todo="As in: --by semaine, or --by mois,region.",
        )
    chiffres = ask(engine, question)
    with style():
        data = render(draw_series(chiffres, _caption(engine, chiffres, provenance)), kind)
    _write(file, data)
    return chiffres


def _caption(engine: Engine, chiffres: Chiffres, provenance: Provenance) -> Caption:
    question = chiffres.question
    return Caption(
        title(question),
        f"{scope(engine, question)}, {when(chiffres)}",
        credits_lines(chiffres, provenance),
        provenance.simulated,
    )


def _write(file: Path, data: bytes) -> None:
    with written_aside(file) as aside:
        aside.write_bytes(data)
        into_place(aside, file)
