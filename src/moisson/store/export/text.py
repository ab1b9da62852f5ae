"""CSV, plain or for a French Excel."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.types as types

from moisson.store.export.cells import harmless
from moisson.store.export.job import Job

__all__ = ["EXCEL_INSTANT", "write_csv", "write_excel_csv"]

EXCEL_INSTANT = "%Y-%m-%d %H:%M:%S"
"""How instants are written for Excel, which does not know the T of ISO 8601 nor fractions after a point."""


def write_csv(job: Job) -> list[str]:
    """UTF-8, commas, a header; texts quoted, nothing between two commas for null; instants as ISO 8601."""
    return _write(job, excel=False)


def write_excel_csv(job: Job) -> list[str]:
    """UTF-8 with its mark, semicolons, decimal commas, VRAI and FAUX: what a French Excel opens by a double click."""
    return [
        *_write(job, excel=True),
        "Excel drops the leading zeros of codes when a CSV file is opened by a double click (01004 becomes 1004): "
        "import it with these columns as text, or export to .xlsx, which keeps them.",
    ]


def _write(job: Job, *, excel: bool) -> list[str]:
    schema = pa.schema([pa.field(field.name, _cell_type(field.type, excel)) for field in job.feed.schema])
    options = pacsv.WriteOptions(delimiter=";" if excel else ",")
    with job.path.open("wb") as out:
        if excel:
            out.write(b"\xef\xbb\xbf")
        with pacsv.CSVWriter(out, schema, write_options=options) as sink:
            for batch in job.feed:
                cells = [_cells(column, excel) for column in batch.columns]
                sink.write_batch(pa.RecordBatch.from_arrays(cells, schema=schema))
    return []


def _cell_type(type_: pa.DataType, excel: bool) -> pa.DataType:
    if types.is_timestamp(type_) or (excel and (types.is_floating(type_) or types.is_boolean(type_))):
        return pa.string()
    return type_


def _cells(column: pa.Array[Any], excel: bool) -> pa.Array[Any]:
    if types.is_string(column.type):
        return harmless(column)
    if types.is_timestamp(column.type):
        instants: pa.Array[Any] = column.cast(pa.timestamp("s"), safe=False) if excel else column
        return pc.strftime(instants, EXCEL_INSTANT if excel else "%Y-%m-%dT%H:%M:%S")
    if excel and types.is_boolean(column.type):
        words: pa.Array[Any] = pc.if_else(column, "VRAI", "FAUX")
        return words
    if excel and types.is_floating(column.type):
        numbers: pa.Array[Any] = pc.replace_substring(column.cast(pa.string()), ".", ",")
        return numbers
    return column
