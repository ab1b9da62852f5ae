"""Unfinished runs: begin one, take one up again, give one up.

A run is a folder: its identity, the raw pages that landed, the journal of facts. A page lands first and its fact is
journalled second, so a fact whose page is missing is damage, and a page without its fact is only a repeated request.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

import msgspec

from moisson.errors import MoissonError, StoreCorrupt
from moisson.model import Fait, PageLue
from moisson.store import files
from moisson.store.journal import Debut, Journal
from moisson.store.landing import land_page, read_page
from moisson.store.layout import Layout, RunLayout, page_number

__all__ = [
    "Abandon",
    "Run",
    "RunInfo",
    "abandon_run",
    "abandoned_runs",
    "begin_run",
    "drop_strays",
    "reopen_run",
    "unfinished_runs",
]

_T = TypeVar("_T")

_AFRESH = "Run `moisson collect --new` to start the run afresh."


class RunInfo(msgspec.Struct, frozen=True):
    """run.json, for a person and for `moisson status`.

    Attributes:
        debut: the run's identity, as in its journal.
        resumed_s: when it was taken up again, seconds since 1970.
    """

    debut: Debut
    resumed_s: tuple[float, ...] = ()


class Abandon(msgspec.Struct, frozen=True):
    """What is remembered of a run that was given up, until the next fold records it.

    Attributes:
        debut: the run's identity.
        quand_s: when it was given up, seconds since 1970.
        raison: why, for a person.
        pages, appels, relances, statut_429: what it had spent.
        premiere_s: when its first page was received, or None.
        derniere_s: when its last answer was received, or None.
        verdict: "abandonnee", or "echouee" when it failed in a way that going on cannot mend.
    """

    debut: Debut
    quand_s: float
    raison: str
    pages: int = 0
    appels: int = 0
    relances: int = 0
    statut_429: int = 0
    premiere_s: float | None = None
    derniere_s: float | None = None
    verdict: str = "abandonnee"


class Run:
    """A run being filled. `land` and `append` may be called from several threads.

    Attributes:
        collecte: its name.
        debut: its identity.
        reprise: it was begun earlier and is being continued.
        pages: journalled facts when it was opened.
        next_no: first page number that is free; the caller counts on from there.
    """

    def __init__(self, layout: RunLayout, journal: Journal, *, reprise: bool, next_no: int) -> None:
        self.layout = layout
        self.journal = journal
        self.reprise = reprise
        self.next_no = next_no
        self.pages = journal.lines - 1

    @property
    def debut(self) -> Debut:
        """The run's identity."""
        return self.journal.debut

    @property
    def collecte(self) -> str:
        """The run's name."""
        return self.journal.debut.collecte

    def land(self, no: int, corps: bytes, encodage: str = "") -> str:
        """Keep an answer's body; see `landing.land_page`. Returns the name for `PageLue.fichier`."""
        return land_page(self.layout, no, corps, encodage)

    def read_page(self, fichier: str) -> bytes:
        """The decompressed body of a landed page. Raises StoreCorrupt."""
        return read_page(self.layout.page(fichier))

    def append(self, fait: Fait) -> None:
        """Journal a fact; when this returns, it is on the disk."""
        self.journal.append(fait)

    def append_many(self, faits: Iterable[Fait]) -> None:
        """Journal several facts with one sync."""
        self.journal.append_many(faits)

    def faits(self) -> Iterator[Fait]:
        """The facts journalled so far, in order, decoded one at a time."""
        return self.journal.read()

    def close(self) -> None:
        """Let go of the journal; the run stays unfinished and can be taken up again."""
        self.journal.close()


