"""What a store takes on its disk, how fast that grows, and whether a monitor may be content."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.disk import Growth, days_left, disk_use, growth
from moisson.store.freshness import NEVER, STALE, UNPROVED, faults
from moisson.store.space import estimate_run_bytes
from moisson.store.status import read_status
from tests.store.filling import NOW_S, begin, collect, land_page, make_bilan, make_offre, open_here

DAY_S = 86_400.0


def on_disk(folder: Path) -> int:
    """Bytes of all files below a folder, each counted once."""
    stats = {path.lstat().st_ino: path.lstat().st_size for path in folder.rglob("*") if path.is_file()}
    return sum(stats.values())


def test_every_byte_is_counted_once(tmp_path: Path) -> None:
    """The parts add up to what lies on the disk, whatever is linked, superseded, unfinished or kept raw."""
    offres = [make_offre(n) for n in range(200)]
    collect(tmp_path, offres, NOW_S, keep_raw=True)
    collect(tmp_path, offres, NOW_S + 60, keep_raw=True)
    store = open_here(tmp_path)
    linked = disk_use(store.layout, store.generation(), 0)
    assert linked.superseded < linked.tables / 2, "the offers are linked, only small tables were written again"
    collect(tmp_path, [make_offre(n, intitule=f"autre {n}") for n in range(200)], NOW_S + 120, keep_raw=True)
    with store.lock("collect"):
        run = begin(store, NOW_S + 180)
        land_page(run, 1, offres[:50])
        run.close()
    generation = store.generation()
    assert generation is not None
    used = disk_use(store.layout, generation, 5)
    assert used.total == on_disk(tmp_path) - sum((tmp_path / name).stat().st_size for name in ("store.json", "lock"))
    assert used.tables == sum(generation.manifest.octets(table) for table in generation.manifest.tables)
    assert min(used.index, used.evidence, used.superseded, used.unfinished, used.raw) > 0
    assert used.free == 5


def test_a_store_without_a_state(tmp_path: Path) -> None:
    """Nothing was folded yet."""
    store = open_here(tmp_path)
    assert disk_use(store.layout, None, 7).total == 0


def test_each_run_says_what_it_wrote(tmp_path: Path) -> None:
    """`octets_lac` is the size of the other tables after the run, `octets_ecrits` what the fold wrote of them."""
    offres = [make_offre(n) for n in range(100)]
    collect(tmp_path, offres, NOW_S)
    collect(tmp_path, offres, NOW_S + 60)
    generation = open_here(tmp_path).generation()
    assert generation is not None
    table = generation.read("collectes")
    assert table is not None
    first, second = table.to_pylist()
    tables = generation.manifest.tables
    assert second["octets_lac"] == sum(generation.manifest.octets(name) for name in tables if name != "collectes")
    assert first["octets_ecrits"] == first["octets_lac"]
    # A quiet night: the windows alone.
    assert second["octets_ecrits"] == generation.manifest.octets("fenetres") < first["octets_ecrits"]


@given(
    per_day=st.integers(-10_000_000, 10_000_000),
    start=st.integers(10**9, 10**12),
    days=st.integers(2, 60),
    evidence=st.integers(0, 10**7),
)
def test_growth_of_a_steady_store(per_day: int, start: int, days: int, evidence: int) -> None:
    """A store that grows evenly is told its very pace, evidence included until as many runs are kept as may be."""
    sizes = [(NOW_S + day * DAY_S, start + day * per_day) for day in range(days)]
    kept = [evidence] * min(days, 30)
    found = growth(sizes, kept, evidence_runs=30)
    assert found is not None
    expected = per_day + (evidence if days < 30 else 0)
    assert found.bytes_per_day == pytest.approx(expected, abs=1e-3 * max(1, abs(per_day)))
    assert (found.runs, round(found.days)) == (min(days, 30), min(days, 30) - 1)


def test_growth_needs_a_day() -> None:
    """One run, or runs within hours, say nothing about a night."""
    assert growth([]) is None
    assert growth([(NOW_S, 1)]) is None
    assert growth([(NOW_S, 1), (NOW_S + 3600, 10**9)]) is None
    assert growth([(NOW_S, 1), (NOW_S + 0.95 * DAY_S, 10**9)]) is not None


def test_days_left() -> None:
    """Until a run no longer fits, not until the last byte; nothing is told of a store that does not grow."""
    steady = Growth(bytes_per_day=1e9, runs=30, days=29)
    assert days_left(steady, 25 * 10**9, 5 * 10**9) == 20
    assert days_left(steady, 3 * 10**9, 5 * 10**9) == 0
    assert days_left(Growth(-1.0, 30, 29), 10**9, 0) is None
    assert days_left(None, 10**9, 0) is None


def test_status_tells_growth_and_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three nights are enough to tell a pace; a disk that is nearly full is warned about."""
    for night in range(3):
        collect(tmp_path, [make_offre(n) for n in range(100 * (night + 1))], NOW_S + night * DAY_S)
    found = read_status(open_here(tmp_path), NOW_S + 3 * DAY_S, evidence_runs=3)
    assert found.growth is not None
    assert found.growth.bytes_per_day > 1000
    assert found.growth.runs == 3
    assert found.days_left is not None
    assert found.days_left > 10_000
    assert not [warning for warning in found.warnings if "disk" in warning]
    import moisson.store.status as module

    needed = estimate_run_bytes(300)
    for free, says in (
        (needed + round(5 * found.growth.bytes_per_day), "a run no longer fits on the disk in 5 days"),
        (needed - 1, "the next run may need"),
    ):
        monkeypatch.setattr(module, "free_bytes", lambda _, free=free: free)
        warnings = read_status(open_here(tmp_path), NOW_S + 3 * DAY_S, evidence_runs=3).warnings
        assert [warning for warning in warnings if says in warning]


@pytest.mark.parametrize(
    ("age_s", "proved", "wrong"),
    [
        (None, False, (NEVER,)),
        (0.0, True, ()),
        (DAY_S, True, ()),
        (DAY_S + 1, True, (STALE,)),
        (3600.0, False, (UNPROVED,)),
        (2 * DAY_S, False, (UNPROVED, STALE)),
        (-10.0, True, (STALE,)),
    ],
)
def test_faults(tmp_path: Path, age_s: float | None, proved: bool, wrong: tuple[str, ...]) -> None:
    """Never proved, not proved by the last run, or too old; a proof from the future has no age to trust."""
    found = msgspec.structs.replace(read_status(open_here(tmp_path), NOW_S), age_s=age_s, proved=proved)
    assert faults(found, DAY_S) == wrong


def test_an_older_store_has_no_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs recorded before sizes were are left out of the growth."""
    import moisson.store.fold as fold

    whole = fold.COLLECTES
    for column in ("octets_lac", "octets_ecrits"):
        whole = whole.remove(whole.get_field_index(column))
    monkeypatch.setattr(fold, "COLLECTES", whole)
    collect(tmp_path, [make_offre(1)], NOW_S)
    monkeypatch.undo()
    assert read_status(open_here(tmp_path), NOW_S).growth is None
    collect(tmp_path, [make_offre(1)], NOW_S + DAY_S, bilan=make_bilan(1))
    collect(tmp_path, [make_offre(1)], NOW_S + 2 * DAY_S, bilan=make_bilan(1))
    found = read_status(open_here(tmp_path), NOW_S).growth
    assert found is not None
    assert found.runs == 2
