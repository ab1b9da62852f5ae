"""An indicator asked of a store: its figures, rounded and hidden as it is defined, and what must be told of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from moisson.errors import UsageError
from moisson.store.engine import Engine
from moisson.store.indicators.axes import AXES
from moisson.store.indicators.definitions import MASQUE_RETIREES, PETIT
from moisson.store.indicators.statement import NIGHTS, Question, statement

__all__ = ["MENTIONS", "Chiffres", "ask"]

MENTIONS = {
    "masque": "not shown: it rests on too few offers",
    "petit": f"small: it rests on fewer than {PETIT} offers",
    "non_place": "offers that are not placed, or no finer than a larger territory",
    "incomplet": "days of this period had no run, so it is not known whole",
    "non_atteinte": "more than half of the offers are still online",
    "sans_population": "nobody lives there, or it is no territory",
}
"""What `mention` may say, several joined by a blank; null: nothing to say."""


@dataclass(frozen=True)
class Chiffres:
    """The figures of one question.

    Attributes:
        question: what was asked.
        table: a row a figure: each axis with its code (null: not known) and its name, `population` for rates,
            `valeur` (null when hidden), `n` offers that it rests on, `nuits` for periods, `mention`.
        n: offers in all.
        non_places: of these, how many are not placed at this level; None when no territory was asked.
        sans_lieu: offers of the whole country of which not even the région (the département) is known, when only one
            région (département) is looked at: some may lie in it; None otherwise.
        nuits: days that have a run, since history is kept; None when only the present was asked.
        debut, fin: the first and last run that the figures rest on; `debut` is None when only the present was asked.
            Both are None in a store that is empty.
    """

    question: Question
    table: pa.Table
    n: int
    non_places: int | None
    sans_lieu: int | None
    nuits: int | None
    debut: dt.datetime | None
    fin: dt.datetime | None

    @property
    def part_non_placee(self) -> float | None:
        """Share of the offers that are not placed at this level, 0 to 1; None when no territory was asked."""
        if self.non_places is None:
            return None
        return self.non_places / self.n if self.n else 0.0

    def marked(self, mention: str) -> int:
        """How many figures have this mention."""
        return sum(mention in text.split() for text in self.table["mention"].to_pylist() if text)


def ask(engine: Engine, question: Question) -> Chiffres:
    """Compute an indicator.

    Raises:
        UsageError: it needs more nights than the store has, or history, or names a territory that there is not.
        StoreCorrupt: a file of the store is damaged.
    """
    _check_territory(engine, question)
    if question.indicateur.paie and "salaire_lu" not in engine.query("SELECT * FROM offres LIMIT 0").column_names:
        raise UsageError(
            f"{question.indicateur.nom} needs the pay, which this store does not read yet",
            todo="It was filled by an older Moisson: the next moisson collect reads it.",
        )
    nuits, debut, fin = _nights(engine, question)
    raw = engine.query(statement(question, engine.tables()))
    territoire = question.territoire
    counts = _numbers(raw["n"], 0).astype(np.int64)
    unplaced = None
    if territoire is not None:
        unplaced = int(counts[np.array(raw[territoire.nom].is_null())].sum())
    # A stock is told at several instants: what cannot be placed is told of the last one.
    total = int(counts.sum())
    if question.periode is not None and question.indicateur.fonds == "etat" and len(raw):
        last = np.array(pc.equal(raw[question.periode.nom], pc.max(raw[question.periode.nom])))
        total = int(counts[last].sum())
        if territoire is not None:
            unplaced = int(counts[last & np.array(raw[territoire.nom].is_null())].sum())
    return Chiffres(question, _shown(question, raw), total, unplaced, _nowhere(engine, question), nuits, debut, fin)


def _nowhere(engine: Engine, question: Question) -> int | None:
    """Offers that the choice of a territory leaves out because it is not known where they are."""
    if question.region is None and question.departement is None:
        return None
    axe = AXES["region" if question.departement is None else "departement"]
    everywhere = replace(question, axes=(axe,), region=None, departement=None)
    rows = engine.query(f"SELECT n FROM ({statement(everywhere, engine.tables())}) WHERE {axe.nom} IS NULL").to_pylist()
    return rows[0]["n"] if rows else 0


def _check_territory(engine: Engine, question: Question) -> None:
    for table, code in (("regions", question.region), ("departements", question.departement)):
        if code is not None and not engine.query(f"SELECT 1 FROM {table} WHERE code = '{code}'").num_rows:
            raise UsageError(
                f"There is no {table[:-1]} {code}", todo=f"See: moisson sql 'select code, nom from {table}'"
            )


def _nights(engine: Engine, question: Question) -> tuple[int | None, dt.datetime | None, dt.datetime | None]:
    found = question.indicateur
    if not question.past:
        now = engine.query(
            "SELECT max(debut) AS fin FROM collectes WHERE verdict IN ('prouvee', 'non prouvee')"
        ).to_pylist()[0]
        return None, None, now["fin"]
    if engine.without_history:
        raise UsageError(
            f"{found.nom} needs history, which this store does not keep yet",
            todo="It was filled by an older Moisson: the next moisson collect begins it.",
        )
    nights = engine.query(NIGHTS).to_pylist()[0]
    if nights["nuits"] < found.nuits:
        raise UsageError(
            f"{found.nom} needs {found.nuits} nights, this store has {nights['nuits']}",
            todo="A figure of change can be told after moisson collect ran on another day.",
        )
    return nights["nuits"], nights["debut"], nights["fin"]


def _shown(question: Question, raw: pa.Table) -> pa.Table:
    """Hide and round what the definition says, and say why."""
    found = question.indicateur
    n = _numbers(raw["n"], 0).astype(np.int64)
    valeur = _numbers(raw["valeur"], np.nan)
    if found.genre in {"compte", "taux"}:
        # Where nothing was found there is nothing, which is a figure; but none per inhabitant where nobody lives.
        inhabited = np.array(raw["population"].is_valid()) if found.genre == "taux" else True
        valeur = np.where((n == 0) & inhabited, 0.0, valeur)
        valeur = np.where(inhabited, valeur, np.nan)
    unknown = np.isnan(valeur)
    below = max(found.masque_sous, MASQUE_RETIREES if question.past else 0)
    hidden = (n > 0) & (n < below)
    marks: list[tuple[str, Any]] = [
        ("masque", hidden),
        ("petit", ~hidden & (n > 0) & (n < PETIT)),
    ]
    if question.territoire is not None:
        nowhere = np.array(raw[question.territoire.nom].is_null())
        marks.append(("non_place", nowhere))
    if found.genre == "taux":
        marks.append(("sans_population", np.array(raw["population"].is_null())))
    if found.fonds == "durees":
        marks.append(("non_atteinte", ~hidden & unknown & (n > 0)))
    if question.periode is not None and found.fonds != "etat":
        marks.append(("incomplet", np.array(pc.less(raw["nuits"], raw["nuits_attendues"]).fill_null(False))))
    shown = np.where(hidden | unknown, 0.0, np.round(valeur, found.decimales))
    values = pa.array(shown, mask=hidden | unknown)
    few = (n > 0) & (n < MASQUE_RETIREES) & question.past
    mentions = [" ".join(parts) or None for parts in _each(marks, raw.num_rows)]
    columns: dict[str, Any] = {
        name: raw[name] for name in raw.column_names if name not in {"valeur", "n", "nuits", "nuits_attendues"}
    }
    columns["valeur"] = values.cast(pa.int64()) if found.decimales == 0 else values
    columns["n"] = pa.array(n, mask=few)
    if question.periode is not None:
        columns["nuits"] = raw["nuits"]
    columns["mention"] = pa.array(mentions, pa.string())
    return pa.table(columns)


def _numbers(column: Any, missing: float) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.cast(pa.float64()).fill_null(pa.scalar(missing, pa.float64())).to_numpy()
    return values


def _each(marks: list[tuple[str, Any]], rows: int) -> list[list[str]]:
    """For each row, the marks that it has."""
    found: list[list[str]] = [[] for _ in range(rows)]
    for mark, has in marks:
        for row in np.flatnonzero(has):
            found[row].append(mark)
    return found
