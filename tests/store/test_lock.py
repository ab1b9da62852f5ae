"""One process at a time fills a store; whoever comes second is told who came first."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from moisson.errors import StoreLocked
from tests.store.filling import NOW_S, open_here

HOLD = """
import sys, time
from moisson.store.store import open_store
with open_store(sys.argv[1]).lock("collect", now_s=1_795_473_961.0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_told_who_holds_the_store(tmp_path: Path) -> None:
    """And gets it as soon as the first one dies, however it dies."""
    store = open_here(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StoreLocked) as caught, store.lock("collect"):
                pass
            assert f"`collect`, process {holder.pid} on " in str(caught.value)
            assert "since 2026-11-23T22:46:01+00:00" in str(caught.value)
        finally:
            holder.kill()
    deadline = time.monotonic() + 5
    while True:
        try:
            with store.lock("collect"):
                break
        except StoreLocked:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    """Also when the block fails; and the file no longer names anyone."""
    store = open_here(tmp_path)
    with pytest.raises(KeyError), store.lock("collect", now_s=NOW_S):
        raise KeyError
    assert (tmp_path / "lock").read_bytes() == b""
    with store.lock("forget"):
        pass


def test_two_stores_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    """The lock belongs to the opening, not to the process."""
    with open_here(tmp_path).lock("collect"), pytest.raises(StoreLocked), open_here(tmp_path).lock("collect"):
        pass
