"""Offers that a run is about to close are asked one by one, and nothing is closed when they contradict it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.errors import AccountError, ApiUnavailable, RequestRefused
from moisson.harvest.verify import verify
from moisson.harvest.withdrawals import PAUSE_S, Confirmation, confirm
from moisson.store.closing import closing
from moisson.store.seen import id_keys, key_id
from moisson.store.store import open_store
from tests.harvest.jumeau import jumeau, offres, statut
from tests.store.filling import NOW_S, begin, collect, land_page, make_bilan, make_fenetre, make_offre, open_here

RYTHME = {"MOISSON_RATE": "300"}
RECENTE_MS = 1_790_000_000_000
OLD = b'{"id": "x", "dateCreation": "2026-01-01T00:00:00.000Z"}'
NEW = b'{"id": "x", "dateCreation": "2026-12-01T00:00:00.000Z"}'


def asked(answers: dict[str, list[bytes | Exception | None]]) -> tuple[Confirmation, list[str], list[float]]:
    """What becomes of these answers; the ids in the order they were asked, and the pauses made."""
    order: list[str] = []
    pauses: list[float] = []

    async def ask(id_: str) -> bytes | None:
        order.append(id_)
        answer = answers[id_].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return asyncio.run(confirm(list(answers), RECENTE_MS, ask, sleep=sleep)), order, pauses


def test_all_are_gone() -> None:
    """204 for each: one question an offer, no pause, nothing to say against closing."""
    found, order, pauses = asked({"a": [None], "b": [None]})
    assert found == Confirmation(2, 2)
    assert (order, pauses, found.raison) == (["a", "b"], [], "")


def test_nothing_to_ask() -> None:
    """Where nothing is to be closed nothing is asked, and nothing said."""
    found, order, _ = asked({})
    assert (found.raison, order) == ("", [])


def test_one_that_is_online_is_asked_again() -> None:
    """A resource that is a little behind is no contradiction; one that stays is, and is named."""
    found, order, pauses = asked({"a": [OLD, None], "b": [None]})
    assert (found.confirmes, found.contredits, found.raison) == (2, (), "")
    assert (order, pauses) == (["a", "b", "a"], [PAUSE_S])
    found, _, _ = asked({"a": [OLD, OLD], "b": [None]})
    assert found.contredits == ("a",)
    assert found.raison == "1 of 2 offers that no page showed are online all the same: no offer was closed"


def test_one_that_came_back() -> None:
    """Published again after the last look: it is kept, and contradicts nothing."""
    found, _, pauses = asked({"a": [NEW], "b": [None]})
    assert (found.revenus, found.confirmes, found.raison, pauses) == (("a",), 1, "", [])
    found, _, _ = asked({"a": [NEW]})
    assert found.raison == ""
    # An offer that does not say when it was created did not come back.
    found, _, _ = asked({"a": [b'{"id": "a"}', b'{"id": "a"}']})
    assert found.contredits == ("a",)


def test_no_answer() -> None:
    """Some that cannot be asked are told; when none can, nothing is closed; trouble is waited for once only."""
    found, order, _ = asked({"a": [None], "b": [RequestRefused("no (400)")], "c": [None]})
    assert (found.confirmes, found.trouble, found.raison, order) == (2, "no (400)", "", ["a", "b", "c"])
    found, order, _ = asked({"a": [ApiUnavailable("away")], "b": [None]})
    assert order == ["a"]
    assert found.raison == "no withdrawal could be confirmed (away): no offer was closed"
    found, order, _ = asked({"a": [AccountError("refused")], "b": [None]})
    assert (order, found.trouble) == (["a"], "refused")


# -- which offers ------------------------------------------------------------------------------------------------------


@given(st.from_regex(r"[0-9]{7}|[0-9]{3}[B-DF-HJ-NP-TV-Z]{4}|[0-9]{0,6}", fullmatch=True) | st.text(min_size=8))
def test_a_key_gives_its_id_back(id_: str) -> None:
    """Up to seven characters of ASCII; a longer id is only a hash, and is not asked."""
    assert key_id(int(id_keys([id_])[0])) == (id_ if len(id_) <= 7 else None)


@settings(max_examples=15)
@given(before=st.sets(st.integers(0, 90)), after=st.sets(st.integers(0, 90)), proved=st.integers(0, 90))
def test_what_would_be_closed_is_what_is_closed(
    tmp_path_factory: pytest.TempPathFactory, before: set[int], after: set[int], proved: int
) -> None:
    """The offers named beforehand are of those that the fold then closes, as many as it says, whatever was proved."""
    folder = tmp_path_factory.mktemp("store")
    collect(folder, [make_offre(n) for n in before])
    store = open_here(folder)
    fin_ms = int(np.datetime64(make_offre(proved)["dateCreation"][:-1], "ms").astype(np.int64))
    bilan = make_bilan(len(after), make_fenetre(fin_ms=fin_ms))
    with store.lock("collect"):
        run = begin(store, NOW_S + 3600)
        land_page(run, run.next_no, [make_offre(n) for n in sorted(after, reverse=True)], NOW_S + 3600)
        named = closing(store.examine(run, bilan), bilan, 10)
        run.close()
    result = collect(folder, [], NOW_S + 3700, bilan=bilan)
    gone = {f"{n:07d}" for n in before - after if n <= proved}
    assert named.nombre == len(gone) == result.retirees
    assert set(named.ids) <= gone
    assert len(named.ids) == min(10, len(gone))
    assert list(named.ids) == sorted(named.ids), "oldest first, spread"


def test_withdrawals_are_spread_over_time(tmp_path: Path) -> None:
    """Ten of a hundred: one of each tenth of their creations."""
    collect(tmp_path, [make_offre(n) for n in range(100)])
    store = open_here(tmp_path)
    with store.lock("collect"):
        run = begin(store, NOW_S + 3600)
        land_page(run, run.next_no, [], NOW_S + 3600)
        named = closing(store.examine(run, make_bilan(0)), make_bilan(0), 10)
        run.close()
    assert [int(id_) for id_ in named.ids] == list(range(5, 100, 10))


# -- whole runs --------------------------------------------------------------------------------------------------------


def nights(tmp_path: Path, *faults: str) -> tuple[int, str, Path, set[str], dict[str, int], set[str]]:
    """Two nights, thirty offers withdrawn in between and these faults on the second.

    Returns:
        Exit code and messages of the second, the store, ids withdrawn, calls answered, ids that are in the store.
    """
    store = tmp_path / "store"
    with jumeau("--offres", "1200", "--still", "--quota", "0", "--no-quota-headers") as double:
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert rendu.returncode == 0, rendu.stderr
        gone = set(sorted(double.verite())[::40])
        for id_ in gone:
            double.post("events", {"withdraw": id_})
        double.post("faults", {"faults": list(faults)})
        searches = double.appels()
        time.sleep(1.1)
        rendu = double.moisson("collect", "--store", str(store), **RYTHME)
        assert statut(double, store)["calls"] == double.appels() - searches
        return rendu.returncode, rendu.stderr, store, gone, double.stats()["calls"], set(offres(store))


def row(store: Path) -> dict[str, object]:
    """The last row of `collectes`."""
    (path,) = (store / "current" / "collectes").iterdir()
    rows: list[dict[str, object]] = pq.read_table(path).to_pylist()
    return rows[-1]


def test_ten_withdrawals_are_confirmed(tmp_path: Path) -> None:
    """Ten calls at the detail resource, apart from the searches; then all thirty are closed."""
    code, said, store, gone, calls, left = nights(tmp_path)
    assert code == 0, said
    assert calls["offre"] == 10
    assert not gone & left
    assert "30 closed (10 of 10 asked one by one are gone)" in said
    assert (row(store)["retraits_demandes"], row(store)["retraits_confirmes"]) == (10, 10)
    assert verify(open_store(store)).verdict == "proved again"


def test_a_contradiction_closes_nothing(tmp_path: Path) -> None:
    """Offers that no page shows and that answer all the same: exit 3, nothing closed, evidence intact."""
    code, said, store, gone, calls, left = nights(tmp_path, "ghost_detail:at=3|4|10-30")
    assert code == 3, said
    assert "2 of 10 offers that no page showed are online all the same" in said
    assert calls["offre"] == 12
    assert gone <= left
    assert (row(store)["retraits_demandes"], row(store)["retraits_confirmes"], row(store)["retirees"]) == (10, 8, 0)
    vu = verify(open_store(store))
    assert (vu.verdict, json.dumps(vu.raisons).count("online all the same")) == ("not proved", 1)


def test_details_that_cannot_be_asked(tmp_path: Path) -> None:
    """Refused one and all, the detail resource confirms nothing, so nothing is closed."""
    code, said, _, gone, _, left = nights(tmp_path, "reply_403:on=offre")
    assert code == 3, said
    assert "no withdrawal could be confirmed" in said
    assert gone <= left
