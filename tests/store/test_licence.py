"""The licence, byte by byte: every file of the store, unpacked, holds nothing of an offer that must not be there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.store.filling import NOW_S, by_id, collect, make_offre, open_here, read_offres

DAY_S = 86_400.0


def bytes_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder: its name, and its content unpacked, as it is and as what it means."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        raw = path.read_bytes()
        yield path.name, raw
        if path.suffix == ".parquet":
            table = pq.read_table(path, partitioning=None)
            yield path.name, json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode()
            yield path.name, str(table.schema.metadata).encode()
        elif path.suffix == ".gz":
            yield path.name, gzip.decompress(raw)
        elif path.suffix == ".zst":
            yield path.name, pa.input_stream(pa.py_buffer(raw), compression="zstd").read()
        elif path.suffix == ".npy":
            yield path.name, ids_of(np.load(path)).encode()


def ids_of(rows: np.ndarray[Any, Any]) -> str:
    """The ids that an index can be read back to: a key of a short id is its bytes and its length."""
    if "key" not in (rows.dtype.names or ()):
        return ""
    return " ".join(key.to_bytes(8, "big")[:7].decode("latin-1") for key in rows["key"].tolist())


def marked(n: int, edit: int = 0) -> dict[str, Any]:
    """An offer in which each thing that must go carries a mark of this offer and edit, some of them in texts too."""

    def m(what: str) -> str:
        return f"{what}{n:03d}x{edit}"

    return make_offre(
        n,
        intitule=f"Offre chez {m('Marquemploi')} (H/F)",
        description=f"{m('MARQUEMPLOI')} à {m('Marqueville')} : {m('marquemail')}@example.org, "
        f"https://{m('marquelien')}.example.org, tél. 04 50 {n:02d} {edit:02d} 99",
        lieuTravail={
            "libelle": f"74 - {m('Marqueville')}",
            "commune": m("MARQUEINSEE"),
            "codePostal": m("MARQUECP"),
            "latitude": 40 + n / 100,
            "longitude": 5.5,
        },
        entreprise={
            **{cle: m("Marquemploi") for cle in ("nom", "description", "url", "logo")},
            "entrepriseAdaptee": False,
            "siret": m("MARQUESIRET"),
        },
        contact={cle: m("MARQUECONTACT") for cle in ("nom", "coordonnees1", "courriel", "urlPostulation", "nouveau")},
        agence={"telephone": m("MARQUEAGENCE")},
        origineOffre={
            "origine": "2",
            "urlOrigine": m("https://MARQUEURL"),
            "partenaires": [{"nom": "PARTENAIRE", "url": m("https://MARQUEPART"), "logo": m("https://MARQUELOGO")}],
        },
        inconnu={"dedans": [m("MARQUEINCONNU")]},
        formations=[{"commentaire": f"Écrire à {m('marquemail')}@example.org", "exigence": "S"}],
    )


def leaks(folder: Path, online: list[dict[str, Any]]) -> set[str]:
    """Marks found anywhere in the store that no offer online carries; counts may keep the commune."""
    import re

    seen = re.compile(rb"marque[a-z]*[0-9]{3}x[0-9]", re.IGNORECASE)
    allowed = {mark.lower() for mark in seen.findall(json.dumps(online).encode())}
    found = set()
    for name, content in bytes_of(folder):
        for mark in seen.findall(content):
            if mark.lower() not in allowed and not (name.startswith("agregats_jour-") and b"INSEE" in mark):
                found.add(f"{mark.decode()} in {name}")
    return found


WORLDS = [
    dict.fromkeys(range(30), 0),
    {n: int(n % 7 == 0) for n in range(3, 33)},
    {n: int(n % 7 == 0) for n in range(3, 33)},
    dict.fromkeys(range(1, 20), 0),
    {n: 2 if n == 5 else 0 for n in range(20)},
]
"""Edits, withdrawals and returns."""


@pytest.mark.parametrize("store_contacts", [False, True])
@pytest.mark.parametrize("keep_raw", [False, True])
def test_gone_with_the_first_fold_after_retention(tmp_path: Path, store_contacts: bool, keep_raw: bool) -> None:
    """From every byte: landing, evidence, indexes, superseded states, versions. At once from the current tables."""
    options: dict[str, Any] = {"store_contacts": store_contacts, "keep_raw": keep_raw, "rows_max": 12}
    for day, world in enumerate(WORLDS):
        offres = [marked(n, edit) for n, edit in world.items()]
        collect(tmp_path, offres, NOW_S + day * DAY_S, **options)
        assert read_offres(tmp_path) == by_id(offres, contacts=store_contacts)
        assert leaks((tmp_path / "current").resolve(), offres) == set(), day
        collect(tmp_path, offres, NOW_S + day * DAY_S + DAY_S - 100, **options)
        collect(tmp_path, offres, NOW_S + day * DAY_S + DAY_S - 30, **options)
        if day:
            continue
        assert leaks(tmp_path, offres) == set()
    # The last world's own superseded states are a day old now.
    collect(tmp_path, offres, NOW_S + (len(WORLDS) + 1) * DAY_S, **options)
    assert leaks(tmp_path, offres) == set()


def test_no_retention_at_all(tmp_path: Path) -> None:
    """Nothing of the past is left after each fold."""
    for day, world in enumerate(WORLDS):
        offres = [marked(n, edit) for n, edit in world.items()]
        collect(tmp_path, offres, NOW_S + day * DAY_S, retention_s=0.0, rows_max=12)
        assert leaks(tmp_path, offres) == set(), day


def test_contacts_are_nowhere(tmp_path: Path) -> None:
    """Not even of offers online, unless they are asked for."""
    offres = [marked(n) for n in range(10)]
    collect(tmp_path, offres, retention_s=0.0)
    assert not any(b"MARQUECONTACT" in content or b"MARQUEAGENCE" in content for _, content in bytes_of(tmp_path))


def test_an_offer_that_comes_back_is_whole_again(tmp_path: Path) -> None:
    """Its new stay has everything; its old contents stay anonymous."""
    for day, online in enumerate([[marked(1)], [], [marked(1)]]):
        collect(tmp_path, [*online, make_offre(9)], NOW_S + day * DAY_S)
    assert read_offres(tmp_path)["0000001"]["entreprise"]["nom"] == "Marquemploi001x0"
    paths = open_here(tmp_path).files("offres_versions")
    rows = [row for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]
    names = {row["version"]: row["entreprise"]["nom"] for row in rows if row["id"] == "0000001"}
    assert names == {1: None, 2: "Marquemploi001x0"}
