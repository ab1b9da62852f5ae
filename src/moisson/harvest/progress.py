"""Frozen snapshots of a run, looked at by the command line, the logs and the page alike."""

from __future__ import annotations

import msgspec

from moisson.model import Bilan

__all__ = ["Avancement", "Resultat"]


class Avancement(msgspec.Struct, frozen=True):
    """Where a run stands, at one moment.

    Attributes:
        collecte: the run's name.
        etape: a stage of the plan: "depart", "horloge", "controle", "descente", "balayage", "cloture", "fini";
            "retraits", some withdrawals being confirmed; or "pli", the fold.
        reprise: this run was begun earlier and is being continued.
        offres: offers read so far (border overlaps counted once).
        annonce: offers that the API announced at the start, 0 before it did.
        appels: search attempts so far, retries included, earlier sessions of this run included.
        plancher: the least number of calls that could do, ceil(annonce / 150).
        relances: attempts that had to be made again.
        refus_429: attempts answered 429.
        rythme_s: search attempts a second, over the last half minute; never more than was allowed then.
        debit_s: search attempts a second that we allow ourselves, all applications together.
        ecoule_s: seconds since this session began.
        restant_s: seconds left at this pace, or None when not known yet.
        fenetres, prouvees: windows opened, and proved.
        dernier_ennui: the last trouble met, for a person; "" when none.
    """

    collecte: str
    etape: str
    reprise: bool
    offres: int
    annonce: int
    appels: int
    plancher: int
    relances: int
    refus_429: int
    rythme_s: float
    debit_s: float
    ecoule_s: float
    restant_s: float | None
    fenetres: int
    prouvees: int
    dernier_ennui: str


class Resultat(msgspec.Struct, frozen=True):
    """How a run ended.

    Attributes:
        collecte: the run's name.
        bilan: what the planner established.
        offres: offers online in the store after the fold.
        nouvelles, retirees: offers that the fold added, and closed.
        suite_de: the run that it continued, "" for most.
        appels_ensemble: search attempts of the run and of those it continued.
        reprenable: not proved, and the next run, if it comes soon, can ask again what is in doubt and only that.
        retraits_demandes, retraits_confirmes: withdrawals asked of the detail resource, and those that it confirmed.
        avancement: the last snapshot.
    """

    collecte: str
    bilan: Bilan
    offres: int
    nouvelles: int
    retirees: int
    avancement: Avancement
    suite_de: str = ""
    appels_ensemble: int = 0
    reprenable: bool = False
    retraits_demandes: int = 0
    retraits_confirmes: int = 0
