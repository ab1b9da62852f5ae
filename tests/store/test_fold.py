"""The fold: what the next state holds, what it leaves alone, what it removes."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.errors import StoreCorrupt
from moisson.model import Plage, Question, QuestionEchouee, QuestionRefusee
from moisson.store.fold import FoldOptions
from moisson.store.rows import instant_ms
from moisson.store.store import Compteurs
from tests.store.filling import (
    NOW_S,
    begin,
    by_id,
    collect,
    land_page,
    make_bilan,
    make_fenetre,
    make_offre,
    open_here,
    read_offres,
    sample_offres,
    tree,
)

DAY_S = 86_400.0


def ms(n: int) -> int:
    """Creation of offer number `n`."""
    found = instant_ms(make_offre(n)["dateCreation"])
    assert found is not None
    return found


def row_of(folder: Path, table: str) -> dict[str, object]:
    """The last row of a small table."""
    paths = sorted((folder / "current" / table).glob("*.parquet"))
    rows: list[dict[str, object]] = pq.read_table(paths[-1], partitioning=None).to_pylist()
    return rows[-1]


def test_a_first_run(tmp_path: Path) -> None:
    """Everything read is there, once, as the API sent it."""
    offres = [make_offre(n) for n in range(100)]
    result = collect(tmp_path, offres)
    assert (result.offres, result.nouvelles, result.modifiees, result.retirees) == (100, 100, 0, 0)
    assert read_offres(tmp_path) == by_id(offres)
    row = row_of(tmp_path, "collectes")
    assert (row["verdict"], row["distinctes"], row["appels"], row["appels_plancher"]) == ("prouvee", 100, 20, 1)


def test_offers_are_newest_first_in_every_file(tmp_path: Path) -> None:
    """So that a reader who wants the newest reads one file's beginning."""
    collect(tmp_path, [make_offre(n) for n in range(100)], page=7)
    store = open_here(tmp_path)
    creations = [
        value
        for path in store.files("offres")
        for value in pq.read_table(path, columns=["creation"], partitioning=None).column(0).to_pylist()
    ]
    assert creations == sorted(creations, reverse=True)


def test_a_quiet_world_changes_no_data_file(tmp_path: Path) -> None:
    """Other pages, other order, the same offers: every file of `offres` is the very same file."""
    offres = [make_offre(n) for n in range(200)]
    collect(tmp_path, offres)
    first = {path.name: path.stat().st_ino for path in open_here(tmp_path).files("offres")}
    result = collect(tmp_path, offres, NOW_S + 600, page=13)
    assert {path.name: path.stat().st_ino for path in open_here(tmp_path).files("offres")} == first
    assert (result.nouvelles, result.modifiees, result.retirees) == (0, 0, 0)
    assert read_offres(tmp_path) == by_id(offres)


def test_another_order_of_keys_is_no_change(tmp_path: Path) -> None:
    """The text differs, the offer does not."""
    offres = [make_offre(n) for n in range(30)]
    collect(tmp_path, offres)
    before = [path.name for path in open_here(tmp_path).files("offres")]
    result = collect(tmp_path, [dict(reversed(list(o.items()))) for o in offres], NOW_S + 600)
    assert result.modifiees == 0
    assert [path.name for path in open_here(tmp_path).files("offres")] == before


def test_one_edit_rewrites_one_file(tmp_path: Path) -> None:
    """Only the period in which something changed."""
    offres = [make_offre(n) for n in range(200)]
    collect(tmp_path, offres)
    before = {path.name for path in open_here(tmp_path).files("offres")}
    offres[50]["intitule"] = "Autre"
    result = collect(tmp_path, offres, NOW_S + 600)
    assert (result.nouvelles, result.modifiees, result.retirees) == (0, 1, 0)
    assert len(before - {path.name for path in open_here(tmp_path).files("offres")}) == 1
    assert read_offres(tmp_path) == by_id(offres)


def test_the_manifest_counts_the_rows_of_each_file(tmp_path: Path) -> None:
    """Also of one that was made from most of another."""
    offres = [make_offre(n) for n in range(200)]
    collect(tmp_path, offres, rows_max=200)
    collect(tmp_path, offres[10:], NOW_S + 600, rows_max=200)
    generation = open_here(tmp_path).generation()
    assert generation is not None
    for table, found in generation.manifest.tables.items():
        for file in found:
            assert pq.read_metadata(generation.folder / table / file.nom).num_rows == file.lignes, file.nom


