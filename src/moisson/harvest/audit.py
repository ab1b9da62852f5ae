"""What lies in the tables, held against what the evidence of a run says."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from moisson.errors import StoreCorrupt
from moisson.model import Bilan, FenetreBilan, PageLue
from moisson.store import bookkeeping
from moisson.store.bookkeeping import Compteurs
from moisson.store.generation import Generation
from moisson.store.journal import Debut
from moisson.store.landing import read_page
from moisson.store.masking import is_mark
from moisson.store.schema import COLLECTES, ERREURS, FENETRES
from moisson.store.seen import Seen, array_keys, distinct
from moisson.store.store import Store, finished_runs
from moisson.store.suite import Suite

__all__ = ["Etape", "check_books", "check_files", "check_lake", "check_pages", "recorded_bilan", "run_row"]


_LATER = ("appels_ensemble", "instant", "retraits_demandes", "retraits_confirmes")
"""Columns of `collectes` that came after the first, all at once."""


class Etape(msgspec.Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        nom: what.
        issue: it holds; it fails; it is open, since the run itself does not claim it; or it could not be looked at.
        detail: for a person.
    """

    nom: str
    issue: Literal["holds", "fails", "open", "not checked"]
    detail: str


def run_row(store: Store, collecte: str) -> dict[str, Any] | None:
    """The row of `collectes` of a run; None when there is not exactly one."""
    rows = [row for row in _rows(store, "collectes") if row["collecte"] == collecte]
    return rows[0] if len(rows) == 1 else None


def recorded_bilan(store: Store, collecte: str) -> Bilan:
    """What the tables say that a run established, for one that nobody can judge again; of no worth as a proof."""
    ligne = run_row(store, collecte) or {}
    fenetres = [_fenetre(row) for row in _rows(store, "fenetres") if row["collecte"] == collecte]
    return Bilan(
        prouve=bool(ligne.get("prouvee")),
        raisons=tuple(ligne.get("raisons") or ()),
        avertissements=(),
        fenetres=tuple(sorted(fenetres, key=lambda fenetre: fenetre.numero or 0)),
        nationale_premiere=ligne.get("annonce_premiere") or 0,
        nationale_derniere=ligne.get("annonce_derniere") or 0,
        controles_nationaux=False,
        manquantes=ligne.get("manquantes_connues") or 0,
    )


def _fenetre(row: dict[str, Any]) -> FenetreBilan:
    # By name: an older Moisson knew other columns.
    recorded: dict[str, Any] = {champ: row.get(champ) for champ in FenetreBilan.__struct_fields__}
    return FenetreBilan(**recorded | {"debut_ms": _ms(row["debut"]), "fin_ms": _ms(row["fin"])})


def _ms(instant: dt.datetime | None) -> int | None:
    return None if instant is None else round(instant.replace(tzinfo=dt.UTC).timestamp() * 1000)


def _rows(store: Store, table: str) -> list[dict[str, Any]]:
    generation = store.generation()
    try:
        found = generation.read(table) if generation is not None else None
    except (pa.ArrowException, OSError) as error:
        raise StoreCorrupt(f"The table {table} cannot be read", doing="verifying a run") from error
    return [] if found is None else found.to_pylist()


def _generation(store: Store) -> Generation:
    generation = store.generation()
    assert generation is not None, "a run was folded, so there is a state"
    return generation


# -- books -------------------------------------------------------------------------------------------------------------


def check_books(store: Store, debut: Debut, bilan: Bilan, seen: Seen, suite: Suite) -> Etape:
    """The rows of a run, made again from its facts and from what it took over, against those recorded."""
    nom = debut.collecte
    ligne = run_row(store, nom)
    ecarts = [] if ligne is not None else [f"collectes has no row of {nom}, or several"]
    if ligne is not None:
        ecarts += _run_differs(store, ligne, debut, bilan, seen, suite)
    fenetres = [row for row in _rows(store, "fenetres") if row["collecte"] == nom]
    due = [bookkeeping.fenetre_row(nom, fenetre) for fenetre in bilan.fenetres]
    ecarts += _differs("fenetres", due, sorted(fenetres, key=lambda row: row["numero"] or 0), FENETRES)
    # What the fold itself met is in no fact.
    erreurs = [row for row in _rows(store, "erreurs") if row["collecte"] == nom and row["ou"] != "fold"]
    ecarts += _differs("erreurs", [bookkeeping.erreur_row(nom, e) for e in seen.erreurs], erreurs, ERREURS)
    if [row["collecte"] for row in _rows(store, "collectes")] != list(_generation(store).manifest.collectes):
        ecarts.append("collectes does not list the runs that the manifest does")
    if ecarts:
        return Etape("books", "fails", "; ".join(ecarts))
    return Etape("books", "holds", f"its row, {len(due)} windows and {len(erreurs)} errors are recorded as they were")


