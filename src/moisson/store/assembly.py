"""Second pass of the fold: offers gathered from pages and files into the periods' files, in bounded memory.

Pages are read newest first, once. An offer whose JSON is what it was before is not decoded: its row is copied from the
previous generation when its period is written, and not even that when nothing in the period changed.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from moisson.errors import StoreCorrupt
from moisson.store.columns import rows_to_batch
from moisson.store.generation import GenerationWriter
from moisson.store.index import OFFRE, Before
from moisson.store.ordinals import Ordinals, Rangs
from moisson.store.past import Past
from moisson.store.periods import Borne
from moisson.store.previous import CONTENTS, PreviousRows, dated
from moisson.store.rows import Rangee, RowReader
from moisson.store.runs import Run
from moisson.store.schema import OFFRES
from moisson.store.seen import id_keys

__all__ = ["Assembly", "Place", "period_digest"]

_READ_AHEAD = 4
"""Pages decompressed ahead of the one being decoded; about 0.6 MB each."""

_BATCH_ROWS = 2048
"""Decoded offers are turned into columns by so many: about 7 kB an offer before, half of it after."""

_PENDING_MAX = 16_384
"""Most decoded offers waiting over all periods."""

_WRITERS = 2
"""Periods written at once, while the next one is gathered; each holds some 10 kB an offer for that time."""

Indices = npt.NDArray[np.int64]


class Place(msgspec.Struct):
    """Every offer of the new state, sorted by creation then key, oldest first.

    Attributes:
        keys, creation_ms: its key (`id_keys`) and creation.
        page: landed page that holds it, or -1: the run did not see it, and it is kept.
        row: its row there.
        before: its place in the previous state (`Before`), or -1.
        empreinte: hash of what is stored of it; known once it is read, or at once if it is kept.
        brut: hash of its JSON as received; likewise.
        depuis, version: run that first saw this content, and its number; they move on when another content is read.
        premiere, sejour: run that first saw it in this stay, and the number of the stay.
        vue: run that last saw it, or `index.VUE`.
    """

    keys: npt.NDArray[np.uint64]
    creation_ms: Indices
    page: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    before: npt.NDArray[np.int32]
    empreinte: Indices
    brut: Indices
    depuis: Rangs
    version: Rangs
    premiere: Rangs
    sejour: Rangs
    vue: Rangs


class _Page(msgspec.Struct):
    resultats: list[msgspec.Raw] = []


class _Period:
    """One period being gathered: `start` to `end` (excluded) of the places, `missing` of them not read yet."""

    def __init__(self, start: int, end: int, borne: Borne | None, missing: int) -> None:
        self.start, self.end, self.borne, self.missing = start, end, borne, missing
        self.pending: list[Rangee] = []
        self.batches: list[pa.RecordBatch] = []
        # The place of each decoded row, those in batches first, then those pending.
        self.order: list[int] = []

    def flush(self) -> None:
        if self.pending:
            self.batches.append(rows_to_batch(self.pending))
            self.pending = []


class Assembly:
    """Writes the table `offres` of one generation.

    Args:
        run: its pages are read.
        writer: its previous generation's files are copied from, and linked where nothing changed.
        before: the previous state.
        previous: its rows.
        past: is told what was superseded.
        place: what to write; hashes are filled in, and the versions of what changed.
        periods: the cut, from `cut_periods`.
        pages: name and SHA-256 of the landed pages, as `place.page` numbers them.
        ordinals: the runs, this one last.
        forme: digest of the columns and of what is kept out of them.
        store_contacts: see FoldOptions.
    """

    def __init__(
        self,
        run: Run,
        writer: GenerationWriter,
        before: Before,
        previous: PreviousRows,
        past: Past,
        place: Place,
        periods: Sequence[tuple[int, int, Borne | None]],
        pages: Sequence[tuple[str, str]],
        *,
        ordinals: Ordinals,
        forme: str,
        store_contacts: bool,
    ) -> None:
        self._run = run
        self._writer = writer
        self._before = before
        self._place = place
        # Rows to copy from the previous generation: the kept ones, and as pages are read, those that did not change.
        self._copied = place.page < 0
        to_read = [int(np.count_nonzero(~self._copied[start:end])) for start, end, _ in periods]
        self._periods = [_Period(*period, missing) for period, missing in zip(periods, to_read, strict=True)]
        self._starts = np.array([period.start for period in self._periods])
        self._pages = pages
        self._ordinals = ordinals
        self._forme = forme
        self._reader = RowReader(store_contacts=store_contacts)
        self._decoder = msgspec.json.Decoder(_Page)
        self._previous = previous
        self._past = past
        found = writer.previous.manifest.tables.get("offres", ()) if writer.previous is not None else ()
        self._linkable = {file.digest: file for file in found} if previous.same_form else {}
        self._writing: deque[Future[None]] = deque()
        # Of offers known before, under another form and with another JSON: their content, until it is compared.
        self._contents: dict[int, int] = {}
        self._pending = 0
        self._ecarts = 0
        self._parts = 0

    def write(self) -> int:
        """Write or link every file of the table; returns how many values were not of the official type."""
        self._writer.begin_table("offres")
        with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(_WRITERS) as writing:
            for period in self._periods:
                if period.missing == 0:
                    self._finish(period, writing)
            groups = self._by_page()
            bodies = self._bodies((page for page, _ in groups), reading)
            for (page, indices), body in zip(groups, bodies, strict=True):
                self._take_page(body, self._pages[page][0], indices)
                for number in sorted(set(self._numbers(indices))):
                    if self._periods[number].missing == 0:
                        self._finish(self._periods[number], writing)
            while self._writing:
                self._writing.popleft().result()
        return self._ecarts

    def _by_page(self) -> list[tuple[int, Indices]]:
        """Each page with the places it fills, newest first."""
        seen = np.flatnonzero(self._place.page >= 0)
        pages = self._place.page[seen]
        order = np.argsort(pages, kind="stable")
        by_page = seen[order]
        groups = np.split(by_page, np.flatnonzero(np.diff(pages[order])) + 1)
        groups = [group for group in groups if len(group)]
        groups.sort(key=lambda group: -int(group[-1]))
        return [(int(self._place.page[group[0]]), group) for group in groups]

    def _bodies(self, pages: Iterable[int], reading: ThreadPoolExecutor) -> Iterator[bytes]:
        """The pages' bodies in order, decompressed and checked a few ahead in another thread."""
        ahead: deque[Future[bytes]] = deque()
        for page in pages:
            ahead.append(reading.submit(self._body, page))
            if len(ahead) > _READ_AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def _body(self, page: int) -> bytes:
        fichier, sha256 = self._pages[page]
        body = self._run.read_page(fichier)
        if sha256 and hashlib.sha256(body).hexdigest() != sha256:
            raise _damaged(fichier)
        return body

    def _numbers(self, indices: Indices) -> list[int]:
        """The period of each place."""
        numbers: list[int] = (np.searchsorted(self._starts, indices, "right") - 1).tolist()
        return numbers

    def _take_page(self, body: bytes, fichier: str, indices: Indices) -> None:
        place, before = self._place, self._before
        try:
            bruts = self._decoder.decode(body).resultats
        except msgspec.DecodeError as error:
            raise _damaged(fichier) from error
        rows = place.row[indices]
        if int(rows.max()) >= len(bruts):
            raise _damaged(fichier)
        wanted = [bruts[row] for row in rows.tolist()]
        place.brut[indices] = _hashes(wanted)
        at = place.before[indices]
        same = (at >= 0) & self._previous.same_form
        same[same] = before.brut[at[same]] == place.brut[indices[same]]
        place.empreinte[indices[same]] = before.empreinte[at[same]]
        self._copied[indices[same]] = True
        changed = np.flatnonzero(~same)
        rangees = [self._reader.read(wanted[i]) for i in changed.tolist()]
        # The same truth twice: what the journal said of this page is what the page holds.
        ids = [rangee.offre.id or "" for rangee in rangees]
        if not np.array_equal(id_keys(ids), place.keys[indices[changed]]):
            raise _damaged(fichier)
        place.empreinte[indices[changed]] = [rangee.empreinte for rangee in rangees]
        if self._previous.same_form:
            self._move_on(indices[changed])
        else:
            self._contents.update(
                (index, CONTENTS.read(wanted[i]).empreinte)
                for i, index in zip(changed.tolist(), indices[changed].tolist(), strict=True)
                if at[i] >= 0 and before.brut[at[i]] != place.brut[index]
            )
        self._ecarts += sum(rangee.ecarts for rangee in rangees)
        self._gather(rangees, indices[changed])
        for number in self._numbers(indices):
            self._periods[number].missing -= 1

    def _move_on(self, indices: Indices) -> None:
        """Another content than before is the next version; for another order of keys, the hash is the same."""
        known = indices[self._place.before[indices] >= 0]
        self._edit(known[self._before.empreinte[self._place.before[known]] != self._place.empreinte[known]])

    def _compare(self, period: _Period) -> None:
        """Where the form is another, hashes are not of the same things: the contents themselves are compared, of the
        offers whose JSON is another."""
        doubtful = np.array([index for index in range(period.start, period.end) if index in self._contents], np.int64)
        at = self._place.before[doubtful].astype(np.int64)
        found = self._before.file[at]
        for file in np.unique(found).tolist():
            here = doubtful[found == file]
            now = [self._contents.pop(index) for index in here.tolist()]
            self._edit(here[self._previous.contents(file, at[found == file]) != now])

    def _edit(self, edited: Indices) -> None:
        """These offers have their next content; this run is the first to see it."""
        self._place.version[edited] += 1
        self._place.depuis[edited] = self._ordinals.latest
        self._past.supersede(self._place.before[edited].astype(np.int64))

    def _gather(self, rangees: Sequence[Rangee], indices: Indices) -> None:
        numbers = self._numbers(indices)
        for rangee, index, number in zip(rangees, indices.tolist(), numbers, strict=True):
            self._periods[number].pending.append(rangee)
            self._periods[number].order.append(index)
        self._pending += len(rangees)
        crowded = self._pending > _PENDING_MAX
        for period in self._periods if crowded else map(self._periods.__getitem__, sorted(set(numbers))):
            if crowded or len(period.pending) >= _BATCH_ROWS:
                self._flush(period)

    def _flush(self, period: _Period) -> None:
        self._pending -= len(period.pending)
        period.flush()

    def _finish(self, period: _Period, writing: ThreadPoolExecutor) -> None:
        """Everything of a period is known: link its file if it is the same as before, else have it written."""
        self._flush(period)
        if self._contents:
            self._compare(period)
        file = self._linkable.get(self._digest(period))
        if file is not None:
            self._writer.link("offres", msgspec.structs.replace(file, borne=period.borne))
            period.batches = []
            return
        if len(self._writing) == _WRITERS:
            self._writing.popleft().result()
        self._writing.append(writing.submit(self._write, period, self._parts))
        self._parts += 1

    def _write(self, period: _Period, part: int) -> None:
        pieces = [pa.Table.from_batches(period.batches, OFFRES)]
        # For each place of the period, its row in the pieces one after the other.
        position = np.empty(period.end - period.start, np.int64)
        position[np.array(period.order, np.int64) - period.start] = np.arange(len(period.order))
        period.batches, period.order = [], []
        copied = np.flatnonzero(self._copied[period.start : period.end]) + period.start
        found = self._before.file[self._place.before[copied]]
        piece = pieces[0]
        for file in np.unique(found).tolist():
            piece, rows_there = self._copy(file, copied[found == file])
            position[copied[found == file] - period.start] = rows_there + sum(map(len, pieces))
            pieces.append(piece)
        place, rows = self._place, slice(period.start, period.end)
        whole = pa.concat_tables(pieces).combine_chunks()
        del pieces, piece
        # `position` is by place; the columns are by row.
        place_of = np.full(len(whole), period.start)
        place_of[position] = np.arange(period.start, period.end)
        data = dated(whole, place.version[place_of], place.depuis[place_of], self._ordinals)
        index = np.empty(len(position), OFFRE)
        for name in OFFRE.names or ():
            column = place.keys if name == "key" else getattr(place, name)
            index[name] = column[rows][::-1]
        digest = self._digest(period)
        newest_first = position[::-1]
        self._writer.write("offres", part, data, digest=digest, borne=period.borne, order=newest_first, index=index)
        del data, whole
        # Else each thread's allocator keeps what a period took, and memory grows with the number of threads.
        pa.default_memory_pool().release_unused()

    def _copy(self, file: int, indices: Indices) -> tuple[pa.Table, Indices]:
        """A table with these rows of the previous generation, and where each of them is in it."""
        at = self._place.before[indices].astype(np.int64)
        data, rows, empreintes = self._previous.read(file, at, self._place.keys[indices], self._past.take)
        if empreintes is not None:
            self._place.empreinte[indices] = empreintes
        return data, rows

    def _digest(self, period: _Period) -> str:
        place, rows = self._place, slice(period.start, period.end)
        return period_digest(
            self._forme, place.keys[rows], place.empreinte[rows], place.depuis[rows], place.version[rows]
        )


def period_digest(forme: str, keys: npt.NDArray[np.uint64], empreinte: Indices, depuis: Rangs, version: Rangs) -> str:
    """Digest of what a period's file holds, from its offers, oldest first."""
    digest = hashlib.sha256(forme.encode())
    for column in (keys, empreinte, depuis, version):
        digest.update(column.tobytes())
    return digest.hexdigest()


def _hashes(bruts: Iterable[msgspec.Raw]) -> Indices:
    """64-bit hash of each JSON text."""
    joined = b"".join([hashlib.sha256(brut).digest()[:8] for brut in bruts])
    return np.frombuffer(joined, "<i8").astype(np.int64)


def _damaged(name: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{name} does not hold what was recorded of it",
        doing="folding the run",
        todo="Run `moisson collect --new` to start the run afresh.",
    )
