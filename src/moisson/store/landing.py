"""Raw pages on disk, compressed, as they were received: the first thing that happens to an answer."""

from __future__ import annotations

import gzip
from pathlib import Path

from isal import igzip, isal_zlib

from moisson.errors import StoreCorrupt
from moisson.store import files
from moisson.store.layout import RunLayout, page_name

__all__ = ["land_page", "read_page"]

_GZIP_MAGIC = b"\x1f\x8b"


def land_page(run: RunLayout, no: int, corps: bytes, encodage: str) -> str:
    """Keep one answer's body; when this returns, it is on the disk. Threads may land different numbers at once.

    Args:
        run: where the run lies.
        no: number of the page in the run, from 1, never used twice.
        corps: the body as it came over the wire.
        encodage: its Content-Encoding: "gzip" is kept as it came; "" or "identity" is compressed at the lowest level.

    Returns:
        The name to put in the fact (`PageLue.fichier`).

    Raises:
        ValueError: another encoding; the client asks for gzip only.
        DiskFull, StoreUnwritable, StoreError: see `files.border`.
    """
    if encodage.strip().lower() in {"gzip", "x-gzip"} and corps[:2] == _GZIP_MAGIC:
        data = corps
    elif encodage.strip().lower() in {"", "identity"}:
        # mtime=0: the same page gives the same bytes, and no clock is read here.
        data = gzip.compress(corps, compresslevel=1, mtime=0)
    else:
        raise ValueError(f"a page can be landed from gzip or identity, not from {encodage!r}")
    name = page_name(no)
    with files.border(f"landing page {no}"):
        files.write_whole(run.page(name), data)
    return name


def read_page(path: Path) -> bytes:
    """Read back a landed page, decompressed: byte for byte what the API's body was.

    Raises:
        StoreCorrupt: the file is missing, short or damaged.
    """
    try:
        data = path.read_bytes()
        if not data:
            raise EOFError("no data at all")
        # Ordinary gzip, unpacked in a quarter of the time that `gzip` takes: every fold unpacks every page.
        body: bytes = igzip.decompress(data)  # type: ignore[no-untyped-call]
        return body
    except FileNotFoundError as error:
        raise StoreCorrupt(
            f"The landed page {path.name} is missing although the journal names it",
            doing="reading it back",
            todo="Run `moisson collect --new` to start the run afresh.",
        ) from error
    except (OSError, EOFError, isal_zlib.error) as error:  # type: ignore[misc]  # its stub names an instance
        raise StoreCorrupt(
            f"The landed page {path.name} is damaged",
            doing="reading it back",
            todo="Run `moisson collect --new` to start the run afresh.",
        ) from error
