"""Files of yours as sources of the engine: which kinds there are, and which columns of a CSV hold codes.

A CSV does not say what is a number. The engine takes `01004` for 1004, which then meets no commune of the store; and it
looks at the beginning of a file only, where no `2A` may be. So the whole file is looked at, and of the columns that
could be numbers these stay text:

    a leading zero    some value has one before another digit: 01, 01004, 0612345678
    a name            the column is called as codes are: code…, …_code, insee, siret, departement, region, epci, rome …

What has letters anywhere (2A, M1805) is no number to begin with. Whoever wants a number writes `"code"::INTEGER`.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import duckdb

from moisson.store.quoting import literal, quoted

__all__ = ["KINDS", "named_as_code", "source"]

KINDS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".json": "read_json",
    ".ndjson": "read_json",
}
"""Ends of names, each with the engine's function that reads it."""

_NUMBERS = {"BIGINT", "HUGEINT", "DOUBLE"}
_LEADING_ZERO = r"^\s*0[0-9]"

_CODES = {
    "ape", "codgeo", "com", "commune", "cp", "dep", "departement", "depcom", "dept", "epci", "finess", "insee", "iris",
    "naf", "reg", "region", "rome", "siren", "siret", "uai",
}  # fmt: skip
"""Whole names of columns that hold codes in what Insee and others publish."""


def source(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """What a query selects from to read a file, once a CSV was looked at.

    Args:
        connection: an engine that may still read the file.
        path: a file of one of KINDS.

    Raises:
        duckdb.Error: it is no such file.
    """
    reader, file = KINDS[path.suffix.lower()], literal(str(path))
    if reader != "read_csv":
        return f"{reader}({file})"
    columns, day, instant = connection.execute(
        f"SELECT Columns, DateFormat, TimestampFormat FROM sniff_csv({file}, sample_size = -1)"
    ).fetchall()[0]
    types = {column["name"]: column["type"] for column in columns}
    for name in _codes(connection, file, [name for name, type_ in types.items() if type_ in _NUMBERS]):
        types[name] = "VARCHAR"
    # All types are said, so that no query looks at the whole file again to find them.
    said = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items())
    formats = [("dateformat", day, "DATE"), ("timestampformat", instant, "TIMESTAMP")]
    more = [f", {key} = {literal(value)}" for key, value, type_ in formats if value and type_ in types.values()]
    return f"read_csv({file}, types = {{{said}}}{''.join(more)})"


def named_as_code(name: str) -> bool:
    """Whether a column is called as columns of codes are: code_insee, Code département, rome_code, SIRET."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    return plain in _CODES or (bool(words) and (words[0].startswith("code") or words[-1] == "code"))


def _codes(connection: duckdb.DuckDBPyConnection, file: str, numbers: list[str]) -> list[str]:
    """Which of the columns that could be numbers are codes."""
    named = [name for name in numbers if named_as_code(name)]
    others = [name for name in numbers if name not in named]
    if not others:
        return named
    columns = [quoted(name) for name in others]
    tests = ", ".join(f"bool_or(regexp_matches({column}, {literal(_LEADING_ZERO)}))" for column in columns)
    found = connection.execute(f"SELECT {tests} FROM read_csv({file}, all_varchar = true)").fetchall()[0]
    return [*named, *(name for name, has in zip(others, found, strict=True) if has)]
