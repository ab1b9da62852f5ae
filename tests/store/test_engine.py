"""SQL over the store: right, quick, and with nothing else within reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from moisson.errors import StoreCorrupt, UsageError
from moisson.store.engine import connect, query, table_files
from tests.store.filling import NOW_S, collect, make_offre, open_here, tree

PLACES = [("74225", "74 - Rumilly"), ("75108", "75 - PARIS 08"), (None, "France")]


def filled(folder: Path) -> Path:
    """A store of 30 offers in three kinds of places."""
    offres = []
    for n in range(30):
        commune, libelle = PLACES[n % 3]
        lieu = {"libelle": libelle} | ({"commune": commune} if commune else {})
        offres.append(make_offre(n, lieuTravail=lieu, nombrePostes=n, nouveau={"a": n}))
    collect(folder, offres)
    return folder


def test_tables_are_there(tmp_path: Path) -> None:
    """By name, nested fields by a dot, unknown keys by their path."""
    store = open_here(filled(tmp_path))
    found = query(store, "SELECT departement, count(*) AS n FROM offres GROUP BY ALL ORDER BY 1 NULLS LAST")
    assert found.to_pylist() == [{"departement": d, "n": 10} for d in ("74", "75", None)]
    found = query(
        store, "SELECT lieu_travail.libelle AS l, autres->>'$.nouveau.a' AS x FROM offres WHERE id = '0000004'"
    )
    assert found.to_pylist() == [{"l": "75 - PARIS 08", "x": "4"}]
    assert query(store, "SELECT verdict, offres FROM collectes").to_pylist() == [{"verdict": "prouvee", "offres": 30}]
    assert query(store, "FROM fenetres SELECT preuve").to_pylist() == [{"preuve": "compte"}]


def test_an_empty_store_has_its_tables(tmp_path: Path) -> None:
    """So that a dashboard made before the first run works."""
    assert query(open_here(tmp_path), "SELECT count(*) AS n FROM offres, collectes").to_pylist() == [{"n": 0}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM '{outside}'",
        "SELECT * FROM read_parquet('{store}/generations/000001/offres/nothing.parquet')",
        "SELECT * FROM read_text('{store}/store.json')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM 'https://example.org/a.parquet'",
        "SELECT * FROM local_variable",
        "COPY offres TO '{outside}.copy'",
        "COPY (SELECT 1) TO '{data}' (FORMAT parquet, USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}' (FORMAT parquet, USE_TMP_FILE false)",
        "EXPORT DATABASE '{outside}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '{outside}.duckdb' AS other",
        "ATTACH '{data}' AS other",
        "SET lock_configuration = false",
        "SET enable_external_access = true",
        "RESET allowed_paths",
        "PRAGMA enable_profiling",
        "CREATE TABLE t AS SELECT 1",
        "CREATE OR REPLACE VIEW offres AS SELECT 1",
        "DROP VIEW offres",
        "INSERT INTO offres SELECT * FROM offres",
        "SELECT 1; SELECT 2",
        "SELECT getenv('HOME')",
        "SELECT * FROM read_text(['/etc/passwd'])",
        "SELECT * FROM read_text(chr(47) || 'etc/passwd')",
        "SELECT * FROM read_text('file:///etc/passwd')",
        "SELECT * FROM read_csv('/dev/stdin')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('{outside}')",
        "SELECT * FROM glob('{store}/*')",
        "SELECT * FROM read_parquet('{store}/generations/*/offres/*.parquet')",
        "SELECT * FROM '{data}/../../../../store.json'",
        "SELECT * FROM read_csv((SELECT '{outside}'))",
        "SELECT * FROM range(1) t, LATERAL (SELECT * FROM read_text('/etc/passwd'))",
        "SELECT * FROM query('COPY (SELECT 1) TO ''{outside}.copy''')",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM query_table('{outside}')",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/passwd'')'))",
        "WITH x AS (INSERT INTO offres SELECT * FROM offres RETURNING *) SELECT * FROM x",
        "/* SELECT */ COPY (SELECT 1) TO '{outside}.copy'",
        "PREPARE p AS COPY (SELECT 1) TO '{outside}.copy'",
        "FROM (COPY (SELECT 1) TO '{outside}.copy')",
        "COPY offres FROM '{outside}'",
        "IMPORT DATABASE '{outside}'",
        "SELECT * FROM 's3://bucket/a.parquet'",
        "SELECT * FROM read_json('http://127.0.0.1:1/a.json')",
        "SELECT * FROM iceberg_scan('{outside}')",
        "SELECT * FROM sqlite_scan('{outside}', 't')",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT * FROM arrow_scan(1::POINTER, 2::POINTER, 3::POINTER)",
        "CALL enable_logging()",
        "CREATE SECRET s (TYPE s3)",
        "CREATE MACRO m() AS 1",
        "CREATE TEMP TABLE t AS SELECT 1",
        "ATTACH ':memory:' AS other",
        "ALTER VIEW offres RENAME TO x",
        "USE temp",
        "VACUUM",
        "CHECKPOINT",
        "SET VARIABLE a = 1",
        "SET threads = 1",
        "PRAGMA database_list",
        "LOAD '{outside}.duckdb_extension'",
        "BEGIN TRANSACTION",
        "",
    ],
)
def test_nothing_else_is_within_reach(tmp_path: Path, sql: str) -> None:
    """No other file, no network, no extension, no setting, no writing; and the store is as it was."""
    folder = filled(tmp_path / "store")
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    data = open_here(folder).generation().files("offres")[0]  # type: ignore[union-attr]
    before = tree(tmp_path)
    local_variable = query(open_here(folder), "SELECT 1 AS one")
    with connect(open_here(folder)) as engine:
        with pytest.raises(UsageError):
            engine.query(sql.format(outside=outside, data=data, store=folder))
        assert engine.query("SELECT count(*) AS n FROM offres").to_pylist() == [{"n": 30}]
    assert tree(tmp_path) == before
    assert local_variable.num_rows == 1


def test_a_link_joins_what_it_leads_to_and_no_more(tmp_path: Path) -> None:
    """A file of yours may be a link to another of a kind that can be joined; its folder stays out of reach."""
    folder = filled(tmp_path / "store")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "zones.csv").write_text("zone\n1\n")
    (tmp_path / "far" / "secret.csv").write_text("a\n1\n")
    (tmp_path / "zones.csv").symlink_to(tmp_path / "far" / "zones.csv")
    (tmp_path / "words.csv").symlink_to("/etc/passwd")
    with connect(open_here(folder), with_files={"zones": tmp_path / "zones.csv"}) as engine:
        assert engine.query("FROM zones").to_pylist() == [{"zone": 1}]
        for path in ("far/secret.csv", "far/*.csv", "words.csv"):
            with pytest.raises(UsageError):
                engine.query(f"SELECT * FROM read_csv('{tmp_path / path}')")
    with pytest.raises(UsageError, match="is not a file that can be joined"):
        connect(open_here(folder), with_files={"words": tmp_path / "words.csv"})


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT intitul FROM offres", "There is no column intitul. Did you mean intitule?"),
        ("SELECT o.intitul FROM offres o", "There is no column intitul. See them all"),
        ("SELECT romecode FROM offres", "There is no column romecode. Did you mean rome_code?"),
        ("SELECT lieu_travail.comune FROM offres", "There is no column comune. Did you mean commune?"),
        ("SELECT xyz FROM offres", "There is no column xyz. Near it: "),
        ('SELECT id FROM offres WHERE rome_code = "M1805"', "A text stands in single quotes, as 'M1805'."),
        ("SELECT lenght(intitule) FROM offres", 'Did you mean "length"?'),
        ("SELECT intitule FROM offres GROUP BY commune", "Either add it to the GROUP BY list"),
        ("PIVOT offres ON type_contrat USING count(*)", "A PIVOT needs its values: ON x IN ('a', 'b')."),
        ("SELECT * FROM offrs", "Did you mean offres?"),
    ],
)
def test_a_wrong_query_says_what_was_meant(tmp_path: Path, sql: str, says: str) -> None:
    """The nearest name, or what to write instead."""
    with pytest.raises(UsageError) as caught:
        query(open_here(filled(tmp_path)), sql)
    assert says in str(caught.value)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """As damage, not as a mistake in the query, whether its end or its middle is hit."""
    folder = filled(tmp_path)
    (path, *_) = open_here(folder).files("offres")
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + b"\0" * 8)
    with pytest.raises(StoreCorrupt):
        query(open_here(folder), "SELECT 1")
    path.write_bytes(b"PAR1" + bytes(byte ^ 0x5A for byte in whole[4:2000]) + whole[2000:])
    with pytest.raises(StoreCorrupt):
        query(open_here(folder), "SELECT id, intitule, description FROM offres")


def test_a_wrong_name_gets_a_hint(tmp_path: Path) -> None:
    """The nearest table."""
    with pytest.raises(UsageError) as caught:
        query(open_here(filled(tmp_path)), "SELECT * FROM ofres")
    assert str(caught.value) == (
        "There is no table ofres. Did you mean offres? The tables are: agregats_jour, arrondissements_municipaux, "
        "collectes, communes, communes_anciennes, departements, doublons, epci, erreurs, fenetres, "
        "indicateurs_par_commune, indicateurs_par_departement, indicateurs_par_epci, indicateurs_par_region, "
        "indicateurs_par_semaine, offres, offres_competences, offres_distinctes, offres_formations, offres_groupees, "
        "offres_langues, offres_partenaires, offres_permis, offres_placees, offres_versions, presence, "
        "regions, vie_offre."
    )


def test_wrong_sql_is_told_by_the_engine(tmp_path: Path) -> None:
    """In its words, also when the mistake shows only in the data."""
    store = open_here(filled(tmp_path))
    with pytest.raises(UsageError, match="nope"):
        query(store, "SELECT nope FROM offres")
    with pytest.raises(UsageError, match="Offre"):
        query(store, "SELECT intitule::INTEGER FROM offres")
    with pytest.raises(UsageError, match="Could not convert"), connect(store) as engine:
        for _ in engine.stream("SELECT if(n = 5999999, 'x', '1')::INTEGER AS n FROM range(6000000) t(n)", 1000):
            pass


def test_a_fold_does_not_disturb_a_connection(tmp_path: Path) -> None:
    """It keeps its state; the next one sees the new."""
    folder = filled(tmp_path)
    with connect(open_here(folder)) as engine:
        collect(folder, [make_offre(1)], NOW_S + 60)
        assert engine.query("SELECT count(*) AS n FROM offres").to_pylist() == [{"n": 30}]
    assert query(open_here(folder), "SELECT count(*) AS n FROM offres").to_pylist() == [{"n": 1}]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Not an empty result."""
    folder = filled(tmp_path)
    open_here(folder).files("offres")[0].unlink()
    with pytest.raises(StoreCorrupt):
        query(open_here(folder), "SELECT max(intitule) FROM offres")


