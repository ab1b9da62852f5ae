"""Files of yours: numbers are numbers, and codes stay the texts that they are."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.engine import connect
from moisson.store.yours import named_as_code, source
from tests.store.filling import collect, make_offre, open_here


def types_of(path: Path) -> dict[str, str]:
    """The columns of a file as a query would see them, with their types; every value is read."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE t AS FROM {source(connection, path)}")
        return {row[0]: row[1] for row in connection.execute("DESCRIBE t").fetchall()}


def test_codes_stay_text_and_numbers_numbers(tmp_path: Path) -> None:
    """By a leading zero, by letters, by the name; whatever is none of these is what the engine finds."""
    path = tmp_path / "a.csv"
    path.write_text(
        "Code département;zone;tel;SIRET;effectif;part;jour\n"
        "74;01;0612345678;12345678901234;12;0.5;13/02/2026\n"
        "75;2A;0712345678;12345678901234;0;1e-3;01/03/2026\n"
    )
    assert types_of(path) == {
        "Code département": "VARCHAR", "zone": "VARCHAR", "tel": "VARCHAR", "SIRET": "VARCHAR",
        "effectif": "BIGINT", "part": "DOUBLE", "jour": "DATE",
    }  # fmt: skip


def test_the_whole_file_is_looked_at(tmp_path: Path) -> None:
    """A `2A`, a leading zero and a decimal far below the beginning, where the engine alone does not look."""
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\tc\n" + "10\t20\t30\n" * 50_000 + "2A\t07\t0.5\n")
    assert types_of(path) == {"a": "VARCHAR", "b": "VARCHAR", "c": "DOUBLE"}


def test_a_file_of_codes_meets_the_offers(tmp_path: Path) -> None:
    """01004 of a file is 01004 of the store, without a word about types."""
    collect(tmp_path / "store", [make_offre(1, lieuTravail={"libelle": "01 - AMBERIEU", "commune": "01004"})])
    (tmp_path / "z.csv").write_text('com,"a ""name",pop\n01004,x,15000\n74225,y,1\n')
    with connect(open_here(tmp_path / "store"), with_files={"z": tmp_path / "z.csv"}) as engine:
        found = engine.query('SELECT com, "a ""name" AS n, pop FROM offres_placees JOIN z ON com = commune')
    assert found.to_pylist() == [{"com": "01004", "n": "x", "pop": 15000}]


@pytest.mark.parametrize("name", ["code", "Code INSEE", "codeCommune", "rome_code", "Région", "DEP", "siret", "epci"])
def test_names_of_codes(name: str) -> None:
    """As the files of Insee and of the API call them."""
    assert named_as_code(name)


@pytest.mark.parametrize("name", ["population", "nb_communes", "id", "decodage", "regional", "", "2026"])
def test_names_of_other_things(name: str) -> None:
    """What only holds such a word is no code."""
    assert not named_as_code(name)


@given(codes=st.lists(st.from_regex(r"[0-9]{1,14}", fullmatch=True), min_size=1, max_size=20))
def test_no_code_is_lost(codes: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Under the name of a code every value comes back as it was written; elsewhere wherever one begins with a zero."""
    path = tmp_path_factory.mktemp("codes") / "a.csv"
    with path.open("w", newline="") as out:
        csv.writer(out).writerows([["code", "valeur", "fin"], *([code, code, "x"] for code in codes)])
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(f"SELECT code, valeur::VARCHAR FROM {source(connection, path)}").fetchall()
    assert [code for code, _ in rows] == codes
    assert [valeur for _, valeur in rows] == codes
