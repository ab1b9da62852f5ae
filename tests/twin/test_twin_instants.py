"""Bounds and dates on the two clocks, and the nights when Paris changes its hour."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson_twin.instants import parse_bound, show, to_ms


def utc(text: str) -> int:
    """Milliseconds of an ISO text in UTC."""
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_a_bound_is_read_on_its_clock() -> None:
    """Noon written with Z is noon UTC, or noon in Paris: 10 h UTC in summer, 11 h in winter."""
    assert parse_bound("2026-07-01T12:00:00Z", "utc") == utc("2026-07-01T12:00:00")
    assert parse_bound("2026-07-01T12:00:00Z", "paris") == utc("2026-07-01T10:00:00")
    assert parse_bound("2026-01-15T12:00:00Z", "paris") == utc("2026-01-15T11:00:00")


@pytest.mark.parametrize(
    "text", ["", "2026-07-01", "2026-07-01T12:00:00", "2026-13-01T00:00:00Z", "x", "0000-01-01T00:00:00Z"]
)
def test_a_malformed_bound_is_none(text: str) -> None:
    """Anything but yyyy-MM-ddTHH:mm:ssZ is refused."""
    assert parse_bound(text, "utc") is None
    assert parse_bound(text, "paris") is None


def test_the_repeated_hour_of_october() -> None:
    """On 25 October 2026 Paris lives 02:30 twice: bounds mean the first, dates of both show the same text."""
    assert parse_bound("2026-10-25T02:30:00Z", "paris") == utc("2026-10-25T00:30:00")
    assert show(utc("2026-10-25T00:30:00"), "paris") == show(utc("2026-10-25T01:30:00"), "paris")
    assert show(utc("2026-10-25T01:30:00"), "paris") == "2026-10-25T02:30:00.000Z"


def test_the_skipped_hour_of_march() -> None:
    """On 29 March 2026 02:30 does not exist in Paris; a bound there means 03:30 summer time."""
    assert parse_bound("2026-03-29T02:30:00Z", "paris") == utc("2026-03-29T01:30:00")


@given(st.integers(utc("2024-01-01T00:00:00"), utc("2028-01-01T00:00:00")), st.integers(0, 10_000_000))
def test_bounds_hardly_go_backwards(ms: int, more: int) -> None:
    """On both clocks a later text is no earlier instant, but for the hour that a night in March skips."""
    texts = [datetime.fromtimestamp(t // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for t in (ms, ms + more)]
    for clock in ("utc", "paris"):
        first, second = (parse_bound(text, clock) for text in texts)  # type: ignore[arg-type]
        assert first is not None
        assert second is not None
        # In March the skipped hour and the hour after it meet: 02:30 reads as 03:30, which is later than 03:00.
        assert first <= second + 3_600_000


@given(st.integers(utc("2024-01-01T00:00:00"), utc("2028-01-01T00:00:00")))
def test_dates_show_what_python_shows(ms: int) -> None:
    """The shown text is the one of the standard library."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    assert show(ms, "utc") == moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"
