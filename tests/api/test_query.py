"""A Question becomes query parameters, and what the API would ignore is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.api.contract import PARAMETRES, PARAMETRES_RESERVES
from moisson.api.query import build_params, format_borne
from moisson.errors import UsageError
from moisson.model import Critere, Plage, Question


def question(
    filtres: dict[str, str] | None = None,
    plage: Plage = Plage(0, 149),  # noqa: B008 (frozen)
    debut_s: int | None = None,
    fin_s: int | None = None,
) -> Question:
    """A question, valid unless told otherwise."""
    return Question(1, "essai", plage, Critere.de(filtres or {}), debut_s, fin_s)


def test_a_whole_question() -> None:
    """Filters, dates without milliseconds, newest first, range."""
    asked = question({"natureContrat": "E1,E2", "experience": "4"}, Plage(3000, 3149), 1_763_884_800, 1_763_888_400)
    assert build_params(asked) == {
        "experience": "4",
        "natureContrat": "E1,E2",
        "minCreationDate": "2025-11-23T08:00:00Z",
        "maxCreationDate": "2025-11-23T09:00:00Z",
        "sort": "1",
        "range": "3000-3149",
    }


def test_no_dates_means_none() -> None:
    """Both bounds or neither; and the newest first all the same."""
    assert build_params(question()) == {"sort": "1", "range": "0-149"}


@pytest.mark.parametrize("nom", ["pays", "alternance", "dureeHebdo ", "Experience", "", "size", "paysContinents"])
def test_an_unknown_parameter_is_refused(nom: str) -> None:
    """The API would ignore it and return the whole country."""
    with pytest.raises(UsageError, match="no search parameter"):
        build_params(question({nom: "1"}))


def test_a_typo_is_pointed_out() -> None:
    """The message names the parameter that was probably meant."""
    with pytest.raises(UsageError, match="Did you mean 'dureeHebdo'"):
        build_params(question({"dureeHebdo ": "1"}))


@pytest.mark.parametrize("nom", sorted(PARAMETRES_RESERVES))
def test_what_the_question_sets_is_no_filter(nom: str) -> None:
    """A filter may not replace the range, the order or a bound."""
    with pytest.raises(UsageError, match="set by the question itself"):
        build_params(question({nom: "0"}))


@pytest.mark.parametrize("valeur", ["", " ", "75 ", "\n"])
def test_an_empty_value_is_refused(valeur: str) -> None:
    """An empty filter filters nothing."""
    with pytest.raises(UsageError, match="empty value"):
        build_params(question({"departement": valeur}))


def test_a_filter_given_twice_is_refused() -> None:
    """A Critere made by hand may hold a name twice; only one would be sent."""
    twice = Critere((("departement", "75"), ("departement", "92")))
    with pytest.raises(UsageError, match="given twice"):
        build_params(Question(1, "essai", Plage(0, 149), twice))


@pytest.mark.parametrize("paire", [("typeContrat", "natureContrat"), ("entreprisesAdaptees", "employeursHandiEngages")])
def test_filters_that_add_up_are_not_combined(paire: tuple[str, str]) -> None:
    """The API reads these two as "or": a cut by both would overlap."""
    with pytest.raises(UsageError, match="cannot be combined"):
        build_params(question(dict.fromkeys(paire, "x")))


@pytest.mark.parametrize(("debut_s", "fin_s"), [(1, None), (None, 1), (2, 1)])
def test_bounds_come_together_and_in_order(debut_s: int | None, fin_s: int | None) -> None:
    """The API answers 400 to one without the other."""
    with pytest.raises(UsageError, match="bound"):
        build_params(question(debut_s=debut_s, fin_s=fin_s))


@pytest.mark.parametrize("plage", [Plage(0, 150), Plage(3001, 3100), Plage(3100, 3150), Plage(-1, 0), Plage(5, 4)])
def test_a_range_outside_the_limits_is_refused(plage: Plage) -> None:
    """It would cost a call to be told so."""
    with pytest.raises(UsageError):
        build_params(question(plage=plage))


@given(premier=st.integers(0, 3000), etendue=st.integers(1, 150))
def test_every_range_within_the_limits_is_taken(premier: int, etendue: int) -> None:
    """Rows 0 to 3149, up to 150 of them."""
    plage = Plage(premier, premier + etendue - 1)
    assert build_params(question(plage=plage))["range"] == f"{premier}-{premier + etendue - 1}"


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 (hypothesis wants them bare)
def test_a_bound_reads_back(quand: datetime) -> None:
    """Whole seconds, Z at the end, four digits of year."""
    instant_s = int(quand.replace(tzinfo=UTC).timestamp() // 1)
    texte = format_borne(instant_s)
    assert len(texte) == 20
    assert datetime.fromisoformat(texte).timestamp() == instant_s


@pytest.mark.parametrize("instant_s", [-(10**12), 10**12, 10**20])
def test_a_bound_out_of_the_calendar_is_refused(instant_s: int) -> None:
    """No cryptic overflow."""
    with pytest.raises(UsageError, match="not a date"):
        format_borne(instant_s)


@given(st.dictionaries(st.sampled_from(sorted(PARAMETRES - PARAMETRES_RESERVES)), st.just("1"), max_size=4))
def test_only_known_names_ever_leave(filtres: dict[str, str]) -> None:
    """Whatever is asked, every name sent is one of the documented ones."""
    try:
        params = build_params(question(filtres))
    except UsageError:
        return
    assert params.keys() <= PARAMETRES
    assert {nom: params[nom] for nom in filtres} == filtres
