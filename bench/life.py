"""Five nights of a world that lives: what each fold takes, and whether the store then knows every offer's whole life.

The double's world is read without HTTP: each night its living offers are landed as a harvest would land them, and
folded by a process of its own. Between the nights offers are born, edited, republished and withdrawn; some are hidden
for a while and come back, a lot is republished at one instant, and a few hundred carry a mark wherever the licence
wants a withdrawn offer to lose something. A sixth night, an hour more than a day later, changes nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from figures import Figure
from fold import NOW_S, PAGE, write_page
from harvest import folder
from plan import Plan

from moisson.model import Bilan, FenetreBilan
from moisson.store import files
from moisson.store.engine import connect
from moisson.store.fold import FoldOptions
from moisson.store.rows import row_to_offre
from moisson.store.seen import array_keys, id_keys
from moisson.store.status import read_status
from moisson.store.store import Compteurs, open_store
from moisson_twin.settings import Drift, WorldSettings
from moisson_twin.world import World

__all__ = ["life"]

NIGHTS = 5
BETWEEN_S = 28_000
"""Between two nights, of the world's time: with these rates, 3 % of a country is new or changed and 1.3 % goes."""
DRIFT = Drift(births_per_s=0.35, deaths_per_s=0.35, edits_per_s=0.4, republications_per_s=0.05)
HIDDEN_PART, LOT_PART, MARKED = 0.003, 0.001, 300
DAY_S = 86_400.0
MARK = b"Zyxwvemployeur"

Keys = np.ndarray[Any, np.dtype[np.uint64]]


class Truth(msgspec.Struct):
    """What the world showed on one night, by key: creation and hash of the JSON."""

    keys: Keys
    creation_ms: np.ndarray[Any, np.dtype[np.int64]]
    hashes: np.ndarray[Any, np.dtype[np.int64]]


