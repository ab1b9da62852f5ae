"""Which tables and columns there are, and what each column means.

Names and types are those that a query sees; meanings come from schema.py, or else from the table's own Parquet files,
which carry them. So a table or a column that is new here needs no line in this file.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as types

from moisson.store import history_sql
from moisson.store.engine import Engine
from moisson.store.indicators.views import indicator_views
from moisson.store.official import OFFRE, REFERENTIELS, Liste, Objet, snake
from moisson.store.referentiels import table_name
from moisson.store.schema import TABLES
from moisson.store.sql_errors import unknown_table
from moisson.store.views import VIEWS
from moisson.territory import placing, reference

__all__ = ["Colonne", "TableInfo", "describe_columns", "describe_tables", "meaning", "table_schema"]


class Colonne(msgspec.Struct, frozen=True):
    """One column, or one field of a column that is a struct.

    Attributes:
        nom: its name as a query writes it: lieu_travail, lieu_travail.commune.
        type: as the engine calls it, in lower case: varchar, bigint, timestamp, struct, varchar[] ...
        sens: what it means; "" when nobody said.
        unite: its unit, or "".
        source: the API's field, as LieuTravail.commune, or "".
    """

    nom: str
    type: str
    sens: str = ""
    unite: str = ""
    source: str = ""


class TableInfo(msgspec.Struct, frozen=True):
    """One table.

    Attributes:
        nom: its name.
        lignes: rows; None for a view of indicators, which would have to be computed to know.
        colonnes: number of columns.
    """

    nom: str
    lignes: int | None
    colonnes: int


def describe_tables(engine: Engine) -> list[TableInfo]:
    """Every table that a query may use, by name, with its rows."""
    computed = {view.nom: len(view.colonnes) for view in indicator_views()}
    return [
        TableInfo(name, None, computed[name])
        if name in computed
        else TableInfo(
            name,
            engine.query(f'SELECT count(*) AS n FROM "{name}"').column(0)[0].as_py(),
            len(table_schema(engine, name)),
        )
        for name in engine.tables()
    ]


def describe_columns(engine: Engine, table: str) -> list[Colonne]:
    """The columns of a table, the fields of structs after them.

    Raises:
        UsageError: there is no such table; the message names the nearest.
    """
    return [
        Colonne(name, _type_name(field.type), *(_text(field, key) for key in ("meaning", "unit", "source")))
        for name, field in _walked(table, table_schema(engine, table))
    ]


def table_schema(engine: Engine, table: str) -> pa.Schema:
    """The columns of a table as Arrow fields, their meanings as metadata ("meaning", "unit", "source").

    Raises:
        UsageError: there is no such table; the message names the nearest.
    """
    known = engine.tables()
    if table not in known:
        raise unknown_table(table, known)
    said = _declared(engine, table)
    seen = engine.stream(f'SELECT * FROM "{table}" LIMIT 0').schema
    return pa.schema([_with_meaning(field, said.get(field.name)) for field in seen])


def _with_meaning(seen: pa.Field[pa.DataType], said: pa.Field[pa.DataType] | None) -> pa.Field[pa.DataType]:
    if said is None:
        return seen
    # The engine knows fewer types: it brings milliseconds as microseconds. What was declared says more.
    instants = types.is_timestamp(seen.type) and types.is_timestamp(said.type)
    return said if instants else pa.field(seen.name, seen.type, metadata=said.metadata)


def _declared(engine: Engine, table: str) -> Mapping[str, pa.Field[pa.DataType]]:
    if table in reference.TABLES:
        return {field.name: field for field in reference.TABLES[table]}
    own = {table_name(name): name for name in engine.generation.manifest.tables} if engine.generation else {}
    if table in TABLES or table in own:
        files = engine.generation.files(own[table]) if engine.generation is not None and table in own else []
        found = {field.name: field for field in pq.read_schema(files[0])} if files and files[0].exists() else {}
        return found | {field.name: field for field in TABLES.get(table, ())}
    if view := next((view for view in VIEWS if view.nom == table), None):
        return {field.name: field for field in (*TABLES["offres_versions"], *view.colonnes)}
    if view := next((view for view in indicator_views() if view.nom == table), None):
        return {field.name: field for field in view.colonnes}
    # Another view: what it takes from a table means what it means there, of offers first of all.
    taken = {field.name: field for schema in (*TABLES.values(), TABLES["offres"]) for field in schema}
    made = history_sql.MEANINGS | (placing.MEANINGS if table == "offres_placees" else {})
    return taken | {name: pa.field(name, pa.string(), metadata={"meaning": sens}) for name, sens in made.items()}


def meaning(table: str, path: str) -> str:
    """What a field of a struct means, "" when it is not the API's; `path` as lieu_travail.commune."""
    objet = _objects().get(table, OFFRE)
    *parents, last = path.split(".")
    for parent in parents:
        inner = next((champ.genre for champ in objet.champs if champ.nom == parent), None)
        inner = inner.de if isinstance(inner, Liste) else inner
        if not isinstance(inner, Objet):
            return ""
        objet = inner
    return next((champ.sens for champ in objet.champs if champ.nom == last), "")


@functools.cache
def _objects() -> dict[str, Objet]:
    return {table_name(snake(cle)): objet for cle, objet in REFERENTIELS.items()}


def _walked(table: str, schema: pa.Schema) -> Iterator[tuple[str, pa.Field[pa.DataType]]]:
    for field in schema:
        yield field.name, field
        if types.is_struct(field.type):
            for inner in field.type.fields:
                path = f"{field.name}.{inner.name}"
                yield path, inner.with_metadata({"meaning": meaning(table, path)})


def _text(field: pa.Field[pa.DataType], key: str) -> str:
    return (field.metadata or {}).get(key.encode(), b"").decode()


def _type_name(type_: pa.DataType) -> str:
    if types.is_list(type_) or types.is_large_list(type_):
        return f"{_type_name(type_.value_type)}[]"
    if types.is_struct(type_):
        return "struct"
    if types.is_timestamp(type_):
        return "timestamp"
    names = {"string": "varchar", "large_string": "varchar", "int64": "bigint", "int32": "integer", "bool": "boolean"}
    text = str(type_)
    return names.get(text, text)
