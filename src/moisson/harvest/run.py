"""One run from beginning to end: open or take up, harvest, judge, fold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from moisson import __version__
from moisson.api import ApiEvent, Client, ClientStats, Reponse
from moisson.errors import ContractBroken, StoreCorrupt
from moisson.harvest.loop import moissonner
from moisson.harvest.meter import Compteur
from moisson.harvest.opening import open_client, open_to_fill
from moisson.harvest.progress import Avancement, Resultat
from moisson.harvest.withdrawals import RETRAITS_DEMANDES, Confirmation, confirm
from moisson.model import Bilan, Fait, PageLue, Question
from moisson.plan.coverage import confronter
from moisson.plan.limits import LIMITES_API, Limites
from moisson.plan.planner import VERSION, Planificateur
from moisson.settings import Settings
from moisson.store.bookkeeping import Compteurs
from moisson.store.closing import Examen, Fermetures, closing
from moisson.store.fold import FoldOptions, FoldResult
from moisson.store.layout import Layout
from moisson.store.runs import Run
from moisson.store.space import check_space, estimate_run_bytes
from moisson.store.store import Store

__all__ = ["RETRAIT_MAX", "collect"]

RETRAIT_MAX = 0.2
"""A national total that fell by more than this share since the last proved run closes nothing."""
INSTANTANE_S = 0.25
"""Seconds between two snapshots shown."""

ESPACE_TOUS_LES = 50
"""Facts between two looks at the free space."""

Observateur = Callable[[Avancement], None]


async def collect(
    store_dir: Path,
    settings: Settings,
    *,
    observer: Observateur,
    ecouteur: Callable[[ApiEvent], None] | None = None,
    new: bool = False,
    accept_shrink: bool = False,
    transport: httpx2.AsyncBaseTransport | None = None,
    limites: Limites = LIMITES_API,
    wall: Callable[[], float] = time.time,
) -> Resultat:
    """Bring a store to a complete, proved state.

    Args:
        store_dir: the store's folder; made once the API has answered, so that a wrong account changes nothing.
        settings: addresses, accounts, pace and what to keep.
        observer: is told a snapshot four times a second and after each stage.
        ecouteur: is told what the client meets, as it happens: tokens, retries, refusals.
        new: begin afresh even if an unfinished run could go on.
        accept_shrink: close offers even if the total fell by more than a fifth.
        transport: replaces the network, in tests.
        limites: how much a search shows; smaller in simulations.
        wall: seconds since 1970.

    Raises:
        MoissonError: the run could not be done; what was journalled is kept and the next call goes on from there.
        CancelledError: likewise.
    """
    premiers: list[ApiEvent] = []
    ecouteurs = [premiers.append] if ecouteur is None else [ecouteur, premiers.append]
    client = open_client(
        settings, transport=transport, wall=wall, observer=lambda event: [tell(event) for tell in ecouteurs]
    )
    async with client:
        store, deja = await _ouvrir(store_dir, settings, client, limites, wall)
        with store.lock("collect", now_s=wall()):
            if deja is None and (new or not store.resumable(wall(), **_cles(limites, settings))):
                # Before anything is given up or begun: an account that is refused changes nothing.
                deja = await _premiere(client, limites)
            run, plan, faits = _reprendre(store, limites, settings, wall(), new=new)
            clock = asyncio.get_running_loop().time
            compteur = Compteur(run.collecte, reprise=run.reprise, page=limites.page, debut_s=clock())
            for fait in faits:
                compteur.reprendre(fait.tentatives, fait.refus_429)
            ecouteurs[-1] = compteur.noter
            for event in premiers:
                compteur.noter(event)

            def montrer(etape: str = "", stats: ClientStats | None = None) -> Avancement:
                vue = compteur.instantane(clock(), plan, stats or client.stats(), etape=etape)
                observer(vue)
                return vue

            try:
                async with _battement(montrer):
                    await moissonner(plan, client, run, avance=_vigile(plan, store_dir), wall=wall, deja=deja)
                # Taken now: what follows are no searches.
                stats = client.stats()
                montrer("retraits", stats)
                examen = await asyncio.to_thread(store.examine, run, plan.bilan())
                fermetures = await asyncio.to_thread(closing, examen, plan.bilan(), RETRAITS_DEMANDES)
                bilan = _annoter(confronter(plan.bilan(), fermetures.distinctes), compteur.refusees)
                bilan, fermer = _garde(store, bilan, accept_shrink=accept_shrink)
                confirmation = Confirmation()
                if fermer and bilan.controles_nationaux:
                    bilan, confirmation = await _confirmer(fermetures, bilan, client)
                vue = montrer("pli", stats)
                options = FoldOptions(
                    store_contacts=settings.store_contacts,
                    keep_raw=settings.keep_raw,
                    retention_s=settings.retention_s,
                    evidence_runs=settings.evidence_runs,
                    fermer=fermer and bilan.controles_nationaux and not confirmation.raison,
                    revenues=confirmation.revenus,
                )
                compteurs = Compteurs(
                    appels=compteur.appels(stats),
                    relances=compteur.relances(stats),
                    statut_429=compteur.refus_429(stats),
                    retraits_demandes=confirmation.demandes,
                    retraits_confirmes=confirmation.confirmes,
                    version=__version__,
                )
                fini = await _plier(store, run, bilan, options, compteurs, wall(), examen)
                # The fold's time is the run's too.
                vue = compteur.instantane(clock(), plan, stats, etape="pli")
            except ContractBroken as rompu:
                store.abandon(run, rompu.what, wall())
                raise
            finally:
                run.close()
    return Resultat(
        collecte=run.collecte,
        bilan=bilan,
        offres=fini.offres,
        nouvelles=fini.nouvelles,
        retirees=fini.retirees,
        avancement=vue,
        suite_de=run.debut.suite_de,
        appels_ensemble=fini.appels_ensemble,
        # What the plan is asked here changes nothing any more.
        reprenable=not bilan.prouve and len(bilan.raisons) == len(plan.bilan().raisons) and plan.rouvrir(),
        retraits_demandes=confirmation.demandes,
        retraits_confirmes=confirmation.confirmes,
    )


async def _ouvrir(
    store_dir: Path, settings: Settings, client: Client, limites: Limites, wall: Callable[[], float]
) -> tuple[Store, tuple[Question, Reponse] | None]:
    """Open the store, or make one once the API has answered its first question."""
    deja = None
    if not Layout(store_dir).store.exists():
        deja = await _premiere(client, limites)
        check_space(store_dir, estimate_run_bytes(deja[1].total), "looking whether a run fits on the disk")
    return open_to_fill(store_dir, settings, wall()), deja


async def _premiere(client: Client, limites: Limites) -> tuple[Question, Reponse]:
    """The question that every new plan begins with, and its answer."""
    question = Planificateur(limites).demander(())
    assert question is not None
    return question, await client.search(question)


def _cles(limites: Limites, settings: Settings) -> dict[str, Any]:
    """What a run must have in common with the one that takes it up."""
    return {
        "planner_version": VERSION,
        "settings_digest": limites.cle,
        "resume_max_age_s": settings.resume_max_age_s,
    }


def _reprendre(
    store: Store, limites: Limites, settings: Settings, now_s: float, *, new: bool
) -> tuple[Run, Planificateur, list[Fait]]:
    """Take up the unfinished run by telling its facts again, or begin one: where the last one is fresh and not proved,
    one that goes on from it and asks only what is in doubt.
    """
    cles = _cles(limites, settings)
    for neuf in (new, True):
        suite_de = "" if neuf else store.continuable(now_s, **cles)
        plan = _continuer(store, suite_de, limites)
        suite_de = suite_de if plan is not None else ""
        run, faits = store.resume_or_begin(now_s, **cles, new=neuf, suite_de=suite_de)
        try:
            if plan is None or run.debut.suite_de != suite_de:
                plan = _continuer(store, run.debut.suite_de, limites)
            if plan is None:
                raise ValueError(f"{run.debut.suite_de} left nothing to go on with")
            return run, plan, list(_redire(plan, faits))
        except (ContractBroken, ValueError) as rompu:
            # What was journalled leads nowhere: the next turn gives it up and begins afresh.
            run.close()
            if neuf:
                raise StoreCorrupt(f"A new run cannot begin: {rompu}", doing="reading its journal") from rompu
    raise AssertionError("a new run has no facts to stumble over")


def _continuer(store: Store, nom: str, limites: Limites) -> Planificateur | None:
    """A plan that knows what was established up to this run, and what is left to ask; a new one for "".

    Returns:
        None when there is nothing to go on with: what failed was no window, or the evidence does not make a plan.
    """
    plan = Planificateur(limites)
    if not nom:
        return plan
    try:
        for debut in store.suite(nom):
            with store.evidence(debut.collecte) as (_, faits):
                plan.dire_tout(faits)
            if len(store.reasons(debut.collecte)) > len(plan.bilan().raisons) or not plan.rouvrir():
                # What no plan knows says nothing of windows, so none of them can be relied on.
                return None
    except (ContractBroken, StoreCorrupt, ValueError):
        return None
    return plan


def _redire(plan: Planificateur, faits: Iterable[Fait]) -> Iterable[Fait]:
    for fait in faits:
        plan.dire(fait)
        # Only what the counters need is kept: the ids would be the whole country.
        yield msgspec.structs.replace(fait, lignes=(), agregats={}) if isinstance(fait, PageLue) else fait


def _garde(store: Store, bilan: Bilan, *, accept_shrink: bool) -> tuple[Bilan, bool]:
    """Close nothing when the country shrank by more than a fifth, since the last proved run, below what is stored, or
    during this run, unless that is accepted: an API that forgets offers says of each window that they left."""
    generation = store.generation()
    lac = generation.manifest.lignes("offres") if generation is not None else 0
    avant = max(store.last_proved_total() or 0, lac, bilan.nationale_premiere)
    reste = min(bilan.nationale_premiere, bilan.nationale_derniere)
    if accept_shrink or reste >= (1 - RETRAIT_MAX) * avant:
        return bilan, True
    raison = (
        f"{reste} offers are announced, {avant} were before: no offer was closed. If so many are really gone, run "
        "again with --accept-shrink"
    )
    return _contredire(bilan, raison), False


def _annoter(bilan: Bilan, refusees: Sequence[str]) -> Bilan:
    """Say which applications took no part."""
    return msgspec.structs.replace(bilan, avertissements=(*bilan.avertissements, *refusees)) if refusees else bilan


async def _confirmer(fermetures: Fermetures, bilan: Bilan, client: Client) -> tuple[Bilan, Confirmation]:
    """Ask some of the offers that are about to be closed whether they are gone."""
    if fermetures.nombre and not fermetures.ids:
        # Ids of a new shape, of which the index keeps no more than a hash.
        confirmation = Confirmation(min(fermetures.nombre, RETRAITS_DEMANDES), trouble="their ids are not at hand")
    else:
        confirmation = await confirm(fermetures.ids, fermetures.recente_ms, client.offre)
    if confirmation.raison:
        return _contredire(bilan, confirmation.raison), confirmation
    if confirmation.trouble:
        note = f"{confirmation.confirmes} of {confirmation.demandes} withdrawals confirmed: {confirmation.trouble}"
        bilan = msgspec.structs.replace(bilan, avertissements=(*bilan.avertissements, note))
    return bilan, confirmation


def _contredire(bilan: Bilan, raison: str) -> Bilan:
    """The same, not proved for a reason that no plan knows."""
    return msgspec.structs.replace(bilan, prouve=False, raisons=(*bilan.raisons, raison))


async def _plier(
    store: Store, run: Run, bilan: Bilan, options: FoldOptions, compteurs: Compteurs, now_s: float, examen: Examen
) -> FoldResult:
    """Fold, and let no interruption cut it short: it takes seconds, and all was paid for already."""
    pli = asyncio.ensure_future(asyncio.to_thread(store.fold, run, bilan, options, compteurs, now_s, examen))
    while True:
        try:
            return await asyncio.shield(pli)
        except asyncio.CancelledError:
            if pli.cancelled():
                raise


def _vigile(plan: Planificateur, store_dir: Path) -> Callable[[], None]:
    """Watch the disk while pages land: stop, everything kept, before it is full."""
    faits = 0

    def veiller() -> None:
        nonlocal faits
        if plan.annonce and faits % ESPACE_TOUS_LES == 0:
            needed = estimate_run_bytes(plan.annonce, acquises=plan.acquises)
            check_space(store_dir, needed, "looking whether the rest of the run fits on the disk")
        faits += 1

    return veiller


@asynccontextmanager
async def _battement(montrer: Callable[[], object]) -> AsyncIterator[None]:
    """Show a snapshot now and then while the block runs, and one at its end."""

    async def battre() -> None:
        while True:
            montrer()
            await asyncio.sleep(INSTANTANE_S)

    tache = asyncio.ensure_future(battre())
    try:
        yield
    finally:
        tache.cancel()
        await asyncio.gather(tache, return_exceptions=True)
    montrer()
