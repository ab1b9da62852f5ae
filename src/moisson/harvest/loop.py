"""The loop: ask what the plan wants, land what comes back, journal it, tell it. In that order, always.

A page lands before its fact is journalled, and the plan hears a fact only once it is journalled. A crash between any
two steps therefore costs the calls in flight, never an offer; and told the journal again, a plan is where it was.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from moisson.api import ClientStats, Reponse, effort_of
from moisson.errors import ApiUnavailable, RequestRefused
from moisson.model import Fait, PageLue, Question, QuestionEchouee, QuestionRefusee
from moisson.plan.planner import Planificateur

__all__ = ["Greffe", "Guichet", "en_vol_max", "moissonner"]

EN_VOL_MIN, EN_VOL_MAX = 2, 96
LATENCE_SUPPOSEE_S = 1.0
"""Latency to reckon with before the first answers have shown it."""


class Guichet(Protocol):
    """Where questions are asked: the client, as far as the loop needs it."""

    async def search(self, question: Question) -> Reponse:
        """Ask one bounded search."""

    def stats(self) -> ClientStats:
        """What was done so far."""


class Greffe(Protocol):
    """Where answers are kept: a run of the store, as far as the loop needs it. Both may be called from threads."""

    next_no: int

    def land(self, no: int, corps: bytes, encodage: str = "") -> str:
        """Keep a body; returns the name of its file."""

    def append_many(self, faits: Sequence[Fait]) -> None:
        """Journal facts; when this returns, they are on the disk."""


def en_vol_max(stats: ClientStats) -> int:
    """How many questions to keep in flight: 1.5 times what the pace needs at nearly the worst latency seen."""
    latence_s = stats.latency_p95_s or LATENCE_SUPPOSEE_S
    return max(EN_VOL_MIN, min(EN_VOL_MAX, math.ceil(1.5 * stats.rate_s_total * latence_s)))


async def moissonner(
    plan: Planificateur,
    guichet: Guichet,
    greffe: Greffe,
    *,
    avance: Callable[[], None],
    wall: Callable[[], float],
    en_fil: Callable[..., Awaitable[object]] = asyncio.to_thread,
    deja: tuple[Question, Reponse] | None = None,
) -> None:
    """Carry out a plan to its end.

    Args:
        plan: decides; facts of earlier sessions were told already.
        guichet: asks.
        greffe: keeps.
        avance: called after every fact told.
        wall: seconds since 1970, for questions that found no answer.
        en_fil: runs disk work beside the event loop; simulations run it in place.
        deja: a question that was answered already, and its answer.

    Raises:
        MoissonError: whatever stops a run; what was journalled stays, and the run can be taken up.
        CancelledError: likewise.
    """
    en_vol: dict[asyncio.Task[Fait], Question] = {}
    prochain = greffe.next_no
    reponses = 0

    async def chercher(question: Question) -> Reponse:
        nonlocal deja
        if deja is not None and deja[0] == question:
            # Used once: the same question, asked again later, wants a new answer.
            (_, reponse), deja = deja, None
            return reponse
        return await guichet.search(question)

    async def demander(question: Question, no: int) -> Fait:
        nonlocal reponses
        avant = reponses
        try:
            reponse = await chercher(question)
        except RequestRefused as refus:
            effort = effort_of(refus)
            return QuestionRefusee(question, refus.what, wall(), effort.tentatives, effort.refus_429, effort.echecs)
        except ApiUnavailable as trouble:
            if reponses == avant:
                raise
            # Others were answered meanwhile, so the service is there: it is this question that has bad luck.
            effort = effort_of(trouble)
            return QuestionEchouee(question, trouble.what, wall(), effort.tentatives, effort.refus_429, effort.echecs)
        reponses += 1
        fichier = ""
        if reponse.corps:
            fichier = str(await en_fil(greffe.land, no, reponse.corps, reponse.encodage))
        return PageLue(
            question=question,
            total=reponse.total,
            lignes=reponse.lignes,
            premier=reponse.premier,
            dernier=reponse.dernier,
            agregats=reponse.agregats,
            statut=reponse.statut,
            fichier=fichier,
            sha256=reponse.sha256,
            octets=reponse.octets,
            recu_s=reponse.recu_s,
            tentatives=reponse.tentatives,
            refus_429=reponse.refus_429,
            echecs=reponse.echecs,
        )

    try:
        while not plan.fini:
            numeros = {question.fenetre for question in en_vol.values()}
            while len(en_vol) < en_vol_max(guichet.stats()):
                question = plan.demander(numeros)
                if question is None:
                    break
                numeros.add(question.fenetre)
                en_vol[asyncio.ensure_future(demander(question, prochain))] = question
                prochain += 1
            if not en_vol:
                raise RuntimeError(f"the plan has nothing to ask and is not finished, at stage {plan.etape}")
            faites, _ = await asyncio.wait(en_vol, return_when=asyncio.FIRST_COMPLETED)
            # In the order they were asked, so that one seed gives one history.
            finies = [tache for tache in en_vol if tache in faites]
            faits = [tache.result() for tache in finies]
            await en_fil(greffe.append_many, faits)
            for tache in finies:
                del en_vol[tache]
            for fait in faits:
                plan.dire(fait)
            avance()
    finally:
        for tache in en_vol:
            tache.cancel()
        await asyncio.gather(*en_vol, return_exceptions=True)
