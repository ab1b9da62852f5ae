"""From a checked query to look-up tables over the columns.

Every criterion is one or several alternatives (column, table): a row fits when, for one of them, the table is true at
the row's value. Reading a table costs the same whatever the criterion says.
"""

import unicodedata
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from moisson_twin import codes, lists
from moisson_twin.columns import (
    ACCESSIBLE_TH,
    ENTREPRISE_ADAPTEE,
    EXPERIENCE_SOUHAITEE,
    HANDI_ENGAGE,
    HORS_COMMUNE,
    MANQUE_CANDIDATS,
    MRS,
    PROFIL_SHAPE,
)
from moisson_twin.params import Query
from moisson_twin.places import geography

Table = NDArray[np.bool_]
#: Alternatives, each the name of a column and what to accept of its values.
Criterion = list[tuple[str, Table]]

_BYTE = np.arange(256)
_WORD = np.arange(65536)
_AXES = np.ogrid[tuple(slice(size) for size in PROFIL_SHAPE)]


def criteria(query: Query, overshoot: float) -> list[Criterion]:
    """All criteria of a query but its creation dates; a row must fit each.

    Args:
        overshoot: how far beyond the distance asked a search around a commune reaches (0.1: a tenth).
    """
    found: list[Criterion] = []
    profil = _profil_table(query)
    if profil is not None:
        found.append([("profil", profil)])
    if query.exigence is not None:
        found.extend(_exigence(query.exigence))
    found.extend([("rome", _rome_table(frozenset(group)))] for group in query.rome)
    if query.theme is not None:
        found.append([("rome", _theme_table(query.theme))])
    if query.appellation is not None:
        found.append([("rome", _neighbour_table(query.appellation))])
    found.extend([("naf", _naf_table(group))] for group in query.naf)
    if query.communes:
        near = commune_distances(query.communes) <= query.distance_km * (1 + overshoot)
        # The last element answers for index -1: no commune.
        found.append([("commune", np.append(near, False))])
        found.append([("flags", (_BYTE & HORS_COMMUNE) == 0)])
    for group in query.departements:
        table = np.zeros(256, dtype=np.bool_)
        table[[geography().departement_index[code] for code in group]] = True
        found.append([("departement", table)])
    if query.pays is not None:
        found.append([("pays", _pays_table(query.pays))])
    if query.niveau is not None:
        found.append([("niveau", np.equal(_BYTE, 1 + _index("niveauxFormations", query.niveau)))])
    if query.permis is not None:
        found.append([("permis", np.equal(_BYTE, 1 + _index("permis", query.permis)))])
    found.extend(_mot(mot) for mot in query.mots)
    if query.salary_min_eur is not None:
        found.append([("salary_eur", (_WORD > 0) & (query.salary_min_eur <= _WORD))])
    if query.week_min is not None:
        found.append([("week_min", (_WORD > 0) & (query.week_min[0] <= _WORD) & (query.week_min[1] >= _WORD))])
    if query.length_days is not None:
        low, high = query.length_days
        found.append([("length_days", (_WORD > 0) & (low <= _WORD) & (high >= _WORD))])
    found.extend(_flags(query))
    if query.partenaires:
        found.append(_partners(query))
    return found


def commune_distances(communes: tuple[str, ...]) -> NDArray[np.float64]:
    """Distance in km of each commune to the nearest of those asked."""
    return np.min([_distances(code) for code in communes], axis=0)  # type: ignore[no-any-return]


@lru_cache(maxsize=64)
def _distances(code: str) -> NDArray[np.float64]:
    return geography().distances_km(code)


def _profil_table(query: Query) -> Table | None:
    """One table for all that the profil holds: origin, contract, experience, qualification, working time."""
    bloc, type_, experience, qualification, nature, duree = _AXES
    tables: list[NDArray[Any]] = []
    if query.origine is not None:
        tables.append(bloc < 2 if query.origine == 1 else bloc >= 2)
    if query.types or query.natures:
        of_types = np.isin(type_, [codes.TYPE_CODES.index(code) for code in query.types])
        tables.append(of_types | np.isin(nature, [codes.NATURE_CODES.index(code) for code in query.natures]))
    if query.experience is not None:
        tables.append(experience == query.experience)
    if query.qualification is not None:
        tables.append(qualification == codes.QUALIFICATION_CLASSES.index(query.qualification))
    if query.duree is not None:
        tables.append(duree == query.duree)
    if query.temps_plein is not None:
        tables.append(duree == (1 if query.temps_plein else 2))
    if not tables:
        return None
    table = np.ones(PROFIL_SHAPE, dtype=np.bool_)
    for part in tables:
        table &= part
    return table.ravel()


