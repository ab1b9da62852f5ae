"""A small store whose offers hold whatever spoils files: leading zeros, formulas, long texts, line ends, no place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.store.filling import collect, make_offre, open_here

FORMULAS = ["=1+1", "+33 1", "-5", "- un tiret", "@moi", "\tonglet", "\rretour", "=cmd|' /C calc'!A0", "-1,5", "+"]
TEXTS = ['a;b,"c"\nd\r\ne', "é ☃ 😀", "nul\x01vertical\x0b", "[1]", '{"a":1}', "", "_x000D_", "'", "1e5", "VRAI"]


def nasty_offres() -> list[dict[str, Any]]:
    """Their ids are 0000000, 0000001 ..."""
    offres = []
    for n, intitule in enumerate([*FORMULAS, *TEXTS]):
        offres.append(
            make_offre(
                n,
                intitule=intitule,
                romeCode="M1805",
                nombrePostes=n,
                alternance=n % 2 == 0,
                lieuTravail={
                    "libelle": "01 - Bourg",
                    "commune": "01004",
                    "latitude": 46.2 + n / 100,
                    "longitude": -1.5,
                },
                competences=[{"code": "0123", "libelle": "Écouter", "exigence": "E"}, {"libelle": "=libre"}],
                outilsBureautiques=["tableur"],
                nouveau={"clef": n},
            )
        )
    first = len(offres)
    offres.append(make_offre(first, lieuTravail={"libelle": "France"}))
    offres.append(make_offre(first + 1, lieuTravail={"libelle": "Ailleurs", "latitude": 461.2, "longitude": 4.0}))
    offres.append(make_offre(first + 2, description="😀" + "x" * 40_000, alternance=None))
    return offres


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with these offers."""
    collect(tmp_path / "store", nasty_offres())
    return tmp_path / "store"


def write(folder: Path, name: str, **more: Any) -> Any:
    """Export beside the store; what was written."""
    from moisson.store.export.run import export

    return export(open_here(folder), folder.parent / name, now_s=1_790_000_100.0, made_by="moisson test", **more)
