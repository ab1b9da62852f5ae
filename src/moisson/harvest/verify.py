"""Proving a past run again, from what lies on the disk alone.

Nothing is asked of the API, and nothing recorded is believed that can be computed. What is looked at, and how deep:

    evidence  every byte of the file, by its seal; every fact, by its chain of hashes up to the end that the table names
    plan      the facts told to a new plan, which judges every window again
    cover     the proved windows, which must leave no instant out
    books     each row of collectes, fenetres and erreurs, made again from the facts and compared column by column
    lake      ids and creations of the offers, against those that the pages showed; of the last run only
    pages     hashes of the raw pages, against those of the facts; where they are kept
    files     names, sizes and rows of all data files, against the manifest

What a page said of an offer besides its id and creation is gone with the page, and is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from moisson.errors import ContractBroken, StoreCorrupt, UsageError
from moisson.harvest.audit import Etape, check_books, check_files, check_lake, check_pages, recorded_bilan, run_row
from moisson.model import Bilan, FenetreBilan, PageLue
from moisson.plan.coverage import confronter
from moisson.plan.limits import Limites
from moisson.plan.planner import VERSION, Planificateur
from moisson.store.journal import Debut
from moisson.store.masking import is_mark
from moisson.store.seen import Reading, Seen, distinct
from moisson.store.store import Store, finished_runs, given_up_runs
from moisson.store.suite import Suite

__all__ = ["Etape", "Verification", "trou", "verifiable_runs", "verify"]


class Verification(msgspec.Struct, frozen=True):
    """What became of the proof of one run.

    Attributes:
        collecte: the run.
        verdict: proved again; intact, but the run is not proved by it; intact, but judged by another version of the
            planner, so that nobody here can; or something was changed or does not hold.
        etapes: what was looked at, in order.
        raisons: why the run is not proved.
    """

    collecte: str
    verdict: Literal["proved again", "not proved", "cannot be judged", "does not hold"]
    etapes: tuple[Etape, ...]
    raisons: tuple[str, ...]

    @property
    def intacte(self) -> bool:
        """Nothing that was looked at contradicts what was recorded."""
        return self.verdict != "does not hold"

    @property
    def prouvee(self) -> bool:
        """The facts prove the run complete, and nothing was changed."""
        return self.verdict == "proved again"


def verifiable_runs(store: Store) -> list[str]:
    """Names of the runs whose evidence is or must be kept, oldest first."""
    generation = store.generation()
    if generation is None:
        return []
    kept = set(store.evidence_names())
    # A run that was given up proves nothing, though a crash may have left its evidence.
    given_up = {row["collecte"] for row in given_up_runs(generation)}
    # In the order of the manifest, which a change of the tables leaves alone. The last run always has evidence: where
    # it is missing, its verification says so.
    last = {row["collecte"] for row in finished_runs(generation)[-1:]}
    return [nom for nom in generation.manifest.collectes if nom in (kept - given_up) | last]


def verify(store: Store, collecte: str | None = None) -> Verification:
    """Prove a run again.

    Args:
        store: where it was kept.
        collecte: the run's name; None for the last one that was folded.

    Raises:
        UsageError: there is no such run, or no run at all.
        StoreCorrupt: the tables themselves cannot be read.
    """
    runs = verifiable_runs(store)
    if not runs or (collecte is not None and collecte not in runs):
        raise UsageError(
            f"There is no finished run {collecte} with evidence" if collecte else "There is no finished run yet",
            doing=f"looking in {store.folder}",
            todo="`moisson status` says how many have evidence, "
            '`moisson sql "select collecte, verdict from collectes"` lists them all.',
        )
    nom = collecte or runs[-1]
    ligne = run_row(store, nom) or {}
    etapes: list[Etape] = []
    bilan: Bilan | None = None
    try:
        debuts = store.suite(nom)
        rejeu = _rejouer(store, debuts)
        etapes.append(Etape("evidence", "holds", f"{rejeu.detail}, chained to {str(ligne.get('chaine'))[:12]}"))
        retenu = rejeu.bilan or recorded_bilan(store, nom)
        seen, suite = rejeu.lue.seen(retenu), Suite(rejeu.avant.seen(retenu), store.calls_before(debuts[-1]))
        bilan = None if rejeu.bilan is None else confronter(rejeu.bilan, distinct(seen, suite.seen))
        etapes += _juger(store, debuts, bilan or retenu, seen, suite)
        etapes.append(check_lake(store, nom, seen, suite, last=nom == runs[-1]))
        etapes.append(check_pages(store, nom))
    except StoreCorrupt as abime:
        etapes.append(Etape("evidence", "fails", str(abime)))
    etapes.append(check_files(store))
    prouve = bilan is not None and bilan.prouve and bool(ligne.get("prouvee"))
    intacte = all(etape.issue != "fails" for etape in etapes)
    jugee: Literal["proved again", "not proved", "cannot be judged"]
    jugee = "cannot be judged" if bilan is None else "proved again" if prouve else "not proved"
    return Verification(
        collecte=nom,
        verdict=jugee if intacte else "does not hold",
        etapes=tuple(etapes),
        raisons=() if prouve else tuple(ligne.get("raisons") or ()),
    )


def trou(fenetres: Iterable[FenetreBilan]) -> str:
    """Say which instants no proved, unfiltered window answers for, or "" when they cover all of time."""
    prouvees = [f for f in fenetres if f.preuve and not f.critere]
    debut = float("-inf")
    for fenetre in sorted(prouvees, key=lambda f: (f.debut_ms is not None, f.debut_ms or 0)):
        if fenetre.debut_ms is not None and fenetre.debut_ms > debut + 1:
            return f"nothing answers for creations from {debut:.0f} to {fenetre.debut_ms} (milliseconds since 1970)"
        debut = max(debut, float("inf") if fenetre.fin_ms is None else fenetre.fin_ms)
    return "" if debut == float("inf") else f"nothing answers for creations after {debut:.0f} (milliseconds since 1970)"


class _Rejeu(msgspec.Struct, frozen=True):
    """What the evidence of a run tells.

    Attributes:
        bilan: what a new plan establishes; None where this version's planner cannot judge it.
        avant: what was read by the runs that it continues.
        lue: what it read itself.
        detail: the same, for a person.
    """

    bilan: Bilan | None
    avant: Reading
    lue: Reading
    detail: str


def _rejouer(store: Store, debuts: Sequence[Debut]) -> _Rejeu:
    """Tell the evidence of a run to a new plan, that of the runs it continues before it; each fact is read once.

    Raises:
        StoreCorrupt: some of it is missing or damaged, or the facts do not make a plan.
    """
    jugeable, oublis = _jugeable(debuts), _oublis(store)
    compte = 0
    avant, lue = Reading(oublis), Reading(oublis)
    marques: set[str] = set()
    plan: Planificateur | None = None
    for debut in debuts:
        with store.evidence(debut.collecte) as (_, faits):
            try:
                if plan is not None and not plan.rouvrir():
                    raise ValueError(f"{debut.suite_de} left nothing to go on with")
                if plan is None and jugeable:
                    plan = Planificateur(Limites.de_cle(debut.settings_digest))
                for fait in faits:
                    compte += 1
                    (lue if debut is debuts[-1] else avant).tell(fait)
                    if isinstance(fait, PageLue):
                        marques.update(ligne.id for ligne in fait.lignes if is_mark(ligne.id))
                    if plan is not None:
                        plan.dire(fait)
            except (ContractBroken, ValueError) as rompu:
                raise StoreCorrupt(
                    f"The facts of {debut.collecte} do not make a plan: {rompu}", doing="replaying them"
                ) from rompu
    if inconnues := marques - oublis:
        # A mark fits the chain as well as its id: only the list of what was forgotten tells that an id was taken out.
        raise StoreCorrupt(f"{len(inconnues)} ids were taken out that nobody asked to forget", doing="replaying it")
    detail = f"{compte} answers, as they were written"
    if len(debuts) > 1:
        detail += f", in {len(debuts)} runs that continue each other"
    if marques:
        detail += f"; {len(marques)} ids were forgotten, and a mark in the place of each fits the chain"
    return _Rejeu(plan.bilan() if plan is not None else None, avant, lue, detail)


def _jugeable(debuts: Sequence[Debut]) -> bool:
    """Whether this version's planner can judge all parts of a walk."""
    return all(debut.planner_version == VERSION for debut in debuts)


