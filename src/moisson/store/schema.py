"""The columns of every table, each with its meaning, its unit and the API field it comes from.

Those of an offer come from the official schema (official.py), with what is derived from it beside them (derive/).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from moisson.store.official import OFFRE, Objet, arrow_type

__all__ = ["COLLECTES", "DERIVEES", "DOUBLONS", "ERREURS", "FENETRES", "OFFRES", "TABLES", "object_schema"]


def _colonne(nom: str, type_: pa.DataType, sens: str, *, unite: str = "", source: str = "") -> pa.Field[Any]:
    meta = {"meaning": sens, "unit": unite, "source": source}
    return pa.field(nom, type_, metadata={k: v for k, v in meta.items() if v})


_MS = pa.timestamp("ms")

_AUTRES = _colonne(
    "autres",
    pa.string(),
    "JSON object of what the other columns cannot hold: unknown keys, changed types, explicit nulls; "
    "nested as the API sent them, items of a list by their index; null when there is nothing",
)


def _colonnes(objet: Objet) -> list[pa.Field[Any]]:
    return [_colonne(c.nom, arrow_type(c.genre), c.sens, source=f"{objet.nom}.{c.cle}") for c in objet.champs]


def object_schema(objet: Objet) -> pa.Schema:
    """Columns of a table whose rows are such objects, what they do not know included."""
    return pa.schema([*_colonnes(objet), _AUTRES])


DERIVEES = (
    _colonne(
        "region",
        pa.string(),
        "code of the région of departement; null outside the 18 régions",
        source="Offre.lieuTravail",
    ),
    _colonne(
        "salaire_periode",
        pa.string(),
        "period of the pay as its label names it: horaire, mensuel, annuel, cachet, autre",
        source="Salaire.libelle",
    ),
    _colonne(
        "salaire_min",
        pa.float64(),
        "least pay for one period, before tax, as the label states it; null when implausible for its period",
        unite="EUR",
        source="Salaire.libelle",
    ),
    _colonne(
        "salaire_max",
        pa.float64(),
        "most pay for one period; equals salaire_min when the label states one amount",
        unite="EUR",
        source="Salaire.libelle",
    ),
    _colonne(
        "salaire_mois",
        pa.float64(),
        "months of pay that the label states, 1 to 24: 13 is a thirteenth month",
        unite="months",
        source="Salaire.libelle",
    ),
    _colonne(
        "salaire_annuel_min",
        pa.float64(),
        "least pay of a year of the job as offered: an hour counts 52 times heures_hebdo (35 when a full-time job does "
        "not say), a month 12 times or as often as the label says; null where that is unknown",
        unite="EUR a year",
        source="Salaire.libelle, Offre.dureeTravailLibelle",
    ),
    _colonne(
        "salaire_annuel_max",
        pa.float64(),
        "most pay of a year of the job as offered",
        unite="EUR a year",
        source="Salaire.libelle, Offre.dureeTravailLibelle",
    ),
    _colonne(
        "salaire_lu",
        pa.bool_(),
        "true: the label was read; false: it states nothing plausible; null: there is no label",
        source="Salaire.libelle",
    ),
    _colonne("heures_hebdo", pa.float64(), "working time a week", unite="hours", source="Offre.dureeTravailLibelle"),
    _colonne(
        "contrat_mois",
        pa.float64(),
        "length of the contract; a day is 12 ÷ 365 of a month; null when no length is named",
        unite="months",
        source="Offre.typeContratLibelle",
    ),
    _colonne(
        "experience_mois",
        pa.int64(),
        "experience required or wished for; 0 when a beginner is accepted; null when no length is named",
        unite="months",
        source="Offre.experienceExige, Offre.experienceLibelle",
    ),
    _colonne(
        "partenaires",
        pa.list_(pa.string()),
        "names of the partners that brought it; null for France Travail's own",
        source="OrigineOffre.partenaires",
    ),
    _colonne("postes", pa.int64(), "positions to fill, at least 1", source="Offre.nombrePostes"),
    _colonne(
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
        _colonne(
            "creation",
            _MS,
            "date_creation as an instant, on whatever clock the API writes (its Z is not trusted); null if unreadable",
            unite="ms",
            source="Offre.dateCreation",
        ),
        _colonne(
            "departement",
            pa.string(),
            "département: from the commune's code, else from the label's beginning; null when neither says",
            source="Offre.lieuTravail",
        ),
        _colonne("commune", pa.string(), "INSEE code of the commune, as in lieu_travail", source="LieuTravail.commune"),
        *DERIVEES,
        _AUTRES,
    ]
)
"""Offers online now, one row an offer."""

COLLECTES = pa.schema(
    [
        _colonne("collecte", pa.string(), "name of the run: when it began, UTC"),
        _colonne("source", pa.string(), "API that was asked"),
        _colonne("simule", pa.bool_(), "the source is a twin: simulated data"),
        _colonne("debut", _MS, "when the run began, UTC, our clock", unite="ms"),
        _colonne("fin", _MS, "when the run ended, UTC, our clock", unite="ms"),
        _colonne("preuve_la_plus_ancienne", _MS, "when its first page was received, UTC, our clock", unite="ms"),
        _colonne("verdict", pa.string(), "prouvee, non prouvee, abandonnee or echouee"),
        _colonne("prouvee", pa.bool_(), "the run proved that it read every offer"),
        _colonne("annonce_premiere", pa.int64(), "first national total announced", unite="offers"),
        _colonne("annonce_derniere", pa.int64(), "last national total announced", unite="offers"),
        _colonne("distinctes", pa.int64(), "distinct offers read", unite="offers"),
        _colonne("offres", pa.int64(), "offers in the table offres after the run", unite="offers"),
        _colonne("nouvelles", pa.int64(), "offers that the run added", unite="offers"),
        _colonne("modifiees", pa.int64(), "offers whose content the run changed", unite="offers"),
        _colonne("retirees", pa.int64(), "offers that the run closed", unite="offers"),
        _colonne("manquantes_connues", pa.int64(), "offers known to exist that could not be read", unite="offers"),
        _colonne("appels", pa.int64(), "search attempts, retries included", unite="calls"),
        _colonne("appels_plancher", pa.int64(), "least that could do: first total ÷ 150, rounded up", unite="calls"),
        _colonne("ratio", pa.float64(), "appels ÷ appels_plancher"),
        _colonne("relances", pa.int64(), "attempts made again", unite="calls"),
        _colonne("statut_429", pa.int64(), "attempts answered 429", unite="calls"),
        _colonne("duree_s", pa.float64(), "from its beginning to its last answer", unite="s"),
        _colonne("version", pa.string(), "version of Moisson"),
        _colonne("version_planificateur", pa.string(), "version of the planner"),
        _colonne("chaine", pa.string(), "hash that ends the run's evidence: it names every fact of it"),
        _colonne("raisons", pa.list_(pa.string()), "why it is not proved; empty when it is"),
    ]
)
"""Runs, one row each."""

FENETRES = pa.schema(
    [
        _colonne("collecte", pa.string(), "name of the run"),
        _colonne("numero", pa.int64(), "number of the window in its run"),
        _colonne("debut", _MS, "oldest creation it covers, on the API's clock; null: no bound", unite="ms"),
        _colonne("fin", _MS, "newest creation it covers, on the API's clock; null: no bound", unite="ms"),
        _colonne("critere", pa.string(), "filters besides the dates; empty for none"),
        _colonne("annonce_premiere", pa.int64(), "first total announced", unite="offers"),
        _colonne("annonce_derniere", pa.int64(), "last total announced", unite="offers"),
        _colonne("distinctes", pa.int64(), "distinct offers read in it", unite="offers"),
        _colonne("manquantes", pa.int64(), "offers known to exist in it that could not be read", unite="offers"),
        _colonne("preuve", pa.string(), "compte, ordre, page, or null: how it was proved"),
        _colonne("verdict", pa.string(), "prouvee, en doute or manque"),
        _colonne("raison", pa.string(), "why, for a person"),
        _colonne("appels", pa.int64(), "pages asked for it", unite="calls"),
    ]
)
"""The proof of each run, one row a window."""

ERREURS = pa.schema(
    [
        _colonne("collecte", pa.string(), "name of the run"),
        _colonne("quand", _MS, "when, UTC, our clock", unite="ms"),
        _colonne("ou", pa.string(), "where: the question, or the page"),
        _colonne("quoi", pa.string(), "what failed"),
        _colonne("reparee", pa.bool_(), "it was made good within the run"),
    ]
)
"""What failed in each run, and whether it was made good."""

DOUBLONS = pa.schema(
    [
        _colonne("id", pa.string(), "identifier of the offer", source="Offre.id"),
        _colonne("groupe_doublon", pa.string(), "smallest identifier of the offers that are the same job"),
        _colonne("methode", pa.string(), "how it was found: exact (same text) or proche (nearly)"),
    ]
)
"""Jobs published through several partners: the offers of groups of two or more, one row each."""

TABLES = {"offres": OFFRES, "doublons": DOUBLONS, "collectes": COLLECTES, "fenetres": FENETRES, "erreurs": ERREURS}
"""The tables that every store has, even empty."""
