"""Which folders are stores, of which source, and what is done to the others: nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moisson.errors import SourceMismatch, StoreCorrupt, StoreUnwritable, StoreVersion
from moisson.store.generation import FORMAT as STATE
from moisson.store.opening import FORMAT
from moisson.store.store import open_store
from tests.store.filling import SOURCE, collect, make_offre, open_here, tree


def test_a_new_store_says_what_it_is(tmp_path: Path) -> None:
    """And is the same when opened again."""
    store = open_here(tmp_path / "a" / "b", made_by="0.1", made_at="2026-11-23T22:46:01Z")
    assert json.loads((tmp_path / "a" / "b" / "store.json").read_text()) == {
        "format": FORMAT,
        "source": SOURCE,
        "simule": False,
        "made_by": "0.1",
        "made_at": "2026-11-23T22:46:01Z",
    }
    again = open_store(tmp_path / "a" / "b")
    assert (again.source, again.simulated, again.generation()) == (store.source, False, None)
    assert again.files("offres") == []


def test_a_final_slash_makes_no_other_source(tmp_path: Path) -> None:
    """Addresses are compared without it."""
    open_here(tmp_path)
    assert open_store(tmp_path, source=SOURCE + "/").source == SOURCE


@pytest.mark.parametrize(("source", "simulated"), [("https://other.example.org", False), (SOURCE, True)])
def test_another_source_is_refused(tmp_path: Path, source: str, simulated: bool) -> None:
    """True and simulated data never mix, nor two APIs."""
    collect(tmp_path, [make_offre(1)])
    before = tree(tmp_path)
    with pytest.raises(SourceMismatch) as caught:
        open_store(tmp_path, create=True, source=source, simulated=simulated)
    assert caught.value.exit_code == 2
    assert tree(tmp_path) == before


def test_a_folder_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    """Somebody's files are in it."""
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(StoreUnwritable, match="not empty and is not a store"):
        open_here(tmp_path)
    assert tree(tmp_path) == {"thesis.tex": b"..."}


def test_a_file_is_no_store(tmp_path: Path) -> None:
    """Nor can one be made in it."""
    path = tmp_path / "file"
    path.touch()
    for folder in (path, path / "in"):
        with pytest.raises(StoreUnwritable):
            open_here(folder)


def test_reading_makes_no_store(tmp_path: Path) -> None:
    """A mistyped --store leaves nothing behind."""
    with pytest.raises(StoreUnwritable, match="There is no store"):
        open_store(tmp_path / "typo")
    assert list(tmp_path.iterdir()) == []


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """Its rules are not known here."""
    open_here(tmp_path)
    info = json.loads((tmp_path / "store.json").read_text())
    (tmp_path / "store.json").write_text(json.dumps({**info, "format": FORMAT + 1, "made_by": "9.0"}))
    with pytest.raises(StoreVersion, match=r"newer Moisson \(9\.0\)"):
        open_store(tmp_path)


def test_a_damaged_store_json_is_told(tmp_path: Path) -> None:
    """Not overwritten."""
    open_here(tmp_path)
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(StoreCorrupt):
        open_here(tmp_path)
    assert (tmp_path / "store.json").read_text() == "{"


def test_a_damaged_manifest_is_told(tmp_path: Path) -> None:
    """Not taken for an empty store."""
    collect(tmp_path, [make_offre(1)])
    path = tmp_path / "current" / "manifest.json"
    whole = path.read_text()
    path.write_text(whole[:40])
    with pytest.raises(StoreCorrupt, match="manifest"):
        open_store(tmp_path).generation()
    path.write_text(whole.replace(f'"format": {STATE}', f'"format": {STATE + 1}'))
    with pytest.raises(StoreVersion):
        open_store(tmp_path).generation()


def test_hidden_files_of_yours_stay(tmp_path: Path) -> None:
    """Only what we leave is cleared away."""
    collect(tmp_path, [make_offre(1)])
    (tmp_path / ".git").mkdir()
    (tmp_path / "generations" / ".tmp-000002").mkdir()
    (tmp_path / "runs" / ".DS_Store").touch()
    with open_here(tmp_path).lock("collect"):
        pass
    assert (tmp_path / ".git").is_dir()
    assert (tmp_path / "runs" / ".DS_Store").is_file()
    assert not (tmp_path / "generations" / ".tmp-000002").exists()
