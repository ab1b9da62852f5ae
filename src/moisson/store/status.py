"""What is stored, how old its proof is, what the last run cost: the figures of `moisson status --json`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from moisson.errors import MoissonError
from moisson.store.disk import DiskUse, Growth, days_left, disk_use, evidence_sizes, growth
from moisson.store.runs import read_info, unfinished_runs
from moisson.store.space import estimate_run_bytes, free_bytes
from moisson.store.store import Store, finished_runs, why_not_resumed

__all__ = ["RunStatus", "StoreStatus", "read_status"]

LICENCE_MAX_AGE_S = 86_400.0
"""The licence asks for a refresh every 24 hours (article 5.2)."""

_NEAR = 0.9

DAYS_LEFT_MIN = 14
"""Days of room on the disk under which one is warned: time to order a larger one."""


class RunStatus(msgspec.Struct, frozen=True):
    """A run that was begun and not finished.

    Attributes:
        collecte: its name.
        begun_at: when it began, ISO 8601 UTC.
        age_s: seconds since then.
        pages: pages landed.
        resumable: `moisson collect` would go on with it.
        why_not: why it would not, for a person; "" when it would.
    """

    collecte: str
    begun_at: str
    age_s: float
    pages: int
    resumable: bool
    why_not: str


class StoreStatus(msgspec.Struct, frozen=True):
    """The state of a store. Times are ISO 8601 UTC, durations seconds.

    Attributes:
        source: the API that the store is filled from.
        simulated: that API is a twin.
        offres: offers online as far as the store knows.
        last_proved_at: time of the oldest evidence of the last proved run, or None.
        age_s: seconds since then, or None.
        proved: the present state comes from a proved run.
        coverage: distinct offers read ÷ the larger of that and the announced total, 0 to 1; None before a run.
        missing_known: offers known to exist that the last run could not read.
        calls: search attempts of the last run, retries included.
        calls_floor: the least that could do: its first national total ÷ 150, rounded up.
        call_ratio: calls ÷ calls_floor, or None.
        retries: attempts made again.
        status_429: attempts answered 429.
        duration_s: time it spent collecting, pauses between its sittings left out, or None.
        last_run: its name, or None.
        last_verdict: its verdict ("prouvee", "non prouvee"), or None.
        reasons: why it is not proved.
        announced: last national total announced to it, or None.
        last_proved_announced: first national total of the last proved run, or None: what a shrink is measured on.
        generation: number of the present state, 0 before the first.
        unfinished: the run that could be taken up, or None.
        completable_until: the last run is not proved; a run that begins before this instant goes on from it and asks
            only the windows in doubt, unless something else than windows is; None: the next run asks everything.
        bytes: bytes of each table.
        rows: rows of each table.
        disk: bytes of everything that the store holds, and what is free.
        growth: how fast it grew over the last runs, or None when they say too little.
        days_left: days until a run no longer fits on the disk at this pace; None: it does not grow, or not known.
        evidence: names of the runs whose evidence is kept, oldest first.
        forgotten: offers that were forgotten, and stay out.
        warnings: what the person should know, whole sentences.
    """

    source: str
    simulated: bool
    offres: int
    last_proved_at: str | None
    age_s: float | None
    proved: bool
    coverage: float | None
    missing_known: int
    calls: int
    calls_floor: int
    call_ratio: float | None
    retries: int
    status_429: int
    duration_s: float | None
    last_run: str | None
    last_verdict: str | None
    reasons: tuple[str, ...]
    announced: int | None
    last_proved_announced: int | None
    generation: int
    unfinished: RunStatus | None
    completable_until: str | None
    bytes: dict[str, int]
    rows: dict[str, int]
    disk: DiskUse
    growth: Growth | None
    days_left: float | None
    evidence: tuple[str, ...]
    forgotten: int
    warnings: tuple[str, ...]


def read_status(
    store: Store,
    now_s: float,
    *,
    planner_version: str | None = None,
    resume_max_age_s: float = 21_600.0,
    evidence_runs: int = 30,
) -> StoreStatus:
    """Look at a store; it may be filled at the same time.

    Args:
        store: the store.
        now_s: wall clock, seconds since 1970.
        planner_version: of this program, to say whether the unfinished run can be taken up; None: not checked.
        resume_max_age_s, evidence_runs: settings of the same names.

    Raises:
        StoreCorrupt, StoreVersion: see `generation.read_generation`.
    """
    generation = store.generation()
    runs = finished_runs(generation)
    last: dict[str, Any] = runs[-1] if runs else {}
    proved_runs = [run for run in runs if run["prouvee"]]
    last_proved = proved_runs[-1] if proved_runs else None
    proof = last_proved["preuve_la_plus_ancienne"] if last_proved is not None else None
    age_s = None if proof is None else now_s - proof.replace(tzinfo=dt.UTC).timestamp()
    tables = generation.manifest.tables if generation is not None else {}
    manifest = generation.manifest if generation is not None else None
    announced = last.get("annonce_derniere")
    disk = disk_use(store.layout, generation, free_bytes(store.folder))
    sizes = [
        (run["fin"].replace(tzinfo=dt.UTC).timestamp(), run["octets_lac"]) for run in runs if run.get("octets_lac")
    ]
    needed = estimate_run_bytes(announced or 0)
    grown = growth(sizes, tuple(evidence_sizes(store.layout).values()), evidence_runs=evidence_runs)
    left = days_left(grown, disk.free, needed)
    return StoreStatus(
        source=store.source,
        simulated=store.simulated,
        offres=manifest.lignes("offres") if manifest is not None else 0,
        last_proved_at=None if proof is None else _iso(proof.replace(tzinfo=dt.UTC)),
        age_s=age_s,
        proved=bool(last.get("prouvee")),
        coverage=_coverage(last),
        missing_known=last.get("manquantes_connues") or 0,
        calls=last.get("appels") or 0,
        calls_floor=last.get("appels_plancher") or 0,
        call_ratio=last.get("ratio"),
        retries=last.get("relances") or 0,
        status_429=last.get("statut_429") or 0,
        duration_s=_active(last),
        last_run=last.get("collecte"),
        last_verdict=last.get("verdict"),
        reasons=tuple(last.get("raisons") or ()),
        announced=announced,
        last_proved_announced=last_proved["annonce_premiere"] if last_proved is not None else None,
        generation=manifest.generation if manifest is not None else 0,
        unfinished=_unfinished(store, now_s, planner_version, resume_max_age_s),
        completable_until=_completable_until(store, now_s, planner_version, resume_max_age_s),
        bytes={table: manifest.octets(table) for table in tables} if manifest is not None else {},
        rows={table: manifest.lignes(table) for table in tables} if manifest is not None else {},
        disk=disk,
        growth=grown,
        days_left=left,
        evidence=tuple(store.evidence_names()),
        forgotten=len(manifest.oublis) if manifest is not None else 0,
        warnings=(*_warnings(store, last, age_s), *_disk_warnings(disk.free, needed, left)),
    )


def _coverage(run: dict[str, Any]) -> float | None:
    if not run:
        return None
    whole = max(run["distinctes"] or 0, run["annonce_derniere"] or 0)
    return (run["distinctes"] or 0) / whole if whole else 1.0


def _active(run: dict[str, Any]) -> float | None:
    duree_s = run.get("duree_s")
    return None if duree_s is None else duree_s - (run.get("pauses_s") or 0.0)


def _completable_until(store: Store, now_s: float, planner_version: str | None, resume_max_age_s: float) -> str | None:
    runs = finished_runs(store.generation())
    if not runs or runs[-1]["prouvee"]:
        return None
    try:
        debuts = store.suite(runs[-1]["collecte"])
        last = debuts[-1]
        nom = store.continuable(
            now_s,
            planner_version=planner_version or last.planner_version,
            settings_digest=last.settings_digest,
            resume_max_age_s=resume_max_age_s,
        )
    except (OSError, MoissonError):
        # Its evidence is damaged, or went while we looked.
        return None
    oldest_s = min(debut.begun_s for debut in debuts)
    return _iso(dt.datetime.fromtimestamp(oldest_s + resume_max_age_s, dt.UTC)) if nom else None


def _unfinished(store: Store, now_s: float, planner_version: str | None, resume_max_age_s: float) -> RunStatus | None:
    names = unfinished_runs(store.layout)
    if not names:
        return None
    layout = store.layout.run(names[-1])
    try:
        debut = read_info(layout).debut
        pages = sum(1 for path in layout.pages.iterdir() if not path.name.startswith("."))
    except (OSError, MoissonError):
        # It was finished, or given up, while we looked.
        return None
    why_not = why_not_resumed(
        debut, now_s, planner_version or debut.planner_version, debut.settings_digest, resume_max_age_s, new=False
    )
    begun = dt.datetime.fromtimestamp(debut.begun_s, dt.UTC)
    return RunStatus(debut.collecte, _iso(begun), now_s - debut.begun_s, pages, not why_not, why_not)


def _warnings(store: Store, last: dict[str, Any], age_s: float | None) -> list[str]:
    found = []
    if store.simulated:
        found.append("Simulated data: this store was filled from a twin.")
    if last and not last["prouvee"]:
        found.append("The last run is not proved: what is stored may lack offers or hold withdrawn ones.")
    if age_s is not None and age_s > LICENCE_MAX_AGE_S:
        found.append(f"The last proof is {age_s / 3600:.0f} hours old; the licence asks for a refresh every 24 hours.")
    elif age_s is not None and age_s > LICENCE_MAX_AGE_S * _NEAR:
        found.append(f"The last proof is {age_s / 3600:.1f} hours old; refresh it before 24 hours have passed.")
    elif age_s is None and last:
        found.append("No run was proved yet.")
    return found


def _disk_warnings(free: int, needed: int, left: float | None) -> list[str]:
    if free < needed:
        return [f"{free / 1e9:.1f} GB are free on the disk, the next run may need {needed / 1e9:.1f} GB for its time."]
    if left is not None and left < DAYS_LEFT_MIN:
        return [f"At the pace of the last runs, a run no longer fits on the disk in {left:.0f} days."]
    return []


def _iso(instant: dt.datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
