"""The engine draws a progress bar of its own in long queries, on the standard output; nobody asked for it."""

from __future__ import annotations

import contextlib

import duckdb

__all__ = ["no_progress_bar"]


def no_progress_bar(connection: duckdb.DuckDBPyConnection) -> None:
    """Switch it off. In a notebook without ipywidgets the engine cannot draw one, and refuses to be told."""
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")
