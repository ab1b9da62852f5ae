"""Contents that are no longer published: taken from the previous generation in the fold that supersedes them.

Third pass of the fold. They are anonymised at this moment and never touched again, so `offres_versions` grows by small
files that later generations link; only the newest of them is written again, together with what is new, while it is
small. The other files of `offres_versions` are those of `offres` themselves, under a second name.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from moisson.store.anonymise import anonymise
from moisson.store.appending import Appender
from moisson.store.generation import GenerationWriter
from moisson.store.index import Before
from moisson.store.ordinals import Ordinals
from moisson.store.previous import PreviousRows, dated

__all__ = ["MOUVEMENT", "TABLE", "Gone", "mouvements_of", "write_past"]

TABLE = "offres_versions"

MOUVEMENT = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("creation", pa.timestamp("ms")),
        pa.field("commune", pa.string()),
        pa.field("code_rome", pa.string()),
        pa.field("type_contrat", pa.string()),
        pa.field("nombre_postes", pa.int64()),
        pa.field("retiree", pa.bool_()),
    ]
)
"""What the counts and the stays need of a content that is no longer published."""


class Gone(msgspec.Struct):
    """Contents that are no longer published, as places in `Before`, ascending.

    Attributes:
        at: the place of each.
        keys: the key of its offer.
        retiree: the offer was withdrawn; else another content took its place.
    """

    at: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    retiree: npt.NDArray[np.bool_]


def write_past(
    writer: GenerationWriter, previous: PreviousRows, before: Before, gone: Gone, ordinals: Ordinals, rows_max: int
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Write the table `offres_versions`; that of `offres` must be written before.

    Returns:
        What went (`MOUVEMENT`), read before it was anonymised, and the place of each in `Before`.
    """
    writer.begin_table(TABLE)
    mouvements: list[pa.Table] = [MOUVEMENT.empty_table()]
    order: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
    append = Appender(writer, TABLE, rows_max)
    files = before.file[gone.at]
    for file in np.unique(files).tolist():
        here = np.flatnonzero(files == file)
        at = gone.at[here]
        data, rows, _ = previous.read(file, at, gone.keys[here])
        data = dated(data.take(rows), before.version[at], before.depuis[at], ordinals)
        mouvements.append(mouvements_of(data, gone.retiree[here]))
        order.append(at)
        append.add(anonymise(data))
    append.finish()
    writer.share(TABLE, "offres")
    return pa.concat_tables(mouvements), np.concatenate(order)


def mouvements_of(data: pa.Table, retiree: npt.NDArray[np.bool_]) -> pa.Table:
    """What the counts and the stays need of rows of `offres`."""
    lieu = data.column("lieu_travail")
    columns = [
        data.column("id"),
        data.column("creation"),
        pc.struct_field(lieu, "commune"),
        data.column("rome_code"),
        data.column("type_contrat"),
        data.column("nombre_postes"),
        pa.array(retiree),
    ]
    return pa.Table.from_arrays(columns, schema=MOUVEMENT)