def _run_differs(
    store: Store, ligne: dict[str, Any], debut: Debut, bilan: Bilan, seen: Seen, suite: Suite
) -> list[str]:
    raisons = tuple(ligne["raisons"] or ())
    ajoutees = raisons[len(bilan.raisons) :]
    # A run may find reasons of its own that no plan knows, such as a country that shrank; it cannot lose any.
    juge = msgspec.structs.replace(bilan, prouve=bilan.prouve and not ajoutees, raisons=(*bilan.raisons, *ajoutees))
    due = bookkeeping.collecte_row(
        debut,
        ligne["chaine"] or "none is recorded",
        juge,
        Compteurs(
            ligne["appels"],
            ligne["relances"],
            ligne["statut_429"],
            retraits_demandes=ligne.get("retraits_demandes") or 0,
            retraits_confirmes=ligne.get("retraits_confirmes") or 0,
            version=ligne["version"] or "",
        ),
        seen,
        suite,
        debut.begun_s,
        distinctes=distinct(seen, suite.seen),
        offres=ligne["offres"],
        nouvelles=ligne["nouvelles"],
        modifiees=ligne["modifiees"],
        retirees=ligne["retirees"],
    )
    manifest = _generation(store).manifest
    due["instant"] = dict(zip(manifest.collectes, manifest.ordinals.instants, strict=True)).get(debut.collecte)
    # What the fold wrote, and when nobody was at it, is in no fact, and proves nothing.
    due |= {name: ligne.get(name) for name in bookkeeping.UNPROVED}
    if all(ligne.get(name) is None for name in _LATER):
        # The row is of a Moisson that did not know them.
        due |= dict.fromkeys(_LATER)
    ecarts = _differs("collectes", [due], [ligne], COLLECTES)
    # Calls in flight when a process died were made, and answered to nobody: there may be more, never less.
    perdus = (ligne["appels"] or 0) - seen.appels
    for column, least in (("appels", seen.appels), ("relances", seen.relances), ("statut_429", seen.statut_429)):
        if ligne[column] is None or not least <= ligne[column] <= least + perdus:
            ecarts.append(f"collectes: {column} is {ligne[column]}, the facts count {least}")
    runs = finished_runs(_generation(store))
    rang = next((rang for rang, run in enumerate(runs) if run["collecte"] == debut.collecte), 0)
    avant = runs[rang - 1]["offres"] if rang else 0
    comptes = (ligne["nouvelles"], ligne["retirees"], ligne["offres"])
    # Offers that were forgotten between two runs were there after the first, and are not among those closed since.
    partis = None if None in comptes else avant + comptes[0] - comptes[1] - comptes[2]
    if partis is None or partis < 0 or (partis and not manifest.oublis):
        ecarts.append(f"collectes: {avant} offers before, the new and the closed do not make {ligne['offres']}")
    return ecarts


def _differs(table: str, due: list[dict[str, Any]], recorded: list[dict[str, Any]], schema: pa.Schema) -> list[str]:
    """Say where rows differ from those that are due, column by column."""
    if len(due) != len(recorded):
        return [f"{table}: {len(recorded)} rows, {len(due)} are due"]
    # Through the schema, so that both have the types that the file has.
    typed = pa.Table.from_pylist(due, schema=schema).to_pylist()
    columns = [
        name
        for name in schema.names
        if any(row.get(name) != other.get(name) for row, other in zip(typed, recorded, strict=True))
    ]
    return [f"{table}: {', '.join(columns)} not as the facts have it"] if columns else []


# -- lake --------------------------------------------------------------------------------------------------------------


