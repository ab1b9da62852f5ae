"""Indicators for programs: the same question as the command's, its figures as an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from moisson.store.engine import connect
from moisson.store.indicators.axes import read_axes
from moisson.store.indicators.definitions import indicateur
from moisson.store.indicators.result import ask
from moisson.store.indicators.statement import Question
from moisson.store.store import Store

__all__ = ["indicator"]


def indicator(
    store: Store,
    nom: str,
    *,
    by: Sequence[str] = (),
    distinct: bool = False,
    region: str | None = None,
    departement: str | None = None,
    metier: str | None = None,
    contrat: str | None = None,
) -> pa.Table:
    """An indicator of the present state of a store; `docs/indicators.md` defines each, and the columns.

    Args:
        store: the store.
        nom: the indicator.
        by: what it is told by, at most one territory, trade, contract and period.
        distinct: of each job that several partners publish, one offer.
        region, departement: only this territory, by its code.
        metier: only trades whose ROME code begins so.
        contrat: only this contract.

    Returns:
        A row a figure. `polars.from_arrow` makes it a Polars frame, `to_pandas` a pandas one. What must be told of the
        figures is in the schema's metadata: `offres`, and `part_non_placee` when a territory was asked.

    Raises:
        UsageError: these do not go together, an unknown name, or the store has too few nights.
        StoreCorrupt: a file of the store is damaged.
    """
    question = Question(indicateur(nom), read_axes(by), distinct, region, departement, metier, contrat)
    with connect(store) as engine:
        chiffres = ask(engine, question)
    told = {"offres": str(chiffres.n), "simule": str(store.simulated).lower()}
    if chiffres.part_non_placee is not None:
        told["part_non_placee"] = f"{chiffres.part_non_placee:.6f}"
    return chiffres.table.replace_schema_metadata(told)
