"""Dying at any step of the file system: readers see the old state or the new, and running again makes it right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from moisson.model import PageLue
from moisson.store import files
from moisson.store.fold import FoldOptions
from moisson.store.runs import unfinished_runs
from moisson.store.store import Compteurs, Store
from tests.store.filling import (
    NOW_S,
    begin,
    by_id,
    collect,
    land_page,
    make_bilan,
    make_offre,
    open_here,
    read_offres,
)

OLD = [make_offre(n) for n in range(20)]
NEW = [make_offre(n, salaire={"libelle": "oui"} if n == 7 else {}) for n in range(3, 26)]
PAGES = [NEW[start : start + 8] for start in range(0, len(NEW), 8)]
OPTIONS = FoldOptions(rows_max=16, evidence_runs=1, retention_s=0.0)


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed loses nothing that it wrote: waiting for the disk would only make these tests slow."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


class Killed(BaseException):
    """As sudden as kill -9: nothing of ours catches it."""


@contextmanager
def dying_at(step: int) -> Iterator[list[str]]:
    """Die at the step of this number (0 is the first); yields the steps done."""
    done: list[str] = []

    def hook(what: str) -> None:
        if len(done) >= step:
            raise Killed(what)
        done.append(what)

    files.hook = hook
    try:
        yield done
    finally:
        files.hook = None


def work(store: Store, now_s: float) -> None:
    """What `collect` does: take up or begin a run, land what is not landed yet, fold."""
    with store.lock("collect", now_s=now_s):
        run, faits = store.resume_or_begin(now_s, planner_version="1")
        read = [fait for fait in faits if isinstance(fait, PageLue)]
        for page in PAGES[len(read) :]:
            land_page(run, run.next_no, page)
            run.next_no += 1
        store.fold(run, make_bilan(len(NEW)), OPTIONS, Compteurs(), now_s + 60)


def state(folder: Path) -> str:
    """Which state readers see; anything else than the old or the new, all tables alike, fails."""
    offres = read_offres(folder)
    generation = open_here(folder).generation()
    assert generation is not None
    runs = generation.read("collectes")
    assert runs is not None
    if offres == by_id(OLD):
        assert runs.num_rows == 1
        assert history(folder) == (dict.fromkeys(by_id(OLD), 1), set(), len(OLD))
        return "old"
    assert offres == by_id(NEW)
    assert runs.num_rows >= 2
    versions = dict.fromkeys(by_id([*OLD, *NEW]), 1) | {"0000007": 2}
    assert history(folder) == (versions, {"0000000", "0000001", "0000002"}, len(NEW))
    return "new"


def history(folder: Path) -> tuple[dict[str, int], set[str], int]:
    """The last version of each offer, those whose stay ended, and the stock that the counts add up to."""
    generation = open_here(folder).generation()
    assert generation is not None
    online, versions, presence, counts = (
        found.to_pylist()
        for table, columns in (
            ("offres", ["id"]),
            ("offres_versions", ["id", "version"]),
            ("presence", None),
            ("agregats_jour", ["variation"]),
        )
        if (found := generation.read(table, columns)) is not None
    )
    last: dict[str, int] = {}
    for row in versions:
        last[row["id"]] = max(row["version"], last.get(row["id"], 0))
    assert {row["id"] for row in presence if row["retiree"] is None} == {row["id"] for row in online}
    return last, {row["id"] for row in presence if row["retiree"]}, sum(row["variation"] for row in counts)


def steps_of_a_run(folder: Path) -> list[str]:
    """Every step that `work` takes."""
    with dying_at(10**9) as done:
        work(open_here(folder), NOW_S + 600)
    return done


@pytest.mark.parametrize("part", range(4))
def test_killed_at_any_step_then_run_again(tmp_path: Path, part: int) -> None:
    """From the first page to the last removal; in four parts, so that they can run beside each other."""
    base = tmp_path / "base"
    collect(base, OLD, NOW_S - 600, rows_max=16)
    shutil.copytree(base, tmp_path / "dry", symlinks=True)
    steps = steps_of_a_run(tmp_path / "dry")
    # One step is the commit point: before it the old state, after it the new.
    commit = steps.index("rename current")
    for step in range(part, len(steps), 4):
        folder = tmp_path / str(step)
        shutil.copytree(base, folder, symlinks=True)
        with pytest.raises(Killed), dying_at(step):
            work(open_here(folder), NOW_S + 600)
        assert state(folder) == ("new" if step > commit else "old"), steps[step]
        work(open_here(folder), NOW_S + 1200)
        assert state(folder) == "new", steps[step]
        assert_tidy(folder)
        shutil.rmtree(folder)


def assert_tidy(folder: Path) -> None:
    """Nothing is left of the crash: one run recorded in full, its evidence whole, no folder of a run."""
    store = open_here(folder)
    assert store.layout.run_names() == []
    assert store.layout.leftovers() == []
    generation = store.generation()
    assert generation is not None
    (name,) = store.evidence_names()
    assert name == generation.manifest.collectes[-1]
    with store.evidence(name) as (_, faits):
        assert len(list(faits)) == len(PAGES)
    assert store.layout.generation_numbers() == [generation.manifest.generation]


def test_killed_twice(tmp_path: Path) -> None:
    """Clearing away after a crash can be interrupted too."""
    base = tmp_path / "base"
    collect(base, OLD, NOW_S - 600, rows_max=16)
    shutil.copytree(base, tmp_path / "dry", symlinks=True)
    count = len(steps_of_a_run(tmp_path / "dry"))
    for first in range(0, count, 11):
        for second in (1, 3, 8, 20):
            folder = tmp_path / f"{first}-{second}"
            shutil.copytree(base, folder, symlinks=True)
            for step, now_s in ((first, NOW_S + 600), (second, NOW_S + 700)):
                with pytest.raises(Killed), dying_at(step):
                    work(open_here(folder), now_s)
                state(folder)
            work(open_here(folder), NOW_S + 1200)
            assert state(folder) == "new"
            assert_tidy(folder)
            shutil.rmtree(folder)


def test_a_first_run_killed_at_any_step(tmp_path: Path) -> None:
    """With no state before it: nothing to read, then all of it."""
    steps = 0
    for step in range(0, 10**6, 2):
        folder = tmp_path / str(step)
        try:
            with dying_at(step):
                work(open_here(folder), NOW_S)
            break
        except Killed:
            steps += 1
        if folder.exists() and (folder / "current").exists():
            assert read_offres(folder) == by_id(NEW)
        work(open_here(folder), NOW_S + 60)
        assert read_offres(folder) == by_id(NEW)
        assert_tidy(folder)
        shutil.rmtree(folder)
    assert steps > 30


def test_giving_up_a_run_can_be_interrupted(tmp_path: Path) -> None:
    """The run given up is recorded once, by the next fold."""
    store = open_here(tmp_path / "base")
    with store.lock("collect"):
        run = begin(store)
        land_page(run, 1, OLD[:5], tentatives=3, refus_429=1)
        run.close()
    for step in range(100):
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "base", folder, symlinks=True)
        store, over = open_here(folder), False
        with store.lock("collect"):
            try:
                with dying_at(step):
                    begin(store, NOW_S + 10, new=True).close()
                over = True
            except Killed:
                pass
        with store.lock("collect"):
            run = begin(store, NOW_S + 20, new=not unfinished_runs(store.layout)[1:])
            land_page(run, 99, NEW)
            store.fold(run, make_bilan(len(NEW)), OPTIONS, Compteurs(), NOW_S + 60)
        generation = store.generation()
        assert generation is not None
        runs = generation.read("collectes")
        assert runs is not None
        rows = [row for row in runs.to_pylist() if row["verdict"] == "abandonnee" and row["appels"]]
        assert [(row["appels"], row["relances"], row["statut_429"]) for row in rows] == [(3, 2, 1)]
        assert store.layout.run_names() == []
        if over:
            break
    assert over


def test_everything_is_on_the_disk_before_it_is_shown(tmp_path: Path) -> None:
    """A power cut loses what was not synced: each file and folder is, before the rename that shows it."""
    collect(tmp_path, OLD, NOW_S - 600, rows_max=16)
    steps = steps_of_a_run(tmp_path)
    switch = steps.index("rename current")
    for at, step in enumerate(steps[:switch]):
        what, name = step.split(" ", 1)
        if what in {"write", "append"}:
            assert f"sync {name}" in steps[at + 1 : switch], step
        if what == "rename" and name.endswith((".gz", ".zst")):
            assert f"sync .{name}.tmp" in steps[:at], step
    number = next(step for step in steps if step.startswith("rename 0000") and not step.endswith("gz"))
    assert "sync manifest.json" in steps[: steps.index(number)]
    assert "sync generations" in steps[steps.index(number) : switch]
