"""A query's result as text for a person, or as CSV, JSON or Parquet for a program; batch by batch, never at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import msgspec

from moisson.store.export.cells import as_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WRITERS", "Shown", "fit", "write_csv", "write_json", "write_parquet", "write_table"]

ROWS_SHOWN = 1000
"""Rows that a table for a person shows at most: it must be read whole to know how wide its columns are."""

CELL_MAX = 60
"""Characters of a cell shown to a person; descriptions have thousands."""

NARROW = 8
"""Characters below which a column says nothing: rather than make it narrower, the last columns are left out."""

GAP = "  "
"""Between two columns."""


def _rows(reader: pa.RecordBatchReader) -> Iterator[Sequence[object]]:
    for batch in reader:
        columns = [column.to_pylist() for column in batch.columns]
        yield from zip(*columns, strict=True)


@dataclass(frozen=True)
class Shown:
    """What a person sees of a result.

    Attributes:
        rows: rows shown.
        more: there are more rows.
        hidden: columns for which there was no room.
    """

    rows: int
    more: bool
    hidden: int


def write_table(
    reader: pa.RecordBatchReader, out: IO[bytes], *, width: int | None = None, cell_max: int = CELL_MAX
) -> Shown:
    """Write aligned columns, numbers to the right; long cells and long results are cut.

    Args:
        reader: the result.
        out: where to.
        width: characters of a line that must not be exceeded, or None.
        cell_max: characters of a cell.
    """
    import pyarrow.types as types

    rows: list[list[str]] = []
    more = False
    for row in _rows(reader):
        if len(rows) == ROWS_SHOWN:
            more = True
            break
        rows.append([_short(as_text(value), cell_max) for value in row])
    names = [_short(name) for name in reader.schema.names]
    natural = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    widths = natural if width is None else fit(natural, width)
    to_the_right = [types.is_integer(t) or types.is_floating(t) or types.is_decimal(t) for t in reader.schema.types]

    def line(cells: Sequence[str]) -> str:
        parts = [
            _short(text, room).rjust(room) if right else _short(text, room).ljust(room)
            for text, room, right in zip(cells, widths, to_the_right, strict=False)
        ]
        return GAP.join(parts).rstrip() + "\n"

    with _text(out) as text:
        text.write(line(names))
        text.write(line(["-" * room for room in widths]))
        for shown in rows:
            text.write(line(shown))
    return Shown(len(rows), more, len(names) - len(widths))


def fit(widths: Sequence[int], room: int) -> list[int]:
    """Widths of columns that fit into a line: the widest give way, and the last go when none can any more.

    Args:
        widths: what each would like.
        room: characters of a line, the gaps between columns included.

    Returns:
        As many widths as columns are shown, one at least.
    """
    for shown in range(len(widths), 0, -1):
        for most in range(max(NARROW, *widths), NARROW - 1, -1):
            fitted = [min(width, most) for width in widths[:shown]]
            if sum(fitted) + len(GAP) * (shown - 1) <= room:
                return fitted
    return [min(widths[0], max(1, room))]


def _short(text: str, most: int = CELL_MAX) -> str:
    text = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    return text if len(text) <= most else text[: most - 1] + "…"


def write_csv(reader: pa.RecordBatchReader, out: IO[bytes]) -> None:
    """Write CSV with a header: commas, UTF-8, quotes where needed."""
    with _text(out) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(reader.schema.names)
        for row in _rows(reader):
            writer.writerow([as_text(value) for value in row])


def write_json(reader: pa.RecordBatchReader, out: IO[bytes]) -> None:
    """Write one JSON array of objects, a row a line."""
    names = reader.schema.names
    out.write(b"[")
    for n, row in enumerate(_rows(reader)):
        out.write(b",\n " if n else b"\n ")
        out.write(msgspec.json.encode(dict(zip(names, row, strict=True)), enc_hook=as_text))
    out.write(b"\n]\n")


def write_parquet(reader: pa.RecordBatchReader, out: IO[bytes]) -> None:
    """Write one Parquet file (zstd)."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(out, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


class _text(io.TextIOWrapper):  # noqa: N801  # reads as a statement
    """UTF-8 over a binary stream, which stays open."""

    def __init__(self, out: IO[bytes]) -> None:
        super().__init__(out, encoding="utf-8", newline="")

    def __exit__(self, *_: object) -> None:
        self.flush()
        self.detach()


WRITERS: dict[str, Callable[[pa.RecordBatchReader, IO[bytes]], None]] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
}
"""What a program reads, by the name of the format."""
