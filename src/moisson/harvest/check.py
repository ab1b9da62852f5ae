"""Is everything there for a harvest? One token and one call for each application, and what a run will take."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from moisson.api.contract import RATE_DEFAULT
from moisson.errors import ContractBroken
from moisson.harvest.opening import open_client
from moisson.model import Plage, Question
from moisson.settings import Application, Settings
from moisson.store.space import estimate_run_bytes, free_bytes

__all__ = ["ApplicationVue", "Controle", "check"]

ROWS_PER_CALL = 150
CALLS_OVER_FLOOR = 1.01
"""Calls over the floor that a run is announced with; the budgets are 1.005 quiet and 1.008 drifting."""


class ApplicationVue(msgspec.Struct, frozen=True):
    """What was learnt of one application.

    Attributes:
        nom: which one.
        announced_rate: calls a second that its answers announce, or None when they do not say.
    """

    nom: str
    announced_rate: float | None


class Controle(msgspec.Struct, frozen=True):
    """What a check found; nothing was written.

    Attributes:
        source: the API that was asked.
        simulated: it is a double.
        applications: each of them works: known, attached to the API, licence accepted.
        total: offers online.
        rate: calls a second that a run will make, all applications together.
        appels: calls that a run will make, about.
        duree_s: seconds that they take.
        disque_octets: bytes that must be free for a run, at most.
        libre_octets: bytes free where the store is or will be.
    """

    source: str
    simulated: bool
    applications: tuple[ApplicationVue, ...]
    total: int
    rate: float
    appels: int
    duree_s: float
    disque_octets: int
    libre_octets: int


async def check(settings: Settings, *, transport: Any = None, free: Callable[[Path], int] = free_bytes) -> Controle:
    """Ask one token and make one call for each application.

    Args:
        settings: whose account, API and store.
        transport: in place of the network, for tests.
        free: tells the free bytes around a folder.

    Raises:
        SettingsError: no account was given.
        AccountError: an application is refused; the message says what to do.
        MoissonError: the API did not answer, or not as it should.
    """
    seen: list[ApplicationVue] = []
    total = 0
    for application in settings.require_applications():
        total, announced = await _ask(settings, application, transport)
        seen.append(ApplicationVue(nom=application.nom, announced_rate=announced))
    if total <= 0:
        raise ContractBroken(
            "The API announces no offer at all",
            doing="asking for one row of the unfiltered search",
            todo="The country has several hundred thousand: check MOISSON_API_URL, or try again later.",
        )
    rate = sum(_rate(settings, application) for application in seen)
    calls = math.ceil(total / ROWS_PER_CALL * CALLS_OVER_FLOOR)
    return Controle(
        source=settings.source,
        simulated=settings.simulated,
        applications=tuple(seen),
        total=total,
        rate=rate,
        appels=calls,
        duree_s=calls / rate,
        disque_octets=estimate_run_bytes(total),
        libre_octets=free(settings.store),
    )


async def _ask(settings: Settings, application: Application, transport: Any) -> tuple[int, float | None]:
    async with open_client(settings, accounts=(application,), transport=transport) as client:
        answer = await client.search(Question(fenetre=0, role="check", plage=Plage(0, 0)))
        return answer.total, client.stats().announced_rate


def _rate(settings: Settings, application: ApplicationVue) -> float:
    if settings.rate != "auto":
        return settings.rate
    return application.announced_rate or RATE_DEFAULT
