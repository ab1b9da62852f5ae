"""Placing whole worlds: the double's against its truth, and real offers against what is known of them."""

from __future__ import annotations

import json
from pathlib import Path

from moisson.store.engine import connect
from moisson_twin import World, WorldSettings
from moisson_twin.places import geography
from tests.store.filling import collect, open_here, sample_offres

OFFRES = 20_000


def test_the_double_is_placed_as_it_is(tmp_path: Path) -> None:
    """Every offer where the double drew it, none elsewhere; what is not placed has no French place in truth."""
    world = World(WorldSettings(offres=OFFRES, seed=7))
    geo, columns = geography(), world.columns
    truth = {}
    for row, id_ in enumerate(world.ids(range(columns.size))):
        commune, number = int(columns.commune[row]), int(columns.departement[row])
        departement = geo.departements[number - 1] if number else None
        # Who says "75 - Paris" says the commune too: the département has no other.
        whole = "75056" if departement == "75" else None
        truth[id_] = (geo.communes[commune].code if commune >= 0 else whole, departement)
    collect(tmp_path, map(json.loads, world.render(range(columns.size))), page=150, rows_max=OFFRES)
    with connect(open_here(tmp_path)) as engine:
        found = engine.query(
            "SELECT id, coalesce(arrondissement, commune) AS c, departement AS d, place_par AS p FROM offres_placees"
        ).to_pylist()
    assert {row["id"]: (row["c"], row["d"]) for row in found} == truth
    assert len(found) == columns.size
    share = sum(row["p"] == "non_place" for row in found) / len(found)
    nowhere = sum(departement is None for _, departement in truth.values()) / len(truth)
    assert share == nowhere
    assert 0.01 < share < 0.03, "2.9 % of the two thirds that come from partners"
    assert {row["p"] for row in found} == {"code", "libelle", "non_place"}


def test_real_offers_are_placed(tmp_path: Path) -> None:
    """All of a sample of one département are in it, although their communes were taken out before they were kept."""
    offres = [json.loads(line) for line in sample_offres()]
    collect(tmp_path, offres, page=150)
    with connect(open_here(tmp_path)) as engine:
        found = engine.query("SELECT departement AS d, region AS r, count(*) AS n FROM offres_placees GROUP BY ALL")
        assert found.to_pylist() == [{"d": "01", "r": "84", "n": len(offres)}]