def run_name(now_s: float, taken: Collection[str]) -> str:
    """Name of a run that begins now: 20261123T224601Z, with -2, -3 ... while that is taken."""
    name = dt.datetime.fromtimestamp(now_s, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    candidates = (name, *(f"{name}-{n}" for n in range(2, 1000)))
    return next(candidate for candidate in candidates if candidate not in taken)


def begin_run(layout: RunLayout, debut: Debut) -> Run:
    """Begin a run in a folder that does not exist yet. Raises what `files.border` does."""
    with files.border("beginning a run"):
        files.make_dir(layout.pages)
        journal = Journal.create(layout.journal, debut)
        # Last: a folder without run.json was never begun, and is cleared away.
        _write_info(layout, RunInfo(debut))
    return Run(layout, journal, reprise=False, next_no=1)


def reopen_run(layout: RunLayout, now_s: float) -> Run:
    """Take up an unfinished run: check its journal, clear away what the journal does not know.

    Raises:
        StoreCorrupt: the journal is damaged, or a page it names is missing or empty.
    """
    info = read_info(layout)
    journal = Journal.reopen(layout.journal)
    try:
        known = _check_pages(layout, journal)
        drop_strays(layout, known)
        _write_info(layout, RunInfo(info.debut, (*info.resumed_s, now_s)))
    except BaseException:
        journal.close()
        raise
    next_no = max((page_number(name) or 0 for name in known), default=0) + 1
    return Run(layout, journal, reprise=True, next_no=next_no)


def drop_strays(layout: RunLayout, known: Collection[str]) -> None:
    """Remove what landed in a run's folder without a fact that names it. Raises what `files.border` does."""
    with files.border("clearing away pages without a fact"), os.scandir(layout.pages) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name not in known:
                files.remove(layout.pages / entry.name)


def _check_pages(layout: RunLayout, journal: Journal) -> set[str]:
    sizes = {entry.name: entry.stat().st_size for entry in os.scandir(layout.pages)} if layout.pages.is_dir() else {}
    known = {fait.fichier for fait in journal.read() if isinstance(fait, PageLue) and fait.fichier}
    for name in sorted(known):
        if page_number(name) is None or not sizes.get(name):
            raise StoreCorrupt(
                f"The landed page {name} is missing although the journal names it",
                doing=f"taking up run {journal.debut.collecte}",
                todo=_AFRESH,
            )
    return known


def abandon_run(layout: RunLayout, raison: str, now_s: float, *, verdict: str = "abandonnee") -> None:
    """Give up a run: remember what it had spent, remove its pages and journal. May be repeated after a crash."""
    if not layout.abandon.exists():
        fait = msgspec.structs.replace(_spent(layout, raison, now_s), verdict=verdict)
        with files.border("giving up a run"):
            files.write_whole(layout.abandon, msgspec.json.encode(fait))
    with files.border("giving up a run"):
        files.remove(layout.pages)
        files.remove(layout.journal)


def _spent(layout: RunLayout, raison: str, now_s: float) -> Abandon:
    debut = read_info(layout).debut
    pages = appels = statut_429 = refaites = 0
    premiere: float | None = None
    derniere: float | None = None
    try:
        journal = Journal.reopen(layout.journal)
        try:
            for fait in journal.read():
                refaites += fait.tentatives - 1
                appels += fait.tentatives
                statut_429 += fait.refus_429
                derniere = fait.recu_s
                if isinstance(fait, PageLue):
                    pages += 1
                    premiere = fait.recu_s if premiere is None else premiere
        finally:
            journal.close()
    except (MoissonError, OSError):
        # A damaged journal is a reason to give a run up; what can be counted is counted.
        pass
    return Abandon(debut, now_s, raison, pages, appels, refaites, statut_429, premiere, derniere)


def unfinished_runs(layout: Layout) -> list[str]:
    """Names of the runs that could be taken up, oldest first."""
    names = ((name, layout.run(name)) for name in layout.run_names())
    return [name for name, run in names if run.run.exists() and not run.abandon.exists()]


def abandoned_runs(layout: Layout) -> list[Abandon]:
    """The runs given up and not recorded yet, oldest first."""
    paths = (layout.run(name).abandon for name in layout.run_names())
    return [_decode(path.read_bytes(), Abandon, path.name) for path in paths if path.exists()]


def read_info(layout: RunLayout) -> RunInfo:
    """Read run.json. Raises StoreCorrupt."""
    return _decode(layout.run.read_bytes(), RunInfo, layout.run.name)


def _decode(data: bytes, type_: type[_T], name: str) -> _T:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise StoreCorrupt(f"{name} is damaged", doing="reading a run's folder", todo=_AFRESH) from error


def _write_info(layout: RunLayout, info: RunInfo) -> None:
    with files.border("writing run.json"):
        files.write_whole(layout.run, msgspec.json.format(msgspec.json.encode(info), indent=2))
