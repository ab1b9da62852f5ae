"""Help and documents: every command shows an example, and no document tells of a command that does not exist."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.reference import commands, reference

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "README.fr.md", *(ROOT / "docs").rglob("*.md")])

HELP_S_MAX = 0.3


@pytest.mark.parametrize("command", [name for name in commands() if name != "twin"])
def test_help_has_an_example(cli: Cli, command: str) -> None:
    """`--help` is on the standard output, ends well and shows how to type the command."""
    ended = cli(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert re.search(r"Examples?:\n +(moisson|duckdb)", ended.out)


def test_version(cli: Cli) -> None:
    """`moisson --version` says one line."""
    from moisson import __version__

    assert cli("--version").out == f"moisson {__version__}\n"


def test_unknown_command(cli: Cli) -> None:
    """A command that does not exist is wrong usage."""
    ended = cli("harvest")
    assert (ended.code, ended.out) == (2, "")
    assert "No such command" in ended.err


def test_reference_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/commands.md is what the commands' help says; `make docs` writes it again."""
    monkeypatch.setenv("COLUMNS", "100")
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_only_what_exists(document: Path) -> None:
    """Each `moisson something` of a document is a command, and each link leads to a file."""
    text = document.read_text(encoding="utf-8")
    # In code only: in prose, "moisson" is also a French word.
    code = re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL)
    for piece in code:
        piece = piece.replace("from moisson import", "")  # Python, not a command
        for named in re.findall(r"(?:^|[ `/$(])moisson ([a-z]+)\b(?!:)", piece, flags=re.MULTILINE):
            assert named in commands(), f"moisson {named}"
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("readme", ["README.md", "README.fr.md"])
def test_readmes_tell_every_command(readme: str) -> None:
    """Both READMEs name every command."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    for command in commands():
        assert f"moisson {command}" in text, command


def test_help_is_quick() -> None:
    """`moisson --help` takes 0.3 s of the processor at most; the best of five, since others share its caches."""
    took: list[float] = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "moisson.cli.main", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took) <= HELP_S_MAX
