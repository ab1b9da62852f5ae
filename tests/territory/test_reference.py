"""The shipped geography: whole, consistent, small, and what its manifest says."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moisson.territory import reference
from tools.territoires.changes import changes
from tools.territoires.contours import arcs_of, match, plain, rings_of, segments
from tools.territoires.tables import make_lookups, make_tables

MIB = 1 << 20


def table(nom: str) -> pa.Table:
    """A table as it is shipped."""
    return pq.read_table(reference.files()[nom])


def rows(nom: str) -> list[dict[str, Any]]:
    """Its rows."""
    return table(nom).to_pylist()


def test_the_manifest_tells_the_files() -> None:
    """Every file with its checksum, and no other; under 3 MB in all."""
    manifest = reference.read_manifest()
    there = {path.name: path for path in reference.DATA.iterdir() if path != reference.MANIFEST}
    assert {nom: hashlib.sha256(path.read_bytes()).hexdigest() for nom, path in there.items()} == manifest.sha256
    assert sorted(nom for source in manifest.sources for nom in source.fichiers) == sorted(there)
    assert {nom: table(nom).num_rows for nom in reference.TABLES} == manifest.lignes
    assert sum(path.stat().st_size for path in there.values()) < 3 * MIB


def test_every_file_says_where_it_comes_from() -> None:
    """Source, licence and vintage are in the file itself; every column has its meaning."""
    for path in (*reference.files().values(), *reference.lookup_files().values()):
        schema = pq.read_schema(path)
        assert b"(MIT); data: " in schema.metadata[b"source"]
        assert all(b"meaning" in field.metadata for field in schema)
    assert "Natural Earth" in json.loads(reference.CONTOURS.read_bytes())["source"]


def test_populations_add_up() -> None:
    """To the published total over its territory, and from each level to the next; Mayotte's year is told."""
    total = reference.read_manifest().total
    of = {"metro": 0, "drom": 0, "com": 0}
    for commune in rows("communes"):
        of[commune["zone"]] += commune["population"] or 0
    mayotte = next(row["population"] for row in rows("departements") if row["code"] == "976")
    assert of["metro"] + of["drom"] - mayotte == total.tables == 68_094_280
    assert round(total.tables, -3) == total.publie == 68_094_000
    assert {row["population_annee"] for row in rows("communes") if row["departement"] == "976"} == {2017}
    for nom in ("departements", "regions"):
        assert sum(row["population"] for row in rows(nom)) == sum(of.values())
        assert sum(row["communes"] for row in rows(nom)) == table("communes").num_rows
    outside = sum(row["population"] or 0 for row in rows("communes") if row["epci"] is None)
    assert sum(row["population"] for row in rows("epci")) == sum(of.values()) - outside


def test_arrondissements_are_never_counted_twice() -> None:
    """They are no rows of `communes`, and add up to the three that they are parts of."""
    communes = {row["code"]: row for row in rows("communes")}
    parts: dict[str, int] = {}
    for row in rows("arrondissements_municipaux"):
        assert row["code"] not in communes
        parts[row["commune"]] = parts.get(row["commune"], 0) + row["population"]
    assert {code: communes[code]["population"] for code in ("13055", "69123", "75056")} == parts


def test_known_figures() -> None:
    """A few that anyone can look up: Insee, populations of reference 2023; numbers of territories on 1 January 2026."""
    communes = {row["code"]: row for row in rows("communes")}
    assert (communes["75056"]["nom"], communes["75056"]["population"]) == ("Paris", 2_103_778)
    assert communes["69123"]["population"] == 519_127
    assert communes["13055"]["population"] == 886_040
    assert sum(row["zone"] != "com" for row in rows("departements")) == 101
    assert sum(row["zone"] != "com" for row in rows("regions")) == 18
    assert sum(row["zone"] != "com" for row in rows("communes")) == 34_875
    assert sum(row["type"] in {"METRO", "MET69"} for row in rows("epci")) == 22


def test_lookups_are_of_these_tables() -> None:
    """Nobody forgot to make them again."""
    made = make_lookups({nom: table(nom) for nom in reference.TABLES})
    for nom, path in reference.lookup_files().items():
        if nom != "contours":
            assert made[nom].equals(pq.read_table(path)), nom


def area(topology: dict[str, Any], geometry: dict[str, Any]) -> float:
    """Square degrees inside a border, by the sum of its rings' signed areas."""
    arcs = arcs_of(topology)
    doubled = 0.0
    for ring in rings_of(geometry):
        points = [p for n in ring for p in (arcs[n] if n >= 0 else arcs[~n][::-1])[:-1]]
        doubled += sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True))
    return abs(doubled) / 2


def test_regions_are_their_departements() -> None:
    """Dissolving lost and added nothing: 101 and 18 borders, and the same area."""
    topology = json.loads(reference.CONTOURS.read_bytes())
    departements, regions = (topology["objects"][nom]["geometries"] for nom in ("departements", "regions"))
    assert sorted(g["id"] for g in departements) == sorted(
        r["code"] for r in rows("departements") if r["zone"] != "com"
    )
    assert sorted(g["id"] for g in regions) == sorted(r["code"] for r in rows("regions") if r["zone"] != "com")
    for region in regions:
        members = [g for g in departements if g["properties"]["region"] == region["id"]]
        assert area(topology, region) == pytest.approx(sum(area(topology, g) for g in members), rel=1e-9)
    assert segments(topology).equals(pq.read_table(reference.lookup_files()["contours"]))


