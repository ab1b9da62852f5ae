"""The columns of every table, each with its meaning, its unit and the API field it comes from.

`OFFRE` is the official schema of an offer as a tree; the typed structs that decode an offer (rows.py), the Arrow
columns and the documentation all come from it. What the tree does not know is kept in the column `autres`, so a new
or changed field of the API loses nothing before this file learns it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

__all__ = [
    "COLLECTES",
    "ERREURS",
    "FENETRES",
    "OFFRE",
    "OFFRES",
    "REFERENTIELS",
    "TABLES",
    "Champ",
    "Liste",
    "Objet",
    "Scalaire",
    "arrow_type",
    "object_schema",
    "snake",
]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@functools.cache
def snake(cle: str) -> str:
    """The one way from the API's spelling to ours: dateCreation → date_creation, codeNAF → code_naf."""
    return _HUMP.sub("_", cle).lower()


@dataclass(frozen=True)
class Scalaire:
    """A single value: "texte", "nombre" (double), "entier" (64 bits) or "booleen"."""

    genre: str


@dataclass(frozen=True)
class Liste:
    """A list of values of one kind."""

    de: Scalaire | Objet


@dataclass(frozen=True)
class Champ:
    """One key of an object of the API, in the API's spelling, with what it means."""

    cle: str
    genre: Scalaire | Liste | Objet
    sens: str

    @property
    def nom(self) -> str:
        """Name of the column."""
        return snake(self.cle)


@dataclass(frozen=True)
class Objet:
    """An object of the API.

    Attributes:
        nom: name of its schema in the API's official file.
        champs: its keys.
    """

    nom: str
    champs: tuple[Champ, ...]


_TEXTE, _NOMBRE, _ENTIER, _BOOLEEN = (Scalaire(genre) for genre in ("texte", "nombre", "entier", "booleen"))

_EXIGENCE = Champ("exigence", _TEXTE, "E: required, S: wished for")

_LIEU = Objet(
    "LieuTravail",
    (
        Champ("libelle", _TEXTE, "label: 74 - Rumilly, 74 - Savoie (Haute), France, Luxembourg"),
        Champ("latitude", _NOMBRE, "degrees north, WGS 84"),
        Champ("longitude", _NOMBRE, "degrees east, WGS 84"),
        Champ("codePostal", _TEXTE, "postcode"),
        Champ("commune", _TEXTE, "INSEE code of the commune; may be an arrondissement of Paris, Lyon or Marseille"),
    ),
)
_ENTREPRISE = Objet(
    "Entreprise",
    (
        Champ("nom", _TEXTE, "name"),
        Champ("description", _TEXTE, "description"),
        Champ("logo", _TEXTE, "address of the logo"),
        Champ("url", _TEXTE, "web site"),
        Champ("entrepriseAdaptee", _BOOLEEN, "is an entreprise adaptée"),
    ),
)
_FORMATION = Objet(
    "Formation",
    (
        Champ("codeFormation", _TEXTE, "code of the field of training"),
        Champ("domaineLibelle", _TEXTE, "field of training"),
        Champ("niveauLibelle", _TEXTE, "level of training"),
        Champ("commentaire", _TEXTE, "comment"),
        _EXIGENCE,
    ),
)
_LANGUE = Objet("Langue", (Champ("libelle", _TEXTE, "language"), _EXIGENCE))
_PERMIS = Objet("Permis", (Champ("libelle", _TEXTE, "driving licence"), _EXIGENCE))
_COMPETENCE = Objet(
    "Competence",
    (Champ("code", _TEXTE, "code; absent on free ones"), Champ("libelle", _TEXTE, "competence"), _EXIGENCE),
)
_COMPLEMENT = Objet("ComplementSalaire", (Champ("code", _TEXTE, "code"), Champ("libelle", _TEXTE, "label")))
_SALAIRE = Objet(
    "Salaire",
    (
        Champ("libelle", _TEXTE, "label: Mensuel de 1923.00 Euros sur 12 mois"),
        Champ("commentaire", _TEXTE, "comment"),
        Champ("complement1", _TEXTE, "first addition to the pay"),
        Champ("complement2", _TEXTE, "second addition to the pay"),
        Champ("listeComplements", Liste(_COMPLEMENT), "all additions to the pay, 5 at most"),
    ),
)
_CONTACT = Objet(
    "Contact",
    (
        Champ("nom", _TEXTE, "name of the recruiter"),
        Champ("coordonnees1", _TEXTE, "address of the recruiter, first line"),
        Champ("coordonnees2", _TEXTE, "address of the recruiter, second line"),
        Champ("coordonnees3", _TEXTE, "address of the recruiter, third line"),
        Champ("telephone", _TEXTE, "telephone of the recruiter"),
        Champ("courriel", _TEXTE, "a sentence with a link to the offer, no longer an address"),
        Champ("commentaire", _TEXTE, "comment"),
        Champ("urlRecruteur", _TEXTE, "web site of the recruiter"),
        Champ("urlPostulation", _TEXTE, "form to apply"),
    ),
)
_AGENCE = Objet(
    "Agence",
    (
        Champ("telephone", _TEXTE, "telephone of the France Travail agency"),
        Champ("courriel", _TEXTE, "a sentence with a link to the offer, no longer an address"),
    ),
)
_QUALITE = Objet(
    "QualitePro", (Champ("libelle", _TEXTE, "professional quality"), Champ("description", _TEXTE, "description"))
)
_PARTENAIRE = Objet(
    "PartenaireOffre",
    (
        Champ("nom", _TEXTE, "name of the partner"),
        Champ("url", _TEXTE, "the offer on the partner's site"),
        Champ("logo", _TEXTE, "address of the partner's logo"),
    ),
)
_ORIGINE = Objet(
    "OrigineOffre",
    (
        Champ("origine", _TEXTE, "1: France Travail, 2: a partner"),
        Champ("urlOrigine", _TEXTE, "the offer's page"),
        Champ("partenaires", Liste(_PARTENAIRE), "the partners that brought it; several for merged offers"),
    ),
)
_CONTEXTE = Objet(
    "ContexteTravail",
    (
        Champ("horaires", Liste(_TEXTE), "working hours"),
        Champ("conditionsExercice", Liste(_TEXTE), "working conditions"),
    ),
)

