"""What stays of a finished run once its pages are gone: its journal, compressed, chain and all.

The file is a zstd frame, then a seal: a skippable frame, which every zstd reader passes over, that holds the SHA-256 of
all bytes before it. The chain says that the facts are those of the run; the seal, that the file is as it was written,
bits that decompression does not look at included.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from moisson.errors import StoreCorrupt
from moisson.model import Fait, PageLue
from moisson.store import files
from moisson.store.journal import Debut, read_facts
from moisson.store.layout import Layout
from moisson.store.masking import mark, redact
from moisson.store.runs import Run

__all__ = ["keep_evidence", "open_evidence", "redact_evidence"]

_CHUNK = 1 << 20

_SEAL = struct.Struct("<II32s")
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
"""Magic numbers of skippable frames (RFC 8878, section 3.1.2); the seal uses the first."""


def keep_evidence(layout: Layout, run: Run, oublis: Collection[str] = ()) -> None:
    """Copy a run's journal to its evidence file, durably. Doing it again writes the same file.

    Args:
        layout: the store.
        run: the run.
        oublis: marks of the ids that must stay out; each stands in the place of its id.
    """
    files.make_dir(layout.evidence)
    target = layout.evidence_of(run.collecte)
    with run.layout.journal.open("rb") as source:
        _write(target, source, oublis, marques=run.debut.marques)


def redact_evidence(layout: Layout, collecte: str, oublis: Collection[str]) -> set[str]:
    """Put the marks of ids that must be forgotten in their place, in the evidence of one run.

    Evidence that an older Moisson chained over the ids themselves would not hold any more: it is removed if it names
    one.

    Returns:
        Names of the landed pages that named one of them.
    """
    path = layout.evidence_of(collecte)
    with open_evidence(path) as (debut, faits):
        pages = {
            fait.fichier
            for fait in faits
            if isinstance(fait, PageLue) and any(mark(ligne.id) in oublis for ligne in fait.lignes)
        }
    if pages:
        with _readable(path), pa.input_stream(str(path), compression="zstd") as stream:
            # pyarrow's stream cannot be read by lines; a buffered reader over it can.
            _write(path, io.BufferedReader(cast(io.RawIOBase, stream), _CHUNK), oublis, marques=debut.marques)
    return pages


def _write(target: Path, source: IO[bytes], oublis: Collection[str], *, marques: bool) -> None:
    aside = target.with_name(f".{target.name}.tmp")
    files.step("write", aside)
    taken = 0
    with pa.output_stream(str(aside), compression="zstd") as sink:
        if oublis:
            for line in source:
                clean, count = redact(line, oublis)
                taken += count
                sink.write(clean)
        else:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
    if taken and not marques:
        files.remove(aside)
        files.remove(target)
        return
    with aside.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    with aside.open("ab") as file:
        file.write(_SEAL.pack(_SKIPPABLE[0], len(digest), digest))
    files.fsync_file(aside)
    files.rename(aside, target)


@contextlib.contextmanager
def open_evidence(path: Path, fin: str | None = None) -> Iterator[tuple[Debut, Iterator[Fait]]]:
    """Read a finished run's journal.

    Args:
        path: its evidence file.
        fin: `chaine` of its last line, from the table `collectes`; None: an end cut off is not noticed.

    Yields:
        The run's identity, and its facts in order, checked against the chain as they are read.

    Raises:
        StoreCorrupt: the file is missing or damaged; while iterating, a line that does not follow.
    """
    with contextlib.ExitStack() as stack:
        with _readable(path):
            sealed = _check_seal(path)
            stream = pa.input_stream(str(path), compression="zstd")
            # pyarrow's stream cannot be read by lines; a buffered reader over it can.
            lines = stack.enter_context(io.BufferedReader(cast(io.RawIOBase, stream), _CHUNK))
            debut, faits = read_facts(lines, path.name, fin)
            if debut.marques and not sealed:
                raise StoreCorrupt(f"The evidence {path.name} has lost its seal", doing="reading it")
        yield debut, _translated(faits, path)


def _check_seal(path: Path) -> bool:
    """Whether the file ends with a seal.

    Raises:
        StoreCorrupt: it does, and the seal is not that of the bytes before it.
    """
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        if size < _SEAL.size:
            return False
        file.seek(size - _SEAL.size)
        magic, length, digest = _SEAL.unpack(file.read(_SEAL.size))
        if magic not in _SKIPPABLE:
            # Also when its first bytes are damaged: what follows the frame is then garbage to the decompressor.
            return False
        file.seek(0)
        found, left = hashlib.sha256(), size - _SEAL.size
        while left and (chunk := file.read(min(left, _CHUNK))):
            found.update(chunk)
            left -= len(chunk)
    if (magic, length, digest) != (_SKIPPABLE[0], found.digest_size, found.digest()):
        raise StoreCorrupt(f"The evidence {path.name} is not as it was written: its seal is broken", doing="reading it")
    return True


def _translated(faits: Iterator[Fait], path: Path) -> Iterator[Fait]:
    with _readable(path):
        yield from faits


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreCorrupt(f"The evidence {path.name} is missing or damaged", doing="reading it") from error
