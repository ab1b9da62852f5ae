"""One column of a table: its name, its type, what it means, its unit, the API field it comes from."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

__all__ = ["MS", "colonne"]

MS: pa.DataType = pa.timestamp("ms")
"""An instant; its clock is said by the column's meaning."""


def colonne(nom: str, type_: pa.DataType, sens: str, *, unite: str = "", source: str = "") -> pa.Field[Any]:
    """A column that carries its own documentation; docs/tables.md is made from it."""
    meta = {"meaning": sens, "unit": unite, "source": source}
    return pa.field(nom, type_, metadata={k: v for k, v in meta.items() if v})
