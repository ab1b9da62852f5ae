"""Criteria and counts of searches, against the JSON of all offers."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moisson_twin import Drift, World, WorldSettings, lists
from moisson_twin.places import geography

Offres = list[dict[str, Any]]
Make = Callable[..., Any]
NATURES = {row["libelle"]: row["code"] for row in lists.rows("naturesContrats")}


# What each offer answers to, read from its JSON alone, never from the double's columns.


def origine(offre: dict[str, Any]) -> str:
    """1 or 2."""
    return offre["origineOffre"]["origine"]  # type: ignore[no-any-return]


def qualification(offre: dict[str, Any]) -> str:
    """0, 9 or X, as the aggregation says."""
    code = offre.get("qualificationCode")
    return "X" if code is None else "9" if code == "9" else "0"


def experience(offre: dict[str, Any]) -> str:
    """0 to 4 from the label; offers without a label cannot be told ("?")."""
    if offre["experienceExige"] == "D":
        return "4"
    label = offre.get("experienceLibelle")
    if label is None:
        return "?"
    years = re.search(r"(\d+) An\(s\)", label)
    if years:
        return "2" if int(years[1]) <= 3 else "3"
    return "1" if "Mois" in label else "0"


def duree(offre: dict[str, Any]) -> str:
    """0 unspecified, 1 full time, 2 part time."""
    return {None: "0", "Temps plein": "1", "Temps partiel": "2"}[offre.get("dureeTravailLibelleConverti")]


def nature(offre: dict[str, Any]) -> str:
    """The code of the nature whose label the offer has."""
    return NATURES[offre["natureContrat"]]


def departement(offre: dict[str, Any]) -> str | None:
    """What stands before the dash of the place's label."""
    match = re.match(r"(\d\d|2[AB]|97\d) - ", offre["lieuTravail"]["libelle"])
    return match[1] if match else None


@pytest.mark.parametrize(
    ("name", "values", "read"),
    [
        ("origineOffre", "12", origine),
        ("qualification", "09X", qualification),
        ("dureeHebdo", "012", duree),
        ("experienceExigence", "DES", lambda offre: offre["experienceExige"]),
    ],
)
def test_partitions_are_exact(call: Make, still: World, offres: Offres, name: str, values: str, read: Any) -> None:
    """Each value's total is what the offers' JSON says, and together they lose nothing."""
    caller = call(still)
    expected = Counter(read(offre) for offre in offres)
    assert {value: caller.total(**{name: value}) for value in values} == dict(expected)


def test_experience_is_a_partition_of_five(call: Make, still: World, offres: Offres) -> None:
    """0 to 4 sum to the total; each agrees with the labels of the offers that have one."""
    caller = call(still)
    totals = {str(value): caller.total(experience=value) for value in range(5)}
    assert sum(totals.values()) == len(offres)
    told = Counter(experience(offre) for offre in offres)
    for value, total in totals.items():
        assert told[value] <= total <= told[value] + told["?"]
    assert totals["4"] == told["4"]


def test_natures_are_a_partition_by_code(call: Make, still: World, offres: Offres) -> None:
    """Every nature of the list asked one by one; several codes in one question add up."""
    caller = call(still)
    expected = Counter(nature(offre) for offre in offres)
    totals = {code: caller.total(natureContrat=code) for code in lists.codes("naturesContrats")}
    assert {code: count for code, count in totals.items() if count} == dict(expected)
    assert caller.total(natureContrat="E2,FS") == expected["E2"] + expected["FS"]


def test_type_or_nature_is_an_or(call: Make, still: World, offres: Offres) -> None:
    """typeContrat and natureContrat together widen the search."""
    expected = sum(offre["typeContrat"] == "CDI" or nature(offre) == "E2" for offre in offres)
    assert call(still).total(typeContrat="CDI", natureContrat="E2") == expected


def test_ddt_is_in_offers_but_nowhere_to_be_asked(call: Make) -> None:
    """The code is refused, absent from the aggregation and from the référentiel."""
    world = World(WorldSettings(offres=60_000, drift=Drift.none()))
    caller = call(world)
    assert caller.search(typeContrat="DDT").status_code == 400
    page = caller.search(range_="0-0").json()
    types, _, _, natures = (sum(a["nbResultats"] for a in f["agregation"]) for f in page["filtresPossibles"])
    assert types < natures == 60_000
    assert "DDT" not in {row["code"] for row in caller.get("/referentiel/typesContrats").json()}