OFFRE = Objet(
    "Offre",
    (
        Champ("id", _TEXTE, "identifier, 7 characters, leading zeros count"),
        Champ("intitule", _TEXTE, "title"),
        Champ("description", _TEXTE, "text, cut at 5,000 characters by the API"),
        Champ("dateCreation", _TEXTE, "creation as the API wrote it; republishing moves it"),
        Champ("dateActualisation", _TEXTE, "last update as the API wrote it"),
        Champ("lieuTravail", _LIEU, "place of work"),
        Champ("romeCode", _TEXTE, "ROME code of the trade"),
        Champ("romeLibelle", _TEXTE, "label of the ROME code"),
        Champ("appellationlibelle", _TEXTE, "label of the ROME appellation"),
        Champ("entreprise", _ENTREPRISE, "employer"),
        Champ("typeContrat", _TEXTE, "code of the contract: CDI, CDD, MIS ..."),
        Champ("typeContratLibelle", _TEXTE, "contract, often with its length"),
        Champ("natureContrat", _TEXTE, "nature of the contract: the label, not the code"),
        Champ("experienceExige", _TEXTE, "D: beginner accepted, S: experience wished for, E: required"),
        Champ("experienceLibelle", _TEXTE, "experience"),
        Champ("experienceCommentaire", _TEXTE, "comment on the experience"),
        Champ("formations", Liste(_FORMATION), "training asked for"),
        Champ("langues", Liste(_LANGUE), "languages asked for"),
        Champ("permis", Liste(_PERMIS), "driving licences asked for"),
        Champ("outilsBureautiques", Liste(_TEXTE), "office software used"),
        Champ("competences", Liste(_COMPETENCE), "competences asked for"),
        Champ("salaire", _SALAIRE, "pay"),
        Champ("dureeTravailLibelle", _TEXTE, "working time, free text"),
        Champ("dureeTravailLibelleConverti", _TEXTE, "Temps plein or Temps partiel"),
        Champ("complementExercice", _TEXTE, "complement on the work"),
        Champ("conditionExercice", _TEXTE, "working conditions"),
        Champ("alternance", _BOOLEEN, "is a work-study contract"),
        Champ("contact", _CONTACT, "contact; kept only with store_contacts"),
        Champ("agence", _AGENCE, "France Travail agency; kept only with store_contacts"),
        Champ("nombrePostes", _ENTIER, "positions to fill"),
        Champ("accessibleTH", _BOOLEEN, "open to disabled workers"),
        Champ("deplacementCode", _TEXTE, "code of how often one travels"),
        Champ("deplacementLibelle", _TEXTE, "how often one travels"),
        Champ("qualificationCode", _TEXTE, "1 to 9: from manœuvre to cadre"),
        Champ("qualificationLibelle", _TEXTE, "label of the qualification"),
        Champ("codeNAF", _TEXTE, "NAF (APE) code of the employer's activity"),
        Champ("secteurActivite", _TEXTE, "NAF division, 2 digits"),
        Champ("secteurActiviteLibelle", _TEXTE, "label of the activity"),
        Champ("qualitesProfessionnelles", Liste(_QUALITE), "professional qualities asked for"),
        Champ("trancheEffectifEtab", _TEXTE, "size of the establishment"),
        Champ("origineOffre", _ORIGINE, "where the offer comes from"),
        Champ("offresManqueCandidats", _BOOLEEN, "is hard to fill"),
        Champ("contexteTravail", _CONTEXTE, "hours and conditions"),
        Champ("entrepriseAdaptee", _BOOLEEN, "the employer is an entreprise adaptée"),
        Champ("employeurHandiEngage", _BOOLEEN, "the employer is recognised for its disability policy"),
    ),
)
"""An offer as the official schema has it (components.schemas.Offre of the API's OpenAPI file)."""

