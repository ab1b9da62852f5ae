"""Where an offer is: commune, EPCI, département, région, and how that was found. Pure: it only writes SQL.

Each step is tried when those before it found nothing:

    place_par      what it rests on                                                        how fine
    code           the INSEE code: present, former, or of an arrondissement                commune
                   (of an unknown code, when nothing else says more: how it begins)        département
    libelle        the label: "974 - ST DENIS"; "74 - Savoie (Haute)" names no commune     commune, département
    code_postal    a postcode, also one that was put in the place of the INSEE code        commune, département
    coordonnees    the département whose border surrounds the point                        département
    non_place      none of these: "France", a foreign label, a point at sea                nothing

What contradicts itself:

- A code may be a postcode: 13001 is the postcode of Marseille's first arrondissement and the INSEE code of
  Aix-en-Provence. If a commune with *that postcode* has the label's name, it is meant.
- A code and a label of two départements: the label is believed if it names a commune of its département, or if the
  postcode is of that département too; two witnesses against one. Else the code.
- Coordinates never contradict anything: some are rounded, swapped or null. They are asked last, and not at all when
  the label is a neighbouring country's, since borders are drawn coarsely.

All of it is joins at the time of a query on what the API sent: a new vintage of the geography rewrites no offer. The
look-up tables hold every code, name and postcode that can be met; `make territoires` makes them with the statements
below, and they lie in a schema of their own, `lieux`, beside the tables that people ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["LIEUX", "MACRO", "MEANINGS", "PLACED", "placing_sql"]

MACRO = r"""
CREATE MACRO cle_lieu(nom) AS
    regexp_replace(regexp_replace(regexp_replace(trim(regexp_replace(
        upper(strip_accents(replace(replace(nom, 'œ', 'oe'), 'Œ', 'OE'))),
        '[^A-Z0-9]+', ' ', 'g')),
        '\bSAINT(E?)\b', 'ST\1', 'g'),
        ' CEDEX( \d+)?$', ''),
        ' 0?(\d{1,2}) ?(ER|E|EME)?( ARRONDISSEMENT)?$', ' \1')
