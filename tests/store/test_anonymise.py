"""What is taken out of a content that is no longer published, and what stays."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.anonymise import MARQUE, anonymise, stays
from moisson.store.columns import rows_to_batch
from moisson.store.official import OFFRE, Liste, Objet, Scalaire
from moisson.store.rows import RowReader, row_to_offre
from moisson.store.schema import OFFRES
from tests.store.filling import make_offre, sample_offres

LIEU = {"libelle": "74 - Rumilly", "latitude": 45.8, "longitude": 5.9, "codePostal": "74150", "commune": "74225"}


def past(*offres: dict[str, Any]) -> list[dict[str, Any]]:
    """Offers as they are kept once withdrawn."""
    reader = RowReader(store_contacts=True)
    batch = rows_to_batch([reader.read(json.dumps(offre).encode()) for offre in offres])
    clean = anonymise(pa.Table.from_batches([batch]))
    assert clean.schema == OFFRES
    return [row_to_offre(row) for row in clean.to_pylist()]


def text_of(description: str, **more: Any) -> str:
    """What becomes of a description."""
    offre = make_offre(1, description=description, **{"lieuTravail": LIEU, **more})
    return str(past(offre)[0]["description"])


def leaves(genre: Scalaire | Liste | Objet, chemin: str = "") -> list[str]:
    """Every leaf of the official schema."""
    if isinstance(genre, Liste):
        return leaves(genre.de, chemin)
    if isinstance(genre, Objet):
        return [
            leaf
            for champ in genre.champs
            for leaf in leaves(champ.genre, f"{chemin}.{champ.cle}" if chemin else champ.cle)
        ]
    return [chemin]


def test_what_goes() -> None:
    """All else of the official schema stays, or is a text that is gone over: a new leaf goes until it is told."""
    assert [leaf for leaf in leaves(OFFRE) if stays(leaf) is False] == [
        *("lieuTravail.libelle", "lieuTravail.latitude", "lieuTravail.longitude"),
        *("lieuTravail.codePostal", "lieuTravail.commune"),
        *("entreprise.nom", "entreprise.description", "entreprise.logo", "entreprise.url"),
        *(f"contact.{cle}" for cle in ("nom", "coordonnees1", "coordonnees2", "coordonnees3", "telephone")),
        *(f"contact.{cle}" for cle in ("courriel", "commentaire", "urlRecruteur", "urlPostulation")),
        *("agence.telephone", "agence.courriel"),
        *("origineOffre.urlOrigine", "origineOffre.partenaires.url", "origineOffre.partenaires.logo"),
    ]


def test_derived_columns_are_told() -> None:
    """What our own columns say of where and who goes; a new one goes until it is told."""
    ours = [name for name in OFFRES.names if name not in {champ.nom for champ in OFFRE.champs}]
    assert [name for name in ours if not stays(name)] == ["commune", "mots_longs", "autres"]


def test_a_withdrawn_offer() -> None:
    """The département stays, and everything that names no one."""
    (clean,) = past(
        make_offre(
            1,
            intitule="Boucher chez Dupont (H/F)",
            lieuTravail=LIEU,
            entreprise={"nom": "SARL DUPONT", "url": "https://dupont.fr", "entrepriseAdaptee": False},
            contact={"nom": "SARL DUPONT - Mme Anne Leroy", "telephone": "04 50 01 02 03"},
            agence={"telephone": "39 49"},
            competences=[{"code": "1", "libelle": "Trancher comme chez Dupont", "exigence": "E"}, {"libelle": "b"}],
            origineOffre={
                "origine": "2",
                "urlOrigine": "https://candidat.francetravail.fr/offres/recherche/detail/1",
                "partenaires": [{"nom": "JOBS", "url": "https://jobs.example.org/1", "logo": "https://x.org/l.png"}],
            },
        )
    )
    assert clean == {
        "id": "0000001",
        "intitule": f"Boucher chez {MARQUE} (H/F)",
        "description": "Texte de l'offre 1.",
        "dateCreation": make_offre(1)["dateCreation"],
        "entreprise": {"entrepriseAdaptee": False},
        "competences": [
            {"code": "1", "libelle": f"Trancher comme chez {MARQUE}", "exigence": "E"},
            {"libelle": "b"},
        ],
        "salaire": {},
        "origineOffre": {"origine": "2", "partenaires": [{"nom": "JOBS"}]},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Écrire à j.dupont@sub.example.org.", f"Écrire à {MARQUE}."),
        ("Écrire à j.dupont [at] example.org", f"Écrire à {MARQUE}"),
        ("Tél. 04.50.01.02.03 ou 0450010203", f"Tél. {MARQUE} ou {MARQUE}"),
        ("Tél. +33 (0)4 50 01 02 03, 0033450010203", f"Tél. {MARQUE}, {MARQUE}"),
        ("Voir https://www.dupont.fr/a?b=1 ou www.dupont.fr ou dupont.fr", f"Voir {MARQUE} ou {MARQUE} ou {MARQUE}"),
        ("La boulangerie Épi-d’Or recrute. EPI D'OR est ici.", f"La boulangerie {MARQUE} recrute. {MARQUE} est ici."),
        ("Poste à RUMILLY (74150), près de Rumillyville", f"Poste à {MARQUE} ({MARQUE}), près de Rumillyville"),
        ("Salaire de 2 300,00 € sur 12 mois, 35h, du 01/02/2027 au 31.12.2027", None),
        ("Développeur .NET, ASP.NET et Node.js", None),
        ("Réf. 12345678901234", None),
        ("", None),
    ],
)
def test_free_texts(text: str, expected: str | None) -> None:
    """Addresses, numbers and the offer's own names go; figures, dates and the rest of the text stay as they are."""
    assert text_of(text, entreprise={"nom": "EPI D'OR"}) == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Demander M. Dupont ou Mme Leroy.", f"Demander {MARQUE} ou {MARQUE}."),
        ("Votre contact : Madame Anne-Sophie Leroy, RH", f"Votre contact : {MARQUE}, RH"),
        ("Adressez-vous à MR DUPONT", f"Adressez-vous à {MARQUE}"),
        ("Mme A. Leroy ; Mlle. Élodie d'Ornano ; Monsieur de La Tour", f"{MARQUE} ; {MARQUE} ; {MARQUE}"),
        ("M./Mme Leroy", f"M./{MARQUE}"),
        ("Madame, Monsieur, vous aimez la relation client ?", None),
        ("Poste ouvert à monsieur ou madame, 3 M. de tissu", None),
        ("Une équipe de 12 M, Mme la directrice la dirige", None),
    ],
)
def test_a_person_with_a_civility(text: str, expected: str | None) -> None:
    """Is named by the text alone, since contacts are seldom stored: the capital says where the name is."""
    assert text_of(text) == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("42 - Saint-Étienne", "à St Etienne, à st-étienne, à ST. ETIENNE, à Saint Etienne"),
        ("42 - ST ETIENNE", "à St Etienne, à st-étienne, à ST. ETIENNE, à Saint-Étienne"),
        ("13 - Les Saintes-Maries", "aux Saintes Maries"),
        ("83 - Sainte-Maxime", "à Ste Maxime, à Sainte-Maxime"),
        ("71 - Chalon-sur-Saône", "à Chalon s/ Saône, à CHALON S SAONE, à Chalon sur Saône"),
    ],
)
def test_a_town_is_known_by_its_usual_abbreviations(label: str, written: str) -> None:
    """Saint and sur are written in two ways, in labels as in texts."""
    found = text_of(written, lieuTravail={"libelle": label})
    if label.startswith("13"):
        assert found == written, "Les Saintes is another name than Saintes"
    else:
        assert found == ", ".join([f"à {MARQUE}"] * len(written.split(", ")))


