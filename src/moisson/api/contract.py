"""What the documentation of Offres d'emploi v2 promises, and apart from it, what was merely observed.

The day the API changes, doubt the second half first. Nothing here is computed and nothing is read from outside.

Source: the official OpenAPI file of Offres d'emploi v2 and the pages of francetravail.io, read in November 2026.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "API_URL",
    "CHEMIN_OFFRE",
    "CHEMIN_RECHERCHE",
    "CHEMIN_REFERENTIEL",
    "DERNIER_MAX",
    "EN_TETE_PLAFOND",
    "EN_TETE_RECHARGE",
    "ETENDUE_MAX",
    "FORMAT_BORNE",
    "GRANT_TYPE",
    "JETON_DUREE_S",
    "PAGE_MAX",
    "PARAMETRES",
    "PARAMETRES_EN_OU",
    "PARAMETRES_RESERVES",
    "PREMIER_MAX",
    "RATE_DEFAULT",
    "REFERENTIELS",
    "SCOPES",
    "TOKEN_URL",
    "TRI_PAR_DATE",
]

# ---------------------------------------------------------------------------------------------------------- promised

API_URL: Final = "https://api.francetravail.io/partenaire/offresdemploi"
"""Base of every call; the paths below are added to it."""

TOKEN_URL: Final = "https://entreprise.francetravail.fr/connexion/oauth2/access_token?realm=%2Fpartenaire"
"""Where a token is asked for. The realm belongs in the query string, not in the body."""

CHEMIN_RECHERCHE: Final = "/v2/offres/search"
CHEMIN_OFFRE: Final = "/v2/offres/"
CHEMIN_REFERENTIEL: Final = "/v2/referentiel/"

GRANT_TYPE: Final = "client_credentials"
SCOPES: Final = "api_offresdemploiv2 o2dsoffre"
"""Exactly these two words; `application_<client_id>`, still seen in old code, is not needed and was once refused."""

PAGE_MAX: Final = 150
"""Rows in one answer."""

PREMIER_MAX: Final = 3000
"""Largest first row of a range, 0-based."""

DERNIER_MAX: Final = 3149
"""Largest last row of a range, 0-based."""

ETENDUE_MAX: Final = DERNIER_MAX + 1
"""Rows that one search can show, however many it announces: 21 pages of 150."""

TRI_PAR_DATE: Final = "1"
"""`sort`: newest first, then relevance, distance, origin. Nothing orders the offers of one second for certain."""

FORMAT_BORNE: Final = "%Y-%m-%dT%H:%M:%SZ"
"""minCreationDate and maxCreationDate, given together or not at all, without milliseconds."""

PARAMETRES: Final = frozenset(
    {
        "accesTravailleurHandicape",
        "appellation",
        "codeNAF",
        "codeROME",
        "commune",
        "departement",
        "distance",
        "domaine",
        "dureeContratMax",
        "dureeContratMin",
        # The official file writes it with a trailing space, which is a slip: the name that works has none.
        "dureeHebdo",
        "dureeHebdoMax",
        "dureeHebdoMin",
        "employeursHandiEngages",
        "entreprisesAdaptees",
        "experience",
        "experienceExigence",
        "grandDomaine",
        "inclureLimitrophes",
        "maxCreationDate",
        "minCreationDate",
        "modeSelectionPartenaires",
        "motsCles",
        "natureContrat",
        "niveauFormation",
        "offresMRS",
        "offresManqueCandidats",
        "origineOffre",
        "partenaires",
        "paysContinent",
        "periodeSalaire",
        "permis",
        "publieeDepuis",
        "qualification",
        "range",
        "region",
        "salaireMin",
        "secteurActivite",
        "sort",
        "tempsPlein",
        "theme",
        "typeContrat",
    }
)
"""Every search parameter there is."""

PARAMETRES_RESERVES: Final = frozenset({"range", "sort", "minCreationDate", "maxCreationDate"})
"""Those that a Question sets itself; a Critere may not."""

REFERENTIELS: Final = (
    "appellations",
    "communes",
    "continents",
    "departements",
    "domaines",
    "langues",
    "metiers",
    "nafs",
    "naturesContrats",
    "niveauxFormations",
    "pays",
    "permis",
    "regions",
    "secteursActivites",
    "themes",
    "typesContrats",
)
"""The 16 code lists."""

# ---------------------------------------------------------------------------------------------------------- observed

PARAMETRES_EN_OU: Final = (
    frozenset({"typeContrat", "natureContrat"}),
    frozenset({"entreprisesAdaptees", "employeursHandiEngages"}),
)
"""Pairs whose filters add up instead of narrowing each other. The first is documented, the second was measured in 2026;
either would turn a cut into parts that overlap."""

RATE_DEFAULT: Final = 3.0
"""Calls a second and application that were allowed in every year since 2021. Announced: 4; measured in 2026: 10."""

JETON_DUREE_S: Final = 1499.0
"""`expires_in` in every record from 2021 to 2026; used only if an answer does not say."""

EN_TETE_RECHARGE: Final = "x-ratelimit-replenish-rate-clientidlimiter"
"""Calls a second that this application is allowed, on every answer since 2026."""

EN_TETE_PLAFOND: Final = "x-ratelimit-burst-capacity-clientidlimiter"
"""Calls that may come at once, on every answer since 2026."""