def test_places(call: Make, still: World, offres: Offres) -> None:
    """By département (several, and those of label only), by région, and with neighbours."""
    caller = call(still)
    by_departement = Counter(departement(offre) for offre in offres)
    for code, count in by_departement.most_common(6):
        if code:
            assert caller.total(departement=code) == count
    assert caller.total(departement="75,59,13") == sum(by_departement[code] for code in ("75", "59", "13"))
    bretagne = sum(by_departement[code] for code in ("22", "29", "35", "56"))
    assert caller.total(region="53") == bretagne
    assert caller.total(departement="35", inclureLimitrophes="true") > by_departement["35"]
    assert caller.search(departement="75,59,13,69,33,31").json()["message"] == (
        "Le nombre de départements maximum autorisé pour la recherche est de 5"
    )
    everywhere = sum(
        caller.total(departement=",".join(geography().departements[start : start + 5])) for start in range(0, 101, 5)
    )
    assert everywhere == len(offres) - by_departement[None] < len(offres)


def test_a_commune_does_not_find_all_of_its_offers(call: Make) -> None:
    """Of those of département 75, commune=75056 and distance=0 find 73 %: 9,709 of 13,295 in August 2026."""
    world = World(WorldSettings(offres=150_000, drift=Drift.none()))
    caller = call(world)
    share = caller.total(commune="75056", distance="0") / caller.total(departement="75")
    assert share == pytest.approx(9709 / 13295, abs=0.02)


def test_communes_reach_ten_kilometres_unless_told(call: Make) -> None:
    """A bare commune is a radius of 10 km; distance=0 is the commune; Paris answers whole for each arrondissement."""
    world = World(WorldSettings(offres=20_000, drift=Drift.none()))
    caller = call(world)
    near = caller.total(commune="75056", distance="0")
    assert caller.total(commune="75108", distance="0") == near
    assert caller.total(commune="75056") == caller.total(commune="75056", distance="10") > near
    assert caller.total(commune="75056", distance="30") > caller.total(commune="75056")
    assert near < caller.total(departement="75")
    for offre in caller.page(commune="35238", distance="0"):
        assert offre["lieuTravail"]["commune"] == "35238"
    assert caller.total(commune="69381,13201", distance="0") == caller.total(commune="69123,13055", distance="0")
    assert caller.search(commune="75001").json()["message"] == "Valeur du paramètre « commune » incorrecte."
    assert caller.search(commune="13001").status_code in (200, 204, 206)


def test_abroad(call: Make) -> None:
    """Foreign offers are found by country and continent, and by no département."""
    caller = call(World(WorldSettings(offres=20_000, drift=Drift.none())))
    luxembourg = next(row["code"] for row in lists.rows("pays") if row["libelle"] == "Luxembourg")
    places = {offre["lieuTravail"]["libelle"] for offre in caller.page(paysContinent=luxembourg)}
    assert places == {"Luxembourg"}
    assert caller.total(paysContinent="01") < 20_000
    assert caller.total(pays=luxembourg) == 20_000  # an unknown name is ignored


def test_trades(call: Make, still: World, offres: Offres) -> None:
    """codeROME (several), domaine and grandDomaine follow the offers' romeCode."""
    caller = call(still)
    romes = Counter(offre["romeCode"] for offre in offres)
    (first, n), (second, m) = romes.most_common(2)
    assert caller.total(codeROME=f"{first},{second}") == n + m
    assert caller.total(domaine=first[:3]) == sum(count for code, count in romes.items() if code.startswith(first[:3]))
    assert caller.total(grandDomaine="M") == sum(count for code, count in romes.items() if code.startswith("M"))
    assert caller.total(grandDomaine="M18") == sum(count for code, count in romes.items() if code.startswith("M18"))
    assert "A, B, C, C15, D, ... ou N" in caller.search(grandDomaine="Z").json()["message"]


def test_sectors_levels_licences_and_pay(call: Make, still: World, offres: Offres) -> None:
    """NAF code and division, permis, salary and booleans, each against the JSON."""
    caller = call(still)
    assert caller.total(codeNAF="78.20Z") == sum(offre.get("codeNAF") == "78.20Z" for offre in offres)
    assert caller.total(secteurActivite="78,47") == sum(
        offre.get("secteurActivite") in ("78", "47") for offre in offres
    )
    car = "B - Véhicule léger"
    assert caller.total(permis="B") == sum(offre.get("permis", [{}])[0].get("libelle") == car for offre in offres)
    assert caller.total(accesTravailleurHandicape="true") > 0
    assert 0 < caller.total(salaireMin="2500", periodeSalaire="M") < caller.total(salaireMin="1900", periodeSalaire="M")
    assert caller.search(salaireMin="2500").status_code == 400
    assert caller.total(dureeHebdoMax="4100") == sum("dureeTravailLibelle" in offre for offre in offres)
    assert caller.total(tempsPlein="true") == caller.total(dureeHebdo="1")