def _exigence(code: str) -> list[Criterion]:
    experience = np.broadcast_to(np.arange(PROFIL_SHAPE[2])[None, None, :, None, None, None] == 4, PROFIL_SHAPE).ravel()
    if code == "D":
        return [[("profil", experience)]]
    wished = (_BYTE & EXPERIENCE_SOUHAITEE) > 0
    return [[("profil", ~experience)], [("flags", wished if code == "S" else ~wished)]]


def _rome_table(prefixes: frozenset[str]) -> Table:
    return np.array([row["code"].startswith(tuple(prefixes)) for row in lists.rows("metiers")])


def _theme_table(theme: str) -> Table:
    """Which trades belong to a theme is not published in a form we know: a twelfth of them, always the same."""
    return np.array([crc32(f"{theme}/{row['code']}".encode()) % 12 == 0 for row in lists.rows("metiers")])


def _neighbour_table(appellation: str) -> Table:
    """The service's search by appellation is wide: here it takes the whole trade."""
    appellations = lists.appellations()
    rome = next(item.rome for item in appellations if item.code == appellation)
    return _rome_table(frozenset([rome or "K1"]))


def _naf_table(prefixes: frozenset[str]) -> Table:
    table = np.zeros(256, dtype=np.bool_)
    for index, row in enumerate(lists.rows("nafs"), start=1):
        table[index] = row["code"].startswith(tuple(prefixes))
    return table


_OVERSEAS_CONTINENTS = {"Canada": "994"}


def _pays_table(code: str) -> Table:
    """Offers abroad by country or continent; "01" is France, offers without any place included."""
    table = np.zeros(256, dtype=np.bool_)
    if code == "01":
        table[0] = True
        return table
    for index, row in enumerate(lists.rows("pays"), start=1):
        continent = _OVERSEAS_CONTINENTS.get(row["libelle"], "991")
        table[index] = code in (row["code"], continent)
    table[0] = code == "991"
    return table


def _index(name: str, code: str) -> int:
    return next(index for index, row in enumerate(lists.rows(name)) if row["code"] == code)


def fold(text: str) -> str:
    """A text without accents and capitals."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


@lru_cache(maxsize=1)
def _folded_labels() -> tuple[list[str], list[str]]:
    trades = [fold(f"{row['code']} {row['libelle']}") for row in lists.rows("metiers")]
    return trades, [fold(appellation.libelle) for appellation in lists.appellations()]


@lru_cache(maxsize=256)
def _mot(mot: str) -> Criterion:
    """A word is looked for in the trade's code and label and in the title."""
    trades, titles = _folded_labels()
    word = fold(mot)
    return [
        ("rome", np.array([word in label for label in trades])),
        ("appellation", np.array([word in label for label in titles])),
    ]


def _flags(query: Query) -> list[Criterion]:
    """The boolean criteria: true keeps the offers that have the quality, false those without."""
    found: list[Criterion] = []
    for wanted, bit in (
        (query.accessible_th, ACCESSIBLE_TH),
        (query.mrs, MRS),
        (query.manque_candidats, MANQUE_CANDIDATS),
    ):
        if wanted is not None:
            found.append([("flags", ((_BYTE & bit) > 0) == wanted)])
    # These two are alternatives to each other.
    either: Criterion = [
        ("flags", ((_BYTE & bit) > 0) == wanted)
        for wanted, bit in ((query.adaptees, ENTREPRISE_ADAPTEE), (query.handi, HANDI_ENGAGE))
        if wanted is not None
    ]
    return [*found, either] if either else found


def _partners(query: Query) -> Criterion:
    """Partners included or excluded; France Travail's own offers stay unless origineOffre says otherwise."""
    table = np.isin(_BYTE, [codes.PARTNER_CODES.index(code) for code in query.partenaires if code in codes.PARTNERS])
    if query.partenaires_exclus:
        table = ~table
    own = np.zeros(PROFIL_SHAPE, dtype=np.bool_)
    own[:2] = True
    return [("profil", own.ravel()), ("partner", table)]
