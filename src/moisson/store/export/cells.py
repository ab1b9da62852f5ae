"""Values as the cells of a spreadsheet or the lines of a text. Pure.

A cell that begins like a formula would be run by the program that opens it, and an offer is a text that anybody can
post: such a text gets an apostrophe before it in CSV (OWASP, "CSV injection"). Plain numbers, negative ones too, stay.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["CELL_UNITS_MAX", "as_text", "cut", "dangerous", "harmless"]

CELL_UNITS_MAX = 32_767
"""Most that a cell of a workbook holds, in units of UTF-16."""

_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?[0-9]+([.,][0-9]+)?$"


def as_text(value: object) -> str:
    """A value as text: null is empty, dates are ISO 8601, lists and structs are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list | dict):
        return msgspec.json.encode(value).decode()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def dangerous(texts: pa.Array[Any]) -> pa.Array[Any]:
    """Which texts a spreadsheet could take for a formula (null for null): they begin with = + - @ tab or CR."""
    return pc.and_(pc.match_substring_regex(texts, _FORMULA), pc.invert(pc.match_substring_regex(texts, _NUMBER)))


def harmless(texts: pa.Array[Any]) -> pa.Array[Any]:
    """The same texts, those that could be taken for a formula after an apostrophe."""
    guarded: pa.Array[Any] = pc.replace_substring_regex(texts, "^", "'", max_replacements=1)
    found: pa.Array[Any] = pc.if_else(dangerous(texts), guarded, texts)
    return found


def cut(text: str) -> str:
    """A text as long as a cell may be; an emoji counts as two."""
    if len(text) * 2 <= CELL_UNITS_MAX or len(raw := text.encode("utf-16-le")) <= CELL_UNITS_MAX * 2:
        return text
    # An emoji cut in the middle would be half a character, which no file may hold.
    return raw[: CELL_UNITS_MAX * 2].decode("utf-16-le", errors="ignore")
