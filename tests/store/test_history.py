"""History: versions, stays, as-of answers, counts by day, for any sequence of worlds."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.errors import UsageError
from moisson.store import fold
from moisson.store.engine import connect, query
from moisson.store.rows import row_to_offre
from tests.store.filling import NOW_S, collect, make_bilan, make_fenetre, make_offre, open_here, read_offres

Monde = dict[int, tuple[int, int]]
"""What is online: number of the offer to (edit, day on which it was republished)."""


def offre(n: int, edit: int, republie: int = 0) -> dict[str, Any]:
    """An offer; the edit also moves it to another trade."""
    more = {"dateCreation": make_offre(2000 + republie * 200 + n)["dateCreation"]} if republie else {}
    return make_offre(
        n, romeCode=f"M18{edit % 2:02d}", typeContrat="CDI", nombrePostes=1 + edit, deplacementCode=str(edit), **more
    )


def run_names(folder: Path) -> list[str]:
    """The runs of a store, in their order."""
    generation = open_here(folder).generation()
    assert generation is not None
    return list(generation.manifest.collectes)


def stable(offre: dict[str, Any]) -> dict[str, Any]:
    """What neither the licence nor our columns change of these offers."""
    return {cle: v for cle, v in offre.items() if cle not in {"lieuTravail"}}


WORLDS = st.lists(
    st.dictionaries(st.integers(0, 40), st.tuples(st.integers(0, 2), st.sampled_from([0, 0, 0, 1])), max_size=30),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25)
@given(WORLDS)
def test_any_past_run_can_be_asked(tmp_path_factory: pytest.TempPathFactory, worlds: list[Monde]) -> None:
    """As-of answers are what was current then; versions, stays and counts are those that a simple model keeps."""
    folder = tmp_path_factory.mktemp("store")
    shown: list[dict[str, dict[str, Any]]] = []
    versions: Counter[str] = Counter()
    sejours: Counter[str] = Counter()
    for day, world in enumerate(worlds):
        offres = [offre(n, *what) for n, what in world.items()]
        collect(folder, offres, NOW_S + day * 86_400, rows_max=8)
        now = {o["id"]: o for o in offres}
        before = shown[-1] if shown else {}
        versions.update(id_ for id_, o in now.items() if before.get(id_) != o)
        sejours.update(id_ for id_ in now if id_ not in before)
        shown.append(now)
        assert {id_: row["version"] for id_, row in rows(folder, "offres").items()} == {
            id_: versions[id_] for id_ in now
        }
    names = run_names(folder)
    with connect(open_here(folder)) as engine:
        for name, then in zip(names, shown, strict=True):
            found = engine.query(f"FROM offres_au('{name}')").to_pylist()
            assert {row["id"]: stable(row_to_offre(row)) for row in found} == {i: stable(o) for i, o in then.items()}
            assert len(found) == len(then)
        stays = engine.query("SELECT id, count(*) AS n, max(sejour) AS last FROM presence GROUP BY id").to_pylist()
        assert {row["id"]: (row["n"], row["last"]) for row in stays} == {i: (n, n) for i, n in sejours.items()}
        contents = engine.query("SELECT id, count(*) AS n, max(version) AS last FROM offres_versions GROUP BY id")
        assert {row["id"]: (row["n"], row["last"]) for row in contents.to_pylist()} == {
            i: (n, n) for i, n in versions.items()
        }
        assert engine.query("SELECT count(*) AS n FROM vie_offre").to_pylist() == [{"n": versions.total()}]
        check_counts(engine.query("FROM agregats_jour").to_pylist(), names, shown)


def rows(folder: Path, table: str) -> dict[str, dict[str, Any]]:
    """Rows of a table by id, read from the files."""
    found = [
        row
        for path in sorted((folder / "current" / table).glob("*.parquet"))
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]
    return {row["id"]: row for row in found}


def check_counts(counts: list[dict[str, Any]], names: list[str], shown: list[dict[str, dict[str, Any]]]) -> None:
    """The stock after each run, by adding up the changes; and what each row says of its own run."""
    stock: Counter[str] = Counter()
    postes: Counter[str] = Counter()
    before: dict[str, dict[str, Any]] = {}
    for name, now in zip(names, shown, strict=True):
        mine = {row["code_rome"]: row for row in counts if row["collecte"] == name}
        assert all((row["commune"], row["type_contrat"]) == ("74225", "CDI") for row in mine.values())
        for rome in ("M1800", "M1801"):
            row = mine.get(rome, dict.fromkeys(("variation", "variation_postes", "nouvelles", "retirees"), 0))
            here = [o for o in now.values() if o["romeCode"] == rome]
            stock[rome] += row["variation"]
            postes[rome] += row["variation_postes"]
            assert stock[rome] == len(here)
            assert postes[rome] == sum(o["nombrePostes"] for o in here)
            assert row["nouvelles"] == sum(o["id"] not in before for o in here)
            assert row["retirees"] == sum(o["id"] not in now for o in before.values() if o["romeCode"] == rome)
            if rome in mine:
                assert (row["en_ligne"], row["postes"]) == (stock[rome], postes[rome])
                assert any((row["variation"], row["variation_postes"], row["nouvelles"], row["retirees"]))
        before = now


def test_a_life_in_one_query(tmp_path: Path) -> None:
    """Born, edited, withdrawn, come back: each content with its stay, and when it began and ended."""
    other = make_offre(9)
    for day, online in enumerate(
        [[make_offre(1)], [make_offre(1, intitule="b")], [], [], [make_offre(1, intitule="b")], [make_offre(1)]]
    ):
        collect(tmp_path, [*online, other], NOW_S + day * 86_400)
    found = query(
        open_here(tmp_path),
        "SELECT sejour, version, intitule, du, au, derniere_vue FROM vie_offre WHERE id = '0000001' ORDER BY version",
    ).to_pylist()
    instants = [row["instant"] for row in rows_of_runs(tmp_path)]
    assert [tuple(row.values()) for row in found] == [
        (1, 1, "Offre 1 (H/F)", instants[0], instants[1], instants[1]),
        (1, 2, "b", instants[1], instants[2], instants[1]),
        (2, 3, "b", instants[4], instants[5], instants[5]),
        (2, 4, "Offre 1 (H/F)", instants[5], None, instants[5]),
    ]


def rows_of_runs(folder: Path) -> list[dict[str, Any]]:
    """The table of runs."""
    return query(open_here(folder), "FROM collectes").to_pylist()


def test_an_offer_that_was_not_seen_says_who_saw_it_last(tmp_path: Path) -> None:
    """Kept because nothing proves it gone: the last run that saw it stays, however many did not."""
    offres = [make_offre(n) for n in range(20)]
    for day in range(4):
        bilan = make_bilan(20, make_fenetre(verdict="en doute"), prouve=False)
        collect(tmp_path, offres if day < 2 else offres[5:], NOW_S + day * 86_400, bilan=bilan)
    names = run_names(tmp_path)
    found = query(
        open_here(tmp_path), "SELECT derniere_collecte, count(*) AS n FROM presence GROUP BY ALL ORDER BY 1"
    ).to_pylist()
    assert [tuple(row.values()) for row in found] == [(names[1], 5), (names[3], 15)]
    raw = rows(tmp_path, "presence")
    assert raw["0000007"]["derniere_collecte"] is None


def test_a_quiet_night_changes_no_data_file(tmp_path: Path) -> None:
    """Of any table but those that say that there was a run."""
    offres = [make_offre(n) for n in range(60)]
    collect(tmp_path, offres)
    collect(tmp_path, offres[:50], NOW_S + 600)

    def files() -> dict[str, int]:
        return {
            f"{path.parent.name}/{path.name}": path.stat().st_ino
            for path in (tmp_path / "current").resolve().rglob("*")
            if path.is_file() and path.parent.name not in {"collectes", "fenetres"} and path.suffix != ".json"
        }

    before = files()
    collect(tmp_path, offres[:50], NOW_S + 1200, page=13)
    assert files() == before
    assert any(name.startswith("offres_versions/offres_versions-") for name in before)


def test_nothing_is_stored_twice(tmp_path: Path) -> None:
    """`offres_versions` shows the very files of `offres`, and any glob reads all versions from one folder."""
    offres = [make_offre(n) for n in range(60)]
    collect(tmp_path, offres)
    offres[3] = make_offre(3, intitule="b")
    collect(tmp_path, offres, NOW_S + 600)
    inodes = {path.stat().st_ino for path in (tmp_path / "current" / "offres").iterdir()}
    assert inodes < {path.stat().st_ino for path in (tmp_path / "current" / "offres_versions").iterdir()}
    paths = sorted((tmp_path / "current" / "offres_versions").glob("*.parquet"))
    whole = pa.concat_tables([pq.read_table(path, partitioning=None) for path in paths])
    assert whole.num_rows == 61


def test_small_files_are_merged(tmp_path: Path) -> None:
    """A file a night would be thousands in a few years: rows are gathered until a file is half full."""
    offres = {n: make_offre(n) for n in range(40)}
    for day in range(30):
        offres[day] = make_offre(day, intitule=f"jour {day}")
        collect(tmp_path, offres.values(), NOW_S + day * 86_400, rows_max=24, retention_s=0.0)
    past = [path for path in (tmp_path / "current" / "offres_versions").iterdir() if "versions-" in path.name]
    sizes = sorted(pq.read_metadata(path).num_rows for path in past)
    assert sum(sizes) == 29
    assert all(12 <= size <= 24 for size in sizes[1:])


def test_a_clock_set_back_does_not_mix_up_the_runs(tmp_path: Path) -> None:
    """A run that begins "before" the one before it is dated just after it."""
    collect(tmp_path, [make_offre(1), make_offre(2)], NOW_S)
    collect(tmp_path, [make_offre(1, intitule="b")], NOW_S - 9 * 86_400)
    first, second = run_names(tmp_path)
    with connect(open_here(tmp_path)) as engine:
        assert len(engine.query(f"FROM offres_au('{first}')").to_pylist()) == 2
        assert [row["intitule"] for row in engine.query(f"FROM offres_au('{second}')").to_pylist()] == ["b"]
        with pytest.raises(UsageError, match="no run of this store is called 2020"):
            engine.query("FROM offres_au('2020')")


def test_another_order_of_keys_is_no_version(tmp_path: Path) -> None:
    """Nor is another form of the table."""
    offres = [make_offre(n) for n in range(10)]
    collect(tmp_path, offres)
    collect(tmp_path, [dict(reversed(list(o.items()))) for o in offres], NOW_S + 600)
    collect(tmp_path, [dict(reversed(list(o.items()))) for o in offres], NOW_S + 1200, store_contacts=True)
    assert {row["version"] for row in rows(tmp_path, "offres_versions").values()} == {1}
    assert len(read_offres(tmp_path)) == 10


@pytest.mark.parametrize("kept", [(False, True), (True, False), (True, True), (False, False)])
def test_another_form_and_another_order_of_keys_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: tuple[bool, bool]
) -> None:
    """Neither the columns nor the contacts that are kept, nor the order of keys make a version; an edit does, once."""
    contact = {"contact": {"nom": "Mme Anne Dupont"}, "inconnue": {"b": 1, "a": None}}
    before = [make_offre(n, **contact) for n in range(40)]
    collect(tmp_path, before, rows_max=12, store_contacts=kept[0])
    schema = fold.OFFRES_DATEES.append(pa.field("later", pa.string()))
    monkeypatch.setattr(fold, "OFFRES_DATEES", schema)
    edited = {3: make_offre(3, **contact, intitule="autre"), 17: make_offre(17)}
    after = [dict(reversed(list(edited.get(n, o).items()))) for n, o in enumerate(before) if n % 5]
    result = collect(tmp_path, after, NOW_S + 600, rows_max=12, store_contacts=kept[1])
    assert (result.modifiees, result.retirees) == (2, 8)
    several = query(open_here(tmp_path), "SELECT id FROM offres_versions GROUP BY id HAVING count(*) > 1 ORDER BY id")
    assert several.column("id").to_pylist() == ["0000003", "0000017"]
    monkeypatch.undo()
    assert collect(tmp_path, after, NOW_S + 1200, rows_max=12, store_contacts=kept[1]).modifiees == 0


def test_a_past_file_with_fewer_columns(tmp_path: Path) -> None:
    """Written by a Moisson that knew fewer: it is read by name, and left as it is."""
    offres = [make_offre(n) for n in range(10)]
    collect(tmp_path, offres)
    collect(tmp_path, [make_offre(n, intitule="b") if n < 3 else make_offre(n) for n in range(10)], NOW_S + 600)
    (path,) = (p for p in (tmp_path / "current" / "offres_versions").iterdir() if "versions-" in p.name)
    fewer = pq.read_table(path, partitioning=None).drop_columns(["deplacement_code", "employeur_handi_engage"])
    pq.write_table(fewer, path)
    whole = path.read_bytes()
    collect(tmp_path, [make_offre(n, intitule="c") if n < 3 else make_offre(n) for n in range(10)], NOW_S + 1200)
    assert (tmp_path / "current" / "offres_versions" / path.name).read_bytes() == whole
    found = query(open_here(tmp_path), "SELECT version, employeur_handi_engage FROM offres_versions WHERE id='0000001'")
    assert sorted(row["version"] for row in found.to_pylist()) == [1, 2, 3]


def test_the_documented_queries_run(tmp_path: Path) -> None:
    """Each query of docs/history.md, on a store that has a history."""
    for day in range(3):
        collect(tmp_path, [make_offre(n, intitule=str(n * day)) for n in range(day, 20)], NOW_S + day * 86_400)
    text = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", text, flags=re.DOTALL)
    name = run_names(tmp_path)[1]
    instant = str(rows_of_runs(tmp_path)[1]["instant"])
    with connect(open_here(tmp_path)) as engine:
        found = [
            engine.query(sql.replace("20261123T224601Z", name).replace("2026-11-23 22:46:01", instant))
            for sql in queries
        ]
    assert len(found) == 6
    assert found[1].to_pylist() == [{"departement": "74", "offres": 19}]
    assert found[2].num_rows == 19
    assert [row["variation"] for row in found[4].to_pylist()] == [20, -1, -1]
