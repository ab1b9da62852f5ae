"""A question about an indicator, and the SQL that answers it. Pure.

Rows of the present come from `offres_placees`. Those of the past come from `vie_offre`, a row a content and a stay,
placed likewise; a content that is no longer published has lost its commune but not its département, which is taken from
there. So figures of the past by commune or EPCI, which only counts can be, come from `agregats_jour`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from moisson.errors import UsageError
from moisson.store.indicators.axes import GRANDS_DOMAINES, Axe, Sorte
from moisson.store.indicators.definitions import Indicateur
from moisson.territory.placing import PLACED, placing_sql

__all__ = ["NIGHTS", "Question", "figures", "rows", "statement"]

_FINE = {"commune", "epci"}
_CODES = {
    "region": re.compile(r"\d{2,3}"),
    "departement": re.compile(r"\d{2,3}|2[AB]"),
    "metier": re.compile(r"[A-N](\d{2}(\d{2})?)?"),
    "contrat": re.compile(r"[A-Z]{3}"),
}


@dataclass(frozen=True)
class Question:
    """An indicator, what it is told by, and of which offers.

    Attributes:
        indicateur: which.
        axes: what it is told by, at most one of each sort.
        distinct: of each job that several partners publish, one offer.
        region, departement: code of the territory that is looked at; None: all.
        metier: beginning of a ROME code: M, M18, M1805; None: all.
        contrat: code of a contract: CDI; None: all.

    Raises:
        UsageError: these do not go together, or a code is none.
    """

    indicateur: Indicateur
    axes: tuple[Axe, ...] = ()
    distinct: bool = False
    region: str | None = None
    departement: str | None = None
    metier: str | None = None
    contrat: str | None = None

    def __post_init__(self) -> None:
        for nom, pattern in _CODES.items():
            code = getattr(self, nom)
            if code is not None and not pattern.fullmatch(code):
                raise UsageError(f"{code} is no code of a {nom}", todo="As in: 84, 74, M1805, CDI.")
        nom = self.indicateur.nom
        if self.distinct and self.past:
            present = self.indicateur.fonds == "etat"
            raise UsageError(
                f"{nom} cannot be told without duplicates{f' by {self.periode.nom}' if self.periode else ''}: what is "
                "published twice is known of the offers online now only",
                todo=f"Leave --distinct out{', or the period: the present can be told' if present else ''}.",
            )
        if self.by_day and not self.indicateur.jour:
            raise UsageError(
                f"{nom} of the past is not known by {', '.join(_FINE & {axe.nom for axe in self.axes})}: withdrawn "
                "offers lose their commune",
                todo="Ask by departement or region, or leave the period out.",
            )

    def axe(self, sorte: Sorte) -> Axe | None:
        """The axis of this sort, if it is asked."""
        return next((axe for axe in self.axes if axe.sorte == sorte), None)

    @property
    def territoire(self) -> Axe | None:
        """The territory that it is told by."""
        return self.axe("territoire")

    @property
    def periode(self) -> Axe | None:
        """The period that it is told by."""
        return self.axe("periode")

    @property
    def past(self) -> bool:
        """Whether offers that are gone enter it."""
        return self.indicateur.fonds != "etat" or self.periode is not None

    @property
    def by_day(self) -> bool:
        """Whether it is told from the counts by day."""
        return self.past and self.territoire is not None and self.territoire.nom in _FINE

    @property
    def complete(self) -> bool:
        """Whether what had no offer gets a row too: territories and periods, but not days by commune and the like."""
        return {axe.sorte for axe in self.axes} <= {"territoire", "periode"} and not (self.by_day and self.periode)


_PASSAGES = """
passages AS (
    SELECT collecte, instant, row_number() OVER (ORDER BY instant) AS rang
    FROM collectes
    WHERE verdict IN ('prouvee', 'non prouvee') AND instant >= (SELECT min(premiere_vue) FROM presence)
)"""
"""The runs of which history is kept, in their order."""

NIGHTS = (
    f"WITH {_PASSAGES} SELECT count(DISTINCT instant::DATE) AS nuits, min(instant) AS debut, max(instant) AS fin "
    "FROM passages"
)
"""How many days have a run, and the first and last run."""


_PAY = {"salaire_lu": "salaire_lu", "salaire": "(salaire_annuel_min + salaire_annuel_max) / 2"}
"""The columns of the pay, only when they are needed: contents of an older store do not have them."""


def _read(pay: Mapping[str, str]) -> str:
    return "".join(f", {calcul} AS {nom}" for nom, calcul in pay.items())


_EXPECTED = {"day": "1", "week": "7", "month": "date_diff('day', periode, periode + INTERVAL 1 MONTH)"}


def statement(question: Question, tables: Collection[str]) -> str:
    """A SELECT of the figures: for each axis its code and `<axis>_nom`, then `population` (rates), `valeur`, `n`,
    and of periods `nuits` and `nuits_attendues`. Nothing is hidden nor rounded yet, and they are in no order.

    Args:
        question: what is asked.
        tables: those that there are; names of domains and contracts come from code lists that may be missing.
    """
    return f"WITH {', '.join(rows([question]))} SELECT * FROM ({figures(question, tables)})"


def rows(questions: Sequence[Question]) -> list[str]:
    """The tables of a WITH that questions are answered from.

    Args:
        questions: they differ in their indicators only, and these are over the same rows (`Fonds`).
    """
    question = questions[0]
    pay = _PAY if any(one.indicateur.paie for one in questions) else {}
    with_: list[str] = []
    if question.past:
        with_ += [_PASSAGES, _periods(question)]
    with_.append(_populations(question))
    if question.by_day:
        with_.append(_counted(question))
    elif question.past:
        with_ += _lives(pay)
        with_.append(_past(question, pay))
    else:
        with_.append(_present(question, pay))
    return with_


def figures(question: Question, tables: Collection[str]) -> str:
    """The SELECT of `statement`, from the tables of `rows`."""
    return f"WITH {', '.join(_groups(question))} {_labelled(question, tables)}"


# --- what is counted --------------------------------------------------------------------------------------------------


def _within(question: Question) -> str:
    """The condition on the place."""
    wanted = [f"{nom} = '{code}'" for nom in ("region", "departement") if (code := getattr(question, nom))]
    return " AND ".join(wanted) or "true"


def _chosen(question: Question, rome: str = "rome_code") -> str:
    """The condition on a row."""
    wanted = [_within(question)]
    if question.metier:
        wanted.append(f"starts_with({rome}, '{question.metier}')")
    if question.contrat:
        wanted.append(f"type_contrat = '{question.contrat}'")
    return " AND ".join(wanted)


def _columns(question: Question) -> str:
    """The axes but the period, each under its name."""
    return "".join(f"{axe.colonne} AS {axe.nom}__code, " for axe in question.axes if axe.sorte != "periode")


def _present(question: Question, pay: Mapping[str, str]) -> str:
    distinct = "AND id IN (SELECT id FROM offres_distinctes)" if question.distinct else ""
    return f"""
