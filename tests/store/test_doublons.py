"""The table `doublons` of a store: what a collect finds, keeps and links, and the views that use it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moisson.store import doublons
from moisson.store.columns import rows_to_batch
from moisson.store.doublons import find_doublons
from moisson.store.engine import query
from moisson.store.rows import RowReader
from moisson_twin import Drift, World, WorldSettings
from tests.store.derive.test_doublons import text
from tests.store.filling import NOW_S, collect, make_offre, open_here, sample_offres


def published(n: int, description: str, *partners: str, **more: Any) -> dict[str, Any]:
    """An offer of France Travail's own, or of partners."""
    origine: dict[str, Any] = {"origine": "2", "partenaires": [{"nom": nom} for nom in partners]}
    more = {"intitule": "Cuisinier (H/F)", "typeContrat": "CDI", "romeCode": "G1602", **more}
    return make_offre(n, description=description, origineOffre=origine if partners else {"origine": "1"}, **more)


STOCK = [
    published(1, text(1), "A"),
    published(2, text(1).upper(), "B", intitule="CUISINIER - Rumilly H/F"),
    published(3, text(1)),
    published(4, text(2), "A"),
    published(5, text(2)[:600], "B"),
    published(6, text(3), "A"),
    published(7, text(3), "A"),
    published(8, text(1), "C", typeContrat="CDD"),
    published(9, text(1), "C", lieuTravail={"libelle": "75 - PARIS 08", "commune": "75108"}),
]


def test_a_collect_finds_them(tmp_path: Path) -> None:
    """Only offers of groups, by group and id; the same words are exact, a cut text is not."""
    collect(tmp_path, STOCK)
    assert query(open_here(tmp_path), "FROM doublons").to_pylist() == [
        {"id": "0000001", "groupe_doublon": "0000001", "methode": "exact"},
        {"id": "0000002", "groupe_doublon": "0000001", "methode": "exact"},
        {"id": "0000003", "groupe_doublon": "0000001", "methode": "exact"},
        {"id": "0000004", "groupe_doublon": "0000004", "methode": "proche"},
        {"id": "0000005", "groupe_doublon": "0000004", "methode": "proche"},
    ]


def test_views_without_duplicates(tmp_path: Path) -> None:
    """France Travail's own offer stands for its group, else the one created first; every offer has its job."""
    collect(tmp_path, STOCK)
    store = open_here(tmp_path)
    found = query(store, "SELECT id, groupe_doublon FROM offres_distinctes ORDER BY id").to_pylist()
    assert [(row["id"], row["groupe_doublon"]) for row in found] == [
        *(("0000003", "0000001"), ("0000004", "0000004"), ("0000006", "0000006"), ("0000007", "0000007")),
        *(("0000008", "0000008"), ("0000009", "0000009")),
    ]
    counts = query(store, "SELECT count(*) AS offres, count(DISTINCT groupe_doublon) AS jobs FROM offres_groupees")
    assert counts.to_pylist() == [{"offres": 9, "jobs": 6}]


def test_nothing_changed_nothing_written(tmp_path: Path) -> None:
    """A second run on a quiet world links the table; a withdrawal makes it anew."""
    collect(tmp_path, STOCK)
    path = tmp_path / "current" / "doublons"
    first = {file.name: file.stat().st_ino for file in path.iterdir()}
    collect(tmp_path, STOCK, NOW_S + 100)
    assert {file.name: file.stat().st_ino for file in path.iterdir()} == first
    collect(tmp_path, [offre for offre in STOCK if offre["id"] != "0000005"], NOW_S + 200)
    groups = query(open_here(tmp_path), "SELECT DISTINCT groupe_doublon AS g FROM doublons").to_pylist()
    assert groups == [{"g": "0000001"}]


def write_files(folder: Path, offres: Iterable[bytes], rows: int) -> list[Path]:
    """Files of `offres` as a fold writes them, of so many rows each."""
    reader = RowReader(store_contacts=False)
    found = [reader.read(brut) for brut in offres]
    paths = []
    for start in range(0, len(found), rows):
        paths.append(folder / f"offres-{rows}-{start:07d}.parquet")
        pq.write_table(
            pa.Table.from_batches([rows_to_batch(found[start : start + rows])]), paths[-1], row_group_size=500
        )
    return paths


def pairs(groups: Iterable[Iterable[str]]) -> set[tuple[str, ...]]:
    """Every two offers of a group."""
    return {pair for ids in groups for pair in itertools.combinations(sorted(ids), 2)}


def grouped(table: pa.Table) -> list[list[str]]:
    """The groups of a table `doublons`."""
    found: dict[str, list[str]] = {}
    for row in table.to_pylist():
        found.setdefault(row["groupe_doublon"], []).append(row["id"])
    return list(found.values())


@pytest.mark.parametrize("seed", [1, 5])
def test_the_truth_of_a_world_is_found(tmp_path: Path, seed: int) -> None:
    """Of a double's copies 95 % are found, and of what is found 99 % are copies."""
    world = World(WorldSettings(offres=6000, seed=seed, duplicate_share=0.1, drift=Drift.none()))
    truth = pairs(world.duplicates())
    assert len(truth) > 250
    found = pairs(grouped(find_doublons(write_files(tmp_path, world.render(range(6000)), 2500))))
    assert len(found & truth) >= 0.95 * len(truth)
    assert len(found & truth) >= 0.99 * len(found)


def test_the_result_depends_on_the_offers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they lie in files, in what order, and however few texts fit into memory at once."""
    world = World(WorldSettings(offres=1500, seed=2, duplicate_share=0.2, drift=Drift.none()))
    offres = world.render(range(1500))
    expected = find_doublons(write_files(tmp_path, offres, 1500))
    assert expected.num_rows > 150
    assert find_doublons(write_files(tmp_path, offres[::-1], 400)) == expected
    monkeypatch.setattr(doublons, "_TEXTS", 20)
    assert find_doublons(write_files(tmp_path, offres, 700)) == expected


def test_no_offers_no_groups(tmp_path: Path) -> None:
    """Neither files nor rows are needed; offers that say nothing are alone."""
    assert find_doublons([]).num_rows == 0
    assert find_doublons(write_files(tmp_path, [], 10)).num_rows == 0
    bare = [json.dumps({"id": f"{n}", "intitule": None}).encode() for n in range(3)]
    assert find_doublons(write_files(tmp_path, bare, 10)).num_rows == 0


def test_real_offers(tmp_path: Path) -> None:
    """455 offers of one day and département, employers and towns removed: three jobs published twice, seen by eye.

    Two are retitled by the second partner. Not among them: a clinic's gastroenterologist and its endocrinologist, whose
    texts differ by that word, and the many jobs that one partner publishes in the same words.
    """
    found = grouped(find_doublons(write_files(tmp_path, sample_offres(), 300)))
    assert sorted(found) == [["1213923", "1234530"], ["1214206", "1234081"], ["1215628", "1233072"]]