def test_files_of_yours_join(tmp_path: Path) -> None:
    """By name; the others stay out of reach."""
    folder = filled(tmp_path / "store")
    (tmp_path / "pop.csv").write_text("dep,pop\n74,840000\n75,2100000\n")
    (tmp_path / "other.csv").write_text("a\n1\n")
    with connect(open_here(folder), with_files={"pop": tmp_path / "pop.csv"}) as engine:
        found = engine.query("SELECT dep, count(*) AS n FROM offres JOIN pop ON departement = dep::VARCHAR GROUP BY 1")
        assert sorted(row["n"] for row in found.to_pylist()) == [10, 10]
        with pytest.raises(UsageError):
            engine.query(f"SELECT * FROM '{tmp_path / 'other.csv'}'")


@pytest.mark.parametrize(("name", "file"), [("offres", "a.csv"), ("a b", "a.csv"), ("a", "a.xyz"), ("a", "none.csv")])
def test_a_file_that_cannot_join_is_told(tmp_path: Path, name: str, file: str) -> None:
    """Before any query."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "a.xyz").write_text("a\n1\n")
    with pytest.raises(UsageError):
        connect(open_here(filled(tmp_path / "store")), with_files={name: tmp_path / file})


def test_the_files_of_a_table(tmp_path: Path) -> None:
    """By the link `current`, so that the printed path stays true after the next fold's vacuum."""
    folder = filled(tmp_path)
    assert table_files(folder, "collectes") == [folder / "current" / "collectes" / "collectes-000001-0000.parquet"]
    assert all(path.is_file() for path in table_files(folder, "offres"))
    with pytest.raises(UsageError, match="Did you mean fenetres"):
        table_files(folder, "fenetre")


