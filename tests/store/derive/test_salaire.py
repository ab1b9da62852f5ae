"""The pay out of its label: what is read is right, what is implausible is not read, nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.derive.salaire import BORNES_EUR, Pay, Salaire, read_pay, read_salaire, yearly_eur

NOTHING = (None, None, None, None, None, None)


@pytest.mark.parametrize(
    ("libelle", "expected"),
    [
        ("Mensuel de 1923.00 Euros sur 12 mois", ("mensuel", 1923.0, 1923.0, 12.0)),
        ("Mensuel de 1850,00 Euros à 2200,00 Euros", ("mensuel", 1850.0, 2200.0, None)),
        ("Annuel de 28844.0 Euros à 35750.0 Euros sur 13.0 mois", ("annuel", 28844.0, 35750.0, 13.0)),
        ("Annuel de 35000.0 Euros à 40000.0 Euros sur 4.0 mois", ("annuel", 35000.0, 40000.0, 4.0)),
        ("Horaire de 12.38 Euros sur 0.0 mois", ("horaire", 12.38, 12.38, None)),
        ("Horaire de 16,61 Euros à 25,01 Euros", ("horaire", 16.61, 25.01, None)),
        ("Mensuel de 2 300,50 Euros sur 13.5 mois", ("mensuel", 2300.5, 2300.5, 13.5)),
        ("Cachet de 150.0 Euros", ("cachet", 150.0, 150.0, None)),
        ("Autre de 2100,00 Euros à 2300,00 Euros", ("autre", 2100.0, 2300.0, None)),
        # Typed the wrong way round.
        ("Mensuel de 2600.0 Euros à 2400.0 Euros", ("mensuel", 2400.0, 2600.0, None)),
        # Typed under the wrong period, or nothing typed at all.
        ("Mensuel de 11,88 Euros à 11,88 Euros", None),
        ("Mensuel de 55000.0 Euros à 65000.0 Euros sur 12.0 mois", None),
        ("Mensuel de 2985.82 Euros à 39553.7 Euros", None),
        ("Mensuel de 12.0 Euros", None),
        ("Mensuel de 1000000.0 Euros", None),
        ("Annuel de 2300,00 Euros", None),
        ("Annuel de 17,00 Euros à 27,00 Euros", None),
        ("Annuel de 0.0 Euros", None),
        ("Horaire de 2000,00 Euros à 2000,00 Euros", None),
        ("Annuel de", None),
        ("A négocier", None),
    ],
)
def test_labels(libelle: str, expected: tuple[str, float, float, float | None] | None) -> None:
    """Labels as people and partners write them."""
    assert read_salaire(libelle) == expected


@pytest.mark.parametrize(
    ("libelle", "heures", "partiel", "expected"),
    [
        ("Annuel de 30000.0 Euros sur 13.0 mois", 35.0, False, (30000.0, 30000.0)),
        ("Mensuel de 2000.0 Euros à 2100.0 Euros", None, False, (24000.0, 25200.0)),
        ("Mensuel de 2000.0 Euros sur 13.0 mois", 39.0, False, (26000.0, 26000.0)),
        ("Mensuel de 2000.0 Euros sur 6.0 mois", 35.0, False, (24000.0, 24000.0)),
        ("Mensuel de 900.0 Euros", 15.0, True, (10800.0, 10800.0)),
        ("Horaire de 12.0 Euros", None, False, (21840.0, 21840.0)),
        ("Horaire de 12.0 Euros", 39.0, False, (24336.0, 24336.0)),
        ("Horaire de 12.0 Euros sur 13.0 mois", 35.0, False, (23660.0, 23660.0)),
        ("Horaire de 12.0 Euros", 10.0, True, (6240.0, 6240.0)),
        ("Horaire de 12.0 Euros", None, True, (None, None)),
        ("Horaire de 200.0 Euros", 70.0, False, (None, None)),
        ("Cachet de 150.0 Euros", 35.0, False, (None, None)),
        ("Autre de 2100.0 Euros", 35.0, False, (None, None)),
    ],
)
def test_a_year(libelle: str, heures: float | None, partiel: bool, expected: tuple[float, float]) -> None:
    """What a year of the job pays as it is offered; unknown rather than guessed."""
    pay = read_pay(libelle, heures, partiel)
    assert (pay.annuel_min, pay.annuel_max) == expected
    assert pay.lu is True


def test_read_not_read_and_no_label() -> None:
    """Three answers to "was it read?", and no figure but with the first."""
    assert read_pay("Mensuel de 2000.0 Euros", None, False).lu is True
    assert read_pay("Mensuel de 12.0 Euros", None, False) == Pay(*NOTHING, False)
    assert read_pay("Selon profil", 35.0, False) == Pay(*NOTHING, False)
    assert {read_pay(text, 35.0, False) for text in (None, "", "  ")} == {Pay(*NOTHING, None)}


def spelled(salaire: Salaire, style: str) -> str:
    """A pay in the spelling of own ("point") or of partners' offers ("comma")."""
    periode, minimum, maximum, mois = salaire
    amounts = [f"{euros:.2f} Euros" for euros in ([minimum] if minimum == maximum else [minimum, maximum])]
    text = f"{periode.capitalize()} de {' à '.join(amounts)}" + (f" sur {mois} mois" if mois is not None else "")
    return text.replace(".", ",") if style == "comma" else text


