"""An indicator asked of a store: its figures as they may be shown, and what must be told of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from moisson.errors import UsageError
from moisson.store.engine import Engine
from moisson.store.indicators.axes import AXES
from moisson.store.indicators.shown import shown
from moisson.store.indicators.statement import NIGHTS, Question, statement

__all__ = ["Chiffres", "ask"]


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
    found = engine.query(shown(question, statement(question, engine.tables())))
    territoire, counts = question.territoire, found["toutes"].to_numpy()
    # A stock is told at several instants: what there is in all, and what cannot be placed, is told of the last one.
    if question.periode is not None and question.indicateur.fonds == "etat" and len(found):
        days = found[question.periode.nom]
        counts = np.where(np.array(pc.equal(days, pc.max(days))), counts, 0)
    unplaced = None
    if territoire is not None:
        unplaced = int(counts[np.array(found[territoire.nom].is_null())].sum())
    table, total = found.drop_columns(["toutes"]), int(counts.sum())
    return Chiffres(question, table, total, unplaced, _nowhere(engine, question), nuits, debut, fin)


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
