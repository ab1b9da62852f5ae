"""The rows of `collectes`, `fenetres` and `erreurs`: what each run established, cost and met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from moisson.model import Bilan, FenetreBilan
from moisson.store.colonne import MS
from moisson.store.journal import Debut
from moisson.store.ordinals import Ordinals
from moisson.store.runs import Abandon
from moisson.store.seen import Erreur, Seen
from moisson.store.suite import Suite

__all__ = ["PAGE_MAX", "SIZES", "UNPROVED", "Compteurs", "appended", "floor_calls", "with_instants"]

PAGE_MAX = 150
"""Most offers that one call brings."""


SIZES = ("octets_lac", "octets_ecrits")
"""Columns of `collectes` that the fold itself fills in, once everything else is written."""

UNPROVED = (*SIZES, "pauses_s")
"""Columns of `collectes` that evidence does not tell, and that prove nothing."""


class Compteurs(msgspec.Struct, frozen=True):
    """What the harvest loop counted over all sessions of a run.

    Attributes:
        appels: search attempts, retries included; None: as many as the facts account for.
        relances: attempts made again; None: likewise.
        statut_429: attempts answered 429; None: likewise.
        duree_s: duration, seconds; None: from the run's beginning to its last answer.
        retraits_demandes, retraits_confirmes: withdrawals asked of the detail resource, and those that it confirmed.
        version: version of Moisson.
    """

    appels: int | None = None
    relances: int | None = None
    statut_429: int | None = None
    duree_s: float | None = None
    retraits_demandes: int = 0
    retraits_confirmes: int = 0
    version: str = ""


def floor_calls(annonce: int) -> int:
    """The least number of calls that can bring `annonce` offers."""
    return math.ceil(annonce / PAGE_MAX)


def appended(before: pa.Table | None, rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """A small table with more rows; one of an older Moisson gets the columns it lacks, as nulls."""
    added = pa.Table.from_pylist(list(rows), schema=schema)
    if before is None:
        return added
    known = set(before.column_names)
    old = pa.table(
        [
            before.column(field.name).cast(field.type) if field.name in known else pa.nulls(len(before), field.type)
            for field in schema
        ],
        schema=schema,
    )
    return pa.concat_tables([old, added]).combine_chunks()


def with_instants(collectes: pa.Table, ordinals: Ordinals) -> pa.Table:
    """The table of runs with the instant of each, also of those recorded before there was such a column."""
    known = dict(zip(ordinals.collectes, ordinals.instants, strict=True))
    instants: list[int | None] = [known.get(str(nom)) for nom in collectes.column("collecte").to_pylist()]
    at = collectes.schema.get_field_index("instant")
    return collectes.set_column(at, collectes.schema.field(at), pa.array(instants, MS))


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def collecte_row(
    debut: Debut,
    chaine: str,
    bilan: Bilan,
    compteurs: Compteurs,
    seen: Seen,
    suite: Suite,
    now_s: float,
    *,
    distinctes: int,
    offres: int,
    nouvelles: int,
    modifiees: int,
    retirees: int,
) -> dict[str, Any]:
    """The row of a finished run."""
    appels = seen.appels if compteurs.appels is None else compteurs.appels
    plancher = floor_calls(bilan.nationale_premiere)
    instants = [premiere_s for premiere_s in (suite.seen.premiere_s, seen.premiere_s) if premiere_s is not None]
    fin_s = now_s if seen.derniere_s is None else seen.derniere_s
    return {
        "collecte": debut.collecte,
        "source": debut.source,
        "simule": debut.simule,
        "debut": _ms(debut.begun_s),
        "fin": _ms(fin_s),
        "preuve_la_plus_ancienne": _ms(min(instants, default=None)),
        "suite_de": debut.suite_de or None,
        "verdict": "prouvee" if bilan.prouve else "non prouvee",
        "prouvee": bilan.prouve,
        "annonce_premiere": bilan.nationale_premiere,
        "annonce_derniere": bilan.nationale_derniere,
        "distinctes": distinctes,
        "offres": offres,
        "nouvelles": nouvelles,
        "modifiees": modifiees,
        "retirees": retirees,
        "retraits_demandes": compteurs.retraits_demandes,
        "retraits_confirmes": compteurs.retraits_confirmes,
        "manquantes_connues": bilan.manquantes,
        "appels": appels,
        "appels_ensemble": suite.appels + appels,
        "appels_plancher": plancher,
        "ratio": appels / plancher if plancher else None,
        "relances": seen.relances if compteurs.relances is None else compteurs.relances,
        "statut_429": seen.statut_429 if compteurs.statut_429 is None else compteurs.statut_429,
        "duree_s": fin_s - debut.begun_s if compteurs.duree_s is None else compteurs.duree_s,
        "pauses_s": seen.pauses_s,
        "version": compteurs.version,
        "version_planificateur": debut.planner_version,
        "chaine": chaine,
        "raisons": list(bilan.raisons),
    }


def abandoned_row(abandon: Abandon, version: str) -> dict[str, Any]:
    """The row of a run that was given up; what it did not establish is null."""
    debut = abandon.debut
    fin_s = debut.begun_s if abandon.derniere_s is None else abandon.derniere_s
    return {
        "collecte": debut.collecte,
        "source": debut.source,
        "simule": debut.simule,
        "debut": _ms(debut.begun_s),
        "fin": _ms(fin_s),
        "preuve_la_plus_ancienne": _ms(abandon.premiere_s),
        "suite_de": debut.suite_de or None,
        "verdict": abandon.verdict,
        "prouvee": False,
        "appels": abandon.appels,
        "appels_ensemble": abandon.appels,
        "relances": abandon.relances,
        "statut_429": abandon.statut_429,
        "duree_s": fin_s - debut.begun_s,
        "version": version,
        "version_planificateur": debut.planner_version,
        "raisons": [abandon.raison],
    }


def fenetre_row(collecte: str, fenetre: FenetreBilan) -> dict[str, Any]:
    """The row of one window."""
    row = msgspec.structs.asdict(fenetre)
    return {"collecte": collecte, "debut": row.pop("debut_ms"), "fin": row.pop("fin_ms"), **row}


def erreur_row(collecte: str, erreur: Erreur) -> dict[str, Any]:
    """The row of one trouble."""
    row = msgspec.structs.asdict(erreur)
    return {"collecte": collecte, "quand": _ms(row.pop("quand_s")), **row}
