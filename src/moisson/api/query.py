"""A Question becomes query parameters, and nothing else ever does. Pure.

The API ignores a parameter name that it does not know: a typo would return the whole country with a 206. So the names
come from a closed list, and what the API would ignore, refuse or take for an "or" is refused here, before it costs a
call.
"""

from __future__ import annotations

import difflib
from datetime import UTC, datetime

from moisson.api.contract import (
    DERNIER_MAX,
    FORMAT_BORNE,
    PAGE_MAX,
    PARAMETRES,
    PARAMETRES_EN_OU,
    PARAMETRES_RESERVES,
    PREMIER_MAX,
    TRI_PAR_DATE,
)
from moisson.errors import UsageError
from moisson.model import Critere, Plage, Question

__all__ = ["build_params", "format_borne"]


def build_params(question: Question) -> dict[str, str]:
    """Write a question as the query parameters of GET /v2/offres/search.

    Returns:
        Names and values, not yet percent-encoded, in a fixed order: filters, dates, sort, range.

    Raises:
        UsageError: a name that the API does not have, an empty value, filters that would add up instead of narrowing,
            one bound without the other, or a range outside the limits.

    Source: Offres d'emploi v2, GET /v2/offres/search.
    """
    params = _filtres(question.critere)
    params.update(_bornes(question.debut_s, question.fin_s))
    params["sort"] = TRI_PAR_DATE
    params["range"] = _range(question.plage)
    return params


def format_borne(instant_s: int) -> str:
    """Write a bound, seconds since 1970 on the filter's clock, as the API reads it: 2026-11-23T08:00:00Z.

    Raises:
        UsageError: a year that has not four digits.
    """
    try:
        quand = datetime.fromtimestamp(instant_s, UTC)
    except (OverflowError, OSError, ValueError):
        quand = None
    if quand is None or quand.year < 1000:
        raise UsageError(f"{instant_s} s since 1970 is not a date that the API can be asked for")
    return quand.strftime(FORMAT_BORNE)


def _filtres(critere: Critere) -> dict[str, str]:
    params: dict[str, str] = {}
    for nom, valeur in critere.filtres:
        if nom not in PARAMETRES:
            proches = difflib.get_close_matches(nom, PARAMETRES, n=1)
            raise UsageError(
                f"The API has no search parameter {nom!r}",
                todo="It would be ignored and the whole country returned."
                + (f" Did you mean {proches[0]!r}?" if proches else ""),
            )
        if nom in PARAMETRES_RESERVES:
            raise UsageError(f"{nom!r} is set by the question itself and cannot be a filter")
        if nom in params:
            raise UsageError(f"The filter {nom!r} is given twice", todo="Several values go in one, with commas.")
        if not valeur or valeur != valeur.strip():
            raise UsageError(f"The filter {nom!r} has an empty value, or blanks around it: {valeur!r}")
        params[nom] = valeur
    for paire in PARAMETRES_EN_OU:
        if paire <= params.keys():
            un, autre = sorted(paire)
            raise UsageError(
                f"The filters {un!r} and {autre!r} cannot be combined",
                todo="The API returns the offers that satisfy either of them, not both.",
            )
    return params


def _bornes(debut_s: int | None, fin_s: int | None) -> dict[str, str]:
    if debut_s is None and fin_s is None:
        return {}
    if debut_s is None or fin_s is None:
        raise UsageError("One date bound is given without the other", todo="The API takes both or none.")
    if debut_s > fin_s:
        raise UsageError(f"The bounds are in the wrong order: {format_borne(debut_s)} to {format_borne(fin_s)}")
    return {"minCreationDate": format_borne(debut_s), "maxCreationDate": format_borne(fin_s)}


def _range(plage: Plage) -> str:
    if not 0 <= plage.premier <= plage.dernier:
        raise UsageError(f"Rows {plage} are not a range")
    if plage.premier > PREMIER_MAX or plage.dernier > DERNIER_MAX or len(plage) > PAGE_MAX:
        raise UsageError(
            f"Rows {plage} cannot be asked: at most {PAGE_MAX} rows, the first at most {PREMIER_MAX}, "
            f"the last at most {DERNIER_MAX}"
        )
    return str(plage)
