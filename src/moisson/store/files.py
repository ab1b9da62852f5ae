"""Writing so that a crash leaves the old or the new, never half: aside, fsync, rename, fsync of the folder.

Every change to the file system goes through this module, for two reasons. Errors of the system are translated at this
one border. And tests set `hook`, which is called with a word before each change: raising there is dying there.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from moisson.errors import DiskFull, MoissonError, StoreError, StoreUnwritable

__all__ = [
    "border",
    "fsync_dir",
    "fsync_file",
    "hook",
    "link",
    "make_dir",
    "point",
    "remove",
    "rename",
    "step",
    "write_new",
    "write_once",
    "write_whole",
]

hook: Callable[[str], None] | None = None
"""Called before each change of the file system with what and where; None outside tests."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}


def step(what: str, path: Path) -> None:
    """Announce one change of the file system."""
    if hook is not None:
        hook(f"{what} {path.name}")


@contextlib.contextmanager
def border(doing: str) -> Iterator[None]:
    """Translate the system's errors.

    Args:
        doing: what is being done, completing "while ...".

    Raises:
        DiskFull: no space or quota left.
        StoreUnwritable: read-only file system, no permission, or a file where a folder should be.
        StoreError: any other error of the system; the cause is kept.
    """
    try:
        yield
    except MoissonError:
        raise
    except OSError as error:
        # pyarrow raises OSError too, sometimes with the number in its text only.
        text = str(error)
        if error.errno in _FULL or "No space left" in text or "Disk quota" in text:
            raise DiskFull(
                "No space left on the disk of the store",
                doing=doing,
                todo="What was written so far is kept. Free some space and run the same command again.",
            ) from error
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or text
        if error.errno in _REFUSED:
            raise StoreUnwritable(
                f"The store cannot be written: {reason}{where}",
                doing=doing,
                todo="Check the folder's owner and permissions, or choose another with --store.",
            ) from error
        raise StoreError(f"The system refused: {reason}{where}", doing=doing) from error


def fsync_file(path: Path) -> None:
    """Have a closed file's content on the disk itself."""
    step("sync", path)
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fsync_dir(path: Path) -> None:
    """Have a folder's names on the disk itself."""
    fsync_file(path)


def make_dir(path: Path) -> None:
    """Create a folder and its parents, durably; one that exists is left alone."""
    if path.is_dir():
        return
    make_dir(path.parent)
    step("mkdir", path)
    path.mkdir(exist_ok=True)
    fsync_dir(path.parent)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def write_whole(path: Path, data: bytes, *, sync_dir: bool = True) -> None:
    """Replace a file's whole content; readers and crashes see the old or the new.

    Args:
        path: the file; two threads must not write the same one.
        data: its content.
        sync_dir: False lets the caller sync the folder once for several files.
    """
    aside = _aside(path)
    write_new(aside, data)
    rename(aside, path, sync_dir=sync_dir)


def write_once(path: Path, data: bytes) -> None:
    """Write a file unless there is one of that name already, which is then left as it is."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    write_new(aside, data)
    step("link", path)
    with contextlib.suppress(FileExistsError):
        os.link(aside, path)
    remove(aside)
    fsync_dir(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write and sync a file that nobody looks at yet."""
    step("write", path)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        step("sync", path)
        os.fsync(file.fileno())


def rename(source: Path, target: Path, *, sync_dir: bool = True) -> None:
    """Give a file or folder its final name, replacing a file of that name."""
    step("rename", target)
    source.replace(target)
    if sync_dir:
        fsync_dir(target.parent)


def link(source: Path, target: Path) -> None:
    """Give a second name to an unchanging file."""
    step("link", target)
    os.link(source, target)


def point(name: Path, target: str) -> None:
    """Make or switch a symbolic link in one step.

    Args:
        name: the link.
        target: what it leads to, relative to the link's folder, so that the store can be moved.
    """
    aside = _aside(name)
    remove(aside)
    step("symlink", aside)
    aside.symlink_to(target)
    rename(aside, name)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; what is not there is fine."""
    if path.is_dir() and not path.is_symlink():
        for child in sorted(path.iterdir()):
            remove(child)
        step("rmdir", path)
        path.rmdir()
    elif path.exists() or path.is_symlink():
        step("unlink", path)
        path.unlink(missing_ok=True)
