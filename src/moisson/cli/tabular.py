"""A query's result as text for a person, or as CSV, JSON or Parquet for a program; batch by batch, never at once."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WRITERS", "cell", "write_csv", "write_json", "write_parquet", "write_table"]

ROWS_SHOWN = 1000
"""Rows that a table for a person shows at most: it must be read whole to know how wide its columns are."""

CELL_MAX = 60
"""Characters of a cell shown to a person; descriptions have thousands."""


def cell(value: object) -> str:
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


def _rows(reader: pa.RecordBatchReader) -> Iterator[Sequence[object]]:
    for batch in reader:
        columns = [column.to_pylist() for column in batch.columns]
        yield from zip(*columns, strict=True)


def write_table(reader: pa.RecordBatchReader, out: IO[bytes]) -> tuple[int, bool]:
    """Write aligned columns, numbers to the right; long cells and long results are cut.

    Returns:
        The rows written, and whether there were more.
    """
    import pyarrow.types as types

    rows: list[list[str]] = []
    more = False
    for row in _rows(reader):
        if len(rows) == ROWS_SHOWN:
            more = True
            break
        rows.append([_short(cell(value)) for value in row])
    names = [_short(name) for name in reader.schema.names]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    to_the_right = [types.is_integer(t) or types.is_floating(t) or types.is_decimal(t) for t in reader.schema.types]

    def line(cells: Sequence[str]) -> str:
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(cells, widths, to_the_right, strict=True)
        ]
        return "  ".join(parts).rstrip() + "\n"

    with _text(out) as text:
        text.write(line(names))
        text.write(line(["-" * width for width in widths]))
        for shown in rows:
            text.write(line(shown))
    return len(rows), more


def _short(text: str) -> str:
    text = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"


def write_csv(reader: pa.RecordBatchReader, out: IO[bytes]) -> tuple[int, bool]:
    """Write CSV with a header: commas, UTF-8, quotes where needed."""
    count = 0
    with _text(out) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(reader.schema.names)
        for row in _rows(reader):
            writer.writerow([cell(value) for value in row])
            count += 1
    return count, False


def write_json(reader: pa.RecordBatchReader, out: IO[bytes]) -> tuple[int, bool]:
    """Write one JSON array of objects, a row a line."""
    names = reader.schema.names
    count = 0
    out.write(b"[")
    for row in _rows(reader):
        out.write(b"\n " if count == 0 else b",\n ")
        out.write(msgspec.json.encode(dict(zip(names, row, strict=True)), enc_hook=_encode))
        count += 1
    out.write(b"\n]\n")
    return count, False


def _encode(value: Any) -> Any:
    return cell(value)


def write_parquet(reader: pa.RecordBatchReader, out: IO[bytes]) -> tuple[int, bool]:
    """Write one Parquet file (zstd)."""
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(out, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            count += batch.num_rows
    return count, False


class _text(io.TextIOWrapper):  # noqa: N801  # reads as a statement
    """UTF-8 over a binary stream, which stays open."""

    def __init__(self, out: IO[bytes]) -> None:
        super().__init__(out, encoding="utf-8", newline="")

    def __exit__(self, *_: object) -> None:
        self.flush()
        self.detach()


WRITERS: dict[str, Callable[[pa.RecordBatchReader, IO[bytes]], tuple[int, bool]]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
}
"""By the name of the format."""
