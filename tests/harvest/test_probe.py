"""`moisson probe` tells the variants of the double from each other; pure dialogues are played by hand."""

from __future__ import annotations

import ast
import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from moisson.api import Sonde
from moisson.api.answer import PageOffres, read_sonde
from moisson.cli.probe import lines, verdict
from moisson.errors import ContractBroken, ServerTrouble, TokenRefused
from moisson.harvest.probe import Attribut, Sondage, compter_attributs, probe
from moisson.harvest.probing import Carnet, Mesure
from moisson.harvest.probing_search import mesurer_premiere
from moisson.harvest.probing_time import mesurer_horloges
from moisson.model import Ligne
from moisson.settings import Application, Settings
from moisson_twin import Drift, World, WorldSettings, create_app
from moisson_twin import Settings as Twin
from tests import virtual_loop
from tests.harvest.jumeau import jumeau

SRC = Path(__file__).parent.parent.parent / "src" / "moisson"
BASE = "http://127.0.0.1:1"
CALLS_MAX = 66
"""About 60, and a few more where a comparison has to be made again."""


@cache
def still(offres: int) -> World:
    """A world that stands still."""
    return World(WorldSettings(offres=offres, drift=Drift.none()))


def sondage(*, offres: int = 6000, drift: Drift | None = None, rate: float = 3.0, **given: Any) -> Sondage:
    """Probe a double in process and in virtual time; its world's clock and ours agree."""
    world = WorldSettings(offres=offres, drift=drift or Drift.none())
    twin = replace(Twin(world=world, quota_per_s=10, quota_mode="window"), **given)

    async def go() -> Sondage:
        loop = asyncio.get_running_loop()
        # A world that stands still is not changed by being asked.
        app = create_app(twin, still(offres) if drift is None else None, clock=loop.time)
        start_s = app.state.world.start_ms / 1000
        client_id, secret = twin.clients[0]
        settings = Settings(
            api_url=BASE + "/partenaire/offresdemploi",
            token_url=BASE + "/connexion/oauth2/access_token?realm=%2Fpartenaire",
            applications=(Application(client_id=client_id, client_secret=secret),),
            rate=rate,
        )
        return await probe(settings, transport=httpx2.ASGITransport(app), wall=lambda: start_s + loop.time())

    return virtual_loop.run(go())


def vues(found: Sondage) -> dict[str, str]:
    """What was seen, by measure, without the figures that any change of the world moves."""
    return {mesure.nom: f"{mesure.issue}: {mesure.vu}" for mesure in found.mesures}


@pytest.fixture(scope="module")
def ordinaire() -> Sondage:
    """The double as it is by default."""
    return sondage()


def test_the_ordinary_double(ordinaire: Sondage) -> None:
    """Everything that is known of the API holds, in about 60 calls at the pace of a harvest."""
    assert [mesure.nom for mesure in ordinaire.mesures if mesure.issue != "holds"] == []
    assert ordinaire.tombees == ()
    assert 40 <= ordinaire.appels <= CALLS_MAX
    assert ordinaire.duree_s >= (ordinaire.appels - 1) / 3.0 - 1.0
    assert ordinaire.offres_lues == 4 * 150
    attributs = {attribut.nom: attribut for attribut in ordinaire.attributs}
    assert attributs["id"].absent == attributs["dateCreation"].absent == 0.0
    assert 0.0 < attributs["agence.courriel"].absent < 1.0
    assert not any(attribut.nul for attribut in ordinaire.attributs)