_SCALAIRES: dict[str, pa.DataType] = {
    "texte": pa.string(),
    "nombre": pa.float64(),
    "entier": pa.int64(),
    "booleen": pa.bool_(),
}


def arrow_type(genre: Scalaire | Liste | Objet) -> pa.DataType:
    """The Arrow type that holds a value of this kind."""
    if isinstance(genre, Scalaire):
        return _SCALAIRES[genre.genre]
    if isinstance(genre, Liste):
        return pa.list_(arrow_type(genre.de))
    return pa.struct([pa.field(champ.nom, arrow_type(champ.genre)) for champ in genre.champs])


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
        _colonne("octets_lac", pa.int64(), "all tables after the run, but this one", unite="bytes"),
        _colonne("octets_ecrits", pa.int64(), "what its fold wrote of them; the rest was linked", unite="bytes"),
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

TABLES = {"offres": OFFRES, "collectes": COLLECTES, "fenetres": FENETRES, "erreurs": ERREURS}
"""The tables that every store has, even empty."""

_CODE, _LIBELLE = Champ("code", _TEXTE, "code"), Champ("libelle", _TEXTE, "label")
_REFERENTIEL = Objet("Referentiel", (_CODE, _LIBELLE))
_PARTICULIERS = {
    "communes": Objet(
        "Commune",
        (
            Champ("code", _TEXTE, "INSEE code"),
            Champ("libelle", _TEXTE, "name, in capitals"),
            Champ("codePostal", _TEXTE, "postcode"),
            Champ("codeDepartement", _TEXTE, "code of the département"),
        ),
    ),
    "departements": Objet(
        "Departement",
        (
            Champ("code", _TEXTE, "code"),
            Champ("libelle", _TEXTE, "name"),
            Champ("region", Objet("Region", (_CODE, _LIBELLE)), "its region"),
        ),
    ),
}

REFERENTIELS: dict[str, Objet] = {
    cle: _PARTICULIERS.get(cle, _REFERENTIEL)
    for cle in (
        "appellations",
        "communes",
        "continents",
        "departements",
        "domaines",
        "langues",
        "metiers",
        "naturesContrats",
        "nafs",
        "niveauxFormations",
        "pays",
        "permis",
        "regions",
        "secteursActivites",
        "themes",
        "typesContrats",
    )
}
"""The 16 code lists by the name of their resource, with the schema of one row."""
