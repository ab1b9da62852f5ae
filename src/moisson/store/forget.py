"""Forgetting offers: out of every table, version and file, and kept out of what is still to come.

In this order: a new generation without them, switched as a fold does, whose manifest has a mark of each id; every
superseded generation, at once, since it still holds them; the evidence, where the mark takes the id's place and all
still holds; kept raw pages; an unfinished run that read one of them. Until the switch nothing was done. From then on no
run brings one back, whatever is left, and the proof holds: evidence may name the id or its mark. A crash leaves less to
do, and forgetting again ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from moisson.errors import StoreCorrupt, UsageError
from moisson.model import PageLue
from moisson.store import files, past, presence
from moisson.store.aggregates import TABLE as AGREGATS
from moisson.store.aggregates import write_aggregates
from moisson.store.assembly import period_digest
from moisson.store.doublons import write_doublons
from moisson.store.empty import write_empty
from moisson.store.evidence import redact_evidence
from moisson.store.generation import DataFile, Generation, GenerationWriter, current_generation, switch, vacuum
from moisson.store.index import STAY, read_index_if_any
from moisson.store.journal import Journal
from moisson.store.layout import Layout, RunLayout
from moisson.store.masking import mark
from moisson.store.periods import ROWS_MAX
from moisson.store.runs import abandon_run, drop_strays, unfinished_runs

__all__ = ["Oubli", "forget_offres"]


class Oubli(msgspec.Struct, frozen=True):
    """What forgetting did.

    Attributes:
        ids: the ids, sorted.
        online: those that were online as far as the store and its unfinished run knew; the source still shows them, and
            every run will leave them out.
        lignes: rows removed, by table.
        preuves: runs whose evidence held one of them; marks stand there now.
        abandonnees: unfinished runs that were given up, since their pages held one.
        generation: number of the new state.
    """

    ids: tuple[str, ...]
    online: tuple[str, ...]
    lignes: dict[str, int]
    preuves: tuple[str, ...]
    abandonnees: tuple[str, ...]
    generation: int


def forget_offres(layout: Layout, ids: Collection[str], now_s: float) -> Oubli:
    """Forget offers.

    Args:
        layout: a store whose lock is held.
        ids: their ids.
        now_s: wall clock.

    Raises:
        UsageError: the store never held one of them; nothing was changed.
        StoreCorrupt: a file of the store is damaged.
        DiskFull, StoreUnwritable, StoreError: the disk; forgetting again goes on.
    """
    with files.border("forgetting offers"):
        previous = current_generation(layout)
        wanted = {id_: mark(id_) for id_ in ids}
        lues = {collecte: _read_by(layout.run(collecte), wanted) for collecte in unfinished_runs(layout)}
        online = _online(previous, wanted, lues)
        writer = GenerationWriter(layout, previous)
        marks, oubliees, lignes = frozenset(wanted.values()), 0, {}
        if previous is None:
            write_empty(writer)
        else:
            lignes = _Without(writer, frozenset(ids), previous).write(now_s)
            marks |= frozenset(previous.manifest.oublis)
            oubliees = previous.manifest.oubliees + lignes.get("offres", 0)
        switch(layout, writer.commit(made_s=now_s, oublis=tuple(sorted(marks)), oubliees=oubliees))
        vacuum(layout, now_s=now_s, retention_s=0.0)
        # All marks: an earlier forgetting may have been cut short.
        preuves = tuple(_forget_evidence(layout, marks))
        abandonnees = tuple(_forget_unfinished(layout, lues, now_s))
    return Oubli(tuple(sorted(ids)), tuple(sorted(online)), lignes, preuves, abandonnees, writer.number)


class _Lues(msgspec.Struct, frozen=True):
    """What an unfinished run read: which of the ids, and the pages that its journal names; None: nobody can say."""

    ids: frozenset[str] | None
    pages: frozenset[str] = frozenset()


def _read_by(run: RunLayout, wanted: Collection[str]) -> _Lues:
    """Which of the ids an unfinished run read."""
    ids: set[str] = set()
    pages: set[str] = set()
    try:
        journal = Journal.reopen(run.journal)
        try:
            for fait in journal.read():
                if isinstance(fait, PageLue):
                    ids.update(ligne.id for ligne in fait.lignes if ligne.id in wanted)
                    pages.add(fait.fichier)
        finally:
            journal.close()
    except (StoreCorrupt, FileNotFoundError):
        return _Lues(None)
    return _Lues(frozenset(ids), frozenset(pages))


def _online(previous: Generation | None, wanted: dict[str, str], lues: dict[str, _Lues]) -> set[str]:
    """Those of the ids that are online. Raises UsageError for one that the store never held."""
    online = {id_ for run in lues.values() for id_ in run.ids or ()}
    known = set(online)
    if previous is not None:
        known |= {id_ for id_, mark_ in wanted.items() if mark_ in previous.manifest.oublis}
        for table in ("offres", "presence"):
            found = {id_ for path in previous.files(table) for id_ in _ids(path).to_pylist() if id_ in wanted}
            known |= found
            online |= found if table == "offres" else set()
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise UsageError(
            f"This store holds no offer {', '.join(unknown)}",
            doing="looking for what is to be forgotten",
            todo="Nothing was changed. Check the ids: leading zeros count.",
        )
    return online


def _ids(path: Path) -> pa.ChunkedArray[Any]:
    return pq.read_table(path, columns=["id"], partitioning=None).column("id")


def _forget_evidence(layout: Layout, marks: frozenset[str]) -> Iterator[str]:
    """Put marks into the evidence; runs whose evidence held one. Their raw pages go, if they were kept."""
    for collecte in layout.evidence_names():
        pages = redact_evidence(layout, collecte, marks)
        for name in pages:
            files.remove(layout.raw / collecte / name)
        if pages:
            yield collecte
    # Without evidence nothing says which pages hold what.
    for collecte in set(layout.raw_names()) - set(layout.evidence_names()):
        files.remove(layout.raw / collecte)


def _forget_unfinished(layout: Layout, lues: dict[str, _Lues], now_s: float) -> Iterator[str]:
    """Give up the unfinished runs whose pages hold one, or may; what landed without a fact goes in any case."""
    for collecte, read in lues.items():
        run = layout.run(collecte)
        if read.ids is None or read.ids:
            abandon_run(run, "it had read offers that were to be forgotten", now_s)
            yield collecte
        else:
            drop_strays(run, read.pages)


DOUBLONS = "doublons"


class _Without:
    """Writes a generation that is the previous one without some offers."""

    def __init__(self, writer: GenerationWriter, ids: frozenset[str], previous: Generation) -> None:
        self._writer, self._previous = writer, previous
        self._ids = ids
        self._parts: dict[str, int] = {}
        self._removed: dict[str, int] = {}
        self._online: list[pa.Table] = [past.MOUVEMENT.empty_table()]

    def write(self, now_s: float) -> dict[str, int]:
        """Write or link every table; rows removed, by table."""
        writer, tables = self._writer, self._previous.manifest.tables
        for table in tables:
            if table in (AGREGATS, DOUBLONS):
                continue
            writer.begin_table(table)
            if table == presence.TABLE:
                self._going_on()
            for file in self._previous.manifest.own(table):
                if table != presence.TABLE or not file.digest:
                    self._file(table, file)
        if past.TABLE in tables:
            writer.share(past.TABLE, "offres")
        if DOUBLONS in tables:
            # Found again: a group may bear the name of one that goes.
            write_doublons(writer, self._previous.manifest.forme_offres)
        if AGREGATS in tables:
            gone = pa.concat_tables(self._online)
            write_aggregates(writer, gone, collecte=None, instant_ms=round(now_s * 1000), rows_max=ROWS_MAX)
        return self._removed

    def _file(self, table: str, file: DataFile) -> None:
        path = self._previous.folder / table / file.nom
        if "id" not in pq.read_schema(path).names:
            self._writer.link(table, file)
            return
        rows = self._staying(_ids(path))
        if rows.all():
            self._writer.link(table, file)
            return
        data = pq.read_table(path, partitioning=None)
        if table == "offres":
            self._online.append(past.mouvements_of(data.filter(~rows), np.zeros(np.count_nonzero(~rows), np.bool_)))
        index = read_index_if_any(self._previous.index(file))
        if index is not None:
            index = index[rows]
        digest = ""
        if table == "offres" and index is not None and "depuis" in (index.dtype.names or ()):
            oldest_first = index[::-1]
            digest = period_digest(
                self._previous.manifest.forme_offres,
                *(oldest_first[name] for name in ("key", "empreinte", "depuis", "version")),
            )
        self._write(table, data.filter(rows), index, digest, file.borne)
        self._count(table, rows)

    def _staying(self, ids: pa.ChunkedArray[Any]) -> npt.NDArray[np.bool_]:
        return np.array([id_ not in self._ids for id_ in ids.to_pylist()], np.bool_)

    def _going_on(self) -> None:
        """The stays that are going on are in the order of `offres`, of which they know the creations."""
        (file,) = (file for file in self._previous.manifest.own(presence.TABLE) if file.digest)
        path = self._previous.folder / presence.TABLE / file.nom
        data = pq.read_table(path, partitioning=None)
        rows = self._staying(data.column("id"))
        if rows.all():
            self._writer.link(presence.TABLE, file)
            return
        index = read_index_if_any(self._previous.index(file))
        assert index is not None
        offres = [read_index_if_any(self._previous.index(one)) for one in self._previous.manifest.tables["offres"]]
        known = np.concatenate([one for one in offres if one is not None])[rows]
        digest = presence.stays_digest(known["key"], known["creation_ms"], index[rows].astype(STAY))
        self._write(presence.TABLE, data.filter(rows), index[rows], digest, None)
        self._count(presence.TABLE, rows)

    def _write(
        self,
        table: str,
        data: pa.Table,
        index: npt.NDArray[np.void] | None,
        digest: str,
        borne: tuple[int, int] | None,
    ) -> None:
        part = self._parts.get(table, 0)
        self._parts[table] = part + 1
        self._writer.write(table, part, data, digest=digest, borne=borne, index=index)

    def _count(self, table: str, rows: npt.NDArray[np.bool_]) -> None:
        self._removed[table] = self._removed.get(table, 0) + int(np.count_nonzero(~rows))
