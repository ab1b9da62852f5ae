"""What a new vintage changed, for the person who runs the recipe. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

SHOWN_MAX = 10


def changes(before: Mapping[str, pa.Table], after: Mapping[str, pa.Table]) -> list[str]:
    """Lines that say what came, went, was renamed, moved, and how populations changed; empty when nothing did.

    Args:
        before: tables that were shipped, by name; none the first time.
        after: tables made now.
    """
    return [line for table, data in after.items() for line in _table_changes(table, before.get(table), data)]


def _table_changes(table: str, before: pa.Table | None, after: pa.Table) -> Iterator[str]:
    if before is None:
        yield f"{table}: new, {after.num_rows:,} rows"
        return
    if before.equals(after):
        return
    if before.column_names != after.column_names:
        yield f"{table}: {before.num_rows:,} rows, now {after.num_rows:,}"
        return
    old = {row["code"]: row for row in before.to_pylist()}
    new = {row["code"]: row for row in after.to_pylist()}
    yield from _named(table, "added", [f"{c} {new[c]['nom']}" for c in sorted(new.keys() - old.keys())])
    yield from _named(table, "removed", [f"{c} {old[c]['nom']}" for c in sorted(old.keys() - new.keys())])
    kept = sorted(old.keys() & new.keys())
    for column in after.column_names:
        moved = [code for code in kept if old[code][column] != new[code][column]]
        if column == "population":
            if moved:
                was, now = (sum(row["population"] or 0 for row in rows.values()) for rows in (old, new))
                yield f"{table}: population of {len(moved):,} changed; in all {was:,}, now {now:,} ({now - was:+,})"
        else:
            label = "renamed" if column == "nom" else f"{column} changed"
            shown = [f"{code} {old[code][column]} -> {new[code][column]}" for code in moved]
            yield from _named(table, label, shown)


def _named(table: str, what: str, items: list[str]) -> Iterator[str]:
    if items:
        more = f", and {len(items) - SHOWN_MAX:,} more" if len(items) > SHOWN_MAX else ""
        yield f"{table}: {len(items):,} {what}: {', '.join(items[:SHOWN_MAX])}{more}"
