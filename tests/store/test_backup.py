"""Copies of a store: consistent at any moment, done again for little, never in the place of something else."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from moisson.errors import StoreCorrupt, StoreLocked, StoreUnwritable
from moisson.store import files
from moisson.store.backup import BackupResult, backup
from moisson.store.layout import Layout
from moisson.store.lock import hold_lock
from moisson.store.store import open_store
from tests.store.filling import NOW_S, begin, by_id, collect, land_page, make_offre, open_here, read_offres, tree
from tests.store.test_crash import Killed, dying_at

OLD = [make_offre(n) for n in range(60)]
NEW = [make_offre(n, salaire={"libelle": "oui"} if n == 7 else {}) for n in range(3, 66)]


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed loses nothing that it wrote: waiting for the disk would only make these tests slow."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store after one run."""
    collect(tmp_path / "store", OLD, NOW_S)
    return tmp_path / "store"


def copy(store: Path, target: Path) -> BackupResult:
    """Make a copy as the command does."""
    return backup(open_store(store).layout, target)


def lake(store: Path) -> dict[str, bytes]:
    """Every file that readers of a store may look at, with its content."""
    return tree(store / "current") | {f"evidence/{name}": data for name, data in tree(store / "evidence").items()}


def test_a_copy_is_a_store(store: Path, tmp_path: Path) -> None:
    """File for file what the store shows, with its evidence, and nothing else; the store is not touched."""
    before = tree(store)
    result = copy(store, tmp_path / "copy")
    assert tree(store) == before
    assert lake(tmp_path / "copy") == lake(store)
    assert read_offres(tmp_path / "copy") == by_id(OLD)
    assert open_store(tmp_path / "copy").info == open_store(store).info
    assert (result.generation, result.evidence, result.left_out) == (1, 1, ())
    assert result.copied_bytes + result.reused_bytes == sum(len(data) for data in lake(store).values())
    # And it can be filled.
    collect(tmp_path / "copy", NEW, NOW_S + 86_400)
    assert read_offres(tmp_path / "copy") == by_id(NEW)


def test_again_copies_what_changed(store: Path, tmp_path: Path) -> None:
    """The second copy takes over what did not change, and only the present state stays."""
    copy(store, tmp_path / "copy")
    assert copy(store, tmp_path / "copy").copied == 0
    collect(store, OLD, NOW_S + 3600)
    kept = {path.name: path.stat().st_ino for path in (tmp_path / "copy" / "current" / "offres").iterdir()}
    result = copy(store, tmp_path / "copy")
    assert lake(tmp_path / "copy") == lake(store)
    assert {p.name: p.stat().st_ino for p in (tmp_path / "copy" / "current" / "offres").iterdir()} == kept
    assert 0 < result.copied < result.reused
    assert Layout(tmp_path / "copy").generation_numbers() == [2]
    collect(store, NEW, NOW_S + 7200, evidence_runs=1)
    copy(store, tmp_path / "copy")
    assert lake(tmp_path / "copy") == lake(store)
    assert Layout(tmp_path / "copy").evidence_names() == open_here(store).evidence_names()


def test_a_file_of_two_names(store: Path, tmp_path: Path) -> None:
    """What two tables share in the store, they share in the copy: nothing is there twice."""
    generation = store / "generations" / "000001"
    (generation / "shared").mkdir()
    for path in (generation / "offres").iterdir():
        os.link(path, generation / "shared" / path.name)
    copy(store, tmp_path / "copy")
    copied = tmp_path / "copy" / "current"
    names = sorted(path.name for path in (copied / "shared").iterdir())
    assert names
    assert all((copied / "shared" / name).samefile(copied / "offres" / name) for name in names)


def test_the_geography_that_was_fetched(store: Path, tmp_path: Path) -> None:
    """It is copied, kept in step, and not read again when it did not change."""
    folder = store / "territoires"
    folder.mkdir()
    (folder / "communes.json").write_text("{}", encoding="utf-8")
    (folder / "old.json").write_text("[]", encoding="utf-8")
    copy(store, tmp_path / "copy")
    assert tree(tmp_path / "copy" / "territoires") == tree(folder)
    (folder / "old.json").unlink()
    (folder / "communes.json").write_text('{"01": 1}', encoding="utf-8")
    assert copy(store, tmp_path / "copy").copied == 1
    assert tree(tmp_path / "copy" / "territoires") == tree(folder)
    assert copy(store, tmp_path / "copy").copied == 0


def test_an_unfinished_run_is_left_out(store: Path, tmp_path: Path) -> None:
    """It is named, and the copy does not know of it."""
    filled = open_here(store)
    with filled.lock("collect"):
        run = begin(filled, NOW_S + 600)
        land_page(run, 1, NEW[:5])
        result = copy(store, tmp_path / "copy")
        run.close()
    assert result.left_out == (run.collecte,)
    assert Layout(tmp_path / "copy").run_names() == []


def test_a_store_without_a_state(tmp_path: Path) -> None:
    """Nothing was folded yet: the copy is an empty store."""
    open_here(tmp_path / "store")
    assert copy(tmp_path / "store", tmp_path / "copy").generation == 0
    assert open_store(tmp_path / "copy").generation() is None


