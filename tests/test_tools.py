"""What docs/tools.md, docs/python.md and the notebooks show, run as it stands on a small store of simulated offers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "docs" / "tools.md"
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

pytestmark = pytest.mark.slow


def blocks(document: Path, only: str = "") -> list[tuple[str, str, str]]:
    """(language, options, text) of each fenced block whose first line holds `only`."""
    found = re.findall(r"^```(\w+)([^\n]*)\n(.*?)^```$", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [(language, options.strip(), text) for language, options, text in found if only in options]


def run(*command: str | Path, cwd: Path, text: str | None = None) -> str:
    """Run a command that must end well, with this environment's `moisson` on the path; what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOISSON_")}
    clean |= {"PATH": f"{Path(sys.executable).parent}:{clean['PATH']}", "HOME": str(cwd)}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, input=text, capture_output=True, text=True, check=False,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in the usual place, and the demo's beside it."""
    cwd = tmp_path_factory.mktemp("tools")
    run("moisson", "demo", "--offres", "600", "--rate", "200", "--store", "moisson-store", cwd=cwd)
    shutil.copytree(cwd / "moisson-store", cwd / "moisson-demo", symlinks=True)
    return cwd


RUNNERS = {"python": (sys.executable, "-c"), "sh": ("bash", "-euc"), "r": ("Rscript", "-e")}


@pytest.mark.parametrize(
    ("language", "options", "text"),
    [block for block in blocks(TOOLS, "tested") if block[0] in RUNNERS],
    ids=lambda value: value.splitlines()[0][:40] if value else "plain",
)
def test_a_block_runs(folder: Path, language: str, options: str, text: str) -> None:
    """As it is printed; in their order, since some need what an earlier one wrote."""
    needs = [option.partition("=")[2] for option in options.split() if option.startswith("needs=")]
    for program in (RUNNERS[language][0], *needs):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here")
    if language == "r" and "ok" not in run("Rscript", "-e", _R_PACKAGES, cwd=folder):
        pytest.skip("no jsonlite or readxl for R here")
    if needs:
        run("bash", "-euc", "test -e offres.gpkg || moisson export offres.gpkg", cwd=folder)
    run(*RUNNERS[language], text, cwd=folder)


_R_PACKAGES = "cat(if (requireNamespace('jsonlite', quietly=TRUE) && requireNamespace('readxl', quietly=TRUE)) 'ok')"


def test_the_python_page_runs(folder: Path) -> None:
    """From its first block to its last, as one session."""
    script = "\n".join(text for language, _, text in blocks(ROOT / "docs" / "python.md") if language == "python")
    said = run(sys.executable, "-c", script, cwd=folder).splitlines()
    assert said[0] == "<moisson store moisson-demo, simulated data>"
    assert said[-1].startswith("There is no column intitul in offres - Did you mean intitule?")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs(folder: Path, notebook: Path) -> None:
    """Every cell, from an empty kernel; the file holds no output, so that nothing in it can be out of date."""
    code = (
        "import sys, nbformat; from nbclient import NotebookClient\n"
        "notebook = nbformat.read(sys.argv[1], 4)\n"
        "assert not any(cell.get('outputs') for cell in notebook.cells)\n"
        "NotebookClient(notebook, timeout=120, kernel_name='python3').execute()\n"
        "print(sum(bool(cell.get('outputs')) for cell in notebook.cells))\n"
    )
    assert int(run(sys.executable, "-c", code, notebook, cwd=folder)) >= 3


def test_there_are_two_notebooks() -> None:
    """A first look, and a question."""
    assert [path.name for path in NOTEBOOKS] == ["first_look.ipynb", "pay_by_departement.ipynb"]


@pytest.fixture
def postgres() -> Iterator[Path]:
    """A server of its own on a socket in a folder; skips where there is none."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs or shutil.which("psql") is None:
        pytest.skip("no PostgreSQL here")
    # The server refuses to be root.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    where = Path(tempfile.mkdtemp(prefix="moisson-pg-"))
    try:
        if as_user and subprocess.run(["chown", "postgres", where], capture_output=True, check=False).returncode:
            pytest.skip("no user to run PostgreSQL as")
        control = [*as_user, programs[-1] / "pg_ctl", "--pgdata", where / "data"]
        options = f"-c listen_addresses='' -c unix_socket_directories={where} -c fsync=off"
        run(
            *as_user,
            programs[-1] / "initdb",
            "--auth=trust",
            "--username=postgres",
            "--pgdata",
            where / "data",
            cwd=where,
        )
        run(*control, "--wait", "--log", where / "log", "--options", options, "start", cwd=where)
        try:
            yield where
        finally:
            run(*control, "--wait", "--mode=immediate", "stop", cwd=where)
    finally:
        shutil.rmtree(where, ignore_errors=True)


def test_postgresql(folder: Path, postgres: Path) -> None:
    """The offers in the database are those of the store."""
    (text,) = [text for language, _, text in blocks(TOOLS, "tested") if language == "sql"]
    run("moisson", "export", "offres.ndjson", cwd=folder)
    psql = ("psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-h", postgres, "-U", "postgres")
    run(*psql, cwd=folder, text=text)
    counted = run(*psql, "-At", "-c", "select count(*), sum(nombre_postes), min(id) from offres", cwd=folder).strip()
    query = "select concat_ws('|', count(*), sum(nombre_postes), min(id)) as n from offres"
    assert run("moisson", "sql", query, "--format", "csv", cwd=folder).splitlines()[1] == counted
