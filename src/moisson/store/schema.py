"""The columns of every table, each with its meaning, its unit and the API field it comes from.

Those of an offer come from the official schema (official.py), with what is derived from it beside them (derive/).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from moisson.store.colonne import MS, colonne
from moisson.store.history_schema import AGREGATS_JOUR, HISTOIRE, PRESENCE
from moisson.store.official import OFFRE, Objet, arrow_type

__all__ = [
    "COLLECTES",
    "DERIVEES",
    "DOUBLONS",
    "ERREURS",
    "FENETRES",
    "OFFRES",
    "OFFRES_DATEES",
    "SENS",
    "TABLES",
    "object_schema",
]


_AUTRES = colonne(
    "autres",
    pa.string(),
    "JSON object of what the other columns cannot hold: unknown keys, changed types, explicit nulls; "
    "nested as the API sent them, items of a list by their index; null when there is nothing",
)


def _colonnes(objet: Objet) -> list[pa.Field[Any]]:
    return [colonne(c.nom, arrow_type(c.genre), c.sens, source=f"{objet.nom}.{c.cle}") for c in objet.champs]


def object_schema(objet: Objet) -> pa.Schema:
    """Columns of a table whose rows are such objects, what they do not know included."""
    return pa.schema([*_colonnes(objet), _AUTRES])


DERIVEES = (
    colonne(
        "region",
        pa.string(),
        "code of the région of departement; null outside the 18 régions",
        source="Offre.lieuTravail",
    ),
    colonne(
        "salaire_periode",
        pa.string(),
        "period of the pay as its label names it: horaire, mensuel, annuel, cachet, autre",
        source="Salaire.libelle",
    ),
    colonne(
        "salaire_min",
        pa.float64(),
        "least pay for one period, before tax, as the label states it; null when implausible for its period",
        unite="EUR",
        source="Salaire.libelle",
    ),
    colonne(
        "salaire_max",
        pa.float64(),
        "most pay for one period; equals salaire_min when the label states one amount",
        unite="EUR",
        source="Salaire.libelle",
    ),
    colonne(
        "salaire_mois",
        pa.float64(),
        "months of pay that the label states, 1 to 24: 13 is a thirteenth month",
        unite="months",
        source="Salaire.libelle",
    ),
    colonne(
        "salaire_annuel_min",
        pa.float64(),
        "least pay of a year of the job as offered: an hour counts 52 times heures_hebdo (35 when a full-time job does "
        "not say), a month 12 times or as often as the label says; null where that is unknown",
        unite="EUR a year",
        source="Salaire.libelle, Offre.dureeTravailLibelle",
    ),
    colonne(
        "salaire_annuel_max",
        pa.float64(),
        "most pay of a year of the job as offered",
        unite="EUR a year",
        source="Salaire.libelle, Offre.dureeTravailLibelle",
    ),
    colonne(
        "salaire_lu",
        pa.bool_(),
        "true: the label was read; false: it states nothing plausible; null: there is no label",
        source="Salaire.libelle",
    ),
    colonne("heures_hebdo", pa.float64(), "working time a week", unite="hours", source="Offre.dureeTravailLibelle"),
    colonne(
        "contrat_mois",
        pa.float64(),
        "length of the contract; a day is 12 ÷ 365 of a month; null when no length is named",
        unite="months",
        source="Offre.typeContratLibelle",
    ),
    colonne(
        "experience_mois",
        pa.int64(),
        "experience required or wished for; 0 when a beginner is accepted; null when no length is named",
        unite="months",
        source="Offre.experienceExige, Offre.experienceLibelle",
    ),
    colonne(
        "partenaires",
        pa.list_(pa.string()),
        "names of the partners that brought it; null for France Travail's own",
        source="OrigineOffre.partenaires",
    ),
    colonne("postes", pa.int64(), "positions to fill, at least 1", source="Offre.nombrePostes"),
    colonne(
        "interim",
        pa.bool_(),
        "offered by a temp agency: NAF division 78, or contract MIS, DIN or TTI; null: no activity given",
        source="Offre.codeNAF, Offre.secteurActivite, Offre.typeContrat",
    ),
    colonne(
        "mots_longs",
        pa.list_(pa.int64()),
        "digests of the description's four longest words; the table doublons compares texts that share some",
        source="Offre.description",
    ),
)
"""Columns read out of others (derive/), beside them and never instead."""

_REGLES = "1"
"""Number of the rules that make them. Another one has all rows made anew: it is part of what a fold compares."""

OFFRES = pa.schema(
    [
        *_colonnes(OFFRE),
        colonne(
            "creation",
            MS,
            "date_creation as an instant, on whatever clock the API writes (its Z is not trusted); null if unreadable",
            unite="ms",
            source="Offre.dateCreation",
        ),
        colonne(
            "departement",
            pa.string(),
            "département: from the commune's code, else from the label's beginning; null when neither says",
            source="Offre.lieuTravail",
        ),
        colonne("commune", pa.string(), "INSEE code of the commune, as in lieu_travail", source="LieuTravail.commune"),
        *DERIVEES,
        _AUTRES,
    ]
)
"""What is stored of an offer's content."""

