"""The fold: a finished run becomes the next generation, in one step that readers see whole or not at all.

First pass: the journal's facts become arrays (seen.py), the previous state's ids and hashes too, and every offer of
the new state gets its place: which page or file to read it from, which period it belongs to. Second pass: pages and
files are read newest first, once; a period is written, or linked when nothing in it changed, as soon as all its
offers are there. So memory holds a few periods and some tens of bytes an offer, however large the country.

Then, in this order: the new generation takes its number, the run's journal becomes evidence, `current` is switched (the
commit point), the run's folder and what is out of date are removed. A crash before the switch leaves the old state
and the run, to be folded again; after it, the new state lists the run, which is then only cleared away.
"""

from __future__ import annotations

import contextlib
import hashlib

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from moisson.model import Bilan
from moisson.store import bookkeeping, files
from moisson.store.assembly import Assembly, Place
from moisson.store.bookkeeping import Compteurs
from moisson.store.evidence import keep_evidence
from moisson.store.generation import Generation, GenerationWriter, current_generation, switch, vacuum
from moisson.store.index import Before, find, read_before
from moisson.store.layout import Layout, begun_s
from moisson.store.periods import cut_periods
from moisson.store.runs import Abandon, Run, abandoned_runs
from moisson.store.schema import COLLECTES, ERREURS, FENETRES, OFFRES
from moisson.store.seen import Erreur, Seen, provable, read_seen

__all__ = ["FoldOptions", "FoldResult", "fold_run"]


class FoldOptions(msgspec.Struct, frozen=True):
    """How to fold.

    Attributes:
        store_contacts: keep contacts of recruiters and agencies; the licence limits what they may serve for.
        keep_raw: keep the raw pages until `retention_s` has passed.
        retention_s: seconds that a superseded generation stays for its open readers; the licence allows 24 h.
        evidence_runs: for how many runs evidence is kept, this one included.
        fermer: close offers that a proved window no longer shows; False closes none (the total shrank too much).
        rows_max: most offers in one file.
    """

    store_contacts: bool = False
    keep_raw: bool = False
    retention_s: float = 86400.0
    evidence_runs: int = 30
    fermer: bool = True
    rows_max: int = 20_000