fonds AS (
    SELECT {_columns(question)} 1 AS poids, coalesce(nombre_postes, 1) AS postes, type_contrat,
        origine_offre.origine AS origine{_read(pay)}
    FROM offres_placees WHERE {_chosen(question)} {distinct}
)"""


def _lives(pay: Mapping[str, str]) -> list[str]:
    return [
        f"""
vies AS (
    SELECT id, du, au, premiere_vue, retiree, rome_code, type_contrat, coalesce(nombre_postes, 1) AS postes,
        origine_offre.origine AS origine{_read(pay)}, lieu_travail, departement AS garde
    FROM vie_offre
)""",
        f"placees AS ({placing_sql('vies')})",
        f"""
lieux_connus AS (
    SELECT p.* EXCLUDE ({", ".join(PLACED)}), p.commune, p.epci, coalesce(p.departement, d.code) AS departement,
        coalesce(p.region, d.region) AS region
    FROM placees AS p LEFT JOIN departements AS d ON d.code = p.garde
)""",
    ]


def _past(question: Question, pay: Mapping[str, str]) -> str:
    fonds, periode = question.indicateur.fonds, question.periode
    when = "p.periode, " if periode is not None else ""
    columns = f"{_columns(question)}{when}{', '.join(['1 AS poids', 'postes', 'type_contrat', 'origine', *pay])}"
    if fonds == "etat":
        rows = "lieux_connus JOIN periodes AS p ON du <= p.fin AND (au IS NULL OR au > p.fin)"
        return f"fonds AS (SELECT {columns} FROM {rows} WHERE {_chosen(question)})"
    first = "(SELECT min(instant) FROM passages)"
    last = "(SELECT max(instant) FROM passages)"
    which = {
        "arrivees": f"du = premiere_vue AND premiere_vue > {first}",
        "departs": "au = retiree",
        "durees": f"au IS NOT DISTINCT FROM retiree AND premiere_vue > {first}",
    }[fonds]
    more = ""
    if fonds == "durees":
        seconds = f"date_diff('second', premiere_vue, coalesce(retiree, {last}))"
        more = f", round({seconds} / 86400.0)::BIGINT AS jours, (retiree IS NOT NULL)::INT AS fini"
    rows = "lieux_connus"
    if periode is not None:
        dated = "retiree" if fonds == "departs" else "premiere_vue"
        rows += f" JOIN periodes AS p ON p.periode = date_trunc('{periode.mot}', {dated})::DATE"
    return f"fonds AS (SELECT {columns}{more} FROM {rows} WHERE {which} AND {_chosen(question)})"


def _counted(question: Question) -> str:
    """From the counts by day, whose keys are what the API says of place, trade and contract."""
    fonds, periode = question.indicateur.fonds, question.periode
    keys = [f"{axe.nom}__code" for axe in question.axes if axe.sorte != "periode"]
    placed = f"""
    SELECT {_columns(question)} a.jour, a.collecte, a.variation, a.variation_postes, a.nouvelles, a.retirees
    FROM (SELECT * RENAME (code_rome AS rome_code, commune AS commune_api) FROM agregats_jour) AS a
    LEFT JOIN lieux.codes AS c ON c.code = a.commune_api
    WHERE {_chosen(question)}"""
    when = ["p.periode"] if periode is not None else []
    grouped = ", ".join([*keys, *when])
    if fonds == "etat":
        sums = "sum(variation) AS poids, sum(variation_postes) AS postes"
        rows = "d JOIN periodes AS p ON d.jour <= p.fin::DATE"
        kept = "true"
    else:
        counted = "nouvelles" if fonds == "arrivees" else "retirees"
        sums = f"sum({counted}) AS poids, 0 AS postes"
        rows = "d"
        if periode is not None:
            rows += f" JOIN periodes AS p ON p.periode = date_trunc('{periode.mot}', d.jour)::DATE"
        kept = "d.collecte IS DISTINCT FROM (SELECT collecte FROM passages WHERE rang = 1)"
    return f"""
