"""Beginning a run, taking it up again, giving it up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from moisson.errors import StoreCorrupt
from moisson.store.fold import FoldOptions
from moisson.store.status import read_status
from moisson.store.store import Compteurs, Store
from tests.store.filling import NOW_S, begin, collect, land_page, make_bilan, make_offre, open_here

HOUR_S = 3600.0


def interrupted(folder: Path, pages: int = 3, **more: Any) -> Store:
    """A store with a run of some pages that was not finished."""
    store = open_here(folder)
    with store.lock("collect"):
        run = begin(store, **more)
        for no in range(1, pages + 1):
            land_page(run, no, [make_offre(no)], NOW_S + no)
        run.close()
    return store


def test_a_run_is_named_by_when_it_began(tmp_path: Path) -> None:
    """In UTC; two in one second are told apart."""
    store = open_here(tmp_path)
    names = []
    with store.lock("collect"):
        for _ in range(3):
            run = begin(store, 1_795_473_961.0, new=True)
            names.append(run.collecte)
            run.close()
    assert names == ["20261123T224601Z", "20261123T224601Z-2", "20261123T224601Z-3"]


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The same facts, in order; page numbers go on; it says that it was taken up."""
    store = interrupted(tmp_path)
    with store.lock("collect"):
        run, faits = store.resume_or_begin(NOW_S + HOUR_S, planner_version="1")
        assert [fait.question.fenetre for fait in faits] == [1, 1, 1]
        assert (run.reprise, run.next_no, run.pages) == (True, 4, 3)
        land_page(run, run.next_no, [make_offre(9)])
        assert len(list(run.faits())) == 4
        run.close()
    info = json.loads((tmp_path / "runs" / run.collecte / "run.json").read_text())
    assert info["resumed_s"] == [NOW_S + HOUR_S]


def test_a_new_run_has_no_facts(tmp_path: Path) -> None:
    """And is not a resumed one."""
    store = open_here(tmp_path)
    with store.lock("collect"):
        run, faits = store.resume_or_begin(NOW_S, planner_version="1")
        assert (list(faits), run.reprise, run.next_no) == ([], False, 1)
        run.close()


@pytest.mark.parametrize(
    ("more", "now_s", "reason"),
    [
        ({}, NOW_S + 6 * HOUR_S, "it began 6.0 hours ago, more than the 6 allowed"),
        ({}, NOW_S - 60, "it began later than now: the clock of this machine was set back"),
        ({"planner_version": "2"}, NOW_S + 60, "it was planned by version 1, this is version 2"),
        ({"settings_digest": "x"}, NOW_S + 60, "the settings that make the plan changed"),
        ({"new": True}, NOW_S + 60, "a new run was asked for"),
    ],
)
def test_a_run_that_may_not_go_on_is_given_up_and_recorded(
    tmp_path: Path, more: dict[str, Any], now_s: float, reason: str
) -> None:
    """Its pages go at once; the next fold records what it had spent and why it ended."""
    store = interrupted(tmp_path)
    with store.lock("collect"):
        run = begin(store, now_s, **more)
        assert not run.reprise
        assert len(list((tmp_path / "runs").glob("*/pages/*"))) == 0
        land_page(run, 1, [make_offre(1)])
        store.fold(run, make_bilan(1), FoldOptions(), Compteurs(version="9"), now_s + 60)
    generation = store.generation()
    assert generation is not None
    table = generation.read("collectes")
    assert table is not None
    given_up, folded = table.to_pylist()
    assert (given_up["verdict"], given_up["appels"], given_up["raisons"]) == ("abandonnee", 3, [reason])
    assert given_up["distinctes"] is None
    assert folded["verdict"] == "prouvee"
    assert store.layout.run_names() == []
    assert read_status(store, now_s).last_run == run.collecte


def test_the_age_allowed_is_a_setting(tmp_path: Path) -> None:
    """`resume_max_age`."""
    store = interrupted(tmp_path)
    with store.lock("collect"):
        run = begin(store, NOW_S + 7 * HOUR_S, resume_max_age_s=8 * HOUR_S)
        assert run.reprise
        run.close()


def test_landed_pages_without_a_fact_are_removed(tmp_path: Path) -> None:
    """The crash came between landing and journalling: the page will be asked for again."""
    store = interrupted(tmp_path)
    (run_folder,) = (tmp_path / "runs").iterdir()
    (run_folder / "pages" / "00000007.json.gz").write_bytes(b"x")
    (run_folder / "pages" / ".00000008.json.gz.tmp").write_bytes(b"x")
    with store.lock("collect"):
        run = begin(store, NOW_S + 60)
        assert run.next_no == 4
        run.close()
    assert sorted(path.name[:8] for path in (run_folder / "pages").iterdir()) == ["00000001", "00000002", "00000003"]


@pytest.mark.parametrize("damage", ["unlink", "truncate"])
def test_a_fact_without_its_page_is_damage(tmp_path: Path, damage: str) -> None:
    """It cannot come from a crash, since pages land first; `--new` gets past it."""
    store = interrupted(tmp_path)
    path = next((tmp_path / "runs").glob("*/pages/00000002.json.gz"))
    if damage == "unlink":
        path.unlink()
    else:
        path.write_bytes(b"")
    with store.lock("collect"):
        with pytest.raises(StoreCorrupt, match=r"00000002\.json\.gz is missing"):
            begin(store, NOW_S + 60)
        run = begin(store, NOW_S + 60, new=True)
        assert not run.reprise
        run.close()


def test_a_damaged_journal_can_be_given_up(tmp_path: Path) -> None:
    """What it had spent is not known then."""
    store = interrupted(tmp_path)
    path = next((tmp_path / "runs").glob("*/journal.ndjson"))
    path.write_bytes(b"{}\n" + path.read_bytes())
    with store.lock("collect"):
        with pytest.raises(StoreCorrupt, match="Line 1"):
            begin(store, NOW_S + 60)
        run = begin(store, NOW_S + 60, new=True)
        run.close()


def test_a_journal_cannot_point_outside_its_run(tmp_path: Path) -> None:
    """A name that no landing makes is not opened."""
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store)
        with pytest.raises(ValueError, match="not the name of a landed page"):
            run.read_page("../../store.json")
        run.close()


def test_filling_needs_the_lock(tmp_path: Path) -> None:
    """Forgetting it is a mistake of ours."""
    with pytest.raises(RuntimeError, match="needs `with store"):
        begin(open_here(tmp_path))


def test_after_a_fold_a_new_run_begins(tmp_path: Path) -> None:
    """Nothing to take up any more."""
    collect(tmp_path, [make_offre(1)])
    store = open_here(tmp_path)
    assert read_status(store, NOW_S).unfinished is None
    with store.lock("collect"):
        run = begin(store, NOW_S + 60)
        assert not run.reprise
        run.close()


def test_a_run_that_failed_for_good_is_recorded_as_such(tmp_path: Path) -> None:
    """The API broke its contract: the journal leads nowhere."""
    store = open_here(tmp_path)
    assert store.last_proved_total() is None
    with store.lock("collect"):
        run = begin(store)
        land_page(run, 1, [make_offre(1)])
        store.abandon(run, "the order is ignored", NOW_S + 5)
        assert not begin(store, NOW_S + 10).reprise
    collect(tmp_path, [make_offre(n) for n in range(7)], NOW_S + 20)
    generation = store.generation()
    assert generation is not None
    table = generation.read("collectes")
    assert table is not None
    row = table.to_pylist()[0]
    assert (row["verdict"], row["appels"], row["raisons"]) == ("echouee", 1, ["the order is ignored"])
    assert store.last_proved_total() == 7
