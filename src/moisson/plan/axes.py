"""Ways to cut a stretch of time that holds more offers than one search shows, other than by time.

What is known of each axis is written here. None is trusted to cover the whole: the count decides, since the parts
together must hold as many distinct offers as the whole announced. A code that the API refuses, or a class that no code
asks for, merely leaves a remainder, and another axis is tried on it.

    axis            values                counted in filtresPossibles   several values a call
    --------------  --------------------  ----------------------------  -------------------------------------------
    typeContrat     codes met there       yes (the DDT offers are not)  yes; never beside natureContrat (they are OR)
    natureContrat   codes met there       yes                           yes; never beside typeContrat
    experience      0 1 2 3 4             yes                           no
    qualification   0 9 X                 yes (X may be refused)        no
    origineOffre    1 2                   no                            no
    dureeHebdo      0 1 2                 no                            no
    grandDomaine    A to N                no                            no

Source: Offres d'emploi v2, GET /v2/offres/search; counts of experience and origineOffre were seen to add up exactly.
"""

from __future__ import annotations

import msgspec

from moisson.errors import ContractBroken
from moisson.model import Critere, PageLue

__all__ = ["GAIN_MIN", "GRANDS_DOMAINES", "Coupe", "Part", "choisir", "exiger_filtres"]

_COMPTES = ("typeContrat", "natureContrat", "experience", "qualification")
_PLUSIEURS = frozenset({"typeContrat", "natureContrat"})
_OU = {"typeContrat": "natureContrat", "natureContrat": "typeContrat"}
GRANDS_DOMAINES = tuple("ABCDEFGHIJKLMN")
"""First letters of the ROME codes."""
_A_L_AVEUGLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("origineOffre", ("1", "2")),
    ("dureeHebdo", ("0", "1", "2")),
    ("grandDomaine", GRANDS_DOMAINES),
)
GAIN_MIN = 0.9
"""A counted axis whose largest part keeps more than this share of the whole is worth less than an uncounted one."""


def exiger_filtres(page: PageLue) -> None:
    """Look whether an answer's own counts contradict a criterion: asked experience=4, it counts others too.

    Raises:
        ContractBroken: they do, so the filter is ignored.
    """
    for nom, valeur in page.question.critere.filtres:
        intrus = page.agregats.get(nom, {}).keys() - set(valeur.split(","))
        if intrus:
            raise ContractBroken(
                f"{nom}={valeur} was asked and {nom}={min(intrus)} came back, so this filter is ignored",
                doing="cutting a stretch of time by criteria",
                todo="Nothing can be proved while filters are ignored. Look at `moisson check`, and try again later.",
            )


class Part(msgspec.Struct, frozen=True):
    """One part of a cut: its criteria, and how many offers it should hold (None when no count is known)."""

    critere: Critere
    attendu: int | None


class Coupe(msgspec.Struct, frozen=True):
    """A cut along one axis."""

    axe: str
    parts: tuple[Part, ...]


def choisir(
    critere: Critere,
    total: int,
    agregats: dict[str, dict[str, int]],
    *,
    profondeur: int,
    page: int,
    essayes: frozenset[str],
    longue: bool = False,
    melee: bool = False,
) -> Coupe | None:
    """Choose the next axis for a whole of `total` offers, or None when none is left.

    Args:
        critere: filters that the whole already has.
        agregats: its filtresPossibles, {axis: {value: count}}.
        profondeur, page: rows that one search shows, and rows a page.
        essayes: axes not to try (any more) on this whole.
        longue: it is too much to be read twice, so only an axis will do whose counts add up to the whole.
        melee: it is one burst, to be read by single pages: of the axes without counts, the finest first. A burst is one
            partner's, so its origin or its weekly hours hardly divide it.
    """
    pris = {nom for nom, _ in critere.filtres}
    interdits = pris | essayes | {_OU[nom] for nom in pris if nom in _OU}
    candidats = []
    for axe in _COMPTES:
        comptes = agregats.get(axe, {})
        if axe in interdits or len(comptes) < 2:
            continue
        parts = _parts(axe, critere, comptes, profondeur)
        oublies = max(0, total - sum(comptes.values()))
        if longue and oublies:
            continue
        # Pages to read, calls to cut further what stays too large, and offers that this axis cannot ask for.
        cout = sum(_appels(part.attendu or 0, profondeur, page) for part in parts) + oublies
        candidats.append((cout, axe, parts, max(comptes.values()) / max(1, total)))
    candidats.sort(key=lambda candidat: candidat[0])
    utiles = [c for c in candidats if c[3] <= GAIN_MIN]
    if utiles:
        return Coupe(utiles[0][1], utiles[0][2])
    if longue:
        return None
    for axe, valeurs in reversed(_A_L_AVEUGLE) if melee else _A_L_AVEUGLE:
        if axe not in interdits:
            return Coupe(axe, tuple(Part(critere.avec(axe, valeur), None) for valeur in valeurs))
    if candidats:
        return Coupe(candidats[0][1], candidats[0][2])
    return None


def _parts(axe: str, critere: Critere, comptes: dict[str, int], profondeur: int) -> tuple[Part, ...]:
    """One part a value, or as many values a part as one search shows (first fit, largest first)."""
    if axe not in _PLUSIEURS:
        return tuple(Part(critere.avec(axe, valeur), n) for valeur, n in sorted(comptes.items()))
    paquets: list[tuple[list[str], int]] = []
    for valeur, n in sorted(comptes.items(), key=lambda compte: (-compte[1], compte[0])):
        for i, (valeurs, somme) in enumerate(paquets):
            if somme + n <= profondeur:
                paquets[i] = ([*valeurs, valeur], somme + n)
                break
        else:
            paquets.append(([valeur], n))
    return tuple(Part(critere.avec(axe, ",".join(sorted(valeurs))), somme) for valeurs, somme in paquets)


def _appels(attendu: int, profondeur: int, page: int) -> float:
    """Calls that a part is likely to cost; one that must be cut again costs a call and half-filled pages more."""
    pages = -(-attendu // page)
    return pages if attendu <= profondeur else pages + 1 + 2.0 * (attendu // profondeur + 1)
