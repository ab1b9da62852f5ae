"""The store, as the rooms above see it: open it, hold its lock, fill a run, fold it, read the result."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from moisson.errors import StoreCorrupt
from moisson.model import Bilan, Fait
from moisson.store import files
from moisson.store.bookkeeping import Compteurs
from moisson.store.closing import Examen, examine
from moisson.store.evidence import open_evidence
from moisson.store.fold import FoldOptions, FoldResult, clear_run, fold_run
from moisson.store.forget import Oubli, forget_offres
from moisson.store.generation import Generation, current_generation, vacuum
from moisson.store.journal import Debut
from moisson.store.layout import Layout, RunLayout
from moisson.store.lock import hold_lock
from moisson.store.moved import relink
from moisson.store.opening import StoreInfo, open_folder
from moisson.store.referentiels import write_referentiels
from moisson.store.runs import (
    Run,
    abandon_run,
    begin_run,
    read_info,
    reopen_run,
    run_name,
    unfinished_runs,
)
from moisson.store.suite import calls_before, continued

__all__ = ["Store", "finished_runs", "given_up_runs", "open_store", "why_not_resumed"]

_FOLDED = {"prouvee", "non prouvee"}
_GIVEN_UP = {"abandonnee", "echouee"}


def open_store(
    folder: Path | str,
    *,
    create: bool = False,
    source: str | None = None,
    simulated: bool = False,
    made_by: str = "",
    made_at: str = "",
) -> Store:
    """Open a store folder, or make one.

    Args:
        folder: where it is.
        create: make it if there is none; needs `source`.
        source: the API about to be asked, compared with the store's own; None when only reading.
        simulated: that API is a twin.
        made_by, made_at: version of Moisson and time (ISO 8601 UTC) noted in a new store.

    Raises:
        StoreUnwritable, SourceMismatch, StoreVersion, StoreCorrupt: see `opening.open_folder`.
    """
    return Store(
        *open_folder(Path(folder), create=create, source=source, simulated=simulated, made_by=made_by, made_at=made_at)
    )


class Store:
    """One store folder. Reading needs nothing; filling needs `lock`.

    Attributes:
        layout: its paths.
        info: what its store.json says.
    """

    def __init__(self, layout: Layout, info: StoreInfo) -> None:
        self.layout = layout
        self.info = info
        self._locked = False

    @property
    def folder(self) -> Path:
        """The store folder."""
        return self.layout.root

    @property
    def source(self) -> str:
        """The API that the store is filled from."""
        return self.info.source

    @property
    def simulated(self) -> bool:
        """Its data come from a twin."""
        return self.info.simule

    def generation(self) -> Generation | None:
        """The current state, which stays readable while newer ones are made; None before the first fold."""
        return current_generation(self.layout)

    def files(self, table: str) -> list[Path]:
        """The Parquet files that are this table now, by the link `current`; empty when there is no such table."""
        generation = self.generation()
        if generation is None:
            return []
        return [self.layout.current / table / path.name for path in generation.files(table)]

    @contextlib.contextmanager
    def lock(self, command: str, *, now_s: float | None = None) -> Iterator[None]:
        """Be the only one to fill the store while the block runs; also clears away what a crash left.

        Args:
            command: what is being done, for whoever comes second.
            now_s: wall clock, likewise.

        Raises:
            StoreLocked: another process holds it; the message names it.
            StoreUnwritable: the store cannot be written; nothing was changed.
        """
        with hold_lock(self.layout.lock, command, now_s):
            with files.border("clearing away what an interrupted run left"):
                self._clear_leftovers()
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def _clear_leftovers(self) -> None:
        relink(self.layout)
        for path in self.layout.leftovers():
            files.remove(path)
        generation = self.generation()
        recorded = generation.manifest.collectes if generation is not None else ()
        for name in self.layout.run_names():
            # Folded already (the crash came after the switch), or never really begun.
            if name in recorded or not self.layout.run(name).run.exists():
                clear_run(self.layout, name)
            elif self.layout.run(name).abandon.exists():
                # Given up already; what it had read may have been left on the way.
                abandon_run(self.layout.run(name), "", 0.0)
        # Generations that were written but never became current.
        vacuum(self.layout, now_s=float("-inf"), retention_s=0.0)

    def resume_or_begin(
        self,
        now_s: float,
        *,
        planner_version: str,
        settings_digest: str = "",
        resume_max_age_s: float = 21_600.0,
        new: bool = False,
        suite_de: str = "",
    ) -> tuple[Run, Iterator[Fait]]:
        """Take up the unfinished run if that is allowed, else give it up and begin one. Needs the lock.

        A run is taken up if it began less than `resume_max_age_s` ago, by the same planner and with the same settings
        digest, unless `new`.

        Args:
            now_s: wall clock, seconds since 1970.
            planner_version: facts are told again to a planner of the same version only.
            settings_digest: digest of the settings that change the plan ("" when none does).
            resume_max_age_s: seconds.
            new: begin afresh in any case.
            suite_de: the run that a new one continues, as `continuable` named it.

        Returns:
            The run, and its journalled facts in order (none for a new run), read from the disk as they are asked for.

        Raises:
            StoreCorrupt: the unfinished run is damaged; `new=True` gets past it.
            DiskFull, StoreUnwritable, StoreError: the disk.
        """
        self._need_lock()
        names = unfinished_runs(self.layout)
        for name in names[:-1]:
            self._abandon(name, "a newer run was begun", now_s)
        if names and new and not _readable(self.layout.run(names[-1])):
            # Nothing of it can be told, not even when it began: it leaves no trace.
            clear_run(self.layout, names.pop())
        if names:
            debut = read_info(self.layout.run(names[-1])).debut
            reason = self._why_not_taken_up(debut, now_s, planner_version, settings_digest, resume_max_age_s, new=new)
            if not reason:
                run = reopen_run(self.layout.run(names[-1]), now_s)
                return run, run.faits()
            self._abandon(names[-1], reason, now_s)
        generation = self.generation()
        recorded = generation.manifest.collectes if generation is not None else ()
        taken = {*recorded, *self.layout.run_names(), *self.layout.evidence_names()}
        name = run_name(now_s, taken)
        debut = Debut(
            name, self.source, self.simulated, planner_version, settings_digest, now_s, marques=True, suite_de=suite_de
        )
        run = begin_run(self.layout.run(name), debut)
        return run, iter(())

    def continuable(
        self, now_s: float, *, planner_version: str, settings_digest: str = "", resume_max_age_s: float = 21_600.0
    ) -> str:
        """The run that a new one may continue: the last one folded, if it is not proved and as fresh as one taken up.

        Returns:
            Its name; "" when there is none, or when a run is unfinished, which comes first.
        """
        runs = finished_runs(self.generation())
        if unfinished_runs(self.layout) or not runs or runs[-1]["prouvee"]:
            return ""
        nom = str(runs[-1]["collecte"])
        why_not = self._why_not_continued(nom, now_s, planner_version, settings_digest, resume_max_age_s)
        return "" if why_not else nom

    def reasons(self, nom: str) -> tuple[str, ...]:
        """Why this finished run is not proved, as recorded; empty when it is."""
        return next((tuple(r["raisons"] or ()) for r in finished_runs(self.generation()) if r["collecte"] == nom), ())

    def suite(self, nom: str) -> list[Debut]:
        """The runs that a walk consists of up to this finished one, oldest first; see `suite.continued`."""
        return continued(self.layout, self.generation(), nom)

    def calls_before(self, debut: Debut) -> int:
        """Search attempts that the runs which this one continues made; see `suite.calls_before`."""
        return calls_before(self.generation(), debut)

    def _why_not_continued(
        self, nom: str, now_s: float, planner_version: str, settings_digest: str, resume_max_age_s: float
    ) -> str:
        """Why a finished run cannot be continued, for a person; "" when it can. Its oldest part must be fresh."""
        generation = self.generation()
        if generation is None or generation.manifest.collectes[-1] != nom:
            return f"{nom}, which it continues, is not the last run any more"
        try:
            debuts = self.suite(nom)
        except StoreCorrupt as damaged:
            return f"{nom}, which it continues, cannot be read: {damaged.what}"
        for debut in debuts:
            why = why_not_resumed(debut, now_s, planner_version, settings_digest, resume_max_age_s, new=False)
            if why:
                return f"it continues {debut.collecte}, and {why}"
        return ""

    def resumable(
        self, now_s: float, *, planner_version: str, settings_digest: str = "", resume_max_age_s: float = 21_600.0
    ) -> bool:
        """Whether `resume_or_begin` would take up an unfinished run. Its arguments, and what it raises."""
        names = unfinished_runs(self.layout)
        if not names:
            return False
        debut = read_info(self.layout.run(names[-1])).debut
        return not self._why_not_taken_up(debut, now_s, planner_version, settings_digest, resume_max_age_s, new=False)

    def _why_not_taken_up(
        self,
        debut: Debut,
        now_s: float,
        planner_version: str,
        settings_digest: str,
        resume_max_age_s: float,
        *,
        new: bool,
    ) -> str:
        """Why an unfinished run cannot be taken up, for a person; "" when it can."""
        reason = why_not_resumed(debut, now_s, planner_version, settings_digest, resume_max_age_s, new=new)
        if debut.suite_de and not reason:
            return self._why_not_continued(debut.suite_de, now_s, planner_version, settings_digest, resume_max_age_s)
        return reason

    def _abandon(self, name: str, reason: str, now_s: float) -> None:
        abandon_run(self.layout.run(name), reason, now_s)

    def abandon(self, run: Run, raison: str, now_s: float) -> None:
        """Give up a run that failed in a way that going on cannot mend; the next fold records it as "echouee".

        Args:
            run: its pages and journal are removed.
            raison: why, for a person.
            now_s: wall clock.
        """
        self._need_lock()
        run.close()
        abandon_run(run.layout, raison, now_s, verdict="echouee")

    def last_proved_total(self) -> int | None:
        """First national total announced to the last proved run; None before there was one."""
        proved = [run["annonce_premiere"] for run in finished_runs(self.generation()) if run["prouvee"]]
        return proved[-1] if proved else None

    def examine(self, run: Run, bilan: Bilan) -> Examen:
        """Read what a finished run saw, once for `closing.closing` and for `fold`. Raises StoreCorrupt."""
        return examine(self.layout, self.generation(), run, bilan)

    def fold(
        self,
        run: Run,
        bilan: Bilan,
        options: FoldOptions,
        compteurs: Compteurs,
        now_s: float,
        examen: Examen | None = None,
    ) -> FoldResult:
        """Turn a finished run, proved or not, into the store's next state; see `fold.fold_run`. Needs the lock.

        When it returns, the run is over and its folder gone; when it raises, the state is the old one and the run can
        be taken up and folded again.

        Raises:
            StoreCorrupt, DiskFull, StoreUnwritable, StoreError: see `fold.fold_run`.
        """
        self._need_lock()
        return fold_run(self.layout, run, bilan, options, compteurs, now_s, examen)

    def write_referentiels(
        self, listes: Mapping[str, Sequence[Mapping[str, Any]]], now_s: float, *, retention_s: float = 86_400.0
    ) -> int:
        """Keep the API's code lists as tables; see `referentiels.write_referentiels`. Needs the lock."""
        self._need_lock()
        return write_referentiels(self.layout, listes, now_s=now_s, retention_s=retention_s)

    def forget(self, ids: Collection[str], now_s: float) -> Oubli:
        """Remove offers everywhere and keep them out; see `forget.forget_offres`. Needs the lock."""
        self._need_lock()
        return forget_offres(self.layout, ids, now_s)

    def evidence_names(self) -> list[str]:
        """Names of the runs whose evidence is kept, oldest first."""
        return self.layout.evidence_names()

    def evidence(self, collecte: str) -> contextlib.AbstractContextManager[tuple[Debut, Iterator[Fait]]]:
        """Open the evidence of a finished run; see `evidence.open_evidence`. Its end is checked too."""
        generation = self.generation()
        runs = generation.read("collectes", ["collecte", "chaine"]) if generation is not None else None
        ends = {row["collecte"]: row["chaine"] for row in runs.to_pylist()} if runs is not None else {}
        return open_evidence(self.layout.evidence_of(collecte), ends.get(collecte))

    def _need_lock(self) -> None:
        if not self._locked:
            raise RuntimeError("filling a store needs `with store.lock(...)`")