def test_short_names_stay() -> None:
    """Looking for three letters would take words out of everything."""
    assert text_of("La BUT recrute, le but est clair", entreprise={"nom": "BUT"}) == "La BUT recrute, le but est clair"


def test_forms_and_districts_are_not_part_of_a_name() -> None:
    """A text says Martin where the field says SAS MARTIN, and Paris where the label says Paris 15."""
    lieu = {"libelle": "75 - Paris 15e Arrondissement", "commune": "75115"}
    found = text_of("Martin, à Paris.", entreprise={"nom": "SAS MARTIN"}, lieuTravail=lieu)
    assert found == f"{MARQUE}, à {MARQUE}."


def test_a_country_is_no_town() -> None:
    """Only the label of a town is looked for in texts."""
    assert text_of("Dans toute la France", lieuTravail={"libelle": "France"}) == "Dans toute la France"


def test_what_the_columns_could_not_hold() -> None:
    """Unknown keys can say anything, so they go; of the others, what could name nobody stays."""
    (clean,) = past(
        make_offre(
            1,
            siret="12345678901234",
            nouveau={"nom": "DUPONT"},
            nombrePostes="deux, chez DUPONT",
            alternance=1,
            entreprise={"nom": ["DUPONT"], "siret": 5, "entrepriseAdaptee": 1},
            competences=[{"libelle": "a", "secret": "DUPONT"}, "DUPONT", {"libelle": None}],
            lieuTravail={"latitude": 45, "commune": 74225},
        )
    )
    assert "DUPONT" not in json.dumps(clean)
    assert clean["alternance"] == 1
    assert clean["entreprise"] == {"entrepriseAdaptee": 1}
    assert clean["competences"] == [{"libelle": "a"}, None, {}]
    assert set(clean) == {
        *("id", "intitule", "description", "dateCreation", "salaire"),
        *("alternance", "entreprise", "competences"),
    }


