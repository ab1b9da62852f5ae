"""Upgrading, by the command line: a store that an older Moisson made is looked at, copied and filled by this one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_store_commands import moisson, settings_of

ARCHIVES = sorted((Path(__file__).parent.parent / "store" / "old_stores").glob("*.tar.gz"))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A double; what it announces."""
    with subprocess.Popen(
        [sys.executable, "-m", "moisson_twin", "--offres", "600", "--quota", "0", "--exit-with-parent"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path_factory.mktemp("twin"),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def rows(folder: Path, query: str, store: str = "moisson-store") -> list[dict[str, object]]:
    """What `moisson sql` answers."""
    ended = moisson("sql", query, "--format", "json", "--store", store, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return list(json.loads(ended.stdout))


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
def test_upgrade(archive: Path, twin: dict[str, str], tmp_path: Path) -> None:
    """As docs/operations.md says: look, copy, collect; the copy stays what the store was."""
    with tarfile.open(archive) as kept:
        kept.extractall(tmp_path, filter="data")
    store = (tmp_path / "store").rename(tmp_path / "moisson-store")
    # The kept store was filled from an address that nobody answers at; the double takes its place.
    info = json.loads((store / "store.json").read_text(encoding="utf-8"))
    info |= {"source": twin["api_url"], "simule": True}
    (store / "store.json").write_text(json.dumps(info), encoding="utf-8")
    before = rows(tmp_path, "select id, intitule from offres order by id")
    assert len(before) > 100

    looked = moisson("status", "--check", cwd=tmp_path)
    assert (looked.returncode, looked.stdout[:6]) == (3, "STALE:")
    copied = moisson("backup", "before", cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr
    assert "left out: the run " in copied.stderr

    collected = moisson("collect", cwd=tmp_path, env=settings_of(twin))
    assert collected.returncode == 0, collected.stderr
    assert moisson("status", "--check", cwd=tmp_path).returncode == 0
    assert moisson("verify", cwd=tmp_path).returncode == 0
    verdicts = rows(tmp_path, "select verdict from collectes order by debut")
    assert [row["verdict"] for row in verdicts] == ["prouvee", "prouvee", "abandonnee", "prouvee"]
    (now,) = rows(tmp_path, "select count(*) as n from offres")
    status = json.loads(moisson("status", "--json", cwd=tmp_path).stdout)
    assert now["n"] == status["offres"] == status["announced"]
    assert rows(tmp_path, "select id, intitule from offres order by id", "before") == before
    # The copy of what is now an older state is brought up to date like any other.
    assert moisson("backup", "before", cwd=tmp_path).returncode == 0
    assert rows(tmp_path, "select count(*) as n from offres", "before") == [now]
