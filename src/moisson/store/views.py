"""Views that the engine shows beside the tables: lists with a row an item, and offers without their duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from moisson.store.colonne import colonne
from moisson.store.official import OFFRE, Liste, Objet, arrow_type
from moisson.store.schema import OFFRES_DATEES

__all__ = ["VIEWS", "View"]


@dataclass(frozen=True)
class View:
    """A view over the tables.

    Attributes:
        nom: its name.
        sens: what a row is.
        sql: what it selects.
        colonnes: its columns, each with its meaning.
    """

    nom: str
    sens: str
    sql: str
    colonnes: pa.Schema


_ID = OFFRES_DATEES.field("id")
_RANG = colonne("rang", pa.int64(), "place in the offer's list, from 1")


def _items(cle: str, path: str, sens: str) -> View:
    """A view with a row for each item of a list of objects of an offer, at `path` of its columns."""
    objet = _at(OFFRE, path)
    fields = ", ".join(f"item.{champ.nom} AS {champ.nom}" for champ in objet.champs)
    unnested = f"SELECT id, generate_subscripts({path}, 1) AS rang, unnest({path}) AS item FROM offres"
    colonnes = [
        colonne(champ.nom, arrow_type(champ.genre), champ.sens, source=f"{objet.nom}.{champ.cle}")
        for champ in objet.champs
    ]
    return View(
        f"offres_{cle}",
        sens,
        # An item of another type than the official one is in `autres`; its place in the list is null.
        f"SELECT id, rang, {fields} FROM ({unnested}) WHERE item IS NOT NULL",
        pa.schema([_ID, _RANG, *colonnes]),
    )


def _at(objet: Objet, path: str) -> Objet:
    """The objects of the list at a path of columns."""
    for nom in path.split("."):
        genre = next(champ.genre for champ in objet.champs if champ.nom == nom)
        inner = genre.de if isinstance(genre, Liste) else genre
        assert isinstance(inner, Objet)
        objet = inner
    return objet


_WITH_GROUPE = OFFRES_DATEES.append(
    colonne("groupe_doublon", pa.string(), "identifier of the job: its group in doublons, else the offer's own")
)

VIEWS = (
    _items("competences", "competences", "one competence asked for by one offer"),
    _items("langues", "langues", "one language asked for by one offer"),
    _items("permis", "permis", "one driving licence asked for by one offer"),
    _items("formations", "formations", "one training asked for by one offer"),
    _items("partenaires", "origine_offre.partenaires", "one partner that brought one offer"),
    View(
        "offres_groupees",
        "one offer online now, with the job that it publishes: count(DISTINCT groupe_doublon) counts jobs",
        """
        SELECT offres.*, coalesce(doublons.groupe_doublon, offres.id) AS groupe_doublon
        FROM offres LEFT JOIN doublons ON doublons.id = offres.id
        """,
        _WITH_GROUPE,
    ),
    View(
        "offres_distinctes",
        "one job online now: of each group, France Travail's own offer, else the one created first",
        """
        WITH choix AS (
            SELECT doublons.id, row_number() OVER (
                PARTITION BY doublons.groupe_doublon
                ORDER BY coalesce(offres.origine_offre.origine = '1', false) DESC, offres.creation NULLS LAST, offres.id
            ) AS rang
            FROM doublons JOIN offres ON offres.id = doublons.id
        )
        SELECT * FROM offres_groupees WHERE id NOT IN (SELECT id FROM choix WHERE rang > 1)
        """,
        _WITH_GROUPE,
    ),
)
"""Every view; one may use those before it."""
