"""Answering a search: how many offers fit, which rows a page shows, and the counts of the four filters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moisson_twin import codes
from moisson_twin.columns import BLOCS, PROFIL_SHAPE, PROFILS
from moisson_twin.counts import Tally, tally_profils
from moisson_twin.criteria import Criterion, commune_distances, criteria
from moisson_twin.params import Query
from moisson_twin.settings import Settings
from moisson_twin.world import World

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search: its total and counts, and the rows of one page in order."""

    total: int
    first: int
    rows: Rows
    tally: Tally


def find(world: World, query: Query, settings: Settings, call: int = 0) -> Found:
    """Search a world as it is now.

    Args:
        call: the search's number, on which the order of ties depends when that is unstable.
    """
    start, stop = _window(world, query)
    wanted = criteria(query, settings.radius_overshoot)
    if not wanted:
        tally = world.counts.tally(start, stop)
        if query.sort == 1:
            rows = _by_date_unfiltered(world, query, settings, start, stop, call)
        else:
            rows = _in_blocks(world, query, start, stop, tally)
        return Found(tally.total, query.first, rows, tally)
    fitting = _fitting(world, wanted, start, stop)
    tally = tally_profils(world.columns.profil[fitting])
    if query.sort == 1:
        rows = _slice_by_date(world, fitting, query, settings, call)
    else:
        rows = _by_relevance(world, fitting, query)
    return Found(len(fitting), query.first, rows, tally)


def filtres_possibles(tally: Tally) -> bytes:
    """The JSON of filtresPossibles: four filters in the service's order, zero values absent, DDT never named."""
    types = [(code, tally.type[index]) for index, code in enumerate(codes.TYPE_CODES) if index != codes.TYPE_DDT]
    experience = [(str(index), tally.experience[index]) for index in codes.EXPERIENCE_ORDER]
    return b"[%b,%b,%b,%b]" % (
        _filtre("typeContrat", types),
        _filtre("experience", experience),
        _filtre("qualification", list(zip(codes.QUALIFICATION_CLASSES, tally.qualification, strict=True))),
        _filtre("natureContrat", list(zip(codes.NATURE_CODES, tally.nature, strict=True))),
    )


def _filtre(name: str, counts: list[tuple[str, np.int64]]) -> bytes:
    items = ",".join(f'{{"valeurPossible":"{code}","nbResultats":{count}}}' for code, count in counts if count)
    return f'{{"filtre":"{name}","agregation":[{items}]}}'.encode()


def _window(world: World, query: Query) -> tuple[int, int]:
    if query.created_ms is None:
        return 0, world.columns.size
    creation_ms = world.columns.creation_ms[: world.columns.size]
    start, stop = np.searchsorted(creation_ms, query.created_ms, side="left")
    return int(start), max(int(start), int(stop))


def _fitting(world: World, wanted: list[Criterion], start: int, stop: int) -> Rows:
    columns = world.columns
    fits = columns.alive[start:stop].copy()
    for criterion in wanted:
        either = np.zeros(stop - start, dtype=np.bool_)
        for name, table in criterion:
            either |= table[getattr(columns, name)[start:stop]]
        fits &= either
    return np.flatnonzero(fits) + start


# --- sort=1: newest first -------------------------------------------------------------------------------------------


def _by_date_unfiltered(world: World, query: Query, settings: Settings, start: int, stop: int, call: int) -> Rows:
    counts = world.counts
    if settings.unstable_ties is None:
        return counts.newest(start, stop, query.first, query.last - query.first + 1)
    # Groups of ties may reach beyond the page on both sides: take everything down to the end of the last group.
    reach = counts.newest(start, stop, 0, query.last + 1)
    if len(reach) <= query.first:
        return reach[:0]
    low = max(start, _tie_start(world, int(reach[-1]), settings))
    rows = np.flatnonzero(world.columns.alive[low : reach[0] + 1]) + low
    return _slice_by_date(world, rows, query, settings, call)


def _slice_by_date(world: World, rows: Rows, query: Query, settings: Settings, call: int) -> Rows:
    """A page of rows given oldest first; each group of ties in an order of this call if ties are unstable."""
    if settings.unstable_ties is None:
        return rows[::-1][query.first : query.last + 1]
    if len(rows) > query.last + 1:
        oldest = int(rows[len(rows) - query.last - 1])
        rows = rows[np.searchsorted(rows, _tie_start(world, oldest, settings)) :]
    groups = world.columns.creation_ms[rows] // _tie_ms(settings)
    noise = np.random.default_rng([world.settings.seed, 11, call]).random(len(rows))
    return rows[np.lexsort((noise, -groups))][query.first : query.last + 1]


def _tie_ms(settings: Settings) -> int:
    return 1000 if settings.unstable_ties == "second" else 1


def _tie_start(world: World, row: int, settings: Settings) -> int:
    """The first row of the group of ties that a row belongs to."""
    creation_ms = world.columns.creation_ms[: world.columns.size]
    unit_ms = _tie_ms(settings)
    return int(np.searchsorted(creation_ms, int(creation_ms[row]) // unit_ms * unit_ms))


# --- sort=0 and 2: in blocks ----------------------------------------------------------------------------------------

_BLOC_OF = (np.arange(PROFILS) // (PROFILS // BLOCS)).astype(np.uint8)
assert PROFIL_SHAPE[0] == BLOCS


def _in_blocks(world: World, query: Query, start: int, stop: int, tally: Tally) -> Rows:
    """The default order without criteria: France Travail's blocks, then partners'; newest first inside each."""
    found = []
    skip, count = query.first, query.last - query.first + 1
    for bloc in range(BLOCS):
        size = int(tally.bloc[bloc])
        if skip < size and count:
            rows = world.counts.newest(start, stop, skip, count, bloc)
            found.append(rows)
            count -= len(rows)
        skip = max(0, skip - size)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _by_relevance(world: World, rows: Rows, query: Query) -> Rows:
    blocs = _BLOC_OF[world.columns.profil[rows]]
    keys: tuple[NDArray[np.int64] | NDArray[np.uint8] | NDArray[np.float64], ...] = (-rows, blocs)
    if query.communes:
        # Whole kilometres: nearer differences do not reorder.
        distances = np.append(np.floor(commune_distances(query.communes)), np.inf)[world.columns.commune[rows]]
        keys = (-rows, distances, blocs) if query.sort == 0 else (-rows, blocs, distances)
    return rows[np.lexsort(keys)][query.first : query.last + 1]
