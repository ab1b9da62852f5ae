"""The table `agregats_jour`: what each run changed in the counts by commune, trade and contract.

Only the keys that a run changed get a row, with the stock after it, so a quiet night adds none. Counts name nobody:
they keep the commune when the contents that they were made from have lost it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from moisson.store import files
from moisson.store.appending import Appender
from moisson.store.generation import GenerationWriter
from moisson.store.history_schema import AGREGATS_JOUR
from moisson.store.quiet import no_progress_bar

__all__ = ["TABLE", "write_aggregates"]

TABLE = "agregats_jour"
_ROWS_TIMES = 10
_MEMORY = "256MB"
"""Enough for any night; a first run of millions is sorted on the disk, within the generation being written."""

# An offer counts where it is, under what trade and contract, for how many positions. An edit takes the old one away and
# adds the new one, and is neither a new offer nor one that went. Stock and moves are summed in one pass: such a sum
# goes aside to the disk when memory is short, which a join of the changed keys with the stock does not.
_QUERY = """
WITH edited AS (SELECT id FROM gone WHERE NOT retiree),
counted AS (
    SELECT commune, rome_code AS code_rome, type_contrat, 1 AS en_ligne, coalesce(nombre_postes, 1) AS postes,
        ($every OR contenu_depuis = $instant)::INT AS variation,
        (contenu_depuis = $instant AND NOT EXISTS (FROM edited e WHERE e.id = o.id))::INT AS nouvelle, 0 AS retiree
    FROM read_parquet($files, hive_partitioning = false) o
    UNION ALL
    SELECT commune, code_rome, type_contrat, 0, coalesce(nombre_postes, 1), -1, 0, retiree::INT
    FROM gone WHERE NOT $every
)
SELECT $jour AS jour, $collecte AS collecte, commune, code_rome, type_contrat,
    sum(en_ligne)::BIGINT AS en_ligne, sum(en_ligne * postes)::BIGINT AS postes,
    sum(nouvelle)::BIGINT AS nouvelles, sum(retiree)::BIGINT AS retirees,
    sum(variation)::BIGINT AS variation, sum(variation * postes)::BIGINT AS variation_postes
FROM counted GROUP BY commune, code_rome, type_contrat
HAVING sum(variation) <> 0 OR sum(variation * postes) <> 0 OR sum(nouvelle) <> 0 OR sum(retiree) <> 0
ORDER BY ALL
"""


def write_aggregates(
    writer: GenerationWriter, gone: pa.Table, *, collecte: str | None, instant_ms: int, rows_max: int
) -> None:
    """Write the table; that of `offres` must be written before.

    Args:
        writer: the generation.
        gone: the contents that left it (`past.MOUVEMENT`).
        collecte: the run; None when offers were forgotten, which are then neither new nor withdrawn.
        instant_ms: its instant, or when they were forgotten.
        rows_max: of a file of `offres`.
    """
    begun = writer.previous is not None and TABLE in writer.previous.manifest.tables
    writer.begin_table(TABLE)
    append = Appender(writer, TABLE, AGREGATS_JOUR, rows_max * _ROWS_TIMES)
    instant = dt.datetime.fromtimestamp(instant_ms / 1000, dt.UTC).replace(tzinfo=None)
    asked = {
        "files": [str(writer.folder / "offres" / file.nom) for file in writer.files("offres")],
        "instant": instant if collecte is not None else None,
        "jour": instant.date(),
        "collecte": collecte,
        # Where no run counted before this one, all that is online is what changed.
        "every": not begun,
    }
    with _engine(writer.folder / ".spill") as engine:
        engine.register("gone", gone)
        for batch in engine.sql(_QUERY, params=asked).to_arrow_reader(rows_max):
            append.add(pa.Table.from_batches([batch]).cast(AGREGATS_JOUR))
    append.finish()
    if not writer.files(TABLE):
        writer.write(TABLE, 0, AGREGATS_JOUR.empty_table())


@contextlib.contextmanager
def _engine(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine of bounded memory; what it writes aside is gone when it is closed."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "threads": 2,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
    }
    try:
        with duckdb.connect(":memory:", config=config) as connection:
            no_progress_bar(connection)
            yield connection
    except duckdb.Error as error:
        # The border of the file system knows a full disk by these words.
        raise OSError(str(error)) from error
    finally:
        files.remove(spill)