fonds AS (
    WITH d AS ({placed})
    SELECT {grouped}, {sums} FROM {rows} WHERE {kept} GROUP BY {grouped} HAVING poids <> 0
)"""


def _periods(question: Question) -> str:
    """Periods in which a run was, and the last of it; changes have none before the second run."""
    periode = question.periode
    if periode is None:
        return "periodes AS (SELECT max(instant) AS fin FROM passages)"
    kept = "true" if question.indicateur.fonds == "etat" else "rang > 1"
    return f"""
periodes AS (
    SELECT *, {_EXPECTED[periode.mot]} AS nuits_attendues FROM (
        SELECT date_trunc('{periode.mot}', instant)::DATE AS periode, max(instant) AS fin,
            count(DISTINCT instant::DATE) AS nuits
        FROM passages WHERE {kept} GROUP BY ALL
    )
)"""


def _populations(question: Question) -> str:
    """Inhabitants of each territory, as far as it lies in what is looked at."""
    territoire = question.territoire
    code = territoire.colonne if territoire is not None else "NULL"
    return f"""
populations AS (
    SELECT {code} AS code, nullif(sum(population), 0)::BIGINT AS population
    FROM (SELECT *, code AS commune FROM communes) WHERE {_within(question)} GROUP BY ALL
)"""


# --- figures ----------------------------------------------------------------------------------------------------------


def _keys(question: Question) -> list[str]:
    return ["periode" if axe.sorte == "periode" else f"{axe.nom}__code" for axe in question.axes]


def _groups(question: Question) -> list[str]:
    found, keys = question.indicateur, _keys(question)
    by = ", ".join(keys)
    grouped = f"GROUP BY {by}" if keys else ""
    listed = f"{by}, " if keys else ""
    if found.fonds == "durees":
        groups = _survival(by, listed, grouped)
    else:
        rows = "fonds"
        if found.genre == "taux":
            rows = f"fonds LEFT JOIN populations ON {_same_territory(question, 'fonds')}"
        groups = [f"groupes AS (SELECT {listed}{found.calcul} AS valeur, {found.n} AS n FROM {rows} {grouped})"]
    if not (keys and question.complete):
        return groups
    parts = []
    if question.territoire is not None:
        parts.append(f"(SELECT code AS {question.territoire.nom}__code FROM populations WHERE code IS NOT NULL)")
    if question.periode is not None:
        parts.append("(SELECT periode FROM periodes)")
    codes = [f"g.{key} IS NOT DISTINCT FROM t.{key}" for key in keys]
    shown = ", ".join(f"coalesce(g.{key}, t.{key}) AS {key}" for key in keys)
    return [
        *groups,
        f"""
