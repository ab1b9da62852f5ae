"""The journal of a run: append-only facts, each chained to all before it.

One line a record, JSON: {"n": 3, "chaine": "<64 hex>", "fait": {...}}. Line 0 holds the run's identity (`Debut`), the
others a `Fait` each. `chaine` is SHA-256 over the previous line's `chaine` (its 64 characters), the number in decimal,
and the bytes of `fait` with a mark in place of every id (masking.py); before line 0 it is 64 zeros. So a line that was
changed, lost, added or moved is found, the last line's `chaine` names the whole, and an id can be forgotten: its mark
in its place fits the chain as well. A journal whose line 0 does not say `"marques": true` is of an older Moisson, and
chained over the bytes as they stand.

A crash can tear the last line only, since a record is on the disk before `append` returns: reopening cuts a torn last
line, anything else that does not fit is refused.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from moisson.errors import StoreCorrupt
from moisson.model import Fait
from moisson.store import files
from moisson.store.masking import mark_all

__all__ = ["CHAINE_VIDE", "Debut", "Journal", "read_facts"]

CHAINE_VIDE = "0" * 64
"""The value that line 0 is chained to."""

_READ_AGAIN = "Run `moisson collect --new` to start the run afresh."


class Debut(msgspec.Struct, frozen=True, tag="debut"):
    """Line 0: which run this is.

    Attributes:
        collecte: the run's name.
        source: the API asked.
        simule: the source is a twin.
        planner_version: version of the planner that the facts are told to.
        settings_digest: digest of the settings that change the plan, made by the caller.
        begun_s: our wall clock when the run began, seconds since 1970.
        marques: the journal's chain is over marks in place of ids, and its evidence ends with a seal; False only in
            what an older Moisson began.
        suite_de: the run that this one continues, "" for most (see suite.py).
    """

    collecte: str
    source: str
    simule: bool
    planner_version: str
    settings_digest: str
    begun_s: float
    marques: bool = False
    suite_de: str = ""


class _Line(msgspec.Struct):
    n: int
    chaine: str
    fait: msgspec.Raw


# Bytes that are not UTF-8 are told by another type than other damage.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
_line_decoder = msgspec.json.Decoder(_Line)
_debut_decoder = msgspec.json.Decoder(Debut)
_fait_decoder: msgspec.json.Decoder[Fait] = msgspec.json.Decoder(Fait)
_encoder = msgspec.json.Encoder()


def _chain(previous: str, n: int, payload: bytes, *, marques: bool) -> str:
    digest = hashlib.sha256(previous.encode())
    digest.update(str(n).encode())
    digest.update(mark_all(payload) if marques else payload)
    return digest.hexdigest()


def _torn(raw: bytes) -> bool:
    if not raw.endswith(b"\n"):
        return True
    try:
        _line_decoder.decode(raw)
    except _UNREADABLE:
        return True
    return False


def _check(raw: bytes, n: int, previous: str, where: str, *, marques: bool) -> tuple[str, bytes]:
    """The chain value and payload of one line, or StoreCorrupt naming it."""
    try:
        line = _line_decoder.decode(raw)
    except _UNREADABLE as error:
        raise StoreCorrupt(f"Line {n + 1} of {where} is damaged", doing="reading it", todo=_READ_AGAIN) from error
    payload = bytes(line.fait)
    # Byte for byte: a line that merely means the same was written by somebody else.
    if (raw, line.chaine) != _record(previous, n, payload, marques=marques):
        raise StoreCorrupt(
            f"Line {n + 1} of {where} does not follow from the lines before it", doing="reading it", todo=_READ_AGAIN
        )
    return line.chaine, payload


def _payloads(file: IO[bytes], where: str, fin: str | None) -> Iterator[bytes]:
    """Each record's bytes, checked; every line must be whole, and the last one's `chaine` be `fin`."""
    previous, marques = CHAINE_VIDE, False
    for n, raw in enumerate(file):
        if not raw.endswith(b"\n"):
            raise StoreCorrupt(f"Line {n + 1} of {where} is cut short", doing="reading it", todo=_READ_AGAIN)
        # Line 0 holds no id: it fits both ways, and says which of them the others go.
        previous, payload = _check(raw, n, previous, where, marques=marques)
        marques = marques if n else _decode_debut(payload, where).marques
        yield payload
    if fin is not None and previous != fin:
        raise StoreCorrupt(f"{where} does not end where it should: lines are missing", doing="reading it")


def read_facts(file: IO[bytes], where: str, fin: str | None = None) -> tuple[Debut, Iterator[Fait]]:
    """Read a whole journal, wherever it is kept, checking the chain on the way.

    Args:
        file: the lines; the returned iterator reads on from it.
        where: name for messages.
        fin: the last line's `chaine`, where it is known: without it, lines missing at the end are not noticed.

    Returns:
        The run's identity, and its facts in order, decoded one at a time.

    Raises:
        StoreCorrupt: a line is damaged or out of the chain; raised when it is reached.
    """
    payloads = _payloads(file, where, fin)
    first = next(payloads, None)
    if first is None:
        raise StoreCorrupt(f"{where} is empty", doing="reading it", todo=_READ_AGAIN)
    return _decode_debut(first, where), (_decode_fait(payload, where) for payload in payloads)


def _decode_debut(payload: bytes, where: str) -> Debut:
    try:
        return _debut_decoder.decode(payload)
    except _UNREADABLE as error:
        raise StoreCorrupt(f"{where} does not begin with a run's identity", doing="reading it") from error


def _decode_fait(payload: bytes, where: str) -> Fait:
    try:
        return _fait_decoder.decode(payload)
    except _UNREADABLE as error:
        # The chain holds, so the line is what was written: by another version of the facts.
        raise StoreCorrupt(
            f"{where} holds a fact that this version cannot read", doing="reading it", todo=_READ_AGAIN
        ) from error


class Journal:
    """The journal of an unfinished run, open for appending. Threads may append at once.

    Attributes:
        debut: the run's identity.
        lines: number of records, the identity included.
    """

    def __init__(self, path: Path, debut: Debut, lines: int, chaine: str) -> None:
        self.path = path
        self.debut = debut
        self.lines = lines
        self._chaine = chaine
        self._mutex = threading.Lock()
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    @property
    def chaine(self) -> str:
        """The last line's `chaine`: it names all that was appended."""
        return self._chaine

    @classmethod
    def create(cls, path: Path, debut: Debut) -> Journal:
        """Begin a journal, durably. Raises what `files.border` does."""
        raw, chaine = _record(CHAINE_VIDE, 0, _encoder.encode(debut), marques=debut.marques)
        with files.border("beginning the journal"):
            files.write_whole(path, raw)
            return cls(path, debut, 1, chaine)

    @classmethod
    def reopen(cls, path: Path) -> Journal:
        """Check a journal from end to end, cut a torn last line, and go on with it.

        Raises:
            StoreCorrupt: a line other than the last is damaged, or one breaks the chain; the message names it.
        """
        chaine, n, good = CHAINE_VIDE, 0, 0
        debut: Debut | None = None
        size = path.stat().st_size
        with path.open("rb") as file:
            for raw in file:
                if good + len(raw) == size and n > 0 and _torn(raw):
                    break
                chaine, payload = _check(raw, n, chaine, path.name, marques=debut is not None and debut.marques)
                if debut is None:
                    debut = _decode_debut(payload, path.name)
                n += 1
                good += len(raw)
        if debut is None:
            raise StoreCorrupt(f"{path.name} is empty", doing="reopening the run", todo=_READ_AGAIN)
        with files.border("reopening the journal"):
            journal = cls(path, debut, n, chaine)
            if good < size:
                journal._cut(good)
        return journal

    def append(self, fait: Fait) -> None:
        """Add one fact; when this returns, it is on the disk. Raises what `files.border` does."""
        self.append_many((fait,))

    def append_many(self, faits: Iterable[Fait]) -> None:
        """Add several facts with one sync; all are on the disk when this returns, none is if it raises."""
        with self._mutex, files.border("writing the journal"):
            chaine, n, parts = self._chaine, self.lines, []
            for fait in faits:
                raw, chaine = _record(chaine, n, _encoder.encode(fait), marques=self.debut.marques)
                parts.append(raw)
                n += 1
            if not parts:
                return
            start = os.fstat(self._fd).st_size
            try:
                files.step("append", self.path)
                _write_all(self._fd, b"".join(parts))
                files.step("sync", self.path)
                os.fsync(self._fd)
            except OSError:
                # A half-written record must not stand in the middle of what is appended next.
                self._cut(start)
                raise
            self._chaine, self.lines = chaine, n

    def read(self) -> Iterator[Fait]:
        """The facts in order, decoded one at a time, up to the last one appended so far."""
        lines = self.lines
        with self.path.open("rb") as file:
            _, faits = read_facts(file, self.path.name)
            for _ in range(lines - 1):
                yield next(faits)

    def close(self) -> None:
        """Let go of the file; appending is over."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _cut(self, size: int) -> None:
        files.step("truncate", self.path)
        os.ftruncate(self._fd, size)
        os.fsync(self._fd)


def _record(previous: str, n: int, payload: bytes, *, marques: bool) -> tuple[bytes, str]:
    chaine = _chain(previous, n, payload, marques=marques)
    return b'{"n":%d,"chaine":"%s","fait":%s}\n' % (n, chaine.encode(), payload), chaine


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