VARIANTES = {
    "bound_min": ({"bound_min": "exclusive"}, {"lower bound": "holds: exclusive"}),
    "bound_max": ({"bound_max": "exclusive"}, {"upper bound": "holds: exclusive"}),
    "whole_second": ({"bound_max": "whole_second"}, {"upper bound": "holds: its whole second counts"}),
    "filter_clock": (
        {"filter_clock": "paris"},
        {"filter's clock": "holds: 2 h ahead of", "Z": "holds: dates are shown in UTC, bounds are read in Paris time"},
    ),
    "shown_clock": (
        {"shown_clock": "paris"},
        {"filter's clock": "holds: 2 h behind", "Z": "holds: dates are shown in Paris time, bounds are read in UTC"},
    ),
    "both_clocks": (
        {"filter_clock": "paris", "shown_clock": "paris"},
        {"Z": "holds: dates are shown in Paris time, bounds are read in Paris time"},
    ),
    "last_page_status": ({"last_page_status": 206}, {"last page": "holds: 206 for a page longer"}),
    "refuse_future": ({"refuse_future": True}, {"future upper bound": "no longer holds: refused"}),
    "qualification_x": ({"qualification_x": False}, {"sum of qualification": "no longer holds: "}),
    "quota": ({"quota_per_s": 5}, {"quota headers": "holds: 5 calls a second"}),
    "quota_headers": ({"quota_headers": False}, {"quota headers": "not known: none"}),
    "start_max": (
        {"start_max": 1000},
        {"rows 3000-3149": "no longer holds: refused (400)", "first row beyond 3000": "holds: refused (400)"},
    ),
    "deeper": (
        {"start_max": 4000},
        {"first row beyond 3000": "no longer holds: taken: 100 rows"},
    ),
    "larger_pages": ({"page_size": 200}, {"151 rows in one call": "no longer holds: taken: 151 rows"}),
    "total_off": (
        {"faults": ("total_off:by=3,at=0",)},
        {"free counts": "no longer holds: ", "free count of typeContrat": "holds: 4 short"},
    ),
    "short_page": ({"faults": ("short_page:at=0",)}, {"rows 0-149": "no longer holds: 149 rows"}),
    "null_object": ({"faults": ("null_object",)}, {"attributes": "no longer holds: "}),
    "unknown_keys": ({"faults": ("unknown_keys",)}, {"attributes": "no longer holds: "}),
    "ignored_criterion": (
        {"faults": ("ignore_filter:name=experience",)},
        {"sum of experience": "no longer holds: "},
    ),
}  # fmt: skip
FOLLOWS = {"order of ties", "sort by date", "detail of an offer", "attributes", "pace", "rows beyond the end"}
"""Measures whose figures change with the offers that happen to be read."""
ON_PROOF = {"start_max", "total_off", "short_page"}
"""Variants that break something which a proof rests on."""


@pytest.mark.parametrize("nom", VARIANTES)
def test_each_variant_is_told(ordinaire: Sondage, nom: str) -> None:
    """A variant shows in its own lines, and in no other; the exit code follows what a proof rests on."""
    switches, due = VARIANTES[nom]
    found = sondage(**switches)
    seen, before = vues(found), vues(ordinaire)
    for mesure, start in due.items():
        assert seen[mesure].startswith(start), seen[mesure]
    changed = {mesure for mesure in seen if seen[mesure] != before[mesure]}
    assert changed - FOLLOWS <= set(due), {mesure: seen[mesure] for mesure in changed - FOLLOWS}
    assert bool(found.tombees) == (nom in ON_PROOF)
    assert found.appels <= CALLS_MAX


def test_variants_differ_from_each_other() -> None:
    """No two variants look alike."""
    tables = {
        nom: tuple(sorted(due.items()))
        for nom, (_, due) in VARIANTES.items()
        if not nom.startswith(("null", "unknown"))
    }
    assert len(set(tables.values())) == len(tables)


@pytest.mark.parametrize("unite", ["instant", "second"])
def test_ties_that_change_places(unite: str) -> None:
    """Ties that move are told, and whether they move within the millisecond or the second."""
    found = vues(sondage(offres=60_000, drift=Drift(births_per_s=3, deaths_per_s=0), unstable_ties=unite))
    assert found["order of ties"].startswith("no longer holds: ")
    assert ("different milliseconds" in found["order of ties"]) == (unite == "second")


def test_a_drifting_double_looks_the_same(ordinaire: Sondage) -> None:
    """Offers that come and go during the probe break nothing."""
    found = sondage(drift=Drift(births_per_s=1, deaths_per_s=1, edits_per_s=1, republications_per_s=0.2))
    assert [m.nom for m in found.mesures if m.issue != "holds"] == []


@pytest.mark.parametrize(
    ("fault", "tombees"),
    [
        ("ignore_filter", {"date filter", "sort by date", "rows beyond the end"}),
        ("ignore_sort", {"sort by date"}),
    ],
)
def test_what_is_ignored(fault: str, tombees: set[str]) -> None:
    """Dates or an order that are ignored bring down what a proof rests on."""
    assert {mesure.nom for mesure in sondage(faults=(fault,)).tombees} == tombees


