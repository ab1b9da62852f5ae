"""An export is whole or not at all; what cannot be written is refused before anything is."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moisson.errors import DiskFull, StoreCorrupt, StoreUnwritable, UsageError
from moisson.store.export import kinds
from tests.store.export.nasty import folder, write
from tests.store.filling import make_offre, open_here, tree

__all__ = ["folder"]

NAMES = ["o.parquet", "o.csv", "o.ndjson", "o.xlsx", "o.duckdb", "o.gpkg", "o.geojson"]


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("o.json", {}, "Did you mean .ndjson?"),
        ("o", {}, "There are: .parquet, .csv,"),
        ("o.CSVV", {}, "Did you mean csv?"),
        ("o.csv", {"tables": ["ofres"]}, "Did you mean offres?"),
        ("o.csv", {"columns": ["intitul"]}, "Did you mean intitule?"),
        ("o.csv", {"columns": ["lieu_travail.comune"]}, "Did you mean lieu_travail.commune?"),
        ("o.csv", {"columns": ["id.x"]}, "There is no column id.x in offres"),
        ("o.csv", {"columns": ["id", "id"]}, "asked for twice"),
        ("o.csv", {"where": "nope = 1"}, "There is no column nope"),
        ("o.csv", {"where": "true) --"}, "syntax error"),
        ("o.csv", {"where": "id IN (SELECT content FROM read_text('/etc/passwd'))"}, "no other file"),
        ("o.csv", {"where": "true); DROP VIEW offres; SELECT (true"}, "Only one statement"),
        ("o.csv", {"tables": ["offres", "collectes"]}, "Several tables go into a .duckdb file"),
        ("o.duckdb", {"tables": ["offres", "collectes"], "where": "true"}, "Several tables"),
        ("o.duckdb", {"tables": ["offres", "offres"]}, "asked for twice"),
        ("o.csv", {"bulk": True}, "--bulk is for .ndjson files"),
        ("o.ndjson", {"excel": True}, "--excel is for .csv files"),
        ("o.ndjson", {"bulk": True, "tables": ["collectes"]}, "--bulk is for the table offres"),
        ("o.ndjson", {"bulk": True, "columns": ["intitule"]}, "with its column id"),
        ("o.gpkg", {"tables": ["collectes"]}, "has no coordinates"),
        ("store/o.csv", {}, "lies inside the store"),
    ],
)
def test_refused_before_anything_is_written(folder: Path, name: str, options: dict[str, Any], says: str) -> None:
    """What is wrong is told, the nearest name too, and nothing has changed."""
    before = tree(folder.parent)
    with pytest.raises(UsageError) as caught:
        write(folder, name, **options)
    assert says in str(caught.value)
    assert tree(folder.parent) == before


@pytest.mark.parametrize("name", ["no/such/o.csv", "folder.csv"])
def test_a_place_that_cannot_be_written(folder: Path, name: str) -> None:
    """Is told before the store is read."""
    (folder.parent / "folder.csv").mkdir()
    with pytest.raises(StoreUnwritable):
        write(folder, name)


def test_too_many_rows_for_a_sheet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The true limit is a million; nothing is written, and the message says what to do."""
    assert kinds.KINDS["xlsx"].rows_max == 1_048_575
    monkeypatch.setitem(kinds.KINDS, "xlsx", dataclasses.replace(kinds.KINDS["xlsx"], rows_max=22))
    before = tree(folder.parent)
    with pytest.raises(UsageError) as caught:
        write(folder, "o.xlsx")
    assert str(caught.value) == (
        "23 rows do not fit into a sheet, which holds 22. Choose fewer with --where, as in "
        "--where \"departement = '74'\", or export to .csv or .parquet."
    )
    assert tree(folder.parent) == before
    assert write(folder, "o.xlsx", where="id <> '0000001'").rows == {"offres": 22}


@pytest.mark.parametrize(("name", "extra"), [("o.xlsx", "excel"), ("o.gpkg", "geo"), ("o.geojson", "geo")])
def test_a_missing_library(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, extra: str) -> None:
    """The message says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        write(folder, name)
    assert caught.value.todo == f"Type: pip install 'moisson[{extra}]'"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(13, "Permission denied"), RuntimeError("boom")])
def test_what_fails_midway_leaves_nothing(folder: Path, name: str, failure: Any) -> None:
    """The old file stays, no other appears, and the true reason comes out, through whatever library."""
    (folder.parent / name).write_text("old")
    before = tree(folder.parent)

    def fail(table: str, rows: int, total: int) -> None:
        if rows:
            raise failure

    expected = (
        StoreUnwritable if isinstance(failure, OSError) else failure if isinstance(failure, type) else RuntimeError
    )
    with pytest.raises(expected):
        write(folder, name, progress=fail)
    assert tree(folder.parent) == before
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_a_damaged_store_is_told(folder: Path) -> None:
    """As what it is, not as trouble with the file."""
    for path in open_here(folder).files("offres"):
        path.write_bytes(path.read_bytes()[:-2000] + b"\0" * 2000)
    with pytest.raises(StoreCorrupt):
        write(folder, "o.csv")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few hundred kilobytes; skips where none can be mounted."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", where], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", where], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk(tmp_path: Path, small_disk: Path, name: str) -> None:
    """Is told as one whatever the library made of it, and nothing is left."""
    from tests.store.filling import collect

    texts = (os.urandom(6000).hex() for _ in range(60))
    collect(tmp_path / "store", [make_offre(n, description=text) for n, text in enumerate(texts)])
    (small_disk / name).write_text("old")
    with pytest.raises(DiskFull) as caught:
        write(tmp_path / "store", f"disk/{name}")
    assert "No space left on the disk of" in str(caught.value)
    assert [path.name for path in small_disk.iterdir()] == [name]
    assert (small_disk / name).read_text() == "old"
