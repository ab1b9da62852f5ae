"""A store that an older Moisson made is read, taken up and folded on; nothing of it is lost or half read."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moisson.errors import UsageError
from moisson.harvest.verify import verifiable_runs, verify
from moisson.store.engine import connect
from moisson.store.fold import FoldOptions
from moisson.store.status import read_status
from moisson.store.store import Compteurs
from tests.store.filling import by_id, collect, land_page, make_bilan, open_here, read_offres
from tests.store.test_history import rows, run_names

ARCHIVE = Path(__file__).parent / "old_stores" / "format-1.tar.gz"


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, list[list[dict[str, Any]]]]:
    """The store, and what the world showed to each of its two finished runs."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "store", json.loads((tmp_path / "truth.json").read_text())


def now_s(folder: Path, days: float) -> float:
    """Some days after the last finished run."""
    generation = open_here(folder).generation()
    assert generation is not None
    return generation.manifest.made_s + days * 86_400


def test_it_is_read_as_it_is(old: tuple[Path, list[list[dict[str, Any]]]]) -> None:
    """And says that it has no history yet, instead of showing an empty one."""
    folder, truth = old
    assert read_offres(folder) == by_id(truth[1])
    with connect(open_here(folder)) as engine:
        assert engine.query("SELECT count(*) AS n FROM offres").to_pylist() == [{"n": len(truth[1])}]
        for table in ("presence", "offres_versions", "vie_offre", "agregats_jour"):
            with pytest.raises(UsageError, match="kept no history"):
                engine.query(f"FROM {table}")
    assert read_status(open_here(folder), now_s(folder, 0)).proved


def test_its_runs_are_verified_as_far_as_they_can_be(old: tuple[Path, list[list[dict[str, Any]]]]) -> None:
    """Another planner made them, and their tables have fewer columns: what the facts tell is compared all the same."""
    store = open_here(old[0])

    def books() -> list[str]:
        return [
            etape.issue for nom in verifiable_runs(store) for etape in verify(store, nom).etapes if etape.nom == "books"
        ]

    assert books() == ["holds", "holds"]
    (path,) = store.files("collectes")
    table = pq.read_table(path)
    spoilt = [row | {"distinctes": row["distinctes"] + 1} for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(spoilt, schema=table.schema), path)
    assert books() == ["fails", "fails"]


def test_history_begins_with_the_last_run_that_it_knows(old: tuple[Path, list[list[dict[str, Any]]]]) -> None:
    """Nothing tells when an offer was first seen before that; what that run saw is not lost when it changes."""
    folder, truth = old
    edited, gone = dict(truth[1][0], intitule="Autre"), truth[1][1]["id"]
    now = [edited, *truth[1][2:]]
    result = collect(folder, now, now_s(folder, 1))
    assert (result.offres, result.nouvelles, result.modifiees, result.retirees) == (len(now), 0, 1, 1)
    assert read_offres(folder) == by_id(now)
    names = run_names(folder)
    assert {row["premiere_collecte"] for row in rows(folder, "presence").values()} == {names[1]}
    with connect(open_here(folder)) as engine:
        assert engine.query(f"SELECT id FROM offres_au('{names[1]}')").num_rows == len(truth[1])
        lives = engine.query(
            f"SELECT version, intitule, au IS NULL AS online FROM vie_offre WHERE id IN ('{edited['id']}', '{gone}')"
            " ORDER BY version, online"
        ).to_pylist()
        assert [(row["version"], row["online"]) for row in lives] == [(1, False), (1, False), (2, True)]
        stock = engine.query("SELECT sum(variation) AS n, sum(nouvelles) AS nouvelles FROM agregats_jour").to_pylist()
        assert stock == [{"n": len(now), "nouvelles": 0}]
        runs = engine.query("SELECT instant = debut AS same FROM collectes WHERE prouvee").to_pylist()
        assert runs == [{"same": True}] * 3


def test_its_unfinished_run_is_taken_up(old: tuple[Path, list[list[dict[str, Any]]]]) -> None:
    """Its journal is chained as an older Moisson did, and so is what is added to it."""
    folder, truth = old
    store = open_here(folder)
    with store.lock("collect"):
        run, faits = store.resume_or_begin(now_s(folder, 1), planner_version="1")
        assert run.reprise
        assert len(list(faits)) == 2
        land_page(run, run.next_no, truth[1])
        store.fold(run, make_bilan(len(truth[1])), FoldOptions(), Compteurs(), now_s(folder, 1) + 60)
    assert read_offres(folder) == by_id(truth[1])
    for name in store.evidence_names():
        with store.evidence(name) as (_, read):
            assert list(read)
