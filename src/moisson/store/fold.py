"""The fold: a finished run becomes the next generation, in one step that readers see whole or not at all.

First pass: the journal's facts become arrays (seen.py), the previous state's ids and hashes too, and every offer of
the new state gets its place: which page or file to read it from, which period it belongs to. Second pass: pages and
files are read newest first, once; a period is written, or linked when nothing in it changed, as soon as all its
offers are there; contents that are no longer published are taken from the previous state's files on the way (past.py).
Then the stays (presence.py) and the counts of the day (aggregates.py). So memory holds a few periods and some tens of
bytes an offer, however large the country and however long its history.

Then, in this order: the new generation takes its number, the run's journal becomes evidence, `current` is switched (the
commit point), the run's folder and what is out of date are removed. A crash before the switch leaves the old state
and the run, to be folded again; after it, the new state lists the run, which is then only cleared away.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from moisson.model import Bilan, PageLue
from moisson.store import bookkeeping, files
from moisson.store.aggregates import write_aggregates
from moisson.store.assembly import Assembly, Place
from moisson.store.bookkeeping import Compteurs
from moisson.store.closing import Examen, closed, examine, unseen
from moisson.store.doublons import write_doublons
from moisson.store.evidence import keep_evidence
from moisson.store.generation import FORMAT, Generation, GenerationWriter, current_generation, switch, vacuum
from moisson.store.index import VUE, Before, find, last_stays, read_before
from moisson.store.layout import Layout, begun_s
from moisson.store.masking import mark
from moisson.store.memory import give_back
from moisson.store.ordinals import Ordinals
from moisson.store.past import Past
from moisson.store.periods import ROWS_MAX, cut_periods
from moisson.store.presence import closed_indexes, stays_index, write_presence
from moisson.store.previous import PreviousRows
from moisson.store.runs import Abandon, Run, abandoned_runs
from moisson.store.schema import COLLECTES, ERREURS, FENETRES, OFFRES_DATEES
from moisson.store.seen import Erreur, Seen, distinct, id_keys
from moisson.store.suite import runs_needed

__all__ = ["FoldOptions", "FoldResult", "fold_run"]


RAW_MAX_S = 86_400.0
"""Seconds that raw pages are kept at most, whatever the retention: they hold all that the licence wants gone."""


class FoldOptions(msgspec.Struct, frozen=True):
    """How to fold.

    Attributes:
        store_contacts: keep contacts of recruiters and agencies; the licence limits what they may serve for.
        keep_raw: keep the raw pages for `RAW_MAX_S`.
        retention_s: seconds that a superseded generation stays for its open readers; the licence allows 24 h.
        evidence_runs: for how many runs evidence is kept, this one included.
        fermer: close offers that a proved window no longer shows; False closes none (the total shrank too much, or
            some of them turned out to be online).
        revenues: ids not to close: they came back after the run's last look.
        rows_max: most offers in one file.
    """

    store_contacts: bool = False
    keep_raw: bool = False
    retention_s: float = 86400.0
    evidence_runs: int = 30
    fermer: bool = True
    revenues: tuple[str, ...] = ()
    rows_max: int = ROWS_MAX


class FoldResult(msgspec.Struct, frozen=True):
    """What a fold did.

    Attributes:
        generation: number of the new state.
        offres: offers in it.
        nouvelles, modifiees, retirees: offers added, changed, closed.
        gardees: offers that the run did not see, kept because nothing proves that they are gone.
        ecarts: values whose type was not the official one (kept in `autres`).
        fichiers_ecrits, fichiers_lies, octets_ecrits: files written, files that did not change, bytes written.
        appels_ensemble: search attempts of the run and of those it continues.
    """

    generation: int
    offres: int
    nouvelles: int
    modifiees: int
    retirees: int
    gardees: int
    ecarts: int
    fichiers_ecrits: int
    fichiers_lies: int
    octets_ecrits: int
    appels_ensemble: int = 0


def fold_run(
    layout: Layout,
    run: Run,
    bilan: Bilan,
    options: FoldOptions,
    compteurs: Compteurs,
    now_s: float,
    examen: Examen | None = None,
) -> FoldResult:
    """Fold a finished run, proved or not.

    Args:
        layout: a store whose lock is held.
        run: the run.
        bilan: what its plan established.
        options: how to fold.
        compteurs: what the loop counted.
        now_s: wall clock.
        examen: what the run saw, if that was read already; used up.

    Raises:
        StoreCorrupt: the journal or a landed page is damaged; nothing was switched.
        DiskFull, StoreUnwritable, StoreError: the disk; nothing was switched, the run is kept and can be folded again.
    """
    with files.border("folding the run"):
        vacuum(layout, now_s=now_s, retention_s=options.retention_s)
        previous = current_generation(layout)
        oublis = frozenset(previous.manifest.oublis) if previous is not None else frozenset()
        if examen is None:
            examen = examine(layout, previous, run, bilan)
        writer = GenerationWriter(layout, previous)
        try:
            result, generation, gone = _write_generation(layout, run, writer, examen, bilan, options, compteurs, now_s)
        except Exception:
            # On a full disk, half a generation must not take the room that is missing.
            with contextlib.suppress(OSError):
                files.remove(writer.folder)
            raise
        keep_evidence(layout, run, oublis)
        switch(layout, generation)
        run.close()
        _clear_away(layout, run, gone, options, now_s)
    return result


def _write_generation(
    layout: Layout,
    run: Run,
    writer: GenerationWriter,
    examen: Examen,
    bilan: Bilan,
    options: FoldOptions,
    compteurs: Compteurs,
    now_s: float,
) -> tuple[FoldResult, Generation, list[Abandon]]:
    previous, forme = writer.previous, _forme(options)
    known = previous.manifest.ordinals if previous is not None else Ordinals()
    given_up = [abandon for abandon in abandoned_runs(layout) if abandon.debut.collecte not in known.collectes]
    debuts = [*(abandon.debut for abandon in given_up), run.debut]
    ordinals = known.followed_by((debut.collecte, debut.begun_s) for debut in debuts)
    # Offers that the run continued from read are in the lake already, and their pages gone: seen, and copied.
    seen, suite, vues = examen.seen, examen.suite, examen.vues
    before = read_before(examen.presentes, stays_index(previous) if previous is not None else None, known.latest)
    give_back()
    gone_now = closed(vues, before.keys, before.creation_ms, bilan) & options.fermer
    gone_now &= ~np.isin(before.keys, id_keys(options.revenues))
    kept = unseen(seen.keys, before.keys) & ~gone_now
    before.vue[~unseen(vues, before.keys)] = VUE
    place = _place(seen, before, kept, previous, ordinals)
    withdrawn = np.flatnonzero(gone_now)
    distinctes = distinct(seen, suite.seen)
    # Not needed from here on; at three million offers that is some 100 MB.
    examen.drop_arrays()
    before.creation_ms = np.empty(0, np.int64)
    del gone_now, kept, vues
    give_back()
    periods = cut_periods(place.creation_ms, place.keys, _bornes(previous), options.rows_max)
    rows = PreviousRows(previous, before, forme=forme, store_contacts=options.store_contacts)
    past = Past(writer, rows, before, withdrawn, ordinals, options.rows_max)
    ecarts = Assembly(
        run,
        writer,
        before,
        rows,
        past,
        place,
        periods,
        seen.pages,
        ordinals=ordinals,
        forme=forme,
        store_contacts=options.store_contacts,
    ).write()
    mouvements, at = past.finish()
    retirees = mouvements.column("retiree").to_numpy()
    write_presence(writer, place, before, ordinals, mouvements.filter(retirees), at[retirees], options.rows_max)
    counts = {
        "offres": len(place.keys),
        "nouvelles": int(np.count_nonzero(place.before < 0)),
        "modifiees": len(mouvements) - len(withdrawn),
        "retirees": len(withdrawn),
    }
    gardees = int(np.count_nonzero((place.page < 0) & (place.vue != VUE)))
    # Duplicates and counts need some hundred MB of their own, and none of these.
    del place, before, rows, past, at
    give_back()
    write_doublons(writer, forme)
    give_back()
    write_aggregates(
        writer,
        mouvements,
        collecte=run.collecte,
        instant_ms=ordinals.instants[-1],
        rows_max=options.rows_max,
    )
    row = bookkeeping.collecte_row(
        run.debut, run.journal.chaine, bilan, compteurs, seen, suite, now_s, distinctes=distinctes, **counts
    )
    if ecarts:
        quoi = f"{ecarts} values are not of the official type; they are kept in the column autres"
        seen.erreurs.append(Erreur(now_s, "fold", quoi, True))
    _write_books(writer, run.collecte, row, seen, bilan, given_up, compteurs, ordinals)
    generation = writer.commit(
        made_s=now_s,
        format=FORMAT,
        collectes=ordinals.collectes,
        instants=ordinals.instants,
        forme_offres=forme,
        oubliees=0,
    )
    result = FoldResult(
        generation=writer.number,
        **counts,
        gardees=gardees,
        appels_ensemble=int(str(row["appels_ensemble"])),
        ecarts=ecarts,
        fichiers_ecrits=writer.written,
        fichiers_lies=writer.linked,
        octets_ecrits=writer.written_bytes,
    )
    return result, generation, given_up


def _write_books(
    writer: GenerationWriter,
    collecte: str,
    row: dict[str, object],
    seen: Seen,
    bilan: Bilan,
    given_up: list[Abandon],
    compteurs: Compteurs,
    ordinals: Ordinals,
) -> None:
    def before(table: str) -> pa.Table | None:
        return writer.previous.read(table) if writer.previous is not None else None

    fenetres = [bookkeeping.fenetre_row(collecte, fenetre) for fenetre in bilan.fenetres]
    erreurs = [bookkeeping.erreur_row(collecte, erreur) for erreur in seen.erreurs]
    writer.write_table("fenetres", bookkeeping.appended(before("fenetres"), fenetres, FENETRES))
    if writer.previous is None or erreurs or "erreurs" not in writer.previous.manifest.tables:
        writer.write_table("erreurs", bookkeeping.appended(before("erreurs"), erreurs, ERREURS))
    writer.carry_others(but="collectes")
    # Last, since a run's row says how much is written.
    row |= dict(zip(bookkeeping.SIZES, (writer.octets, writer.written_bytes), strict=True))
    collectes = [*(bookkeeping.abandoned_row(abandon, compteurs.version) for abandon in given_up), row]
    table = bookkeeping.appended(before("collectes"), collectes, COLLECTES)
    writer.write_table("collectes", bookkeeping.with_instants(table, ordinals))


def _forme(options: FoldOptions) -> str:
    schema = OFFRES_DATEES.to_string(show_field_metadata=False, truncate_metadata=False)
    return hashlib.sha256(f"{schema} contacts={options.store_contacts}".encode()).hexdigest()


def _bornes(previous: Generation | None) -> list[tuple[int, int]]:
    found = previous.manifest.tables.get("offres", ()) if previous is not None else ()
    return [file.borne for file in found if file.borne is not None]


def _place(
    seen: Seen,
    before: Before,
    kept: npt.NDArray[np.bool_],
    previous: Generation | None,
    ordinals: Ordinals,
) -> Place:
    """Everything that the new state holds, oldest first, and where each offer is read from."""
    at, found = find(before.keys, seen.keys)
    left = np.flatnonzero(kept)
    # An offer that came back goes on counting from where it was; one that was never there begins at 1.
    version, sejour = last_stays(closed_indexes(previous) if previous is not None else (), seen.keys[~found])
    begun: dict[str, Any] = {
        "depuis": ordinals.latest,
        "version": version + 1,
        "premiere": ordinals.latest,
        "sejour": sejour + 1,
    }
    history = {}
    for name, value in begun.items():
        column = getattr(before, name)
        of_seen = np.empty(len(seen.keys), np.uint32)
        of_seen[found], of_seen[~found] = column[at[found]], value
        history[name] = np.concatenate([of_seen, column[left]])
    unknown, none = np.zeros(len(seen.keys), np.int64), np.full(len(left), -1, np.int32)
    keys = np.concatenate([seen.keys, before.keys[left]])
    creation_ms = np.concatenate([seen.creation_ms, before.creation_ms[left]])
    order = np.lexsort((keys, creation_ms))
    return Place(
        keys=keys[order],
        creation_ms=creation_ms[order],
        page=np.concatenate([seen.page, none])[order],
        row=np.concatenate([seen.row, none])[order],
        before=np.concatenate([np.where(found, at, -1), left]).astype(np.int32)[order],
        empreinte=np.concatenate([unknown, before.empreinte[left]])[order],
        brut=np.concatenate([unknown, before.brut[left]])[order],
        vue=np.concatenate([np.full(len(seen.keys), VUE, np.uint32), before.vue[left]])[order],
        **{name: column[order] for name, column in history.items()},
    )


def _clear_away(layout: Layout, run: Run, gone: list[Abandon], options: FoldOptions, now_s: float) -> None:
    if options.keep_raw:
        _drop_forgotten_pages(layout, run)
        files.make_dir(layout.raw)
        files.rename(run.layout.pages, layout.raw / run.collecte)
    for collecte in [run.collecte, *(abandon.debut.collecte for abandon in gone)]:
        clear_run(layout, collecte)
    for collecte in layout.raw_names():
        if begun_s(collecte) + RAW_MAX_S <= now_s or not options.keep_raw:
            files.remove(layout.raw / collecte)
    names = layout.evidence_names()
    needed = runs_needed(current_generation(layout), names[-max(1, options.evidence_runs) :])
    for collecte in names:
        if collecte not in needed:
            files.remove(layout.evidence_of(collecte))
    vacuum(layout, now_s=now_s, retention_s=options.retention_s)


def _drop_forgotten_pages(layout: Layout, run: Run) -> None:
    """Pages that show an offer which must stay forgotten are not kept."""
    generation = current_generation(layout)
    oublis = frozenset(generation.manifest.oublis) if generation is not None else frozenset()
    for fait in run.faits() if oublis else ():
        if isinstance(fait, PageLue) and any(mark(ligne.id) in oublis for ligne in fait.lignes):
            files.remove(run.layout.pages / fait.fichier)


def clear_run(layout: Layout, collecte: str) -> None:
    """Remove a run's folder; renamed first, since a half-removed run must not look like one."""
    folder = layout.run(collecte).folder
    if folder.exists():
        aside = layout.runs / f".gone-{collecte}"
        files.remove(aside)
        files.rename(folder, aside)
        files.remove(aside)
