"""One agenda for all processes of a person that call with the same application: a small file, and a lock held briefly.

    STATE/pace-<hash>      32 bits of checksum, 32 bits of length, both little-endian; then the agenda as MessagePack

STATE is the folder that the client is given. The hash is of client id, token host and host name, so neither name nor
content tells a secret, and machines that share a home do not share a clock. The content is of no use after a minute,
and of no harm: an absent file begins empty, one of an earlier boot (whose clock is another) likewise, and a damaged one
begins with a second of silence, since it may hide calls that were just made. It is never synced.

The clock must be the same in all processes: CLOCK_MONOTONIC, which the event loop uses, counts from the boot.

A lock dies with its holder, so a crash blocks nobody. If the file cannot be used, this process goes on alone, for good,
and says so once: pacing alone is what it would do anyway, and 429 would tell.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import os
import platform
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from moisson.api.pacing import Agenda

__all__ = ["SharedBook", "book_name", "boot_id"]

PATIENCE_S = 0.5
"""The lock is held for microseconds; who holds it so long was stopped, seconds."""

TRY_AGAIN_S = 0.0002

SILENCE_S = 1.1
"""Before the first call after a damaged file: what it may have hidden has left every window by then."""

FUTURE_S = 1.0
"""A departure further ahead than this was written by another clock."""

LITTER_S = 24 * 3600.0
"""Files of applications that were not used for so long are removed."""

BYTES_MAX = 65_536

_HEAD = struct.Struct("<II")
_PREFIX = "pace-"


class _Page(msgspec.Struct):
    """The content of the file."""

    boot: str
    agenda: Agenda


class SharedBook:
    """An agenda in a file.

    Args:
        path: the file; its folder is made when it is absent.
        boot: names the boot of this machine; an agenda of another is not believed.
        on_alone: is told, once, why the file cannot be used.
    """

    def __init__(self, path: Path, *, boot: str, on_alone: Callable[[str], None]) -> None:
        self._path = path
        self._boot = boot
        self._on_alone = on_alone
        self._file = -1
        self._alone: Agenda | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Page)

    @contextmanager
    def open(self, now: float) -> Iterator[Agenda]:
        """The agenda under its lock; written back at the end if it has changed."""
        if self._alone is not None:
            yield self._alone
            return
        agenda = Agenda()
        try:
            self._lock()
            try:
                before = os.pread(self._file, BYTES_MAX, 0)
                agenda = self._read(before, now)
            except BaseException:
                self._unlock()
                raise
        except OSError as trouble:
            self._go_alone(agenda, trouble)
            yield agenda
            return
        try:
            yield agenda
        finally:
            try:
                after = self._written(agenda)
                if not before.startswith(after):
                    os.pwrite(self._file, after, 0)
                self._unlock()
            except OSError as trouble:
                self._go_alone(agenda, trouble)

    def close(self) -> None:
        """Let the file go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while True:
            if self._file < 0:
                self._file = self._opened()
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end_s:
                    raise TimeoutError("another process holds its lock") from None
                time.sleep(TRY_AGAIN_S)
                continue
            if os.fstat(self._file).st_nlink:
                return
            # Somebody cleared the folder; whoever comes next would open another file.
            self.close()

    def _unlock(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def _opened(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(self._path)
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)

    def _read(self, content: bytes, now: float) -> Agenda:
        if not content:
            return Agenda()
        try:
            checksum, length = _HEAD.unpack_from(content)
            body = content[_HEAD.size : _HEAD.size + length]
            if zlib.crc32(body) != checksum:
                raise ValueError("checksum")
            page = self._decoder.decode(body)
        except (struct.error, ValueError):
            return Agenda(next_s=now + SILENCE_S)
        agenda = page.agenda
        latest_s = max(agenda.left[-1:] + list(agenda.waiting.values()), default=-math.inf)
        return agenda if page.boot == self._boot and latest_s <= now + FUTURE_S else Agenda()

    def _written(self, agenda: Agenda) -> bytes:
        body = self._encoder.encode(_Page(self._boot, agenda))
        return _HEAD.pack(zlib.crc32(body), len(body)) + body

    def _go_alone(self, agenda: Agenda, trouble: OSError) -> None:
        self._alone = agenda
        with contextlib.suppress(OSError):
            self.close()
        reason = trouble.strerror or str(trouble)
        self._on_alone(
            f"{self._path} cannot be used ({reason}): other processes that call with the same application are not "
            "reckoned with"
        )


def book_name(client_id: str, token_url: str) -> str:
    """The file's name for an application on this machine."""
    text = "\0".join((client_id, urlsplit(token_url).netloc, platform.node()))
    return _PREFIX + hashlib.sha256(text.encode()).hexdigest()[:32]


def boot_id() -> str:
    """Names the present boot of this machine; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _clear(path: Path) -> None:
    """Remove what other applications left long ago."""
    with contextlib.suppress(OSError):
        for other in path.parent.glob(_PREFIX + "*"):
            if other != path and time.time() - other.stat().st_mtime > LITTER_S:
                other.unlink(missing_ok=True)