class FoldResult(msgspec.Struct, frozen=True):
    """What a fold did.

    Attributes:
        generation: number of the new state.
        offres: offers in it.
        nouvelles, modifiees, retirees: offers added, changed, closed.
        gardees: offers that the run did not see, kept because nothing proves that they are gone.
        ecarts: values whose type was not the official one (kept in `autres`).
        fichiers_ecrits, fichiers_lies, octets_ecrits: files written, files that did not change, bytes written.
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


def fold_run(
    layout: Layout, run: Run, bilan: Bilan, options: FoldOptions, compteurs: Compteurs, now_s: float
) -> FoldResult:
    """Fold a finished run, proved or not.

    Raises:
        StoreCorrupt: the journal or a landed page is damaged; nothing was switched.
        DiskFull, StoreUnwritable, StoreError: the disk; nothing was switched, the run is kept and can be folded again.
    """
    with files.border("folding the run"):
        vacuum(layout, now_s=now_s, retention_s=options.retention_s)
        previous = current_generation(layout)
        seen = read_seen(run.faits(), bilan)
        writer = GenerationWriter(layout, previous)
        try:
            result, generation, gone = _write_generation(layout, run, writer, seen, bilan, options, compteurs, now_s)
        except Exception:
            # On a full disk, half a generation must not take the room that is missing.
            with contextlib.suppress(OSError):
                files.remove(writer.folder)
            raise
        keep_evidence(layout, run)
        switch(layout, generation)
        run.close()
        _clear_away(layout, run, gone, options, now_s)
    return result


def _write_generation(
    layout: Layout,
    run: Run,
    writer: GenerationWriter,
    seen: Seen,
    bilan: Bilan,
    options: FoldOptions,
    compteurs: Compteurs,
    now_s: float,
) -> tuple[FoldResult, Generation, list[Abandon]]:
    previous, forme = writer.previous, _forme(options)
    before = read_before(previous.indexes("offres") if previous is not None else [])
    closed = _closed(seen, before, bilan) if options.fermer else np.zeros(len(before.keys), np.bool_)
    unseen = _unseen(seen, before)
    place = _place(seen, before, unseen & ~closed)
    distinctes, retirees = len(seen.keys), int(np.count_nonzero(closed))
    # From here on only `place` is needed: at three million offers the rest is some 200 MB.
    seen.drop_arrays()
    before.drop_keys()
    del closed, unseen
    periods = cut_periods(place.creation_ms, place.keys, _bornes(previous), options.rows_max)
    ecarts = Assembly(
        run, writer, before, place, periods, seen.pages, forme=forme, store_contacts=options.store_contacts
    ).write()

    there = np.flatnonzero(place.before >= 0)
    # Both: another order of keys changes the text alone, another form of the table changes the hash alone.
    changed = before.empreinte[place.before[there]] != place.empreinte[there]
    changed &= before.brut[place.before[there]] != place.brut[there]
    modifiees = int(np.count_nonzero(changed))
    nouvelles = len(place.keys) - len(there)
    row = bookkeeping.collecte_row(
        run.debut,
        run.journal.chaine,
        bilan,
        compteurs,
        seen,
        now_s,
        distinctes=distinctes,
        offres=len(place.keys),
        nouvelles=nouvelles,
        modifiees=modifiees,
        retirees=retirees,
    )
    if ecarts:
        quoi = f"{ecarts} values are not of the official type; they are kept in the column autres"
        seen.erreurs.append(Erreur(now_s, "fold", quoi, True))
    recorded = frozenset(previous.manifest.collectes) if previous is not None else frozenset()
    gone = [abandon for abandon in abandoned_runs(layout) if abandon.debut.collecte not in recorded]
    _write_books(writer, run.collecte, row, seen, bilan, gone, compteurs)
    collectes = previous.manifest.collectes if previous is not None else ()
    collectes = (*collectes, *(abandon.debut.collecte for abandon in gone), run.collecte)
    generation = writer.commit(made_s=now_s, collectes=collectes, forme_offres=forme)
    result = FoldResult(
        generation=writer.number,
        offres=len(place.keys),
        nouvelles=nouvelles,
        modifiees=modifiees,
        retirees=retirees,
        gardees=int(np.count_nonzero(place.page < 0)),
        ecarts=ecarts,
        fichiers_ecrits=writer.written,
        fichiers_lies=writer.linked,
        octets_ecrits=writer.written_bytes,
    )
    return result, generation, gone


def _unseen(seen: Seen, before: Before) -> npt.NDArray[np.bool_]:
    """Which offers of the previous state the run did not see."""
    at, found = find(before.keys, seen.keys)
    unseen = np.ones(len(before.keys), np.bool_)
    unseen[at[found]] = False
    return unseen


def _closed(seen: Seen, before: Before, bilan: Bilan) -> npt.NDArray[np.bool_]:
    """Which offers of the previous state are proved not to be online any more."""
    closed = np.zeros(len(before.keys), np.bool_)
    if bilan.controles_nationaux:
        unseen = np.flatnonzero(_unseen(seen, before))
        closed[unseen] = provable(before.creation_ms[unseen], bilan)
    return closed


def _write_books(
    writer: GenerationWriter,
    collecte: str,
    row: dict[str, object],
    seen: Seen,
    bilan: Bilan,
    gone: list[Abandon],
    compteurs: Compteurs,
) -> None:
    def before(table: str) -> pa.Table | None:
        return writer.previous.read(table) if writer.previous is not None else None

    fenetres = [bookkeeping.fenetre_row(collecte, fenetre) for fenetre in bilan.fenetres]
    erreurs = [bookkeeping.erreur_row(collecte, erreur) for erreur in seen.erreurs]
    writer.write_table("fenetres", bookkeeping.appended(before("fenetres"), fenetres, FENETRES))
    if writer.previous is not None and not erreurs and "erreurs" in writer.previous.manifest.tables:
        writer.carry("erreurs")
    else:
        writer.write_table("erreurs", bookkeeping.appended(before("erreurs"), erreurs, ERREURS))
    for table in writer.previous.manifest.tables if writer.previous is not None else ():
        if table not in writer.tables() and table != "collectes":
            writer.carry(table)
    # Last, since a run's row says how much is written.
    row = {**row, "octets_lac": writer.octets, "octets_ecrits": writer.written_bytes}
    collectes = [*(bookkeeping.abandoned_row(abandon, compteurs.version) for abandon in gone), row]
    writer.write_table("collectes", bookkeeping.appended(before("collectes"), collectes, COLLECTES))


def _forme(options: FoldOptions) -> str:
    schema = OFFRES.to_string(show_field_metadata=False, truncate_metadata=False)
    return hashlib.sha256(f"{schema} contacts={options.store_contacts}".encode()).hexdigest()


def _bornes(previous: Generation | None) -> list[tuple[int, int]]:
    found = previous.manifest.tables.get("offres", ()) if previous is not None else ()
    return [file.borne for file in found if file.borne is not None]


def _place(seen: Seen, before: Before, kept: npt.NDArray[np.bool_]) -> Place:
    """Everything that the new state holds, oldest first, and where each offer is read from."""
    at, found = find(before.keys, seen.keys)
    left = np.flatnonzero(kept)
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
    )


def _clear_away(layout: Layout, run: Run, gone: list[Abandon], options: FoldOptions, now_s: float) -> None:
    if options.keep_raw:
        files.make_dir(layout.raw)
        files.rename(run.layout.pages, layout.raw / run.collecte)
    for collecte in [run.collecte, *(abandon.debut.collecte for abandon in gone)]:
        clear_run(layout, collecte)
    for collecte in layout.raw_names():
        if begun_s(collecte) + options.retention_s <= now_s or not options.keep_raw:
            files.remove(layout.raw / collecte)
    for collecte in layout.evidence_names()[: -max(1, options.evidence_runs)]:
        files.remove(layout.evidence_of(collecte))
    vacuum(layout, now_s=now_s, retention_s=options.retention_s)


def clear_run(layout: Layout, collecte: str) -> None:
    """Remove a run's folder; renamed first, since a half-removed run must not look like one."""
    folder = layout.run(collecte).folder
    if folder.exists():
        aside = layout.runs / f".gone-{collecte}"
        files.remove(aside)
        files.rename(folder, aside)
        files.remove(aside)
