"""Reading one search backwards: what slides, what changes places, what is another search's page."""

from __future__ import annotations

import pytest

from moisson.model import Ligne, PageLue, Plage, Question
from moisson.plan.limits import Limites
from moisson.plan.reading import Lecture

LIMITES = Limites(page=4, depart_max=40)
HEURE_MS = 3_600_000


def lecture(total: int) -> Lecture:
    """A reading of a search that is believed to hold so many rows, all of them later than 1970's first hour."""
    return Lecture(LIMITES, lambda ms: ms >= HEURE_MS, None, total)


def rows(*names: str) -> tuple[Ligne, ...]:
    """Rows named by an hour and a letter: "3a" and "3b" are of one instant; newest first is 9 before 1."""
    return tuple(Ligne(name, int(name[:-1]) * HEURE_MS) for name in names)


def tell(reading: Lecture, total: int, *names: str) -> None:
    """Answer what it asks."""
    assert reading.suivante is not None
    first = reading.suivante.premier
    reading.lire(PageLue(Question(1, "page", reading.suivante), total, rows(*names), first, first + len(names) - 1))


def test_rows_slide_onto_the_next_page_when_others_leave() -> None:
    """As many rows as left meanwhile come twice, at the foot of the page: read in order, with only departures."""
    reading = lecture(8)
    tell(reading, 8, "4a", "3a", "2a", "1a")
    tell(reading, 7, "7a", "6a", "5a", "4a")
    assert reading.terminee
    assert not reading.agitee
    assert reading.jugement() == ("ordre", "1 left while it was read")


def test_rows_slide_further_than_one_page() -> None:
    """After a pause more rows have slid than a page holds: the rest of them come on the page after it."""
    reading = lecture(16)
    tell(reading, 16, "4a", "3a", "2a", "1a")
    tell(reading, 11, "4a", "3a", "2a", "1a")
    tell(reading, 11, "8a", "7a", "5a", "4a")
    assert not reading.agitee
    assert not reading.anomalies


def test_ties_that_change_places_are_seen_although_an_offer_left_earlier() -> None:
    """3b comes twice and 3a never, while an offer that was read already is what left: the total cannot tell, the border
    can."""
    reading = lecture(12)
    tell(reading, 12, "3b", "2b", "2a", "1a")
    tell(reading, 11, "6a", "5a", "4a", "4b")
    assert not reading.agitee
    tell(reading, 11, "9a", "8a", "7a", "6a")
    assert reading.agitee


def test_a_known_row_above_an_unknown_one_is_ties() -> None:
    """What slides stands at the foot of a page; a known row higher up has changed places."""
    reading = lecture(8)
    tell(reading, 8, "3b", "3c", "2a", "1a")
    tell(reading, 7, "5a", "4a", "3b", "3a")
    assert reading.agitee


def test_a_page_of_known_rows_alone_is_asked_again() -> None:
    """It was served in the place of another."""
    reading = lecture(8)
    tell(reading, 8, "4a", "3a", "2a", "1a")
    asked = reading.suivante
    tell(reading, 8, "4a", "3a", "2a", "1a")
    assert reading.suivante == asked == Plage(0, 3)
    tell(reading, 8, "8a", "7a", "6a", "5a")
    assert reading.jugement() == ("compte", "")


def test_rows_of_other_dates_are_asked_again_and_never_kept() -> None:
    """They are another search's."""
    reading = lecture(4)
    tell(reading, 4, "4a", "3a", "2a", "0z")
    assert not reading.terminee
    tell(reading, 4, "4a", "3a", "2a", "1a")
    assert reading.jugement() == ("page", "")
    assert set(reading.ids) == {"4a", "3a", "2a", "1a"}


def test_nothing_is_believed_at_the_third_time() -> None:
    """One answer that says that nothing is there must not make a whole search "left"."""
    reading = lecture(8)
    tell(reading, 8, "4a", "3a", "2a", "1a")
    tell(reading, 0)
    assert not reading.terminee
    tell(reading, 8, "8a", "7a", "6a", "5a")
    assert reading.jugement() == ("compte", "")
    reading = lecture(8)
    tell(reading, 8, "4a", "3a", "2a", "1a")
    for _ in range(LIMITES.essais_page):
        assert not reading.terminee
        tell(reading, 0)
    assert reading.jugement() == ("ordre", "8 left while it was read")


@pytest.mark.parametrize("short", [7, 5])
def test_a_total_that_swings_does_not_begin_a_reading_for_ever(short: int) -> None:
    """An empty answer says one total, a page says more, and so on: after three beginnings it is in doubt."""
    reading = lecture(12)
    for _ in range(20):
        if reading.terminee:
            break
        assert reading.suivante is not None
        if reading.suivante.premier >= short:
            tell(reading, short)
        else:
            tell(reading, 12, *(f"{12 - reading.suivante.premier - rank}a" for rank in range(4)))
    assert reading.terminee
    assert reading.jugement()[0] is None


def test_a_border_on_the_first_page_leaves_nothing_to_read() -> None:
    """What stands above the border is all on that page: it is counted, and no row is asked above the first."""
    reading = lecture(4)
    reading.amorcer(PageLue(Question(1, "fond", Plage(0, 3)), 9, rows("3a", "2a", "1a", "0a"), 0, 3))
    assert reading.terminee
    assert reading.jugement() == ("compte", "")
    assert set(reading.ids) == {"3a", "2a", "1a"}


def test_where_ties_are_closed_the_last_page_is_full() -> None:
    """Pages overlap there anyway, so the last one need not begin at a whole number of pages."""
    reading = Lecture(LIMITES, lambda ms: ms >= HEURE_MS, None, 6, serre=True)
    assert reading.suivante == Plage(2, 5)
    tell(reading, 6, "4a", "3a", "2a", "1a")
    assert reading.suivante == Plage(0, 2)