@st.composite
def salaires(draw: st.DrawFn) -> Salaire:
    """Any plausible pay, to the cent."""
    periode = draw(st.sampled_from(sorted(BORNES_EUR)))
    cents = st.integers(*(int(euros * 100) for euros in BORNES_EUR[periode])).map(lambda n: n / 100)
    minimum, maximum = sorted((draw(cents), draw(cents)))
    return Salaire(periode, minimum, maximum, draw(st.none() | st.integers(2, 48).map(lambda n: n / 2)))


@given(salaires(), st.sampled_from(["point", "comma"]))
def test_a_pay_that_is_written_is_read(salaire: Salaire, style: str) -> None:
    """Formatting and reading gives it back, in both spellings."""
    assert read_salaire(spelled(salaire, style)) == salaire


PIECES = st.sampled_from(
    [
        *(periode.capitalize() for periode in BORNES_EUR),
        *["", "de", "à", "sur", "mois", "Euros", "€", ",", ".", "12", "0", "1e9", "٣", "NaN", "-5", "\u202f\n"],
    ]
)
LABELS = st.text(max_size=40) | st.lists(PIECES | st.from_regex(r"[0-9 .,]{1,12}"), max_size=12).map(" ".join)


@given(LABELS, st.none() | st.floats(0.01, 70), st.booleans())
def test_whatever_is_read_is_within_bounds(libelle: str, heures: float | None, partiel: bool) -> None:
    """Any text is taken, and never made into nonsense."""
    pay = read_pay(libelle, heures, partiel)
    assert (pay.periode is not None) == (pay.minimum is not None) == (pay.maximum is not None) == (pay.lu is True)
    if pay.periode is not None and pay.minimum is not None and pay.maximum is not None:
        lowest, highest = BORNES_EUR[pay.periode]
        assert lowest <= pay.minimum <= pay.maximum <= highest
        assert pay.mois is None or 1 <= pay.mois <= 24
    if pay.annuel_min is not None:
        assert pay.annuel_max is not None
        assert 0 <= pay.annuel_min <= pay.annuel_max <= BORNES_EUR["annuel"][1]


@given(salaires(), st.none() | st.floats(1, 70), st.booleans())
def test_more_hours_never_pay_less(salaire: Salaire, heures: float | None, partiel: bool) -> None:
    """The yearly equivalent grows with the hours, and exists for every plain full-time job."""
    year = yearly_eur(salaire, heures, temps_partiel=partiel)
    more = yearly_eur(salaire, (heures or 35.0) + 1, temps_partiel=partiel)
    if year is not None and more is not None:
        assert year[0] <= more[0]
    if salaire.periode == "annuel":
        assert year == (salaire.minimum, salaire.maximum)