def test_the_two_disability_filters_are_an_or(call: Make) -> None:
    """entreprisesAdaptees and employeursHandiEngages widen each other."""
    caller = call(offres=3000)
    one = caller.total(entreprisesAdaptees="true")
    other = caller.total(employeursHandiEngages="true")
    assert max(one, other) < caller.total(entreprisesAdaptees="true", employeursHandiEngages="true") <= one + other


def test_partners(call: Make, still: World, offres: Offres) -> None:
    """INCLUS keeps own offers beside the partners listed; with origineOffre=2 it does not; EXCLU is the complement."""
    caller = call(still)
    own = sum(origine(offre) == "1" for offre in offres)
    meteo = caller.total(partenaires="METEOJOB", modeSelectionPartenaires="INCLUS", origineOffre="2")
    assert 0 < meteo < len(offres) - own
    assert caller.total(partenaires="METEOJOB", modeSelectionPartenaires="INCLUS") == own + meteo
    assert caller.total(partenaires="METEOJOB", modeSelectionPartenaires="EXCLU") == len(offres) - meteo


def test_words(call: Make, still: World, offres: Offres) -> None:
    """Words are looked for without accents and all must be there; eight, or one letter, are refused."""
    caller = call(still)
    for offre in caller.page(motsCles="technicien"):
        assert "technicien" in (offre["romeLibelle"] + offre["appellationlibelle"] + offre["romeCode"]).lower()
    assert caller.total(motsCles="technicien,maintenance") < caller.total(motsCles="technicien")
    for wrong in ("a", ",".join(["mot"] * 8)):
        assert (
            caller.search(motsCles=wrong).json()["message"].startswith("Format du paramètre « motsCles » incorrect. 7")
        )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("experience", "5", "Format du paramètre « experience » incorrect. 0, 1, 2, 3 ou 4 attendu."),
        ("experienceExigence", "X", "Format du paramètre « experienceExigence » incorrect. D, E ou S attendu."),
        ("tempsPlein", "oui", "Format du paramètre « tempsPlein » incorrect. Booléen attendu."),
        ("departement", "99", "Valeur du paramètre « departement » incorrecte."),
        ("region", "00", "Valeur du paramètre « region » incorrecte."),
        ("typeContrat", "XXX", "Valeur du paramètre « typeContrat » incorrecte."),
        ("natureContrat", "ZZ", "Valeur du paramètre « natureContrat » incorrecte."),
        ("commune", "00000", "Valeur du paramètre « commune » incorrecte."),
    ],
)
def test_wrong_values_are_refused_word_for_word(call: Make, still: World, name: str, value: str, message: str) -> None:
    """The known messages."""
    answer = call(still).search(**{name: value})
    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codeROME", "Z9999"), ("domaine", "Z99"), ("appellation", "1"), ("theme", "99"), ("secteurActivite", "00"),
        ("codeNAF", "00.00A"), ("niveauFormation", "ZZ"), ("permis", "Z"), ("paysContinent", "??"), ("sort", "3"),
        ("origineOffre", "3"), ("qualification", "5"), ("dureeHebdo", "3"), ("distance", "x"), ("dureeHebdoMin", "x"),
        ("dureeContratMax", "100"), ("modeSelectionPartenaires", "X"), ("inclureLimitrophes", "x"),
        ("secteurActivite", "01,02,03"), ("periodeSalaire", "M"), ("commune", "01001,01002,01004,01005,01006,01007"),
    ],
)  # fmt: skip
def test_unknown_codes_are_refused(call: Make, still: World, name: str, value: str) -> None:
    """A known name with an unknown or ill-formed value is a 400 with a message."""
    answer = call(still).search(**{name: value})
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_unknown_names_are_ignored(call: Make, still: World) -> None:
    """A typo searches the whole country; so does the specification's name with a trailing space."""
    caller = call(still)
    assert caller.total(pays="99", alternance="true", departements="75") == 3000
    assert caller.search(**{"dureeHebdo ": "1"}).headers["content-range"].endswith("/3000")


