"""Proving a past run again, from what lies on the disk alone.

Nothing is asked of the API, and nothing recorded is believed that can be computed: the evidence is read from its first
line to its last along its chain of hashes, its facts are told to a new plan, and what that plan establishes is compared
with what the tables claim. The windows must leave no instant uncovered, and the lake must hold what the pages showed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow.parquet as pq

from moisson.errors import ContractBroken, MoissonError, StoreCorrupt, UsageError
from moisson.model import Bilan, Fait, FenetreBilan, PageLue
from moisson.plan.limits import Limites
from moisson.plan.planner import VERSION, Planificateur
from moisson.store import files
from moisson.store.masking import is_mark
from moisson.store.seen import Seen, array_keys, id_keys, read_seen
from moisson.store.store import Store

__all__ = ["Etape", "Verification", "trou", "verify"]


class Etape(msgspec.Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        nom: what.
        issue: it holds, it does not, or it could not be looked at.
        detail: for a person.
    """

    nom: str
    issue: Literal["holds", "fails", "not checked"]
    detail: str


class Verification(msgspec.Struct, frozen=True):
    """What became of the proof of one run.

    Attributes:
        collecte: the run.
        intacte: nothing that was looked at contradicts what was recorded.
        prouvee: the facts prove the run complete.
        etapes: what was looked at, in order.
        raisons: why it is not proved, as recomputed.
    """

    collecte: str
    intacte: bool
    prouvee: bool
    etapes: tuple[Etape, ...]
    raisons: tuple[str, ...]