class Country:
    """The world, and what of it is shown."""

    def __init__(self, offres: int) -> None:
        self.world = World(WorldSettings(offres=offres, drift=DRIFT))
        # A smaller world moves as fast, so it waits less long: the shares are those of the country.
        self.between_s = BETWEEN_S * offres / 750_000
        self.hidden: set[str] = set()
        self.truths: list[Truth] = []
        self._rendered: dict[int, tuple[int, bytes]] = {}
        ids = self.world.truth().ids
        step = max(1, len(ids) // MARKED)
        self.marked = set(ids[::step])
        self._will_hide = set(ids[1 :: max(2, round(1 / HIDDEN_PART))])
        self._lot = ids[2 :: max(3, round(1 / LOT_PART))]

    def pass_a_day(self, night: int) -> None:
        """What happens before this night (the first is 0)."""
        if night == NIGHTS:
            return
        self.world.advance_to(night * self.between_s)
        if night == 2:
            self.hidden = set(self._will_hide)
            for id_ in self._lot:
                if self.world.find(id_) is not None:
                    self.world.republish(id_)
        if night == 3:
            for id_ in sorted(self.marked)[::2]:
                if self.world.find(id_) is not None:
                    self.world.withdraw(id_)
            for id_ in sorted(self.marked)[1::2]:
                if self.world.find(id_) is not None:
                    self.world.edit(id_)
            # Those that were edited say nothing of the mark any more.
            self.marked.clear()
        if night == 4:
            self.hidden = set()

    def shown(self) -> list[tuple[str, int, bytes]]:
        """(id, creation in ms, JSON) of what a search would show, newest first."""
        world, columns = self.world, self.world.columns
        rows = np.flatnonzero(columns.alive[: columns.size])[::-1]
        found = []
        for start in range(0, len(rows), 2048):
            part = rows[start : start + 2048].tolist()
            ids = world.ids(part)
            stale = [row for row in part if self._rendered.get(row, (-1, b""))[0] != columns.version[row]]
            for row, brut in zip(stale, world.render(stale), strict=True):
                self._rendered[row] = int(columns.version[row]), brut
            for row, id_ in zip(part, ids, strict=True):
                if id_ not in self.hidden:
                    brut = self._rendered[row][1]
                    brut = marked(brut, id_) if id_ in self.marked else brut
                    found.append((id_, int(columns.creation_ms[row]), brut))
        self.truths.append(truth_of(found))
        return found


def marked(brut: bytes, id_: str) -> bytes:
    """An offer that carries a mark wherever the licence wants something gone."""
    offre = msgspec.json.decode(brut)
    mark = f"{MARK.decode()}{id_}"
    offre["entreprise"] = {**offre.get("entreprise", {}), "nom": mark, "url": f"https://{mark}.example.org"}
    offre["contact"] = {"nom": mark, "urlPostulation": f"https://{mark}.example.org"}
    offre["lieuTravail"] = {**offre["lieuTravail"], "codePostal": mark}
    offre["description"] += f" {mark.upper()} recrute : {mark}@example.org."
    offre["inconnu"] = {"siret": mark}
    return msgspec.json.encode(offre)


def truth_of(found: list[tuple[str, int, bytes]]) -> Truth:
    """What is remembered of a night."""
    keys = id_keys([id_ for id_, _, _ in found])
    order = np.argsort(keys)
    hashes = np.frombuffer(b"".join(hashlib.sha256(brut).digest()[:8] for _, _, brut in found), "<i8")
    return Truth(keys[order], np.array([ms for _, ms, _ in found], np.int64)[order], hashes[order])


def land(folder: Path, found: list[tuple[str, int, bytes]], begun_s: float) -> None:
    """Leave what a finished harvest leaves: landed pages and a journal."""
    store = open_store(folder, create=True, source="https://example.org", simulated=True)
    with store.lock("bench"):
        run, _ = store.resume_or_begin(begun_s, planner_version="bench")
        for no, start in enumerate(range(0, len(found), PAGE), 1):
            write_page(run, no, found[start : start + PAGE], len(found))
        run.close()


def fold(folder: Path, count: int, begun_s: float, out: Any) -> None:
    """Fold the run that is there, in a process of its own, and say what that took."""
    # `ru_maxrss` would begin with the mark of the process that started this one.
    Path("/proc/self/clear_refs").write_text("5")
    store = open_store(folder)
    fenetre = FenetreBilan(1, None, None, "", count, count, count, 0, "compte", "prouvee", "", 1)
    bilan = Bilan(True, (), (), (fenetre,), count, count, True, 0)
    with store.lock("bench"):
        run, _ = store.resume_or_begin(begun_s + 60, planner_version="bench")
        wall, cpu = time.perf_counter(), time.process_time()
        result = store.fold(run, bilan, FoldOptions(), Compteurs(), begun_s + 120)
        took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    status = Path("/proc/self/status").read_text()
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    out.put({**took, "peak_mb": peak_kb * 1024 / 1e6, **msgspec.structs.asdict(result)})


class Reader(threading.Thread):
    """Asks the store again and again, each time anew; what it saw, and what went wrong."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.over = folder, threading.Event()
        self.seen: set[tuple[int, int, int]] = set()
        self.errors: list[str] = []
        self.asked = 0

    def run(self) -> None:
        query = (
            "SELECT (SELECT count(*) FROM offres), (SELECT count(*) FROM presence WHERE retiree IS NULL), "
            "(SELECT sum(variation) FROM agregats_jour)"
        )
        while not self.over.wait(1.0):
            try:
                with connect(open_store(self.folder), threads=1) as engine:
                    (row,) = engine.query(query).to_pylist()
                    self.seen.add(tuple(row.values()))
                    self.asked += 1
            except Exception as error:  # whatever it is, it is a reader disturbed
                self.errors.append(repr(error))


def life(plan: Plan) -> Iterator[Figure]:
    """Births, edits, withdrawals, returns, a republished lot; the store against the world, as of every night."""
    files.os.fsync = lambda fd: None  # type: ignore[attr-defined]  # landing is not what is measured here
    country = Country(plan.country)
    with folder() as parent:
        store = parent / "store"
        reader = Reader(store)
        sizes: list[dict[str, int]] = []
        for night in range(NIGHTS + 1):
            country.pass_a_day(night)
            found = country.shown()
            # The quiet night comes an hour late, so that all that was superseded is out of date.
            begun_s = NOW_S + night * DAY_S + 3600 * (night == NIGHTS)
            land(store, found, begun_s)
            del found
            held = connect(open_store(store), threads=1) if night else None
            took = run_fold(store, len(country.truths[-1].keys), begun_s)
            yield from night_figures(night, took)
            if held is not None:
                same = held.query("SELECT count(*) AS n FROM offres").to_pylist() == [
                    {"n": len(country.truths[-2].keys)}
                ]
                held.close()
                yield Figure(f"night {night + 1}: a reader that was open keeps its state", int(same), "", 1, "=")
            else:
                reader.start()
                yield marks_there(store)
            sizes.append(read_status(open_store(store), begun_s + 200).bytes)
        reader.over.set()
        reader.join()
        totals = {len(truth.keys) for truth in country.truths}
        mixed = [row for row in reader.seen if len(set(row)) != 1 or row[0] not in totals]
        note = f"{reader.asked} times; {len(mixed)} saw tables that do not agree"
        yield Figure("a reader during all nights: disturbed", len(reader.errors) + len(mixed), "", 0, "=", note=note)
        yield from against_the_world(store, country)
        yield from byte_scan(store)
        yield from disk_figures(store, sizes)


def run_fold(store: Path, count: int, begun_s: float) -> dict[str, Any]:
    """Fold in another process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=fold, args=(store, count, begun_s, queue))
    process.start()
    took: dict[str, Any] = queue.get()
    process.join()
    return took


