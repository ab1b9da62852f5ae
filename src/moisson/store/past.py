"""Contents that are no longer published: taken from the previous generation in the fold that finds it out.

They are anonymised at this moment and never touched again, so `offres_versions` grows by files that later generations
link. The other files of `offres_versions` are those of `offres` themselves, under a second name.

Most of them lie in files that the second pass reads anyway, to copy what did not change: they are taken on that way,
in its writing threads. Third pass of the fold: the files that were not read, or too early.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from moisson.store.anonymise import anonymise
from moisson.store.appending import Appender
from moisson.store.colonne import MS
from moisson.store.generation import GenerationWriter
from moisson.store.index import Before
from moisson.store.ordinals import Ordinals
from moisson.store.previous import PreviousRows, dated
from moisson.store.schema import OFFRES_DATEES

__all__ = ["MOUVEMENT", "TABLE", "Past", "mouvements_of"]

TABLE = "offres_versions"

MOUVEMENT = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("creation", MS),
        pa.field("commune", pa.string()),
        pa.field("code_rome", pa.string()),
        pa.field("type_contrat", pa.string()),
        pa.field("nombre_postes", pa.int64()),
        pa.field("retiree", pa.bool_()),
    ]
)
"""What the counts and the stays need of a content that is no longer published."""

_TOGETHER = 4096
"""Contents that are anonymised at once, about 3 kB each. Patterns are made ready each time, for each column of text:
with a few hundred contents that takes as long as going over them."""

_STAYS, _SUPERSEDED, _WITHDRAWN, _TAKEN = range(4)

Indices = npt.NDArray[np.int64]


class Past:
    """Writes the table `offres_versions` of one generation. Threads may call `supersede` and `take` at once.

    Args:
        writer: the generation.
        previous: rows of the previous one.
        before: what its indexes say.
        withdrawn: places in `before` of the offers that this run closes.
        ordinals: the runs, this one last.
        rows_max: most rows in one file.
    """

    def __init__(
        self,
        writer: GenerationWriter,
        previous: PreviousRows,
        before: Before,
        withdrawn: Indices,
        ordinals: Ordinals,
        rows_max: int,
    ) -> None:
        self._writer, self._previous, self._before, self._ordinals = writer, previous, before, ordinals
        self._state = np.zeros(len(before.keys), np.uint8)
        self._state[withdrawn] = _WITHDRAWN
        self._append = Appender(writer, TABLE, OFFRES_DATEES, rows_max)
        self._mouvements: list[pa.Table] = [MOUVEMENT.empty_table()]
        self._order: list[Indices] = [np.empty(0, np.int64)]
        self._waiting: list[pa.Table] = []
        self._mutex = threading.Lock()
        writer.begin_table(TABLE)

    def supersede(self, at: Indices) -> None:
        """These offers, as places in `before`, have another content now."""
        self._state[at] = _SUPERSEDED

    def take(self, file: int, data: pa.Table) -> None:
        """Take what is known to go from a file of the previous generation that was just read whole.

        Args:
            file: its number.
            data: all its rows, with the columns of `schema.OFFRES`.
        """
        at, retiree = self._claim(file)
        if len(at):
            self._keep(data.take(self._before.row[at]), at, retiree)

    def finish(self) -> tuple[pa.Table, Indices]:
        """Take the rest, and finish the table; that of `offres` must be written before.

        Returns:
            What went (`MOUVEMENT`), as it was before it was anonymised, and the place of each in `before`.
        """
        left = np.isin(self._state, (_SUPERSEDED, _WITHDRAWN))
        for file in np.unique(self._before.file[left]).tolist():
            at, retiree = self._claim(file)
            data, rows, _ = self._previous.read(file, at, self._before.keys[at])
            self._keep(data.take(rows), at, retiree)
        self._anonymise(self._waiting)
        self._append.finish()
        self._writer.share(TABLE, "offres")
        return pa.concat_tables(self._mouvements), np.concatenate(self._order)

    def _claim(self, file: int) -> tuple[Indices, npt.NDArray[np.bool_]]:
        with self._mutex:
            here = np.flatnonzero(self._before.file == file)
            state = self._state[here]
            going = (state == _SUPERSEDED) | (state == _WITHDRAWN)
            at = here[going]
            self._state[at] = _TAKEN
        return at, state[going] == _WITHDRAWN

    def _keep(self, data: pa.Table, at: Indices, retiree: npt.NDArray[np.bool_]) -> None:
        data = dated(data, self._before.version[at], self._before.depuis[at], self._ordinals)
        mouvements, together = mouvements_of(data, retiree), []
        with self._mutex:
            self._mouvements.append(mouvements)
            self._order.append(at)
            self._waiting.append(data)
            if sum(map(len, self._waiting)) >= _TOGETHER:
                together, self._waiting = self._waiting, together
        self._anonymise(together)

    def _anonymise(self, contents: Sequence[pa.Table]) -> None:
        if contents:
            anonymous = anonymise(pa.concat_tables(contents))
            with self._mutex:
                self._append.add(anonymous)


def mouvements_of(data: pa.Table, retiree: npt.NDArray[np.bool_]) -> pa.Table:
    """What the counts and the stays need of rows of `offres`."""
    columns = [
        data.column("id"),
        data.column("creation"),
        pc.struct_field(data.column("lieu_travail"), "commune"),
        data.column("rome_code"),
        data.column("type_contrat"),
        data.column("nombre_postes"),
        pa.array(retiree),
    ]
    return pa.Table.from_arrays(columns, schema=MOUVEMENT)
