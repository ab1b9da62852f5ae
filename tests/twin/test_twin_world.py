"""The stock of offers: shapes and rates, dates and bursts, drift, and what it says of itself."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from moisson_twin import Crowd, Drift, World, WorldSettings, codes
from moisson_twin.columns import PROFIL_PARTS

Offres = list[dict[str, Any]]


def share(offres: Offres, key: str, origine: str | None = None) -> float:
    """The share of offers, of one origin if given, in which a dotted key is present."""
    chosen = [o for o in offres if origine in (None, o["origineOffre"]["origine"])]
    hits = 0
    for offre in chosen:
        value: Any = offre
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        hits += value is not None
    return hits / len(chosen)


def test_ids_have_the_two_shapes_and_are_unique(offres: Offres) -> None:
    """Own ids are three digits and four consonants, partners' seven digits, leading zeros kept."""
    shapes = {"1": re.compile(r"[0-9]{3}[B-DF-HJ-NP-TV-Z]{4}"), "2": re.compile(r"[0-9]{7}")}
    for offre in offres:
        assert shapes[offre["origineOffre"]["origine"]].fullmatch(offre["id"])
    assert len({offre["id"] for offre in offres}) == len(offres)


def test_partners_have_between_65_and_77_percent(offres: Offres) -> None:
    """The national share of partners' offers."""
    partners = sum(offre["origineOffre"]["origine"] == "2" for offre in offres)
    assert 0.63 < partners / len(offres) < 0.77


@pytest.mark.parametrize(
    ("key", "own", "partner"),
    [
        ("id", 1, 1), ("intitule", 1, 1), ("description", 1, 1), ("dateCreation", 1, 1), ("dateActualisation", 1, 0.92),
        ("lieuTravail.libelle", 1, 1), ("lieuTravail.latitude", 0.994, 0.95), ("lieuTravail.commune", 0.996, 0.93),
        ("lieuTravail.codePostal", 0.996, 0.93), ("romeCode", 1, 1), ("appellationlibelle", 1, 1),
        ("entreprise.nom", 0.98, 0.55), ("entreprise.description", 0.40, 0.54), ("entreprise.logo", 0.07, 0),
        ("entreprise.entrepriseAdaptee", 1, 0.92), ("typeContratLibelle", 1, 1), ("natureContrat", 1, 1),
        ("experienceExige", 1, 1), ("experienceLibelle", 1, 0.92), ("experienceCommentaire", 0.04, 0.005),
        ("formations", 0.22, 0.006), ("langues", 0.13, 0.01), ("permis", 0.21, 0.001), ("competences", 0.69, 0),
        ("salaire", 1, 1), ("salaire.libelle", 0.77, 0.39), ("salaire.commentaire", 0.25, 0.08),
        ("salaire.complement1", 0.53, 0), ("salaire.complement2", 0.24, 0), ("dureeTravailLibelle", 0.99, 0.06),
        ("dureeTravailLibelleConverti", 0.99, 0.06), ("complementExercice", 0, 0.06), ("alternance", 1, 1),
        ("contact", 1, 0.08), ("contact.nom", 0.67, 0), ("contact.coordonnees1", 0.81, 0),
        ("contact.courriel", 0.41, 0), ("agence", 1, 0), ("nombrePostes", 1, 1), ("accessibleTH", 1, 0.92),
        ("deplacementCode", 0.40, 0), ("qualificationCode", 1, 0.114), ("codeNAF", 1, 0.33),
        ("qualitesProfessionnelles", 0.55, 0), ("origineOffre.partenaires", 0, 1),
        ("offresManqueCandidats", 0.99, 0), ("contexteTravail", 1, 1), ("entrepriseAdaptee", 1, 1),
        ("employeurHandiEngage", 1, 1),
    ],
)  # fmt: skip
def test_keys_are_present_as_often_as_recorded(offres: Offres, key: str, own: float, partner: float) -> None:
    """Presence of each key, per origin, within a few percent of the recorded rates."""
    assert share(offres, key, "1") == pytest.approx(own, abs=0.05)
    assert share(offres, key, "2") == pytest.approx(partner, abs=0.04)


def test_no_value_is_null(still: World) -> None:
    """The service leaves keys out; it never sends null."""
    assert not any(b":null" in text for text in still.render(range(still.columns.size)))


