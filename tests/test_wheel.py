"""The wheel, as someone who never saw this checkout gets it: built, installed in a fresh environment, tried."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PACKAGES_MAX, SIZE_MB_MAX = 30, 450
"""What the core may weigh once installed; docs/install.md tells what it does weigh."""


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that must end well, out of reach of this checkout."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MOISSON_", "PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**clean, "HOME": str(cwd)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.mark.slow
@pytest.mark.timeout(900)  # it installs every package anew
def test_the_wheel_works_alone(tmp_path: Path) -> None:
    """Installed from the lock in a fresh environment, Moisson says its version, its help, and harvests its twin."""
    from moisson import __version__

    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "moisson/py.typed" in names
    assert "moisson_twin/py.typed" in names
    assert any(name.startswith("moisson_twin/data/") for name in names)
    assert "moisson/territory/data/communes.parquet" in names
    assert "moisson/territory/data/contours.topojson" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests", "bench", "docs", "tools"))]

    venv.create(tmp_path / "env", with_pip=True)
    scripts = tmp_path / "env" / "bin"
    install = (scripts / "python", "-m", "pip", "install", "--quiet", "--no-deps")
    run(*install, "--require-hashes", "-r", ROOT / "requirements.lock", cwd=tmp_path)
    run(*install, wheel, cwd=tmp_path)

    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    # What only building needs is in the lock too, and left out here with pip itself.
    aside = {"pip", "setuptools", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove_classifiers"}
    installed = {path.name.partition("-")[0] for path in packages.glob("*.dist-info")} - aside
    size_mb = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) / 1e6
    assert len(installed) <= PACKAGES_MAX, sorted(installed)
    assert size_mb <= SIZE_MB_MAX

    moisson = scripts / "moisson"
    assert run(moisson, "--version", cwd=tmp_path).stdout == f"moisson {__version__}\n"
    assert "collect" in run(moisson, "--help", cwd=tmp_path).stdout
    demo = run(moisson, "demo", "--offres", 300, "--rate", 200, cwd=tmp_path)
    assert "PROVED COMPLETE" in demo.stderr
    query = "select count(*) > 250 from offres"
    counted = run(moisson, "sql", query, "--format", "csv", "--store", "moisson-demo", cwd=tmp_path)
    assert counted.stdout.splitlines()[1] == "true"
