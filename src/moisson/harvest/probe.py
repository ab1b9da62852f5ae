"""Measuring again, in about 60 calls, what the API promises and what a harvest relies on.

The dialogues of probing_time.py and probing_search.py decide what to ask and what it means; here their calls are
carried out, one after the other, at the pace of a harvest. Nothing is written anywhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from moisson.api import ApiEvent, Client, Sonde
from moisson.errors import RequestRefused
from moisson.harvest.opening import open_client
from moisson.harvest.probing import Appel, Carnet, Dialogue, Mesure, bornes, recherche
from moisson.harvest.probing_search import (
    mesurer_detail,
    mesurer_fin,
    mesurer_limites,
    mesurer_parametres,
    mesurer_premiere,
    mesurer_sommes,
)
from moisson.harvest.probing_time import (
    mesurer_bornes,
    mesurer_dates,
    mesurer_horloges,
    mesurer_ordre,
    mesurer_ties,
)
from moisson.settings import Settings
from moisson.store.official import OFFRE, Objet

__all__ = ["APPELS_PREVUS", "Attribut", "Sondage", "compter_attributs", "probe", "sonder"]

APPELS_PREVUS = 60
"""Calls that a probe makes, about."""

R = TypeVar("R")

_AGES_S = (30 * 86_400, 365 * 86_400)
"""Ages of the pages read for the shares of attributes, besides the newest and the deepest: seconds."""


class Attribut(msgspec.Struct, frozen=True):
    """How often an attribute is missing among the offers read.

    Attributes:
        nom: its path in the offer, as the API spells it.
        sur: offers (or objects) that could have had it.
        absent: share of them without the key, 0 to 1.
        nul: share of them with an explicit null.
    """

    nom: str
    sur: int
    absent: float
    nul: float


class Sondage(msgspec.Struct, frozen=True):
    """What a probe found.

    Attributes:
        source: the API that was asked; simulated: it is a double.
        le: when, UTC.
        appels: calls made, retries included.
        duree_s: how long it took.
        mesures: a line each.
        offres_lues: offers that the shares below were taken from.
        attributs: official attributes, in the order of the schema.
        inconnus: keys that the schema does not know, with the number of offers that have them.
    """

    source: str
    simulated: bool
    le: str
    appels: int
    duree_s: float
    mesures: tuple[Mesure, ...]
    offres_lues: int
    attributs: tuple[Attribut, ...]
    inconnus: dict[str, int]

    @property
    def tombees(self) -> tuple[Mesure, ...]:
        """The lines on which a proof rests that do not hold, or could not be measured."""
        return tuple(m for m in self.mesures if m.appui == "proof" and m.issue != "holds")


def sonder(carnet: Carnet) -> Dialogue[None]:
    """The whole dialogue, in an order in which each measure has what it needs from those before."""
    premiere = yield from mesurer_premiere(carnet)
    yield from mesurer_limites(carnet)
    yield from mesurer_horloges(carnet, premiere)
    if carnet.mesuree:
        yield from mesurer_bornes(carnet)
        yield from mesurer_dates(carnet)
        yield from mesurer_ordre(carnet)
        yield from mesurer_ties(carnet)
        yield from mesurer_fin(carnet)
    yield from mesurer_sommes(carnet)
    yield from mesurer_parametres(carnet)
    yield from mesurer_detail(carnet)
    if carnet.mesuree:
        for age_s in _AGES_S:
            fin_s = carnet.horloge.filtre_s(carnet.recente_s - age_s)
            ancienne = yield recherche(carnet.premiere, bornes(carnet.debut_s, fin_s))
            if ancienne.page is not None and ancienne.page.lignes:
                carnet.corps.append(ancienne.corps)


async def probe(
    settings: Settings,
    *,
    observer: Callable[[int, str], None] = lambda appels, nom: None,
    transport: Any = None,
    wall: Callable[[], float] = time.time,
) -> Sondage:
    """Measure what the API promises; nothing is written to a store.

    Args:
        settings: whose account, API and pace.
        observer: is told the number of calls made and the last measure, after each call.
        transport: in place of the network, for tests.
        wall: seconds since 1970.

    Raises:
        SettingsError: no account was given.
        AccountError: the application is refused.
        MoissonError: the API did not answer, or shows nothing to measure by.
    """
    attentes: list[float] = []

    def ecouter(event: ApiEvent) -> None:
        if event.kind == "throttled":
            attentes.append(event.wait_s)

    clock = asyncio.get_running_loop().time
    carnet, debut_s, le_s = Carnet(), clock(), wall()
    # One application: what is measured of the quota is one's own.
    compte = settings.require_applications()[:1]
    async with open_client(settings, accounts=compte, transport=transport, wall=wall, observer=ecouter) as client:
        await _carry_out(
            sonder(carnet), client, lambda n: observer(n, carnet.mesures[-1].nom if carnet.mesures else "")
        )
        stats = client.stats()
    duree_s = clock() - debut_s
    appels = stats.search_attempts + stats.other_attempts
    carnet.noter(
        "pace",
        attendu="the quota is not exceeded",
        vu=(
            f"{appels} calls at up to {stats.rate_s_total:g} a second, {stats.status_429} answered 429"
            + (f", which asked to wait {', '.join(f'{s:g} s' for s in attentes[:5])}" if attentes else "")
        ),
        tient=stats.status_429 == 0,
        sens="a 429 costs a pause, never an offer; none is provoked, so its headers are known only when one comes",
        appui="cost",
    )
    offres = [offre for corps in carnet.corps for offre in _offres(corps)]
    attributs, inconnus = compter_attributs(offres)
    _noter_attributs(carnet, len(offres), attributs, inconnus)
    return Sondage(
        source=settings.source,
        simulated=settings.simulated,
        le=datetime.fromtimestamp(le_s, UTC).isoformat(timespec="seconds"),
        appels=appels,
        duree_s=duree_s,
        mesures=tuple(carnet.mesures),
        offres_lues=len(offres),
        attributs=attributs,
        inconnus=inconnus,
    )


async def _carry_out(dialogue: Generator[Appel, Sonde, R], client: Client, tell: Callable[[int], None]) -> R:
    """Make the calls of a dialogue one after the other, and send it the answers."""
    appels = 0
    try:
        appel = next(dialogue)
        while True:
            try:
                sonde = await client.sonder(appel.chemin, appel.params)
            except RequestRefused as refus:
                # Forbidden for good although the account is good: as telling as any refusal.
                sonde = Sonde(statut=403, message=refus.what)
            appels += 1
            tell(appels)
            appel = dialogue.send(sonde)
    except StopIteration as fin:
        return fin.value  # type: ignore[no-any-return]


# -- attributes --------------------------------------------------------------------------------------------------------


def _offres(corps: bytes) -> list[dict[str, Any]]:
    resultats = msgspec.json.decode(corps).get("resultats", [])
    return [offre for offre in resultats if isinstance(offre, dict)]


def compter_attributs(offres: list[dict[str, Any]]) -> tuple[tuple[Attribut, ...], dict[str, int]]:
    """Share of absent and of null attributes, down to the keys of objects; and keys that the schema does not know."""
    attributs: list[Attribut] = []
    inconnus: dict[str, int] = {}

    def compter(objet: Objet, valeurs: list[dict[str, Any]], chemin: str) -> None:
        connus = {champ.cle for champ in objet.champs}
        for valeur in valeurs:
            for cle in valeur.keys() - connus:
                inconnus[chemin + cle] = inconnus.get(chemin + cle, 0) + 1
        for champ in objet.champs:
            presents = [valeur[champ.cle] for valeur in valeurs if champ.cle in valeur]
            sur = len(valeurs)
            absent = (sur - len(presents)) / sur if sur else 0.0
            nul = presents.count(None) / sur if sur else 0.0
            attributs.append(Attribut(chemin + champ.cle, sur, absent, nul))
            if isinstance(champ.genre, Objet):
                compter(champ.genre, [v for v in presents if isinstance(v, dict)], f"{chemin}{champ.cle}.")

    compter(OFFRE, offres, "")
    return tuple(attributs), dict(sorted(inconnus.items()))


def _noter_attributs(carnet: Carnet, lues: int, attributs: tuple[Attribut, ...], inconnus: dict[str, int]) -> None:
    nuls = [attribut.nom for attribut in attributs if attribut.nul]
    toujours = sum(1 for attribut in attributs if "." not in attribut.nom and not attribut.absent and not attribut.nul)
    vu = f"of {lues} offers read, {toujours} attributes on every one"
    if nuls:
        vu += f"; null: {', '.join(nuls[:8])}"
    if inconnus:
        vu += f"; unknown: {', '.join(list(inconnus)[:8])}"
    carnet.noter(
        "attributes",
        attendu="absent ones are left out, none is null, none is unknown",
        vu=vu,
        tient=not nuls and not inconnus,
        sens="what is new is kept in the column autres until the schema learns it",
    )
