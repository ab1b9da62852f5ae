"""Runs that continue a run which ended without a proof: whose evidence they take over, and how far back that goes.

The pages of the earlier run are gone and its offers are in the lake, so all that a later one needs of it is its
evidence: told to the plan before the new facts, it says what is proved already. A run may continue one that continues
another; together they are one walk over the country, and its oldest page dates the proof.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from moisson.errors import StoreCorrupt
from moisson.model import Bilan, Fait
from moisson.store.evidence import open_evidence
from moisson.store.generation import Generation
from moisson.store.journal import Debut
from moisson.store.layout import Layout
from moisson.store.seen import Seen, read_seen

__all__ = ["Suite", "calls_before", "continued", "read_suite", "runs_needed"]


class Suite(msgspec.Struct):
    """What a run takes over from those that it continues; empty for most.

    Attributes:
        seen: the offers that they read.
        appels: search attempts that they made, all together.
    """

    seen: Seen
    appels: int = 0


def _column(generation: Generation | None, name: str) -> dict[str, Any]:
    """A column of `collectes` by run, nulls left out."""
    table = generation.read("collectes") if generation is not None else None
    if table is None or name not in table.column_names:
        return {}
    rows = table.select(["collecte", name]).to_pylist()
    return {row["collecte"]: row[name] for row in rows if row[name] is not None}


def continued(layout: Layout, generation: Generation | None, nom: str) -> list[Debut]:
    """The identities of the runs that a walk consists of up to this finished run, oldest first.

    Raises:
        StoreCorrupt: evidence of one of them is missing or damaged.
    """
    ends = _column(generation, "chaine")
    debuts: list[Debut] = []
    while nom:
        if any(debut.collecte == nom for debut in debuts):
            raise StoreCorrupt(f"The run {nom} continues itself", doing="reading its evidence")
        with open_evidence(layout.evidence_of(nom), ends.get(nom)) as (debut, _):
            debuts.insert(0, debut)
        nom = debut.suite_de
    return debuts


def _suite_facts(layout: Layout, generation: Generation | None, nom: str) -> Iterator[Fait]:
    """The facts of those runs, in the order in which they were told. Raises StoreCorrupt, also while iterating."""
    ends = _column(generation, "chaine")
    for debut in continued(layout, generation, nom):
        with open_evidence(layout.evidence_of(debut.collecte), ends.get(debut.collecte)) as (_, faits):
            yield from faits


def read_suite(
    layout: Layout, generation: Generation | None, debut: Debut, bilan: Bilan, oublis: Collection[str]
) -> Suite:
    """What this run takes over. Raises StoreCorrupt."""
    if not debut.suite_de:
        # Most runs: their table of runs need not be read for it.
        return Suite(read_seen((), bilan, oublis))
    seen = read_seen(_suite_facts(layout, generation, debut.suite_de), bilan, oublis)
    return Suite(seen, calls_before(generation, debut))


def calls_before(generation: Generation | None, debut: Debut) -> int:
    """Search attempts that the runs which this one continues made, all together, as recorded."""
    return int(_column(generation, "appels_ensemble").get(debut.suite_de, 0))


def runs_needed(generation: Generation | None, kept: Collection[str]) -> set[str]:
    """The runs whose evidence these runs rest on, themselves included."""
    before = _column(generation, "suite_de")
    needed: set[str] = set()
    for nom in kept:
        while nom and nom not in needed:
            needed.add(nom)
            nom = before.get(nom, "")
    return needed
