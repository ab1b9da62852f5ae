"""Drawing offers at random: who publishes them, for what job, where, under which contract.

All frequencies are national ones (see :mod:`moisson_twin.codes`) or those of recorded offers, apart for own and
partners' offers. Creation instants are drawn in :mod:`moisson_twin.rhythm`.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moisson_twin import codes, lists
from moisson_twin.columns import (
    ACCESSIBLE_TH,
    COORDONNEES,
    ENTREPRISE_ADAPTEE,
    EXPERIENCE_SOUHAITEE,
    HANDI_ENGAGE,
    HORS_COMMUNE,
    MANQUE_CANDIDATS,
    MRS,
    Values,
    pack,
)
from moisson_twin.places import AGGREGATES, geography

Weights = NDArray[np.float64]
#: Share of the offers with a commune of Paris that no search by commune finds: 9,709 of the 13,295 of its département
#: were found one day of August 2026. Nobody counted elsewhere, nor said which these are.
_PARIS_OUT_OF_REACH = 0.245
#: Share of the national stock that is France Travail's own, with which the national figures are split in two.
_OWN_SHARE = 0.35


def _pick(rng: np.random.Generator, weights: Weights, count: int) -> NDArray[np.int64]:
    """Indices drawn with the given weights."""
    bounds = np.cumsum(weights)
    picked: NDArray[np.int64] = np.searchsorted(bounds, rng.random(count) * bounds[-1], side="right")
    return np.minimum(picked, len(weights) - 1)


def _rest(national: Weights, own: Weights) -> Weights:
    """The partners' frequencies, given the national and own ones."""
    rest: Weights = np.maximum(national / national.sum() - _OWN_SHARE * own / own.sum(), 0.0)
    return rest


class Frequencies:
    """Every weight table, own offers' at index 1 and partners' at index 0."""

    def __init__(self, seed: int) -> None:
        national = np.array(list(codes.TYPES.values()), dtype=float)
        own = np.array([codes.TYPES_OWN.get(code, 0.0) for code in codes.TYPE_CODES])
        self.type = (_rest(national, own), own)
        experience = np.array(codes.EXPERIENCE, dtype=float)
        own_experience = np.array(codes.EXPERIENCE_OWN)
        self.experience = (_rest(experience, own_experience), own_experience)
        given = sum(codes.QUALIFICATION[:2]) / sum(codes.QUALIFICATION)
        #: Share of offers with a qualification: all own ones, and partners to make up the national figure.
        self.qualified = ((given - _OWN_SHARE) / (1 - _OWN_SHARE), 1.0)
        self.cadre = codes.QUALIFICATION[1] / sum(codes.QUALIFICATION[:2])
        self.nature = {code: _nature_weights(code) for code in codes.TYPE_CODES}
        self.commune = _commune_weights()
        self.departement = np.bincount(geography().commune_departement, weights=self.commune)
        self.partner = np.array(list(codes.PARTNERS.values()), dtype=float)
        # Which trades are common differs from world to world, how unequal they are does not.
        rng = np.random.default_rng([seed, 7])
        trades = len(lists.rows("metiers"))
        self.rome = rng.permutation(1.0 / (np.arange(trades) + 8.0))
        self.titles, self.title_start, self.title_count = _titles()


@cache
def _titles() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The appellations of each trade: their indices end to end, where each trade's begin, and how many it has."""
    by_rome: dict[str, list[int]] = {}
    for index, appellation in enumerate(lists.appellations()):
        by_rome.setdefault(appellation.rome, []).append(index)
    spare = by_rome.get("", [0])
    groups = [by_rome.get(row["code"], spare)[:40] for row in lists.rows("metiers")]
    sizes = np.array([len(group) for group in groups])
    return np.concatenate([np.array(group) for group in groups]), np.cumsum(sizes) - sizes, sizes


def _nature_weights(type_code: str) -> Weights:
    natures = codes.NATURES_OF_TYPE.get(type_code, {})
    weights = np.array([natures.get(code, 0) for code in codes.NATURE_CODES], dtype=float)
    weights[codes.NATURE_CODES.index("E1")] = max(0, codes.TYPES[type_code] - weights.sum())
    return weights


@cache
def _commune_weights() -> Weights:
    """More people, more offers; a town's arrondissements share most of its offers, the rest name only the town."""
    geo = geography()
    weights = np.array([commune.population for commune in geo.communes], dtype=float)
    for whole in AGGREGATES:
        weights[geo.commune_index[whole]] *= 0.15
    return weights