OFFRES_DATEES = pa.schema([*OFFRES, *HISTOIRE], metadata={"derive": _REGLES})
"""Offers online now, one row an offer; in `offres_versions`, each content that an offer has had."""

COLLECTES = pa.schema(
    [
        colonne("collecte", pa.string(), "name of the run: when it began, UTC"),
        colonne("source", pa.string(), "API that was asked"),
        colonne("simule", pa.bool_(), "the source is a twin: simulated data"),
        colonne("debut", MS, "when the run began, UTC, our clock", unite="ms"),
        colonne("fin", MS, "when the run ended, UTC, our clock", unite="ms"),
        colonne(
            "instant",
            MS,
            "instant that dates all that the run found: its beginning, or just after the run before it if the clock "
            "was set back",
            unite="ms",
        ),
        colonne("preuve_la_plus_ancienne", MS, "when its oldest page was received, UTC, our clock", unite="ms"),
        colonne("suite_de", pa.string(), "run without a proof that this one continues; null for most"),
        colonne("verdict", pa.string(), "prouvee, non prouvee, abandonnee or echouee"),
        colonne("prouvee", pa.bool_(), "the run proved that it read every offer"),
        colonne("annonce_premiere", pa.int64(), "first national total announced", unite="offers"),
        colonne("annonce_derniere", pa.int64(), "last national total announced", unite="offers"),
        colonne("distinctes", pa.int64(), "distinct offers read", unite="offers"),
        colonne("offres", pa.int64(), "offers in the table offres after the run", unite="offers"),
        colonne("nouvelles", pa.int64(), "offers that the run added", unite="offers"),
        colonne("modifiees", pa.int64(), "offers whose content the run changed", unite="offers"),
        colonne("retirees", pa.int64(), "offers that the run closed", unite="offers"),
        colonne("retraits_demandes", pa.int64(), "withdrawals asked of the detail resource", unite="offers"),
        colonne("retraits_confirmes", pa.int64(), "those of them that it confirmed (204)", unite="offers"),
        colonne("manquantes_connues", pa.int64(), "offers known to exist that could not be read", unite="offers"),
        colonne("appels", pa.int64(), "search attempts, retries included", unite="calls"),
        colonne("appels_ensemble", pa.int64(), "the same, with those of the runs that it continues", unite="calls"),
        colonne("appels_plancher", pa.int64(), "least that could do: first total ÷ 150, rounded up", unite="calls"),
        colonne("ratio", pa.float64(), "appels ÷ appels_plancher"),
        colonne("relances", pa.int64(), "attempts made again", unite="calls"),
        colonne("statut_429", pa.int64(), "attempts answered 429", unite="calls"),
        colonne("duree_s", pa.float64(), "from its beginning to its last answer", unite="s"),
        colonne("pauses_s", pa.float64(), "of that, interrupted and not yet taken up again", unite="s"),
        colonne("version", pa.string(), "version of Moisson"),
        colonne("version_planificateur", pa.string(), "version of the planner"),
        colonne("octets_lac", pa.int64(), "all tables after the run, but this one", unite="bytes"),
        colonne("octets_ecrits", pa.int64(), "what its fold wrote of them; the rest was linked", unite="bytes"),
        colonne("chaine", pa.string(), "hash that ends the run's evidence: it names every fact of it"),
        colonne("raisons", pa.list_(pa.string()), "why it is not proved; empty when it is"),
    ]
)
"""Runs, one row each."""

