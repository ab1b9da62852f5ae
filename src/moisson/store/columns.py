"""Rows to Arrow columns, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import pyarrow as pa

from moisson.store.derive.ancres import MOTS, mots_longs
from moisson.store.derive.durees import contrat_mois, experience_mois, heures_hebdo, is_temps_partiel
from moisson.store.derive.emploi import is_interim, partner_names, positions, region_of
from moisson.store.derive.salaire import Pay, read_pay
from moisson.store.official import OFFRE, Liste, Objet, Scalaire, arrow_type
from moisson.store.rows import Rangee, departement_of, instant_ms
from moisson.store.schema import DERIVEES, OFFRES

__all__ = ["objects_to_columns", "rows_to_batch"]


def rows_to_batch(rangees: Sequence[Rangee]) -> pa.RecordBatch:
    """The rows of the table `offres`, derived columns included."""
    offres = [rangee.offre for rangee in rangees]
    lieux = [offre.lieu_travail for offre in offres]
    communes = [None if lieu is None else lieu.commune for lieu in lieux]
    labels = [None if lieu is None else lieu.libelle for lieu in lieux]
    departements = [departement_of(*place) for place in zip(communes, labels, strict=True)]
    arrays = objects_to_columns(OFFRE, offres)
    arrays += [
        pa.array([instant_ms(offre.date_creation) for offre in offres], pa.timestamp("ms")),
        pa.array(departements, pa.string()),
        pa.array(communes, pa.string()),
        *derived_columns(offres, departements, arrays[OFFRES.get_field_index("description")]),
        pa.array([rangee.autres for rangee in rangees], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=OFFRES)


def derived_columns(
    offres: Sequence[Any], departements: Sequence[str | None], descriptions: pa.Array[Any]
) -> list[pa.Array[Any]]:
    """The columns `schema.DERIVEES` of these offers (structs of `official.OFFRE`)."""
    hours = [heures_hebdo(offre.duree_travail_libelle) for offre in offres]
    part_time = [is_temps_partiel(o.duree_travail_libelle_converti, o.duree_travail_libelle) for o in offres]
    labels = [None if offre.salaire is None else offre.salaire.libelle for offre in offres]
    pays = list(map(read_pay, labels, hours, part_time))
    values = [
        map(region_of, departements),
        *([pay[n] for pay in pays] for n in range(len(Pay._fields))),
        hours,
        [contrat_mois(offre.type_contrat_libelle) for offre in offres],
        [experience_mois(offre.experience_exige, offre.experience_libelle) for offre in offres],
        [None if o.origine_offre is None else partner_names(o.origine_offre.partenaires) for o in offres],
        [positions(offre.nombre_postes) for offre in offres],
        [is_interim(offre.code_naf, offre.secteur_activite, offre.type_contrat) for offre in offres],
    ]
    *plain, long_words = DERIVEES
    digests = mots_longs(descriptions)
    offsets = pa.array(range(0, digests.size + 1, MOTS), pa.int32())
    return [
        *(pa.array(column, field.type) for field, column in zip(plain, values, strict=True)),
        pa.ListArray.from_arrays(offsets, pa.array(digests.ravel(), pa.int64()), type=long_words.type),
    ]


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
