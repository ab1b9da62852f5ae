"""Turning what the loop sees into frozen snapshots: pace, time left, the last trouble."""

from __future__ import annotations

from collections import deque

from moisson.api import ApiEvent, ClientStats
from moisson.harvest.progress import Avancement
from moisson.plan.planner import Planificateur

__all__ = ["Compteur"]

FENETRE_S = 30.0
"""The pace shown is that of the last half minute: long enough to be calm, short enough to be true."""
APPELS_DE_PLUS = 1.005
"""Calls over the floor that the time left is reckoned with (the budget of a quiet run)."""


class Compteur:
    """Counts a session of a run; given `now`, so it reads no clock.

    Args:
        collecte: the run's name.
        reprise: it was begun earlier.
        page: rows a page.
        debut_s: when this session began, on the clock of every later `now`.

    Attributes:
        refusees: applications that were refused, and why, for a person.
    """

    def __init__(self, collecte: str, *, reprise: bool, page: int, debut_s: float) -> None:
        self._collecte = collecte
        self._reprise = reprise
        self._page = page
        self._debut_s = debut_s
        # When, the attempts made until then, and how many a second were allowed.
        self._passes: deque[tuple[float, int, float]] = deque()
        self._anterieurs = 0
        self._anterieurs_relances = 0
        self._anterieurs_429 = 0
        self._ennui = ""
        self.refusees: list[str] = []

    def reprendre(self, tentatives: int, refus_429: int) -> None:
        """Take over what an earlier session spent on one fact."""
        self._anterieurs += tentatives
        self._anterieurs_relances += tentatives - 1
        self._anterieurs_429 += refus_429

    def noter(self, event: ApiEvent) -> None:
        """Remember the last trouble met."""
        if event.kind == "dropped_application":
            self.refusees.append(f"{event.application or 'an application'} took no part: {event.text}")
        if event.kind in ("retry", "throttled", "dropped_application"):
            self._ennui = event.text

    def appels(self, stats: ClientStats) -> int:
        """Search attempts of the whole run, retries included."""
        return self._anterieurs + stats.search_attempts

    def relances(self, stats: ClientStats) -> int:
        """Attempts made again, in the whole run."""
        return self._anterieurs_relances + stats.retries

    def refus_429(self, stats: ClientStats) -> int:
        """Attempts answered 429, in the whole run."""
        return self._anterieurs_429 + stats.status_429

    def instantane(self, now: float, plan: Planificateur, stats: ClientStats, *, etape: str = "") -> Avancement:
        """Where the run stands."""
        self._passes.append((now, stats.search_attempts, stats.rate_s_total))
        while len(self._passes) > 1 and self._passes[1][0] < now - FENETRE_S:
            self._passes.popleft()
        (avant, compte, _), ecoule_s = self._passes[0], now - self._debut_s
        rythme_s = (stats.search_attempts - compte) / (now - avant) if now > avant else 0.0
        # A stretch that begins and ends with a call holds one more than its length allows: no pace was above the limit.
        rythme_s = min(rythme_s, max(debit_s for _, _, debit_s in self._passes))
        annonce, acquises = plan.annonce, plan.acquises
        reste = max(0, annonce - acquises) / self._page * APPELS_DE_PLUS
        ouvertes, prouvees = plan.fenetres
        return Avancement(
            collecte=self._collecte,
            etape=etape or plan.etape,
            reprise=self._reprise,
            offres=acquises,
            annonce=annonce,
            appels=self.appels(stats),
            plancher=-(-annonce // self._page),
            relances=self.relances(stats),
            refus_429=self.refus_429(stats),
            rythme_s=rythme_s,
            debit_s=stats.rate_s_total,
            ecoule_s=ecoule_s,
            restant_s=reste / rythme_s if annonce and rythme_s else None,
            fenetres=ouvertes,
            prouvees=prouvees,
            dernier_ennui=self._ennui,
        )
