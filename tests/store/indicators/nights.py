"""A little country over some nights, whose truth is known row by row: what indicators are checked against."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.store.filling import NOW_S, collect, make_offre

DAY_S = 86_400


@dataclass(frozen=True)
class Lieu:
    """A place as the API writes it, and where it is in truth."""

    libelle: str
    code: str | None
    commune: str | None
    epci: str | None
    departement: str | None
    region: str | None


LIEUX = (
    Lieu("74 - RUMILLY", "74225", "74225", "247400740", "74", "84"),
    Lieu("74 - ANNECY", "74010", "74010", "200066793", "74", "84"),
    Lieu("75 - PARIS 08", "75108", "75056", "200054781", "75", "11"),
    Lieu("974 - ST DENIS", "97411", "97411", "249740119", "974", "04"),
    Lieu("38 - Isère", None, None, None, "38", "84"),
    Lieu("France", None, None, None, None, None),
)


@dataclass(frozen=True)
class Vraie:
    """An offer, as it was one night."""

    n: int
    lieu: Lieu
    rome: str
    contrat: str
    postes: int
    partenaire: bool
    mensuel: int | None

    def as_json(self) -> dict[str, Any]:
        """The same as the API sends it."""
        place = {"libelle": self.lieu.libelle} | ({"commune": self.lieu.code} if self.lieu.code else {})
        pay = {"libelle": f"Mensuel de {self.mensuel}.00 Euros sur 12 mois"} if self.mensuel else {}
        return make_offre(
            self.n,
            lieuTravail=place,
            romeCode=self.rome,
            romeLibelle=f"Métier {self.rome}",
            typeContrat=self.contrat,
            nombrePostes=self.postes,
            origineOffre={"origine": "2" if self.partenaire else "1"},
            salaire=pay,
        )

    def key(self, axis: str) -> Hashable:
        """Where it stands on an axis."""
        return {
            "grand_domaine": self.rome[0],
            "domaine": self.rome[:3],
            "rome": self.rome,
            "contrat": self.contrat,
        }.get(axis) or getattr(self.lieu, axis, None)


Nuit = dict[int, Vraie]


def make_nights(seed: int, nights: int, offres: int) -> list[Nuit]:
    """Nights in which offers come, go, come back, and change trade, contract or place."""
    draw = random.Random(seed)

    def offre(n: int) -> Vraie:
        return Vraie(
            n,
            draw.choice(LIEUX),
            draw.choice(["M1805", "M1801", "J1506"]),
            draw.choice(["CDI", "CDI", "CDD", "DIN"]),
            draw.choice([1, 1, 1, 4]),
            draw.random() < 0.4,
            draw.choice([None, None, 1900, 2100, 2500, 3200]),
        )

    found: list[Nuit] = [{n: offre(n) for n in range(offres)}]
    known = offres
    for _ in range(nights - 1):
        night: Nuit = {}
        for n, vraie in found[-1].items():
            if draw.random() < 0.8:
                night[n] = vraie if draw.random() < 0.9 else offre(n)
        gone = sorted(set(range(known)) - set(found[-1]))
        for n in [*(n for n in gone if draw.random() < 0.05), *range(known, known + offres // 5)]:
            night[n] = offre(n)
        known += offres // 5
        found.append(night)
    return found


def fill(folder: Path, nights: list[Nuit]) -> None:
    """A store that collected each night, a day apart."""
    for day, night in enumerate(nights):
        collect(folder, [vraie.as_json() for vraie in night.values()], NOW_S + day * DAY_S, page=150, rows_max=5000)


@dataclass(frozen=True)
class Stay:
    """A time online: the night that it began, the one that found it gone (None: still there), and its contents."""

    debut: int
    fin: int | None
    premiere: Vraie
    derniere: Vraie


def stays(nights: list[Nuit]) -> Iterator[Stay]:
    """Every stay, by walking the nights."""
    for n in {n for night in nights for n in night}:
        debut = None
        for day, night in enumerate([*nights, {}]):
            if n in night and debut is None:
                debut = day
            elif n not in night and debut is not None:
                fin = day if day < len(nights) else None
                yield Stay(debut, fin, nights[debut][n], nights[day - 1][n])
                debut = None