def test_an_offer_republished_moves_to_its_new_period(tmp_path: Path) -> None:
    """Its creation jumps to now: one id is one offer, wherever it is."""
    offres = [make_offre(n) for n in range(100)]
    collect(tmp_path, offres)
    offres[3] = {**offres[3], "dateCreation": make_offre(500)["dateCreation"]}
    result = collect(tmp_path, offres, NOW_S + 600)
    assert (result.offres, result.modifiees, result.retirees) == (100, 1, 0)
    assert read_offres(tmp_path) == by_id(offres)


def test_of_two_occurrences_the_last_received_counts(tmp_path: Path) -> None:
    """An offer edited while the run goes on is read twice at a border."""
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store)
        land_page(run, 1, [make_offre(1, intitule="avant"), make_offre(2)])
        land_page(run, 2, [make_offre(0), make_offre(1, intitule="après")])
        result = store.fold(run, make_bilan(3), FoldOptions(), Compteurs(), NOW_S)
    assert result.offres == 3
    assert read_offres(tmp_path)["0000001"]["intitule"] == "après"


def test_closing_needs_a_proof(tmp_path: Path) -> None:
    """Unseen offers go only from windows proved without filters, and only if the national checks hold."""
    offres = [make_offre(n) for n in range(40)]
    collect(tmp_path, offres)
    left = [o for o in offres if o["id"] not in {"0000005", "0000015", "0000025", "0000035"}]
    windows = (
        make_fenetre(1, ms(30), None, verdict="en doute"),
        make_fenetre(2, ms(20), ms(30)),
        make_fenetre(3, ms(10), ms(20), critere="experience=1"),
        make_fenetre(4, None, ms(10)),
    )
    bilan = make_bilan(36, *windows, prouve=False)
    for now_s, more, gone in (
        (NOW_S + 600, {"bilan": make_bilan(36, *windows, prouve=False, nationaux=False)}, set()),
        (NOW_S + 1200, {"bilan": bilan, "fermer": False}, set()),
        (NOW_S + 1800, {"bilan": bilan}, {"0000005", "0000025"}),
    ):
        result = collect(tmp_path, left, now_s, **more)
        assert set(by_id(offres)) - set(read_offres(tmp_path)) == gone
        assert (result.retirees, result.gardees) == (len(gone), 4 - len(gone))
    assert row_of(tmp_path, "collectes")["verdict"] == "non prouvee"


def test_the_ends_of_a_window_belong_to_it(tmp_path: Path) -> None:
    """Both, to the millisecond."""
    collect(tmp_path, [make_offre(n) for n in range(10)])
    bilan = make_bilan(0, make_fenetre(1, ms(3), ms(6)))
    collect(tmp_path, [make_offre(20)], NOW_S + 600, bilan=bilan)
    assert {int(id_) for id_ in read_offres(tmp_path)} == {0, 1, 2, 7, 8, 9, 20}


def test_a_run_that_saw_nothing_keeps_everything(tmp_path: Path) -> None:
    """Nothing proved: the files are the same files."""
    offres = [make_offre(n) for n in range(60)]
    collect(tmp_path, offres)
    before = {path.name for path in open_here(tmp_path).files("offres")}
    bilan = make_bilan(60, make_fenetre(verdict="manque"), prouve=False)
    result = collect(tmp_path, [], NOW_S + 600, bilan=bilan)
    assert (result.offres, result.gardees, result.retirees) == (60, 60, 0)
    assert {path.name for path in open_here(tmp_path).files("offres")} == before


def test_an_empty_country(tmp_path: Path) -> None:
    """No offer at all is a state too: the table is there, empty, then filled, then empty."""
    for offres in ([], [make_offre(1)], []):
        collect(tmp_path, offres, NOW_S + len(list(tmp_path.glob("evidence/*"))))
        assert read_offres(tmp_path) == by_id(offres)
        assert len(open_here(tmp_path).files("offres")) == 1


