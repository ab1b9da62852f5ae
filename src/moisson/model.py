"""Frozen values of the domain, shared by every room: what is asked, what came back, what was established.

Instants are integers. An offer's creation is in milliseconds since 1970 *as its dateCreation is written*, read as if
its Z were true; a bound is in seconds since 1970 as it will be written in minCreationDate or maxCreationDate. Whether
those two clocks agree is measured (plan/clock.py), never assumed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

__all__ = [
    "AXES_SOMMES",
    "SANS_CRITERE",
    "Bilan",
    "Critere",
    "Fait",
    "FenetreBilan",
    "Ligne",
    "PageLue",
    "Plage",
    "Preuve",
    "Question",
    "QuestionEchouee",
    "QuestionRefusee",
    "Verdict",
]

AXES_SOMMES = ("experience", "qualification", "natureContrat")
"""The aggregations of filtresPossibles whose counts add up to the total (typeContrat lacks the DDT offers)."""


class Plage(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Rows asked of a search, 0-based, both ends included, as in `range=0-149`."""

    premier: int
    dernier: int

    def __len__(self) -> int:
        """Number of rows asked."""
        return self.dernier - self.premier + 1

    def __str__(self) -> str:
        """As the API writes it."""
        return f"{self.premier}-{self.dernier}"


class Critere(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Filters of a search besides the dates: pairs (API parameter, value), sorted, each name once."""

    filtres: tuple[tuple[str, str], ...] = ()

    @classmethod
    def de(cls, filtres: Mapping[str, str] | Iterable[tuple[str, str]]) -> Critere:
        """Make a Critere from any mapping or pairs."""
        return cls(tuple(sorted(dict(filtres).items())))

    def avec(self, nom: str, valeur: str) -> Critere:
        """The same search with one filter more (or replaced)."""
        return Critere.de({**dict(self.filtres), nom: valeur})

    def __str__(self) -> str:
        """For a person and for the `critere` column of `fenetres`: "experience=4 natureContrat=E1,E2", or ""."""
        return " ".join(f"{nom}={valeur}" for nom, valeur in self.filtres)


SANS_CRITERE = Critere()
"""No filter besides the dates."""


class Question(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """One bounded search, always newest first (`sort=1`).

    Attributes:
        fenetre: number of the window it serves; the planner recognises its answer by it.
        role: why it is asked, in the planner's words; told back unchanged.
        plage: rows asked.
        critere: filters besides the dates.
        debut_s, fin_s: minCreationDate and maxCreationDate, seconds since 1970 on the filter's clock; both or neither.
    """

    fenetre: int
    role: str
    plage: Plage
    critere: Critere = SANS_CRITERE
    debut_s: int | None = None
    fin_s: int | None = None


class Ligne(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """What the proof needs of one offer: its id and its creation in shown milliseconds since 1970."""

    id: str
    creation_ms: int


class PageLue(msgspec.Struct, frozen=True, tag="page", omit_defaults=True):
    """Fact: this question was answered, and its page lies on disk.

    Attributes:
        question: what was asked.
        total: offers that the whole search holds, from Content-Range.
        lignes: the rows, in the order received; empty for a 204.
        premier, dernier: rows that Content-Range says were sent; -1 and -1 when none.
        agregats: filtresPossibles as {filtre: {valeur: count}}; empty for a 204.
        statut: 200, 206 or 204.
        fichier: name of the landed page in the run's folder; "" when the body is empty.
        sha256: hex digest of the decoded body.
        octets: size of the decoded body.
        recu_s: wall clock of this machine when the answer was whole, seconds since 1970.
        tentatives: attempts that this answer took, at least 1.
        refus_429: how many of those attempts were answered 429.
        echecs: failed attempts by cause, an HTTP status or the kind of trouble; an older Moisson counted none.
    """

    question: Question
    total: int
    lignes: tuple[Ligne, ...] = ()
    premier: int = -1
    dernier: int = -1
    agregats: dict[str, dict[str, int]] = {}
    statut: int = 206
    fichier: str = ""
    sha256: str = ""
    octets: int = 0
    recu_s: float = 0.0
    tentatives: int = 1
    refus_429: int = 0
    echecs: dict[str, int] = {}


class QuestionRefusee(msgspec.Struct, frozen=True, tag="refus", omit_defaults=True):
    """Fact: the API does not take this question (400); asking it again would change nothing."""

    question: Question
    message: str = ""
    recu_s: float = 0.0
    tentatives: int = 1
    refus_429: int = 0
    echecs: dict[str, int] = {}


class QuestionEchouee(msgspec.Struct, frozen=True, tag="echec", omit_defaults=True):
    """Fact: this question found no answer within our patience, while others did; the planner may ask it again."""

    question: Question
    raison: str = ""
    recu_s: float = 0.0
    tentatives: int = 1
    refus_429: int = 0
    echecs: dict[str, int] = {}


Fait = PageLue | QuestionRefusee | QuestionEchouee
"""What the planner can be told, and what the journal holds."""

Preuve = Literal["compte", "ordre", "page"]
"""How a window was proved: totals equal and distinct = total; only departures, in order; one atomic page."""

Verdict = Literal["prouvee", "en doute", "manque"]
"""What is known of a window: proved; contradicted by its own answers; more offers announced than can be reached."""


class FenetreBilan(msgspec.Struct, frozen=True):
    """A row of the table `fenetres`: one window and what was established about it.

    Attributes:
        numero: number of the window within its run.
        debut_ms, fin_ms: shown creation of the oldest and newest instants it covers, both included, milliseconds;
            None where the window is not bounded on that side.
        critere: filters besides the dates, as text; "" for none.
        annonce_premiere, annonce_derniere: first and last totals announced for it.
        distinctes: distinct offers read in it.
        manquantes: offers known to exist in it that could not be reached.
        preuve: how it was proved, or None.
        verdict, raison: what is known of it, and why, for a person.
        appels: pages that were asked for it.
    """

    numero: int
    debut_ms: int | None
    fin_ms: int | None
    critere: str
    annonce_premiere: int
    annonce_derniere: int
    distinctes: int
    manquantes: int
    preuve: Preuve | None
    verdict: Verdict
    raison: str
    appels: int


class Bilan(msgspec.Struct, frozen=True):
    """What a finished plan established.

    Attributes:
        prouve: every window is proved and the national checks hold.
        raisons: why not, for a person; empty when proved.
        avertissements: what the reader should know although it does not contradict the proof.
        fenetres: one row a window.
        nationale_premiere, nationale_derniere: first and last unfiltered totals.
        annonce_balayage: unfiltered total on the page that closed the run; 0 when no page did.
        controles_nationaux: the unfiltered and dated totals agreed, and the free sums did.
        manquantes: offers known to be missing.
    """

    prouve: bool
    raisons: tuple[str, ...]
    avertissements: tuple[str, ...]
    fenetres: tuple[FenetreBilan, ...]
    nationale_premiere: int
    nationale_derniere: int
    controles_nationaux: bool
    manquantes: int
    annonce_balayage: int = 0