def test_a_small_country_cannot_tell_everything() -> None:
    """With fewer offers than a search shows, its depth is not known, and that is said rather than passed over."""
    found = sondage(offres=2000)
    assert [(m.nom, m.issue) for m in found.tombees] == [("rows 3000-3149", "not known")]
    assert verdict(found).startswith("NO LONGER HOLDS: a proof rests on rows 3000-3149 (not known); by ")


def test_troubles_of_the_road() -> None:
    """What may pass is tried again as in a harvest; 429 is counted and told."""
    found = sondage(faults=("reply_500:every=7", "reply_429:at=5|8,retry_after=2"))
    assert [m.nom for m in found.mesures if m.issue != "holds"] == ["pace"]
    assert "2 answered 429, which asked to wait" in vues(found)["pace"]


def test_nothing_to_measure_by() -> None:
    """An API that shows nothing is an error, not a table."""
    with pytest.raises(ContractBroken, match="no offer at all"):
        sondage(faults=("nothing",))


# -- pure dialogues, played by hand ------------------------------------------------------------------------------------

MIDI_S = 1_793_016_000
"""2026-10-26T12:00:00Z: winter, Paris is an hour ahead."""


def page(*ecarts_s: int, **en_tetes: str) -> Sonde:
    """An answer whose offers were created so many seconds before noon."""
    lignes = tuple(Ligne(f"{n:07}", (MIDI_S - ecart) * 1000) for n, ecart in enumerate(ecarts_s))
    return Sonde(206, PageOffres(len(lignes), 0, len(lignes) - 1, lignes, {}), en_tetes, b"{}", recu_s=float(MIDI_S))


@pytest.mark.parametrize(
    ("recente_s", "service_s", "vu"),
    [
        (
            60,
            None,
            "the newest creation is 60 s behind our clock; Paris time is excluded unless nothing was created for",
        ),
        (-3500, None, "the newest creation is 58 min ahead of our clock"),
        (3000, None, "the newest creation is 50 min behind our clock: too far to tell UTC from Paris time"),
        (
            660,
            -600,
            "the newest creation is 21 min behind the service's clock, from which ours is off by 10 min: too far",
        ),
        (60, 5, "the newest creation is 60 s behind our clock, which agrees with the service's"),
    ],
)
def test_what_the_newest_creation_tells(recente_s: int, service_s: int | None, vu: str) -> None:
    """UTC, Paris or not known; the service's own clock corrects ours."""
    from email.utils import formatdate

    carnet = Carnet()
    date = {} if service_s is None else {"date": formatdate(MIDI_S - service_s, usegmt=True)}
    premiere = page(recente_s, recente_s + 20, recente_s + 40, recente_s + 60, **date)
    assert premiere.page is not None
    carnet.lignes = premiere.page.lignes
    dialogue = mesurer_horloges(carnet, premiere)
    next(dialogue)
    with pytest.raises(StopIteration):
        dialogue.send(premiere)
    assert vu in carnet.mesures[-1].vu


def test_pages_of_another_size() -> None:
    """Where 150 rows are refused, the probe learns the size of a page and goes on with that."""
    carnet = Carnet()
    dialogue = mesurer_premiere(carnet)
    assert next(dialogue).params["range"] == "0-149"
    assert "range" not in dialogue.send(Sonde(400, message="trop")).params
    with pytest.raises(StopIteration):
        dialogue.send(page(0, 1, 2))
    assert carnet.premiere == "0-2"
    assert (carnet.mesures[0].issue, carnet.mesures[0].vu) == ("no longer holds", "refused (400): trop")


def test_shares_of_attributes() -> None:
    """Absent, null and unknown, down to the keys of objects."""
    offres = [
        {"id": "1", "lieuTravail": {"libelle": "Ici"}},
        {"id": "2", "lieuTravail": None, "nouveau": 1},
        {"id": "3", "lieuTravail": {"libelle": "Là", "commune": "01053", "region": "84"}},
    ]
    attributs, inconnus = compter_attributs(offres)
    par_nom = {attribut.nom: attribut for attribut in attributs}
    assert par_nom["id"] == Attribut("id", 3, 0.0, 0.0)
    assert par_nom["lieuTravail"] == Attribut("lieuTravail", 3, 0.0, 1 / 3)
    assert par_nom["lieuTravail.commune"] == Attribut("lieuTravail.commune", 2, 0.5, 0.0)
    assert par_nom["description"].absent == 1.0
    assert inconnus == {"lieuTravail.region": 1, "nouveau": 1}


