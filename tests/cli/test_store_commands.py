"""The commands as processes, end to end, on a small world of the API's double."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

OFFRES = 1500
STORE = {"MOISSON_STORE": "moisson-demo"}
SOURCE = "simulated: moisson_twin seed=1 offres=1500"


def moisson(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, without their settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOISSON_")}
    return subprocess.run(
        [sys.executable, "-m", "moisson.cli.main", *arguments],
        cwd=cwd, env={**clean, "HOME": str(cwd), **(env or {})}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where a demo has run; its store is moisson-demo."""
    cwd = tmp_path_factory.mktemp("demo")
    ended = moisson("demo", "--offres", str(OFFRES), "--rate", "200", cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    assert "PROVED COMPLETE" in ended.stderr
    return cwd


def status(folder: Path) -> dict[str, object]:
    """What `moisson status --json` says."""
    ended = moisson("status", "--store", "moisson-demo", "--json", cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    return dict(json.loads(ended.stdout))


def test_status_json(folder: Path) -> None:
    """The figures that other tools rely on."""
    found = status(folder)
    assert found["source"] == SOURCE
    assert found["simulated"] is True
    assert found["proved"] is True
    assert found["coverage"] == 1.0
    assert found["missing_known"] == 0
    assert isinstance(found["offres"], int)
    # The world moves while it is read: births come, offers go.
    assert abs(found["offres"] - OFFRES) < 20
    for key in ("last_proved_at", "calls", "calls_floor", "call_ratio", "retries", "status_429", "duration_s"):
        assert found[key] is not None, key


def test_status_for_a_person(folder: Path) -> None:
    """The same as lines, and that the data are simulated."""
    ended = moisson("status", "--store", "moisson-demo", cwd=folder)
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert lines[0] == f"source       {SOURCE} (simulated data)"
    assert lines[2].startswith("proved       yes, ")
    assert "the licence asks for a refresh every 24 h" in lines[2]
    assert "imulated data" in ended.stderr


def test_demo_again(folder: Path) -> None:
    """A second demo, on another port, is the same source: it fills the same store."""
    before = status(folder)
    ended = moisson("demo", "--offres", str(OFFRES), "--rate", "200", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    after = status(folder)
    assert after["source"] == SOURCE
    assert after["generation"] != before["generation"]


def test_demo_of_another_world_is_refused(folder: Path) -> None:
    """Two sources never mix in a store."""
    ended = moisson("demo", "--offres", "300", "--rate", "200", cwd=folder)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "is filled from" in ended.stderr


def test_a_demo_store_is_not_collected_into(folder: Path) -> None:
    """The true API and a double never mix, whatever the account; nothing is asked before that is seen."""
    account = {"MOISSON_CLIENT_ID": "PAR_x", "MOISSON_CLIENT_SECRET": "hush-hush"}
    ended = moisson("collect", "--store", "moisson-demo", cwd=folder, env=account)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "is filled from" in ended.stderr
    assert "hush" not in ended.stderr


def test_sql_formats(folder: Path) -> None:
    """One result in four formats: the standard output holds it and nothing else."""
    query = "select id, nombre_postes, date_creation, origine_offre from offres order by id limit 3"

    def run(*arguments: str) -> str:
        ended = moisson("sql", query, "--store", "moisson-demo", *arguments, cwd=folder)
        assert ended.returncode == 0, ended.stderr
        assert "simulated data" in ended.stderr
        return ended.stdout

    rows = json.loads(run("--format", "json"))
    assert [sorted(row) for row in rows] == [["date_creation", "id", "nombre_postes", "origine_offre"]] * 3
    read = list(csv.DictReader(io.StringIO(run("--format", "csv"))))
    assert [row["id"] for row in read] == [row["id"] for row in rows]
    assert json.loads(read[0]["origine_offre"]) == rows[0]["origine_offre"]
    assert run("--format", "parquet", "--output", "three.parquet") == ""
    assert pq.read_table(folder / "three.parquet").column("id").to_pylist() == [row["id"] for row in rows]
    head, rule, *shown = run().splitlines()
    assert head.split() == ["id", "nombre_postes", "date_creation", "origine_offre"]
    assert set(rule) == {"-", " "}
    assert len(shown) == 3


def test_sql_joins_a_file(folder: Path) -> None:
    """A file of yours is a table in the query."""
    (folder / "contrats.csv").write_text("code,nom\nCDI,durable\n", encoding="utf-8")
    ended = moisson(
        "sql", "select nom, count(*) > 0 as some from offres join contrats on type_contrat = code group by all",
        "--with", "contrats=contrats.csv", "--format", "csv", "--store", "moisson-demo", cwd=folder,
    )  # fmt: skip
    assert ended.stdout == "nom,some\ndurable,true\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["select * from offre"], "Did you mean offres?"),
        (["drop table offres"], "Only one statement that reads"),
        (["selec"], "error: "),
        (["select 1", "--with", "zones"], "is not NAME=FILE"),
        (["select 1", "--format", "xml"], "Invalid value for '--format'"),
        (["select 1", "--output", "no/such/folder/x.csv", "--format", "csv"], "cannot be written"),
    ],
)
def test_sql_refuses(folder: Path, arguments: list[str], says: str) -> None:
    """A wrong query is wrong usage: exit 2, nothing on the standard output, what to do."""
    ended = moisson("sql", *arguments, "--store", "moisson-demo", cwd=folder)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr


def test_sql_into_a_closed_pipe(folder: Path) -> None:
    """`moisson sql … | head -1` ends without a traceback."""
    ended = subprocess.run(
        f"{sys.executable} -m moisson.cli.main sql 'select * from offres' --format csv --store moisson-demo | head -1",
        shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.stdout.startswith("id,")
    assert "Traceback" not in ended.stderr
    assert "unexpected" not in ended.stderr


def test_files(folder: Path) -> None:
    """One path a line; each is a Parquet file, and together they are the table."""
    ended = moisson("files", "offres", "--store", "moisson-demo", cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    paths = [folder / line for line in ended.stdout.splitlines()]
    assert sum(pq.read_metadata(path).num_rows for path in paths) == status(folder)["offres"]
    wrong = moisson("files", "offre", "--store", "moisson-demo", cwd=folder)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Did you mean offres?" in wrong.stderr


def test_forget(folder: Path) -> None:
    """Says what it removed and what it cannot; the proof holds; a wrong id changes nothing."""
    ids = moisson("sql", "select id from offres order by id limit 1", "--format", "csv", cwd=folder, env=STORE).stdout
    id_ = ids.splitlines()[1]
    ended = moisson("forget", id_, cwd=folder, env=STORE)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.splitlines()[0] == f"Forgotten: {id_}."
    assert f"Still online at the source: {id_}. Every run leaves them out." in ended.stderr
    assert "forgotten    1 offer, kept out of every run" in moisson("status", cwd=folder, env=STORE).stdout
    assert moisson("verify", cwd=folder, env=STORE).returncode == 0
    wrong = moisson("forget", "nope", cwd=folder, env=STORE)
    assert wrong.returncode == 2
    assert "This store holds no offer nope" in wrong.stderr


def test_no_store(tmp_path: Path) -> None:
    """What reads a store says what makes one, and makes nothing itself."""
    for arguments in (["status"], ["sql", "select 1"], ["files", "offres"]):
        ended = moisson(*arguments, cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "There is no store in moisson-store" in ended.stderr
        assert "moisson collect" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A double on this machine, started by `moisson twin`; what it announces."""
    with subprocess.Popen(
        [sys.executable, "-m", "moisson.cli.main", "twin", "--offres", "300", "--quota", "0", "--exit-with-parent"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def settings_of(twin: dict[str, str], **more: str) -> dict[str, str]:
    """The environment that leads to a double."""
    names = ("api_url", "token_url", "client_id", "client_secret")
    return {**{f"MOISSON_{name.upper()}": twin[name] for name in names}, "MOISSON_RATE": "100", **more}


def test_check_and_referentiels(twin: dict[str, str], tmp_path: Path) -> None:
    """`check` writes nothing; `referentiels` brings sixteen tables, before or after a harvest."""
    env = settings_of(twin)
    checked = moisson("check", cwd=tmp_path, env=env)
    assert checked.returncode == 0, checked.stderr
    assert "account      works, licence accepted" in checked.stdout
    assert not (tmp_path / "moisson-store").exists()
    fetched = moisson("referentiels", cwd=tmp_path, env=env)
    assert (fetched.returncode, fetched.stdout) == (0, ""), fetched.stderr
    assert fetched.stderr.splitlines()[-1].startswith("16 lists, ")
    shown = moisson("sql", "select code from regions order by code limit 1", "--format", "csv", cwd=tmp_path)
    assert shown.stdout == "code\n01\n"
    assert moisson("collect", cwd=tmp_path, env=env).returncode == 0
    again = moisson("sql", "select count(*) > 250 as many from offres", "--format", "csv", cwd=tmp_path)
    assert again.stdout == "many\ntrue\n"


def test_wrong_secret(twin: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A wrong secret: exit 2 for every command that asks, what to do, no secret shown, nothing written beside it."""
    home = str(tmp_path_factory.mktemp("home"))  # where processes of one application agree on their pace
    env = settings_of(twin, MOISSON_CLIENT_SECRET="hush-hush-hush", HOME=home)
    for command in ("check", "collect", "referentiels"):
        ended = moisson(command, cwd=tmp_path, env=env)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "to do: " in ended.stderr
        assert "hush" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_twin_help() -> None:
    """The double's own help is passed through."""
    ended = moisson("twin", "--help", cwd=Path.cwd())
    assert ended.returncode == 0
    assert "--offres" in ended.stdout


def test_interrupted_demo(tmp_path: Path) -> None:
    """Ctrl-C during a demo: exit 130, the double is stopped, and the same command goes on to the end."""
    arguments = ["demo", "--offres", "3000", "--rate", "8"]
    with subprocess.Popen(
        [sys.executable, "-m", "moisson.cli.main", *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        pages = tmp_path / "moisson-demo" / "runs"
        waited = time.monotonic()
        while not list(pages.glob("*/pages/*")):
            assert time.monotonic() - waited < 60
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(30) == 130, said
    assert "INTERRUPTED SAFELY" in said
    again = moisson("demo", "--offres", "3000", "--rate", "100", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "resumed" in again.stderr or "PROVED COMPLETE" in again.stderr