@given(st.data())
def test_nothing_marked_is_left(data: st.DataObject) -> None:
    """Whatever field of those that must go holds a mark, at whatever place of whichever offer, it is gone."""
    marks = [f"MARQUE{n:03d}Q" for n in range(6)]
    offres = []
    for n in range(data.draw(st.integers(1, 4))):
        around = st.sampled_from(["", "x ", "é", "\n", "(", " - "])
        text = "".join(data.draw(around) + f" {mark.lower()} " + data.draw(around) for mark in marks[:2])
        offre = make_offre(
            n,
            intitule=text,
            description=text,
            entreprise={"nom": marks[0], **data.draw(st.dictionaries(st.sampled_from(["url", "logo"]), one(marks)))},
            lieuTravail={"libelle": f"74 - {marks[1]}", "codePostal": marks[2]},
        )
        for cle in data.draw(st.sets(st.sampled_from(["contact", "agence", "inconnu", "formations", "competences"]))):
            offre[cle] = data.draw(EXTRA[cle](marks))
        offres.append(offre)
    assert "MARQUE" not in json.dumps(past(*offres)).upper()


def one(marks: list[str]) -> st.SearchStrategy[str]:
    """One of the marks."""
    return st.sampled_from(marks)


EXTRA: dict[str, Any] = {
    "contact": lambda marks: st.dictionaries(st.sampled_from(["nom", "courriel", "coordonnees1", "x"]), one(marks)),
    "agence": lambda marks: st.dictionaries(st.sampled_from(["telephone", "courriel"]), one(marks)),
    "inconnu": lambda marks: st.recursive(
        one(marks), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(marks), inner)
    ),
    "formations": lambda marks: st.lists(st.dictionaries(st.just("commentaire"), st.sampled_from(marks[:3]))),
    "competences": lambda marks: st.lists(st.none() | st.sampled_from(marks[:2]) | st.just({"libelle": marks[0]})),
}


def test_real_offers() -> None:
    """None keeps a name, a town or an address, and all still read back as offers."""
    offres = [json.loads(line) for line in sample_offres()]
    for offre, clean in zip(offres, past(*offres), strict=True):
        assert clean["id"] == offre["id"]
        assert set(clean) <= set(offre)
        text = json.dumps(clean, ensure_ascii=False)
        assert "http" not in text
        assert "@" not in text
        employer = offre.get("entreprise", {}).get("nom")
        if employer and len(employer) > 6:
            assert employer not in text


@pytest.mark.parametrize("before", ["İİİ", "ẞ ǅ", "\u212b\u0130", "e\u0301", "😀", "Dupontel et Ledupont", "XDupont"])
def test_letters_that_change_their_length_move_nothing(before: str) -> None:
    """Whatever stands before it, a name is taken out where it is, and where it is a whole word alone."""
    text = f"{before} chez dupont, DUPONT & Fils : {before}"
    expected = f"{before} chez {MARQUE}, {MARQUE} & Fils : {before}"
    assert text_of(text, entreprise={"nom": "Dupont"}) == expected