"""
"""One spelling of a place: "Saint-Denis" and "ST DENIS", "Paris 8e Arrondissement" and "PARIS 08", "LILLE CEDEX 9"."""

LIEUX = {
    "codes": """
        SELECT l.code, l.commune, l.arrondissement, c.epci, c.departement, c.region,
            l.code IN (SELECT unnest(codes_postaux) FROM communes) AS postal
        FROM (
            SELECT code, code AS commune, NULL AS arrondissement FROM communes
            UNION ALL SELECT code, commune, code FROM arrondissements_municipaux
            UNION ALL SELECT code, commune, NULL FROM communes_anciennes
        ) AS l JOIN communes AS c ON c.code = l.commune
        ORDER BY l.code
    """,
    # A name that two communes of a département share says nothing; one that a commune shares with a former commune is
    # the commune's; and one that a département shares with a commune of its own ("53 - Mayenne") is the département's.
    "noms": """
        WITH noms AS (
            SELECT nom, code AS commune, NULL AS arrondissement, departement, codes_postaux, 0 AS rang FROM communes
            UNION ALL
            SELECT nom, commune, code, departement, codes_postaux, 0 FROM arrondissements_municipaux
            UNION ALL
            SELECT a.nom, a.commune, NULL, c.departement, c.codes_postaux, 1
            FROM communes_anciennes AS a JOIN communes AS c ON c.code = a.commune WHERE a.nom IS NOT NULL
        ), cles AS (
            SELECT unnest(list_append(codes_postaux, departement)) AS dans, cle_lieu(nom) AS nom, commune,
                arrondissement, rang
            FROM noms
        ), uniques AS (
            SELECT dans, nom, rang, any_value(commune) AS commune, any_value(arrondissement) AS arrondissement
            FROM cles GROUP BY dans, nom, rang HAVING count(DISTINCT commune) = 1
        )
        SELECT u.dans, u.nom, u.commune, u.arrondissement, c.epci, c.departement, c.region
        FROM uniques AS u JOIN communes AS c ON c.code = u.commune
        WHERE NOT EXISTS (
            FROM departements AS d WHERE d.code = u.dans AND cle_lieu(d.nom) = u.nom AND d.communes > 1
        )
        QUALIFY row_number() OVER (PARTITION BY u.dans, u.nom ORDER BY u.rang) = 1
        ORDER BY u.dans, u.nom
    """,
    "postaux": """
        SELECT code_postal,
            if(count(*) = 1, any_value(code), NULL) AS commune,
            if(count(*) = 1, any_value(epci), NULL) AS epci,
            if(count(DISTINCT departement) = 1, any_value(departement), NULL) AS departement,
            if(count(DISTINCT region) = 1, any_value(region), NULL) AS region
        FROM (SELECT unnest(codes_postaux) AS code_postal, * FROM communes)
        GROUP BY code_postal
        ORDER BY code_postal
    """,
}
"""How the look-up tables are made from the others; `cle_lieu` must exist."""

_VOISINS = (
    "ALLEMAGNE", "ANDORRE", "BELGIQUE", "BRESIL", "ESPAGNE", "ITALIE", "LUXEMBOURG", "MONACO", "ROYAUME UNI", "SUISSE",
    "SURINAME",
)  # fmt: skip
"""Countries next to a French département, as `cle_lieu` spells them."""

PLACED = ("commune", "arrondissement", "epci", "departement", "region")
"""The columns of a place; null is what could not be told. `arrondissement` is one of Paris, Lyon or Marseille."""

MEANINGS = {
    "commune": "INSEE code of the commune where the offer is placed, of today's official geography",
    "arrondissement": "INSEE code of the arrondissement of Paris, Lyon or Marseille",
    "epci": "SIREN of the commune's EPCI",
    "departement": "code of the département where the offer is placed",
    "region": "code of the région where the offer is placed",
    "place_par": "how the place was found: code, libelle, code_postal, coordonnees, or non_place",
}
"""What the columns that placing adds mean."""

_LABEL = r"'^(\d{2,3}|2[AB]) - '"

# How each step is called below, what it makes of `place_par`, and which look-up says each part of the place.
_ETAPES = {
    "code": ("code", dict.fromkeys(PLACED, "c")),
    "faux code": ("code_postal", dict.fromkeys(PLACED, "k")),
    "nom": ("libelle", dict.fromkeys(PLACED, "n")),
    "libelle": ("libelle", {"departement": "d", "region": "d"}),
    "postal": ("code_postal", {"commune": "p", "epci": "p", "departement": "p", "region": "p"}),
    "prefixe": ("code", {"departement": "e", "region": "e"}),
    "point": ("coordonnees", {"departement": "x", "region": "x"}),
}


def placing_sql(source: str) -> str:
    """A SELECT of each row of `source`, with its place in the columns of `PLACED` and `place_par`.

    Columns of these names that the source has are left out.

    Args:
        source: a table or view with the column `lieu_travail` of offers, and no column with two underscores.
    """
    own = ", ".join(f"'{nom}'" for nom in (*PLACED, "place_par"))
    found = {nom: {etape: f"{a[nom]}__{nom}" for etape, (_, a) in _ETAPES.items() if nom in a} for nom in PLACED}
    place = ",\n        ".join(f"CASE etape {_cases(found[nom])} END AS {nom}" for nom in PLACED)
    par = _cases({etape: f"'{par}'" for etape, (par, _) in _ETAPES.items()})
    # Most offers are placed by their code, unmistakably. Only for those in doubt is the label taken apart, and the
    # look-ups get nulls for all others, which cost nothing.
    return f"""
    WITH codes AS (
        SELECT o.*, {_columns("c", PLACED)}, c.code IS NOT NULL AS c__connu,
            (NOT c.postal AND starts_with(o.lieu_travail.libelle, c.departement || ' - ')) IS NOT TRUE AS l__doute
        FROM (SELECT COLUMNS(lambda nom: nom NOT IN ({own})) FROM {source}) AS o
        LEFT JOIN lieux.codes AS c ON c.code = o.lieu_travail.commune
    ), libelles AS (
        SELECT *,
            CASE WHEN l__doute THEN lieu_travail.commune END AS l__code,
            CASE WHEN l__doute THEN coalesce(lieu_travail.code_postal, lieu_travail.commune) END AS l__postal,
            CASE WHEN l__doute THEN regexp_extract(lieu_travail.libelle, {_LABEL}, 1) END AS l__departement,
            CASE WHEN l__doute THEN cle_lieu(regexp_replace(lieu_travail.libelle, {_LABEL}, '')) END AS l__nom
        FROM codes
    ), regards AS (
        SELECT l.*, {_columns("k", PLACED)}, {_columns("n", PLACED)},
            d.code AS d__departement, d.region AS d__region, e.code AS e__departement, e.region AS e__region,
            {_columns("p", ("commune", "epci", "departement", "region"))},
            CASE
                WHEN NOT l__doute THEN 'code'
                WHEN k.commune IS NOT NULL AND k.commune IS DISTINCT FROM c__commune THEN 'faux code'
                WHEN c__connu AND (
                    d.code <> c__departement AND (n.commune IS NOT NULL OR p.departement = d.code)
                ) IS NOT TRUE THEN 'code'
                WHEN n.commune IS NOT NULL THEN 'nom'
                WHEN d.code IS NOT NULL THEN 'libelle'
                WHEN p.departement IS NOT NULL THEN 'postal'
                WHEN e.code IS NOT NULL THEN 'prefixe'
            END AS l__etape
        FROM libelles AS l
        LEFT JOIN lieux.noms AS k ON k.dans = l__code AND k.nom = l__nom
        LEFT JOIN lieux.noms AS n ON n.dans = l__departement AND n.nom = l__nom
        LEFT JOIN departements AS d ON d.code = l__departement
        LEFT JOIN lieux.postaux AS p ON p.code_postal = l__postal
        LEFT JOIN departements AS e ON e.code = substr(l__code, 1, if(l__code[:2] IN ('97', '98'), 3, 2))
    ), points AS (
        SELECT DISTINCT lieu_travail.latitude AS latitude, lieu_travail.longitude AS longitude
        FROM {source} AS o ANTI JOIN lieux.codes AS c ON c.code = o.lieu_travail.commune
    ), dedans AS (
        -- Inside a border, an odd number of its segments is crossed on the way east.
        SELECT latitude, longitude, min(departement) AS departement FROM (
            SELECT p.latitude, p.longitude, s.departement
            FROM points AS p JOIN lieux.contours AS s
                ON p.latitude >= s.latitude_1 AND p.latitude < s.latitude_2 AND p.longitude < s.longitude_1
                    + (p.latitude - s.latitude_1) * (s.longitude_2 - s.longitude_1) / (s.latitude_2 - s.latitude_1)
            GROUP BY ALL HAVING count(*) % 2 = 1
        ) GROUP BY ALL
    ), etapes AS (
        SELECT r.*, x.departement AS x__departement, d.region AS x__region,
            coalesce(l__etape, if(d.code IS NULL, 'rien', 'point')) AS etape
        FROM regards AS r
        LEFT JOIN dedans AS x ON x.longitude = r.lieu_travail.longitude AND x.latitude = CASE
            WHEN l__etape IS NULL AND (l__nom IN ({", ".join(f"'{nom}'" for nom in _VOISINS)})) IS NOT TRUE
            THEN r.lieu_travail.latitude END
        LEFT JOIN departements AS d ON d.code = x.departement
    )
    SELECT COLUMNS(lambda nom: NOT regexp_matches(nom, '^[a-z]__') AND nom <> 'etape'),
        {place},
        CASE etape {par} ELSE 'non_place' END AS place_par
    FROM etapes
    """


def _cases(thens: Mapping[str, str]) -> str:
    return " ".join(f"WHEN '{value}' THEN {then}" for value, then in thens.items())


def _columns(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{nom} AS {table}__{nom}" for nom in names)