def test_qualification_x_is_a_setting(call: Make, still: World) -> None:
    """Accepted by default, refused otherwise."""
    assert call(still).search(qualification="X").status_code == 206
    assert call(still, qualification_x=False).search(qualification="X").status_code == 400


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "origineOffre": st.sampled_from(["1", "2"]),
            "qualification": st.sampled_from(["0", "9", "X"]),
            "dureeHebdo": st.sampled_from(["0", "1", "2"]),
            "experienceExigence": st.sampled_from(["D", "E", "S"]),
            "typeContrat": st.sampled_from(["CDI", "CDD", "MIS", "LIB,SAI"]),
            "natureContrat": st.sampled_from(["E1", "E2", "NS,FS"]),
            "departement": st.sampled_from(["75", "59,13", "2A,974,69"]),
            "grandDomaine": st.sampled_from(["M", "K", "L14"]),
            "dates": st.tuples(st.integers(0, 2999), st.integers(0, 2999)),
        },
    )
)
def test_any_criteria_together_find_what_their_meaning_says(
    call: Make, still: World, offres: Offres, criteria: dict[str, Any]
) -> None:
    """Random searches against a plain reading of all offers: same total, same ids, same counts."""
    asked = dict(criteria)
    dates = asked.pop("dates", None)
    low, high = "0000", "9999"
    if dates:
        low, high = (offres[index]["dateCreation"][:19] for index in sorted(dates, reverse=True))
        asked |= {"minCreationDate": low + "Z", "maxCreationDate": high + "Z"}

    def fits(offre: dict[str, Any]) -> bool:
        types, natures = asked.get("typeContrat"), asked.get("natureContrat")
        return (
            asked.get("origineOffre") in (None, origine(offre))
            and asked.get("qualification") in (None, qualification(offre))
            and asked.get("dureeHebdo") in (None, duree(offre))
            and asked.get("experienceExigence") in (None, offre["experienceExige"])
            and (
                not (types or natures)
                or offre["typeContrat"] in (types or "").split(",")
                or nature(offre) in (natures or "").split(",")
            )
            and ("departement" not in asked or departement(offre) in asked["departement"].split(","))
            and offre["romeCode"].startswith(asked.get("grandDomaine", ""))
            and low <= offre["dateCreation"] <= high + ".000Z"
        )

    expected = [offre for offre in offres if fits(offre)]
    answer = call(still).search(sort="1", **asked)
    assert int(answer.headers["content-range"].rpartition("/")[2]) == len(expected)
    if expected:
        body = answer.json()
        assert [offre["id"] for offre in body["resultats"]] == [offre["id"] for offre in expected[:150]]
        natures = {item["valeurPossible"]: item["nbResultats"] for item in body["filtresPossibles"][3]["agregation"]}
        assert natures == dict(Counter(map(nature, expected)))


# --- counts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"origineOffre": "1"},
        {"experience": "2", "range_": "150-299"},
        {"departement": "75"},
        {"minCreationDate": "2026-09-01T00:00:00Z", "maxCreationDate": "2026-10-10T00:00:00Z"},
    ],
)
def test_filtres_possibles_count_the_whole_search(
    call: Make, still: World, offres: Offres, criteria: dict[str, str]
) -> None:
    """Four filters in order, exact for all rows of the search whatever the page, zero values absent."""
    answer = call(still).search(**criteria).json()
    kept = [
        offre
        for offre in offres
        if criteria.get("origineOffre") in (None, origine(offre))
        and criteria.get("departement") in (None, departement(offre))
        and ("minCreationDate" not in criteria or "2026-09-01" <= offre["dateCreation"] < "2026-10-10T00:00:00.001Z")
        and (criteria.get("experience") in (None, experience(offre), "?"))
    ]
    filtres = answer["filtresPossibles"]
    assert [filtre["filtre"] for filtre in filtres] == ["typeContrat", "experience", "qualification", "natureContrat"]
    counts = {f["filtre"]: {a["valeurPossible"]: a["nbResultats"] for a in f["agregation"]} for f in filtres}
    assert all(count > 0 for values in counts.values() for count in values.values())
    if "experience" in criteria:  # labels do not tell all: only the sums can be compared
        assert sum(counts["natureContrat"].values()) == counts["experience"]["2"] >= len(kept)
        return
    types = Counter(offre["typeContrat"] for offre in kept)
    types.pop("DDT", None)
    assert counts["typeContrat"] == dict(types)
    assert counts["qualification"] == dict(Counter(map(qualification, kept)))
    assert counts["natureContrat"] == dict(Counter(map(nature, kept)))
    assert sum(counts["experience"].values()) == len(kept)
    assert list(counts["experience"]) == [value for value in "04123" if value in counts["experience"]]