def test_offers_weigh_what_recorded_ones_do(still: World) -> None:
    """Compact JSON: about 4.2 kB for an own offer and 3.2 kB for a partner's; descriptions end at 5,000 characters."""
    sizes: dict[bool, list[int]] = {True: [], False: []}
    for text in still.render(range(still.columns.size)):
        offre = json.loads(text)
        sizes[offre["origineOffre"]["origine"] == "1"].append(len(text))
        assert len(offre["description"]) <= 5000
    assert np.mean(sizes[True]) == pytest.approx(4200, rel=0.1)
    assert np.mean(sizes[False]) == pytest.approx(3200, rel=0.1)


def test_milliseconds_on_own_offers_only(offres: Offres) -> None:
    """Partners' dates are whole seconds; nearly all own ones are not."""
    whole = Counter((o["origineOffre"]["origine"], o["dateCreation"].endswith(".000Z")) for o in offres)
    assert whole[("2", False)] == 0
    assert whole[("1", True)] < 0.05 * whole[("1", False)]


def test_dates_have_one_format_and_updates_follow_creation(offres: Offres) -> None:
    """Dates read yyyy-MM-ddTHH:mm:ss.SSSZ; an offer is not updated before it is created."""
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    for offre in offres:
        assert pattern.fullmatch(offre["dateCreation"])
        assert offre.get("dateActualisation", "9") >= offre["dateCreation"]


def test_places_without_commune_and_without_departement() -> None:
    """About 5 % have no commune and 2 % no usable département; the latter say France or name a country."""
    world = World(WorldSettings(offres=20_000, drift=Drift.none()))
    columns = world.columns
    size = columns.size
    assert np.mean(columns.commune[:size] < 0) == pytest.approx(0.05, abs=0.012)
    assert np.mean(columns.departement[:size] == 0) == pytest.approx(0.02, abs=0.006)
    nowhere = np.flatnonzero(columns.departement[:size] == 0)[:60]
    places = [json.loads(text)["lieuTravail"] for text in world.render(nowhere.tolist())]
    assert {"libelle": "France"} in places
    assert any(place["libelle"] not in ("France",) and set(place) == {"libelle"} for place in places)
    only_departement = np.flatnonzero((columns.departement[:size] > 0) & (columns.commune[:size] < 0))
    places = [json.loads(text)["lieuTravail"] for text in world.render(only_departement.tolist())]
    assert any(set(place) == {"libelle"} for place in places)
    assert any(set(place) == {"libelle", "latitude", "longitude"} for place in places)
    assert all(re.match(r"(\d\d|2[AB]|97\d) - ", place["libelle"]) for place in places)


def test_departement_labels_are_turned_round() -> None:
    """An offer of Haute-Savoie without commune reads "74 - Savoie (Haute)"."""
    from moisson_twin.places import departement_label

    assert departement_label("74", "Haute-Savoie") == "74 - Savoie (Haute)"
    assert departement_label("67", "Bas-Rhin") == "67 - Rhin (Bas)"
    assert departement_label("92", "Hauts-de-Seine") == "92 - Hauts-de-Seine"
    assert departement_label("13", "Bouches-du-Rhône") == "13 - Bouches-du-Rhône"


def test_national_frequencies() -> None:
    """Contracts, experience, qualification and nature follow the national aggregation, DDT included."""
    world = World(WorldSettings(offres=200_000, drift=Drift.none()))
    tally = world.counts.tally(0, world.columns.size)

    def expect(counts: Any, national: Any) -> None:
        total = sum(national)
        for count, reference in zip(counts, national, strict=True):
            assert count / 200_000 == pytest.approx(reference / total, abs=0.012)

    expect(tally.type, list(codes.TYPES.values()))
    expect(tally.experience, codes.EXPERIENCE)
    expect(tally.qualification, codes.QUALIFICATION)
    nature = dict(zip(codes.NATURE_CODES, tally.nature, strict=True))
    assert nature["E1"] / 200_000 == pytest.approx(550558 / 599723, abs=0.01)
    assert nature["E2"] / 200_000 == pytest.approx(22235 / 599723, abs=0.005)
    types = dict(zip(codes.TYPE_CODES, tally.type, strict=True))
    assert types["DDT"] > 0
    assert nature["NS"] == types["LIB"] + types["CCE"] + types["FRA"] + types["REP"]


