"""`moisson verify` proves a good store again, and no change to the evidence or the tables passes unseen."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import random
import re
import shutil
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moisson.cli.verify import lines
from moisson.errors import StoreCorrupt, UsageError
from moisson.harvest.verify import Verification, trou, verifiable_runs, verify
from moisson.model import FenetreBilan
from moisson.plan.planner import VERSION
from moisson.store.bookkeeping import UNPROVED
from moisson.store.evidence import open_evidence
from moisson.store.journal import CHAINE_VIDE, _record
from moisson.store.masking import mark, redact
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


def issues(vu: Verification) -> dict[str, str]:
    """The issue of each step."""
    return {etape.nom: etape.issue for etape in vu.etapes}


def detail(vu: Verification, nom: str) -> str:
    """What a step says."""
    return next(etape.detail for etape in vu.etapes if etape.nom == nom)


def test_a_good_store(prouve: Path) -> None:
    """Everything holds, what cannot be checked is said, and the copy of a store is as good as the store."""
    vu = verify(open_store(prouve))
    assert (vu.verdict, vu.intacte, vu.prouvee, vu.raisons) == ("proved again", True, True, ())
    assert list(issues(vu).items()) == [
        ("evidence", "holds"),
        ("plan", "holds"),
        ("cover", "holds"),
        ("books", "holds"),
        ("lake", "holds"),
        ("pages", "not checked"),
        ("files", "holds"),
    ]
    assert lines(vu)[0] == f"PROVED AGAIN: {vu.collecte}"


@pytest.fixture(scope="module")
def petit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store so small that each byte of its evidence can be tried."""
    store = tmp_path_factory.mktemp("petit") / "store"
    with jumeau("--offres", "150", "--quota", "0", "--no-quota-headers", "--still") as double:
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
    return store


def intacte(preuve: Path, fin: str) -> bool:
    """Whether an evidence file passes for what was written."""
    try:
        with open_evidence(preuve, fin) as (_, faits):
            for _fait in faits:
                pass
    except StoreCorrupt:
        return False
    return True


def fin_de(store: Path) -> str:
    """The end of the chain, as recorded."""
    (ligne,) = pq.read_table(fichier(store, "collectes")).to_pylist()
    return str(ligne["chaine"])


def test_every_bit_of_the_evidence(petit: Path, tmp_path: Path) -> None:
    """No bit of the file can be flipped, no byte cut off, none added, be it one that decompression ignores."""
    (preuve,) = (petit / "evidence").iterdir()
    bon, fin, faux = preuve.read_bytes(), fin_de(petit), tmp_path / "faux.zst"
    faux.write_bytes(bon)
    assert intacte(faux, fin)
    for rang in range(len(bon)):
        spoilt = bytearray(bon)
        spoilt[rang] ^= 1 << rang % 8
        faux.write_bytes(spoilt)
        assert not intacte(faux, fin), f"bit {rang % 8} of byte {rang} of {len(bon)}"
    for coupe in (bon[:-1], bon[:-40], bon[:-41], bon[1:], bon + b"\0", bon + bon[-40:], b""):
        faux.write_bytes(coupe)
        assert not intacte(faux, fin), len(coupe)


