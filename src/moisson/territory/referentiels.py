"""The 16 code lists of the API: fetched, and checked to be lists of codes and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from moisson.api.contract import REFERENTIELS
from moisson.errors import ContractBroken

__all__ = ["Asker", "Lists", "fetch", "read_list"]

Lists = dict[str, list[dict[str, Any]]]
"""Rows by name of the list, as the API sent them."""


class Asker(Protocol):
    """What is needed of a client."""

    async def referentiel(self, nom: str) -> bytes:
        """Ask one code list: a JSON array, as sent."""
        ...


async def fetch(client: Asker, *, tell: Callable[[str, int], None] = lambda nom, rows: None) -> Lists:
    """Fetch the 16 lists, one call each; all of them or none.

    Args:
        client: whom to ask.
        tell: is told the name of each list as it came, and its number of rows.

    Raises:
        ContractBroken: a list is not one of codes and labels.
        MoissonError: a list did not come; the message says which.
    """
    lists: Lists = {}
    for nom in REFERENTIELS:
        lists[nom] = read_list(nom, await client.referentiel(nom))
        tell(nom, len(lists[nom]))
    return lists


def read_list(nom: str, body: bytes) -> list[dict[str, Any]]:
    """Read one list: objects that all have a text `code` and a text `libelle`, and may have more.

    Raises:
        ContractBroken: anything else, or nothing; an empty list would leave every label of the store unknown.
    """
    try:
        rows = msgspec.json.decode(body, type=list[dict[str, Any]])
    except msgspec.DecodeError as problem:
        raise _broken(nom, f"it is not an array of objects ({str(problem)[:100]})") from None
    if not rows:
        raise _broken(nom, "it is empty")
    for rank, row in enumerate(rows, 1):
        for key in ("code", "libelle"):
            if not isinstance(row.get(key), str):
                raise _broken(nom, f"its row {rank:,} has no text {key}")
    return rows


def _broken(nom: str, why: str) -> ContractBroken:
    return ContractBroken(
        f"The code list {nom} is not what the API documents: {why}",
        doing="reading the code lists",
        todo="The store keeps the lists it had. Try again later; if it lasts, report it as CONTRIBUTING.md says.",
    )
