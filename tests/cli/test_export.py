"""`moisson export` and `moisson sql --tables` as processes: what is said, where, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.store.filling import collect, make_offre


def moisson(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, without their settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOISSON_")}
    return subprocess.run(
        [sys.executable, "-m", "moisson", *arguments],
        cwd=cwd, env={**clean, "HOME": str(cwd), "COLUMNS": "100"}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a store of 40 offers in the usual place."""
    collect(tmp_path / "moisson-store", [make_offre(n, intitule="=1+1") for n in range(40)])
    return tmp_path


def test_export(here: Path) -> None:
    """Nothing on the standard output; what was written, what is beside it, and what the licence asks."""
    ended = moisson("export", "offres.csv", "--where", "id < '0000010'", "--columns", "id, commune", cwd=here)
    assert (ended.returncode, ended.stdout) == (0, "")
    said = ended.stderr.splitlines()
    assert said[0].startswith("offres.csv: 10 rows of offres, ")
    assert said[1:] == [
        "  beside it: offres.csv.datapackage.json",
        "source: France Travail, last updated 2026-09-21T14:13:21Z; the licence asks that both be named, and that "
        "offers be not given on as a database",
    ]
    lines = (here / "offres.csv").read_text().splitlines()
    assert lines[0] == '"id","commune"'
    assert sorted(lines[1:])[0] == '"0000000","74225"'


def test_export_several_tables(here: Path) -> None:
    """--table is repeatable for a database, and for nothing else."""
    ended = moisson("export", "p.duckdb", "--table", "collectes", "--table", "fenetres", cwd=here)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.startswith("p.duckdb: 1 row of collectes, 1 row of fenetres, ")
    ended = moisson("export", "p.csv", "--table", "collectes", "--table", "fenetres", cwd=here)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert not (here / "p.csv").exists()


def test_export_for_a_search_engine(here: Path) -> None:
    """Its mapping is named."""
    ended = moisson("export", "o.ndjson", "--bulk", cwd=here)
    assert "  beside it: o.ndjson.mapping.json\n  beside it: o.ndjson.datapackage.json\n" in ended.stderr
    assert json.loads((here / "o.ndjson").read_text().splitlines()[0])["index"]["_id"] == "0000039"


def test_a_mistake_is_wrong_usage(here: Path) -> None:
    """Exit 2, the whole message, nothing written."""
    ended = moisson("export", "o.csv", "--columns", "id,intitul", cwd=here)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "error: There is no column intitul in offres.\n"
        "  to do: Did you mean intitule? See them all: moisson sql --columns offres\n"
    )
    assert [path.name for path in here.iterdir()] == ["moisson-store"]


@pytest.mark.parametrize("name", ["o.csv", "o.ndjson", "o.xlsx", "o.gpkg", "o.duckdb", "o.parquet"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path: Path, name: str, number: signal.Signals) -> None:
    """Ctrl-C, or a service that is stopped: exit 130, nothing left, the old file as it was."""
    text = "mot " * 500
    collect(tmp_path / "moisson-store", [make_offre(n, description=f"{n} {text}") for n in range(3000)], page=150)
    (tmp_path / name).write_text("old")
    with subprocess.Popen(
        [sys.executable, "-m", "moisson", "export", name], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        begun = time.monotonic()
        while not any(path.name.endswith(".part") for path in tmp_path.iterdir()):
            assert time.monotonic() - begun < 60
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(number)
        said = process.stderr.read()
        code = process.wait(60)
    left = sorted(path.name for path in tmp_path.iterdir())
    if code == 0:
        pytest.skip("it was quicker than the signal")
    assert (code, said) == (130, "")
    assert left == ["moisson-store", name]
    assert (tmp_path / name).read_text() == "old"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_long_query_is_interrupted(here: Path, number: signal.Signals) -> None:
    """At once, while the engine works: exit 130, and no word of a fault."""
    query = "select count(*) from range(100000000000) t(a) where a % 7 = 3"
    with subprocess.Popen(
        [sys.executable, "-c", f"""
import sys, threading, os
from moisson.cli.main import main
sys.argv = ["moisson", "sql", {query!r}]
from moisson.store.engine import Engine
stream = Engine.stream
def interrupted(engine, sql, rows=65_536):
    # From here on: a signal while libraries are being loaded would be another story.
    threading.Timer(1, lambda: os.kill(os.getpid(), {int(number)})).start()
    return stream(engine, sql, rows)
Engine.stream = interrupted
main()
"""],
        cwd=here, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            out, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out, said) == (130, "", "")


def test_tables(here: Path) -> None:
    """The whole list, for a person and for a program."""
    ended = moisson("sql", "--tables", cwd=here)
    lines = ended.stdout.splitlines()
    assert lines[0].split() == ["nom", "lignes", "colonnes"]
    assert [line.split()[1] for line in lines if line.startswith("offres ")] == ["40"]
    assert ended.stderr == f"({len(lines) - 2} rows)\n"
    found = json.loads(moisson("sql", "--tables", "--format", "json", cwd=here).stdout)
    assert {row["nom"]: row["lignes"] for row in found}["offres"] == 40


def test_columns(here: Path) -> None:
    """Names, types and meanings; the nearest table for one that is not there."""
    found = json.loads(moisson("sql", "--columns", "offres", "--format", "json", cwd=here).stdout)
    assert found[0] == {
        "nom": "id", "type": "varchar", "sens": "identifier, 7 characters, leading zeros count", "unite": "",
        "source": "Offre.id",
    }  # fmt: skip
    ended = moisson("sql", "--columns", "ofres", cwd=here)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Did you mean offres?" in ended.stderr


@pytest.mark.parametrize("arguments", [[], ["select 1", "--tables"], ["--tables", "--columns", "offres"]])
def test_one_question_at_a_time(here: Path, arguments: list[str]) -> None:
    """A query, the tables, or the columns of one."""
    ended = moisson("sql", *arguments, cwd=here)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Give one of these: a query, --tables, or --columns TABLE" in ended.stderr


def test_a_table_fits_the_terminal(here: Path) -> None:
    """On a terminal no line is longer than it; what is left out is said."""
    import pty
    import struct
    import termios
    from fcntl import ioctl

    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 72, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
    with subprocess.Popen(
        [sys.executable, "-m", "moisson", "sql", "from offres limit 3"],
        cwd=here, env=clean, stdout=slave, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 65536):
                shown += part
        except OSError:
            pass  # the other end is closed
        assert process.stderr is not None
        said = process.stderr.read()
    os.close(master)
    lines = shown.decode().splitlines()
    assert len(lines) == 5
    assert 50 < max(map(len, lines)) <= 72
    assert "columns left out: --format csv or json gives all" in said


def test_parquet_of_a_query(here: Path) -> None:
    """The last batch is there too."""
    assert moisson("sql", "from offres", "--format", "parquet", "-o", "o.parquet", cwd=here).returncode == 0
    assert pq.read_metadata(here / "o.parquet").num_rows == 40