def test_a_border_without_a_code_stops_the_recipe() -> None:
    """As a code without a border: nothing is matched by luck."""
    departements = table("departements")
    names = [row["nom"] for row in departements.to_pylist() if row["zone"] != "com"]

    def topology(*noms: str) -> dict[str, Any]:
        return {"objects": {"units": {"geometries": [
            {"type": "Polygon", "arcs": [[0]], "properties": {"name": nom}} for nom in noms
        ]}}}  # fmt: skip

    mended = ["Seien-et-Marne" if nom == "Seine-et-Marne" else nom for nom in names]
    assert len(match(topology(*mended), departements)["objects"]["departements"]["geometries"]) == 101
    with pytest.raises(ValueError, match="no border for Ain"):
        match(topology(*names[1:]), departements)
    with pytest.raises(ValueError, match="Ain is the name of no département, or is there twice"):
        match(topology(*names, "Ain"), departements)
    assert plain("Val-d'Oise") == plain("VAL D OISE")


LISTS: dict[str, list[dict[str, Any]]] = {
    "regions": [{"code": "84", "nom": "Auvergne-Rhône-Alpes", "chefLieu": "69123", "zone": "metro"}],
    "departements": [
        {"code": "69", "nom": "Rhône", "region": "84", "chefLieu": "69123", "zone": "metro"},
        {"code": "01", "nom": "Ain", "region": "84", "chefLieu": "01053", "zone": "metro"},
    ],
    "epci": [{"code": "2", "nom": "Métropole", "type": "MET69", "membres": [{"code": "69123"}]}],
    "communes": [
        {"code": "69123", "nom": "Lyon", "type": "commune-actuelle", "zone": "metro", "departement": "69",
         "region": "84", "population": 30, "codesPostaux": ["69002", "69001"], "anciensCodes": ["69232"]},
        {"code": "01053", "nom": "Bourg", "type": "commune-actuelle", "zone": "metro", "departement": "01",
         "region": "84", "population": 5},
        {"code": "69381", "nom": "Lyon 1er Arrondissement", "type": "arrondissement-municipal", "commune": "69123",
         "zone": "metro", "departement": "69", "region": "84", "population": 30},
        {"code": "69232", "nom": "Saint-Rambert", "type": "commune-associee", "chefLieu": "69123"},
        {"code": "69123", "nom": "Lyon", "type": "commune-associee", "chefLieu": "69123"},
    ],
}  # fmt: skip


def changed(liste: str, rank: int, **values: Any) -> dict[str, list[dict[str, Any]]]:
    """LISTS with one row that is not the same."""
    after = [dict(row) for row in LISTS[liste]]
    after[rank] |= values
    return {**LISTS, liste: after}


def test_tables_of_a_small_country() -> None:
    """Sums, former codes, the year of each population."""
    made = {nom: data.to_pylist() for nom, data in make_tables(LISTS, 2023, {"01": 0}).items()}
    assert [(r["code"], r["population"], r["communes"]) for r in made["departements"]] == [("01", 5, 1), ("69", 30, 1)]
    assert [(r["population"], r["departements"]) for r in made["epci"]] == [(30, ["69"])]
    assert made["communes_anciennes"] == [
        {"code": "69232", "nom": "Saint-Rambert", "commune": "69123", "statut": "associee"}
    ]
    assert [(r["population_annee"], r["codes_postaux"]) for r in made["communes"]] == [
        (None, []),
        (2023, ["69001", "69002"]),
    ]


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (changed("communes", 2, population=29), "do not add up"),
        (changed("communes", 2, commune="69999"), "arrondissements name codes"),
        (changed("communes", 1, code="69123"), "a code is twice in communes"),
        (changed("communes", 1, departement="02"), "communes name codes"),
        (changed("communes", 0, anciensCodes=["01053"]), "codes of present and of former communes"),
        (changed("communes", 0, type="commune-nouvelle"), "of an unknown type"),
        (changed("departements", 0, region="99"), "départements name codes"),
        (changed("epci", 0, membres=[{"code": "38001"}]), "that are no communes"),
    ],
)
def test_lists_that_contradict_each_other_stop_the_recipe(lists: dict[str, Any], said: str) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match=said):
        make_tables(lists, 2023, {})


def test_a_new_vintage_says_what_changed() -> None:
    """Added, removed, renamed, moved, populations; nothing when it is the same."""
    before = make_tables(LISTS, 2023, {})
    assert changes(before, before) == []
    assert changes({}, before)[0] == "communes: new, 2 rows"
    after = make_tables(changed("communes", 1, nom="Bourg-en-Bresse", population=6), 2024, {})
    assert changes(before, after)[:3] == [
        "communes: 1 renamed: 01053 Bourg -> Bourg-en-Bresse",
        "communes: population of 1 changed; in all 35, now 36 (+1)",
        "communes: 2 population_annee changed: 01053 2023 -> 2024, 69123 2023 -> 2024",
    ]
    moved = make_tables(
        {**LISTS, "communes": [*LISTS["communes"], {**LISTS["communes"][1], "code": "01001"}]}, 2023, {}
    )
    assert changes(before, moved)[0] == "communes: 1 added: 01001 Bourg"
    assert changes(moved, before)[0] == "communes: 1 removed: 01001 Bourg"
