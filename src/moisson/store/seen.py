"""What a run saw: the journal's facts as arrays, small enough for three million offers. First pass of the fold."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from moisson.model import Bilan, Fait, PageLue, Question, QuestionEchouee, QuestionRefusee
from moisson.store.masking import mark

__all__ = ["Erreur", "Reading", "Seen", "array_keys", "distinct", "id_keys", "key_id", "provable", "read_seen"]

_LONG = 1 << 63


class Erreur(msgspec.Struct, frozen=True):
    """A row of `erreurs`: when (seconds since 1970), where, what, and whether it was made good."""

    quand_s: float
    ou: str
    quoi: str
    reparee: bool


class Seen(msgspec.Struct):
    """The offers that a run read, one row an offer: of each id, the occurrence received last.

    Attributes:
        keys: key of the id (`id_keys`), ascending.
        creation_ms: its creation as the fact has it.
        page: index into `pages` of the page to read it from.
        row: its row in that page.
        pages: (name, SHA-256 of the body) of the landed pages.
        appels, relances, statut_429: attempts that the facts account for.
        premiere_s, derniere_s: when the first page and the last answer were received; None when there were none.
        pauses_s: how long nobody was at it, before it was taken up again; seconds in all.
        erreurs: what failed, oldest first: questions refused or given up, and attempts at those that were answered.
        oubliees: of the offers that were read and are left out, since they must stay forgotten: keys of their marks
            (masking.py), ascending. A fact may hold the id or its mark: they are the same offer.
    """

    keys: npt.NDArray[np.uint64]
    creation_ms: npt.NDArray[np.int64]
    page: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    pages: list[tuple[str, str]]
    appels: int
    relances: int
    statut_429: int
    premiere_s: float | None
    derniere_s: float | None
    erreurs: list[Erreur]
    oubliees: npt.NDArray[np.uint64] = msgspec.field(default_factory=lambda: np.empty(0, np.uint64))
    pauses_s: float = 0.0

    def drop_arrays(self) -> None:
        """Give back the memory of the arrays; the rest stays."""
        self.keys = np.empty(0, np.uint64)
        self.creation_ms = np.empty(0, np.int64)
        self.page = self.row = np.empty(0, np.int32)


def distinct(*parts: Seen) -> int:
    """Distinct offers that the parts of a walk read together, forgotten ones included."""
    return _distinct([part.keys for part in parts]) + _distinct([part.oubliees for part in parts])


def _distinct(arrays: Sequence[npt.NDArray[np.uint64]]) -> int:
    """Distinct values of arrays that hold each of theirs once."""
    filled = [array for array in arrays if len(array)]
    return len(filled[0]) if len(filled) == 1 else len(np.unique(np.concatenate([np.empty(0, np.uint64), *filled])))


def id_keys(ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    """A 64-bit key for each id: exact up to 7 bytes of UTF-8, which the API's are; a hash for longer ones.

    The key of a short id is its bytes followed by its length, so equal keys mean equal ids. The highest bit is set
    for hashed ids alone: no byte of a short ASCII id sets it.
    """
    joined = "".join(ids)
    if len(joined) == 7 * len(ids) and joined.isascii() and set(map(len, ids)) <= {7}:
        padded = np.empty((len(ids), 8), np.uint8)
        padded[:, :7] = np.frombuffer(joined.encode(), np.uint8).reshape(-1, 7)
        padded[:, 7] = 7
        return padded.reshape(-1).view(">u8").astype(np.uint64)
    return np.fromiter((_slow_key(id_) for id_ in ids), np.uint64, len(ids))


def _slow_key(id_: str) -> int:
    data = id_.encode()
    if len(data) <= 7 and id_.isascii():
        return int.from_bytes(data.ljust(7, b"\0") + bytes([len(data)]), "big")
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big") | _LONG


def key_id(key: int) -> str | None:
    """The id that a key stands for; None for one that is only a hash."""
    data = key.to_bytes(8, "big")
    return None if key & _LONG else data[: data[7]].decode()


def array_keys(ids: pa.ChunkedArray[Any]) -> npt.NDArray[np.uint64]:
    """`id_keys` of an Arrow column."""
    return id_keys(["" if id_ is None else id_ for id_ in ids.to_pylist()])


def read_seen(
    faits: Iterable[Fait], bilan: Bilan, oublis: Collection[str] = (), reprises_s: Sequence[float] = ()
) -> Seen:
    """Read a finished run's facts.

    Args:
        faits: in journal order, which is the order of receipt.
        bilan: says which windows are proved, so which failed questions were made good.
        oublis: marks of the ids to leave out (masking.py).
        reprises_s: when the run was taken up again, seconds since 1970, ascending. Evidence does not tell.
    """
    reading = Reading(oublis, reprises_s)
    for fait in faits:
        reading.tell(fait)
    return reading.seen(bilan)


class Reading:
    """A run's facts on the way to a `Seen`, for whoever does something else with each of them too.

    Args:
        oublis, reprises_s: as `read_seen`.
    """

    def __init__(self, oublis: Collection[str] = (), reprises_s: Sequence[float] = ()) -> None:
        self._oublis = oublis
        self._reprises_s = list(reprises_s)
        self._pauses_s = 0.0
        self._keys: list[npt.NDArray[np.uint64]] = [np.empty(0, np.uint64)]
        self._creations: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
        self._forgotten: list[npt.NDArray[np.bool_]] = [np.empty(0, np.bool_)]
        self._oubliees: set[str] = set()
        self._counts: list[int] = []
        self._pages: list[tuple[str, str]] = []
        self._appels = self._relances = self._statut_429 = 0
        self._premiere_s: float | None = None
        self._derniere_s: float | None = None
        self._troubles: list[Erreur | QuestionRefusee | QuestionEchouee] = []
        self._unanswered = False
        self._answered: set[Question] = set()

    def tell(self, fait: Fait) -> None:
        """Read one fact; in journal order."""
        self._appels += fait.tentatives
        self._relances += fait.tentatives - 1
        self._statut_429 += fait.refus_429
        while self._reprises_s and fait.recu_s >= self._reprises_s[0]:
            reprise_s = self._reprises_s.pop(0)
            # From the last answer on; that somebody tried a little longer is not known.
            if self._derniere_s is not None and reprise_s > self._derniere_s:
                self._pauses_s += reprise_s - self._derniere_s
                self._derniere_s = reprise_s
        self._derniere_s = fait.recu_s if self._derniere_s is None else max(self._derniere_s, fait.recu_s)
        if not isinstance(fait, PageLue):
            self._troubles.append(fait)
            self._unanswered = True
            return
        self._premiere_s = fait.recu_s if self._premiere_s is None else min(self._premiere_s, fait.recu_s)
        if fait.echecs:
            self._troubles.append(Erreur(fait.recu_s, _ou(fait.question), f"answered after {_echecs(fait)}", True))
        if self._unanswered:
            self._answered.add(fait.question)
        if fait.fichier:
            self._page(fait)

    def _page(self, fait: PageLue) -> None:
        self._pages.append((fait.fichier, fait.sha256))
        self._counts.append(len(fait.lignes))
        self._keys.append(id_keys([ligne.id for ligne in fait.lignes]))
        self._creations.append(np.array([ligne.creation_ms for ligne in fait.lignes], np.int64))
        if self._oublis:
            marks = [mark(ligne.id) for ligne in fait.lignes]
            self._forgotten.append(np.array([mark_ in self._oublis for mark_ in marks], np.bool_))
            self._oubliees.update(mark_ for mark_ in marks if mark_ in self._oublis)

    def seen(self, bilan: Bilan) -> Seen:
        """What the facts come to; `bilan` as in `read_seen`. Asked once: it lets go of what it was told.

        Raises:
            ValueError: it was asked already.
        """
        if not self._keys:
            raise ValueError("what was seen was asked already")
        keys, creations = np.concatenate(self._keys), np.concatenate(self._creations)
        self._keys, self._creations = [], []
        page = np.repeat(np.arange(len(self._pages), dtype=np.int32), self._counts)
        row = np.concatenate([np.empty(0, np.int32), *(np.arange(count, dtype=np.int32) for count in self._counts)])
        if self._oublis:
            stay = ~np.concatenate(self._forgotten)
            keys, creations, page, row = keys[stay], creations[stay], page[stay], row[stay]
        # Equal keys stay in the order of receipt, so the last of them is the one received last.
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        last = np.ones(len(keys), np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=last[:-1])
        order = order[last]
        proved = {fenetre.numero for fenetre in bilan.fenetres if fenetre.verdict == "prouvee"}
        return Seen(
            keys=keys[last],
            creation_ms=creations[order],
            page=page[order],
            row=row[order],
            pages=self._pages,
            appels=self._appels,
            relances=self._relances,
            statut_429=self._statut_429,
            premiere_s=self._premiere_s,
            derniere_s=self._derniere_s,
            erreurs=[
                fait if isinstance(fait, Erreur) else _erreur(fait, self._answered, proved) for fait in self._troubles
            ],
            oubliees=np.sort(id_keys(sorted(self._oubliees))),
            pauses_s=self._pauses_s,
        )


def _erreur(fait: QuestionRefusee | QuestionEchouee, answered: set[Question], proved: set[int]) -> Erreur:
    quoi = f"refused: {fait.message}" if isinstance(fait, QuestionRefusee) else f"gave up: {fait.raison}"
    if fait.echecs:
        quoi += f"; {_echecs(fait)}"
    good = fait.question in answered or fait.question.fenetre in proved
    return Erreur(fait.recu_s, _ou(fait.question), quoi, good)


def _ou(question: Question) -> str:
    dates = "" if question.debut_s is None else f" between {question.debut_s} and {question.fin_s}"
    return f"window {question.fenetre} ({question.role}), rows {question.plage}{dates} {question.critere}".rstrip()


def _echecs(fait: Fait) -> str:
    """The attempts that failed, most frequent cause first."""
    causes = sorted(fait.echecs.items(), key=lambda echec: (-echec[1], echec[0]))
    combien = sum(fait.echecs.values())
    listed = ", ".join(f"{count} × {cause}" for cause, count in causes)
    return f"{combien} failed attempt{'s' if combien > 1 else ''} ({listed})"


def provable(creation_ms: npt.NDArray[np.int64], bilan: Bilan) -> npt.NDArray[np.bool_]:
    """Which creations lie in a window that was proved and had no other filter than its dates.

    An offer there that was seen nowhere in the run is not online any more.
    """
    covered = np.zeros(len(creation_ms), np.bool_)
    for fenetre in bilan.fenetres:
        if fenetre.verdict == "prouvee" and fenetre.critere == "":
            inside = np.ones(len(creation_ms), np.bool_)
            if fenetre.debut_ms is not None:
                inside &= creation_ms >= fenetre.debut_ms
            if fenetre.fin_ms is not None:
                inside &= creation_ms <= fenetre.fin_ms
            covered |= inside
    return covered
