"""What is exported: a table, its columns or some of them, its rows or some of them; as one query of the engine.

Two shapes. *Whole*: structs and lists stay what they are, for files that know them. *Flat*: for tables of plain cells,
a struct becomes one column a field, named as a query writes it (`lieu_travail.commune`), and a list becomes JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as types

from moisson.errors import UsageError
from moisson.store.catalogue import meaning, table_schema
from moisson.store.engine import Engine
from moisson.store.quoting import quoted
from moisson.store.sql_errors import nearest, unknown_column

__all__ = ["Column", "Selection", "select"]


@dataclass(frozen=True)
class Column:
    """One column of an export.

    Attributes:
        field: its name, its type in the file, its meaning as metadata.
        sql: the expression that gives it.
        json: it holds JSON as text.
    """

    field: pa.Field[pa.DataType]
    sql: str
    json: bool = False

    @property
    def name(self) -> str:
        """Its name."""
        return self.field.name

    def said(self, key: str) -> str:
        """What its metadata say: "meaning", "unit" or "source"; "" when nothing."""
        return (self.field.metadata or {}).get(key.encode(), b"").decode()


@dataclass(frozen=True)
class Selection:
    """What is exported of one table.

    Attributes:
        table: its name.
        columns: the columns, in order.
        where: condition on its rows, in SQL; "" for all.
        latitude, longitude: expressions of where a row is, or None when the table has no places.
        everything: no column was asked for by name, so all are there.
    """

    table: str
    columns: tuple[Column, ...]
    where: str
    latitude: str | None
    longitude: str | None
    everything: bool

    @property
    def schema(self) -> pa.Schema:
        """The columns as Arrow."""
        return pa.schema([column.field for column in self.columns])

    @property
    def condition(self) -> str:
        """The WHERE clause, or nothing. On lines of its own: it may end with a comment."""
        return f"WHERE (\n{self.where}\n)" if self.where else ""

    def query(self, more: Sequence[str] = ()) -> str:
        """The SELECT that gives the columns, then the expressions `more`."""
        chosen = [f"{column.sql} AS {quoted(column.name)}" for column in self.columns]
        return f"SELECT {', '.join([*chosen, *more])} FROM {quoted(self.table)} {self.condition}"

    def count(self, engine: Engine) -> int:
        """Rows that it has.

        Raises:
            UsageError: the condition is wrong.
        """
        counted = engine.query(f"SELECT count(*) FROM {quoted(self.table)} {self.condition}")
        return int(counted.column(0)[0].as_py())


def select(
    engine: Engine, table: str, *, columns: Sequence[str] | None = None, where: str | None = None, flat: bool = False
) -> Selection:
    """Choose what is exported.

    Args:
        engine: the tables.
        table: one of them, or a view.
        columns: names, a field of a struct as `lieu_travail.commune`; None: all.
        where: condition in SQL on the table's columns; None or "": all rows.
        flat: see the module.

    Raises:
        UsageError: there is no such table or column, the message names the nearest; a column is asked for twice.
    """
    schema = table_schema(engine, table)
    asked = list(columns) if columns else schema.names
    if twice := next((name for n, name in enumerate(asked) if name in asked[:n]), None):
        raise UsageError(f"The column {twice} is asked for twice", todo="Name each column once.")
    chosen = [_column(schema, table, name) for name in asked]
    if flat:
        chosen = [leaf for column in chosen for leaf in _flattened(table, column)]
    latitude, longitude = _place(schema)
    return Selection(table, tuple(chosen), (where or "").strip(), latitude, longitude, not columns)


def _column(schema: pa.Schema, table: str, path: str) -> Column:
    head, *fields = path.split(".")
    if head not in schema.names:
        raise unknown_column(head, _near(head, schema.names), table=table)
    column = Column(schema.field(head), quoted(head))
    for name in fields:
        inner = column.field.type
        known = [field.name for field in inner.fields] if types.is_struct(inner) else []
        if name not in known:
            raise unknown_column(path, [f"{column.name}.{near}" for near in known], table=table)
        column = _field_of(table, column, inner.field(known.index(name)))
    return column


def _near(name: str, known: Sequence[str]) -> list[str]:
    return [one for one in known if nearest(name, [one])]


def _field_of(table: str, column: Column, field: pa.Field[pa.DataType]) -> Column:
    path = f"{column.name}.{field.name}"
    said = {"meaning": sens} if (sens := meaning(table, path)) else {}
    sql = f"struct_extract({column.sql}, '{field.name.replace(chr(39), chr(39) * 2)}')"
    return Column(pa.field(path, field.type, metadata=said), sql)


def _flattened(table: str, column: Column) -> list[Column]:
    type_ = column.field.type
    if types.is_struct(type_):
        return [leaf for field in type_.fields for leaf in _flattened(table, _field_of(table, column, field))]
    if types.is_nested(type_):
        return [Column(column.field.with_type(pa.string()), f"to_json({column.sql})::VARCHAR", json=True)]
    return [column]


def _place(schema: pa.Schema) -> tuple[str | None, str | None]:
    """Where rows are: in the place of work of an offer, or in columns of the table itself."""
    wanted = ("latitude", "longitude")
    if all(name in schema.names for name in wanted):
        return quoted(wanted[0]), quoted(wanted[1])
    if "lieu_travail" in schema.names:
        inner = schema.field("lieu_travail").type
        if types.is_struct(inner) and all(inner.get_field_index(name) >= 0 for name in wanted):
            return "lieu_travail.latitude", "lieu_travail.longitude"
    return None, None