complets AS (
    SELECT {shown}, g.valeur, coalesce(g.n, 0) AS n
    FROM groupes AS g FULL JOIN (SELECT * FROM {" CROSS JOIN ".join(parts)}) AS t ON {" AND ".join(codes)}
)""",
    ]


def _survival(by: str, listed: str, grouped: str) -> list[str]:
    """The median as Kaplan and Meier estimate it: null while more than half are still there."""
    partition = f"PARTITION BY {by}" if by else ""
    return [
        f"""
sorties AS (
    SELECT {listed}jours, sum(fini) AS finies, sum(poids) AS toutes FROM fonds GROUP BY {listed}jours
)""",
        f"""
risques AS (
    SELECT *, sum(toutes) OVER ({partition} ORDER BY jours DESC) AS restantes FROM sorties
)""",
        # The product over the days, as a sum of logarithms; where all go on one day, nothing stays.
        f"""
survies AS (
    SELECT *, exp(sum(if(finies = restantes, -1e9, ln(1 - finies / restantes))) OVER ({partition} ORDER BY jours))
        AS survie
    FROM risques
)""",
        f"""
groupes AS (
    SELECT {listed}min(jours) FILTER (survie <= 0.5 + 1e-9) AS valeur, sum(toutes) AS n FROM survies {grouped}
)""",
    ]


def _same_territory(question: Question, table: str) -> str:
    territoire = question.territoire
    return f"populations.code = {table}.{territoire.nom}__code" if territoire is not None else "true"


def _names(axe: Axe, tables: Collection[str]) -> str:
    """A table of the codes and names of an axis."""
    if axe.nom == "grand_domaine":
        quoted = (f"('{code}', '{nom.replace(chr(39), chr(39) * 2)}')" for code, nom in GRANDS_DOMAINES.items())
        return f"(VALUES {', '.join(quoted)}) AS t(code, nom)"
    if axe.nom == "rome":
        return "(SELECT rome_code AS code, any_value(rome_libelle) AS nom FROM offres GROUP BY ALL)"
    if axe.nom in _LISTS:
        return f"(SELECT code, libelle AS nom FROM {_LISTS[axe.nom]})" if _LISTS[axe.nom] in tables else _NO_NAMES
    return _TERRITORIES[axe.nom]


_TERRITORIES = {"region": "regions", "departement": "departements", "epci": "epci", "commune": "communes"}
_LISTS = {"domaine": "domaines", "contrat": "types_contrats"}
_NO_NAMES = "(SELECT NULL::VARCHAR AS code, NULL::VARCHAR AS nom)"


def _labelled(question: Question, tables: Collection[str]) -> str:
    """The figures with names beside the codes, and what travels with them."""
    keys = _keys(question)
    groups = "complets" if keys and question.complete else "groupes"
    shown, joins = [], []
    for axe in question.axes:
        if axe.sorte == "periode":
            shown.append(f"g.periode AS {axe.nom}")
            continue
        shown.append(f"g.{axe.nom}__code AS {axe.nom}")
        shown.append(f"{axe.nom}__noms.nom AS {axe.nom}_nom")
        joins.append(
            f"LEFT JOIN (SELECT code, nom FROM {_names(axe, tables)}) AS {axe.nom}__noms "
            f"ON {axe.nom}__noms.code = g.{axe.nom}__code"
        )
    if question.indicateur.genre == "taux":
        shown.append("populations.population")
        joins.append(f"LEFT JOIN populations ON {_same_territory(question, 'g')}")
    shown += ["g.valeur::DOUBLE AS valeur", "g.n::BIGINT AS n"]
    if question.periode is not None:
        shown += ["periodes.nuits::BIGINT AS nuits", "periodes.nuits_attendues::BIGINT AS nuits_attendues"]
        joins.append("LEFT JOIN periodes ON periodes.periode = g.periode")
    return f"SELECT {', '.join(shown)} FROM {groups} AS g {' '.join(joins)}"
