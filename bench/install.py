"""What an installation weighs: the wheel alone, with each extra, and with all of them, each in a fresh environment.

    python bench/install.py

Packages come from wherever pip takes them on this machine, at the versions of the lock files. Megabytes are those of
the environment's packages without pip, once compiled to bytecode as pip does.
"""

from __future__ import annotations

import datetime as dt
import platform
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the table, a line a variant."""
    extras = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("optional-dependencies", {}))
    variants = ["", *extras, *([",".join(extras)] if len(extras) > 1 else [])]
    print(f"{dt.date.today():%Y-%m-%d}, {platform.system()} {platform.machine()}, Python {platform.python_version()}\n")  # noqa: DTZ011
    print("| installed | packages | MB | seconds |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", name]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        (wheel,) = folder.glob("*.whl")
        for number, variant in enumerate(variants):
            begun = time.perf_counter()
            packages, size_mb = weigh(folder / str(number), f"{wheel}[{variant}]" if variant else str(wheel))
            took_s = time.perf_counter() - begun
            print(f"| {f'moisson[{variant}]' if variant else 'moisson'} | {packages} | {size_mb:.0f} | {took_s:.0f} |")


def weigh(env: Path, requirement: str) -> tuple[int, float]:
    """Install into a new environment; packages and megabytes that it then holds, pip left out."""
    venv.create(env, with_pip=True)
    before = contents(env)
    constraints = env / "constraints.txt"
    locked = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    constraints.write_text("\n".join(re.findall(r"^[\w.-]+==[^\\\n]+", locked, flags=re.MULTILINE)), encoding="utf-8")
    pip = [str(env / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(constraints), requirement], check=True, stderr=subprocess.DEVNULL)
    after = contents(env)
    packages = {path for path in after if path.suffix == ".dist-info"} - before.keys()
    return len(packages), (sum(after.values()) - sum(before.values())) / 1e6


def contents(env: Path) -> dict[Path, int]:
    """Bytes below each entry of an environment's packages."""
    (packages,) = env.glob("lib/python*/site-packages")
    return {
        entry: sum(path.stat().st_size for path in [entry, *entry.rglob("*")] if path.is_file())
        for entry in packages.iterdir()
    }


if __name__ == "__main__":
    main()
