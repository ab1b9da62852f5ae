"""`moisson territories`: what is there, what is missing, and bringing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moisson.territory import fetch as module
from tests.cli.conftest import Cli
from tests.store.filling import open_here
from tests.territory.test_fetch import GZ, Server, remote, server

__all__ = ["server"]


def test_what_comes_with_moisson(cli: Cli) -> None:
    """Without a store or a network: vintage, populations and their scope, sources, licences, what is missing."""
    ended = cli("territories")
    assert (ended.code, ended.err) == (0, "")
    assert "68,094,280 in all for metropolitan France, Guadeloupe, Martinique, Guyane and La Réunion" in ended.out
    assert "table        communes: 34,969 rows\n" in ended.out
    assert "@etalab/decoupage-administratif 6.0.0, MIT; its data: Licence Ouverte 2.0" in ended.out
    missing = [line for line in ended.out.splitlines() if line.startswith("missing ")]
    assert len(missing) == len(module.FILES) + len(module.UNKNOWN) + 2
    shown = json.loads(cli("territories", "--json").out)
    assert (shown["fourni"]["total"]["tables"], shown["telecharge"]) == (68_094_280, [])


def test_fetch_needs_a_store(cli: Cli) -> None:
    """That is where the files are kept: exit 2, nothing asked, nothing written."""
    ended = cli("territories", "--fetch")
    assert ended.code == 2
    assert "There is no store" in ended.err
    assert list(Path.cwd().iterdir()) == []


def test_fetch(cli: Cli, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes is shown with its checksum and no longer missing; what fails is told, and the exit code says so."""
    open_here(Path("moisson-store"))
    monkeypatch.setattr(module, "FILES", (remote(server), remote(server, "autre", "b.gz")))
    server.answers["/a.geojson.gz"] = (200, GZ, {})
    ended = cli("territories", "--fetch")
    assert ended.code == 1
    assert "contours: " in ended.err
    assert "error: The answer is 404.\n  while: bringing autre from " in ended.err
    assert "fetched      moisson-store/territoires/a.geojson.gz: borders, 2026\n" in ended.out
    server.answers["/b.gz"] = (200, GZ, {})
    ended = cli("territories", "--fetch")
    assert (ended.code, ended.out.count("fetched ")) == (0, 2)
    server.answers["/b.gz"] = (200, GZ + b"x", {})
    assert "warning: autre is not what it was the last time" in cli("territories", "--fetch").err