def test_a_refusal_is_an_answer_to_a_probe() -> None:
    """400 and 404 are told as they are; what is not about the question is an error as for a harvest."""
    refus = read_sonde(400, {}, b'{"message": "Non."}', now_s=5.0, recherche=True)
    assert (refus.pris, refus.page, refus.message, refus.recu_s) == (False, None, "Non", 5.0)
    assert read_sonde(404, {"Allow": "x"}, b"", now_s=0.0, recherche=False).en_tetes == {"allow": "x"}
    assert read_sonde(204, {}, b"", now_s=0.0, recherche=False).pris
    with pytest.raises(ServerTrouble):
        read_sonde(503, {}, b"", now_s=0.0, recherche=True)
    with pytest.raises(TokenRefused):
        read_sonde(401, {}, b"", now_s=0.0, recherche=True)


def test_only_the_probe_asks_freely() -> None:
    """A harvest's questions go through the closed list of parameters: nobody else may call `Client.sonder`."""
    callers = set()
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "sonder":
                callers.add(path.relative_to(SRC).as_posix())
    assert callers == {"harvest/probe.py"}


# -- what a person sees ------------------------------------------------------------------------------------------------

TABLE = Sondage(
    source="https://api.francetravail.io/partenaire/offresdemploi",
    simulated=False,
    le="2026-11-25T12:00:00+00:00",
    appels=56,
    duree_s=18.7,
    mesures=(
        Mesure("rows 0-149", "served", "served", "holds", "proof", "5,000 calls"),
        Mesure("order of ties", "the same", "7 pairs", "no longer holds", "cost", "5 % more"),
    ),
    offres_lues=600,
    attributs=(Attribut("id", 600, 0.0, 0.0), Attribut("langues", 600, 0.875, 0.0), Attribut("permis", 600, 0.5, 0.1)),
    inconnus={"nouveau": 3},
)


def test_the_table() -> None:
    """What was seen, what was expected, what follows; then the shares of attributes."""
    assert lines(TABLE) == [
        "2026-11-25T12:00:00+00:00  https://api.francetravail.io/partenaire/offresdemploi",
        "",
        "holds            rows 0-149     served",
        "                                  expected: served",
        "                                  the proof rests on it: 5,000 calls",
        "no longer holds  order of ties  7 pairs",
        "                                  expected: the same",
        "                                  calls rest on it: 5 % more",
        "",
        "attributes absent from some of the 600 offers read:",
        "  langues 87.5 %, permis 50.0 % and null 10.0 %",
        "unknown to the schema: nouveau, 3 offers",
    ]
    assert verdict(TABLE) == "HOLDS: all that a proof rests on, by 56 calls in 19 s"


def test_the_command(tmp_path: Path) -> None:
    """Over a real port: one JSON object on the standard output, exit 0, no store made."""
    # Ten minutes that have passed: else the newest offer of a small world is an hour old at night, and tells no clock.
    start = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with jumeau("--offres", "6000", "--start", start, "--births", "2", "--quota", "0", "--no-quota-headers") as double:
        double.post("clock", {"advance_s": 600})
        done = double.moisson("probe", "--json", "--rate", "300", HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
        found = msgspec.convert(json.loads(done.stdout), Sondage)
        assert found.simulated
        assert found.appels == sum(double.stats()["calls"].values()) - 1
        assert "HOLDS: all that a proof rests on" in done.stderr
        assert "call 1 of about 60" in done.stderr
        assert vues(found)["Z"].startswith("holds: dates are shown in UTC")
        # The pace shared with other processes of the same account, and nothing else.
        assert {path.parent.name for path in tmp_path.rglob("*") if path.is_file()} <= {"moisson"}


def test_the_command_tells_what_fell(tmp_path: Path) -> None:
    """Exit 3 when something that a proof rests on no longer holds, with the table all the same."""
    with jumeau("--offres", "4000", "--quota", "0", "--no-quota-headers", "--start-max", "2000") as double:
        done = double.moisson("probe", "--rate", "300")
        assert done.returncode == 3, done.stderr
        assert "no longer holds  rows 3000-3149" in done.stdout
        assert "NO LONGER HOLDS: a proof rests on rows 3000-3149; by" in done.stderr
