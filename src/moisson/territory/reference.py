"""The official geography that comes with Moisson: its tables, where they lie, what they are made from.

The files in `data/` are made by `make territoires` (tools/territoires) from two open packages, never by hand. They
travel in the wheel, so that everything works offline; `docs/territories.md` has each source, vintage and licence.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

__all__ = [
    "CONTOURS",
    "DATA",
    "LOOKUPS",
    "MANIFEST",
    "TABLES",
    "Manifest",
    "Source",
    "Total",
    "files",
    "lookup_files",
    "read_manifest",
]

DATA = Path(__file__).parent / "data"
"""Folder of the files that are shipped."""

CONTOURS = DATA / "contours.topojson"
"""Borders of départements and régions, as a TopoJSON with two objects of these names; the `id` of each is its code."""

MANIFEST = DATA / "territoires.json"
"""What the files are made from; see `Manifest`."""


def _colonne(nom: str, type_: pa.DataType, sens: str, *, unite: str = "") -> pa.Field[Any]:
    return pa.field(nom, type_, metadata={k: v for k, v in {"meaning": sens, "unit": unite}.items() if v})


_TEXTE, _ENTIER, _REEL = pa.string(), pa.int64(), pa.float64()
_ZONE = _colonne("zone", _TEXTE, "metro; drom: the five départements overseas; com: other territories overseas")
_POPULATION = _colonne("population", _ENTIER, "municipal population; null where nobody lives", unite="inhabitants")
_ANNEE = _colonne(
    "population_annee", _ENTIER, "year that the population was counted for, on 1 January; null where not known"
)
_SOMME = _colonne("population", _ENTIER, "sum of the municipal populations of its communes", unite="inhabitants")
_COMMUNES = _colonne("communes", _ENTIER, "how many communes it has")
_REGION = _colonne("region", _TEXTE, "code of the région; overseas territories are their own")
_DEPARTEMENT = _colonne("departement", _TEXTE, "code of the département or overseas territory")

TABLES: dict[str, pa.Schema] = {
    "communes": pa.schema(
        [
            _colonne("code", _TEXTE, "INSEE code"),
            _colonne("nom", _TEXTE, "name"),
            _colonne("epci", _TEXTE, "SIREN of its EPCI; null for the few communes outside any"),
            _DEPARTEMENT,
            _REGION,
            _ZONE,
            _POPULATION,
            _ANNEE,
            _colonne("codes_postaux", pa.list_(_TEXTE), "postcodes, in order"),
        ]
    ),
    "arrondissements_municipaux": pa.schema(
        [
            _colonne("code", _TEXTE, "INSEE code of the arrondissement of Paris, Lyon or Marseille"),
            _colonne("nom", _TEXTE, "name"),
            _colonne("commune", _TEXTE, "code of the commune that it is a part of, which `communes` counts"),
            _DEPARTEMENT,
            _REGION,
            _POPULATION,
            _ANNEE,
            _colonne("codes_postaux", pa.list_(_TEXTE), "postcodes, in order"),
        ]
    ),
    "communes_anciennes": pa.schema(
        [
            _colonne("code", _TEXTE, "INSEE code that is no longer a commune's"),
            _colonne("nom", _TEXTE, "name of the commune déléguée or associée; null when it is not one any more"),
            _colonne("commune", _TEXTE, "code of the present commune"),
            _colonne("statut", _TEXTE, "deleguee, associee, or disparue"),
        ]
    ),
    "departements": pa.schema(
        [
            _colonne("code", _TEXTE, "code: 01 to 95, 2A, 2B, or three digits overseas"),
            _colonne("nom", _TEXTE, "name"),
            _REGION,
            _colonne("chef_lieu", _TEXTE, "code of the commune that is its seat"),
            _ZONE,
            _SOMME,
            _COMMUNES,
        ]
    ),
    "regions": pa.schema(
        [
            _colonne("code", _TEXTE, "code: two digits, or three for overseas territories that are no région"),
            _colonne("nom", _TEXTE, "name"),
            _colonne("chef_lieu", _TEXTE, "code of the commune that is its seat"),
            _ZONE,
            _SOMME,
            _COMMUNES,
        ]
    ),
    "epci": pa.schema(
        [
            _colonne("code", _TEXTE, "SIREN of the group of communes with taxes of its own"),
            _colonne("nom", _TEXTE, "name"),
            _colonne("type", _TEXTE, "CC, CA, CU, METRO, or MET69 (Métropole de Lyon)"),
            _colonne("departements", pa.list_(_TEXTE), "codes of the départements that it reaches into"),
            _SOMME,
            _COMMUNES,
        ]
    ),
}
"""The tables, each a Parquet file of its name in `DATA`."""

_LIEU = (
    _colonne("commune", _TEXTE, "code of the present commune"),
    _colonne("arrondissement", _TEXTE, "code of the arrondissement, if it is one"),
    _colonne("epci", _TEXTE, "SIREN of the commune's EPCI, if any"),
    _DEPARTEMENT,
    _REGION,
)

LOOKUPS: dict[str, pa.Schema] = {
    "codes": pa.schema(
        [
            _colonne("code", _TEXTE, "any INSEE code: of a commune, of an arrondissement, or a former one"),
            *_LIEU,
            _colonne("postal", pa.bool_(), "the same five characters are also a postcode"),
        ]
    ),
    "noms": pa.schema(
        [
            _colonne("dans", _TEXTE, "a département or a postcode"),
            _colonne("nom", _TEXTE, "a name that only one of its communes has, as the function cle_lieu spells it"),
            *_LIEU,
        ]
    ),
    "postaux": pa.schema(
        [
            _colonne("code_postal", _TEXTE, "a postcode"),
            _colonne("commune", _TEXTE, "its commune; null when it has several"),
            _colonne("epci", _TEXTE, "that commune's EPCI"),
            _colonne("departement", _TEXTE, "its département; null when it has several"),
            _colonne("region", _TEXTE, "its région; null when it has several"),
        ]
    ),
    "contours": pa.schema(
        [
            _colonne("departement", _TEXTE, "code of the département"),
            _colonne("longitude_1", _REEL, "one end of a segment of its border", unite="degrees"),
            _colonne("latitude_1", _REEL, "the southern end", unite="degrees"),
            _colonne("longitude_2", _REEL, "the other end", unite="degrees"),
            _colonne("latitude_2", _REEL, "the northern end; segments along a parallel are left out", unite="degrees"),
        ]
    ),
}
"""What placing looks things up in, each a Parquet file `lieux_<name>` in `DATA`."""


class Source(msgspec.Struct, frozen=True):
    """Where files come from.

    Attributes:
        nom: package and version, as its registry names them.
        integrite: checksum of the package ("sha512-" and base64), verified when the files were made.
        licence: of the package; `licence_donnees` of the data in it.
        millesime: which year's geography, or which edition, it is.
        fichiers: the files made from it.
    """

    nom: str
    integrite: str
    licence: str
    licence_donnees: str
    millesime: str
    fichiers: list[str]


class Total(msgspec.Struct, frozen=True):
    """A population as published, and what the tables say.

    Attributes:
        publie: figure that was published, inhabitants, rounded to `arrondi`.
        tables: sum of the municipal populations in the tables over the same territory.
        perimetre: that territory, and the year.
        source: who published it.
    """

    publie: int
    arrondi: int
    tables: int
    perimetre: str
    source: str


class Manifest(msgspec.Struct, frozen=True):
    """What `data/` holds.

    Attributes:
        millesime: year of the geography, as it stands on 1 January.
        populations: what year's populations, and the exceptions.
        sources: what it was made from.
        lignes: rows of each table.
        sha256: of each file.
        total: the check of the populations.
        absents: what no source has, nor `moisson territories --fetch` brings.
    """

    millesime: str
    populations: str
    sources: list[Source]
    lignes: dict[str, int]
    sha256: dict[str, str]
    total: Total
    absents: list[str]


def files() -> dict[str, Path]:
    """The Parquet file of each table."""
    return {table: DATA / f"{table}.parquet" for table in TABLES}


def lookup_files() -> dict[str, Path]:
    """The Parquet file of each look-up table."""
    return {table: DATA / f"lieux_{table}.parquet" for table in LOOKUPS}


@functools.cache
def read_manifest() -> Manifest:
    """What the shipped files are made from."""
    return msgspec.json.decode(MANIFEST.read_bytes(), type=Manifest)
