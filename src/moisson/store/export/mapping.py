"""The mapping of a search index for exported offers: French texts analysed, codes kept as they are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as types

from moisson.store.export.selection import Column
from moisson.store.official import OFFRE, Champ, Liste, Objet, Scalaire
from moisson.store.provenance import Provenance

__all__ = ["index_mapping"]

_TEXTS = ("libelle", "intitule", "description", "commentaire", "exercice", "horaires", "raison")
"""Ends of the names of what is read as text; other texts are codes and names, matched whole."""

_KEYWORD_MAX = 8191
"""Longer values are not indexed as keywords: Lucene takes 32,766 bytes, four a character at worst."""

_DATES = ("dateCreation", "dateActualisation")

_SCALARS = {"nombre": {"type": "double"}, "entier": {"type": "long"}, "booleen": {"type": "boolean"}}


def index_mapping(columns: Sequence[Column], provenance: Provenance) -> dict[str, Any]:
    """The body with which to create the index (PUT /offres) before the bulk lines are sent.

    Args:
        columns: the columns of the documents.
        provenance: kept in the mapping's `_meta`.
    """
    champs = {champ.nom: champ for champ in OFFRE.champs}
    properties = {}
    for column in columns:
        champ = champs.get(column.name)
        if champ is not None:
            properties[champ.cle] = _of_champ(champ)
        elif column.name != "autres":
            properties[column.name] = _of_type(column.name, column.field.type)
    return {
        # A value of another type than the official one must not refuse the whole offer.
        "settings": {"index": {"mapping": {"ignore_malformed": True}}},
        "mappings": {"_meta": provenance.facts(), "properties": properties},
    }


def _of_champ(champ: Champ) -> dict[str, Any]:
    genre = champ.genre
    if isinstance(genre, Liste):
        genre = genre.de  # an index has no lists: any field may have several values
    if isinstance(genre, Objet):
        return {"properties": {inner.cle: _of_champ(inner) for inner in genre.champs}}
    assert isinstance(genre, Scalaire)
    return _SCALARS.get(genre.genre) or _of_text(champ.cle)


def _of_type(name: str, type_: pa.DataType) -> dict[str, Any]:
    if types.is_list(type_):
        return _of_type(name, type_.value_type)
    if types.is_struct(type_):
        return {"properties": {field.name: _of_type(field.name, field.type) for field in type_.fields}}
    if types.is_timestamp(type_) or types.is_date(type_):
        return {"type": "date"}
    if types.is_boolean(type_):
        return _SCALARS["booleen"]
    if types.is_integer(type_):
        return _SCALARS["entier"]
    return _SCALARS["nombre"] if types.is_floating(type_) else _of_text(name)


def _of_text(name: str) -> dict[str, Any]:
    if name in _DATES:
        return {"type": "date"}
    keyword = {"type": "keyword", "ignore_above": _KEYWORD_MAX}
    if name.lower().endswith(_TEXTS):
        return {"type": "text", "analyzer": "french", "fields": {"brut": keyword}}
    return keyword