def verify(store: Store, collecte: str | None = None) -> Verification:
    """Prove a run again.

    Args:
        store: where it was kept.
        collecte: the run's name; None for the last one that was folded.

    Raises:
        UsageError: there is no such run, or no run at all.
        StoreCorrupt: the tables themselves cannot be read.
    """
    ligne = _ligne(store, collecte)
    nom = ligne["collecte"]
    etapes: list[Etape] = []
    bilan: Bilan | None = None
    try:
        bilan, seen = _rejouer(store, nom, ligne["chaine"], etapes)
    except StoreCorrupt as abime:
        etapes.append(Etape("evidence", "fails", str(abime)))
    if bilan is not None:
        etapes.append(_comparer(bilan, ligne, _fenetres(store, nom)))
        etapes.append(_couvrir(bilan))
        etapes.append(_lac(store, nom, seen, ligne))
    return Verification(
        collecte=nom,
        intacte=all(etape.issue != "fails" for etape in etapes),
        prouvee=bilan is not None and bilan.prouve and all(etape.issue != "fails" for etape in etapes),
        etapes=tuple(etapes),
        raisons=bilan.raisons if bilan is not None else (),
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


def _ligne(store: Store, collecte: str | None) -> dict[str, Any]:
    """The row of `collectes` of that run."""
    lignes = [ligne for ligne in _table(store, "collectes") if ligne.get("chaine")]
    if collecte is not None:
        lignes = [ligne for ligne in lignes if ligne["collecte"] == collecte]
    if not lignes:
        raise UsageError(
            f"There is no finished run {collecte}" if collecte else "There is no finished run yet",
            doing=f"looking in {store.folder}",
            todo='`moisson sql "select collecte, verdict from collectes"` lists the runs.',
        )
    return max(lignes, key=lambda ligne: ligne["debut"])


def _fenetres(store: Store, collecte: str) -> list[dict[str, Any]]:
    lignes = [ligne for ligne in _table(store, "fenetres") if ligne["collecte"] == collecte]
    return sorted(lignes, key=lambda ligne: int(ligne["numero"]))


def _table(store: Store, nom: str) -> list[dict[str, Any]]:
    generation = store.generation()
    table = generation.read(nom) if generation is not None else None
    return [] if table is None else table.to_pylist()


def _rejouer(store: Store, collecte: str, chaine: str, etapes: list[Etape]) -> tuple[Bilan | None, Seen]:
    """Tell the evidence to a new plan."""
    plan: Planificateur | None = None
    compte = 0
    oubliees: set[str] = set()

    def dire(faits: Iterator[Fait]) -> Iterator[Fait]:
        nonlocal compte
        for fait in faits:
            compte += 1
            if isinstance(fait, PageLue):
                oubliees.update(ligne.id for ligne in fait.lignes if is_mark(ligne.id))
            if plan is not None:
                plan.dire(fait)
            yield fait

    with store.evidence(collecte) as (debut, faits):
        if debut.planner_version == VERSION:
            plan = Planificateur(Limites.de_cle(debut.settings_digest))
        try:
            seen = read_seen(dire(faits), _SANS_BILAN)
        except (ContractBroken, ValueError) as rompu:
            if isinstance(rompu, MoissonError) and not isinstance(rompu, ContractBroken):
                raise
            raise StoreCorrupt(
                f"The facts of {collecte} do not make a plan: {rompu}", doing="replaying them"
            ) from rompu
    marques = f"; {len(oubliees)} ids were forgotten, a hash stands for each" if oubliees else ""
    etapes.append(Etape("evidence", "holds", f"{compte} answers, chained without a gap to {chaine[:12]}{marques}"))
    if plan is None:
        etapes.append(
            Etape("plan", "not checked", f"planned by version {debut.planner_version}, this Moisson has {VERSION}")
        )
        return None, seen
    return plan.bilan(), seen


_SANS_BILAN = Bilan(False, (), (), (), 0, 0, False, 0)


def _comparer(bilan: Bilan, ligne: dict[str, Any], fenetres: list[dict[str, Any]]) -> Etape:
    """What the facts establish, against what the tables claim."""
    ecarts = []
    # A proved plan may still be recorded as not proved: the run itself adds reasons, such as a total that shrank.
    if ligne["prouvee"] and not bilan.prouve:
        ecarts.append(f"recorded as proved, and the facts do not prove it: {'; '.join(bilan.raisons)}")
    if (ligne["annonce_premiere"], ligne["manquantes_connues"]) != (bilan.nationale_premiere, bilan.manquantes):
        ecarts.append("the totals recorded are not those of the facts")
    champs = ("numero", "critere", "annonce_premiere", "annonce_derniere", "distinctes", "preuve", "verdict")
    calcule = [tuple(getattr(fenetre, champ) for champ in champs) for fenetre in bilan.fenetres]
    if calcule != [tuple(fenetre[champ] for champ in champs) for fenetre in fenetres]:
        ecarts.append("the windows recorded are not those of the facts")
    prouvees = sum(1 for fenetre in bilan.fenetres if fenetre.preuve)
    if ecarts:
        return Etape("plan", "fails", "; ".join(ecarts))
    return Etape("plan", "holds", f"{prouvees} of {len(bilan.fenetres)} windows proved again, as recorded")


def _couvrir(bilan: Bilan) -> Etape:
    """The windows must leave no instant out, if the run is to be proved."""
    manque = trou(bilan.fenetres)
    if not manque:
        return Etape("cover", "holds", "the proved windows answer for every instant")
    return Etape("cover", "fails" if bilan.prouve else "holds", manque)


def _lac(store: Store, collecte: str, seen: Seen, ligne: dict[str, Any]) -> Etape:
    """The ids that the pages showed, against those that the lake holds."""
    if _ligne(store, None)["collecte"] != collecte:
        return Etape("lake", "not checked", "a later run changed the lake; its own evidence speaks for it")
    generation = store.generation()
    assert generation is not None
    with files.border("reading the table offres"):
        chemins = generation.files("offres")
        cles = [array_keys(pq.read_table(chemin, columns=["id"]).column("id")) for chemin in chemins]
    lac = np.sort(np.concatenate(cles)) if cles else np.empty(0, np.uint64)
    oubliees = id_keys(generation.manifest.oublis)
    vues = np.setdiff1d(seen.keys, oubliees, assume_unique=True)
    absentes = len(np.setdiff1d(vues, lac, assume_unique=True))
    gardees = len(lac) - (len(vues) - absentes)
    if absentes or len(lac) + generation.manifest.oubliees != ligne["offres"]:
        return Etape(
            "lake", "fails", f"{absentes} offers read are not in the lake, which holds {len(lac)} of {ligne['offres']}"
        )
    oubli = f"; {len(seen.keys) - len(vues)} were forgotten" if len(vues) < len(seen.keys) else ""
    garde = f", and {gardees} kept from before" if gardees else ""
    return Etape("lake", "holds", f"all {len(vues)} offers read are in it{garde}{oubli}")
