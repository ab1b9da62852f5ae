"""Forgetting that is cut short anywhere leaves a store whose runs are proved again, and asked again it ends."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from moisson.harvest.verify import verifiable_runs, verify
from moisson.store.masking import mark
from moisson.store.store import open_store
from tests.harvest.jumeau import offres
from tests.harvest.test_continuation import HOUR_S, Pays
from tests.store.test_crash import Killed, dying_at
from tests.store.test_licence import bytes_of


def proved_again(folder: Path) -> None:
    """Each run that has evidence is."""
    store = open_store(folder)
    for nom in verifiable_runs(store):
        found = verify(store, nom)
        assert found.prouvee, found


def test_killed_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two proved runs, of which the first read an offer that was withdrawn since, and one that is online."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    pays = Pays(tmp_path / "store", offres=120)
    assert pays.collect().bilan.prouve
    withdrawn, online = pays.world.truth().ids[10:12]
    pays.world.withdraw(withdrawn)
    pays.now_s += HOUR_S
    assert pays.collect().bilan.prouve
    proved_again(pays.folder)
    now_s = pays.world.start_ms / 1000 + pays.now_s + HOUR_S
    before, ids = set(offres(pays.folder)), {withdrawn, online}

    def forget(folder: Path) -> None:
        store = open_store(folder)
        with store.lock("forget"):
            store.forget(ids, now_s)

    for step in range(10**6):
        folder = tmp_path / str(step)
        shutil.copytree(pays.folder, folder, symlinks=True)
        over = False
        try:
            with dying_at(step):
                forget(folder)
            over = True
        except Killed:
            pass
        proved_again(folder)
        forget(folder)
        proved_again(folder)
        assert set(offres(folder)) == before - ids
        content = [text for _, text in bytes_of(folder)]
        assert not any(id_.encode() in text for id_ in ids for text in content)
        assert any(mark(online).encode() in text for text in content)
        shutil.rmtree(folder)
        if over:
            break
    assert step > 30
