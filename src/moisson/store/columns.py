"""Rows to Arrow columns, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import pyarrow as pa

from moisson.store.rows import Rangee, departement_of, instant_ms
from moisson.store.schema import OFFRE, OFFRES, Liste, Objet, Scalaire, arrow_type

__all__ = ["objects_to_columns", "rows_to_batch"]


def rows_to_batch(rangees: Sequence[Rangee]) -> pa.RecordBatch:
    """The rows of the table `offres`, derived columns included."""
    offres = [rangee.offre for rangee in rangees]
    lieux = [offre.lieu_travail for offre in offres]
    communes = [None if lieu is None else lieu.commune for lieu in lieux]
    labels = [None if lieu is None else lieu.libelle for lieu in lieux]
    arrays = objects_to_columns(OFFRE, offres)
    arrays += [
        pa.array([instant_ms(offre.date_creation) for offre in offres], pa.timestamp("ms")),
        pa.array([departement_of(*place) for place in zip(communes, labels, strict=True)], pa.string()),
        pa.array(communes, pa.string()),
        pa.array([rangee.autres for rangee in rangees], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=OFFRES)


def objects_to_columns(objet: Objet, values: Sequence[Any]) -> list[pa.Array[Any]]:
    """One array for each key of `objet`; a None among the values gives nulls."""
    if None in values:
        return [
            _build(champ.genre, [None if v is None else getattr(v, champ.nom) for v in values])
            for champ in objet.champs
        ]
    return [_build(champ.genre, list(map(attrgetter(champ.nom), values))) for champ in objet.champs]


def _build(genre: Scalaire | Liste | Objet, values: list[Any]) -> pa.Array[Any]:
    if isinstance(genre, Scalaire):
        return pa.array(values, arrow_type(genre))
    if values.count(None) == len(values):
        return pa.array(values, arrow_type(genre))
    absent = pa.array([v is None for v in values], pa.bool_())
    if isinstance(genre, Objet):
        fields = [pa.field(champ.nom, arrow_type(champ.genre)) for champ in genre.champs]
        return pa.StructArray.from_arrays(objects_to_columns(genre, values), fields=fields, mask=absent)
    offsets, flat = [0], []
    for v in values:
        if v is not None:
            flat += v
        offsets.append(len(flat))
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), _build(genre.de, flat), type=arrow_type(genre), mask=absent
    )
