"""How the text of a setting becomes its value; pure, apart from knowing the home folder behind a `~`.

Each reader takes what was written, by a person or in a TOML file, and raises ValueError with what is wrong about it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

__all__ = [
    "URL_ACCEPTED",
    "choice_reader",
    "duration_reader",
    "integer_reader",
    "is_loopback",
    "read_api_url",
    "read_bool",
    "read_path",
    "read_rate",
    "read_url",
    "shown",
]

URL_ACCEPTED = "an https:// address without credentials in it; http:// is taken only to this machine, as 127.0.0.1"

_RATE_MAX = 1000.0
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)", re.ASCII)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def shown(value: object) -> str:
    """A value as a message quotes it: one line, not too long, and without the credentials that an address may hold."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    text = re.sub(r"//[^/@\s]*@", "//…@", value.strip().replace("\n", " "))
    return f'"{text[:119]}…"' if len(text) > 120 else f'"{text}"'


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself, by its name or its address; nothing is looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_path(value: object) -> Path:
    """A path, its `~` replaced."""
    if isinstance(value, Path):
        return value.expanduser()
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it is not a path")
    try:
        return Path(value.strip()).expanduser()
    except RuntimeError:
        raise ValueError("its ~ names nobody's home") from None


def read_url(value: object) -> str:
    """An address that credentials may be sent to."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it is not an address")
    text = value.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("it is not an address") from None
    if parts.scheme not in ("https", "http") or not host or re.search(r"\s", text):
        raise ValueError("it is not an address that begins with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds credentials")
    if parts.fragment:
        raise ValueError("it ends with a #fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("plain http would send the secret in clear to another machine")
    return text


def read_api_url(value: object) -> str:
    """The base of the API, without final slash."""
    text = read_url(value).rstrip("/")
    if "?" in text:
        raise ValueError("the base of the API has no ?query")
    if text.endswith(("/v2", "/search")):
        raise ValueError("it must stop before /v2")
    return text


def read_rate(value: object) -> float | Literal["auto"]:
    """Calls a second, or "auto"."""
    if isinstance(value, str) and value.strip().lower() == "auto":
        return "auto"
    number = _number(value)
    if not 0 < number <= _RATE_MAX:
        raise ValueError("it is out of bounds")
    return number


def read_bool(value: object) -> bool:
    """True or false; also yes, on, 1 and no, off, 0, as environments write them."""
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("it is neither true nor false")


def choice_reader(*choices: str) -> Callable[[object], str]:
    """A reader of one of these words, in any case."""

    def read(value: object) -> str:
        text = value.strip().lower() if isinstance(value, str) else ""
        if text not in choices:
            raise ValueError("it is none of these")
        return text

    return read


def integer_reader(least: int, most: int) -> Callable[[object], int]:
    """A reader of whole numbers between two bounds, both accepted."""

    def read(value: object) -> int:
        number = _number(value)
        if number != int(number):
            raise ValueError("it is not a whole number")
        if not least <= number <= most:
            raise ValueError("it is out of bounds")
        return int(number)

    return read


def duration_reader(least_s: int, most_s: int) -> Callable[[object], int]:
    """A reader of durations between two bounds in seconds, both accepted: 24h, 90m, 45s, 2d, or seconds."""

    def read(value: object) -> int:
        if isinstance(value, str):
            if not (match := _DURATION.fullmatch(value.strip().lower())):
                raise ValueError("it is not a duration")
            seconds = float(match[1]) * _SECONDS[match[2]]
        else:
            seconds = _number(value)
        if not least_s <= seconds <= most_s:
            raise ValueError("it is out of bounds")
        return round(seconds)

    return read


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("it is not a number")
    try:
        number = float(value)
    except ValueError:
        raise ValueError("it is not a number") from None
    if not math.isfinite(number):
        raise ValueError("it is not a number")
    return number
