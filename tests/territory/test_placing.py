"""Placing: the hard cases, told one by one, and what must hold for any offer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from moisson.store.schema import OFFRES
from moisson.territory import reference
from moisson.territory.placing import MACRO, PLACED, placing_sql

LIEU = pa.schema([OFFRES.field("lieu_travail")])
Placing = Any


@pytest.fixture(scope="module")
def place() -> Iterator[Placing]:
    """Places what `lieuTravail` says: lists of the values of PLACED and place_par, in order."""
    with duckdb.connect() as connection:
        for table, path in reference.files().items():
            connection.read_parquet(str(path)).create_view(table)
        connection.execute("CREATE SCHEMA lieux")
        for table, path in reference.lookup_files().items():
            connection.execute(f"CREATE VIEW lieux.{table} AS FROM read_parquet('{path}')")
        connection.execute(MACRO)

        def placed(*lieux: dict[str, Any] | None) -> list[tuple[Any, ...]]:
            rows = pa.Table.from_pylist([{"lieu_travail": lieu} for lieu in lieux], schema=LIEU)
            ranks = pa.array(range(len(lieux)), pa.int64())
            connection.register("donnees", rows.append_column("rang", ranks))
            wanted = f"SELECT {', '.join(PLACED)}, place_par FROM ({placing_sql('donnees')}) ORDER BY rang"
            return connection.sql(wanted).fetchall()

        yield placed


def rows_of(table: str) -> list[dict[str, Any]]:
    """A table of the geography."""
    return duckdb.read_parquet(str(reference.files()[table])).to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def parents() -> dict[str, dict[str, Any]]:
    """The tables of the geography, rows by code."""
    return {table: {row["code"]: row for row in rows_of(table)} for table in reference.TABLES}


def lieu(
    libelle: str | None = None,
    commune: str | None = None,
    code_postal: str | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
) -> dict[str, Any]:
    """What an offer says of its place."""
    return {
        "libelle": libelle,
        "latitude": latitude,
        "longitude": longitude,
        "code_postal": code_postal,
        "commune": commune,
    }


METROPOLE_PARIS, AIX_MARSEILLE, LYON, ANNECY = "200054781", "200054807", "200046977", "200066793"

CASES = {
    "a commune": (lieu("74 - Rumilly", "74225"), ("74225", None, "247400740", "74", "84", "code")),
    "Corsica": (lieu("2A - AJACCIO", "2A004"), ("2A004", None, "242010056", "2A", "94", "code")),
    "Corsica, by its label": (lieu("2B - BASTIA"), ("2B033", None, "242000354", "2B", "94", "libelle")),
    "overseas": (lieu("974 - ST DENIS", "97411"), ("97411", None, "249740119", "974", "04", "code")),
    "overseas, by its label": (lieu("974 - ST DENIS"), ("97411", None, "249740119", "974", "04", "libelle")),
    "its homonym in another département": (
        lieu("93 - ST DENIS"), ("93066", None, METROPOLE_PARIS, "93", "11", "libelle"),
    ),
    "overseas, no département": (lieu("978 - ST MARTIN", "97801"), ("97801", None, None, "978", "978", "code")),
    "an arrondissement": (lieu("75 - PARIS 08", "75108"), ("75056", "75108", METROPOLE_PARIS, "75", "11", "code")),
    "the whole": (lieu("75 - Paris", "75056"), ("75056", None, METROPOLE_PARIS, "75", "11", "code")),
    "an arrondissement, by its label": (
        lieu("75 - PARIS 08"), ("75056", "75108", METROPOLE_PARIS, "75", "11", "libelle"),
    ),
    "an arrondissement, spelt out": (
        lieu("69 - Lyon 3e Arrondissement"), ("69123", "69383", LYON, "69", "84", "libelle"),
    ),
    "an arrondissement, the first": (
        lieu("13 - Marseille 1er Arrondissement", "13201"), ("13055", "13201", AIX_MARSEILLE, "13", "93", "code"),
    ),
    "a merged commune": (lieu("74 - SEYNOD", "74268"), ("74010", None, ANNECY, "74", "84", "code")),
    "a merged commune, by its label": (lieu("74 - Seynod"), ("74010", None, ANNECY, "74", "84", "libelle")),
    "a commune that changed its département": (
        lieu("93 - ST DENIS", "75066"), ("93066", None, METROPOLE_PARIS, "93", "11", "code"),
    ),
    "a département": (lieu("74 - Savoie (Haute)"), (None, None, None, "74", "84", "libelle")),
    "a département, its other name": (lieu("74 - Haute-Savoie"), (None, None, None, "74", "84", "libelle")),
    "a département and coordinates": (
        lieu("74 - Savoie (Haute)", latitude=45.9, longitude=6.1), (None, None, None, "74", "84", "libelle"),
    ),
    "a département that has the name of one of its towns": (
        lieu("53 - Mayenne"), (None, None, None, "53", "52", "libelle"),
    ),
    "that town": (lieu("53 - MAYENNE", "53147"), ("53147", None, "200055887", "53", "52", "code")),
    "the country": (lieu("France"), (None, None, None, None, None, "non_place")),
    "the country and coordinates": (
        lieu("France", latitude=44.84, longitude=-0.58), (None, None, None, "33", "75", "coordonnees"),
    ),
    "coordinates alone, overseas": (
        lieu(latitude=-21.1, longitude=55.5), (None, None, None, "974", "04", "coordonnees"),
    ),
    "abroad": (lieu("Luxembourg"), (None, None, None, None, None, "non_place")),
    "next door, where borders are coarse": (
        lieu("Suisse", latitude=46.15, longitude=6.1), (None, None, None, None, None, "non_place"),
    ),
    "at sea": (lieu("France", latitude=0.0, longitude=0.0), (None, None, None, None, None, "non_place")),
    "latitude and longitude swapped": (
        lieu("France", latitude=2.35, longitude=48.85), (None, None, None, None, None, "non_place"),
    ),
    "coordinates that are no numbers": (
        lieu("France", latitude=float("nan"), longitude=2.35), (None, None, None, None, None, "non_place"),
    ),
    "coordinates in another département than the code": (
        lieu("74 - Rumilly", "74225", latitude=48.85, longitude=2.35), ("74225", None, "247400740", "74", "84", "code"),
    ),
    "a postcode in place of a code": (
        lieu("13 - MARSEILLE 01", "13001", "13001"), ("13055", "13201", AIX_MARSEILLE, "13", "93", "code_postal"),
    ),
    "the same five digits as a code": (
        lieu("13 - AIX EN PROVENCE", "13001", "13090"), ("13001", None, AIX_MARSEILLE, "13", "93", "code"),
    ),
    "a postcode that is no code": (
        lieu("75 - PARIS 08", "75008"), ("75056", "75108", METROPOLE_PARIS, "75", "11", "code_postal"),
    ),
    "a postcode that is the code of another département": (
        lieu("38 - VIENNE", "38200", "38200"), ("38544", None, "200077014", "38", "84", "code_postal"),
    ),
    "a code against a label that names a commune": (
        lieu("69 - BRON", "01004"), ("69029", None, LYON, "69", "84", "libelle"),
    ),
    "a code against a label and a postcode": (
        lieu("69 - Quelque part", "01004", "69500"), (None, None, None, "69", "84", "libelle"),
    ),
    "a code against a label alone that names nothing": (
        lieu("69 - Quelque part", "01004"), ("01004", None, "240100883", "01", "84", "code"),
    ),
    "an unknown code": (lieu("01 - [commune retirée]", "01999"), (None, None, None, "01", "84", "libelle")),
    "an unknown code without label": (lieu(None, "97199"), (None, None, None, "971", "01", "code")),
    "a postcode alone, of one commune": (lieu(None, None, "74150"), (None, None, None, "74", "84", "code_postal")),
    "a code that is no code": (lieu(None, "abc"), (None, None, None, None, None, "non_place")),
    "nothing": (None, (None, None, None, None, None, "non_place")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_hard_cases(place: Placing, case: str) -> None:
    """Commune, arrondissement, EPCI, département, région, and how."""
    given_, expected = CASES[case]
    assert place(given_) == [expected]


def test_every_code_is_found(place: Placing) -> None:
    """Each commune and arrondissement is placed by its code under its own name, in any company."""
    for table, column in (("communes", "code"), ("arrondissements_municipaux", "commune")):
        rows = rows_of(table)
        found = place(
            *(
                lieu(
                    f"{r['departement']} - {r['nom']}", r["code"], r["codes_postaux"][0] if r["codes_postaux"] else None
                )
                for r in rows
            )
        )
        assert [f[0] for f in found] == [r[column] for r in rows]
        assert {f[-1] for f in found} == {"code"}


def test_every_name_is_found(place: Placing) -> None:
    """Each commune is placed by its label alone, as the API's code list spells it; homonyms stay apart.

    Save the few whose département has the same name.
    """
    rows = rows_of("communes")
    labels = [
        lieu(re.sub(r"\bSAINT(E?)\b", r"ST\1", f"{r['departement']} - {r['nom'].upper().replace('-', ' ')}"))
        for r in rows
    ]
    found = place(*labels)
    missed = {r["nom"] for r, f in zip(rows, found, strict=True) if f[0] != r["code"]}
    assert missed == {"Corrèze", "Doubs", "Mayenne"}
    assert {f[3] for r, f in zip(rows, found, strict=True) if r["nom"] in missed} == {"19", "25", "53"}


# Where the chief towns of départements lie, in hundredths of a degree; from a list that has nothing to do with borders.
def chief_towns() -> dict[str, tuple[float, float]]:
    """Latitude and longitude by département."""
    from moisson_twin.places import _CHIEF_TOWNS

    found = re.findall(r"(\d{2,3}|2[AB]) (-?\d+) (-?\d+)", _CHIEF_TOWNS)
    return {code: (int(latitude) / 100, int(longitude) / 100) for code, latitude, longitude in found}


def test_towns_lie_in_their_departement(place: Placing) -> None:
    """Each chief town is inside its own département's border, save five on coasts that are drawn coarsely."""
    towns = chief_towns()
    assert len(towns) == 101
    found = dict(zip(towns, place(*(lieu("France", None, None, *where) for where in towns.values())), strict=True))
    wrong = {code: f[3] for code, f in found.items() if f[3] != code}
    assert wrong == dict.fromkeys(("2A", "2B", "83", "971", "976")), "outside any, never inside another"