def given_up_runs(generation: Generation | None) -> list[dict[str, Any]]:
    """Rows of `collectes` of runs that ended before they were folded."""
    table = generation.read("collectes") if generation is not None else None
    rows = table.to_pylist() if table is not None else []
    # It left no chain either: a verdict that was changed since does not make a folded run one of them.
    return [row for row in rows if row["verdict"] in _GIVEN_UP and row["chaine"] is None]


def _readable(layout: RunLayout) -> bool:
    try:
        read_info(layout)
    except StoreCorrupt:
        return False
    return True


def finished_runs(generation: Generation | None) -> list[dict[str, Any]]:
    """Rows of `collectes` that were folded, in the order of their folding."""
    table = generation.read("collectes") if generation is not None else None
    return [row for row in table.to_pylist() if row["verdict"] in _FOLDED] if table is not None else []


def why_not_resumed(
    debut: Debut, now_s: float, planner_version: str, settings_digest: str, resume_max_age_s: float, *, new: bool
) -> str:
    """Why a run cannot be taken up, for a person; "" when it can."""
    age_s = now_s - debut.begun_s
    if new:
        return "a new run was asked for"
    if age_s < 0:
        return "it began later than now: the clock of this machine was set back"
    if age_s >= resume_max_age_s:
        return f"it began {age_s / 3600:.1f} hours ago, more than the {resume_max_age_s / 3600:g} allowed"
    if debut.planner_version != planner_version:
        return f"it was planned by version {debut.planner_version}, this is version {planner_version}"
    if debut.settings_digest != settings_digest:
        return "the settings that make the plan changed"
    return ""
