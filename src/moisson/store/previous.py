"""Rows of the previous generation, as they would be written today."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from moisson.errors import StoreCorrupt
from moisson.store.columns import rows_to_batch
from moisson.store.generation import Generation
from moisson.store.history_schema import HISTOIRE
from moisson.store.index import Before
from moisson.store.ordinals import Ordinals, Rangs
from moisson.store.rows import Rangee, RowReader, row_to_offre
from moisson.store.schema import OFFRES
from moisson.store.seen import array_keys

__all__ = ["CONTENTS", "PreviousRows", "dated"]

Indices = npt.NDArray[np.int64]


class PreviousRows:
    """Reads what a generation has in `offres`. Threads may read at once.

    Args:
        generation: the previous state; None before the first fold.
        before: what its indexes say.
        forme: digest of the columns and of what is kept out of them; rows of another form are made anew.
        store_contacts: see FoldOptions.

    Attributes:
        same_form: its rows are as they would be written today.
    """

    def __init__(self, generation: Generation | None, before: Before, *, forme: str, store_contacts: bool) -> None:
        self.same_form = generation is not None and generation.manifest.forme_offres == forme
        self._before = before
        self._reader = RowReader(store_contacts=store_contacts)
        self._paths = generation.files("offres") if generation is not None else []

    def read(
        self,
        file: int,
        at: Indices,
        keys: npt.NDArray[np.uint64],
        also: Callable[[int, pa.Table], None] | None = None,
    ) -> tuple[pa.Table, Indices, Indices | None]:
        """The content of some offers of one file.

        Args:
            file: its number among the files of the table.
            at: the offers, as places in `Before`.
            keys: their keys, which the file must have.
            also: is given the whole file, if its rows are as they would be written today.

        Returns:
            A table with the columns of `schema.OFFRES`, the row of each offer in it, and the hashes of what is stored
            of them if they are other than before.

        Raises:
            StoreCorrupt: the file does not hold what its index says.
        """
        path, rows = self._paths[file], self._before.row[at].astype(np.int64)
        data = pq.read_table(path, columns=OFFRES.names if self.same_form else None, partitioning=None)
        if also is not None and self.same_form:
            also(file, data)
        if len(at) < len(data) // 2:
            data, rows = data.take(rows), np.arange(len(rows))
        if not np.array_equal(array_keys(data.column("id"))[rows], keys):
            raise StoreCorrupt(
                f"{path.name} does not hold what was recorded of it",
                doing="folding the run",
                todo="Restore the store from a backup, or collect into a new one.",
            )
        if self.same_form:
            return data, rows, None
        # Written by another version or setting: read each offer back and write it as it is written today.
        rangees = _read_back(data.take(rows), self._reader)
        return pa.Table.from_batches([rows_to_batch(rangees)]), np.arange(len(rangees)), _empreintes(rangees)

    def contents(self, file: int, at: Indices) -> Indices:
        """What `assembly` compares a content by when the form is another: its hash as it would be today, without
        contacts. The earlier form may not have kept those, and no past content does.

        Args:
            file: number of the file that holds the offers.
            at: the offers, as places in `Before`.
        """
        data = pq.read_table(self._paths[file], partitioning=None)
        return _empreintes(_read_back(data.take(self._before.row[at]), CONTENTS))


CONTENTS = RowReader(store_contacts=False)
"""Reads what makes a content another one, whatever is stored of contacts."""


def _read_back(data: pa.Table, reader: RowReader) -> list[Rangee]:
    return [reader.read(msgspec.json.encode(row_to_offre(row))) for row in data.to_pylist()]


def _empreintes(rangees: Sequence[Rangee]) -> Indices:
    return np.array([rangee.empreinte for rangee in rangees], np.int64)


def dated(data: pa.Table, version: Rangs, depuis: Rangs, ordinals: Ordinals) -> pa.Table:
    """Rows of `schema.OFFRES` with the columns that tell which content each is."""
    numero, depuis_quand = HISTOIRE
    data = data.append_column(numero, pa.array(version.astype(np.int32)))
    return data.append_column(depuis_quand, ordinals.dates(depuis))
