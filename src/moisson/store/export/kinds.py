"""The kinds of file that can be written, by the end of their names."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from moisson.errors import UsageError
from moisson.store.export import columnar, documents, places, sheet, text
from moisson.store.export.job import Write
from moisson.store.sql_errors import nearest

__all__ = ["KINDS", "Kind", "kind_of", "name_of", "require"]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: the end of its files' names, without the point.
        write: writes it.
        flat: it takes plain cells: see selection.py.
        documents: its rows are the API's JSON.
        places: it needs to know where rows are.
        several: it can hold several tables.
        rows_max: the most rows it can hold, or None.
        module, extra: the library that it needs, and what to ask of pip to have it; "" when Moisson itself needs it.
    """

    name: str
    write: Write
    flat: bool = False
    documents: bool = False
    places: bool = False
    several: bool = False
    rows_max: int | None = None
    module: str = ""
    extra: str = ""

    def require(self) -> None:
        """Check that its library is there.

        Raises:
            UsageError: it is not; the message says what to install.
        """
        require(self.name, self.module, self.extra)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("parquet", columnar.write_parquet),
        Kind("csv", text.write_csv, flat=True),
        Kind("ndjson", documents.write_ndjson, documents=True),
        Kind(
            "xlsx", sheet.write_xlsx, flat=True, rows_max=sheet.ROWS_MAX, module="xlsxwriter", extra="excel"
        ),
        Kind("duckdb", columnar.write_duckdb, several=True),
        Kind("gpkg", places.write_gpkg, flat=True, places=True, module="pyogrio", extra="geo"),
        Kind("geojson", places.write_geojson, flat=True, places=True, module="pyogrio", extra="geo"),
    )
}  # fmt: skip
"""By their name."""

_ALIASES = {"json": "ndjson", "jsonl": "ndjson", "xls": "xlsx", "db": "duckdb", "tsv": "csv", "txt": "csv"}


def require(name: str, module: str, extra: str) -> None:
    """Check that the library is there that a kind of file needs.

    Args:
        name: of the kind, without the point.
        module, extra: the library, and what to ask of pip to have it; "" when Moisson itself needs it.

    Raises:
        UsageError: it is not; the message says what to install.
    """
    if module and importlib.util.find_spec(module) is None:
        raise UsageError(
            f"Writing .{name} needs the library {module}, which is not installed",
            todo=f"Type: pip install 'moisson[{extra}]'",
        )


def name_of(file: Path, known: Collection[str]) -> str:
    """The kind that a file's name says by its end, without the point.

    Raises:
        UsageError: it is none of those known.
    """
    suffix = file.suffix.lower().removeprefix(".")
    if suffix in known:
        return suffix
    meant = _ALIASES.get(suffix)
    hint = f"Did you mean .{meant}? " if meant in known else nearest(suffix, list(known))
    raise UsageError(
        f"{file.name} does not say by its end what it shall be",
        todo=f"{hint}There are: {', '.join('.' + name for name in known)}.",
    )


def kind_of(file: Path, *, bulk: bool = False, excel: bool = False) -> Kind:
    """The kind of a file by its name, and by what was asked of it.

    Raises:
        UsageError: it has no such kind, or it cannot be asked that.
    """
    kind = KINDS[name_of(file, KINDS)]
    if bulk and kind.name != "ndjson":
        raise UsageError("--bulk is for .ndjson files", todo=f"As in: moisson export {file.stem}.ndjson --bulk")
    if excel and kind.name != "csv":
        raise UsageError("--excel is for .csv files", todo="A workbook needs no option: moisson export offres.xlsx")
    if bulk:
        return replace(kind, write=documents.write_bulk)
    if excel:
        return replace(kind, write=text.write_excel_csv)
    return kind
