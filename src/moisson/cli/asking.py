"""What `indicator`, `map` and `series` share: options, the question that these make, who answers, what is said then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console
from moisson.cli.wording import count, size

if TYPE_CHECKING:
    from moisson.store.engine import Engine
    from moisson.store.indicators.result import Chiffres
    from moisson.store.indicators.statement import Question
    from moisson.store.provenance import Provenance

__all__ = [
    "ContratOption",
    "DepartementOption",
    "DistinctOption",
    "MetierOption",
    "RegionOption",
    "answering",
    "question_of",
    "tell",
    "tell_drawn",
]

DistinctOption = Annotated[
    bool, typer.Option("--distinct", help="Of each job that several partners publish, count one offer.")
]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="CODE", help="Only this région: 84")]
DepartementOption = Annotated[
    str | None, typer.Option("--departement", metavar="CODE", help="Only this département: 74")
]
MetierOption = Annotated[
    str | None, typer.Option("--rome", metavar="CODE", help="Only trades whose ROME code begins so: M, M18, M1805")
]
ContratOption = Annotated[str | None, typer.Option("--contract", metavar="CODE", help="Only this contract: CDI")]


def question_of(
    nom: str,
    by: str,
    *,
    distinct: bool,
    region: str | None,
    departement: str | None,
    rome: str | None,
    contract: str | None,
) -> Question:
    """The question that the options make. Raises UsageError where they do not fit."""
    from moisson.store.indicators.axes import read_axes
    from moisson.store.indicators.definitions import indicateur
    from moisson.store.indicators.statement import Question

    axes = read_axes([name.strip() for name in by.split(",") if name.strip()])
    return Question(indicateur(nom), axes, distinct, region, departement, rome, contract)


@contextlib.contextmanager
def answering(folder: Path) -> Iterator[tuple[Engine, Provenance]]:
    """The present state of a store, to ask and to say where it comes from."""
    import time

    from moisson import __version__
    from moisson.store.engine import connect
    from moisson.store.provenance import read_provenance
    from moisson.store.store import open_store

    store = open_store(folder)
    with connect(store) as engine:
        yield engine, read_provenance(store, time.time(), f"moisson {__version__}")


def tell_drawn(file: Path, chiffres: Chiffres, provenance: Provenance) -> None:
    """Say what was drawn."""
    console.note(f"{file}: {size(file.stat().st_size)}")
    tell(chiffres, provenance)


def tell(chiffres: Chiffres, provenance: Provenance) -> None:
    """Say on the standard error what must be told of figures whoever shows them."""
    rows = chiffres.table.num_rows
    if (share := chiffres.part_non_placee) is not None:
        console.note(
            f"{share:.1%} of {count(chiffres.n, 'offer')} are not placed at this level"
            f"{' (row without a code)' if chiffres.non_places else ''}"
        )
    if chiffres.sans_lieu:
        console.note(f"{count(chiffres.sans_lieu, 'offer')} of the country cannot be placed: some may be of here")
    if small := chiffres.marked("petit"):
        console.note(f"{count(small)} of {count(rows, 'figure')} rest on fewer than 30 offers (mention: petit)")
    if hidden := chiffres.marked("masque"):
        console.note(f"{count(hidden)} of {count(rows, 'figure')} are not shown: too few offers (mention: masque)")
    if partial := chiffres.marked("incomplet"):
        console.note(f"{count(partial)} of {count(rows, 'figure')} are of periods not seen whole (mention: incomplet)")
    if more := chiffres.marked("non_atteinte"):
        console.note(f"{count(more)} of {count(rows, 'figure')} need more nights (mention: non_atteinte)")
    if provenance.simulated:
        console.note("simulated data: they come from a double of the API, not from France Travail")