def check_lake(store: Store, collecte: str, seen: Seen, suite: Suite, *, last: bool) -> Etape:
    """The ids and creations that the pages showed, those of runs it continues included, against those of the lake."""
    if not last:
        return Etape("lake", "not checked", "a later run changed the lake; its own evidence speaks for it")
    ligne = run_row(store, collecte) or {}
    try:
        tables = [pq.read_table(path, columns=["id", "creation"]) for path in _generation(store).files("offres")]
    except (pa.ArrowException, OSError):
        return Etape("lake", "fails", "the table offres cannot be read")
    keys = np.concatenate([np.empty(0, np.uint64), *(array_keys(table.column("id")) for table in tables)])
    creations = np.concatenate(
        [np.empty(0, np.int64), *(table.column("creation").cast(pa.int64()).to_numpy() for table in tables)]
    )
    order = np.argsort(keys, kind="stable")
    keys, creations = keys[order], creations[order]
    # unique() finds first occurrences: what the run itself read came last.
    lues, first = np.unique(np.concatenate([seen.keys, suite.seen.keys]), return_index=True)
    montrees = np.concatenate([seen.creation_ms, suite.seen.creation_ms])[first]
    _, there, read = np.intersect1d(keys, lues, return_indices=True)
    absentes, gardees = len(lues) - len(read), len(np.unique(keys)) - len(read)
    ecarts = []
    if len(np.unique(keys)) != len(keys):
        ecarts.append(f"{len(keys) - len(np.unique(keys))} offers stand in the lake twice")
    if absentes:
        ecarts.append(f"{absentes} offers read are not in the lake")
    if moved := int(np.count_nonzero(creations[there] != montrees[read])):
        ecarts.append(f"{moved} offers have another creation than their page showed")
    oubliees = _generation(store).manifest.oubliees
    if len(keys) + oubliees != ligne.get("offres"):
        ecarts.append(f"the lake holds {len(keys)} offers, {ligne.get('offres')} were recorded")
    revenues = (ligne.get("retraits_demandes") or 0) - (ligne.get("retraits_confirmes") or 0)
    if gardees > revenues and ligne.get("prouvee"):
        # A proved run closes all that it did not see, but what had come back when it was asked.
        ecarts.append(f"{gardees} offers of the lake were on no page")
    if ecarts:
        return Etape("lake", "fails", "; ".join(ecarts))
    kept = f"; {gardees} not read are kept, since nothing proves them gone" if gardees else ", and no other"
    if oubliees := distinct(seen, suite.seen) - len(lues):
        kept += f"; {oubliees} that were read are forgotten"
    return Etape("lake", "holds", f"all {len(lues)} offers read are in it with their creation{kept}")


def check_pages(store: Store, collecte: str) -> Etape:
    """The raw pages, where they are kept, against the hashes of the facts. Raises StoreCorrupt for the evidence."""
    folder = store.layout.raw / collecte
    if not folder.is_dir():
        return Etape("pages", "not checked", "they are gone, and with them all else that they said of the offers")
    compte = 0
    with store.evidence(collecte) as (_, faits):
        for fait in faits:
            if not isinstance(fait, PageLue) or not fait.fichier:
                continue
            if any(is_mark(ligne.id) for ligne in fait.lignes) and not (folder / fait.fichier).exists():
                # It showed an offer that was forgotten, and went with it.
                continue
            compte += 1
            try:
                body = read_page(folder / fait.fichier)
            except StoreCorrupt as damaged:
                return Etape("pages", "fails", str(damaged))
            if hashlib.sha256(body).hexdigest() != fait.sha256:
                return Etape("pages", "fails", f"{fait.fichier} is not the page that was received")
    return Etape("pages", "holds", f"{compte} raw pages are those that were received")


# -- files -------------------------------------------------------------------------------------------------------------


def check_files(store: Store) -> Etape:
    """Names, sizes and rows of the data files, against the manifest: a reader's glob sees these files and no other."""
    generation = _generation(store)
    ecarts: list[str] = []
    compte = 0
    for table, found in generation.manifest.tables.items():
        folder = generation.folder / table
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        ecarts += [f"{table}/{name} belongs to nothing" for name in sorted(there - {file.nom for file in found})]
        compte += len(generation.manifest.own(table))
        for file in found:
            if file.nom not in there:
                ecarts.append(f"{table}/{file.nom} is missing")
            elif (folder / file.nom).stat().st_size != file.octets:
                ecarts.append(f"{table}/{file.nom} has another size")
            elif _row_count(folder / file.nom) != file.lignes:
                ecarts.append(f"{table}/{file.nom} has other rows")
    if ecarts:
        return Etape("files", "fails", "; ".join(ecarts[:5]) + (" …" if len(ecarts) > 5 else ""))
    return Etape("files", "holds", f"{compte} data files, as the manifest names them")


def _row_count(path: Path) -> int | None:
    """Rows of a Parquet file; None when it is damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None
