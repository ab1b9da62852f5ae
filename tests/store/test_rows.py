"""An offer comes back as it was sent: whatever its keys, its types, its nulls."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.errors import StoreCorrupt
from moisson.store.columns import rows_to_batch
from moisson.store.official import OFFRE, Liste, Objet, Scalaire
from moisson.store.rows import RowReader, departement_of, instant_ms, row_to_offre
from tests.store.filling import CONTACTS, make_offre, sample_offres

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def values(genre: Scalaire | Liste | Objet) -> st.SearchStrategy[Any]:
    """Values of a kind, now and then of another."""
    if isinstance(genre, Objet):
        known = st.fixed_dictionaries({}, optional={champ.cle: values(champ.genre) for champ in genre.champs})
        unknown = st.dictionaries(TEXT | st.sampled_from(["a/b", "~", "0", "", "nouveau"]), JSON, max_size=1)
        right: st.SearchStrategy[Any] = st.builds(lambda a, b: {**b, **a}, known, unknown) | known
    elif isinstance(genre, Liste):
        right = st.lists(values(genre.de), max_size=3)
    else:
        right = {
            "texte": TEXT,
            "nombre": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-90, 90),
            "entier": st.integers(-(2**63), 2**63 - 1),
            "booleen": st.booleans(),
        }[genre.genre]
    return st.integers(0, 19).flatmap(lambda n: JSON if n == 0 else right)


# Few keys at a time: an offer has 45, and each must meet all the others only in pairs.
OFFRES = st.lists(st.sampled_from(OFFRE.champs), max_size=6, unique=True).flatmap(
    lambda champs: values(Objet("Offre", tuple(champs))).filter(lambda v: isinstance(v, dict))
)


def through(offres: list[dict[str, Any]], *, store_contacts: bool = True) -> list[dict[str, Any]]:
    """Offers to rows to Parquet and back."""
    reader = RowReader(store_contacts=store_contacts)
    batch = rows_to_batch([reader.read(json.dumps(offre).encode()) for offre in offres])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([batch]), sink, compression="zstd")
    return [row_to_offre(row) for row in pq.read_table(pa.BufferReader(sink.getvalue())).to_pylist()]


def spelled(value: Any) -> str:
    """JSON text, so that 46 is not 46.0 nor true 1."""
    return json.dumps(value, sort_keys=True)


@given(st.lists(OFFRES, max_size=4))
def test_every_offer_comes_back_as_sent(offres: list[dict[str, Any]]) -> None:
    """Unknown keys, changed types, explicit nulls, empty objects and lists: the very JSON values return."""
    assert list(map(spelled, through(offres))) == list(map(spelled, offres))


@given(OFFRES)
def test_contacts_never_enter_unless_asked_for(offre: dict[str, Any]) -> None:
    """Whatever shape `contact` and `agence` take, nothing of them is in the row."""
    kept = {k: v for k, v in offre.items() if k not in CONTACTS}
    assert spelled(through([offre], store_contacts=False)) == spelled([kept])


@given(OFFRES, st.randoms())
def test_the_hash_does_not_depend_on_the_order_of_keys(offre: dict[str, Any], random: Any) -> None:
    """Two answers may order keys differently; that is no change of the offer."""
    reader = RowReader(store_contacts=True)
    shuffled = dict(random.sample(sorted(offre.items(), key=str), len(offre)))
    one, two = (reader.read(json.dumps(o).encode()) for o in (offre, shuffled))
    assert one.empreinte == two.empreinte


@given(OFFRES, OFFRES)
def test_the_hash_tells_contents_apart(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Equal hashes mean equal contents."""
    reader = RowReader(store_contacts=True)
    hashes = [reader.read(json.dumps(o).encode()).empreinte for o in (one, two)]
    assert (hashes[0] == hashes[1]) == (spelled(one) == spelled(two))


