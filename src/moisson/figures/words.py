"""What figures say in French of themselves: titles, and where and when they are from. Pure but for one look-up."""

from __future__ import annotations

import datetime as dt

from moisson.store.engine import Engine
from moisson.store.indicators.axes import GRANDS_DOMAINES
from moisson.store.indicators.result import Chiffres
from moisson.store.indicators.statement import Question
from moisson.store.provenance import LICENCE_URL, Provenance

__all__ = ["credits_lines", "day", "number", "scope", "title", "when"]

_MOIS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
SIMULATED = "DONNÉES SIMULÉES"
"""Stands on every figure whose data come from a twin."""


def day(instant: dt.date | None) -> str:
    """A day as French texts write it: 1er mars 2026."""
    if instant is None:
        return "date inconnue"
    return f"{'1er' if instant.day == 1 else instant.day} {_MOIS[instant.month - 1]} {instant.year}"


def number(value: float, decimales: int = 0) -> str:
    """A number as French texts write it: 1 234,5, its blanks narrow and unbreakable."""
    return f"{value:,.{decimales}f}".replace(",", "\u202f").replace(".", ",")


def title(question: Question, *, by: bool = True) -> str:
    """What is shown, and by what."""
    told = [axe.par for axe in question.axes] if by else []
    distinct = ["sans les doublons"] if question.distinct else []
    return ", ".join([question.indicateur.titre, *told, *distinct])


def scope(engine: Engine, question: Question) -> str:
    """Where, and of which trades and contracts."""
    parts = []
    for table, code in (("departements", question.departement), ("regions", question.region)):
        if code is not None:
            parts += [row["nom"] for row in engine.query(f"SELECT nom FROM {table} WHERE code = '{code}'").to_pylist()]
    parts = [" – ".join(parts) or "France"]
    if (metier := question.metier) is not None:
        parts.append(GRANDS_DOMAINES[metier] if len(metier) == 1 else f"métiers ROME {metier}")
    if question.contrat is not None:
        parts.append(f"contrats {question.contrat}")
    return ", ".join(parts)


def when(chiffres: Chiffres) -> str:
    """The day, or the first and last day, that the figures tell of."""
    if chiffres.debut is None or chiffres.fin is None:
        return f"au {day(chiffres.fin)}" if chiffres.fin is not None else "aucune collecte"
    return f"du {day(chiffres.debut)} au {day(chiffres.fin)}"


def credits_lines(chiffres: Chiffres, provenance: Provenance) -> list[str]:
    """Source, licence, and what share of the offers is not placed: the lines below a figure."""
    if provenance.simulated:
        source = "Source : double de l'API (aucune offre n'est vraie)"
    else:
        source = "Source : France Travail, API Offres d'emploi v2"
    proved = provenance.last_proved_at
    updated = f"dernière mise à jour {day(dt.datetime.fromisoformat(proved))}" if proved else "jamais prouvé complet"
    lines = [f"{source} ; {updated}. Traitement : Moisson."]
    if not provenance.simulated:
        lines.append(f"Licence : {LICENCE_URL}")
    if chiffres.question.indicateur.genre == "taux":
        lines.append("Population municipale 2023 (Mayotte : 2017), Insee ; géographie au 1er janvier 2026.")
    if (share := chiffres.part_non_placee) is not None:
        lines.append(
            f"{number(chiffres.n)} offres ; {number(100 * share, 1)} % ne sont pas localisées à ce niveau et "
            "n'y figurent pas."
        )
    if chiffres.sans_lieu:
        lines.append(
            f"{number(chiffres.sans_lieu)} offres ne sont localisées nulle part ; certaines peuvent être d'ici."
        )
    return lines
