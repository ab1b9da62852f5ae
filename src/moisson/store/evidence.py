"""What stays of a finished run once its pages are gone: its journal, compressed, chain and all."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pyarrow as pa

from moisson.errors import StoreCorrupt
from moisson.model import Fait
from moisson.store import files
from moisson.store.journal import Debut, read_facts
from moisson.store.layout import Layout
from moisson.store.runs import Run

__all__ = ["keep_evidence", "open_evidence"]

_CHUNK = 1 << 20


def keep_evidence(layout: Layout, run: Run) -> Path:
    """Copy a run's journal to its evidence file, durably. Doing it again writes the same file."""
    files.make_dir(layout.evidence)
    target = layout.evidence_of(run.collecte)
    aside = target.with_name(f".{target.name}.tmp")
    files.step("write", aside)
    with run.layout.journal.open("rb") as source, pa.output_stream(str(aside), compression="zstd") as sink:
        while chunk := source.read(_CHUNK):
            sink.write(chunk)
    files.fsync_file(aside)
    files.rename(aside, target)
    return target


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
            stream = pa.input_stream(str(path), compression="zstd")
            # pyarrow's stream cannot be read by lines; a buffered reader over it can.
            lines = stack.enter_context(io.BufferedReader(cast(io.RawIOBase, stream), _CHUNK))
            debut, faits = read_facts(lines, path.name, fin)
        yield debut, _translated(faits, path)


def _translated(faits: Iterator[Fait], path: Path) -> Iterator[Fait]:
    with _readable(path):
        yield from faits


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreCorrupt(f"The evidence {path.name} is missing or damaged", doing="reading it") from error
