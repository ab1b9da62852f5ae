"""Fill a store in a few lines: offers made up here, landed and journalled as the harvest would."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from moisson.model import Bilan, FenetreBilan, Ligne, PageLue, Plage, Question
from moisson.store.fold import FoldOptions, FoldResult
from moisson.store.rows import instant_ms, row_to_offre
from moisson.store.store import Compteurs, Run, Store, open_store

SOURCE = "https://api.example.org/offres"
NOW_S = 1_790_000_000.0
CONTACTS = {"contact", "agence"}


def make_offre(n: int, **more: Any) -> dict[str, Any]:
    """Offer number `n`: the larger, the newer."""
    jour, minute = divmod(n, 1440)
    return {
        "id": f"{n:07d}",
        "intitule": f"Offre {n} (H/F)",
        "description": f"Texte de l'offre {n}.",
        "dateCreation": f"2026-{1 + jour // 28:02d}-{1 + jour % 28:02d}T{minute // 60:02d}:{minute % 60:02d}:00.000Z",
        "lieuTravail": {"libelle": "74 - Rumilly", "latitude": 45.9, "longitude": 6.1, "commune": "74225"},
        "salaire": {},
        **more,
    }


def make_bilan(total: int, *fenetres: FenetreBilan, prouve: bool = True, nationaux: bool = True) -> Bilan:
    """A proof over all times, unless windows are given."""
    found = fenetres or (make_fenetre(total=total),)
    raisons = () if prouve else ("window 1: the total rose",)
    return Bilan(prouve, raisons, (), found, total, total, nationaux, 0)


def make_fenetre(
    numero: int = 1,
    debut_ms: int | None = None,
    fin_ms: int | None = None,
    *,
    critere: str = "",
    verdict: Any = "prouvee",
    total: int = 0,
) -> FenetreBilan:
    """A window, proved by count unless told otherwise."""
    preuve: Any = "compte" if verdict == "prouvee" else None
    return FenetreBilan(numero, debut_ms, fin_ms, critere, total, total, total, 0, preuve, verdict, "", 1)


def open_here(folder: Path, **more: Any) -> Store:
    """The store of these tests, made if need be."""
    return open_store(folder, create=True, source=SOURCE, **more)


def land_page(run: Run, no: int, offres: Sequence[dict[str, Any]], recu_s: float = NOW_S, **more: Any) -> PageLue:
    """Land one page and journal its fact."""
    body = json.dumps({"resultats": offres, "filtresPossibles": []}, ensure_ascii=False).encode()
    fait = PageLue(
        question=Question(1, "page", Plage(0, 149)),
        total=len(offres),
        lignes=tuple(Ligne(o["id"], instant_ms(o["dateCreation"]) or 0) for o in offres),
        premier=0,
        dernier=len(offres) - 1,
        fichier=run.land(no, body, ""),
        sha256=hashlib.sha256(body).hexdigest(),
        octets=len(body),
        recu_s=recu_s,
        **more,
    )
    run.append(fait)
    return fait


def begin(store: Store, now_s: float = NOW_S, **more: Any) -> Run:
    """A run, begun or taken up."""
    run, _ = store.resume_or_begin(now_s, **{"planner_version": "1", **more})
    return run


def collect(
    folder: Path,
    offres: Iterable[dict[str, Any]],
    now_s: float = NOW_S,
    *,
    bilan: Bilan | None = None,
    page: int = 5,
    planner: str = "1",
    **options: Any,
) -> FoldResult:
    """A whole run: every offer landed newest first, then folded."""
    store = open_here(folder)
    found = sorted(offres, key=lambda o: str(o["dateCreation"]), reverse=True)
    with store.lock("collect"):
        run = begin(store, now_s, planner_version=planner)
        for no, start in enumerate(range(0, len(found), page), run.next_no):
            land_page(run, no, found[start : start + page], now_s + no)
        return store.fold(
            run,
            bilan or make_bilan(len(found)),
            FoldOptions(**{"rows_max": 24, **options}),
            Compteurs(version="test"),
            now_s + 60,
        )


def read_offres(folder: Path) -> dict[str, dict[str, Any]]:
    """Every offer of the current state as the API sent it, read from the files that `current` shows."""
    import pyarrow.parquet as pq

    rows = [
        row
        for path in sorted((folder / "current" / "offres").glob("*.parquet"))
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]
    found = {row["id"]: row_to_offre(row) for row in rows}
    assert len(found) == len(rows), "an offer is there twice"
    return found


def by_id(offres: Iterable[dict[str, Any]], *, contacts: bool = False) -> dict[str, dict[str, Any]]:
    """What `read_offres` should find."""
    return {o["id"]: o if contacts else {k: v for k, v in o.items() if k not in CONTACTS} for o in offres}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content, but the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def sample_folder() -> Path:
    """Where real offers lie on machines that have them; skips the test on others."""
    default = Path(__file__).parents[3] / "shared" / "samples"
    folder = Path(os.environ.get("MOISSON_SAMPLES", default))
    if not folder.is_dir():
        pytest.skip("no sample offers here")
    return folder


def sample_offres() -> list[bytes]:
    """Real offers, one JSON object each."""
    return [line for path in sorted(sample_folder().glob("offres-*.ndjson")) for line in path.read_bytes().splitlines()]