def test_every_byte_of_what_it_holds(petit: Path, tmp_path: Path) -> None:
    """Someone who decompresses it, changes a byte, compresses it and seals it again is found by the chain."""
    (preuve,) = (petit / "evidence").iterdir()
    contenu, fin, faux = lire(preuve), fin_de(petit), tmp_path / "faux.zst"
    ecrire(faux, contenu)
    assert intacte(faux, fin)
    hasard = random.Random(2)
    for rang in range(0, len(contenu), max(1, len(contenu) // 3000)):
        spoilt = bytearray(contenu)
        spoilt[rang] ^= 1 << hasard.randrange(8)
        ecrire(faux, bytes(spoilt))
        assert not intacte(faux, fin), f"byte {rang}: {contenu[max(0, rang - 20) : rang + 20]!r}"
    for ajout in (b'{"n": 0,', b'{ "n":0,'):
        ecrire(faux, contenu.replace(b'{"n":0,', ajout, 1))
        assert not intacte(faux, fin), "the same, written otherwise"


def test_any_byte_of_a_larger_evidence(copie: Path) -> None:
    """`verify` itself fails, wherever the byte stands."""
    (preuve,) = (copie / "evidence").iterdir()
    bon = preuve.read_bytes()
    hasard = random.Random(1)
    for rang in [0, len(bon) - 1, *(hasard.randrange(len(bon)) for _ in range(12))]:
        faux = bytearray(bon)
        faux[rang] ^= 1 << hasard.randrange(8)
        preuve.write_bytes(bytes(faux))
        assert not verify(open_store(copie)).intacte, f"byte {rang}"


def test_a_line_changed_and_compressed_again(copie: Path) -> None:
    """Someone who knows the format and edits one answer breaks the chain."""
    (preuve,) = (copie / "evidence").iterdir()
    lignes = lire(preuve).splitlines(keepends=True)
    fait = json.loads(lignes[10])
    fait["fait"]["total"] -= 1
    lignes[10] = json.dumps(fait).encode() + b"\n"
    ecrire(preuve, b"".join(lignes))
    assert "does not follow" in detail(verify(open_store(copie)), "evidence")


def test_a_chain_made_anew(copie: Path) -> None:
    """Someone who computes the whole chain again ends with another end than the table of runs names."""
    (preuve,) = (copie / "evidence").iterdir()
    chaine, lignes = CHAINE_VIDE, []
    for n, ligne in enumerate(lire(preuve).splitlines()):
        fait = msgspec.json.decode(ligne)["fait"]
        if n == 10:
            fait["total"] -= 1
        raw, chaine = _record(chaine, n, msgspec.json.encode(fait), marques=True)
        lignes.append(raw)
    ecrire(preuve, b"".join(lignes))
    assert "does not end where it should" in detail(verify(open_store(copie)), "evidence")


def test_an_id_taken_out_unasked(copie: Path) -> None:
    """A mark fits the chain in the place of its id, but only for an id that was asked to be forgotten."""
    (preuve,) = (copie / "evidence").iterdir()
    lignes = lire(preuve).splitlines(keepends=True)
    id_ = json.loads(lignes[5])["fait"]["lignes"][0][0]
    redigees = [redact(ligne, [mark(id_)])[0] for ligne in lignes]
    assert redigees != lignes
    ecrire(preuve, b"".join(redigees))
    assert "1 ids were taken out that nobody asked to forget" in detail(verify(open_store(copie)), "evidence")


def test_the_end_cut_off(copie: Path) -> None:
    """Whole lines missing at the end are found too, since the table of runs names the last."""
    (preuve,) = (copie / "evidence").iterdir()
    ecrire(preuve, b"".join(lire(preuve).splitlines(keepends=True)[:-2]))
    assert not verify(open_store(copie)).intacte


def lire(preuve: Path) -> bytes:
    """What an evidence file holds."""
    return pa.input_stream(str(preuve), compression="zstd").read()  # type: ignore[no-any-return]


def ecrire(preuve: Path, contenu: bytes) -> None:
    """Write an evidence file, with a seal of its own."""
    with pa.output_stream(str(preuve), compression="zstd") as sortie:
        sortie.write(contenu)
    corps = preuve.read_bytes()
    preuve.write_bytes(corps + struct.pack("<II", 0x184D2A50, 32) + hashlib.sha256(corps).digest())


def test_evidence_that_is_gone(copie: Path) -> None:
    """Without evidence nothing is proved."""
    shutil.rmtree(copie / "evidence")
    vu = verify(open_store(copie))
    assert vu.verdict == "does not hold"
    assert "missing" in detail(vu, "evidence")


def autre(valeur: object) -> object:
    """Another value of the same type; one for null."""
    match valeur:
        case bool():
            return not valeur
        case int() | float():
            return valeur + 1
        case str():
            return valeur + "x"
        case list():
            return [*valeur, "x"]
        case dt.datetime():
            return valeur + dt.timedelta(seconds=1)
    raise AssertionError(f"no other value for {valeur!r}")


NON_RECALCULEES = {"version", "modifiees", "retraits_demandes", "retraits_confirmes", *UNPROVED}
"""Columns of `collectes` that no evidence tells: which Moisson it was, how many contents changed, what details said,
how many bytes were written, how long nobody was at it."""


@pytest.mark.parametrize("table", ["collectes", "fenetres"])
def test_any_value_of_a_row(copie: Path, table: str) -> None:
    """Each column of each table of the proof is computed again: changed or emptied, it is found."""
    chemin = fichier(copie, table)
    bon = chemin.read_bytes()
    schema = pq.read_schema(chemin)
    for colonne in schema.names:
        if table == "collectes" and colonne in NON_RECALCULEES:
            continue
        for changer in (autre, lambda _: None):
            chemin.write_bytes(bon)
            avant = pq.read_table(chemin).to_pylist()
            rang = next((rang for rang, ligne in enumerate(avant) if ligne[colonne] not in (None, [])), None)
            if rang is None:
                continue

            def spoil(
                lignes: list[dict[str, object]], rang: int = rang, colonne: str = colonne, changer: Any = changer
            ) -> list[dict[str, object]]:
                lignes[rang][colonne] = changer(lignes[rang][colonne])
                return lignes

            reecrire(chemin, spoil)
            store = open_store(copie)
            vu = verify(store, verifiable_runs(store)[-1])
            assert "fails" in (issues(vu).get("books"), issues(vu)["evidence"]), (colonne, lines(vu))


def test_rows_added_or_taken_away(copie: Path) -> None:
    """A window more or less, a run twice or not at all."""
    for table, changer in (
        ("fenetres", lambda lignes: lignes[:-1]),
        ("fenetres", lambda lignes: [*lignes, lignes[0]]),
        ("collectes", lambda lignes: [*lignes, lignes[0]]),
        ("collectes", lambda lignes: []),
        ("erreurs", lambda lignes: [*lignes, lignes[0]] if lignes else [_erreur(copie)]),
    ):
        chemin = fichier(copie, table)
        bon = chemin.read_bytes()
        reecrire(chemin, changer)
        assert verify(open_store(copie)).verdict == "does not hold", table
        chemin.write_bytes(bon)
    assert verify(open_store(copie)).verdict == "proved again"


def _erreur(store: Path) -> dict[str, object]:
    (nom,) = verifiable_runs(open_store(store))
    return {"collecte": nom, "quand": None, "ou": "there", "quoi": "what", "reparee": True}


def test_offers_taken_out_of_or_put_into_the_lake(copie: Path) -> None:
    """An offer that the pages showed and the lake does not hold; one that no page showed; one moved; one twice."""

    def ajouter(lignes: list[dict[str, object]]) -> list[dict[str, object]]:
        return [lignes[0] | {"id": "999ZZZZ"}, *lignes]

    def remplacer(lignes: list[dict[str, object]]) -> list[dict[str, object]]:
        return [lignes[0] | {"id": "999ZZZZ"}, *lignes[1:]]

    def deplacer(lignes: list[dict[str, object]]) -> list[dict[str, object]]:
        creation = lignes[0]["creation"]
        assert isinstance(creation, dt.datetime)
        return [lignes[0] | {"creation": creation + dt.timedelta(milliseconds=1)}, *lignes[1:]]

    for changer, dit in (
        (lambda lignes: lignes[1:], "1 offers read are not in the lake"),
        (ajouter, "1 offers of the lake were on no page"),
        (remplacer, "1 offers read are not in the lake"),
        (deplacer, "1 offers have another creation"),
        (lambda lignes: [lignes[0], *lignes], "1 offers stand in the lake twice"),
    ):
        chemin = next((copie / "current" / "offres").iterdir())
        bon = chemin.read_bytes()
        reecrire(chemin, changer)
        vu = verify(open_store(copie))
        assert (vu.verdict, issues(vu)["lake"]) == ("does not hold", "fails")
        assert dit in detail(vu, "lake")
        chemin.write_bytes(bon)


def test_a_file_that_a_reader_would_see(copie: Path) -> None:
    """A data file more, one less, one of another size: the manifest knows."""
    dossier = (copie / "current" / "offres").resolve()
    un = sorted(dossier.iterdir())[0]
    shutil.copy(un, dossier / "autre.parquet")
    assert "offres/autre.parquet belongs to nothing" in detail(verify(open_store(copie)), "files")
    (dossier / "autre.parquet").unlink()
    un.write_bytes(un.read_bytes()[:-8])
    vu = verify(open_store(copie))
    assert (issues(vu)["files"], issues(vu)["lake"]) == ("fails", "fails")
    un.unlink()
    assert f"offres/{un.name} is missing" in detail(verify(open_store(copie)), "files")


def test_raw_pages_that_are_kept(tmp_path: Path) -> None:
    """Where raw pages are kept they are checked too."""
    store = tmp_path / "store"
    with jumeau("--offres", "400", "--still", "--quota", "0", "--no-quota-headers") as double:
        rendu = double.moisson("collect", "--store", str(store), MOISSON_KEEP_RAW="true", **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
    vu = verify(open_store(store))
    assert (vu.verdict, issues(vu)["pages"]) == ("proved again", "holds")
    page = next(iter(sorted((store / "raw").glob("*/*.gz"))))
    page.write_bytes(gzip.compress(gzip.decompress(page.read_bytes()).replace(b"CDI", b"CDD", 1)))
    vu = verify(open_store(store))
    assert (vu.verdict, issues(vu)["pages"]) == ("does not hold", "fails")


def test_failures_made_good_are_told(tmp_path: Path) -> None:
    """Every attempt that failed is in `erreurs`, by its cause, and the evidence says the same."""
    store = tmp_path / "store"
    faults = ("--fault", "reply_500:every=7", "--fault", "reply_429:every=11,retry_after=0")
    with jumeau("--offres", "4000", "--still", "--quota", "0", "--no-quota-headers", *faults) as double:
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
    (ligne,) = pq.read_table(fichier(store, "collectes")).to_pylist()
    erreurs = pq.read_table(fichier(store, "erreurs")).to_pylist()
    assert all(erreur["reparee"] for erreur in erreurs)
    causes: Counter[str] = Counter()
    for erreur in erreurs:
        causes.update({cause: int(n) for n, cause in re.findall(r"(\d+) × (\w+)", erreur["quoi"])})
    assert causes.keys() == {"500", "429"}
    assert causes["429"] == ligne["statut_429"]
    assert causes.total() == ligne["relances"]
    vu = verify(open_store(store))
    assert vu.verdict == "proved again"
    assert f"{len(erreurs)} errors are recorded" in detail(vu, "books")


def test_each_run_that_is_kept(tmp_path: Path) -> None:
    """Two nights: the first is proved from its evidence alone, the last with the lake; `--all` shows both."""
    store = tmp_path / "store"
    with jumeau("--offres", "900", "--quota", "0", "--no-quota-headers") as double:
        for _ in range(2):
            assert double.moisson("collect", "--store", str(store), **RYTHME).returncode == 0
            time.sleep(1.1)
        rendu = double.moisson("verify", "--all", "--store", str(store))
        assert rendu.returncode == 0, rendu.stdout
        un, deux = verifiable_runs(open_store(store))
        verdicts = [ligne for ligne in rendu.stdout.splitlines() if not ligne.startswith(" ")]
        assert verdicts == [f"PROVED AGAIN: {un}", f"PROVED AGAIN: {deux}"]
        assert issues(verify(open_store(store), un))["lake"] == "not checked"
        rendu = double.moisson("verify", "--all", "--json", "--store", str(store))
        assert [vu["verdict"] for vu in json.loads(rendu.stdout)] == ["proved again"] * 2
        rendu = double.moisson("verify", un, "--all", "--store", str(store))
        assert rendu.returncode == 2


def test_an_offer_forgotten(copie: Path) -> None:
    """Its hash stands for it: the proof holds without it, and says so."""
    oubliee = pq.read_table(next((copie / "current" / "offres").iterdir()), columns=["id"]).column("id")[5].as_py()
    store = open_store(copie)
    with store.lock("forget"):
        store.forget({oubliee}, 2_000_000_000.0)
    vu = verify(open_store(copie))
    assert (vu.intacte, vu.prouvee) == (True, True)
    assert "1 ids were forgotten" in detail(vu, "evidence")
    assert "1 that were read are forgotten" in detail(vu, "lake")


def test_a_run_that_was_not_proved(tmp_path: Path) -> None:
    """Intact evidence of a run that is not proved says so on the first line, and why."""
    store = tmp_path / "store"
    with jumeau("--offres", "5000", "--crowd", "3500:alike", "--still", "--quota", "0", "--no-quota-headers") as double:
        assert double.moisson("collect", "--store", str(store), **RYTHME).returncode == 3
        rendu = double.moisson("verify", "--store", str(store))
    assert rendu.returncode == 3, rendu.stderr
    assert rendu.stdout.startswith("NOT PROVED: the evidence of ")
    assert "350 are missing" in rendu.stdout
    assert "cover     open         nothing answers for creations " in rendu.stdout


def test_planned_by_another_version(copie: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict of its own: what needs no planner is checked as ever, and nothing is called proved or unproved."""
    monkeypatch.setattr("moisson.harvest.verify.VERSION", "99")
    vu = verify(open_store(copie))
    assert (vu.verdict, vu.intacte, vu.prouvee) == ("cannot be judged", True, False)
    assert list(issues(vu).items()) == [
        ("evidence", "holds"),
        ("plan", "not checked"),
        ("cover", "not checked"),
        ("books", "holds"),
        ("lake", "holds"),
        ("pages", "not checked"),
        ("files", "holds"),
    ]
    assert lines(vu)[0].startswith(f"CANNOT BE JUDGED: the evidence of {vu.collecte} is intact")
    assert detail(vu, "plan") == f"version {VERSION} of the planner judged its windows, this is 99"


@pytest.mark.parametrize(
    "colonne", ["distinctes", "appels", "preuve_la_plus_ancienne", "fin", "source", "verdict", "chaine", "offres"]
)
def test_what_needs_no_planner(copie: Path, monkeypatch: pytest.MonkeyPatch, colonne: str) -> None:
    """What the facts alone tell is found when it was changed, whoever planned the run."""
    monkeypatch.setattr("moisson.harvest.verify.VERSION", "99")
    reecrire(fichier(copie, "collectes"), lambda lignes: [lignes[0] | {colonne: autre(lignes[0][colonne])}])
    vu = verify(open_store(copie))
    assert vu.verdict == "does not hold", lines(vu)
    reecrire(fichier(copie, "collectes"), lambda lignes: [lignes[0] | {colonne: None}])
    vu = verify(open_store(copie))
    assert vu.verdict == "does not hold", lines(vu)


def test_the_exit_code_of_what_cannot_be_judged(copie: Path) -> None:
    """3, as for all that is intact and not proved; `--all` too."""
    code = (
        "import sys, moisson.harvest.verify as v; v.VERSION = '99'; "
        "from moisson.cli.main import main; sys.argv[1:] = ['verify', *sys.argv[1:]]; main()"
    )
    for options in ([], ["--all"]):
        rendu = subprocess.run(
            [sys.executable, "-c", code, "--store", str(copie), *options], capture_output=True, text=True, check=False
        )
        assert (rendu.returncode, rendu.stdout.splitlines()[0].split(":")[0]) == (3, "CANNOT BE JUDGED"), rendu


def test_an_unknown_run(copie: Path) -> None:
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
