"""Fold a synthetic run, then a second one with changes: time, peak memory, bytes.

    python bench/fold.py [OFFRES] [--short]

Offers are made from a few templates (texts of about 2 kB assembled from words, so they compress like texts, not like
copies), 150 a page, newest first. Memory is the peak of the folding process alone: pages are made by another. `--short`
gives them texts of a few words: what is kept an offer is the same, and millions are folded in minutes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import hashlib
import itertools
import json
import multiprocessing
import platform
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from moisson.model import Bilan, FenetreBilan, Ligne, PageLue, Plage, Question
from moisson.store.engine import connect
from moisson.store.fold import FoldOptions
from moisson.store.store import Compteurs, open_store

PAGE = 150
WEIGHTS = list(itertools.accumulate(1 / (n + 3) for n in range(6000)))
NOW_S = 1_790_000_000.0
TOP_MS = 1_789_990_000_000


def words(rng: random.Random) -> list[str]:
    """A vocabulary with a Zipf-like use."""
    syllables = "ba de mi ro tu la per con sta ment tion vail ser vi ce cli ent qua li té é qui pe pro jet"
    return ["".join(rng.choices(syllables.split(), k=rng.randint(1, 4))) for _ in range(6000)]


def template(rng: random.Random, vocabulary: list[str], *, short: bool) -> dict[str, Any]:
    """An offer without its id and dates, about 3.2 kB; 1.2 kB if it is short."""
    dep = rng.choice([f"{n:02d}" for n in range(1, 96) if n != 20])
    commune = f"{dep}{rng.randint(1, 400):03d}"
    partenaire = rng.random() < 0.65
    texte = " ".join(rng.choices(vocabulary, cum_weights=WEIGHTS, k=9 if short else rng.randint(150, 420)))
    rome = f"{rng.choice('ABCDEFGHIJKLMN')}{rng.randint(1101, 1999)}"
    offre: dict[str, Any] = {
        "intitule": " ".join(rng.choices(vocabulary, cum_weights=WEIGHTS, k=5)).capitalize() + " (H/F)",
        "description": texte,
        "lieuTravail": {
            "libelle": f"{dep} - {vocabulary[int(commune) % 6000].upper()}",
            "latitude": round(rng.uniform(42, 51), 6),
            "longitude": round(rng.uniform(-4, 8), 6),
            "codePostal": f"{dep}{rng.randint(0, 99):02d}0",
            "commune": commune,
        },
        "romeCode": rome,
        "romeLibelle": f"Métier {rome}",
        "appellationlibelle": f"Appellation {rome} {rng.randint(1, 9)}",
        "entreprise": {"nom": f"SARL {rng.randint(1, 40000)}", "entrepriseAdaptee": False},
        "typeContrat": rng.choice(["CDI", "CDD", "MIS"]),
        "typeContratLibelle": "Contrat à durée indéterminée",
        "natureContrat": "Contrat travail",
        "experienceExige": rng.choice("DDE"),
        "experienceLibelle": "Débutant accepté",
        "salaire": {} if partenaire else {"libelle": f"Mensuel de {rng.randint(1800, 4000)}.00 Euros sur 12 mois"},
        "alternance": False,
        "contact": {},
        "nombrePostes": 1,
        "accessibleTH": False,
        "contexteTravail": {} if partenaire else {"horaires": ["35H/semaine\nTravail en journée"]},
        "entrepriseAdaptee": False,
        "employeurHandiEngage": False,
        "origineOffre": {"origine": "2" if partenaire else "1"},
    }
    if partenaire:
        offre["origineOffre"]["partenaires"] = [
            {"nom": f"PARTENAIRE{rng.randint(1, 30)}", "url": "https://example.org/x", "logo": "https://example.org/l"}
        ]
    else:
        offre["competences"] = [
            {"code": str(rng.randint(100000, 499999)), "libelle": " ".join(rng.choices(vocabulary, k=6)), "exigence": e}
            for e in "SSE"
        ]
        offre["agence"] = {"courriel": "Pour postuler, utiliser le lien suivant : https://example.org"}
    return offre


def offres(count: int, seed: int, changed: float, gone: float, *, short: bool) -> Iterator[tuple[str, int, bytes]]:
    """(id, creation in ms, JSON) of each offer online, newest first; `seed` 1 is the second day of `seed` 0."""
    rng = random.Random(0)
    vocabulary = words(rng)
    templates = [json.dumps(template(rng, vocabulary, short=short), ensure_ascii=False).encode() for _ in range(20_000)]
    fresh = int(count * changed / 2) if seed else 0
    for n in range(-fresh, count):
        draw = random.Random(n).random()
        if seed and n >= 0 and draw < gone:
            continue
        id_ = f"{n + 1_000_000:07d}"
        ms = TOP_MS - n * 3_000_000 // 1000 * 1000 // 10
        date = dt.datetime.fromtimestamp(ms // 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"
        edited = b'"deplacementCode":"1",' if seed and 1 - changed / 2 < draw else b""
        # The title makes each offer's text its own.
        head = b'{"id":"%s","dateCreation":"%s","dateActualisation":"%s",%s"trancheEffectifEtab":"%d",'
        body = templates[hash((n, 7)) % len(templates)]
        yield id_, ms, head % (id_.encode(), date.encode(), date.encode(), edited, n) + body[1:]


def land(folder: str, count: int, seed: int, short: bool = False) -> None:
    """Make a run of landed and journalled pages, as the harvest would leave it."""
    from moisson.store import files

    files.os.fsync = lambda fd: None  # type: ignore[attr-defined]  # not what is measured here
    store = open_store(folder, create=True, source="https://example.org", simulated=True)
    with store.lock("bench"):
        run, _ = store.resume_or_begin(NOW_S + seed * 86400, planner_version="bench")
        page: list[tuple[str, int, bytes]] = []
        no = 0
        for offre in offres(count, seed, 0.03, 0.013, short=short):
            page.append(offre)
            if len(page) == PAGE:
                no += 1
                write_page(run, no, page, count)
                page = []
        if page:
            write_page(run, no + 1, page, count)
        run.close()


def write_page(run: Any, no: int, page: list[tuple[str, int, bytes]], total: int, now_s: float = NOW_S) -> None:
    """Land one page and journal its fact."""
    body = b'{"resultats":[' + b",".join(brut for _, _, brut in page) + b"]}"
    fichier = run.land(no, gzip.compress(body, 2, mtime=0), "gzip")
    run.append(
        PageLue(
            question=Question(no // 21, "page", Plage(0, PAGE - 1)),
            total=total,
            lignes=tuple(Ligne(id_, ms) for id_, ms, _ in page),
            premier=0,
            dernier=len(page) - 1,
            fichier=fichier,
            sha256=hashlib.sha256(body).hexdigest(),
            octets=len(body),
            recu_s=now_s + no / 3,
        )
    )


def fold(folder: str, count: int, seed: int, out: Any) -> None:
    """Fold the run that is there and report."""
    store = open_store(folder)
    fenetre = FenetreBilan(1, None, None, "", count, count, count, 0, "compte", "prouvee", "", 1)
    bilan = Bilan(True, (), (), (fenetre,), count, count, True, 0)
    with store.lock("bench"):
        run, _ = store.resume_or_begin(NOW_S + seed * 86400 + 60, planner_version="bench")
        wall, cpu = time.perf_counter(), time.process_time()
        result = store.fold(run, bilan, FoldOptions(), Compteurs(), NOW_S + seed * 86400 + 120)
        out.put(
            {
                "wall_s": round(time.perf_counter() - wall, 1),
                "cpu_s": round(time.process_time() - cpu, 1),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                **msgspec.structs.asdict(result),
            }
        )


def ask(folder: str, out: Any) -> None:
    """Time a count by département, engine ready."""
    with connect(open_store(folder)) as engine:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            engine.query("SELECT departement, count(*) FROM offres GROUP BY 1 ORDER BY 2 DESC")
            times.append(round((time.perf_counter() - start) * 1000, 1))
    out.put({"count_by_departement_ms": times})


def main() -> None:
    """Run it all in processes of their own, so that each peak is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("offres", nargs="?", type=int, default=750_000)
    parser.add_argument("--dir", default=None, help="where to make the store (a temporary folder)")
    parser.add_argument("--short", action="store_true", help="texts of a few words")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print(f"{dt.date.today()} {platform.machine()} {multiprocessing.cpu_count()} cores, {arguments.offres} offers")  # noqa: DTZ011
    with tempfile.TemporaryDirectory(dir=arguments.dir) as parent:
        folder = str(Path(parent) / "store")
        for seed, title in ((0, "first run"), (1, "second run, 3 % changed or new, 1.3 % gone")):
            for target in (land, fold):
                queue = context.Queue()
                args = (folder, arguments.offres, seed, queue if target is fold else arguments.short)
                process = context.Process(target=target, args=args)
                process.start()
                if target is fold:
                    print(title, queue.get())
                process.join()
        size = sum(path.stat().st_size for path in (Path(folder) / "current" / "offres").iterdir())
        print({"lake_bytes_per_offre": round(size / arguments.offres), "lake_mb": size // 10**6})
        queue = context.Queue()
        process = context.Process(target=ask, args=(folder, queue))
        process.start()
        print(queue.get())
        process.join()


if __name__ == "__main__":
    main()
