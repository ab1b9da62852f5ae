"""The double and the command as a person runs them: real processes, a real port, real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb


class Jumeau:
    """A running double."""

    def __init__(self, annonce: dict[str, Any]) -> None:
        self.annonce = annonce
        self.base = annonce["api_url"].split("/partenaire")[0]

    def verite(self) -> dict[str, int]:
        """The offers alive now: id, creation in milliseconds."""
        with urllib.request.urlopen(f"{self.base}/_twin/truth") as reponse:
            lignes = [json.loads(ligne) for ligne in reponse.read().splitlines()]
        return {ligne["id"]: ligne["creation_ms"] for ligne in lignes}

    def stats(self) -> dict[str, Any]:
        """What it answered so far."""
        with urllib.request.urlopen(f"{self.base}/_twin/stats") as reponse:
            return json.load(reponse)  # type: ignore[no-any-return]

    def appels(self) -> int:
        """Searches that reached it, refused ones included."""
        return int(self.stats()["calls"]["search"])

    def post(self, chemin: str, corps: object) -> None:
        """Change something in it."""
        demande = urllib.request.Request(f"{self.base}/_twin/{chemin}", data=json.dumps(corps).encode(), method="POST")
        with urllib.request.urlopen(demande):
            pass

    def environ(self, **plus: str) -> dict[str, str]:
        """The environment of a person whose account is the double's."""
        propre = {nom: valeur for nom, valeur in os.environ.items() if not nom.startswith("MOISSON_")}
        return propre | {
            "MOISSON_API_URL": self.annonce["api_url"],
            "MOISSON_TOKEN_URL": self.annonce["token_url"],
            "MOISSON_CLIENT_ID": self.annonce["client_id"],
            "MOISSON_CLIENT_SECRET": self.annonce["client_secret"],
            **plus,
        }

    def moisson(self, *arguments: str, **plus: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "moisson", *arguments],
            env=self.environ(**plus),
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def lancer(self, *arguments: str, **plus: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "moisson", *arguments],
            env=self.environ(**plus),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextmanager
def jumeau(*arguments: str) -> Iterator[Jumeau]:
    """Start a double, and stop it."""
    with subprocess.Popen(
        [sys.executable, "-m", "moisson_twin", "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
    ) as processus:
        assert processus.stdout is not None
        try:
            yield Jumeau(json.loads(processus.stdout.readline()))
        finally:
            processus.terminate()


def offres(store: Path) -> dict[str, int]:
    """What lies in the store: id, creation in milliseconds, read by an engine that knows nothing of us."""
    fichiers = str(store / "current" / "offres" / "*.parquet")
    lignes = duckdb.sql(f"select id, epoch_ms(creation) from read_parquet('{fichiers}')").fetchall()
    assert len({ligne[0] for ligne in lignes}) == len(lignes), "one id, two rows"
    return dict(lignes)


def statut(double: Jumeau, store: Path) -> dict[str, Any]:
    """`moisson status --json`."""
    rendu = double.moisson("status", "--json", "--store", str(store))
    assert rendu.returncode == 0, rendu.stderr
    return json.loads(rendu.stdout)  # type: ignore[no-any-return]
