"""`moisson collect` against the double, over a real port: what a person would see, and what lies on disk afterwards."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.harvest.jumeau import jumeau, offres, statut

VITE = ("--quota", "0", "--no-quota-headers")
RYTHME = {"MOISSON_RATE": "300"}


def test_quiet_world(tmp_path: Path) -> None:
    """Every offer and no other, proved, near the least number of calls; a second run changes no data file."""
    store = tmp_path / "store"
    with jumeau("--offres", "20000", "--still", *VITE) as double:
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        assert rendu.stdout == ""
        assert "PROVED COMPLETE: 20,000 offers" in rendu.stderr
        assert offres(store) == double.verite()
        vu = statut(double, store)
        assert (vu["proved"], vu["offres"], vu["coverage"], vu["missing_known"]) == (True, 20000, 1.0, 0)
        assert vu["calls_floor"] == 134
        assert vu["calls"] <= 134 * 1.06
        assert vu["calls"] == double.appels()
        assert vu["simulated"] is True
        assert not list((store / "runs").iterdir())
        avant = {f.name: f.stat().st_ino for f in (store / "current" / "offres").iterdir()}
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        assert {f.name: f.stat().st_ino for f in (store / "current" / "offres").iterdir()} == avant


def test_drifting_world(tmp_path: Path) -> None:
    """With births, deaths, edits and republications at every call: none that stayed is missing, none is invented."""
    store = tmp_path / "store"
    with jumeau("--offres", "8000", "--births", "2", "--deaths", "2", "--republications", "0.3", *VITE) as double:
        avant = set(double.verite())
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        apres = set(double.verite())
        assert rendu.returncode == 0, rendu.stderr
        lues = set(offres(store))
        assert avant & apres <= lues
        # An offer is known to the double if it lived before or after; what was born and died meanwhile is neither.
        assert len(lues - avant - apres) <= 20
        # A second night closes what was withdrawn.
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        assert not (avant - apres) & set(offres(store))


@pytest.mark.parametrize("graine", [1, 2, 3])
def test_killed_and_run_again(tmp_path: Path, graine: int) -> None:
    """`kill -9` at any moment, and again: the same rows, and no more calls than were in flight."""
    hasard = random.Random(graine)
    store = tmp_path / "store"
    with jumeau("--offres", "4000", "--still", *VITE) as double:
        for _ in range(4):
            processus = double.lancer("collect", "--store", str(store), MOISSON_RATE="12")
            time.sleep(hasard.uniform(0.5, 1.1))
            processus.kill()
            processus.communicate()
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        assert offres(store) == double.verite()
        # Three windows at most are open at once in so small a world, so each kill loses three calls at most.
        assert double.appels() <= 27 + 7 + 4 * 3


def test_interrupted_safely(tmp_path: Path) -> None:
    """Ctrl-C stops with 130, changes nothing that readers see, and the next run goes on."""
    store = tmp_path / "store"
    with jumeau("--offres", "6000", "--still", *VITE) as double:
        processus = double.lancer("collect", "--store", str(store), MOISSON_RATE="20")
        time.sleep(2.0)
        processus.send_signal(signal.SIGINT)
        _, erreurs = processus.communicate(timeout=30)
        assert processus.returncode == 130, erreurs
        assert "INTERRUPTED SAFELY" in erreurs
        assert not (store / "current").exists()
        faits = double.appels()
        assert 0 < faits < 40
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        assert offres(store) == double.verite()
        assert double.appels() <= 40 * 1.1 + 8 + 30
        assert statut(double, store)["calls"] <= double.appels()


def test_five_thousand_on_one_second(tmp_path: Path) -> None:
    """A second with more offers than a search shows is cut by criteria, and all are collected."""
    store = tmp_path / "store"
    with jumeau("--offres", "12000", "--crowd", "5000", "--still", *VITE) as double:
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        assert offres(store) == double.verite()
        assert statut(double, store)["call_ratio"] <= 1.2


def test_a_second_that_no_criterion_separates(tmp_path: Path) -> None:
    """What cannot be reached is counted exactly, the exit code is 3, and what could be read is kept."""
    store = tmp_path / "store"
    with jumeau("--offres", "9000", "--crowd", "4000:alike", "--still", *VITE) as double:
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 3, rendu.stderr
        manquantes = len(double.verite()) - len(offres(store))
        assert manquantes == 4000 - 3150
        assert f"{manquantes} are missing" in rendu.stderr
        vu = statut(double, store)
        assert (vu["proved"], vu["missing_known"]) == (False, manquantes)


def test_two_at_once(tmp_path: Path) -> None:
    """A second `collect` on one store says who holds it, and stops."""
    store = tmp_path / "store"
    with jumeau("--offres", "6000", "--still", *VITE) as double:
        premier = double.lancer("collect", "--store", str(store), MOISSON_RATE="20")
        try:
            time.sleep(2.0)
            second = double.moisson("collect", "--store", str(store), MOISSON_RATE="20")
            assert second.returncode == 1
            assert str(premier.pid) in second.stderr
        finally:
            premier.kill()
            premier.communicate()


def test_bad_answers_and_bad_luck(tmp_path: Path) -> None:
    """One call in ten fails in some way, the token dies early: proved all the same."""
    store = tmp_path / "store"
    pannes = ("reply_500:p=0.03", "reply_502:p=0.02", "truncate_body:p=0.02", "invalid_json:p=0.02", "drop:p=0.02")
    with jumeau("--offres", "4000", "--still", "--token-life", "2", *VITE) as double:
        noms = {ligne.split(":")[0] for ligne in pannes}
        connus = _pannes_connues()
        assert noms <= connus, f"unknown faults {noms - connus}"
        double.post("faults", {"faults": list(pannes)})
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        assert offres(store) == double.verite()
        assert statut(double, store)["retries"] > 0


def _pannes_connues() -> set[str]:
    import subprocess
    import sys

    rendu = subprocess.run(
        [sys.executable, "-m", "moisson_twin", "--list-faults"], capture_output=True, text=True, check=True
    )
    return {ligne.split()[0].split(":")[0] for ligne in rendu.stdout.splitlines() if ligne.strip()}
