"""Forgetting: the id and the content are nowhere any more, the proof still holds, and no run brings them back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from moisson.errors import UsageError
from moisson.store import files
from moisson.store.engine import connect
from moisson.store.forget import Oubli
from moisson.store.masking import mark
from moisson.store.status import read_status
from tests.store.filling import NOW_S, begin, by_id, collect, land_page, make_offre, open_here, read_offres, tree
from tests.store.test_crash import Killed, dying_at
from tests.store.test_licence import bytes_of

DAY_S = 86_400.0
SECRET = "Quelqu'un de nommé Zyxwv"


def world(day: int) -> list[dict[str, Any]]:
    """Offer 57 is edited each day; 58 is gone on the third."""
    offres = [make_offre(n) for n in range(60) if not (n == 58 and day >= 2)]
    offres[57] = make_offre(57, description=f"{SECRET}, {day}")
    return offres


def filled(folder: Path, **options: Any) -> Path:
    """Three days, then an unfinished run that read offer 57."""
    for day in range(3):
        collect(folder, world(day), NOW_S + day * DAY_S / 4, **options)
    store = open_here(folder)
    with store.lock("collect"):
        run = begin(store, NOW_S + DAY_S * 3 / 4)
        land_page(run, 1, world(2)[50:])
        run.close()
    return folder


def forget(folder: Path, *ids: str, now_s: float = NOW_S + DAY_S) -> Oubli:
    """What `moisson forget` does."""
    store = open_here(folder)
    with store.lock("forget"):
        return store.forget(set(ids), now_s)


def holds(folder: Path, text: str) -> list[str]:
    """The files that hold a text, however they are packed."""
    return [name for name, content in bytes_of(folder) if text.encode() in content]


@pytest.mark.parametrize("keep_raw", [False, True])
def test_forgotten_everywhere(tmp_path: Path, keep_raw: bool) -> None:
    """Not one byte tells of it; all else is as it was."""
    folder = filled(tmp_path, keep_raw=keep_raw)
    assert holds(folder, SECRET)
    before = read_offres(folder)
    done = forget(folder, "0000057", "0000058")
    assert (done.online, done.lignes) == (("0000057",), {"offres": 1, "offres_versions": 3, "presence": 2})
    assert (len(done.preuves), len(done.abandonnees)) == (3, 1)
    assert holds(folder, SECRET) == []
    assert holds(folder, "0000057") == holds(folder, "0000058") == []
    del before["0000057"]
    assert read_offres(folder) == before
    with connect(open_here(folder)) as engine:
        stock = engine.query("SELECT sum(variation) AS n FROM agregats_jour").to_pylist()
        assert stock == [{"n": len(before)}]
        assert engine.query("SELECT count(*) AS n FROM presence").to_pylist() == [{"n": 58}]


def test_the_evidence_still_holds(tmp_path: Path) -> None:
    """Chain and counts, with a mark in the place of the id."""
    folder = filled(tmp_path)
    forget(folder, "0000057")
    store = open_here(folder)
    for name in store.evidence_names():
        with store.evidence(name) as (_, faits):
            ids = [ligne.id for fait in faits if hasattr(fait, "lignes") for ligne in fait.lignes]
        assert mark("0000057") in ids
        assert len(set(ids)) == len(ids) >= 59


def test_it_does_not_come_back(tmp_path: Path) -> None:
    """However often the source shows it; the run's evidence has its mark only."""
    folder = filled(tmp_path)
    forget(folder, "0000057")
    result = collect(folder, world(2), NOW_S + DAY_S * 1.5, keep_raw=False)
    assert (result.offres, result.nouvelles, result.modifiees, result.retirees) == (58, 0, 0, 0)
    assert "0000057" not in read_offres(folder)
    assert holds(folder, "0000057") == holds(folder, SECRET) == []
    last = open_here(folder).generation().read("collectes").to_pylist()[-1]  # type: ignore[union-attr]
    assert (last["distinctes"], last["offres"]) == (59, 58)
    assert read_status(open_here(folder), NOW_S + DAY_S * 1.5).forgotten == 1
    assert set(read_offres(folder)) == set(by_id(world(2))) - {"0000057"}


def test_the_next_quiet_night_writes_nothing(tmp_path: Path) -> None:
    """What was rewritten is known by its digest, as what a fold wrote."""
    folder = filled(tmp_path)
    forget(folder, "0000057")
    before = {path.name: path.stat().st_ino for path in (folder / "current" / "offres").iterdir()}
    stays = {path.name: path.stat().st_ino for path in (folder / "current" / "presence").iterdir()}
    collect(folder, world(2), NOW_S + DAY_S * 1.5)
    assert {path.name: path.stat().st_ino for path in (folder / "current" / "offres").iterdir()} == before
    assert {path.name: path.stat().st_ino for path in (folder / "current" / "presence").iterdir()} == stays


