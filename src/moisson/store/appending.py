"""Tables that only grow: what is there is linked, what is new is added, and small files do not pile up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from moisson.store.generation import GenerationWriter
from moisson.store.index import read_index

__all__ = ["Appender"]


class Appender:
    """Adds rows to a table of one generation.

    The newest file is written again together with what is new while it is less than half full: so files end up
    between half full and full, and no row is written again more than a few times. A file with other columns, of an
    older Moisson, is left as it is.

    Args:
        writer: the table must be begun.
        table: its name; files of it that have a digest are not among those that grow.
        schema: its columns.
        rows_max: most rows in one file.
        index_type: what lies beside each file, if anything does.
        first_part: number of the first file to write.
    """

    def __init__(
        self,
        writer: GenerationWriter,
        table: str,
        schema: pa.Schema,
        rows_max: int,
        *,
        index_type: np.dtype[np.void] | None = None,
        first_part: int = 0,
    ) -> None:
        self._writer, self._table, self._schema, self._rows_max = writer, table, schema, rows_max
        self._index_type = index_type
        self._part = first_part
        manifest = writer.previous.manifest if writer.previous is not None else None
        self._old = sorted(
            (file for file in (manifest.own(table) if manifest is not None else ()) if not file.digest),
            key=lambda file: file.nom,
        )
        self._data: list[pa.Table] = []
        self._indexes: list[npt.NDArray[np.void]] = []
        self._rows = 0
        self._begun = False

    def add(self, data: pa.Table, index: npt.NDArray[np.void] | None = None) -> None:
        """Add rows, with what the next fold needs to know of them."""
        if not len(data):
            return
        if not self._begun:
            self._begin()
        self._take(data, index)
        while self._rows >= self._rows_max:
            self._write(self._rows_max)

    def finish(self) -> None:
        """Write what is left, and link the files that stay."""
        if self._rows:
            self._write(self._rows)
        for file in self._old:
            self._writer.link(self._table, file)
        # Files are added in the order of time: the newest of the old ones tells whether a change of columns came after.
        previous = self._writer.previous
        if self._old and previous is not None:
            newest = pq.read_schema(previous.folder / self._table / self._old[-1].nom)
            if not newest.equals(self._schema):
                self._writer.melees.add(self._table)

    def _begin(self) -> None:
        self._begun = True
        if not self._old or self._old[-1].lignes >= self._rows_max // 2:
            return
        previous, newest = self._writer.previous, self._old[-1]
        assert previous is not None
        data = pq.read_table(previous.folder / self._table / newest.nom, partitioning=None)
        if data.schema.equals(self._schema):
            self._old.pop()
            self._take(data, read_index(previous.index(newest), self._index_type) if self._index_type else None)

    def _take(self, data: pa.Table, index: npt.NDArray[np.void] | None) -> None:
        self._data.append(data)
        self._rows += len(data)
        if index is not None:
            self._indexes.append(index)

    def _write(self, rows: int) -> None:
        data = pa.concat_tables(self._data)
        index = np.concatenate(self._indexes) if self._indexes else None
        written = data[:rows].combine_chunks()
        self._writer.write(self._table, self._part, written, index=None if index is None else index[:rows])
        self._part += 1
        self._data = [data[rows:]] if rows < len(data) else []
        self._indexes = [index[rows:]] if index is not None and rows < len(data) else []
        self._rows -= rows
