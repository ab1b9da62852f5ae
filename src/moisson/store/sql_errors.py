"""What the engine says of a query that is wrong, as one of our errors: what is unknown, and the nearest name. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

import duckdb

from moisson.errors import MoissonError, StoreCorrupt, UsageError

__all__ = ["explain", "interrupted", "nearest", "unknown_column", "unknown_table"]

_TABLE = re.compile(r"(?:Table|View) (?:with name )?\"?([^\s\"!]+)\"? (?:does not exist|not found)")
_COLUMN = re.compile(
    r"Referenced column \"([^\"]+)\" not found|Could not find key \"([^\"]+)\" in struct"
    r"|does not have a column named \"([^\"]+)\"|Column \"([^\"]+)\" does not exist"
)
# What the engine says of a query begins with the kind of the error; what libraries beneath it say of a file does not.
_UNREADABLE = re.compile(r"^IO Error|Failed to read file|^(?![A-Z][A-Za-z ]+ Error)")
_CANDIDATES = re.compile(r"Candidate (?:bindings|Entries|tables): (.+)")
_SHOWN = 5


def interrupted(error: BaseException | None) -> bool:
    """Whether this is what the engine makes of being interrupted, or pyarrow of an engine that was."""
    if isinstance(error, duckdb.InterruptException):
        return True
    text = str(error)
    return isinstance(error, RuntimeError | OSError) and (text == "Query interrupted" or "INTERRUPT Error" in text)


def explain(
    error: Exception, tables: Sequence[str], sql: str = "", *, ours: bool = False, not_yet: Collection[str] = ()
) -> MoissonError:
    """One of our errors for what the engine raised.

    Args:
        error: of duckdb, pyarrow or the system, raised while a query was read or run.
        tables: names of the tables that the query could use.
        sql: the query, to tell a text in double quotes from a column.
        ours: nothing that the person wrote was run: only a damaged file of the store can be wrong.
        not_yet: names of tables that the next run brings.
    """
    text = str(error).strip()
    if isinstance(error, duckdb.CatalogException) and (match := _TABLE.search(text)):
        if match[1] in not_yet:
            return UsageError(
                f"{match[1]} is not there yet: this store was last filled by a Moisson that kept no history",
                todo="The next `moisson collect` begins it.",
            )
        return unknown_table(match[1], tables)
    if isinstance(error, duckdb.PermissionException):
        return UsageError("A query reads the store's tables only, no other file nor the network")
    if ours or isinstance(error, duckdb.IOException) or _UNREADABLE.search(text):
        return StoreCorrupt(f"A file of the store cannot be read: {text.splitlines()[0]}", doing="running a query")
    if isinstance(error, duckdb.BinderException) and (match := _COLUMN.search(text)):
        found = _CANDIDATES.search(text)
        near = re.findall(r"\"([^\"]+)\"", found[1]) if found is not None else []
        return unknown_column(next(filter(None, match.groups())), near, sql=sql)
    first, *rest = text.splitlines()
    kept = [line.strip() for line in rest if line.startswith(("LINE", "Did you mean", "Either", "Candidate tables"))]
    return UsageError(first.rstrip(".!"), todo=" ".join(kept))


def unknown_table(name: str, known: Sequence[str]) -> UsageError:
    """A table that the store does not have, with the nearest that it has."""
    return UsageError(
        f"There is no table {name}", todo=f"{nearest(name, known)}The tables are: {', '.join(sorted(known))}."
    )


def unknown_column(name: str, near: Sequence[str], *, table: str = "", sql: str = "") -> UsageError:
    """A column that is not there; `near` are those that resemble it most, the nearest first."""
    hint = nearest(name, near) or (f"Near it: {', '.join(near[:_SHOWN])}. " if near else "")
    if f'"{name}"' in sql:
        hint = f"A text stands in single quotes, as '{name}'. {hint}"
    of = f" in {table}" if table else ""
    return UsageError(
        f"There is no column {name}{of}", todo=f"{hint}See them all: moisson sql --columns {table or 'TABLE'}"
    )


def nearest(name: str, known: Sequence[str]) -> str:
    """ "Did you mean …? ", or nothing when no name is near."""
    lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), lower, 1)
    return f"Did you mean {lower[found[0]]}? " if found else ""