def night_figures(night: int, took: dict[str, Any]) -> Iterator[Figure]:
    """What one fold took."""
    what = f"night {night + 1}" + (" (quiet)" if night == NIGHTS else "")
    budget = 30 if night else None
    moved = f"{took['nouvelles']} new, {took['modifiees']} changed, {took['retirees']} gone"
    note = f"{took['cpu_s']:.0f} s of processors, load {os.getloadavg()[0]:.0f}; {moved}"
    yield Figure(f"{what}: fold", took["wall_s"], "s", budget, note=note)
    yield Figure(f"{what}: written", took["octets_ecrits"] / 1e6, "MB", note=f"{took['fichiers_ecrits']} files")
    yield Figure(f"{what}: peak memory", took["peak_mb"], "MB", 1000)
    if night == NIGHTS:
        note = "the tables of runs and windows; every other file is linked"
        yield Figure(f"{what}: files written", took["fichiers_ecrits"], "", 2, note=note)


def marks_there(folder: Path) -> Figure:
    """That the marks which the byte scan looks for were in the store at all."""
    with connect(open_store(folder)) as engine:
        query = f"SELECT count(*) AS n FROM offres WHERE entreprise.nom LIKE '{MARK.decode()}%'"
        (row,) = engine.query(query).to_pylist()
    return Figure("marked offers online on night 1", row["n"], "", MARKED, ">=")


def against_the_world(folder: Path, country: Country) -> Iterator[Figure]:
    """The store's tables against what the world showed; each figure counts what differs."""
    truths = country.truths
    every = np.unique(np.concatenate([truth.keys for truth in truths]))
    there = np.zeros((len(truths), len(every)), np.bool_)
    hashes = np.zeros((len(truths), len(every)), np.int64)
    for night, truth in enumerate(truths):
        at = np.searchsorted(every, truth.keys)
        there[night, at], hashes[night, at] = True, truth.hashes
    before = np.vstack([np.zeros((1, len(every)), np.bool_), there[:-1]])
    begins = there & ~before
    content = begins.copy()
    content[1:] |= there[1:] & before[1:] & (hashes[1:] != hashes[:-1])
    versions, stays = np.cumsum(content, axis=0), begins.sum(axis=0)
    generation = open_store(folder).generation()
    assert generation is not None
    names, instants = generation.manifest.collectes, generation.manifest.instants
    with connect(open_store(folder)) as engine:

        def differing(sql: str, keys: Keys, *columns: Any) -> int:
            found = engine.query(sql)
            order = np.argsort(array_keys(found.column(0)))
            if not np.array_equal(array_keys(found.column(0))[order], keys):
                return max(1, abs(len(found) - len(keys)))
            wrong = np.zeros(len(keys), np.bool_)
            for name, expected in zip(found.column_names[1:], columns, strict=True):
                wrong |= found.column(name).to_numpy()[order] != expected
            return int(np.count_nonzero(wrong))

        for night, name in enumerate(names):
            online = there[night]
            wrong = differing(f"SELECT id, version FROM offres_au('{name}')", every[online], versions[night][online])
            yield Figure(f"as of night {night + 1}: offers or versions that differ", wrong, "", 0, "=")
        wrong = differing(
            "SELECT id, count(*), max(version) FROM offres_versions GROUP BY id", every, versions[-1], versions[-1]
        )
        yield Figure(f"versions of {len(every):,} offers: differ", wrong, "", 0, "=")
        last = len(truths) - 1 - np.argmax(there[::-1], axis=0)
        wrong = differing(
            "SELECT id, count(*), max(sejour), epoch_ms(min(premiere_vue)), epoch_ms(max(derniere_vue)), "
            "count(*) FILTER (retiree IS NULL) FROM presence GROUP BY id",
            every,
            stays,
            stays,
            np.array(instants)[np.argmax(there, axis=0)],
            np.array(instants)[last],
            there[-1].astype(np.int64),
        )
        back = int(np.count_nonzero(stays > 1))
        yield Figure("stays: differ", wrong, "", 0, "=", note=f"{back} offers came back")
        stock = engine.query("SELECT collecte, sum(variation) AS n FROM agregats_jour GROUP BY ALL ORDER BY 1")
        counted = dict(zip(*stock.to_pydict().values(), strict=True))
        sums = np.cumsum([int(counted.get(name, 0)) for name in names])
        yield Figure("counts by day: stocks that differ", int(np.sum(sums != there.sum(axis=1))), "", 0, "=")
    yield Figure("contents of a sample: differ", contents_differing(folder, country), "", 0, "=")


