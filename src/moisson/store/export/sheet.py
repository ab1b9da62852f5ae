"""A workbook: a sheet of rows, a sheet that says where they come from and what the columns mean."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.types as types

from moisson.store.export.cells import CELL_UNITS_MAX, as_text, cut, dangerous
from moisson.store.export.job import Job

if TYPE_CHECKING:
    from xlsxwriter.workbook import Format, Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["ROWS_MAX", "write_xlsx"]

ROWS_MAX = 1_048_575
"""Rows that a sheet holds below its header."""

_WIDTH_MAX = 40

_DAY = "yyyy-mm-dd"
_INSTANT = "yyyy-mm-dd hh:mm:ss"


def write_xlsx(job: Job) -> list[str]:
    """Texts as texts, whatever they look like; numbers, booleans and instants as what they are.

    A text that could be taken for a formula has the mark (`quotePrefix`) that Excel itself gives to what is typed after
    an apostrophe: its value is unchanged, and it stays a text when the cell is edited.
    """
    import xlsxwriter

    # Rows go to the disk as they come; texts are never looked at for what they might be.
    options = {
        "constant_memory": True,
        "tmpdir": str(job.path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }
    book = xlsxwriter.Workbook(job.path, options)
    # A sheet of a whole country is more than 2 GB before it is compressed; smaller books are written as ever.
    book.use_zip64()
    try:
        shortened = _write_rows(job, book)
        _write_source(job, book)
        book.close()
    except BaseException:
        # The library closes these when all went well only; a full disk makes closing fail once more.
        for sheet in book.worksheets():
            with contextlib.suppress(OSError):
                sheet.row_data_fh.close()
        raise
    if not shortened:
        return []
    cells = "1 cell was" if shortened == 1 else f"{shortened:,} cells were"
    return [f"{cells} cut at {CELL_UNITS_MAX:,} characters, the most that a cell holds."]


def _write_rows(job: Job, book: Workbook) -> int:
    sheet = book.add_worksheet(job.selection.table[:31])
    names = job.feed.schema.names
    bold = book.add_format({"bold": True})
    for n, name in enumerate(names):
        sheet.set_column(n, n, min(_WIDTH_MAX, max(12, len(name) + 2)))
    sheet.freeze_panes(1, 0)
    for n, name in enumerate(names):
        sheet.write_string(0, n, name, bold)
    if job.feed.total and names:
        sheet.autofilter(0, 0, job.feed.total, len(names) - 1)
    formats = {True: book.add_format({"num_format": _DAY}), False: book.add_format({"num_format": _INSTANT})}
    quoted = book.add_format({"quote_prefix": True})
    row, shortened = 1, 0
    for batch in job.feed:
        cells = [_Column(column, formats[types.is_date(column.type)], quoted) for column in batch.columns]
        for i in range(batch.num_rows):
            for n, column in enumerate(cells):
                shortened += column.write(sheet, row, n, i)
            row += 1
    return shortened


class _Column:
    """The cells of one column of a batch."""

    def __init__(self, column: pa.Array[Any], instant: Format, quoted: Format) -> None:
        type_ = column.type
        self._values: list[Any] = column.to_pylist()
        self._text = types.is_string(type_)
        self._boolean = types.is_boolean(type_)
        self._number = types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_)
        self._instant = instant if types.is_timestamp(type_) or types.is_date(type_) else None
        self._quoted = quoted
        self._dangerous = dangerous(column).to_pylist() if self._text else []

    def write(self, sheet: Worksheet, row: int, n: int, i: int) -> bool:
        """Write one cell; True if it had to be cut."""
        value = self._values[i]
        if value is None:
            return False
        if self._text:
            text = cut(value)
            sheet.write_string(row, n, text, self._quoted if self._dangerous[i] else None)
            return len(text) < len(value)
        if self._instant is not None:
            sheet.write_datetime(row, n, value, self._instant)
        elif self._boolean:
            sheet.write_boolean(row, n, value)
        elif self._number:
            sheet.write_number(row, n, value)
        else:
            sheet.write_string(row, n, as_text(value))
        return False


def _write_source(job: Job, book: Workbook) -> None:
    sheet = book.add_worksheet("moisson")
    sheet.set_column(0, 1, _WIDTH_MAX)
    bold = book.add_format({"bold": True})
    lines = [*job.facts().items(), ("", "")]
    meanings = [(column.name, column.said("meaning")) for column in job.selection.columns]
    for row, (key, value) in enumerate([*lines, *meanings]):
        sheet.write_string(row, 0, key, bold)
        sheet.write_string(row, 1, value)
