"""The columns of every table, each with its meaning, its unit and the API field it comes from.

Those of an offer come from the official schema (official.py), with what is derived from it beside them (derive/).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from moisson.store.official import OFFRE, Objet, arrow_type

__all__ = [
    "COLLECTES",
    "DERIVEES",
    "DOUBLONS",
    "ERREURS",
    "FENETRES",
    "OFFRES",
    "SENS",
    "TABLES",
    "column",
    "object_schema",
]


def column(nom: str, type_: pa.DataType, sens: str, *, unite: str = "", source: str = "") -> pa.Field[Any]:
    """A column with its meaning, its unit and the field of the API that it comes from, as metadata."""
    meta = {"meaning": sens, "unit": unite, "source": source}
    return pa.field(nom, type_, metadata={k: v for k, v in meta.items() if v})


_MS = pa.timestamp("ms")

_AUTRES = column(
    "autres",
    pa.string(),
    "JSON object of what the other columns cannot hold: unknown keys, changed types, explicit nulls; "
    "nested as the API sent them, items of a list by their index; null when there is nothing",
)


def _colonnes(objet: Objet) -> list[pa.Field[Any]]:
    return [column(c.nom, arrow_type(c.genre), c.sens, source=f"{objet.nom}.{c.cle}") for c in objet.champs]


def object_schema(objet: Objet) -> pa.Schema:
    """Columns of a table whose rows are such objects, what they do not know included."""
    return pa.schema([*_colonnes(objet), _AUTRES])


DERIVEES = (
    column(
        "region",
        pa.string(),
        "code of the région of departement; null outside the 18 régions",
        source="Offre.lieuTravail",
    ),
    column(
        "salaire_periode",
        pa.string(),
        "period of the pay as its label names it: horaire, mensuel, annuel, cachet, autre",
        source="Salaire.libelle",
    ),
    column(
        "salaire_min",
        pa.float64(),
        "least pay for one period, before tax, as the label states it; null when implausible for its period",
        unite="EUR",
        source="Salaire.libelle",
    ),
    column(
        "salaire_max",
        pa.float64(),
        "most pay for one period; equals salaire_min when the label states one amount",
        unite="EUR",
        source="Salaire.libelle",
    ),
    column(
        "salaire_mois",
        pa.float64(),
        "months of pay that the label states, 1 to 24: 13 is a thirteenth month",
        unite="months",
        source="Salaire.libelle",
    ),
    column(
        "salaire_annuel_min",
        pa.float64(),
        "least pay of a year of the job as offered: an hour counts 52 times heures_hebdo (35 when a full-time job does "
        "not say), a month 12 times or as often as the label says; null where that is unknown",
        unite="EUR a year",
        source="Salaire.libelle, Offre.dureeTravailLibelle",
    ),
    column(
        "salaire_annuel_max",
        pa.float64(),
        "most pay of a year of the job as offered",
        unite="EUR a year",
        source="Salaire.libelle, Offre.dureeTravailLibelle",
    ),
    column(
        "salaire_lu",
        pa.bool_(),
        "true: the label was read; false: it states nothing plausible; null: there is no label",
        source="Salaire.libelle",
    ),
    column("heures_hebdo", pa.float64(), "working time a week", unite="hours", source="Offre.dureeTravailLibelle"),
    column(
        "contrat_mois",
        pa.float64(),
        "length of the contract; a day is 12 ÷ 365 of a month; null when no length is named",
        unite="months",
        source="Offre.typeContratLibelle",
    ),
    column(
        "experience_mois",
        pa.int64(),
        "experience required or wished for; 0 when a beginner is accepted; null when no length is named",
        unite="months",
        source="Offre.experienceExige, Offre.experienceLibelle",
    ),
    column(
        "partenaires",
        pa.list_(pa.string()),
        "names of the partners that brought it; null for France Travail's own",
        source="OrigineOffre.partenaires",
    ),
    column("postes", pa.int64(), "positions to fill, at least 1", source="Offre.nombrePostes"),
    column(
        "interim",
        pa.bool_(),
        "offered by a temp agency: NAF division 78, or contract MIS, DIN or TTI; null: no activity given",
        source="Offre.codeNAF, Offre.secteurActivite, Offre.typeContrat",
    ),
)
"""Columns read out of others (derive/), beside them and never instead."""

OFFRES = pa.schema(
    [
        *_colonnes(OFFRE),
        column(
            "creation",
            _MS,
            "date_creation as an instant, on whatever clock the API writes (its Z is not trusted); null if unreadable",
            unite="ms",
            source="Offre.dateCreation",
        ),
        column(
            "departement",
            pa.string(),
            "département: from the commune's code, else from the label's beginning; null when neither says",
            source="Offre.lieuTravail",
        ),
        column("commune", pa.string(), "INSEE code of the commune, as in lieu_travail", source="LieuTravail.commune"),
        *DERIVEES,
        _AUTRES,
    ]
)
"""Offers online now, one row an offer."""

COLLECTES = pa.schema(
    [
        column("collecte", pa.string(), "name of the run: when it began, UTC"),
        column("source", pa.string(), "API that was asked"),
        column("simule", pa.bool_(), "the source is a twin: simulated data"),
        column("debut", _MS, "when the run began, UTC, our clock", unite="ms"),
        column("fin", _MS, "when the run ended, UTC, our clock", unite="ms"),
        column("preuve_la_plus_ancienne", _MS, "when its first page was received, UTC, our clock", unite="ms"),
        column("verdict", pa.string(), "prouvee, non prouvee, abandonnee or echouee"),
        column("prouvee", pa.bool_(), "the run proved that it read every offer"),
        column("annonce_premiere", pa.int64(), "first national total announced", unite="offers"),
        column("annonce_derniere", pa.int64(), "last national total announced", unite="offers"),
        column("distinctes", pa.int64(), "distinct offers read", unite="offers"),
        column("offres", pa.int64(), "offers in the table offres after the run", unite="offers"),
        column("nouvelles", pa.int64(), "offers that the run added", unite="offers"),
        column("modifiees", pa.int64(), "offers whose content the run changed", unite="offers"),
        column("retirees", pa.int64(), "offers that the run closed", unite="offers"),
        column("manquantes_connues", pa.int64(), "offers known to exist that could not be read", unite="offers"),
        column("appels", pa.int64(), "search attempts, retries included", unite="calls"),
        column("appels_plancher", pa.int64(), "least that could do: first total ÷ 150, rounded up", unite="calls"),
        column("ratio", pa.float64(), "appels ÷ appels_plancher"),
        column("relances", pa.int64(), "attempts made again", unite="calls"),
        column("statut_429", pa.int64(), "attempts answered 429", unite="calls"),
        column("duree_s", pa.float64(), "from its beginning to its last answer", unite="s"),
        column("version", pa.string(), "version of Moisson"),
        column("version_planificateur", pa.string(), "version of the planner"),
        column("chaine", pa.string(), "hash that ends the run's evidence: it names every fact of it"),
        column("raisons", pa.list_(pa.string()), "why it is not proved; empty when it is"),
    ]
)
"""Runs, one row each."""

FENETRES = pa.schema(
    [
        column("collecte", pa.string(), "name of the run"),
        column("numero", pa.int64(), "number of the window in its run"),
        column("debut", _MS, "oldest creation it covers, on the API's clock; null: no bound", unite="ms"),
        column("fin", _MS, "newest creation it covers, on the API's clock; null: no bound", unite="ms"),
        column("critere", pa.string(), "filters besides the dates; empty for none"),
        column("annonce_premiere", pa.int64(), "first total announced", unite="offers"),
        column("annonce_derniere", pa.int64(), "last total announced", unite="offers"),
        column("distinctes", pa.int64(), "distinct offers read in it", unite="offers"),
        column("manquantes", pa.int64(), "offers known to exist in it that could not be read", unite="offers"),
        column("preuve", pa.string(), "compte, ordre, page, or null: how it was proved"),
        column("verdict", pa.string(), "prouvee, en doute or manque"),
        column("raison", pa.string(), "why, for a person"),
        column("appels", pa.int64(), "pages asked for it", unite="calls"),
    ]
)
"""The proof of each run, one row a window."""

ERREURS = pa.schema(
    [
        column("collecte", pa.string(), "name of the run"),
        column("quand", _MS, "when, UTC, our clock", unite="ms"),
        column("ou", pa.string(), "where: the question, or the page"),
        column("quoi", pa.string(), "what failed"),
        column("reparee", pa.bool_(), "it was made good within the run"),
    ]
)
"""What failed in each run, and whether it was made good."""

DOUBLONS = pa.schema(
    [
        column("id", pa.string(), "identifier of the offer", source="Offre.id"),
        column("groupe_doublon", pa.string(), "smallest identifier of the offers that are the same job"),
        column("methode", pa.string(), "how it was found: exact (same text) or proche (nearly)"),
    ]
)
"""Jobs published through several partners: the offers of groups of two or more, one row each."""

TABLES = {"offres": OFFRES, "doublons": DOUBLONS, "collectes": COLLECTES, "fenetres": FENETRES, "erreurs": ERREURS}
"""The tables that every store has, even empty."""

SENS = {
    "offres": "Offers online now, one row an offer.",
    "doublons": "Jobs published through several partners: the offers of groups of two or more, one row each.",
    "collectes": "Runs, one row each.",
    "fenetres": "The proof of each run, one row a window.",
    "erreurs": "What failed in each run, and whether it was made good.",
}
"""What a row of each table is; docs/tables.md opens each chapter with it."""
