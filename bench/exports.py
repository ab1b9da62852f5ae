"""Every kind of export of a whole country: time, processor time, memory, size; opened again by another program."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from double import apart
from figures import Figure
from harvest import folder
from plan import Plan
from watched import Watched, moisson

__all__ = ["exports"]

PEAK_MB = 1000
"""What an export may take whatever the country; the fold's own budget."""


def exports(plan: Plan) -> Iterator[Figure]:
    """Each kind of file of a whole country, written by the command, opened by another program."""
    with folder() as parent:
        store = parent / "store"
        apart(_fill, store, plan.country)
        rows = apart(_rows, store)
        for name, (options, count) in KINDS.items():
            path = parent / name
            outcome = Watched(moisson("export", str(path), *options, "--store", str(store)), dict(os.environ)).finish()
            if outcome.exit != 0:
                raise RuntimeError(f"exporting {name} ended with {outcome.exit}: {outcome.errors}")
            yield Figure(f"export {name}: time", outcome.wall_s, "s", note=f"{outcome.cpu_s:.0f} s of processors")
            yield Figure(f"export {name}: peak memory", outcome.peak_mb, "MB", PEAK_MB)
            yield Figure(f"export {name}: size", path.stat().st_size / 1e6, "MB")
            yield Figure(f"export {name}: rows that another program finds", apart(count, path), "", rows, "=")
            yield Figure(f"export {name}: its sidecar fits it", int(_described(path, rows)), "", 1, "=")
            for made in parent.glob(f"{name}*"):
                made.unlink()


def _fill(store: Path, count: int) -> None:
    """Make a store of synthetic offers (fold.py)."""
    import fold

    class Nowhere:
        def put(self, said: Any) -> None:
            pass

    fold.land(str(store), count, 0)
    fold.fold(str(store), count, 0, Nowhere())


def _rows(store: Path) -> int:
    return _duckdb(f"SELECT count(*) FROM read_parquet('{store}/current/offres/*.parquet')")


def _duckdb(query: str) -> int:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        return int(connection.sql(query).fetchall()[0][0])


def _polars(path: Path) -> int:
    import polars

    return int(polars.scan_parquet(path).select(polars.col("id").n_unique()).collect().item())


def _csv(path: Path) -> int:
    return _duckdb(f"SELECT count(DISTINCT id) FROM read_csv('{path}', header = true, all_varchar = true)")


def _lines(path: Path) -> int:
    with path.open("rb") as lines:
        return len({json.loads(line)["id"] for line in lines})


def _database(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as connection:
        return int(connection.sql("SELECT count(DISTINCT id) FROM offres").fetchall()[0][0])


def _sqlite(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(DISTINCT id) FROM offres").fetchone()[0])
    finally:
        connection.close()


def _features(path: Path) -> int:
    # A feature a line, as GDAL writes them: a whole country does not fit into memory as one document.
    with path.open("rb") as lines:
        features = (line.rstrip(b",\n") for line in lines if line.startswith(b'{ "type": "Feature",'))
        return len({json.loads(feature)["properties"]["id"] for feature in features})


def _sheet(path: Path) -> int:
    # Less its header. Reading a country of cells takes another program longer than writing it did.
    found, kept = 0, b""
    with zipfile.ZipFile(path) as book, book.open("xl/worksheets/sheet1.xml") as sheet:
        while part := sheet.read(1 << 22):
            found += (kept + part).count(b"<row ")
            kept = part[-4:]
    return found - 1


def _described(path: Path, rows: int) -> bool:
    package = json.loads(path.with_name(path.name + ".datapackage.json").read_bytes())
    (resource,) = package["resources"]
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return bool(resource["hash"] == f"sha256:{digest}" and resource["moisson"]["rows"] == rows)


Count = Callable[[Path], int]

KINDS: dict[str, tuple[tuple[str, ...], Count]] = {
    "offres.parquet": ((), _polars),
    "offres.csv": ((), _csv),
    "offres.ndjson": ((), _lines),
    "offres.duckdb": ((), _database),
    "offres.gpkg": ((), _sqlite),
    "offres.geojson": ((), _features),
    "offres.xlsx": ((), _sheet),
}
"""The files, the options to write them with, and how another program counts their rows."""