def contents_differing(folder: Path, country: Country) -> int:
    """Offers of three data files against the world's JSON."""
    world, wrong = country.world, 0
    paths = open_store(folder).files("offres")
    for path in (paths[0], paths[len(paths) // 2], paths[-1]):
        for row in pq.read_table(path, partitioning=None).slice(0, 4000).to_pylist():
            expected = world.offre(row["id"]) or {}
            kept = {cle: v for cle, v in expected.items() if cle not in {"contact", "agence"}}
            wrong += row_to_offre(row) != kept
    return wrong


def byte_scan(folder: Path) -> Iterator[Figure]:
    """Every byte of the store, unpacked, for the marks of offers that were withdrawn or edited since."""
    found, scanned, inodes = 0, 0, set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or path.stat().st_ino in inodes:
            continue
        inodes.add(path.stat().st_ino)
        for content in unpacked(path):
            scanned += len(content)
            found += MARK.lower() in content.lower()
    note = f"{scanned / 1e9:.1f} GB unpacked, {len(inodes)} files"
    yield Figure("byte scan: places that still hold a mark", found, "", 0, "=", note=note)


def unpacked(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what they are the compressed form of."""
    yield path.read_bytes()
    if path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())
    elif path.suffix == ".zst":
        yield pa.input_stream(str(path), compression="zstd").read()
    elif path.suffix == ".parquet":
        for batch in pq.ParquetFile(path).iter_batches():
            for column in batch.columns:
                yield from (buffer.to_pybytes() for buffer in column.buffers() if buffer is not None)


def disk_figures(folder: Path, sizes: list[dict[str, int]]) -> Iterator[Figure]:
    """Sizes per table, and what they come to in a year of such nights."""
    status = read_status(open_store(folder), NOW_S)
    for table, size in sorted(sizes[NIGHTS - 1].items(), key=lambda item: -item[1]):
        yield Figure(f"size of {table}", size / 1e6, "MB", note=f"{status.rows[table]:,} rows")
    yield Figure("size of the evidence of a run", status.disk.evidence / len(status.evidence) / 1e6, "MB")
    yield Figure("superseded states", status.disk.superseded / 1e6, "MB")
    # Between the second night and the fifth, all kinds of change happened; what is online does not grow.
    nights = NIGHTS - 2
    growth = {table: (sizes[NIGHTS - 1][table] - sizes[1][table]) / nights for table in sizes[1] if table != "offres"}
    year = sum(sizes[NIGHTS - 1].values()) + 360 * sum(growth.values())
    evidence = 30 * status.disk.evidence / len(status.evidence)
    whole = year + evidence + sizes[NIGHTS - 1]["offres"]
    grown = ", ".join(f"{table} {size / 1e6:.1f}" for table, size in sorted(growth.items(), key=lambda i: -i[1]))
    note = f"tables grow by a night's mean of nights 3 to 5 (MB: {grown}); 30 runs of evidence; a superseded state"
    yield Figure("disk after 365 such nights", whole / 1e9, "GB", note=note)
