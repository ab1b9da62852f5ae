"""A consistent copy of a store, also while it is filled: what `moisson backup` makes.

A copy is a store: one state of the lake, the evidence of its runs, the geography fetched, and store.json. It can be
made at any moment without any lock on the store, because a state is never changed once it has its number. Done again,
it takes over what did not change from the copy before, by hard links.

The steps, each of which may be the last before a power cut:

    backup.json       whose copy this is; written first, so that an interrupted copy is known for what it is
    evidence          each file aside, then renamed
    territoires       the official files, likewise
    the generation    aside as .tmp-<number>, file by file, then renamed to its number
    current           switched by one rename: from here on, readers of the copy see the new state
    store.json        last of a first copy: until then, there is no store in the folder
    what is old       the state before, and the evidence that the store no longer keeps

A file is taken to be unchanged by its name, size and time of change, as rsync does; copies keep that time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import msgspec

from moisson.errors import StoreCorrupt, StoreError, StoreUnwritable
from moisson.store import files
from moisson.store.generation import Generation, current_generation, read_generation, switch
from moisson.store.layout import Layout, generation_name
from moisson.store.lock import hold_lock
from moisson.store.space import check_space

__all__ = ["BackupResult", "backup"]

_MARK = "backup.json"

_ATTEMPTS = 5
"""States that may be cleared away under our hands, one after the other, before we give up."""


class BackupResult(msgspec.Struct, frozen=True):
    """What a copy holds, and what it took.

    Attributes:
        generation: number of the state copied, 0 when the store holds none yet.
        last_run: name of the last of them, or None.
        evidence: runs whose evidence was copied.
        copied, reused: files copied, and files taken over from the copy before.
        copied_bytes, reused_bytes: their bytes.
        left_out: runs in progress, whose pages are not copied.
    """

    generation: int
    last_run: str | None
    evidence: int
    copied: int
    reused: int
    copied_bytes: int
    reused_bytes: int
    left_out: tuple[str, ...]


class _Mark(msgspec.Struct, frozen=True):
    """backup.json: whose copy this is, by what never changes of a store."""

    source: str
    simule: bool
    made_at: str


class _Vanished(Exception):
    """The state being copied was superseded and cleared away meanwhile."""


def backup(layout: Layout, target: Path, *, now_s: float | None = None) -> BackupResult:
    """Bring a folder to be a copy of a store's present state.

    Args:
        layout: the store; it may be filled at the same time.
        target: a folder that is absent, empty, or a copy of the same store.
        now_s: wall clock, for whoever finds the copy locked.

    Raises:
        StoreUnwritable: the folder is something else, or the copy of another store; nothing was changed in it.
        StoreLocked: the copy is being made, or filled, by another process.
        DiskFull: there is not enough room; the copy before stays as it was.
        StoreCorrupt: the store is damaged.
        StoreError: the system refused; done again, the copy goes on where it stopped.
    """
    copy = Layout(target)
    mark = _mark(layout)
    _check_target(layout, copy, mark)
    with files.border(f"making the copy {target}"):
        files.make_dir(target)
        with hold_lock(copy.lock, "backup", now_s):
            if not (target / _MARK).exists():
                files.write_whole(target / _MARK, msgspec.json.format(msgspec.json.encode(mark)))
            for _ in range(_ATTEMPTS):
                try:
                    return _Copying(layout, copy).run()
                except _Vanished:
                    continue
    raise StoreError(
        f"The state of {layout.root} was cleared away while it was copied, {_ATTEMPTS} times in a row",
        doing=f"making the copy {target}",
        todo="Give superseded files longer to stay, with the setting retention, and run the same command again.",
    )


def _mark(layout: Layout) -> _Mark:
    # The parts of store.json that stay the same when an upgrade raises its format.
    try:
        return msgspec.json.decode(layout.store.read_bytes(), type=_Mark)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreCorrupt(f"{layout.store} cannot be read", doing="making a copy") from error


def _check_target(layout: Layout, copy: Layout, mark: _Mark) -> None:
    store, target = layout.root.resolve(), copy.root.resolve()
    if target == store or store in target.parents or target in store.parents:
        raise StoreUnwritable(
            f"{copy.root} and the store {layout.root} lie in one another",
            doing="making a copy",
            todo="Choose a folder beside the store, better on another disk.",
        )
    # What a copy leaves that died before it had said whose it is.
    begun = {copy.lock.name, f".{_MARK}.tmp"}
    if not copy.root.exists() or (copy.root.is_dir() and {path.name for path in copy.root.iterdir()} <= begun):
        return
    try:
        found = msgspec.json.decode((copy.root / _MARK).read_bytes(), type=_Mark)
    except (OSError, msgspec.DecodeError):
        raise StoreUnwritable(
            f"{copy.root} exists and is not a copy made by moisson backup",
            doing="making a copy",
            todo="Choose a folder that does not exist, or an empty one.",
        ) from None
    mine, theirs = _recorded(layout), _recorded(copy)
    if found != mark or mine[: len(theirs)] != theirs:
        other = f"{found.source}, begun {found.made_at}" if found != mark else "one that went another way since"
        raise StoreUnwritable(
            f"{copy.root} is the copy of another store: {other}",
            doing="making a copy",
            todo="Choose another folder: a copy never replaces runs that the store does not hold.",
        )


def _recorded(layout: Layout) -> tuple[str, ...]:
    generation = current_generation(layout)
    return generation.manifest.collectes if generation is not None else ()


class _Copying:
    """One attempt at a copy."""

    def __init__(self, layout: Layout, copy: Layout) -> None:
        self._layout, self._copy = layout, copy
        self._copied = self._reused = self._copied_bytes = self._reused_bytes = 0
        self._taken: dict[tuple[int, int], Path] = {}

    def run(self) -> BackupResult:
        """Make the copy.

        Raises:
            _Vanished: the state was cleared away meanwhile.
        """
        generation = current_generation(self._layout)
        before = current_generation(self._copy)
        collectes = generation.manifest.collectes if generation is not None else ()
        kept = [name for name in self._layout.evidence_names() if name in collectes]
        self._check_space(generation, kept)
        # Before the state, so that its last run can be proved whatever is cleared away meanwhile.
        files.make_dir(self._copy.evidence)
        for name in kept:
            self._take_evidence(name, needed=name == collectes[-1])
        self._take_territoires()
        if generation is not None:
            if collectes and collectes[-1] not in kept and _number(self._layout) != generation.manifest.generation:
                raise _Vanished
            self._take_generation(generation, before)
        for folder in (self._copy.runs, self._copy.generations):
            files.make_dir(folder)
        if not self._copy.store.exists() or self._copy.store.read_bytes() != self._layout.store.read_bytes():
            files.write_whole(self._copy.store, self._layout.store.read_bytes())
        self._clear_old(set(kept))
        return BackupResult(
            generation=generation.manifest.generation if generation is not None else 0,
            last_run=collectes[-1] if collectes else None,
            evidence=len(kept),
            copied=self._copied,
            reused=self._reused,
            copied_bytes=self._copied_bytes,
            reused_bytes=self._reused_bytes,
            left_out=tuple(name for name in self._layout.run_names() if name not in collectes),
        )

    def _check_space(self, generation: Generation | None, kept: list[str]) -> None:
        needed = 0
        pairs = [(self._layout.evidence_of(name), self._copy.evidence_of(name)) for name in kept]
        if generation is not None:
            before = current_generation(self._copy)
            folder = before.folder if before is not None else self._copy.generation(generation.manifest.generation)
            pairs += [(path, folder / path.relative_to(generation.folder)) for path in _files(generation.folder)]
        for source, target in pairs:
            if not _same(source, target):
                needed += source.stat().st_size if source.exists() else 0
        check_space(self._copy.root, needed, f"looking whether the copy {self._copy.root} fits on its disk")

    def _take_evidence(self, name: str, *, needed: bool) -> None:
        try:
            self._take(self._layout.evidence_of(name), self._copy.evidence_of(name), self._copy.evidence_of(name))
        except FileNotFoundError:
            # That of an old run may go at any time; without that of the last one, a newer state is there already.
            if needed:
                raise _Vanished from None
        files.fsync_dir(self._copy.evidence)

    def _take_territoires(self) -> None:
        kept, copied = self._layout.territoires, self._copy.territoires
        if kept.is_dir():
            files.make_dir(copied)
            for path in _files(kept):
                # One that is fetched anew at this moment is copied as it is now; its record tells whether it is whole.
                with contextlib.suppress(FileNotFoundError):
                    self._take(path, copied / path.name, copied / path.name)
            files.fsync_dir(copied)
        for path in _files(copied):
            if not (kept / path.name).exists():
                files.remove(path)

    def _take_generation(self, generation: Generation, before: Generation | None) -> None:
        number = generation.manifest.generation
        folder = self._copy.generation(number)
        if folder.exists():
            if read_generation(folder).manifest != generation.manifest:
                raise StoreUnwritable(
                    f"State {number} of the copy {self._copy.root} is not the store's",
                    doing="making a copy",
                    todo="Choose another folder: the store was restored, or filled elsewhere, since that copy.",
                )
        else:
            aside = self._copy.generations / f".tmp-{generation_name(number)}"
            try:
                for path in _files(generation.folder):
                    within = path.relative_to(generation.folder)
                    files.make_dir((aside / within).parent)
                    self._take(path, aside / within, before.folder / within if before is not None else None)
            except FileNotFoundError:
                raise _Vanished from None
            if not generation.folder.exists():
                # It was being cleared away: its list of files may have been short.
                raise _Vanished
            _check_sizes(generation, aside)
            for parent in (aside, *(path for path in aside.iterdir() if path.is_dir())):
                files.fsync_dir(parent)
            files.rename(aside, folder)
        if before is None or before.folder.name != folder.name:
            switch(self._copy, Generation(folder, generation.manifest))

    def _take(self, source: Path, target: Path, before: Path | None) -> None:
        """Have `target` be `source`: as it is, by a link to what was taken already, or by copying."""
        stat = source.stat()
        # A file that has two names in the store has two in the copy.
        first = self._taken.setdefault((stat.st_dev, stat.st_ino), target)
        if _same(source, target) or any(_same(source, one) and _linked(one, target) for one in (first, before) if one):
            self._reused += 1
            self._reused_bytes += stat.st_size
        else:
            _copy_file(source, target)
            self._copied += 1
            self._copied_bytes += stat.st_size

    def _clear_old(self, kept: set[str]) -> None:
        number = _number(self._copy)
        for other in self._copy.generation_numbers():
            if other != number:
                gone = self._copy.generations / f".gone-{generation_name(other)}"
                files.remove(gone)
                files.rename(self._copy.generation(other), gone)
        for name in self._copy.evidence_names():
            if name not in kept:
                files.remove(self._copy.evidence_of(name))
        for path in self._copy.leftovers():
            files.remove(path)


def _number(layout: Layout) -> int:
    generation = current_generation(layout)
    return generation.manifest.generation if generation is not None else 0


def _check_sizes(generation: Generation, folder: Path) -> None:
    """See that each table's files are there in full: a copy of a damaged store must not replace a good one."""
    for table, found in generation.manifest.tables.items():
        for file in found:
            path = folder / table / file.nom
            if not path.exists() or path.stat().st_size != file.octets:
                raise StoreCorrupt(
                    f"The file {table}/{file.nom} of the store is missing or has changed since it was written",
                    doing="making a copy",
                    todo="The copy before stays as it was. See what moisson verify says of the store.",
                )


def _files(folder: Path) -> list[Path]:
    return sorted(Path(root) / name for root, _, names in os.walk(folder) for name in names)


def _same(one: Path, other: Path) -> bool:
    try:
        a, b = one.stat(), other.stat()
    except FileNotFoundError:
        return False
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def _linked(source: Path, target: Path) -> bool:
    """Give a file of the copy a second name; False where the file system has no hard links."""
    try:
        files.link(source, target)
    except FileExistsError:
        files.remove(target)
        files.link(source, target)
    except OSError:
        return False
    return True


def _copy_file(source: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}.tmp")
    files.step("write", aside)
    # Its times too: they tell the next copy that nothing changed.
    shutil.copy2(source, aside)
    files.fsync_file(aside)
    files.rename(aside, target, sync_dir=False)
