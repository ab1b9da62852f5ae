"""The API's 16 code lists as tables, named in snake_case of the API's own: metiers, types_contrats, nafs ...

Three have names that the official geography has too, whose tables also hold populations: those lists are
`ref_communes`, `ref_departements` and `ref_regions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from moisson.store import files
from moisson.store.columns import objects_to_columns
from moisson.store.empty import write_empty
from moisson.store.generation import GenerationWriter, current_generation, digest_rows, switch, vacuum
from moisson.store.layout import Layout
from moisson.store.official import REFERENTIELS, snake
from moisson.store.rows import fit_object
from moisson.store.schema import object_schema
from moisson.territory import reference

__all__ = ["referentiel_schema", "table_name", "write_referentiels"]


def table_name(table: str) -> str:
    """The name by which a table of the store is known: code lists make way for the geography.

    Args:
        table: its snake_case name, also as an older Moisson wrote it: `communes` is then the code list.
    """
    return f"ref_{table}" if table in reference.TABLES else table


def referentiel_schema(nom: str) -> pa.Schema:
    """Columns of a code list's table; `nom` is the name of the API's resource, as typesContrats."""
    return object_schema(REFERENTIELS[nom])


def _table(nom: str, valeurs: Sequence[Mapping[str, Any]]) -> pa.Table:
    objet = REFERENTIELS[nom]
    fitted = [fit_object(objet, valeur) for valeur in valeurs]
    arrays = objects_to_columns(objet, [struct for struct, _ in fitted])
    arrays.append(pa.array([autres for _, autres in fitted], pa.string()))
    return pa.Table.from_arrays(arrays, schema=referentiel_schema(nom))


def write_referentiels(
    layout: Layout, listes: Mapping[str, Sequence[Mapping[str, Any]]], *, now_s: float, retention_s: float
) -> int:
    """Make the next generation with these code lists, all else as it is. Lists not given stay as they are.

    Args:
        layout: a store whose lock is held.
        listes: JSON arrays as the API sent them, by the name of the resource (`schema.REFERENTIELS`).
        now_s: wall clock.
        retention_s: see FoldOptions.

    Returns:
        Number of the present generation: the same as before when no list changed.

    Raises:
        KeyError: not the name of a code list.
        DiskFull, StoreUnwritable, StoreError: the disk; the state is the old one.
    """
    tables = {table_name(snake(nom)): _table(nom, valeurs) for nom, valeurs in listes.items()}
    with files.border("writing the code lists"):
        previous = current_generation(layout)
        if previous is not None and all(
            [file.digest for file in previous.manifest.tables.get(table, ())] == [digest_rows(data)]
            for table, data in tables.items()
        ):
            return previous.manifest.generation
        writer = GenerationWriter(layout, previous)
        for table, data in tables.items():
            writer.write_table(table, data, digest=digest_rows(data))
        if previous is None:
            write_empty(writer)
        else:
            for table in previous.manifest.tables:
                if table_name(table) not in tables:
                    writer.carry(table)
        generation = writer.commit(made_s=now_s)
        switch(layout, generation)
        vacuum(layout, now_s=now_s, retention_s=retention_s)
        return generation.manifest.generation
