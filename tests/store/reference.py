"""Writes docs/tables.md from the schema; a test compares the two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pyarrow as pa

from moisson.store.official import OFFRE, PRESENCE_SOURCE, REFERENTIELS, Champ, Liste, Objet, snake
from moisson.store.referentiels import table_name
from moisson.store.schema import DERIVEES, SENS, TABLES, object_schema
from moisson.store.views import VIEWS

HEAD = f"""# Tables

Written by `make docs` from the schema (`src/moisson/store/official.py`, `schema.py`, `views.py`); a test compares them.
`moisson sql` sees all of these, and the geography of [territories.md](territories.md). The tables' files are
`STORE/current/<table>/*.parquet`.

Names are the API's in snake case: `dateCreation` is `date_creation`. A key that an offer does not have is null. Dates
keep what the API wrote: its final `Z` is not trusted, and no time zone is asserted. What the columns cannot hold
(unknown keys, other types, explicit nulls) is in `autres`, so an offer reads back as the JSON that was sent, less
`contact` and `agence`, which are kept only with `store_contacts`.

*Own* and *partners'* are the shares of France Travail's own and of partners' offers that have the key, in %; empty
where it was not counted. Source: {PRESENCE_SOURCE}.
"""

TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
}


def sql_type(type_: pa.DataType) -> str:
    """A type as the engine names it."""
    if pa.types.is_list(type_):
        return sql_type(type_.value_type) + "[]"
    if pa.types.is_struct(type_):
        return "STRUCT"
    if pa.types.is_timestamp(type_):
        return "TIMESTAMP"
    return TYPES[type_]


def row(*cells: object) -> str:
    """One row of a table of the document."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def columns(schema: pa.Schema) -> Iterator[str]:
    """A table of columns: name, type, unit, meaning, source."""
    yield row("column", "type", "unit", "meaning", "from")
    yield "|---|---|---|---|---|"
    for field in schema:
        meta = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        source = f"`{meta['source']}`" if "source" in meta else ""
        yield row(f"`{field.name}`", sql_type(field.type), meta.get("unit", ""), meta["meaning"], source)


def official(objet: Objet, schema: pa.DataType, path: str = "", key: str = "") -> Iterator[str]:
    """Rows for the keys of an object and of those inside it: name, type, meaning, key, shares of presence."""
    for champ in objet.champs:
        yield from one_key(champ, schema.field(champ.nom).type, f"{path}{champ.nom}", f"{key}{champ.cle}")


def one_key(champ: Champ, type_: pa.DataType, path: str, key: str) -> Iterator[str]:
    """The rows of one key."""
    shares = [f"{share:g}" for share in champ.presence] if champ.presence is not None else ["", ""]
    yield row(f"`{path}`", sql_type(type_), champ.sens, f"`{key}`", *shares)
    genre: Any = champ.genre
    mark = ""
    if isinstance(genre, Liste):
        genre, type_, mark = genre.de, type_.value_type, "[]"
    if isinstance(genre, Objet):
        yield from official(genre, type_, f"{path}{mark}.", f"{key}{mark}.")


def offres() -> Iterator[str]:
    """The chapter of the table `offres`, in three parts."""
    schema = TABLES["offres"]
    raw = len(OFFRE.champs)
    rest = schema.get_field_index(DERIVEES[-1].name) + 1
    yield "### As the API sends it\n"
    yield row("column", "type", "meaning", "key", "own", "partners'")
    yield "|---|---|---|---|--:|--:|"
    yield from official(OFFRE, pa.struct(list(schema)[:raw]))
    yield "\n### Read out of it\n"
    yield "Null where it is not known. Why so: [decisions/0007-derived.md](decisions/0007-derived.md).\n"
    yield from columns(pa.schema(list(schema)[raw:rest]))
    yield "\n### The rest\n"
    yield from columns(pa.schema(list(schema)[rest:]))


def referentiels() -> Iterator[str]:
    """The chapter of the code lists, those of one shape together."""
    for objet, found in groupby(sorted(REFERENTIELS, key=lambda cle: REFERENTIELS[cle].nom), REFERENTIELS.__getitem__):
        yield "\n" + ", ".join(f"`{table_name(snake(cle))}`" for cle in found) + ":\n"
        yield from columns(object_schema(objet))


def document() -> Iterator[str]:
    """The lines of the document."""
    yield HEAD
    for table, schema in TABLES.items():
        yield f"## {table}\n\n{SENS[table]}\n"
        yield from offres() if table == "offres" else columns(schema)
        yield ""
    yield "## Views\n\nThey are in `moisson sql` and in the library, not among the files. Five more hold indicators:"
    yield "[indicators.md](indicators.md).\n"
    for view in VIEWS:
        yield f"### {view.nom}\n\n{view.sens[0].upper()}{view.sens[1:]}.\n"
        own = [field for field in view.colonnes if field.name not in TABLES["offres"].names]
        if len(view.colonnes) - len(own) > 1:
            yield "The columns of `offres`, and:\n"
            yield from columns(pa.schema(own))
        else:
            yield from columns(view.colonnes)
        yield ""
    yield "## Code lists\n\nThe API's 16 référentiels, as `moisson referentiels` brings them."
    yield from referentiels()


def reference() -> str:
    """The whole document."""
    return "\n".join(document()).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
