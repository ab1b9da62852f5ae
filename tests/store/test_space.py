"""Room on the disk: told before it is missing, and when it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from moisson.errors import DiskFull, StoreUnwritable
from moisson.store.fold import FoldOptions
from moisson.store.space import check_space, estimate_run_bytes, free_bytes
from moisson.store.store import Compteurs
from tests.store.filling import NOW_S, begin, by_id, collect, land_page, make_bilan, make_offre, open_here, read_offres


def test_an_estimate_for_the_whole_country() -> None:
    """About 1.7 GB for 750,000 offers: pages, then a generation beside the old one."""
    assert 1.5e9 < estimate_run_bytes(750_000) < 2.0e9
    assert estimate_run_bytes(0) == 0


def test_what_does_not_fit_is_refused_before_the_first_call(tmp_path: Path) -> None:
    """Also for a store that does not exist yet."""
    check_space(tmp_path / "not" / "yet", 1000, "collecting")
    with pytest.raises(DiskFull, match="GB are needed"):
        check_space(tmp_path / "not" / "yet", free_bytes(tmp_path) + 10**12, "collecting")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("a disk cannot be mounted here")
    yield folder
    # Lazily: a process that another test is just starting may hold a copy of an open file for a moment.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_up_while_pages_land(tiny_disk: Path) -> None:
    """The run is kept, and goes on when there is room again."""
    store = open_here(tiny_disk / "store")
    ballast = tiny_disk / "ballast"
    with store.lock("collect"):
        run = begin(store)
        land_page(run, 1, [make_offre(1)])
        ballast.write_bytes(os.urandom(free_bytes(tiny_disk)))
        with pytest.raises(DiskFull) as caught:
            land_page(run, 2, [make_offre(2, description=os.urandom(9000).hex())])
        run.close()
    assert "What was written so far is kept" in str(caught.value)
    ballast.unlink()
    with store.lock("collect"):
        run = begin(store, NOW_S + 60)
        assert run.reprise
        store.fold(run, make_bilan(1), FoldOptions(), Compteurs(), NOW_S + 60)
    assert set(read_offres(tiny_disk / "store")) == {"0000001"}


def test_a_disk_that_fills_up_in_the_fold(tiny_disk: Path) -> None:
    """The old state stays whole; the fold is done again when there is room."""
    folder = tiny_disk / "store"
    old = [make_offre(n) for n in range(5)]
    new = [make_offre(n, description=os.urandom(1500).hex()) for n in range(100)]
    collect(folder, old)
    store = open_here(folder)
    ballast = tiny_disk / "ballast"
    with store.lock("collect"):
        run = begin(store, NOW_S + 60)
        land_page(run, 1, new)
        ballast.write_bytes(os.urandom(free_bytes(tiny_disk) - 60_000))
        with pytest.raises(DiskFull):
            store.fold(run, make_bilan(100), FoldOptions(), Compteurs(), NOW_S + 90)
        run.close()
    assert read_offres(folder) == by_id(old)
    ballast.unlink()
    with store.lock("collect"):
        run = begin(store, NOW_S + 120)
        store.fold(run, make_bilan(100), FoldOptions(), Compteurs(), NOW_S + 150)
    assert read_offres(folder) == by_id(new)


def test_a_store_that_cannot_be_written_is_not_changed(tiny_disk: Path) -> None:
    """Read-only: reading goes on, filling is refused with exit code 2."""
    folder = tiny_disk / "store"
    collect(folder, [make_offre(1)])
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(StoreUnwritable) as caught, open_here(folder).lock("collect"):
        pass
    assert caught.value.exit_code == 2
    assert set(read_offres(folder)) == {"0000001"}
    with pytest.raises(StoreUnwritable):
        open_here(tiny_disk / "other")
