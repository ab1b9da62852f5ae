"""One simulated harvest: a world, a network, a disk, a process that is killed now and then, and the truth afterwards.

Nothing of Moisson is replaced but what it is handed anyway (transport, clock, randomness) and two constants of comfort.
What ships is what runs: `moisson.harvest.run.collect` from its first line to its last.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import random
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import moisson.harvest.run as shipped
from moisson.errors import ApiUnavailable, DiskFull, MoissonError, UsageError
from moisson.harvest.opening import open_client
from moisson.harvest.progress import Avancement, Resultat
from moisson.harvest.verify import verify
from moisson.model import Bilan, Fait, PageLue
from moisson.plan.planner import Planificateur
from moisson.settings import Application, Settings
from moisson.store import files
from moisson.store.closing import Examen
from moisson.store.fold import FoldOptions, FoldResult, clear_run
from moisson.store.generation import read_file
from moisson.store.journal import Journal
from moisson.store.landing import read_page
from moisson.store.layout import begun_s
from moisson.store.runs import Run
from moisson.store.store import Compteurs, Store, open_store
from moisson_twin.app import Service
from tests.simulation.country import Country
from tests.simulation.scenario import Kill, Scenario
from tests.simulation.wire import API_URL, TOKEN_URL, Wire
from tests.virtual_loop import VirtualLoop

__all__ = ["Harvest", "Killed", "Outcome", "simulate", "trouble"]

T = TypeVar("T")
SNAPSHOT_S = 5.0
"""Virtual seconds between two looks at the progress; four a second would cost more than the harvest."""
FAST = Path("/dev/shm")
CALLS_MAX = 60
"""Calls a page of all offers that ever lived, beyond which a harvest is said to have no end."""


class Killed(BaseException):
    """As sudden as kill -9: nothing of ours catches it."""


@dataclass
class Outcome:
    """What became of a simulated harvest.

    Attributes:
        seed: of the scenario.
        verdict: exit code of the last session: 0 proved, 3 not proved, 1 or 2 failed.
        violations: promises broken; empty when all is well.
        calls, floor: searches sent (all sessions), and the least that could do.
        missing: offers that stayed online throughout and are not in the store.
        named: how many offers the run itself said are missing.
        invented: ids in the store that never existed.
        shrank: the country lost nearly a fifth, which is not believed.
        stale: offers in the store that were gone before the run began.
        sessions: processes it took; nights: runs asked for.
        reasons: why it is not proved, or what stopped it.
        warnings: what the proof adds.
        facts, changes: facts told to the plan, and changes of the file system.
        virtual_s: how long it took on the virtual clock.
        retries, refused_429: attempts made again, attempts answered 429.
    """

    seed: int
    verdict: int = -1
    violations: list[str] = field(default_factory=list)
    calls: int = 0
    floor: int = 0
    missing: int = 0
    named: int = 0
    invented: int = 0
    shrank: bool = False
    stale: int = 0
    sessions: int = 0
    nights: int = 0
    reasons: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: int = 0
    changes: int = 0
    virtual_s: float = 0.0
    retries: int = 0
    refused_429: int = 0
    offres: int = 0

    @property
    def steps(self) -> int:
        """Facts told and changes of the file system: wherever a promise could have been broken, it was looked at."""
        return self.facts + self.changes

    @property
    def ratio(self) -> float:
        """Calls over the floor."""
        return self.calls / self.floor if self.floor else float(self.calls)


class _Loop(VirtualLoop):
    """Disk work is done in place: the order of threads would not be the seed's."""

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Done when it returns."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as trouble:
            future.set_exception(trouble)
        return future


