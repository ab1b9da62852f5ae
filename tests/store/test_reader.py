"""The Python door: small, typed, and nothing that a later run could disturb."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import moisson
from moisson import MoissonError, StoreReader, UsageError, open_store
from tests.store.filling import NOW_S, by_id, collect, make_offre

OFFRES = [make_offre(n, nombrePostes=n, nouveau={"a": n}) for n in range(30)]


@pytest.fixture
def store(tmp_path: Path) -> StoreReader:
    """A store of 30 offers."""
    collect(tmp_path / "store", OFFRES)
    return open_store(tmp_path / "store")


def test_the_names_that_stay() -> None:
    """The public door is this list, and all of it can be had."""
    assert moisson.__all__ == ["MoissonError", "StoreReader", "UsageError", "__version__", "open_store"]
    for name in moisson.__all__:
        assert getattr(moisson, name) is not None
        assert name in dir(moisson)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        moisson.nope  # noqa: B018  # asking is the test


def test_importing_it_costs_nothing() -> None:
    """`import moisson` brings no library; the first use does."""
    code = "import sys, moisson; print([m for m in ('pyarrow', 'duckdb', 'msgspec') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_no_store(tmp_path: Path) -> None:
    """Is told, and nothing is made."""
    with pytest.raises(UsageError, match="There is no store"):
        open_store(tmp_path / "none")
    assert issubclass(UsageError, MoissonError)
    assert list(tmp_path.iterdir()) == []


def test_tables_and_columns(store: StoreReader) -> None:
    """What there is, and what it means."""
    found = {table.nom: table.lignes for table in store.tables()}
    assert [found[name] for name in ("collectes", "erreurs", "fenetres", "offres", "offres_placees")] == [
        1,
        0,
        1,
        30,
        30,
    ]
    assert store.columns()[0].sens == "identifier, 7 characters, leading zeros count"
    assert store.status().offres == 30
    assert repr(store) == f"<moisson store {store.folder}>"


def test_arrow(store: StoreReader) -> None:
    """Columns by name, fields of structs by a dot, rows by a condition; the types of the schema, with meanings."""
    found = store.arrow(columns=["id", "lieu_travail.commune", "creation"], where="nombre_postes >= 28")
    assert sorted(found["id"].to_pylist()) == ["0000028", "0000029"]
    assert found["lieu_travail.commune"].to_pylist() == ["74225", "74225"]
    assert found.schema.field("creation").type == pa.timestamp("ms")
    assert found.schema.field("id").metadata[b"source"] == b"Offre.id"
    assert store.arrow("fenetres").num_rows == 1
    with pytest.raises(UsageError, match="Did you mean nombre_postes"):
        store.arrow(columns=["nombre_poste"])


def test_batches(store: StoreReader) -> None:
    """The same without having it all; left unfinished, the store is let go."""
    reader = store.batches(columns=["id"])
    assert reader.schema.names == ["id"]
    assert sum(batch.num_rows for batch in reader) == 30
    next(iter(store.batches()))


def test_polars(store: StoreReader) -> None:
    """A data frame; lists and structs stay."""
    pl = pytest.importorskip("polars")
    frame = store.polars(columns=["id", "nombre_postes", "lieu_travail"])
    assert frame["nombre_postes"].sum() == sum(range(30))
    assert frame.schema["lieu_travail"] == pl.Struct(
        {"libelle": pl.String, "latitude": pl.Float64, "longitude": pl.Float64, "code_postal": pl.String,
         "commune": pl.String}
    )  # fmt: skip


def test_polars_is_not_there(store: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'moisson\[polars\]'"):
        store.polars()


def test_duckdb(store: StoreReader, tmp_path: Path) -> None:
    """A connection of one's own: relations over every table, empty ones too; it may write elsewhere."""
    with store.duckdb() as connection:
        offres = connection.view("offres")
        assert offres.filter("nombre_postes > 27").aggregate("count(*)").fetchall() == [(2,)]
        assert connection.sql("SELECT count(*) FROM erreurs").fetchall() == [(0,)]
        assert connection.sql("SELECT count(*) FROM offres_placees WHERE region IS NOT NULL").fetchall() == [(30,)]
        connection.execute(f"COPY (SELECT id FROM offres) TO '{tmp_path / 'ids.csv'}'")
    assert (tmp_path / "ids.csv").read_text().count("\n") == 31


def test_sql_is_confined(store: StoreReader, tmp_path: Path) -> None:
    """As the command is; files of yours join by name."""
    (tmp_path / "mine.csv").write_text("code\n74225\n")
    query = "SELECT count(*) AS n FROM offres JOIN mine ON commune = code::VARCHAR"
    assert store.sql(query, with_files={"mine": tmp_path / "mine.csv"}).to_pylist() == [{"n": 30}]
    with pytest.raises(UsageError):
        store.sql(f"SELECT * FROM '{tmp_path / 'mine.csv'}'")


def test_offres_are_what_the_api_sent(store: StoreReader) -> None:
    """Value for value, unknown keys too; and one can ask something else meanwhile."""
    found = []
    for offre in store.offres():
        if len(found) % 10 == 0:
            assert store.arrow("collectes").num_rows == 1
        found.append(offre)
    assert by_id(found) == by_id(OFFRES)
    assert [offre["id"] for offre in store.offres("nombre_postes = 3")] == ["0000003"]


def test_it_stays_what_it_was(store: StoreReader) -> None:
    """A later run shows in the next opening."""
    collect(store.folder, [make_offre(1)], NOW_S + 60)
    assert store.arrow(columns=["id"]).num_rows == 30
    assert open_store(store.folder).arrow(columns=["id"]).num_rows == 1


def test_export(store: StoreReader, tmp_path: Path) -> None:
    """Whatever the command does, a method does."""
    done = store.export(tmp_path / "o.ndjson", where="nombre_postes = 3")
    assert done.rows == {"offres": 1}
    assert json.loads((tmp_path / "o.ndjson").read_bytes())["id"] == "0000003"
    assert done.provenance.made_by == f"moisson {moisson.__version__}"
