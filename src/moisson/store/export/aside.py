"""A file that appears whole or not at all: written beside its place, its troubles told as ours."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from moisson.errors import DiskFull, MoissonError, StoreUnwritable
from moisson.store import files

__all__ = ["check_place", "into_place", "written_aside"]

_FREE_LEFT = 64_000_000
"""Less than that free, and a library that failed to write failed for want of room, whatever it said."""

_FULL_SAID = re.compile(r"no space left|disk (?:is )?full|disk quota", re.IGNORECASE)


def check_place(file: Path) -> None:
    """Check that a file can be there, before anything is computed for it.

    Raises:
        StoreUnwritable: its folder does not exist, or it is one.
    """
    if not file.parent.is_dir():
        raise StoreUnwritable(f"There is no folder {file.parent}", todo="Make it first, or give another place.")
    if file.is_dir():
        raise StoreUnwritable(f"{file} is a folder", todo="Give the name of a file.")


@contextlib.contextmanager
def written_aside(file: Path) -> Iterator[Path]:
    """Where to write meanwhile: under the same name, in a folder beside the file, which always goes.

    Raises:
        StoreUnwritable, DiskFull: for whatever the system, or a library that met a full disk, raises meanwhile.
    """
    folder = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    with _border(file):
        try:
            # Within the try: Ctrl-C may come between any two steps.
            folder.mkdir()
            yield folder / file.name
        finally:
            for path in folder.glob("*"):
                # A library that failed may still hold it open: its room is given back all the same.
                with contextlib.suppress(OSError):
                    os.truncate(path, 0)
            shutil.rmtree(folder, ignore_errors=True)


def into_place(aside: Path, file: Path, *beside: Path) -> None:
    """Give a file that was written aside its name, and those beside it theirs."""
    made = [(aside.with_name(target.name), target) for target in (file, *beside)]
    for whole, _ in made:
        files.fsync_file(whole)
    for whole, target in made:
        files.rename(whole, target)


@contextlib.contextmanager
def _border(file: Path) -> Iterator[None]:
    """The system's errors, and those of libraries that met a full disk, become ours."""
    try:
        yield
    except MoissonError:
        raise
    except Exception as error:
        if _is_full(error, file.parent):
            raise DiskFull(
                f"No space left on the disk of {file}",
                doing="writing it",
                todo="Nothing is left of it. Free some space, choose fewer rows or columns, or give another place.",
            ) from error
        if isinstance(error, OSError):
            raise StoreUnwritable(
                f"{file} cannot be written: {error.strerror or error}", todo="Give another place."
            ) from error
        raise


def _is_full(error: Exception, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return _FULL_SAID.search(str(error)) is not None or shutil.disk_usage(folder).free < _FREE_LEFT
