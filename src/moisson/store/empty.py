"""The state of a store before its first fold: the tables that every state has, without rows."""

from __future__ import annotations

import numpy as np

from moisson.store.generation import GenerationWriter
from moisson.store.index import OFFRE
from moisson.store.past import TABLE as VERSIONS
from moisson.store.schema import TABLES

__all__ = ["write_empty"]


def write_empty(writer: GenerationWriter) -> None:
    """Write the tables of a first generation that no run has filled."""
    writer.begin_table("offres")
    writer.write("offres", 0, TABLES["offres"].empty_table(), index=np.empty(0, OFFRE))
    writer.begin_table(VERSIONS)
    writer.share(VERSIONS, "offres")
    for table in ("collectes", "fenetres", "erreurs"):
        writer.write_table(table, TABLES[table].empty_table())
