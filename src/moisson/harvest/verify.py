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

from collections.abc import Iterable
from typing import Literal

import msgspec

from moisson.errors import ContractBroken, StoreCorrupt, UsageError
from moisson.harvest.audit import Etape, check_books, check_files, check_lake, check_pages, run_row
from moisson.model import Bilan, FenetreBilan, PageLue
from moisson.plan.limits import Limites
from moisson.plan.planner import VERSION, Planificateur
from moisson.store.journal import Debut
from moisson.store.masking import is_mark
from moisson.store.seen import Seen, read_seen
from moisson.store.store import Store, finished_runs

__all__ = ["Etape", "Verification", "trou", "verifiable_runs", "verify"]


class Verification(msgspec.Struct, frozen=True):
    """What became of the proof of one run.

    Attributes:
        collecte: the run.
        verdict: proved again; intact, but the run is not proved by it; or something was changed or does not hold.
        etapes: what was looked at, in order.
        raisons: why the run is not proved.
    """

    collecte: str
    verdict: Literal["proved again", "not proved", "does not hold"]
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


class _Rejeu(msgspec.Struct):
    """The evidence of a run, told to a new plan.

    Attributes:
        debut: the run's identity.
        faits: how many facts there are.
        oubliees: offers of which only a mark is left.
        bilan: what the plan establishes; None where this version's planner cannot judge it.
    """

    debut: Debut
    faits: int
    oubliees: int
    bilan: Bilan | None


def verifiable_runs(store: Store) -> list[str]:
    """Names of the runs that were folded and whose evidence should be there, oldest first."""
    generation = store.generation()
    if generation is None:
        return []
    kept = store.evidence_names()
    folded = {*kept, *(row["collecte"] for row in finished_runs(generation))}
    # In the order of the manifest, which a change of the tables leaves alone; older evidence was let go. The last run
    # always has some: where it is missing, its verification says so.
    runs = [nom for nom in generation.manifest.collectes if nom in folded]
    return [nom for nom in runs if nom >= min(kept, default=runs[-1])]


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
    rejeu: _Rejeu | None = None
    try:
        rejeu = _rejouer(store, nom)
        with store.evidence(nom) as (_, faits):
            # Read again, now that it is known which windows are proved.
            seen = read_seen(faits, rejeu.bilan or _SANS_BILAN, _oublis(store))
        detail = f"{rejeu.faits} answers, as they were written, chained to {str(ligne.get('chaine'))[:12]}"
        if rejeu.oubliees:
            detail += f"; of {rejeu.oubliees} offers that were forgotten only a mark is left, which fits the chain"
        etapes.append(Etape("evidence", "holds", detail))
        etapes += _juger(store, rejeu, seen)
        etapes.append(check_lake(store, nom, seen, last=nom == runs[-1]))
        etapes.append(check_pages(store, nom))
    except StoreCorrupt as abime:
        etapes.append(Etape("evidence", "fails", str(abime)))
    etapes.append(check_files(store))
    bilan = rejeu.bilan if rejeu is not None else None
    prouve = bilan is not None and bilan.prouve and bool(ligne.get("prouvee"))
    intacte = all(etape.issue != "fails" for etape in etapes)
    return Verification(
        collecte=nom,
        verdict="does not hold" if not intacte else "proved again" if prouve else "not proved",
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


_SANS_BILAN = Bilan(False, (), (), (), 0, 0, False, 0)


def _rejouer(store: Store, collecte: str) -> _Rejeu:
    """Tell the evidence to a new plan.

    Raises:
        StoreCorrupt: it is missing or damaged, or its facts do not make a plan.
    """
    with store.evidence(collecte) as (debut, faits):
        try:
            plan = Planificateur(Limites.de_cle(debut.settings_digest)) if debut.planner_version == VERSION else None
            compte = 0
            marques: set[str] = set()
            for fait in faits:
                compte += 1
                if isinstance(fait, PageLue):
                    marques.update(ligne.id for ligne in fait.lignes if is_mark(ligne.id))
                if plan is not None:
                    plan.dire(fait)
        except (ContractBroken, ValueError) as rompu:
            raise StoreCorrupt(
                f"The facts of {collecte} do not make a plan: {rompu}", doing="replaying them"
            ) from rompu
    if inconnues := marques - _oublis(store):
        # A mark fits the chain as well as its id: only the list of what was forgotten tells that an id was taken out.
        raise StoreCorrupt(f"{len(inconnues)} ids were taken out that nobody asked to forget", doing="replaying it")
    return _Rejeu(debut, compte, len(marques), plan.bilan() if plan is not None else None)


def _oublis(store: Store) -> frozenset[str]:
    """Marks of the ids that were asked to be forgotten."""
    generation = store.generation()
    return frozenset(generation.manifest.oublis) if generation is not None else frozenset()


def _juger(store: Store, rejeu: _Rejeu, seen: Seen) -> list[Etape]:
    """What the facts establish, and what the tables claim."""
    bilan = rejeu.bilan
    if bilan is None:
        version = rejeu.debut.planner_version
        detail = f"planned by version {version}, this Moisson has {VERSION}: its windows cannot be judged again"
        return [Etape("plan", "not checked", detail)]
    prouvees = sum(1 for fenetre in bilan.fenetres if fenetre.preuve)
    manque = trou(bilan.fenetres)
    return [
        Etape("plan", "holds", f"{prouvees} of {len(bilan.fenetres)} windows are proved by the facts"),
        Etape(
            "cover",
            "fails" if manque and bilan.prouve else "holds",
            manque or "the proved windows answer for every instant",
        ),
        check_books(store, rejeu.debut, bilan, seen),
    ]