FENETRES = pa.schema(
    [
        colonne("collecte", pa.string(), "name of the run"),
        colonne("numero", pa.int64(), "number of the window in its run"),
        colonne("debut", MS, "oldest creation it covers, on the API's clock; null: no bound", unite="ms"),
        colonne("fin", MS, "newest creation it covers, on the API's clock; null: no bound", unite="ms"),
        colonne("critere", pa.string(), "filters besides the dates; empty for none"),
        colonne("annonce_premiere", pa.int64(), "first total announced", unite="offers"),
        colonne("annonce_derniere", pa.int64(), "last total announced", unite="offers"),
        colonne("distinctes", pa.int64(), "distinct offers read in it", unite="offers"),
        colonne("manquantes", pa.int64(), "offers known to exist in it that could not be read", unite="offers"),
        colonne("preuve", pa.string(), "compte, ordre, page, or null: how it was proved"),
        colonne("verdict", pa.string(), "prouvee, en doute or manque"),
        colonne("raison", pa.string(), "why, for a person"),
        colonne("appels", pa.int64(), "pages asked for it", unite="calls"),
    ]
)
"""The proof of each run, one row a window."""

ERREURS = pa.schema(
    [
        colonne("collecte", pa.string(), "name of the run"),
        colonne("quand", MS, "when it was made good or given up, UTC, our clock", unite="ms"),
        colonne("ou", pa.string(), "where: the question, or the page"),
        colonne("quoi", pa.string(), "what failed: a question, or attempts at one, by HTTP status or kind of trouble"),
        colonne("reparee", pa.bool_(), "it was made good within the run"),
    ]
)
"""What failed in each run, and whether it was made good."""

DOUBLONS = pa.schema(
    [
        colonne("id", pa.string(), "identifier of the offer", source="Offre.id"),
        colonne("groupe_doublon", pa.string(), "smallest identifier of the offers that are the same job"),
        colonne("methode", pa.string(), "how it was found: exact (same text) or proche (nearly)"),
    ]
)
"""Jobs published through several partners: the offers of groups of two or more, one row each."""

TABLES = {
    "offres": OFFRES_DATEES,
    "offres_versions": OFFRES_DATEES,
    "presence": PRESENCE,
    "agregats_jour": AGREGATS_JOUR,
    "doublons": DOUBLONS,
    "collectes": COLLECTES,
    "fenetres": FENETRES,
    "erreurs": ERREURS,
}
"""The tables that every store has, even empty."""

SENS = {
    "offres": "Offers online now, one row an offer.",
    "offres_versions": "Contents that offers have had, one row each; those no longer published are anonymised.",
    "presence": "Stays online, one row each: an offer that comes back begins another one.",
    "agregats_jour": "Counts by day, commune, trade and contract, only where that day changed them.",
    "doublons": "Jobs published through several partners: the offers of groups of two or more, one row each.",
    "collectes": "Runs, one row each.",
    "fenetres": "The proof of each run, one row a window.",
    "erreurs": "What failed in each run, and whether it was made good.",
}
"""What a row of each table is; docs/tables.md opens each chapter with it."""
