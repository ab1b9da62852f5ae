"""Rows on their way into a file: batch by batch, counted, told to whoever watches.

Some libraries pull rows through C, where what goes wrong on our side (Ctrl-C too) arrives as an error of theirs. The
feed remembers what really happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

__all__ = ["ROWS_PER_BATCH", "Feed", "Progress"]

ROWS_PER_BATCH = 8192
"""Rows in memory at once, some 30 MB of offers."""

Progress = Callable[[str, int, int], None]
"""Told a table, its rows written so far, and its rows in all."""


class Feed:
    """The rows of one table, once.

    Attributes:
        table: its name.
        schema: its columns, with their meanings as metadata.
        total: rows that will come.
        rows: rows given so far.
        failure: what stopped it, or None.
    """

    def __init__(
        self,
        table: str,
        schema: pa.Schema,
        batches: Iterable[pa.RecordBatch],
        total: int,
        progress: Progress | None = None,
    ) -> None:
        self.table = table
        self.schema = schema
        self.total = total
        self.rows = 0
        self.failure: BaseException | None = None
        self._batches = batches
        self._progress = progress or (lambda table, rows, total: None)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            self._progress(self.table, 0, self.total)
            for batch in self._batches:
                # The engine knows fewer types than the columns have: milliseconds come as microseconds.
                yield batch.cast(self.schema) if batch.schema != self.schema else batch
                self.rows += batch.num_rows
                self._progress(self.table, self.rows, self.total)
        except GeneratorExit:
            # Whoever pulled gave up: what went wrong is theirs.
            raise
        except BaseException as failure:
            self.failure = failure
            raise

    def reader(self) -> pa.RecordBatchReader:
        """The same for a library that pulls."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))