def test_the_geography_is_there(tmp_path: Path) -> None:
    """Also in a store that was never filled; its tables cannot be taken by a file, and have files of their own."""
    store = open_here(tmp_path / "store")
    found = query(
        store, "SELECT (SELECT count(*) FROM communes) AS c, (SELECT nom FROM regions WHERE code = '11') AS r"
    )
    assert found.to_pylist() == [{"c": 34_969, "r": "Île-de-France"}]
    assert [path.name for path in table_files(tmp_path / "store", "communes")] == ["communes.parquet"]
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(UsageError):
        connect(store, with_files={"communes": tmp_path / "a.csv"})


def test_offers_are_placed(tmp_path: Path) -> None:
    """As a view with every column of offres, those of the place in place of what was derived of it."""
    with connect(open_here(filled(tmp_path))) as engine:
        found = engine.query(
            "SELECT commune, arrondissement, epci, departement, region, place_par, count(*) AS n FROM offres_placees "
            "GROUP BY ALL ORDER BY n, commune"
        )
        assert [tuple(row.values()) for row in found.to_pylist()] == [
            ("74225", None, "247400740", "74", "84", "code", 10),
            ("75056", "75108", "200054781", "75", "11", "code", 10),
            (None, None, None, None, None, "non_place", 10),
        ]
        offres, placees = (engine.query(f"FROM {t} LIMIT 1").schema.names for t in ("offres", "offres_placees"))
        assert set(offres) < set(placees)


def test_results_come_in_batches(tmp_path: Path) -> None:
    """For exports larger than memory."""
    with connect(open_here(filled(tmp_path))) as engine:
        assert sum(batch.num_rows for batch in engine.stream("SELECT * FROM offres", 10)) == 30