@pytest.mark.parametrize("retention_s", [0.0, 86_400.0])
def test_at_any_step_of_a_fold(store: Path, tmp_path: Path, retention_s: float) -> None:
    """A copy begun at whichever step of a run holds the old state or the new, whole."""
    old, states = lake(store), []
    one_at_a_time = threading.Lock()
    copies: list[tuple[str, dict[str, bytes]]] = []

    def hook(what: str) -> None:
        with one_at_a_time:
            files.hook = None
            target = tmp_path / "copies" / str(len(copies))
            target.parent.mkdir(exist_ok=True)
            copy(store, target)
            copies.append((what, lake(target)))
            shutil.rmtree(target)
            files.hook = hook

    files.hook = hook
    try:
        collect(store, NEW, NOW_S + 7200, retention_s=retention_s)
    finally:
        files.hook = None
    new = lake(store)
    for what, found in copies:
        assert found in (old, new), what
        states.append("old" if found == old else "new")
    assert len(copies) > 50
    assert sorted(states, reverse=True) == states, "never the old state after the new"


def test_killed_at_any_step_then_made_again(store: Path, tmp_path: Path) -> None:
    """A copy that dies is no store yet, or the copy before, or the new one; made again it is whole."""
    copy(store, tmp_path / "base")
    old = lake(tmp_path / "base")
    collect(store, NEW, NOW_S + 7200)
    for first in (True, False):
        step = 0
        while True:
            target = tmp_path / f"{first}-{step}"
            if not first:
                shutil.copytree(tmp_path / "base", target, symlinks=True)
            try:
                with dying_at(step):
                    copy(store, target)
                finished = True
            except Killed:
                finished = False
            if first and not (target / "store.json").exists():
                with pytest.raises(StoreUnwritable, match="There is no store"):
                    open_store(target)
            elif not finished:
                found = lake(target / ".") if (target / "current").exists() else {}
                state = {name: data for name, data in found.items() if not name.startswith("evidence")}
                assert state in ({k: v for k, v in lake_.items() if k in state} for lake_ in (old, lake(store)))
            copy(store, target)
            assert lake(target) == lake(store)
            assert not Layout(target).leftovers()
            shutil.rmtree(target)
            if finished:
                break
            step += 1
        assert step > 20


def test_a_state_that_is_cleared_away_meanwhile(store: Path, tmp_path: Path) -> None:
    """The copy begins again with the state that is there now."""
    fired: list[str] = []

    def hook(what: str) -> None:
        if what.startswith("write .offres-") and not fired:
            fired.append(what)
            files.hook = None
            collect(store, NEW, NOW_S + 90_000, retention_s=0.0, evidence_runs=1)
            files.hook = hook

    files.hook = hook
    try:
        result = copy(store, tmp_path / "copy")
    finally:
        files.hook = None
    assert fired
    assert result.generation == 2
    assert lake(tmp_path / "copy") == lake(store)


def test_without_hard_links(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system has none, unchanged files are copied again."""
    copy(store, tmp_path / "copy")
    collect(store, OLD, NOW_S + 3600)

    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    result = copy(store, tmp_path / "copy")
    assert result.reused == 1  # the evidence of the first run, which stays where it is
    assert lake(tmp_path / "copy") == lake(store)


def test_refuses_what_is_not_its_copy(store: Path, tmp_path: Path) -> None:
    """A folder with something in it, another store, its copy, or a copy that was filled: nothing is changed."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    collect(tmp_path / "other", NEW, NOW_S + 1)
    collect(tmp_path / "third", NEW, NOW_S + 2)
    copy(tmp_path / "third", tmp_path / "copy of third")
    copy(store, tmp_path / "filled")
    collect(tmp_path / "filled", NEW, NOW_S + 3)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for name in ("mine", "other", "copy of third", "filled", "file"):
        before = tree(tmp_path / name)
        with pytest.raises(StoreUnwritable) as caught:
            copy(store, tmp_path / name)
        assert caught.value.exit_code == 2
        assert tree(tmp_path / name) == before
    for folder in (store, store / "backup", tmp_path):
        with pytest.raises(StoreUnwritable, match="lie in one another"):
            copy(store, folder)


def test_a_damaged_store_does_not_replace_a_good_copy(store: Path, tmp_path: Path) -> None:
    """A file that was cut short since it was written stops the copy; the one before stays."""
    copy(store, tmp_path / "copy")
    collect(store, NEW, NOW_S + 7200)
    before = lake(tmp_path / "copy")
    victim = sorted((store / "current" / "offres").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:-10])
    with pytest.raises(StoreCorrupt, match="has changed since"):
        copy(store, tmp_path / "copy")
    now = lake(tmp_path / "copy")
    assert {name: now[name] for name in before} == before


def test_two_copies_at_once(store: Path, tmp_path: Path) -> None:
    """The second one says who is at it."""
    copy(store, tmp_path / "copy")
    with hold_lock(tmp_path / "copy" / "lock", "backup", NOW_S), pytest.raises(StoreLocked, match="backup"):
        copy(store, tmp_path / "copy")