class Harvest:
    """A scenario being played.

    Args:
        scenario: what is played.
        tell: where every question and answer is told, for a person; None: nowhere.

    Attributes:
        world, service, wire: what the harvest meets.
        folder, settings: the store, and what the command is told.
        page: the last page that the plan was told, if any.
        outcome: what became of it so far.
    """

    world: Country
    service: Service
    wire: Wire
    folder: Path
    settings: Settings

    def __init__(self, scenario: Scenario, tell: Callable[[str], None] | None = None) -> None:
        self.scenario = scenario
        self.page: PageLue | None = None
        self.outcome = Outcome(scenario.seed)
        self._tell = tell
        self._rng = random.Random(scenario.seed ^ 0x5EED)
        self._kill: Kill | None = None
        self._steps = 0
        self._fold_steps = -1
        self._dead = False
        self._journal_size: tuple[Path, int] | None = None
        self._task: asyncio.Task[Resultat] | None = None
        self._begun_s: dict[str, float] = {}
        self._read: set[str] = set()
        self._facts = 0
        self._most = 0
        self._least = 0

    # -- told ------------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell whoever listens, with the virtual time."""
        if self._tell is not None:
            self._tell(f"{asyncio.get_running_loop().time():10.3f}  {text}")

    def violated(self, what: str) -> None:
        """A promise was broken."""
        self.say(f"VIOLATION {what}")
        if len(self.outcome.violations) < 20:
            self.outcome.violations.append(what)

    def stop(self, what: str) -> None:
        """A promise was broken so badly that going on makes no sense."""
        self.violated(what)
        if self._task is not None:
            self._task.cancel()

    # -- played ----------------------------------------------------------------------------------------------------

    def play(self) -> Outcome:
        """Play it to its end."""
        folder = Path(tempfile.mkdtemp(prefix="moisson-sim-", dir=FAST if FAST.is_dir() else None))
        try:
            with _patched(self), asyncio.Runner(loop_factory=_Loop) as runner:
                runner.run(self._play(folder / "store"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return self.outcome

    async def _play(self, folder: Path) -> None:
        scenario, clock = self.scenario, asyncio.get_running_loop().time
        self.world = Country(scenario.twin.world)
        self.world.short = scenario.short
        self.service = Service(scenario.twin, self.world, clock, asyncio.sleep)
        self.wire = Wire(
            self.service,
            self._rng,
            scenario.latency_s,
            per_s=scenario.rate if isinstance(scenario.rate, float) else scenario.twin.quota_per_s,
            violated=self.violated,
            before=self._before_search,
        )
        kills = list(scenario.kills)
        for night in range(scenario.nights):
            self.outcome.nights += 1
            if night:
                scenario.between(self)
                await asyncio.sleep(scenario.night_s)
            await self._one_night(folder, kills if night == scenario.nights - 1 else [])
            if self.outcome.violations and not self._tell:
                break
        self.outcome.calls = self.wire.searches
        self.outcome.virtual_s = clock()

    async def _one_night(self, folder: Path, kills: list[Kill]) -> None:
        """Run the command until it ends by itself, killed as often as the scenario says."""
        scenario, outcome, clock = self.scenario, self.outcome, asyncio.get_running_loop().time
        failures = 0
        # As large and as small as it was in any of the night's sessions, since a run may go on in the next.
        self._least = self.world.total
        while True:
            outcome.sessions += 1
            kill = kills.pop(0) if kills else None
            before = self._stored(folder)
            # What a run finds stored is a country too, though some of it may be gone: fewer by a fifth is not believed.
            self._most = max(self._most, len(before))
            resultat = await self._session(folder, kill)
            if resultat is not None:
                self._judge(folder, resultat, self._begun_of(self._first_of(folder, resultat)), clock(), before)
                scenario.after(self)
                return
            if outcome.violations:
                return
            if outcome.verdict != 130:
                failures += 1
            if not kills and failures > scenario.failures_max:
                return
            await asyncio.sleep(kill.pause_s if kill is not None else scenario.pause_s)

    def _first_of(self, folder: Path, resultat: Resultat) -> str:
        """A run that continues others is one walk with them, and answers for the time since the first of them began."""
        if not resultat.suite_de:
            return resultat.collecte
        files.hook = None
        return open_store(folder).suite(resultat.suite_de)[0].collecte

    def _begun_of(self, collecte: str) -> float:
        """When a run began: as it was seen, or by its name where it died before it showed anything."""
        wall_s = self.world.start_ms / 1000 + self.scenario.wall_error_s
        return self._begun_s.get(collecte, begun_s(collecte) - wall_s)

    async def _session(self, folder: Path, kill: Kill | None) -> Resultat | None:
        """One process, from its start to its end or its death."""
        scenario, loop = self.scenario, asyncio.get_running_loop()
        self._kill, self._steps, self._fold_steps, self._dead = kill, 0, -1, False
        self._facts = 0
        self._journal_size = None
        self._started_s = loop.time()
        self.wire.forget()
        wall_s = self.world.start_ms / 1000 + scenario.wall_error_s
        self.folder = folder
        self.settings = Settings(
            store=folder,
            api_url=API_URL,
            token_url=TOKEN_URL,
            applications=tuple(Application(client_id=i, client_secret=s) for i, s in scenario.clients),
            rate=scenario.rate,
            retention_s=0,
        )
        files.hook = self._step
        self._task = asyncio.ensure_future(
            shipped.collect(
                folder,
                self.settings,
                observer=self._observe,
                transport=self.wire,
                limites=scenario.limites,
                wall=lambda: wall_s + loop.time(),
                **scenario.options,
            )
        )
        timer = loop.call_later(kill.at, self._task.cancel) if kill is not None and kill.kind == "cancel" else None
        try:
            resultat = await self._task
        except Killed:
            self._tear()
            self._ended(130, f"killed at step {self._steps} ({self._last})")
        except asyncio.CancelledError:
            self._ended(130, "interrupted")
        except MoissonError as error:
            self._ended(error.exit_code, f"{type(error).__name__}: {error}")
            if not isinstance(error, ApiUnavailable | DiskFull | UsageError) and not scenario.may_fail:
                self.outcome.reasons.append(str(error))
        except Exception as bug:
            if self._tell is not None:
                self._tell(traceback.format_exc())
            self._ended(70, repr(bug))
            self.violated(f"a bug, not an error of ours: {bug!r}")
        else:
            self._ended(0 if resultat.bilan.prouve else 3, "; ".join(resultat.bilan.raisons) or "proved")
            return resultat
        finally:
            files.hook = None
            if timer is not None:
                timer.cancel()
            self.outcome.facts += self._facts
            self.outcome.changes += self._steps
            if self.wire.in_flight:
                self.violated(f"{self.wire.in_flight} calls were left in flight")
        return None

    def _ended(self, verdict: int, why: str) -> None:
        self.say(f"session {self.outcome.sessions} ends with {verdict}: {why}")
        self.outcome.verdict = verdict
        self.outcome.reasons = [why] if verdict else []

    # -- watched ---------------------------------------------------------------------------------------------------

    def _observe(self, vue: Avancement) -> None:
        if not vue.reprise:
            # The first question to a new store is asked before there is a run to speak of.
            self._begun_s.setdefault(vue.collecte, self._started_s)
        if vue.etape == "pli" and self._fold_steps < 0:
            self._fold_steps = self._steps
        self.outcome.floor = vue.plancher
        self.outcome.retries, self.outcome.refused_429 = vue.relances, vue.refus_429

    def _before_search(self, number: int) -> None:
        self._most, self._least = max(self._most, self.world.total), min(self._least, self.world.total)
        if number % 100 == 99 and number > CALLS_MAX * (len(self.world.ever()) // self.scenario.limites.page + 20):
            self.stop(f"{number} calls for {self.world.total} offers: it has no end")
        self.scenario.during(self, number)

    def told(self, fait: Fait) -> None:
        """The plan hears a fact."""
        self._facts += 1
        self._least = min(self._least, self.world.total)
        if isinstance(fait, PageLue):
            self.page = fait
        if self._tell is None:
            return
        q = fait.question
        bornes = "" if q.debut_s is None else f" [{_when(q.debut_s)} .. {_when(q.fin_s)}]"
        text = f"w{q.fenetre:<3} {q.role:<9} {q.plage!s:<9}{bornes} {q.critere}"
        if isinstance(fait, PageLue):
            dates = f" {_ms(fait.lignes[0].creation_ms)} .. {_ms(fait.lignes[-1].creation_ms)}" if fait.lignes else ""
            self.say(f"{text} -> {len(fait.lignes)} of {fait.total}{dates}")
        else:
            self.say(f"{text} -> {type(fait).__name__}")

    def journalled(self, journal: Journal, faits: Sequence[Fait]) -> None:
        """Facts are about to enter the journal: what they name must have landed."""
        for fait in faits:
            if not isinstance(fait, PageLue) or not fait.fichier:
                continue
            page = journal.path.parent / "pages" / fait.fichier
            if not page.is_file():
                self.violated(f"the journal is ahead of the landing: {fait.fichier} is not there")
            elif self._facts % 16 == 0 and hashlib.sha256(read_page(page)).hexdigest() != fait.sha256:
                self.violated(f"{fait.fichier} holds other bytes than its fact says")

    def _step(self, what: str) -> None:
        """The file system is about to be changed: die here, or find the disk full, if it is time."""
        if self._dead:
            raise Killed
        self._steps += 1
        self._last = what
        kill = self._kill
        if kill is None or kill.kind == "cancel":
            return
        if kill.kind == "fold":
            due = self._fold_steps >= 0 and self._steps - self._fold_steps > kill.at
        else:
            due = self._steps > kill.at
        if not due:
            return
        if kill.kind == "full":
            if what.split()[0] in ("write", "append", "mkdir", "symlink", "link"):
                self.say(f"no space left at step {self._steps} ({what})")
                raise OSError(errno.ENOSPC, "No space left on device")
            return
        self._dead = True
        raise Killed

    def appending(self, journal: Journal) -> None:
        """Remember how long the journal surely is: what is appended now may be torn by a power cut."""
        self._journal_size = journal.path, journal.path.stat().st_size

    def _tear(self) -> None:
        """The power went: of what was appended and not yet synced, any number of bytes is on the disk."""
        if self._kill is None or self._kill.kind != "power" or self._journal_size is None:
            return
        path, size = self._journal_size
        if self._last == f"sync {path.name}" and path.exists() and path.stat().st_size > size:
            os.truncate(path, self._rng.randint(size, path.stat().st_size))

    # -- judged ----------------------------------------------------------------------------------------------------

    def quick_fold(self, store: Store, run: Run) -> FoldResult:
        """Instead of a fold, where files are not what is looked at: the ids that the journal holds."""
        self._read = {ligne.id for fait in run.faits() if isinstance(fait, PageLue) for ligne in fait.lignes}
        run.close()
        clear_run(store.layout, run.collecte)
        return FoldResult(0, len(self._read), 0, 0, 0, 0, 0, 0, 0, 0)

    def _stored(self, folder: Path) -> dict[str, int]:
        """Id and creation of each offer in the store."""
        if not self.scenario.fold or not (folder / "current").exists():
            return {}
        tables = [read_file(path, ["id", "creation"]) for path in open_store(folder).files("offres")]
        rows = [row for table in tables for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
        if len(dict(rows)) != len(rows):
            self.violated("one id has two rows in the store")
        return {id_: round(creation.timestamp() * 1000) for id_, creation in rows}

    def _judge(self, folder: Path, resultat: Resultat, begun_s: float, end_s: float, before: dict[str, int]) -> None:
        """Compare what is stored with the truth."""
        outcome, world, bilan = self.outcome, self.world, resultat.bilan
        world.advance_to(end_s) if self.scenario.twin.world_clock == "clock" else None
        from_s, to_s = (begun_s, end_s) if self.scenario.twin.world_clock == "clock" else (0.0, world.time_s)
        # A small country may be small when it is counted, and large again at the end of the run.
        outcome.shrank = min(self._least, world.total) < 0.85 * self._most
        stored = self._stored(folder)
        ids = set(stored) if self.scenario.fold else self._read
        throughout = world.alive_throughout(from_s, to_s)
        missing, invented = throughout - ids, ids - set(world.ever())
        outcome.missing, outcome.invented, outcome.named = len(missing), len(invented), bilan.manquantes
        outcome.warnings = list(bilan.avertissements)
        outcome.offres = len(ids)
        if invented:
            self.violated(f"{len(invented)} offers are stored that never existed, {min(invented)} among them")
        if bilan.prouve and missing:
            self.violated(
                f"proved, and {len(missing)} offers that stayed online are missing, {min(missing)} among them"
            )
        closed_wrongly = (set(before) - ids) & throughout
        if closed_wrongly:
            self.violated(
                f"{len(closed_wrongly)} offers that stayed online were closed, {min(closed_wrongly)} among them"
            )
        if not self.scenario.fold:
            return
        stale = ids - world.alive_during(from_s, to_s)
        outcome.stale = len(stale)
        if bilan.prouve and stale:
            self.violated(f"proved, and {len(stale)} offers stayed open that were gone before it began")
        self._compare_creations(stored, throughout)
        if self.scenario.verify:
            self._verify(folder, bilan)

    def _compare_creations(self, stored: dict[str, int], throughout: set[str]) -> None:
        if self.scenario.twin.world.drift.republications_per_s or self.outcome.nights > 1:
            return
        true = self.world.creations(self.scenario.twin.shown_clock)
        wrong = [id_ for id_ in throughout & stored.keys() & true.keys() if stored[id_] != true[id_]]
        if wrong:
            self.violated(f"{len(wrong)} offers are stored with another creation than theirs, {min(wrong)} among them")

    def _verify(self, folder: Path, bilan: Bilan) -> None:
        files.hook = None
        proof = verify(open_store(folder))
        if not proof.intacte:
            broken = "; ".join(f"{e.nom}: {e.detail}" for e in proof.etapes if e.issue == "fails")
            self.violated(f"verify does not confirm what was just recorded: {broken}")
        elif bilan.prouve and not proof.prouvee:
            self.violated("verify does not prove again what was just proved")


def simulate(scenario: Scenario, tell: Callable[[str], None] | None = None) -> Outcome:
    """Play a scenario from its seed."""
    return Harvest(scenario, tell).play()


def trouble(scenario: Scenario, outcome: Outcome) -> list[str]:
    """What is wrong with an outcome: promises broken, or another verdict than is due."""
    due = scenario.due | {3} if outcome.shrank else scenario.due
    if outcome.violations or outcome.verdict in due:
        return outcome.violations
    return [f"ended with {outcome.verdict} where {sorted(due)} is due: {'; '.join(outcome.reasons)}"]


@contextlib.contextmanager
def _patched(harvest: Harvest) -> Iterator[None]:
    """Hand in what `collect` has no argument for, watch the journal and the plan, and put all back."""
    rng = random.Random(harvest.scenario.seed ^ 0xD1CE)
    real_append, real_tell, real_fold = Journal.append_many, Planificateur.dire, Store.fold

    def append_many(self: Journal, faits: Sequence[Fait]) -> None:
        faits = list(faits)
        harvest.journalled(self, faits)
        harvest.appending(self)
        real_append(self, faits)

    def dire(self: Planificateur, fait: Fait) -> None:
        harvest.told(fait)
        real_tell(self, fait)

    def fold(
        self: Store, run: Run, bilan: Bilan, options: FoldOptions, compteurs: Compteurs, now_s: float, examen: Examen
    ) -> FoldResult:
        if harvest.scenario.fold:
            return real_fold(self, run, bilan, options, compteurs, now_s, examen)
        return harvest.quick_fold(self, run)

    with contextlib.ExitStack() as stack:
        for owner, name, value in (
            (Journal, "append_many", append_many),
            (Planificateur, "dire", dire),
            (Store, "fold", fold),
            (shipped, "open_client", partial(open_client, random=rng)),
            (shipped, "INSTANTANE_S", SNAPSHOT_S),
            (os, "fsync", lambda fd: None),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        stack.callback(setattr, files, "hook", None)
        yield


def _when(seconds: int | None) -> str:
    import datetime as dt

    return "open" if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%y%m%d-%H%M%S")


def _ms(ms: int) -> str:
    return f"{_when(ms // 1000)}.{ms % 1000:03}"