def test_real_offers_come_back_as_sent() -> None:
    """455 offers of 2025, without anything left over for `autres`."""
    lines = sample_offres()
    reader = RowReader(store_contacts=True)
    rangees = [reader.read(line) for line in lines]
    assert through([json.loads(line) for line in lines]) == [json.loads(line) for line in lines]
    assert [rangee.autres for rangee in rangees if rangee.autres] == []
    assert sum(rangee.ecarts for rangee in rangees) == 0


def test_what_does_not_fit_is_counted_and_named() -> None:
    """A changed type is a deviation; an unknown key or a null is only kept."""
    offre = make_offre(1, alternance="oui", contact=None, nouveau=1, competences=[3, {"code": 4, "x": 1}])
    rangee = RowReader(store_contacts=True).read(json.dumps(offre).encode())
    assert json.loads(rangee.autres or "") == {
        "alternance": "oui",
        "competences": {"0": 3, "1": {"code": 4, "x": 1}},
        "contact": None,
        "nouveau": 1,
    }
    assert rangee.ecarts == 3


def test_whole_degrees_are_still_a_place() -> None:
    """46 is kept as it is spelled, and usable as a number in its column."""
    offre = make_offre(1, lieuTravail={"latitude": 46, "longitude": 5.5})
    rangee = RowReader(store_contacts=True).read(json.dumps(offre).encode())
    assert rangee.offre.lieu_travail.latitude == 46.0
    assert spelled(through([offre])) == spelled([offre])
    assert rangee.ecarts == 0


def test_coordinates_are_the_only_numbers() -> None:
    """`_has_int_coordinates` looks at these alone; a new number in the schema must be added there."""

    def numbers(objet: Objet, path: str = "") -> list[str]:
        found = []
        for champ in objet.champs:
            genre = champ.genre.de if isinstance(champ.genre, Liste) else champ.genre
            if isinstance(genre, Objet):
                found += numbers(genre, f"{path}{champ.cle}.")
            elif genre.genre == "nombre":
                found.append(path + champ.cle)
        return found

    assert numbers(OFFRE) == ["lieuTravail.latitude", "lieuTravail.longitude"]


def test_a_lone_surrogate_costs_one_character() -> None:
    """JSON can spell what UTF-8 cannot hold; the rest of the offer is kept."""
    rangee = RowReader(store_contacts=True).read(b'{"id":"1","intitule":"a\\ud800b"}')
    assert rangee.offre.intitule == "a?b"


@pytest.mark.parametrize("brut", [b"[]", b"12", b"{", b'"x"'])
def test_what_is_no_object_is_damage(brut: bytes) -> None:
    """Such a page should never have been journalled."""
    with pytest.raises(StoreCorrupt):
        RowReader(store_contacts=True).read(brut)


@pytest.mark.parametrize(
    ("commune", "libelle", "expected"),
    [
        ("74225", "74 - Rumilly", "74"),
        ("01004", "01 - AMBERIEU", "01"),
        ("2A004", "2A - AJACCIO", "2A"),
        ("97411", "974 - ST DENIS", "974"),
        ("13208", "13 - MARSEILLE 08", "13"),
        (None, "74 - Savoie (Haute)", "74"),
        (None, "974 - La Réunion", "974"),
        (None, "2B - Haute Corse", "2B"),
        ("99137", "Luxembourg", None),
        (None, "France", None),
        (None, "20 - Corse", None),
        (None, None, None),
        ("", "", None),
    ],
)
def test_departement(commune: str | None, libelle: str | None, expected: str | None) -> None:
    """From the commune's code, else from the label; never guessed."""
    assert departement_of(commune, libelle) == expected


@pytest.mark.parametrize(
    ("texte", "expected"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("1970-01-01T00:00:01Z", 1000),
        ("2026-11-23T22:46:01.5Z", 1_795_473_961_500),
        ("2026-02-30T00:00:00.000Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("hier", None),
        ("", None),
        (None, None),
    ],
)
def test_instant(texte: str | None, expected: int | None) -> None:
    """A date that is not one has no instant, and stops nothing."""
    assert instant_ms(texte) == expected
