"""Rules of the house, as tests: who imports whom, what may be in a file, what the documents must tell."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
MODULES = sorted(path for path in SRC.rglob("*.py") if "__pycache__" not in path.parts)
LINES_MAX = 500

# Who may import whom inside moisson; a room may always import itself.
ALLOWED = {
    "errors": set(),
    "model": {"errors"},
    "settings_values": {"errors"},
    "settings": {"errors", "settings_values"},
    "api": {"errors", "model", "settings"},
    "plan": {"errors", "model"},
    "territory": {"errors", "model", "settings", "api"},
    "store": {"errors", "model", "settings", "territory"},
    "figures": {"errors", "store", "territory"},
    "harvest": {"errors", "model", "settings", "api", "plan", "store", "territory"},
    "cli": {"errors", "model", "settings", "api", "plan", "store", "territory", "figures", "harvest"},
    "web": {"errors", "model", "settings", "api", "plan", "store", "territory", "figures", "harvest"},
    "__main__": {"cli"},
}

# The planner is told facts and asked questions: whatever could surprise it is out of its reach.
IMPURE = {
    "asyncio", "datetime", "glob", "http", "httpx2", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading",
    "time", "urllib", "uuid", "duckdb", "pyarrow", "structlog",
}  # fmt: skip

# datetime computes dates from numbers, which is pure; asking it what time it is is not.
PURE_ENOUGH = {"datetime"}
CLOCK_CALLS = {"now", "today", "utcnow"}


def name(path: Path) -> str:
    """A module's path as messages show it."""
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    """The parsed source of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), name(path))


def imports(path: Path) -> Iterator[str]:
    """Every module that this one imports, wherever the import stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tracked() -> list[Path]:
    """The files of the repository, those about to be added included."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for text in done.stdout.decode().split("\0") if text and (path := ROOT / text).is_file()]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    """errors ← model, settings ← api, plan, territory ← store ← figures, harvest ← cli, web; the twin stands alone."""
    package, *inner = path.relative_to(SRC).with_suffix("").parts
    room = inner[0]
    for module in imports(path):
        top, *rest = module.split(".")
        if package == "moisson_twin":
            assert top != "moisson", f"{name(path)} imports {module}: the twin shares no code with the client"
        elif top == "moisson_twin":
            pytest.fail(f"{name(path)} imports {module}: the twin is started as a process, never imported")
        elif top == "moisson" and room != "__init__" and rest and rest[0] in ALLOWED:
            assert rest[0] in ALLOWED[room] | {room}, f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", [p for p in MODULES if "plan" in p.parts or p.name == "model.py"], ids=name)
def test_the_planner_is_pure(path: Path) -> None:
    """No I/O, no clock, no randomness where it is decided what to ask next."""
    for module in imports(path):
        assert module.split(".")[0] not in IMPURE - PURE_ENOUGH, f"{name(path)} imports {module}"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            assert called not in {"open", "print", "input"} | CLOCK_CALLS, f"{name(path)}:{node.lineno} calls {called}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_what_it_is(path: Path) -> None:
    """Every module begins with a docstring, and stays short enough to be read at once."""
    assert ast.get_docstring(tree(path)), f"{name(path)} has no docstring"
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_MAX, f"{name(path)} has {lines} lines: which second subject moved in?"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_exports_are_sorted(path: Path) -> None:
    """`__all__` is sorted, without duplicates, and true."""
    module = tree(path)
    defined: set[str] = set()
    exported: list[str] | None = None
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            defined |= names
            if names == {"__all__"} and node.value is not None:
                exported = ast.literal_eval(node.value)
    if exported is None:
        return
    # As ruff sorts them: constants, then classes, then the rest.
    order = sorted(set(exported), key=lambda n: (0 if n.isupper() else 1 if n[0].isupper() else 2, n))
    assert exported == order, name(path)
    dynamic = "__getattr__" in defined
    assert dynamic or not set(exported) - defined, f"{name(path)}: {set(exported) - defined} is not defined"


@pytest.mark.parametrize("path", [p for p in MODULES if "moisson" in p.parts], ids=name)
def test_one_reader_of_the_environment(path: Path) -> None:
    """Only settings.py looks at the environment."""
    if path == SRC / "moisson" / "settings.py":
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr not in {"environ", "environb", "getenv"}, f"{name(path)}:{node.lineno}"


def test_no_address_of_this_machine_nor_of_a_registry() -> None:
    """No tracked file names a path of somebody's machine, or the host of a package registry."""
    # Spelt in parts, so that this file may be tracked too.
    paths = ["/" + folder + "/" for folder in ("work", "root", "home", "Users")]
    hosts = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "crates" + ".io"]
    pattern = re.compile("|".join([rf"(?<![\w.:/-]){path}" for path in paths] + [re.escape(host) for host in hosts]))
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            assert not pattern.search(line), f"{name(path)}:{number}: {line.strip()[:120]}"


def test_each_dependency_is_used_and_each_use_is_a_dependency() -> None:
    """What the package needs to run, its extras, and nothing else stand in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for texts in project.get("optional-dependencies", {}).values() for text in texts]
    named = [*project["dependencies"], *extras]
    wanted = {re.split(r"[<>=!~ ;\[]", text)[0].replace("-", "_") for text in named}
    used = {module.split(".")[0] for path in MODULES for module in imports(path)}
    assert used - set(sys.stdlib_module_names) - {"moisson", "moisson_twin", "__future__"} == wanted


def test_help_imports_nothing_heavy() -> None:
    """`moisson --help` must answer within 0.3 s, so it may not import what only a command needs."""
    heavy = ["duckdb", "pyarrow", "numpy", "httpx2", "pydantic", "rich", "asyncio", "msgspec", "starlette", "structlog"]
    code = f"import sys, moisson.cli.main; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
