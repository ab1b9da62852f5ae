"""The figures of `moisson status --json`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from moisson.store.bookkeeping import Compteurs
from moisson.store.fold import FoldOptions
from moisson.store.status import read_status
from tests.store.filling import NOW_S, begin, collect, land_page, make_bilan, make_fenetre, make_offre, open_here

HOUR_S = 3600.0
PROMISED = {
    *("source", "offres", "last_proved_at", "proved", "coverage", "missing_known", "calls", "calls_floor"),
    *("call_ratio", "retries", "status_429", "duration_s"),
}


def test_an_empty_store(tmp_path: Path) -> None:
    """Every figure is there, and none is made up."""
    status = read_status(open_here(tmp_path), NOW_S)
    assert set(msgspec.to_builtins(status)) >= PROMISED
    assert (status.offres, status.proved, status.last_proved_at, status.coverage) == (0, False, None, None)
    assert status.warnings == ()


def test_after_a_proved_run(tmp_path: Path) -> None:
    """The proof is as old as its oldest evidence, not as the end of the run."""
    collect(tmp_path, [make_offre(n) for n in range(300)], NOW_S, page=150)
    status = read_status(open_here(tmp_path), NOW_S + HOUR_S)
    assert (status.offres, status.proved, status.coverage) == (300, True, 1.0)
    assert (status.last_proved_at, status.age_s) == ("2026-09-21T14:13:21Z", HOUR_S - 1)
    assert (status.calls, status.calls_floor, status.call_ratio) == (2, 2, 1.0)
    assert status.rows["offres"] == 300
    assert status.bytes["offres"] > 0
    assert status.warnings == ()
    assert read_status(open_here(tmp_path), NOW_S + 23 * HOUR_S).warnings[0].startswith("The last proof is 23.0 hours")
    assert "every 24 hours" in read_status(open_here(tmp_path), NOW_S + 25 * HOUR_S).warnings[0]


def test_after_a_run_that_is_not_proved(tmp_path: Path) -> None:
    """The last proof stays the earlier one; what is missing is counted and said."""
    collect(tmp_path, [make_offre(n) for n in range(10)], NOW_S)
    bilan = msgspec.structs.replace(
        make_bilan(12, make_fenetre(verdict="manque", total=12), prouve=False), manquantes=2, raisons=("2 missing",)
    )
    collect(tmp_path, [make_offre(n) for n in range(10)], NOW_S + HOUR_S, bilan=bilan)
    status = read_status(open_here(tmp_path), NOW_S + 2 * HOUR_S)
    assert (status.proved, status.last_verdict, status.reasons) == (False, "non prouvee", ("2 missing",))
    assert (status.coverage, status.missing_known, status.announced) == (10 / 12, 2, 12)
    assert status.age_s == 2 * HOUR_S - 1
    assert status.last_proved_announced == 10
    assert any("not proved" in warning for warning in status.warnings)


def test_an_unfinished_run(tmp_path: Path) -> None:
    """Where it stands, and whether it can go on."""
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store)
        land_page(run, 1, [make_offre(1)])
        run.close()
    unfinished = read_status(store, NOW_S + HOUR_S, planner_version="1").unfinished
    assert unfinished is not None
    assert (unfinished.collecte, unfinished.pages, unfinished.resumable) == (run.collecte, 1, True)
    for now_s, version in ((NOW_S + 7 * HOUR_S, "1"), (NOW_S + HOUR_S, "2")):
        unfinished = read_status(store, now_s, planner_version=version).unfinished
        assert unfinished is not None
        assert not unfinished.resumable
        assert unfinished.why_not


def test_time_spent_leaves_out_the_pause(tmp_path: Path) -> None:
    """A run of two sittings of some seconds, three hours apart, took some seconds."""
    store = open_here(tmp_path)
    for sitting_s in (NOW_S, NOW_S + 3 * HOUR_S):
        with store.lock("collect"):
            run = begin(store, sitting_s)
            for n in range(3):
                land_page(run, run.next_no + n, [make_offre(run.next_no + n)], sitting_s + 2 * n)
            if sitting_s == NOW_S:
                run.close()
                continue
            options, counted = FoldOptions(rows_max=24), Compteurs(version="test")
            store.fold(run, make_bilan(6), options, counted, sitting_s + 60)
    assert read_status(store, NOW_S + 4 * HOUR_S).duration_s == 4 + 4
    generation = store.generation()
    assert generation is not None
    (row,) = generation.read("collectes").to_pylist()
    assert (row["duree_s"], row["pauses_s"]) == (3 * HOUR_S + 4, 3 * HOUR_S - 4)


def test_until_when_a_run_can_be_completed(tmp_path: Path) -> None:
    """One that is not proved, for as long as the next one would go on from it."""
    offres = [make_offre(n) for n in range(10)]
    doubt = make_fenetre(verdict="en doute")
    bilan = msgspec.structs.replace(make_bilan(10, doubt, prouve=False), raisons=("a window is in doubt",))
    collect(tmp_path, offres, NOW_S, bilan=bilan)
    store = open_here(tmp_path)
    assert read_status(store, NOW_S + HOUR_S, planner_version="1").completable_until == "2026-09-21T20:13:20Z"
    assert read_status(store, NOW_S + 6.5 * HOUR_S, planner_version="1").completable_until is None
    assert read_status(store, NOW_S + HOUR_S, planner_version="2").completable_until is None
    collect(tmp_path, offres, NOW_S + 2 * HOUR_S)
    assert read_status(store, NOW_S + 3 * HOUR_S, planner_version="1").completable_until is None


def test_what_lies_on_the_disk(tmp_path: Path) -> None:
    """Evidence, what only superseded states hold, unfinished runs; a file of two names is counted once."""
    offres = [make_offre(n) for n in range(30)]
    collect(tmp_path, offres)
    first = read_status(open_here(tmp_path), NOW_S)
    assert (first.disk.superseded, first.disk.unfinished, first.forgotten) == (0, 0, 0)
    assert first.disk.evidence == sum(path.stat().st_size for path in (tmp_path / "evidence").iterdir())
    collect(tmp_path, [make_offre(n, intitule="b") for n in range(30)], NOW_S + 60)
    second = read_status(open_here(tmp_path), NOW_S + 60)
    assert second.disk.superseded > first.bytes["offres"]
    on_disk = sum(path.stat().st_size for path in (tmp_path / "current").resolve().glob("offres_versions/offres_v*"))
    assert second.bytes["offres_versions"] == on_disk
    assert second.rows["offres_versions"] == 60
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store, NOW_S + 120)
        land_page(run, 1, [make_offre(1)])
        run.close()
    assert read_status(store, NOW_S + 120).disk.unfinished > 100


def test_simulated_data_say_so(tmp_path: Path) -> None:
    """First of all warnings."""
    open_here(tmp_path, simulated=True)
    status = read_status(open_here(tmp_path, simulated=True), NOW_S)
    assert status.simulated
    assert status.warnings[0].startswith("Simulated data")
