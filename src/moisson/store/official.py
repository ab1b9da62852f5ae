"""The API's official schema as a tree: each key of an offer and of a code list, with its kind and its meaning.

The typed structs that decode an offer (rows.py), the Arrow columns (schema.py) and docs/tables.md all come from it.
What the tree does not know is kept in the column `autres`, so a new or changed field of the API loses nothing before
this file learns it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import pyarrow as pa

__all__ = [
    "OFFRE",
    "PRESENCE_SOURCE",
    "REFERENTIELS",
    "Champ",
    "Liste",
    "Objet",
    "Scalaire",
    "arrow_type",
    "snake",
]

PRESENCE_SOURCE = "1,515 recorded offers of August 2025; the country's mix of partners may differ"
"""Where the shares of presence come from."""

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
    """One key of an object of the API, in the API's spelling, with what it means.

    Attributes:
        cle: the key.
        genre: what its value is.
        sens: what it means.
        presence: share of the offers that have it, in %: France Travail's own, partners'. See PRESENCE_SOURCE.
    """

    cle: str
    genre: Scalaire | Liste | Objet
    sens: str
    presence: tuple[float, float] | None = None

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
        Champ("libelle", _TEXTE, "label: 74 - Rumilly, 74 - Savoie (Haute), France, Luxembourg", (100, 100)),
        Champ("latitude", _NOMBRE, "degrees north, WGS 84", (99.4, 97.1)),
        Champ("longitude", _NOMBRE, "degrees east, WGS 84", (99.4, 97.1)),
        Champ("codePostal", _TEXTE, "postcode", (99.6, 95.1)),
        Champ(
            "commune",
            _TEXTE,
            "INSEE code of the commune; may be an arrondissement of Paris, Lyon or Marseille",
            (99.6, 95.1),
        ),
    ),
)
_ENTREPRISE = Objet(
    "Entreprise",
    (
        Champ("nom", _TEXTE, "name", (98, 55)),
        Champ("description", _TEXTE, "description", (40, 54)),
        Champ("logo", _TEXTE, "address of the logo", (7, 0)),
        Champ("url", _TEXTE, "web site", (5, 0)),
        Champ("entrepriseAdaptee", _BOOLEEN, "is an entreprise adaptée", (100, 92)),
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
        Champ("libelle", _TEXTE, "label: Mensuel de 1923.00 Euros sur 12 mois", (77, 39)),
        Champ("commentaire", _TEXTE, "comment", (25, 8)),
        Champ("complement1", _TEXTE, "first addition to the pay", (53, 0)),
        Champ("complement2", _TEXTE, "second addition to the pay", (24, 0)),
        Champ("listeComplements", Liste(_COMPLEMENT), "all additions to the pay, 5 at most"),
    ),
)
_CONTACT = Objet(
    "Contact",
    (
        Champ("nom", _TEXTE, "name of the recruiter", (67, 0)),
        Champ("coordonnees1", _TEXTE, "address of the recruiter, first line", (81, 0)),
        Champ("coordonnees2", _TEXTE, "address of the recruiter, second line", (12, 0)),
        Champ("coordonnees3", _TEXTE, "address of the recruiter, third line", (12, 0)),
        Champ("telephone", _TEXTE, "telephone of the recruiter", (1, 0)),
        Champ("courriel", _TEXTE, "a sentence with a link to the offer, no longer an address", (41, 0)),
        Champ("commentaire", _TEXTE, "comment"),
        Champ("urlRecruteur", _TEXTE, "web site of the recruiter"),
        Champ("urlPostulation", _TEXTE, "form to apply", (26, 0)),
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
        Champ("origine", _TEXTE, "1: France Travail, 2: a partner", (100, 100)),
        Champ("urlOrigine", _TEXTE, "the offer's page", (100, 100)),
        Champ("partenaires", Liste(_PARTENAIRE), "the partners that brought it; several for merged offers", (0, 100)),
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
        Champ("id", _TEXTE, "identifier, 7 characters, leading zeros count", (100, 100)),
        Champ("intitule", _TEXTE, "title", (100, 100)),
        Champ("description", _TEXTE, "text, cut at 5,000 characters by the API", (100, 100)),
        Champ("dateCreation", _TEXTE, "creation as the API wrote it; republishing moves it", (100, 100)),
        Champ("dateActualisation", _TEXTE, "last update as the API wrote it", (100, 92)),
        Champ("lieuTravail", _LIEU, "place of work", (100, 100)),
        Champ("romeCode", _TEXTE, "ROME code of the trade", (100, 100)),
        Champ("romeLibelle", _TEXTE, "label of the ROME code", (100, 100)),
        Champ("appellationlibelle", _TEXTE, "label of the ROME appellation", (100, 100)),
        Champ("entreprise", _ENTREPRISE, "employer", (100, 100)),
        Champ("typeContrat", _TEXTE, "code of the contract: CDI, CDD, MIS ...", (100, 100)),
        Champ("typeContratLibelle", _TEXTE, "contract, often with its length", (100, 100)),
        Champ("natureContrat", _TEXTE, "nature of the contract: the label, not the code", (100, 100)),
        Champ("experienceExige", _TEXTE, "D: beginner accepted, S: experience wished for, E: required", (100, 100)),
        Champ("experienceLibelle", _TEXTE, "experience", (100, 92)),
        Champ("experienceCommentaire", _TEXTE, "comment on the experience", (4, 0.5)),
        Champ("formations", Liste(_FORMATION), "training asked for", (22, 0.6)),
        Champ("langues", Liste(_LANGUE), "languages asked for", (13, 1)),
        Champ("permis", Liste(_PERMIS), "driving licences asked for", (21, 0.1)),
        Champ("outilsBureautiques", Liste(_TEXTE), "office software used", (0, 0)),
        Champ("competences", Liste(_COMPETENCE), "competences asked for", (69, 0)),
        Champ("salaire", _SALAIRE, "pay", (100, 100)),
        Champ("dureeTravailLibelle", _TEXTE, "working time, free text", (99, 11)),
        Champ("dureeTravailLibelleConverti", _TEXTE, "Temps plein or Temps partiel", (99, 6)),
        Champ("complementExercice", _TEXTE, "complement on the work", (0, 6)),
        Champ("conditionExercice", _TEXTE, "working conditions", (0, 0)),
        Champ("alternance", _BOOLEEN, "is a work-study contract", (100, 100)),
        Champ("contact", _CONTACT, "contact; kept only with store_contacts", (100, 8)),
        Champ("agence", _AGENCE, "France Travail agency; kept only with store_contacts", (100, 0)),
        Champ("nombrePostes", _ENTIER, "positions to fill", (100, 100)),
        Champ("accessibleTH", _BOOLEEN, "open to disabled workers", (100, 92)),
        Champ("deplacementCode", _TEXTE, "code of how often one travels", (40, 0)),
        Champ("deplacementLibelle", _TEXTE, "how often one travels", (40, 0)),
        Champ("qualificationCode", _TEXTE, "1 to 9: from manœuvre to cadre", (100, 8)),
        Champ("qualificationLibelle", _TEXTE, "label of the qualification", (100, 8)),
        Champ("codeNAF", _TEXTE, "NAF (APE) code of the employer's activity", (100, 33)),
        Champ("secteurActivite", _TEXTE, "NAF division, 2 digits", (100, 33)),
        Champ("secteurActiviteLibelle", _TEXTE, "label of the activity", (100, 33)),
        Champ("qualitesProfessionnelles", Liste(_QUALITE), "professional qualities asked for", (55, 0)),
        Champ("trancheEffectifEtab", _TEXTE, "size of the establishment", (0, 0)),
        Champ("origineOffre", _ORIGINE, "where the offer comes from", (100, 100)),
        Champ("offresManqueCandidats", _BOOLEEN, "is hard to fill", (99, 0)),
        Champ("contexteTravail", _CONTEXTE, "hours and conditions", (100, 100)),
        Champ("entrepriseAdaptee", _BOOLEEN, "the employer is an entreprise adaptée", (100, 100)),
        Champ("employeurHandiEngage", _BOOLEEN, "the employer is recognised for its disability policy", (100, 100)),
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