codes = st.one_of(
    st.sampled_from(["75108", "75056", "13001", "97411", "2A004", "74268", "99999", "", "75008"]), st.text(max_size=6)
)
labels = st.one_of(
    st.sampled_from(
        ["75 - PARIS 08", "74 - Savoie (Haute)", "France", "2A - AJACCIO", "13 - MARSEILLE 01", "Suisse", " - "]
    ),
    st.text(max_size=20),
)
degrees = st.one_of(st.floats(-180, 180), st.floats(), st.sampled_from([0.0, 45.9, 6.1]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            lieu, st.none() | labels, st.none() | codes, st.none() | codes, st.none() | degrees, st.none() | degrees
        ),
        max_size=20,
    )
)
@example([])
def test_any_place_is_one_row_and_consistent(
    place: Placing, parents: dict[str, dict[str, Any]], lieux: list[dict[str, Any]]
) -> None:
    """Whatever the API says: no row is lost or doubled, and each level agrees with the one above it."""
    found = place(*lieux)
    assert len(found) == len(lieux)
    for commune, arrondissement, epci, departement, region, par in found:
        assert (par == "non_place") == (departement is None)
        if departement is not None:
            assert parents["departements"][departement]["region"] == region
        if commune is not None:
            assert (parents["communes"][commune]["departement"], parents["communes"][commune]["epci"]) == (
                departement,
                epci,
            )
        if arrondissement is not None:
            assert parents["arrondissements_municipaux"][arrondissement]["commune"] == commune