def test_contacts_are_not_kept_unless_asked_for(tmp_path: Path) -> None:
    """And go at the next fold when they are no longer asked for, unseen offers included."""
    offres = [make_offre(n, contact={"nom": "A"}, agence={}) for n in range(30)]
    collect(tmp_path, offres, store_contacts=True)
    assert read_offres(tmp_path) == by_id(offres, contacts=True)
    bilan = make_bilan(20, make_fenetre(verdict="en doute"), prouve=False)
    result = collect(tmp_path, offres[:20], NOW_S + 600, bilan=bilan)
    assert read_offres(tmp_path) == by_id(offres)
    assert (result.modifiees, result.gardees) == (0, 10)
    assert not any(b"contact" in path.read_bytes() and b'"A"' in path.read_bytes() for path in tmp_path.glob("runs/*"))


@settings(max_examples=25)
@given(
    st.lists(
        st.dictionaries(st.integers(0, 120), st.integers(0, 2), max_size=60),
        min_size=1,
        max_size=4,
    )
)
def test_any_sequence_of_worlds(tmp_path_factory: pytest.TempPathFactory, worlds: list[dict[int, int]]) -> None:
    """After each proved run the store is that world, whatever came, went or changed; counts say what did."""
    folder = tmp_path_factory.mktemp("store")
    before: dict[str, dict[str, object]] = {}
    for day, world in enumerate(worlds):
        offres = [make_offre(n, deplacementCode=str(edit)) for n, edit in world.items()]
        result = collect(folder, offres, NOW_S + day * 3600, rows_max=8)
        now = by_id(offres)
        assert read_offres(folder) == now
        generation = open_here(folder).generation()
        assert generation is not None
        # What the manifest says of its files is what `status` tells, and `verify` compares.
        assert generation.manifest.lignes("offres") == len(now)
        assert result.nouvelles == len(set(now) - set(before))
        assert result.retirees == len(set(before) - set(now))
        assert result.modifiees == sum(now[id_] != before[id_] for id_ in set(now) & set(before))
        before = now


def test_real_offers_go_through_the_store(tmp_path: Path) -> None:
    """455 offers of 2025."""
    offres = [json.loads(line) for line in sample_offres()]
    collect(tmp_path, offres, page=150, store_contacts=True)
    assert read_offres(tmp_path) == by_id(offres, contacts=True)


def test_troubles_are_told(tmp_path: Path) -> None:
    """What failed, and whether it was made good: by the same question answered later, or its window proved."""
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store)
        question = Question(1, "page", Plage(0, 149))
        run.append(QuestionEchouee(question, "502 five times", NOW_S + 1, 5, 2))
        land_page(run, 1, [make_offre(1, alternance="oui")])
        run.append(QuestionRefusee(Question(9, "cut", Plage(0, 149)), "Valeur incorrecte", NOW_S + 2))
        windows = (make_fenetre(1, verdict="en doute"),)
        store.fold(run, make_bilan(1, *windows, prouve=False), FoldOptions(), Compteurs(), NOW_S + 9)
    table = store.generation().read("erreurs")  # type: ignore[union-attr]
    assert table is not None
    assert [(row["quoi"], row["reparee"]) for row in table.to_pylist()] == [
        ("gave up: 502 five times", True),
        ("refused: Valeur incorrecte", False),
        ("1 values are not of the official type; they are kept in the column autres", True),
    ]
    assert (row_of(tmp_path, "collectes")["relances"], row_of(tmp_path, "collectes")["statut_429"]) == (4, 2)


def test_a_page_that_is_not_what_was_journalled_is_refused(tmp_path: Path) -> None:
    """The state stays the old one."""
    collect(tmp_path, [make_offre(n) for n in range(10)])
    before = tree(tmp_path / "current")
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store, NOW_S + 600)
        one, two = land_page(run, 1, [make_offre(1)]), land_page(run, 2, [make_offre(2)])
        first, second = run.layout.page(one.fichier), run.layout.page(two.fichier)
        first.write_bytes(second.read_bytes())
        with pytest.raises(StoreCorrupt, match=r"00000001\.json\.gz"):
            store.fold(run, make_bilan(2), FoldOptions(), Compteurs(), NOW_S + 700)
        run.close()
    assert tree(tmp_path / "current") == before


