"""Files that know structs, lists and types: Parquet, and a DuckDB database."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from moisson.store.export.job import Job
from moisson.store.quiet import no_progress_bar
from moisson.store.quoting import literal, quoted

__all__ = ["write_duckdb", "write_parquet"]

_MEMORY = "512MB"


def write_parquet(job: Job) -> list[str]:
    """One Parquet file (zstd); meanings of the columns and where the data come from are in its schema."""
    facts = {f"moisson.{key}": value for key, value in job.facts().items()}
    # What a feed's schema says of itself is for other programs: where its geometry is.
    schema: pa.Schema = job.feed.schema.with_metadata({**(job.feed.schema.metadata or {}), **facts})
    with pq.ParquetWriter(job.path, schema, compression="zstd") as sink:
        for batch in job.feed:
            sink.write_table(pa.Table.from_batches([batch]))
    return []


def write_duckdb(job: Job) -> list[str]:
    """A table of a DuckDB database, which may hold others already; meanings are comments on its columns.

    The engine of a store writes nowhere. This is another one, that is given rows and sees nothing of the store.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        # Each thread fills a row group of its own, in memory.
        "threads": 1,
        "temp_directory": str(job.path.with_name("spilled")),
        "python_enable_replacements": False,
    }
    with duckdb.connect(job.path, config=settings) as database:
        no_progress_bar(database)
        database.register("moisson_feed", job.feed.reader())
        table = quoted(job.selection.table)
        database.execute(f"CREATE TABLE {table} AS SELECT * FROM moisson_feed")
        database.unregister("moisson_feed")
        facts = "\n".join(f"{key}: {value}" for key, value in job.facts().items())
        database.execute(f"COMMENT ON TABLE {table} IS {literal(facts)}")
        for column in job.selection.columns:
            if sens := column.said("meaning"):
                database.execute(f"COMMENT ON COLUMN {table}.{quoted(column.name)} IS {literal(sens)}")
    return []
