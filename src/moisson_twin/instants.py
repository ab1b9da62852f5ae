"""Instants: milliseconds since 1970 in true UTC inside, text on the service's clocks outside.

The service ends all its dates in "Z", and may mean Paris time. Reading a bound and showing a date are two settings, so
that a client can be tried on each of the four combinations.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from moisson_twin.settings import ClockName

PARIS = ZoneInfo("Europe/Paris")
_BOUND = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?Z", re.ASCII)
_HOUR_MS = 3_600_000


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment."""
    return round(moment.timestamp() * 1000)


def parse_bound(text: str, clock: ClockName) -> int | None:
    """Milliseconds of a bound ``yyyy-MM-dd'T'HH:mm:ss'Z'`` read on a clock; None when it is malformed.

    On the Paris clock, the hour that a night in October lives twice is read as its first pass, and the hour that a
    night in March skips is read as the hour after: what a server converting local to true time does by itself. One text
    is one instant either way, so windows that share a border still lose nothing.
    """
    match = _BOUND.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    ms = int((match[7] or "0").ljust(3, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC if clock == "utc" else PARIS)
        seconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1))
    except (ValueError, OverflowError):
        return None
    return seconds * 1000 + ms


@lru_cache(maxsize=100_000)
def _offset_ms(hour: int) -> int:
    """Paris's advance on UTC during an hour counted from 1970 (transitions fall on whole hours of UTC)."""
    offset = datetime.fromtimestamp(hour * 3600, PARIS).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() * 1000)


@lru_cache(maxsize=20_000)
def _day_text(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")


def shift_ms(ms: int, clock: ClockName) -> int:
    """What to add to a true instant to read it on a clock."""
    return 0 if clock == "utc" else _offset_ms(ms // _HOUR_MS)


def show(ms: int, clock: ClockName) -> str:
    """An instant as offers show it: ``yyyy-MM-ddTHH:mm:ss.SSSZ``, 24 characters."""
    ms += shift_ms(ms, clock)
    day, rest = divmod(ms, 86_400_000)
    seconds, milli = divmod(rest, 1000)
    return f"{_day_text(day)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milli:03}Z"
