"""The detail resource, the sixteen lists, unknown paths, and the control path."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from moisson_twin import Drift, World, lists

Make = Callable[..., Any]


def test_a_detail_is_the_same_offer(call: Make, still: World) -> None:
    """Same fields as in a search."""
    caller = call(still)
    offre = caller.page(range_="5-5")[0]
    answer = caller.get(f"/offres/{offre['id']}")
    assert answer.status_code == 200
    assert answer.json() == offre


def test_a_withdrawn_offer_is_an_empty_204(call: Make) -> None:
    """As is one that never was."""
    caller = call(offres=50)
    id_ = caller.page()[0]["id"]
    caller.world.withdraw(id_)
    for gone in (id_, "000BBBB", "0000001"):
        answer = caller.get(f"/offres/{gone}")
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("id_", ["x", "12345678", "abcdefg", "12345-7"])
def test_a_malformed_id_is_refused(call: Make, still: World, id_: str) -> None:
    """400, word for word."""
    answer = call(still).get(f"/offres/{id_}")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Le format de l'id de l'offre recherchée est incorrect."


@pytest.mark.parametrize("name", lists.NAMES)
def test_lists(call: Make, still: World, name: str) -> None:
    """Arrays of code and libelle, with their size in Content-Range."""
    answer = call(still).get(f"/referentiel/{name}")
    assert answer.status_code == 200
    rows = answer.json()
    assert answer.headers["content-range"] == f"{name} */{len(rows)}"
    assert rows
    assert all({"code", "libelle"} <= set(row) for row in rows)
    assert len({row["code"] for row in rows}) == len(rows)


def test_lists_have_their_own_fields(call: Make, still: World) -> None:
    """Départements know their région, communes their postcode and département; names in capitals."""
    caller = call(still)
    ain = next(row for row in caller.get("/referentiel/departements").json() if row["code"] == "01")
    assert ain == {"code": "01", "libelle": "Ain", "region": {"code": "84", "libelle": "Auvergne-Rhône-Alpes"}}
    communes = caller.get("/referentiel/communes").json()
    villiers = next(row for row in communes if row["code"] == "21704")
    assert villiers == {
        "code": "21704", "libelle": "VILLIERS LE DUC", "codePostal": "21400", "codeDepartement": "21"
    }  # fmt: skip
    assert len(communes) > 34_000


def test_offers_use_codes_of_the_lists(call: Make, still: World, offres: list[dict[str, Any]]) -> None:
    """Communes, trades and sectors of the offers are in the lists."""
    caller = call(still)
    codes = {name: {row["code"] for row in caller.get(f"/referentiel/{name}").json()} for name in lists.NAMES}
    for offre in offres:
        assert offre["romeCode"] in codes["metiers"]
        assert offre["lieuTravail"].get("commune", "75056") in codes["communes"]
        assert offre.get("secteurActivite", "78") in codes["secteursActivites"]
        assert offre["typeContrat"] in codes["typesContrats"] | {"DDT"}


@pytest.mark.parametrize("path", ["/referentiel/partenaires", "/referentiel", "/offres", "/nothing"])
def test_unknown_paths(call: Make, still: World, path: str) -> None:
    """404, for a list that does not exist too."""
    assert call(still).get(path).status_code == 404


# --- control --------------------------------------------------------------------------------------------------------


def test_truth_over_http(call: Make) -> None:
    """One line of JSON an offer: what the world tells in process."""
    caller = call(offres=40)
    lines = [json.loads(line) for line in caller.request("GET", "/_twin/truth").text.splitlines()]
    truth = caller.world.truth()
    assert [line["id"] for line in lines] == truth.ids
    assert [line["creation_ms"] for line in lines] == truth.creation_ms.tolist()
    offre = caller.request("GET", f"/_twin/offre/{truth.ids[0]}").json()
    assert offre == caller.world.offre(truth.ids[0])
    assert caller.request("GET", "/_twin/offre/000BBBB").status_code == 404


def test_stats(call: Make, still: World) -> None:
    """Answers by kind and status, calls by application and their fastest second."""
    caller = call(still, quota_per_s=3)
    for wait_s in (0, 0, 0, 0, 0.5, 2):
        caller.now_s += wait_s
        caller.search(range_="0-9")
    stats = caller.request("GET", "/_twin/stats").json()
    assert stats["answers"]["search"] == {"206": 5, "429": 1}
    assert stats["answers"]["token"] == {"200": 1}
    assert stats["clients"][caller.settings.clients[0][0]] == {"calls": 6, "max_in_one_second": 5}
    assert stats["calls"]["search"] == 5
    assert stats["offres_sent"] == 50
    assert stats["total"] == 3000


def test_the_clock_can_be_moved(call: Make) -> None:
    """Tokens end and the world drifts."""
    caller = call(offres=500, drift=Drift(1, 1, 0, 0))
    caller.search(range_="0-0")
    before = caller.world.truth().ids
    assert caller.request("POST", "/_twin/clock", json={"advance_s": 1500}).json()["world_time_s"] > 1500
    assert caller.search(range_="0-0").status_code == 401
    assert caller.world.truth().ids != before
    assert caller.request("POST", "/_twin/clock", json={"advance_s": -1}).status_code == 400


def test_faults_can_be_set(call: Make, still: World) -> None:
    """Replaced as a whole; a misspelt one changes nothing."""
    caller = call(still)
    assert caller.request("POST", "/_twin/faults", json={"faults": ["reply_500:at=1"]}).json() == {
        "faults": ["reply_500"]
    }
    assert [caller.search(range_="0-0").status_code for _ in range(3)] == [206, 500, 206]
    assert caller.request("POST", "/_twin/faults", json={"faults": ["typo"]}).status_code == 400
    assert caller.request("GET", "/_twin/faults").json() == {"faults": ["reply_500"]}
    assert caller.request("POST", "/_twin/faults", content=b"not json").status_code == 400
    assert caller.request("POST", "/_twin/faults", json={"faults": []}).json() == {"faults": []}


def test_events_can_be_asked(call: Make) -> None:
    """Publish, edit, republish, suspend and restore, withdraw."""
    caller = call(offres=20)

    def event(**asked: Any) -> Any:
        return caller.request("POST", "/_twin/events", json=asked)

    ids = event(publish=3, own=False).json()["ids"]
    assert caller.world.total == 23
    for name in ("edit", "republish", "suspend", "restore", "withdraw"):
        assert event(**{name: ids[0]}).json() == {"ids": [ids[0]]}
    assert caller.world.total == 22
    assert event(withdraw=ids[0]).status_code == 400
    assert event(restore=ids[0]).json() == {"error": f"no offer '{ids[0]}' is suspended"}
    assert event().status_code == 400
