"""A store works wherever it is copied, by whatever copies folders."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from moisson.errors import StoreCorrupt
from tests.store.filling import NOW_S, by_id, collect, make_offre, open_here, read_offres
from tests.store.test_crash import Killed, dying_at

OLD = [make_offre(n) for n in range(60)]
NEW = [make_offre(n) for n in range(5, 66)]


def run(*command: object) -> None:
    """Run a command that must end well."""
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def by_tar(store: Path, target: Path) -> None:
    """Through an archive."""
    archive = target.with_suffix(".tar.gz")
    run("tar", "-C", store, "-czf", archive, ".")
    target.mkdir()
    run("tar", "-C", target, "-xzf", archive)


def by_rsync(store: Path, target: Path) -> None:
    """As to another machine."""
    if shutil.which("rsync") is None:
        pytest.skip("no rsync here")
    run("rsync", "-aH", f"{store}/", f"{target}/")


WAYS: dict[str, Callable[[Path, Path], object]] = {
    "cp -a": lambda store, target: run("cp", "-a", store, target),
    "cp -rL, links followed": lambda store, target: run("cp", "-rL", store, target),
    "mv": lambda store, target: run("mv", store, target),
    "tar": by_tar,
    "rsync -aH": by_rsync,
}


@pytest.mark.parametrize("way", WAYS)
def test_moved(tmp_path: Path, way: str) -> None:
    """It reads as it is, and the next run fills it."""
    store, there = tmp_path / "store", tmp_path / "there"
    collect(store, OLD[:-3], NOW_S)
    collect(store, OLD, NOW_S + 3600)
    WAYS[way](store, there)
    shutil.rmtree(store, ignore_errors=True)
    assert read_offres(there) == by_id(OLD)
    assert (there / "current").is_symlink() == ("followed" not in way)
    collect(there, NEW, NOW_S + 7200)
    assert read_offres(there) == by_id(NEW)
    assert (there / "current").is_symlink()
    assert open_here(there).generation() is not None


def test_killed_while_the_link_is_put_back(tmp_path: Path) -> None:
    """At whichever step: whoever fills the store next finds all of it."""
    collect(tmp_path / "store", OLD, NOW_S)
    step = 0
    while True:
        there = tmp_path / str(step)
        shutil.copytree(tmp_path / "store", there)
        try:
            with dying_at(step), open_here(there).lock("collect"):
                done = True
        except Killed:
            done = False
        with open_here(there).lock("collect"):
            assert read_offres(there) == by_id(OLD)
        assert (there / "current").is_symlink()
        assert sorted(p.name for p in there.iterdir() if p.name.startswith(".")) == []
        if done:
            break
        step += 1
    assert step > 5


def test_a_folder_without_its_generation(tmp_path: Path) -> None:
    """Half a copy is not filled, and not emptied either."""
    collect(tmp_path / "store", OLD, NOW_S)
    there = tmp_path / "there"
    shutil.copytree(tmp_path / "store", there)
    shutil.rmtree(there / "generations" / "000001")
    with pytest.raises(StoreCorrupt, match="is a folder"), open_here(there).lock("collect"):
        pass
    assert read_offres(there) == by_id(OLD)