def test_old_generations_stay_for_their_readers_then_go(tmp_path: Path) -> None:
    """A reader keeps its state for `retention`; then nothing of a withdrawn offer is left anywhere."""
    collect(tmp_path, [make_offre(n) for n in range(10)] + [make_offre(99, intitule="à retirer")])
    reader = open_here(tmp_path).generation()
    assert reader is not None
    for day, kept in ((0.5, 2), (0.9, 3), (1.4, 4), (1.6, 4), (3.0, 2), (5.0, 2)):
        collect(tmp_path, [make_offre(n) for n in range(10)], NOW_S + day * DAY_S)
        assert len(list((tmp_path / "generations").iterdir())) == kept, day
        if day <= 1.4:
            assert sum(pq.read_table(p, partitioning=None).num_rows for p in reader.files("offres")) == 11
    assert not any(path.exists() for path in reader.files("offres"))


def test_evidence_is_kept_for_so_many_runs(tmp_path: Path) -> None:
    """And says what the journal said, chain included."""
    for n in range(4):
        collect(tmp_path, [make_offre(n) for n in range(7)], NOW_S + n * 60, evidence_runs=2)
    store = open_here(tmp_path)
    assert len(store.evidence_names()) == 2
    with store.evidence(store.evidence_names()[-1]) as (debut, faits):
        found = list(faits)
    assert debut.collecte == store.evidence_names()[-1]
    assert [len(fait.lignes) for fait in found if hasattr(fait, "lignes")] == [5, 2]


def test_damaged_evidence_is_told(tmp_path: Path) -> None:
    """A changed or missing byte shows in the seal, in the compression or in the chain, whatever it changes."""
    collect(tmp_path, [make_offre(n) for n in range(7)])
    store = open_here(tmp_path)
    (name,) = store.evidence_names()
    path = store.layout.evidence_of(name)
    whole = path.read_bytes()

    def read() -> list[object]:
        with store.evidence(name) as (debut, faits):
            return [debut, *faits]

    read()
    damaged = [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in range(0, len(whole), 9)]
    for data in [*damaged, whole[: len(whole) // 2], b""]:
        path.write_bytes(data)
        with pytest.raises(StoreCorrupt):
            read()
    lines = pa.input_stream(pa.py_buffer(whole), compression="zstd").read().splitlines(keepends=True)
    with pa.output_stream(str(path), compression="zstd") as sink:
        sink.write(b"".join(lines[:-1]))
    with pytest.raises(StoreCorrupt, match="has lost its seal"):
        read()
    cut = path.read_bytes()
    path.write_bytes(cut + struct.pack("<II", 0x184D2A50, 32) + hashlib.sha256(cut).digest())
    with pytest.raises(StoreCorrupt, match="lines are missing"):
        read()


def test_raw_pages_are_kept_only_when_asked_for_and_a_day_at_most(tmp_path: Path) -> None:
    """`keep_raw`."""
    collect(tmp_path, [make_offre(1)], keep_raw=True)
    assert len(list((tmp_path / "raw").rglob("*.json.gz"))) == 1
    collect(tmp_path, [make_offre(1)], NOW_S + 3600, keep_raw=True)
    assert len(list((tmp_path / "raw").rglob("*.json.gz"))) == 2
    collect(tmp_path, [make_offre(1)], NOW_S + DAY_S + 10, keep_raw=True)
    assert len(list((tmp_path / "raw").rglob("*.json.gz"))) == 2
    collect(tmp_path, [make_offre(1)], NOW_S + DAY_S + 20)
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_store_can_be_moved(tmp_path: Path) -> None:
    """The link `current` is relative."""
    collect(tmp_path / "here", [make_offre(1)])
    (tmp_path / "here").rename(tmp_path / "there")
    assert set(read_offres(tmp_path / "there")) == {"0000001"}
    collect(tmp_path / "there", [make_offre(2)], NOW_S + 60)
    assert set(read_offres(tmp_path / "there")) == {"0000002"}


def test_the_manifest_tells_the_rows_of_each_file(tmp_path: Path) -> None:
    """Also where a file was made of an older one less what is gone or was read again: status counts by it."""
    offres = [make_offre(n) for n in range(40)]
    collect(tmp_path, offres, NOW_S)
    edited = [make_offre(n, intitule="autre") if n % 3 == 0 else make_offre(n) for n in range(4, 44)]
    collect(tmp_path, edited, NOW_S + 3600)
    generation = open_here(tmp_path).generation()
    assert generation is not None
    for table, found in generation.manifest.tables.items():
        for file in found:
            assert file.lignes == pq.read_metadata(generation.folder / table / file.nom).num_rows, file.nom
    assert generation.manifest.lignes("offres") == 40
