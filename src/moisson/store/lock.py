"""One process at a time fills a store. The lock is the kernel's, so it dies with its holder."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from moisson.errors import StoreLocked
from moisson.store import files

__all__ = ["Holder", "hold_lock"]


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock, written into its file for whoever comes second.

    Attributes:
        pid, host: its process.
        command: what it is doing.
        since: since when, ISO 8601 UTC, or "" when the caller gave no time.
    """

    pid: int
    host: str
    command: str
    since: str = ""


@contextlib.contextmanager
def hold_lock(path: Path, command: str, now_s: float | None) -> Iterator[None]:
    """Hold the lock of a store while the block runs.

    Raises:
        StoreLocked: another process holds it; the message says which, and since when.
        StoreUnwritable: the store cannot be written.
    """
    with files.border("locking the store"):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with files.border("locking the store"):
            _acquire(fd, path)
            since = "" if now_s is None else dt.datetime.fromtimestamp(now_s, dt.UTC).isoformat(timespec="seconds")
            holder = Holder(os.getpid(), socket.gethostname(), command, since)
            os.ftruncate(fd, 0)
            os.pwrite(fd, msgspec.json.encode(holder) + b"\n", 0)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, 0)
    finally:
        os.close(fd)


def _acquire(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
            raise
        raise StoreLocked(
            f"Another process is filling this store{_holder_text(path)}",
            doing="locking the store",
            todo="Wait until it ends, or choose another store with --store.",
        ) from error


def _holder_text(path: Path) -> str:
    try:
        holder = msgspec.json.decode(path.read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        # The holder is between taking the lock and writing its name.
        return ""
    since = f", since {holder.since}" if holder.since else ""
    return f": `{holder.command}`, process {holder.pid} on {holder.host}{since}"
