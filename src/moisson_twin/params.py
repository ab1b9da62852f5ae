"""From the query string of a search to a checked :class:`Query`, or the message with which the service refuses it.

Unknown names are ignored, as the service does: a typo searches the whole country. Known messages are quoted word for
word; the others follow their pattern. An empty value counts as absent.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from moisson_twin import lists
from moisson_twin.instants import parse_bound
from moisson_twin.places import geography
from moisson_twin.settings import Settings

DAY_MS: Final = 86_400_000
GRANDS_DOMAINES: Final = (
    "A", "B", "C", "C15", "D", "E", "F", "G", "H", "I", "J", "K", "L", "L14", "M", "M13", "M14", "M15", "M16", "M17",
    "M18", "N",
)  # fmt: skip
_RANGE: Final = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)
_WORD: Final = re.compile(r"[\w @#$%^&+./\"'-]{2,}")
_HHMM: Final = re.compile(r"\d{1,4}", re.ASCII)
_DATES_TOGETHER: Final = (
    "Les paramètres minCreationDate et maxCreationDate sont dépendants et doivent être renseignés ensemble."
)
#: Hours in a month of pay, by period: what turns a pay into a monthly one.
_PERIODS: Final = {"M": 1.0, "A": 1 / 12, "H": 151.67, "C": 1.0}


class BadRequestError(ValueError):
    """The service answers 400; the text is its message."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search. None, or an empty set, means that the criterion was not given."""

    first: int
    last: int
    sort: int = 0
    #: Creation instants, true UTC, the second one excluded.
    created_ms: tuple[int, int] | None = None
    origine: int | None = None
    experience: int | None = None
    exigence: str | None = None
    qualification: str | None = None
    #: Contract types and natures are alternatives to each other.
    types: frozenset[str] = frozenset()
    natures: frozenset[str] = frozenset()
    duree: int | None = None
    #: ROME codes or prefixes of them, each group a criterion of its own.
    rome: tuple[frozenset[str], ...] = ()
    appellation: str | None = None
    theme: str | None = None
    #: NAF codes or prefixes of them.
    naf: tuple[frozenset[str], ...] = ()
    communes: tuple[str, ...] = ()
    distance_km: int = 10
    #: Places by département: each group is a criterion of its own.
    departements: tuple[frozenset[str], ...] = ()
    pays: str | None = None
    niveau: str | None = None
    permis: str | None = None
    mots: tuple[str, ...] = ()
    salary_min_eur: float | None = None
    week_min: tuple[int, int] | None = None
    length_days: tuple[float, float] | None = None
    temps_plein: bool | None = None
    accessible_th: bool | None = None
    mrs: bool | None = None
    manque_candidats: bool | None = None
    adaptees: bool | None = None
    handi: bool | None = None
    partenaires: frozenset[str] = frozenset()
    partenaires_exclus: bool = False


