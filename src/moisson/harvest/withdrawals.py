"""Asking the offers themselves: some of those that a run is about to close must answer that they are gone.

A run closes an offer because no page showed it where it would have to stand. The detail resource is another way to the
same truth, so a few are asked there:

    answer                                     reading
    -----------------------------------------  -------------------------------------------------------------------
    204                                        confirmed
    200, created after all that the run saw    it was published again since the last look: that one is not closed
    200 otherwise, and again some seconds on   a contradiction: nothing is closed, and the run is not proved
    none, or a refusal                         not known; when it is so for all of them, nothing is closed either

These calls are no searches, and are not counted among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from moisson.errors import AccountError, ApiUnavailable, RequestRefused, SettingsError

__all__ = ["RETRAITS_DEMANDES", "Confirmation", "confirm"]

RETRAITS_DEMANDES = 10
"""Withdrawals asked about before a run closes anything."""
PAUSE_S = 5.0
"""Before an offer that seems online is asked again, seconds: the resource may be a little behind the search."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Confirmation(msgspec.Struct, frozen=True):
    """What the offers themselves said.

    Attributes:
        demandes: ids asked.
        confirmes: how many are gone, as was thought.
        revenus: ids that came back after the run's last look.
        contredits: ids that are online where the run saw nothing.
        trouble: why some could not be asked, for a person; "" when all could.
    """

    demandes: int = 0
    confirmes: int = 0
    revenus: tuple[str, ...] = ()
    contredits: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def raison(self) -> str:
        """Why nothing may be closed, or ""."""
        if self.contredits:
            return (
                f"{len(self.contredits)} of {self.demandes} offers that no page showed are online all the same: "
                "no offer was closed"
            )
        if self.demandes and not self.confirmes and not self.revenus:
            return f"no withdrawal could be confirmed ({self.trouble}): no offer was closed"
        return ""


class _Offre(msgspec.Struct):
    dateCreation: datetime  # noqa: N815 (the API's key)


async def confirm(
    ids: Sequence[str],
    recente_ms: int,
    ask: Callable[[str], Awaitable[bytes | None]],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Confirmation:
    """Ask offers that are thought to be gone.

    Args:
        ids: which.
        recente_ms: newest creation that the run saw, shown milliseconds since 1970.
        ask: asks the detail of one: its JSON, or None when it is not online.
        sleep: how the pause is made.
    """
    confirmes, trouble = 0, ""
    en_ligne: list[str] = []
    revenus: list[str] = []
    contredits: list[str] = []
    gone: set[str] = set()
    for etape in (ids, en_ligne):
        if etape is en_ligne and en_ligne:
            await sleep(PAUSE_S)
        for id_ in etape:
            try:
                corps = await ask(id_)
            except (AccountError, ApiUnavailable) as absence:
                # The account answered searches a moment ago, so it is this resource that is closed to it; and trouble
                # that outlasted our patience once would outlast it for each of the others.
                trouble = absence.what
                break
            except (RequestRefused, SettingsError) as refus:
                trouble = refus.what
                continue
            if corps is None:
                confirmes += 1
                gone.add(id_)
            elif _creation_ms(corps) > recente_ms:
                revenus.append(id_)
            elif etape is ids:
                en_ligne.append(id_)
            else:
                contredits.append(id_)
    # One that was online and could not be asked again is no less online.
    contredits += [id_ for id_ in en_ligne if id_ not in {*gone, *revenus, *contredits}]
    return Confirmation(len(ids), confirmes, tuple(revenus), tuple(contredits), trouble)


def _creation_ms(corps: bytes) -> int:
    """When an offer says it was created, shown milliseconds since 1970; 0 when it does not say."""
    try:
        date = msgspec.json.decode(corps, type=_Offre).dateCreation
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0
    return (date.replace(tzinfo=date.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)
