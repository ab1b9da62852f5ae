"""Paths and names of a store folder; no other module spells them.

    STORE/
      store.json                          what this store is: format, source, simulated or not
      lock                                held (flock) by whoever fills the store
      runs/<collecte>/                    an unfinished run
        run.json  journal.ndjson  pages/00000001.json.gz ...  abandon.json (once given up)
      evidence/<collecte>.ndjson.zst      the journal of a finished run
      raw/<collecte>/                     raw pages of a finished run, only with keep_raw
      territoires/                        official files that `moisson territories --fetch` brought, and their record
      generations/000001/                 one state of the lake, never changed once it has this name
        manifest.json  <table>/<table>-000001-0000.parquet ...  index/offres-000001-0000.npy ...
      current -> generations/000001       the commit point: switched by one rename

Names as .tmp-*, .gone-* or .*.tmp are being written or removed; whoever holds the lock may delete them.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

__all__ = ["Layout", "RunLayout", "data_file_name", "generation_name", "page_name"]

_PAGE = re.compile(r"[0-9]{8}\.json\.gz")
_GENERATION = re.compile(r"[0-9]{6,}")
_COLLECTE = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")

_LEFTOVER = re.compile(r"\.(tmp|gone)-[0-9TZ-]+|\..+\.tmp")


def page_name(no: int) -> str:
    """Name of the landed page number `no` (1 or more)."""
    return f"{no:08d}.json.gz"


def page_number(name: str) -> int | None:
    """Number of a landed page from its name, or None for any other name."""
    return int(name[:8]) if _PAGE.fullmatch(name) else None


def generation_name(number: int) -> str:
    """Folder name of a generation; the next one always sorts after."""
    return f"{number:06d}"


def generation_number(name: str) -> int | None:
    """Number of a generation from its folder name, or None for any other name."""
    return int(name) if _GENERATION.fullmatch(name) else None


def begun_s(collecte: str) -> float:
    """When a run began, seconds since 1970, from its name."""
    return dt.datetime.strptime(collecte[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()


def data_file_name(table: str, generation: int, part: int) -> str:
    """Name of a data file, after the generation that wrote it: a linked file keeps it, so a name means one content."""
    return f"{table}-{generation:06d}-{part:04d}.parquet"


def data_file_table(nom: str) -> str:
    """The table that a data file was written for."""
    return nom.rsplit("-", 2)[0]


INDEX = "index"
"""Folder of a generation for what the next fold needs to know of its offers."""


def index_file_name(data_file: str) -> str:
    """Name of the index of a data file."""
    return data_file.removesuffix(".parquet") + ".npy"


class RunLayout:
    """Where one unfinished run lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = folder / "run.json"
        self.journal = folder / "journal.ndjson"
        self.pages = folder / "pages"
        self.abandon = folder / "abandon.json"

    def page(self, name: str) -> Path:
        """Path of a landed page.

        Raises:
            ValueError: a name that `page_name` does not make (it may come from a damaged journal).
        """
        if not _PAGE.fullmatch(name):
            raise ValueError(f"not the name of a landed page: {name!r}")
        return self.pages / name


class Layout:
    """Where everything lies in one store folder.

    Attributes:
        root: the store folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "store.json"
        self.lock = root / "lock"
        self.runs = root / "runs"
        self.evidence = root / "evidence"
        self.raw = root / "raw"
        self.territoires = root / "territoires"
        self.generations = root / "generations"
        self.current = root / "current"

    def run(self, collecte: str) -> RunLayout:
        """Where this run lies while unfinished."""
        return RunLayout(self.runs / collecte)

    def evidence_of(self, collecte: str) -> Path:
        """The file that keeps this finished run's journal."""
        return self.evidence / f"{collecte}.ndjson.zst"

    def generation(self, number: int) -> Path:
        """The folder of a generation."""
        return self.generations / generation_name(number)

    def run_names(self) -> list[str]:
        """Names of the runs that have a folder, oldest first."""
        return sorted(p.name for p in _children(self.runs) if _COLLECTE.fullmatch(p.name))

    def evidence_names(self) -> list[str]:
        """Names of the runs whose evidence is kept, oldest first."""
        names = (p.name.removesuffix(".ndjson.zst") for p in _children(self.evidence))
        return sorted(name for name in names if _COLLECTE.fullmatch(name))

    def raw_names(self) -> list[str]:
        """Names of the finished runs whose raw pages are kept, oldest first."""
        return sorted(p.name for p in _children(self.raw) if _COLLECTE.fullmatch(p.name))

    def generation_numbers(self) -> list[int]:
        """Numbers of the generations that have a folder, in order."""
        return sorted(n for p in _children(self.generations) if (n := generation_number(p.name)) is not None)

    def leftovers(self) -> list[Path]:
        """What an interrupted writer left; other dotted names are somebody else's."""
        folders = (self.root, self.runs, self.evidence, self.raw, self.generations)
        return sorted(p for folder in folders for p in _children(folder) if _LEFTOVER.fullmatch(p.name))


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
