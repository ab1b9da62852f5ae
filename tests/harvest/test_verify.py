"""`moisson verify` proves a good store again, and no change to the evidence or the tables passes unseen."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moisson.errors import UsageError
from moisson.harvest.verify import trou, verify
from moisson.model import FenetreBilan
from moisson.store.store import open_store
from tests.harvest.jumeau import jumeau

RYTHME = {"MOISSON_RATE": "300"}


@pytest.fixture(scope="module")
def prouve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A proved store of a drifting world."""
    store = tmp_path_factory.mktemp("prouve") / "store"
    with jumeau("--offres", "7000", "--quota", "0", "--no-quota-headers") as double:
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
    return store


@pytest.fixture
def copie(prouve: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(prouve, tmp_path / "copie", symlinks=True)
    return tmp_path / "copie"


def fichier(store: Path, table: str) -> Path:
    """The one file of a small table."""
    (seul,) = (store / "current" / table).iterdir()
    return seul


def reecrire(chemin: Path, changer: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> None:
    """Change the rows of a Parquet file."""
    table = pq.read_table(chemin)
    pq.write_table(pa.Table.from_pylist(changer(table.to_pylist()), schema=table.schema), chemin)


def test_a_good_store(prouve: Path) -> None:
    """Everything holds, and the copy of a store is as good as the store."""
    vu = verify(open_store(prouve))
    assert (vu.intacte, vu.prouvee, vu.raisons) == (True, True, ())
    assert [(etape.nom, etape.issue) for etape in vu.etapes] == [
        ("evidence", "holds"),
        ("plan", "holds"),
        ("cover", "holds"),
        ("lake", "holds"),
    ]


def test_any_byte_of_the_evidence(copie: Path) -> None:
    """A byte changed anywhere in the evidence is found."""
    (preuve,) = (copie / "evidence").iterdir()
    bon = preuve.read_bytes()
    hasard = random.Random(1)
    for rang in [0, len(bon) - 1, *(hasard.randrange(len(bon)) for _ in range(25))]:
        faux = bytearray(bon)
        faux[rang] ^= 1 << hasard.randrange(8)
        preuve.write_bytes(bytes(faux))
        assert not verify(open_store(copie)).intacte, f"byte {rang}"


def test_a_line_changed_and_compressed_again(copie: Path) -> None:
    """Someone who knows the format and edits one answer breaks the chain."""
    (preuve,) = (copie / "evidence").iterdir()
    lignes = pa.input_stream(str(preuve), compression="zstd").read().splitlines(keepends=True)
    fait = json.loads(lignes[10])
    fait["fait"]["total"] -= 1
    lignes[10] = json.dumps(fait).encode() + b"\n"
    ecrire(preuve, b"".join(lignes))
    assert "does not follow" in verify(open_store(copie)).etapes[0].detail


def test_the_end_cut_off(copie: Path) -> None:
    """Whole lines missing at the end are found too, since the table of runs names the last."""
    (preuve,) = (copie / "evidence").iterdir()
    lignes = pa.input_stream(str(preuve), compression="zstd").read().splitlines(keepends=True)
    ecrire(preuve, b"".join(lignes[:-2]))
    assert not verify(open_store(copie)).intacte


def ecrire(preuve: Path, contenu: bytes) -> None:
    """Write an evidence file."""
    with pa.output_stream(str(preuve), compression="zstd") as sortie:
        sortie.write(contenu)


def test_evidence_that_is_gone(copie: Path) -> None:
    """Without evidence nothing is proved."""
    shutil.rmtree(copie / "evidence")
    vu = verify(open_store(copie))
    assert not vu.intacte
    assert "missing" in vu.etapes[0].detail


def test_a_window_embellished(copie: Path) -> None:
    """A window that claims more than its facts is found."""

    def changer(lignes: list[dict[str, object]]) -> list[dict[str, object]]:
        lignes[0]["distinctes"] = 1
        return lignes

    reecrire(fichier(copie, "fenetres"), changer)
    assert "windows recorded" in verify(open_store(copie)).etapes[1].detail


def test_a_run_declared_complete(copie: Path) -> None:
    """Totals that the facts do not show are found."""

    def changer(lignes: list[dict[str, object]]) -> list[dict[str, object]]:
        lignes[0]["annonce_premiere"] = 6000
        return lignes

    reecrire(fichier(copie, "collectes"), changer)
    assert "totals recorded" in verify(open_store(copie)).etapes[1].detail


def test_an_offer_taken_out_of_the_lake(copie: Path) -> None:
    """An offer that the pages showed and the lake does not hold is found."""
    reecrire(next((copie / "current" / "offres").iterdir()), lambda lignes: lignes[1:])
    assert "1 offers read are not in the lake" in verify(open_store(copie)).etapes[3].detail


def test_an_offer_forgotten(copie: Path) -> None:
    """Its hash stands for it: the proof holds without it, and says so."""
    oubliee = pq.read_table(next((copie / "current" / "offres").iterdir()), columns=["id"]).column("id")[5].as_py()
    store = open_store(copie)
    with store.lock("forget"):
        store.forget({oubliee}, 2_000_000_000.0)
    vu = verify(open_store(copie))
    assert (vu.intacte, vu.prouvee) == (True, True)
    assert "1 ids were forgotten" in vu.etapes[0].detail
    assert "1 were forgotten" in vu.etapes[-1].detail


def test_a_run_that_was_not_proved(tmp_path: Path) -> None:
    """Intact evidence of a run that is not proved says so, and why."""
    store = tmp_path / "store"
    with jumeau("--offres", "5000", "--crowd", "3500:alike", "--still", "--quota", "0", "--no-quota-headers") as double:
        assert double.moisson("collect", "--store", str(store), **RYTHME).returncode == 3
        rendu = double.moisson("verify", "--store", str(store))
    assert rendu.returncode == 3, rendu.stderr
    assert "350 are missing" in rendu.stdout
    assert "NOT PROVED" in rendu.stderr


def test_an_older_run(copie: Path) -> None:
    """An unknown run is refused by name."""
    with pytest.raises(UsageError, match="no finished run 2020"):
        verify(open_store(copie), "2020")


def fenetre(debut_ms: int | None, fin_ms: int | None, *, preuve: str | None = "compte") -> FenetreBilan:
    """A window from here to there."""
    return FenetreBilan(1, debut_ms, fin_ms, "", 0, 0, 0, 0, preuve, "prouvee", "", 1)  # type: ignore[arg-type]


def test_holes() -> None:
    """An instant between two windows, after the last or under an unproved one is a hole."""
    assert trou([fenetre(None, None)]) == ""
    assert trou([fenetre(100, None), fenetre(None, 99)]) == ""
    assert "from 99 to 101" in trou([fenetre(101, None), fenetre(None, 99)])
    assert "after 99" in trou([fenetre(None, 99)])
    assert "after 99" in trou([fenetre(100, None, preuve=None), fenetre(None, 99)])
    assert "after -inf" in trou([])
