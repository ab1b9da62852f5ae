"""The 16 code lists: all of them or none, and each one of codes and labels."""

from __future__ import annotations

import asyncio

import pytest

from moisson.api.contract import REFERENTIELS
from moisson.errors import ContractBroken
from moisson.territory.referentiels import fetch, read_list


class Lists:
    def __init__(self, **broken: bytes) -> None:
        self.broken = broken

    async def referentiel(self, nom: str) -> bytes:
        return self.broken.get(nom, b'[{"code":"01","libelle":"Ain","region":{"code":"84","libelle":"ARA"}}]')


def test_all_sixteen() -> None:
    """Each list is asked once and keeps what it has besides code and label."""
    told: list[tuple[str, int]] = []
    lists = asyncio.run(fetch(Lists(), tell=lambda nom, rows: told.append((nom, rows))))
    assert list(lists) == list(REFERENTIELS)
    assert told == [(nom, 1) for nom in REFERENTIELS]
    assert lists["departements"] == [{"code": "01", "libelle": "Ain", "region": {"code": "84", "libelle": "ARA"}}]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[]", "it is empty"),
        (b"{}", "it is not an array of objects (Expected `array`, got `object`)"),
        (b"[1]", "it is not an array of objects (Expected `object`, got `int` - at `$[0]`)"),
        (b'[{"code":"1","libelle":"a"},{"code":2,"libelle":"b"}]', "its row 2 has no text code"),
        (b'[{"code":"1"}]', "its row 1 has no text libelle"),
    ],
)
def test_what_is_not_a_list(body: bytes, why: str) -> None:
    """A list that is not one of codes and labels is refused, with what is wrong about it."""
    with pytest.raises(ContractBroken) as caught:
        read_list("metiers", body)
    assert caught.value.what == f"The code list metiers is not what the API documents: {why}"


def test_one_broken_list_stops_all() -> None:
    """Lists that came are not kept without those that did not: a store's labels are of one day."""
    with pytest.raises(ContractBroken, match="pays"):
        asyncio.run(fetch(Lists(pays=b"[]")))