def test_an_unknown_id_changes_nothing(tmp_path: Path) -> None:
    """Not even for the ids beside it that are known."""
    folder = filled(tmp_path)
    before = tree(folder)
    with pytest.raises(UsageError, match="holds no offer 57, 9999999"):
        forget(folder, "0000057", "57", "9999999")
    with pytest.raises(UsageError):
        forget(tmp_path / "empty", "0000057")
    assert {name: content for name, content in tree(folder).items() if not name.startswith("empty")} == before


def test_forgetting_twice_is_fine(tmp_path: Path) -> None:
    """The second time finds nothing to remove."""
    folder = filled(tmp_path)
    forget(folder, "0000057")
    assert forget(folder, "0000057", now_s=NOW_S + DAY_S + 1).lignes == {}


def test_an_offer_that_only_an_unfinished_run_read(tmp_path: Path) -> None:
    """Its pages go and do not bring it into the lake, although no table ever held it; other ids stay unknown."""
    folder = filled(tmp_path)
    store = open_here(folder)
    with store.lock("collect"):
        run = begin(store, NOW_S + DAY_S * 3 / 4)
        land_page(run, 2, [make_offre(90, description=SECRET)])
        run.close()
    with pytest.raises(UsageError, match="holds no offer 0000091"):
        forget(folder, "0000090", "0000091")
    done = forget(folder, "0000090")
    assert (done.online, done.lignes, len(done.abandonnees)) == (("0000090",), {}, 1)
    assert holds(folder, "0000090") == []
    assert set(collect_again(folder, [*world(2), make_offre(90)])) == set(by_id(world(2)))


def test_before_the_first_fold(tmp_path: Path) -> None:
    """The store has no state yet: it gets one without offers, that knows what must stay out."""
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store)
        land_page(run, 1, world(0))
        run.close()
    done = forget(tmp_path, "0000057")
    assert (done.online, done.lignes, len(done.abandonnees)) == (("0000057",), {}, 1)
    assert holds(tmp_path, SECRET) == []
    assert read_status(open_here(tmp_path), NOW_S).offres == 0
    assert set(collect_again(tmp_path, world(2))) == set(by_id(world(2))) - {"0000057"}
    assert holds(tmp_path, SECRET) == []


def collect_again(folder: Path, offres: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is there after one more run."""
    collect(folder, offres, NOW_S + DAY_S * 1.5)
    return read_offres(folder)


def test_a_run_is_given_up_for_what_it_read_alone(tmp_path: Path) -> None:
    """One that read no offer asked for goes on, though it met some that were forgotten before, or a page without fact
    lies in its folder: that page goes.
    """
    folder = filled(tmp_path)
    forget(folder, "0000057")
    store = open_here(folder)
    with store.lock("collect"):
        run = begin(store, NOW_S + DAY_S)
        land_page(run, 1, world(2)[40:])
        run.land(2, make_offre(3)["description"].encode())
        run.close()
    done = forget(folder, "0000003", now_s=NOW_S + DAY_S + 60)
    assert done.abandonnees == ()
    assert [path.name for path in store.layout.run(run.collecte).pages.iterdir()] == ["00000001.json.gz"]
    assert forget(folder, "0000041", now_s=NOW_S + DAY_S + 90).abandonnees == (run.collecte,)


def test_a_run_whose_journal_is_damaged(tmp_path: Path) -> None:
    """Nobody can say what it read: it is given up."""
    folder = filled(tmp_path)
    layout = open_here(folder).layout
    (name,) = layout.run_names()
    journal = layout.run(name).journal
    journal.write_bytes(journal.read_bytes().replace(b'"n":1', b'"n":7'))
    assert forget(folder, "0000003").abandonnees == (name,)


@pytest.mark.parametrize("part", range(3))
def test_killed_at_any_step_then_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """Readers see a whole state all the while, and in the end nothing is left; in three parts, as the fold's."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    base = filled(tmp_path / "base")
    before = read_offres(base)
    after = {id_: o for id_, o in before.items() if id_ != "0000057"}
    for step in range(part, 10**6, 3):
        folder = tmp_path / str(step)
        shutil.copytree(base, folder, symlinks=True)
        over = False
        try:
            with dying_at(step):
                forget(folder, "0000057")
            over = True
        except Killed:
            pass
        assert files.hook is None
        assert read_offres(folder) in (before, after)
        forget(folder, "0000057", now_s=NOW_S + DAY_S + 1)
        assert read_offres(folder) == after
        assert holds(folder, "0000057") == holds(folder, SECRET) == []
        shutil.rmtree(folder)
        if over:
            break
    assert step > 60
