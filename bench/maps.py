"""Draw the maps and the series of a large store: time and size of each, a process each as a person would.

    python bench/maps.py [OFFRES] [--nights N] [--pictures FOLDER] [--store FOLDER]

The store is made here, without a network: places are drawn by population, each commune has one point in its
département, offers come and go by the day of the week. With --store it is kept, and taken up if it is there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import itertools
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from fold import PAGE, write_page
from matplotlib.path import Path as Border

from moisson.model import Bilan, FenetreBilan
from moisson.store.fold import FoldOptions
from moisson.store.store import Compteurs, open_store
from moisson.territory import reference
from moisson.territory.shapes import shapes

BEGAN_S = dt.datetime(2026, 9, 14, 4, tzinfo=dt.UTC).timestamp()
DAY_S = 86_400
COMING = (0.045, 0.05, 0.045, 0.04, 0.035, 0.008, 0.004)
"""Offers that come each day of the week, Monday first, part of the stock."""

DRAWN = {
    "map departements.html": ("map", "--indicator", "offres_pour_mille"),
    "map departements.png": ("map", "--indicator", "offres_pour_mille"),
    "map regions.svg": ("map", "--indicator", "part_cdi", "--by", "region", "--method", "jenks"),
    "map offres.png": ("map", "--indicator", "offres"),
    "map communes.png": ("map", "--indicator", "offres", "--by", "commune", "--region", "84"),
    "map communes.html": ("map", "--indicator", "offres", "--by", "commune", "--region", "84"),
    "map epci.png": ("map", "--indicator", "part_partenaires", "--by", "epci", "--region", "53"),
    "series nouvelles.png": ("series", "nouvelles", "--by", "semaine"),
    "series nouvelles_jour.png": ("series", "nouvelles", "--by", "jour,grand_domaine"),
}


def places() -> tuple[list[dict[str, Any]], list[int]]:
    """Communes as offers name them, with a point, and their cumulated populations."""
    rng = np.random.default_rng(1)
    communes = [row for row in pq.read_table(reference.files()["communes"]).to_pylist() if row["zone"] != "com"]
    borders = {code: max((p[0] for p in polygons), key=len) for code, polygons in shapes("departements").items()}
    inside = {code: _points(ring, 900, rng) for code, ring in borders.items()}
    for n, row in enumerate(communes):
        row["point"] = inside[row["departement"]][n % 900]
    return communes, list(itertools.accumulate(row["population"] or 0 for row in communes))


def _points(ring: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    border, found = Border(ring), np.empty((0, 2))
    while len(found) < count:
        drawn = rng.uniform(ring.min(axis=0), ring.max(axis=0), (2 * count, 2))
        found = np.concatenate([found, drawn[border.contains_points(drawn)]])
    return found[:count]


@functools.cache
def romes() -> list[str]:
    """Some trades of each major domain, the large ones more often."""
    weights = zip("ABCDEFGHIJKLMN", (3, 1, 3, 14, 1, 9, 11, 10, 6, 12, 12, 1, 12, 9), strict=True)
    return [f"{letter}{n % 9 + 1101 + 100 * (n % 5)}" for letter, many in weights for n in range(many * 3)]


def offre(n: int, when_s: float, communes: list[dict[str, Any]], weights: list[int]) -> bytes:
    """One offer's JSON."""
    rng = random.Random(n)
    row = rng.choices(communes, cum_weights=weights)[0]
    x, y = row["point"]
    partner, doubt = rng.random() < 0.6, rng.random()
    lieu: dict[str, Any] = {"libelle": f"{row['departement']} - {row['nom'].upper()}"}
    if doubt < 0.95:
        lieu |= {"latitude": round(y, 5), "longitude": round(x, 5), "commune": row["code"]}
    elif doubt < 0.98:
        lieu = {"libelle": f"{row['departement']} - (Dept.)"}
    else:
        lieu = {"libelle": "France"}
    date = dt.datetime.fromtimestamp(when_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    rome = rng.choice(romes())
    pay = {} if partner and rng.random() < 0.6 else {"libelle": f"Mensuel de {rng.randint(1850, 3600)}.00 Euros"}
    body = {
        "id": f"{n:07d}",
        "dateCreation": date,
        "intitule": f"Métier {rome} n° {n} (H/F)",
        "description": f"Offre {n}. "
        + " ".join(rng.choices(("équipe", "client", "mission", "poste", "service"), k=60)),
        "lieuTravail": lieu,
        "romeCode": rome,
        "romeLibelle": f"Métier {rome}",
        "typeContrat": rng.choices(("CDI", "CDD", "MIS"), (55, 25, 20))[0],
        "nombrePostes": 1 if rng.random() < 0.9 else 3,
        "salaire": pay,
        "origineOffre": {"origine": "2" if partner else "1"},
    }
    return json.dumps(body, ensure_ascii=False).encode()


def fill(folder: Path, offres: int, nights: int) -> None:
    """Fill a store, a run a day."""
    from moisson.store import files

    files.os.fsync = lambda fd: None  # type: ignore[attr-defined]  # not what is measured here
    communes, weights = places()
    rng = random.Random(2)
    online: dict[int, tuple[int, bytes]] = {}
    serial = 0
    for night in range(nights):
        now_s = BEGAN_S + night * DAY_S
        if night:
            online = {n: found for n, found in online.items() if rng.random() > 0.036}
        day = dt.datetime.fromtimestamp(now_s - DAY_S, dt.UTC).weekday()
        coming = round(offres * COMING[day] * rng.uniform(0.9, 1.1)) if night else offres
        for _ in range(coming):
            serial += 1
            made_s = now_s - rng.uniform(3600, DAY_S if night else 40 * DAY_S) // 1
            online[serial] = (int(made_s) * 1000, offre(serial, int(made_s), communes, weights))
        _run(folder, online, now_s)


def _run(folder: Path, online: dict[int, tuple[int, bytes]], now_s: float) -> None:
    store = open_store(folder, create=True, source="https://example.org", simulated=True)
    rows = sorted(((f"{n:07d}", ms, brut) for n, (ms, brut) in online.items()), key=lambda row: -row[1])
    total = len(rows)
    fenetre = FenetreBilan(1, None, None, "", total, total, total, 0, "compte", "prouvee", "", 1)
    with store.lock("bench"):
        run, _ = store.resume_or_begin(now_s, planner_version="bench")
        for no, start in enumerate(range(0, total, PAGE), 1):
            write_page(run, no, rows[start : start + PAGE], total, now_s)
        store.fold(
            run,
            Bilan(True, (), (), (fenetre,), total, total, True, 0),
            FoldOptions(),
            Compteurs(version="bench"),
            now_s + 600,
        )


def measure(store: Path, pictures: Path) -> Iterator[str]:
    """Draw each, in a process of its own."""
    for name, (command, *options) in DRAWN.items():
        file = pictures / name.split()[1]
        words = [command, str(file), *options]
        if command == "series":
            words = [command, options[0], str(file), *options[1:]]
        begun_s, before_s = time.perf_counter(), _children_s()
        done = subprocess.run(
            [sys.executable, "-m", "moisson", *words, "--store", str(store)],
            capture_output=True,
            text=True,
            check=False,
        )
        took_s = time.perf_counter() - begun_s
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
        busy_s = _children_s() - before_s
        size = f"{file.stat().st_size / 1e6:6.2f} MB"
        yield f"{name:<28} {took_s:5.1f} s, {busy_s:4.1f} s of processors  {size}  {' '.join(options)}"


def _children_s() -> float:
    """Processor time of the processes that ended: what counts when others use the machine too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Fill, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("offres", nargs="?", type=int, default=750_000)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--pictures", type=Path, default=None, help="keep the pictures here")
    parser.add_argument("--store", type=Path, default=None, help="keep the store here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moisson-bench-") as parent:
        store, pictures = arguments.store or Path(parent) / "store", arguments.pictures or Path(parent)
        pictures.mkdir(exist_ok=True, parents=True)
        if not (store / "current").exists():
            begun_s = time.perf_counter()
            fill(store, arguments.offres, arguments.nights)
            print(f"filled in {time.perf_counter() - begun_s:.0f} s")
        machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        print(f"{dt.datetime.now(dt.UTC).date()}, {machine}, {arguments.offres:,} offers, {arguments.nights} nights")
        for line in measure(store, pictures):
            print(line, flush=True)


if __name__ == "__main__":
    main()