def test_half_the_stock_is_older_than_a_month_and_none_than_two_years() -> None:
    """Ages of the living stock."""
    world = World(WorldSettings(offres=20_000, drift=Drift.none()))
    age_days = (world.start_ms - world.columns.creation_ms[:20_000]) / 86_400_000
    assert 0.40 < np.mean(age_days > 31) < 0.60
    assert 365 < age_days.max() < 745
    assert age_days.min() >= 0


def test_days_and_hours_have_a_rhythm() -> None:
    """Own offers are created in office hours of Paris, hardly ever on Sundays."""
    world = World(WorldSettings(offres=30_000, drift=Drift.none()))
    columns = world.columns
    own = [row for row in range(columns.size) if PROFIL_PARTS[columns.profil[row]].bloc < 2]
    moments = [datetime.fromtimestamp(columns.creation_ms[row] / 1000, UTC) for row in own]
    days = Counter(moment.weekday() for moment in moments)
    hours = Counter(moment.hour for moment in moments)
    assert days[6] < 0.2 * days[1]
    assert hours[8] > 5 * hours[1]  # 8 h UTC is 9 or 10 h in Paris


def test_partners_load_in_bursts() -> None:
    """Some seconds hold many offers of partners, as one night's batch does."""
    world = World(WorldSettings(offres=200_000, drift=Drift.none()))
    seconds = Counter((world.columns.creation_ms[: world.columns.size] // 1000).tolist())
    assert 100 < max(seconds.values()) < 400


@pytest.mark.parametrize("separable", [True, False])
def test_a_crowded_second_holds_what_was_asked(separable: bool) -> None:
    """A crowd lies on one second; alike, all its offers differ by id and number alone."""
    world = World(WorldSettings(offres=500, drift=Drift.none(), crowded=(Crowd(4000, separable),)))
    columns = world.columns
    seconds = Counter((columns.creation_ms[: columns.size] // 1000).tolist())
    second, count = seconds.most_common(1)[0]
    assert count == 4000
    rows = np.flatnonzero(columns.creation_ms[: columns.size] // 1000 == second)
    assert len(set(world.ids(rows))) == 4000
    profils = len(set(columns.profil[rows].tolist()))
    assert profils > 50 if separable else profils == 1
    if not separable:
        assert len(set(columns.commune[rows].tolist())) == len(set(columns.rome[rows].tolist())) == 1


# --- drift ----------------------------------------------------------------------------------------------------------


def test_one_seed_one_world() -> None:
    """Same seed and time, same truth and texts; another seed, another world."""
    worlds = [World(WorldSettings(offres=300, seed=seed, drift=Drift(3, 3, 3, 1))) for seed in (5, 5, 6)]
    for world in worlds:
        world.advance_to(60)
    truths = [world.truth() for world in worlds]
    assert truths[0].ids == truths[1].ids
    assert truths[0].ids != truths[2].ids
    assert worlds[0].offre(truths[0].ids[0]) == worlds[1].offre(truths[0].ids[0])


def test_time_may_advance_in_any_steps() -> None:
    """A minute at once and sixty seconds one by one lead to the same world."""
    leap = World(WorldSettings(offres=300, drift=Drift(3, 3, 3, 1)))
    steps = World(WorldSettings(offres=300, drift=Drift(3, 3, 3, 1)))
    leap.advance_to(60)
    for second in range(1, 61):
        steps.advance_to(float(second))
    assert leap.truth().ids == steps.truth().ids
    assert leap.truth().creation_ms.tolist() == steps.truth().creation_ms.tolist()


def test_births_and_deaths_come_at_their_rates() -> None:
    """A thousand seconds at 2 births and 1 death a second."""
    world = World(WorldSettings(offres=5000, drift=Drift(2.0, 1.0, 0.0, 0.0)))
    world.advance_to(1000)
    born = len(world.ever()) - 5000
    dead = len(world.ever()) - world.total
    assert born == pytest.approx(2000, rel=0.2)
    assert dead == pytest.approx(1000, rel=0.15)


def test_rows_stay_in_order_of_creation() -> None:
    """Births and republications are dated now and append at the newest end, partners' on whole seconds."""
    world = World(WorldSettings(offres=1000, drift=Drift(5, 1, 1, 3)))
    world.advance_to(200)
    creation_ms = world.columns.creation_ms[: world.columns.size]
    assert np.all(np.diff(creation_ms) >= 0)
    for row in range(1000, world.columns.size):
        assert world.start_ms <= creation_ms[row] <= world.now_ms
        if PROFIL_PARTS[world.columns.profil[row]].bloc >= 2:
            assert creation_ms[row] % 1000 == 0


def test_newborn_offers_may_show_late() -> None:
    """With a lag, the newest seconds still fill: offers appear with a dateCreation of before."""
    lagging = World(WorldSettings(offres=200, drift=Drift(10, 0, 0, 0, lag_s=5)))
    prompt = World(WorldSettings(offres=200, drift=Drift(10, 0, 0, 0)))
    lagging.advance_to(60)
    prompt.advance_to(60)
    seen = set(lagging.truth().ids)
    assert seen < set(prompt.truth().ids)
    assert set(lagging.ever()) == seen
    lagging.advance_to(65)
    assert set(prompt.truth().ids) <= set(lagging.truth().ids)
    late = [id_ for id_ in prompt.truth().ids if id_ not in seen]
    assert lagging.alive_throughout(60, 65).isdisjoint(late)


def test_an_edit_keeps_the_creation_date() -> None:
    """Content and dateActualisation change, dateCreation and id do not."""
    world = World(WorldSettings(offres=50, drift=Drift.none()))
    id_ = world.truth().ids[10]
    before = world.offre(id_)
    world.advance_to(30)
    world.edit(id_)
    after = world.offre(id_)
    assert before is not None
    assert after is not None
    assert after["dateCreation"] == before["dateCreation"]
    assert after["description"] != before["description"]
    assert after["dateActualisation"] == "2026-10-15T09:30:30.000Z"


def test_a_republication_keeps_the_id_and_moves_to_now() -> None:
    """dateCreation becomes the present; the offer exists once."""
    world = World(WorldSettings(offres=50, drift=Drift.none()))
    id_ = world.truth().ids[10]
    world.advance_to(30)
    world.republish(id_)
    truth = world.truth()
    assert truth.ids[-1] == id_
    assert truth.ids.count(id_) == 1
    assert world.total == 50
    offre = world.offre(id_)
    assert offre is not None
    assert offre["dateCreation"] == "2026-10-15T09:30:30.000Z"


def test_an_offer_may_be_suspended_and_come_back_as_it_was() -> None:
    """Gone from searches and truth meanwhile; then there again, its dateCreation the same; only what was suspended."""
    world = World(WorldSettings(offres=50, drift=Drift.none()))
    before, ids, id_ = world.offre(world.truth().ids[10]), world.truth().ids, world.truth().ids[10]
    world.advance_to(30)
    world.suspend(id_)
    assert (world.offre(id_), world.total, set(world.truth().ids)) == (None, 49, set(ids) - {id_})
    world.advance_to(60)
    with pytest.raises(KeyError):
        world.restore(ids[11])
    world.restore(id_)
    assert (world.offre(id_), world.total, world.truth().ids) == (before, 50, ids)
    assert id_ not in world.alive_throughout(0, 60)
    assert id_ in world.alive_throughout(60, 90)
    world.withdraw(id_)
    with pytest.raises(KeyError):
        world.restore(id_)


def test_truth_over_a_span_of_time() -> None:
    """Alive throughout: born before, not dead until; ever: all, the dead and the newborn included."""
    world = World(WorldSettings(offres=20, drift=Drift.none()))
    first = world.truth().ids
    world.advance_to(10)
    (newborn,) = world.publish(1, own=True)
    world.advance_to(20)
    world.withdraw(first[3])
    world.republish(first[4])
    world.advance_to(30)
    assert world.alive_throughout(0, 30) == set(first) - {first[3]}
    assert world.alive_throughout(0, 15) == set(first)
    assert world.alive_throughout(10, 30) == set(first) - {first[3]} | {newborn}
    assert set(world.ever()) == set(first) | {newborn}
    assert world.find(first[3]) is None
    assert world.offre(first[3]) is None


def test_ids_lead_back_to_their_offers(still: World) -> None:
    """An id finds the row it was made from; ids of no offer find none."""
    rows = list(range(0, still.columns.size, 17))
    assert [still.find(id_) for id_ in still.ids(rows)] == rows
    assert still.find("not an id") is None
    assert sum(still.find(f"{number:07}") is not None for number in range(0, 10_000_000, 9973)) < 5