def parse(pairs: Iterable[tuple[str, str]], settings: Settings, now_ms: int) -> Query:
    """Check a search.

    Args:
        pairs: decoded names and values, in order; of a name given twice the first value counts.
        now_ms: the service's present, for ``publieeDepuis`` and for refusing a future bound.

    Raises:
        BadRequestError: with the service's message.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if value:
            given.setdefault(name, value)
    first, last = _range(given.get("range"), settings)
    boolean = {name: _boolean(given, name) for name in _BOOLEANS}
    week_min = _bounds(given, "dureeHebdoMin", "dureeHebdoMax", _hhmm, 99 * 60)
    length = _bounds(given, "dureeContratMin", "dureeContratMax", _months, 99.0)
    mode = _choice(given, "modeSelectionPartenaires", ("INCLUS", "EXCLU"))
    experience = _choice(given, "experience", ("0", "1", "2", "3", "4"))
    origine = _choice(given, "origineOffre", ("1", "2"))
    duree = _choice(given, "dureeHebdo", ("0", "1", "2"))
    qualifications = ("0", "9", "X") if settings.qualification_x else ("0", "9")
    return Query(
        first=first,
        last=last,
        sort=int(_choice(given, "sort", ("0", "1", "2")) or 0),
        created_ms=_created(given, settings, now_ms),
        origine=int(origine) if origine else None,
        experience=int(experience) if experience else None,
        exigence=_choice(given, "experienceExigence", ("D", "E", "S")),
        qualification=_choice(given, "qualification", qualifications),
        types=frozenset(_codes(given, "typeContrat", lists.codes("typesContrats"), 10)),
        natures=frozenset(_codes(given, "natureContrat", lists.codes("naturesContrats"), 20)),
        duree=int(duree) if duree else None,
        rome=tuple(frozenset(group) for group in _rome_groups(given) if group),
        appellation=next(iter(_codes(given, "appellation", _appellation_codes(), 1)), None),
        theme=next(iter(_codes(given, "theme", lists.codes("themes"), 1)), None),
        naf=tuple(
            frozenset(group)
            for group in (
                _codes(given, "secteurActivite", lists.codes("secteursActivites"), 2),
                _codes(given, "codeNAF", lists.codes("nafs"), 2),
            )
            if group
        ),
        communes=_codes(given, "commune", geography().commune_index, 5, "communes"),
        distance_km=_distance(given),
        departements=tuple(_departements(given)),
        pays=next(iter(_codes(given, "paysContinent", _country_codes(), 1)), None),
        niveau=next(iter(_codes(given, "niveauFormation", lists.codes("niveauxFormations"), 1)), None),
        permis=next(iter(_codes(given, "permis", lists.codes("permis"), 1)), None),
        mots=_mots(given),
        salary_min_eur=_salary(given),
        week_min=None if week_min is None else (int(week_min[0]), int(week_min[1])),
        length_days=None if length is None else (length[0] * 30, length[1] * 30),
        temps_plein=boolean["tempsPlein"],
        accessible_th=boolean["accesTravailleurHandicape"],
        mrs=boolean["offresMRS"],
        manque_candidats=boolean["offresManqueCandidats"],
        adaptees=boolean["entreprisesAdaptees"],
        handi=boolean["employeursHandiEngages"],
        partenaires=frozenset(given["partenaires"].split(",")) if "partenaires" in given else frozenset(),
        partenaires_exclus=mode == "EXCLU",
    )


@cache
def _country_codes() -> frozenset[str]:
    return frozenset(lists.codes("pays") | lists.codes("continents"))


_BOOLEANS: Final = (
    "tempsPlein", "accesTravailleurHandicape", "offresMRS", "offresManqueCandidats", "entreprisesAdaptees",
    "employeursHandiEngages",
)  # fmt: skip


def _format_error(name: str, expected: str = "") -> BadRequestError:
    return BadRequestError(f"Format du paramètre « {name} » incorrect." + (f" {expected} attendu." if expected else ""))


def _value_error(name: str) -> BadRequestError:
    return BadRequestError(f"Valeur du paramètre « {name} » incorrecte.")


def _range(text: str | None, settings: Settings) -> tuple[int, int]:
    if text is None:
        return 0, settings.page_size - 1
    match = _RANGE.fullmatch(text)
    if match is None or int(match[2]) < int(match[1]):
        raise _format_error("range", "<entier>-<entier>")
    first, last = int(match[1]), int(match[2])
    if first > settings.start_max:
        raise BadRequestError(f"La position de début doit être inférieure ou égale à {settings.start_max}.")
    # With first <= start_max, a last row beyond the depth always spans more than a page.
    if last - first + 1 > settings.page_size:
        raise BadRequestError("La plage de résultats demandée est trop importante.")
    return first, last


def _created(given: Mapping[str, str], settings: Settings, now_ms: int) -> tuple[int, int] | None:
    low, high = -(2**62), 2**62
    lower, upper = given.get("minCreationDate"), given.get("maxCreationDate")
    if (lower is None) != (upper is None):
        raise BadRequestError(_DATES_TOGETHER)
    if lower is not None and upper is not None:
        parsed = parse_bound(lower, settings.filter_clock)
        if parsed is None:
            raise _format_error("minCreationDate")
        low = parsed + (settings.bound_min == "exclusive")
        parsed = parse_bound(upper, settings.filter_clock)
        if parsed is None:
            raise _format_error("maxCreationDate")
        if settings.refuse_future and parsed > now_ms:
            raise _value_error("maxCreationDate")
        high = parsed + {"inclusive": 1, "exclusive": 0, "whole_second": 1000}[settings.bound_max]
    days = _choice(given, "publieeDepuis", ("1", "3", "7", "14", "31"))
    if days:
        low = max(low, now_ms - int(days) * DAY_MS)
    return (low, high) if days or lower is not None else None


def _choice(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = given.get(name)
    if value is None or value in allowed:
        return value
    raise _format_error(name, ", ".join(allowed[:-1]) + " ou " + allowed[-1])


def _boolean(given: Mapping[str, str], name: str) -> bool | None:
    value = given.get(name)
    if value is None:
        return None
    if value.lower() not in ("true", "false"):
        raise _format_error(name, "Booléen")
    return value.lower() == "true"


def _codes(
    given: Mapping[str, str], name: str, known: Iterable[str], most: int, plural: str | None = None
) -> tuple[str, ...]:
    value = given.get(name)
    if value is None:
        return ()
    values = tuple(dict.fromkeys(value.split(",")))
    if len(values) > most:
        if plural is None:
            raise _value_error(name)
        raise BadRequestError(f"Le nombre de {plural} maximum autorisé pour la recherche est de {most}")
    if not all(item in known for item in values):
        raise _value_error(name)
    return values


def _rome_groups(given: Mapping[str, str]) -> Iterable[tuple[str, ...]]:
    yield _codes(given, "codeROME", lists.codes("metiers"), 200)
    yield _codes(given, "domaine", lists.codes("domaines"), 1)
    grand = given.get("grandDomaine")
    if grand is not None:
        if grand not in GRANDS_DOMAINES:
            raise _format_error("grandDomaine", "A, B, C, C15, D, ... ou N")
        yield (grand,)


@cache
def _appellation_codes() -> frozenset[str]:
    return frozenset(appellation.code for appellation in lists.appellations())


def _departements(given: Mapping[str, str]) -> Iterable[frozenset[str]]:
    geo = geography()
    asked = _codes(given, "departement", geo.departement_index, 5, "départements")
    if asked:
        if _boolean(given, "inclureLimitrophes"):
            asked = tuple(set(asked).union(*(geo.neighbours(code) for code in asked)))
        yield frozenset(asked)
    elif "inclureLimitrophes" in given:
        _boolean(given, "inclureLimitrophes")
    region = _codes(given, "region", lists.codes("regions"), 1)
    if region:
        yield frozenset(code for code in geo.departements if geo.region_of[code] == region[0])


def _distance(given: Mapping[str, str]) -> int:
    value = given.get("distance")
    if value is None:
        return 10
    if not re.fullmatch(r"\d{1,5}", value, re.ASCII):
        raise _format_error("distance", "Entier")
    return int(value)


def _mots(given: Mapping[str, str]) -> tuple[str, ...]:
    value = given.get("motsCles")
    if value is None:
        return ()
    words = tuple(word.strip() for word in value.split(","))
    if len(words) > 7 or not all(_WORD.fullmatch(word) for word in words):
        raise BadRequestError(
            "Format du paramètre « motsCles » incorrect. "
            "7 mots-clé au maximum séparés par des virgules et d'au moins 2 caractères."
        )
    return words


def _salary(given: Mapping[str, str]) -> float | None:
    period = _choice(given, "periodeSalaire", tuple(_PERIODS))
    amount = given.get("salaireMin")
    if (amount is None) != (period is None):
        raise BadRequestError(
            "Les paramètres salaireMin et periodeSalaire sont dépendants et doivent être renseignés ensemble."
        )
    if amount is None or period is None:
        return None
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", amount, re.ASCII):
        raise _format_error("salaireMin", "Nombre")
    return float(amount) * _PERIODS[period]


def _hhmm(name: str, text: str) -> float:
    if not _HHMM.fullmatch(text):
        raise _format_error(name, "HHMM")
    return int(text) // 100 * 60 + int(text) % 100


def _months(name: str, text: str) -> float:
    if not re.fullmatch(r"\d{1,2}(\.\d{1,6})?", text, re.ASCII) or float(text) > 99:
        raise _format_error(name, "Nombre de 0 à 99")
    return float(text)


def _bounds(
    given: Mapping[str, str], low: str, high: str, read: Callable[[str, str], float], most: float
) -> tuple[float, float] | None:
    if low not in given and high not in given:
        return None
    return (read(low, given[low]) if low in given else 0.0, read(high, given[high]) if high in given else most)