def draw(rng: np.random.Generator, frequencies: Frequencies, own: NDArray[np.bool_]) -> Values:
    """Columns of new offers, one per element of ``own``, without instants, offer and number.

    Args:
        own: for each offer, whether it is France Travail's own (else a partner's).
    """
    count = len(own)
    values: Values = {}
    type_ = _by_origin(rng, own, frequencies.type)
    experience = _by_origin(rng, own, frequencies.experience)
    nature = np.zeros(count, dtype=np.int64)
    for index, code in enumerate(codes.TYPE_CODES):
        of_type = np.flatnonzero(type_ == index)
        nature[of_type] = _pick(rng, frequencies.nature[code], len(of_type))
    qualified = rng.random(count) < np.where(own, *frequencies.qualified[::-1])
    cadre = rng.random(count) < frequencies.cadre
    non_cadre = 1 + _pick(rng, np.array(codes.QUALIFICATION_WEIGHTS, dtype=float), count)
    values["qualification"] = np.where(qualified, np.where(cadre, 9, non_cadre), 0)
    qualification = np.where(qualified, cadre.astype(int), 2)
    timed = rng.random(count) < np.where(own, 0.99, 0.06)
    part_time = rng.random(count) < 0.14
    duree = np.where(timed, 1 + part_time, 0)
    bloc = np.where(own, 0, 2) + (rng.random(count) < 0.3)
    values["profil"] = pack(bloc, type_, experience, qualification, nature, duree)

    hours = np.where(part_time, rng.integers(3, 31, count), rng.choice([35, 35, 35, 35, 39, 37, 40, 38], count))
    values["week_min"] = np.where(timed, hours * 60, 0)
    month = _pick(rng, np.array([0, 12, 6, 14, 9, 8, 16, 1, 2, 4, 1, 1, 12, *[0.4] * 5, 14, *[0.2] * 5, 3.0]), count)
    length = np.where(rng.random(count) < 0.1, rng.integers(1, 32, count), month * 30)
    limited = np.isin(type_, [codes.TYPE_CODES.index(c) for c in ("CDD", "MIS", "SAI", "DDI", "TTI", "DDT")])
    values["length_days"] = np.where(limited, length, 0)

    values["rome"] = _pick(rng, frequencies.rome, count)
    start, size = frequencies.title_start[values["rome"]], frequencies.title_count[values["rome"]]
    values["appellation"] = frequencies.titles[start + (rng.random(count) ** 2 * size).astype(np.int64)]
    _draw_place(rng, frequencies, own, values)
    values["partner"] = _pick(rng, frequencies.partner, count)
    _draw_rest(rng, own, values)
    return values


def _by_origin(rng: np.random.Generator, own: NDArray[np.bool_], weights: tuple[Weights, Weights]) -> NDArray[np.int64]:
    picked = np.zeros(len(own), dtype=np.int64)
    for origin in (False, True):
        where = np.flatnonzero(own == origin)
        picked[where] = _pick(rng, weights[origin], len(where))
    return picked


def _draw_place(rng: np.random.Generator, frequencies: Frequencies, own: NDArray[np.bool_], values: Values) -> None:
    """Most offers have a commune; some only a département; some only "France", or a foreign country."""
    geo = geography()
    count = len(own)
    commune = _pick(rng, frequencies.commune, count)
    departement = geo.commune_departement[commune].astype(np.int64)
    fate = rng.random(count)
    # Of partners' offers 5 % have only their département and 2.9 % not even that; of own offers 0.4 and 0.02 %.
    nowhere = fate < np.where(own, 0.0002, 0.029)
    without = fate < np.where(own, 0.0042, 0.079)
    foreign = nowhere & (rng.random(count) < 0.45)
    values["commune"] = np.where(without, -1, commune)
    values["departement"] = np.where(nowhere, 0, departement)
    abroad = [index for index, row in enumerate(lists.rows("pays"), start=1) if row["libelle"] in _NEAR_COUNTRIES]
    values["pays"] = np.where(foreign, rng.choice(abroad, count), 0)
    # Four tenths of the offers with only a département still have coordinates.
    flags = np.where(~without | (~nowhere & (rng.random(count) < 0.42) & ~own), COORDONNEES, 0)
    # Further digits of the same draw: one more would make other worlds of the same seeds.
    out_of_reach = (departement == geo.departement_index["75"]) & (fate * 1009 % 1 < _PARIS_OUT_OF_REACH)
    values["flags"] = flags | np.where(out_of_reach, HORS_COMMUNE, 0)


_NEAR_COUNTRIES = ("Luxembourg", "Belgique", "Suisse", "Allemagne", "Espagne", "Italie", "Canada", "Monaco", "Irlande")


def _draw_rest(rng: np.random.Generator, own: NDArray[np.bool_], values: Values) -> None:
    count = len(own)

    def chance(own_share: float, partner_share: float) -> NDArray[np.bool_]:
        return rng.random(count) < np.where(own, own_share, partner_share)

    nafs = len(lists.rows("nafs"))
    temping = [row["code"] for row in lists.rows("nafs")].index("78.20Z")
    naf = np.where(chance(0.4, 0.3), temping, rng.integers(0, nafs, count))
    values["naf"] = np.where(chance(1.0, 0.33), naf + 1, 0)
    values["niveau"] = np.where(
        chance(0.22, 0.006), rng.integers(1, len(lists.rows("niveauxFormations")) + 1, count), 0
    )
    values["permis"] = np.where(
        chance(0.21, 0.001), 1 + _pick(rng, np.array([1, 80, 1, 6, 8, 1, 2, 0.3, 0.2]), count), 0
    )
    pay = np.minimum(1802 * np.exp(rng.exponential(0.25, count)), 9000)
    values["salary_eur"] = np.where(chance(0.77, 0.39), pay, 0)
    flags: NDArray[Any] = values["flags"]
    for bit, own_share, partner_share in (
        (ACCESSIBLE_TH, 0.03, 0.02),
        (ENTREPRISE_ADAPTEE, 0.01, 0.001),
        (HANDI_ENGAGE, 0.03, 0.01),
        (MRS, 0.01, 0.0),
        (MANQUE_CANDIDATS, 0.2, 0.0),
        (EXPERIENCE_SOUHAITEE, 0.0, 0.03),
    ):
        flags = flags | np.where(chance(own_share, partner_share), bit, 0)
    values["flags"] = flags