def _oublis(store: Store) -> frozenset[str]:
    """Marks of the ids that were asked to be forgotten."""
    generation = store.generation()
    return frozenset(generation.manifest.oublis) if generation is not None else frozenset()


def _juger(store: Store, debuts: Sequence[Debut], bilan: Bilan, seen: Seen, suite: Suite) -> list[Etape]:
    """What the facts establish, and what the tables claim; `bilan` is what they claim where nobody can judge."""
    books = check_books(store, debuts[-1], bilan, seen, suite)
    if not _jugeable(debuts):
        versions = ", ".join(sorted({debut.planner_version for debut in debuts} - {VERSION}))
        if books.issue == "holds":
            detail = "what the facts alone tell is recorded as it was; what the plan made of it is not checked"
            books = Etape("books", "holds", detail)
        return [
            Etape("plan", "not checked", f"version {versions} of the planner judged its windows, this is {VERSION}"),
            Etape("cover", "not checked", "nobody here can say which windows are proved"),
            books,
        ]
    prouvees = sum(1 for fenetre in bilan.fenetres if fenetre.preuve)
    manque = trou(bilan.fenetres)
    return [
        Etape("plan", "holds", f"{prouvees} of {len(bilan.fenetres)} windows are proved by the facts"),
        Etape(
            "cover",
            "holds" if not manque else "fails" if bilan.prouve else "open",
            manque or "the proved windows answer for every instant",
        ),
        books,
    ]
