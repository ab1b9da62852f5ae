"""Whatever the world, the plan ends, reads every offer that stayed online, and claims no more than is true."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.errors import ContractBroken
from moisson.model import PageLue, Question, QuestionRefusee
from moisson.plan.limits import LIMITES_API, Limites
from moisson.plan.planner import Planificateur
from tests.plan.monde import AXES, Issue, Monde, moissonner

PETITES = Limites(page=10, depart_max=200, marge_s=5)


def verifier(monde: Monde, issue: Issue) -> None:
    """What must hold after any run."""
    bilan = issue.planificateur.bilan()
    manquantes = issue.du_debut_a_la_fin - set(issue.lus)
    assert not issue.jamais, "offers were invented"
    # Ties that change places without ever being caught at it are the one thing a proof by order takes on trust.
    cachees = monde.ties and not bilan.avertissements
    if bilan.prouve:
        assert cachees or not manquantes, f"proved, and {len(manquantes)} are missing"
    else:
        assert bilan.raisons


@pytest.mark.parametrize("nombre", [0, 1, 9, 10, 11, 199, 200, 201, 209, 210, 211, 419, 420, 421, 2000])
def test_sizes_around_every_limit(nombre: int) -> None:
    """A quiet country of any size is proved, with no offer missing and few calls more than the least."""
    monde = Monde(random.Random(nombre), PETITES)
    monde.peupler(nombre)
    issue = moissonner(monde)
    bilan = issue.planificateur.bilan()
    assert bilan.prouve, bilan.raisons
    assert set(issue.lus) == set(monde.offres)
    assert issue.planificateur.acquises == nombre
    assert issue.appels <= -(-nombre // 10) * 1.06 + 6


@settings(max_examples=40)
@given(
    graine=st.integers(0, 2**32),
    nombre=st.integers(0, 900),
    par_seconde=st.integers(1, 12),
    births=st.sampled_from([0, 0.1, 0.5]),
    deaths=st.sampled_from([0, 0.1, 0.5, 2]),
    republications=st.sampled_from([0, 0.1]),
    debut_inclus=st.booleans(),
    fin_inclus=st.booleans(),
    decalage_s=st.sampled_from([0, 3600, -3600]),
    ties=st.booleans(),
    futur_refuse=st.booleans(),
    en_vol=st.integers(1, 8),
)
def test_any_world(
    graine: int,
    nombre: int,
    par_seconde: int,
    births: float,
    deaths: float,
    republications: float,
    debut_inclus: bool,
    fin_inclus: bool,
    decalage_s: int,
    ties: bool,
    futur_refuse: bool,
    en_vol: int,
) -> None:
    """Drift, either kind of bound, any clock and restless ties: never a false claim, and planning ends."""
    monde = Monde(
        random.Random(graine),
        PETITES,
        births=births,
        deaths=deaths,
        republications=republications,
        debut_inclus=debut_inclus,
        fin_inclus=fin_inclus,
        decalage_s=decalage_s,
        ties=ties,
        futur_refuse=futur_refuse,
    )
    # Within one season, since this little world shifts its clock by a constant.
    monde.peupler(nombre, par_seconde=par_seconde, etendue_s=2_000_000)
    try:
        issue = moissonner(monde, en_vol_max=en_vol)
    except ContractBroken:
        # The only witnesses were withdrawn while they were looked for.
        assert deaths
        return
    verifier(monde, issue)
    if not ties and not deaths:
        assert issue.planificateur.bilan().prouve, issue.planificateur.bilan().raisons


@settings(max_examples=15)
@given(
    graine=st.integers(0, 2**32),
    foule=st.integers(211, 1200),
    voisines=st.integers(0, 2),
    deaths=st.sampled_from([0, 0.2]),
    debut_inclus=st.booleans(),
    fin_inclus=st.booleans(),
    x_refuse=st.booleans(),
)
def test_crowded_seconds(
    graine: int, foule: int, voisines: int, deaths: float, debut_inclus: bool, fin_inclus: bool, x_refuse: bool
) -> None:
    """One second, or several side by side, beyond what a search shows: cut by criteria, and proved."""
    refuse = frozenset({("qualification", "X")}) if x_refuse else frozenset()
    monde = Monde(
        random.Random(graine), PETITES, deaths=deaths, debut_inclus=debut_inclus, fin_inclus=fin_inclus, refuse=refuse
    )
    monde.peupler(300)
    seconde = monde.now_ms // 1000 - 50_000
    for rang in range(voisines + 1):
        for _ in range(foule // (rang + 1)):
            monde.naitre((seconde - rang) * 1000)
    issue = moissonner(monde)
    verifier(monde, issue)
    assert issue.planificateur.bilan().prouve, issue.planificateur.bilan().raisons


def test_a_second_that_nothing_separates() -> None:
    """What cannot be reached is counted exactly and named, and nothing is claimed."""
    monde = Monde(random.Random(5), PETITES)
    monde.peupler(1000)
    seconde = monde.now_ms // 1000 - 50_000
    for _ in range(400):
        monde.naitre(seconde * 1000, {nom: valeurs[0] for nom, valeurs in AXES.items()})
    issue = moissonner(monde)
    bilan = issue.planificateur.bilan()
    assert not bilan.prouve
    assert bilan.manquantes == len(set(monde.offres) - set(issue.lus)) == 190
    assert "190 are missing" in " ".join(bilan.raisons)


@pytest.mark.parametrize("graine", range(12))
def test_a_class_that_no_part_asks_for_cannot_hide_behind_withdrawals(graine: int) -> None:
    """Offers that an axis does not reach, while others of the crowd leave: never a claim that all was read."""
    monde = Monde(random.Random(graine), PETITES, deaths=0.6)
    monde.peupler(40)
    seconde = monde.now_ms // 1000 - 50_000
    # No counted axis separates them, and four have a class that no value of any other axis asks for.
    for rang in range(300):
        axes = {nom: valeurs[0] for nom, valeurs in AXES.items()}
        inconnu = rang % 75 == 0
        axes["origineOffre"] = "?" if inconnu else str(1 + rang % 2)
        axes["dureeHebdo"] = axes["grandDomaine"] = "?" if inconnu else axes["dureeHebdo"]
        monde.naitre(seconde * 1000, axes)
    issue = moissonner(monde)
    verifier(monde, issue)


def test_offers_outside_all_dates() -> None:
    """Offers that no date can reach keep the national totals apart, and the run is not proved."""
    monde = Monde(random.Random(6), PETITES, hors_dates=3)
    monde.peupler(500)
    bilan = moissonner(monde).planificateur.bilan()
    assert not bilan.prouve
    assert not bilan.controles_nationaux
    assert "3 lie outside" in " ".join(bilan.raisons)


def test_dates_that_are_ignored() -> None:
    """A date filter that is ignored ends the run at once, with nothing claimed."""
    monde = Monde(random.Random(7), PETITES)
    monde.peupler(500)
    monde._convient = lambda offre, question: True  # type: ignore[method-assign]
    with pytest.raises(ContractBroken, match="not filtered"):
        moissonner(monde)
    assert monde.appels < 10


def test_criteria_that_are_ignored() -> None:
    """A criterion that is ignored is seen in the answer's own counts."""
    monde = Monde(random.Random(8), PETITES)
    seconde = monde.now_ms // 1000 - 50_000
    monde.peupler(100)
    for _ in range(500):
        monde.naitre(seconde * 1000)
    vrai = monde._convient
    monde._convient = lambda offre, q: vrai(  # type: ignore[method-assign]
        offre, type(q)(q.fenetre, q.role, q.plage, debut_s=q.debut_s, fin_s=q.fin_s)
    )
    with pytest.raises(ContractBroken, match="ignored"):
        moissonner(monde)


@settings(max_examples=12)
@given(graine=st.integers(0, 2**32), coupure=st.floats(0, 1), deaths=st.sampled_from([0, 0.3]))
def test_resuming_is_telling_the_same_facts(graine: int, coupure: float, deaths: float) -> None:
    """A planner told the journal's facts again asks what the first one would have asked, and ends the same way."""
    monde = Monde(random.Random(graine), PETITES, deaths=deaths)
    monde.peupler(800, par_seconde=5)
    issue = moissonner(monde)
    faits = [fait for fait in issue.faits if isinstance(fait, PageLue)]
    rejoue = Planificateur(PETITES)
    rejoue.dire_tout(faits[: int(len(faits) * coupure)])
    rejoue.dire_tout(faits[int(len(faits) * coupure) :])
    assert rejoue.fini
    assert rejoue.bilan() == issue.planificateur.bilan()
    assert rejoue.acquises == issue.planificateur.acquises


def test_what_was_in_doubt_is_read_again_and_only_that() -> None:
    """After an unproved end, going on costs the calls of the doubtful windows, and ends proved."""
    monde = Monde(random.Random(14), PETITES, births=0.05, deaths=0.05)
    monde.peupler(2500)
    vrai, rangees = monde.repondre, sorted(monde.offres.values(), key=lambda offre: offre.creation_ms)
    cachees = {rangees[rang].id: rangees[rang].creation_ms for rang in (900, 1700)}

    def mentir(question: Question) -> PageLue | QuestionRefusee:
        fait = vrai(question)
        if isinstance(fait, PageLue) and any(ligne.id in cachees for ligne in fait.lignes):
            # They are counted and never shown.
            lignes = tuple(ligne for ligne in fait.lignes if ligne.id not in cachees)
            return msgspec.structs.replace(fait, lignes=lignes, dernier=fait.dernier - 1)
        return fait

    monde.repondre = mentir  # type: ignore[method-assign]
    issue = moissonner(monde)
    plan = issue.planificateur
    assert not plan.bilan().prouve
    douteuses = [f for f in plan.bilan().fenetres if not f.preuve]
    assert douteuses
    for f in douteuses:
        assert any((f.debut_ms or 0) <= ms <= (f.fin_ms or ms) for ms in cachees.values()), f
    cachees.clear()
    for _ in range(200):
        monde.deriver()
    assert plan.rouvrir()
    suite = moissonner(monde, planificateur=plan)
    assert plan.bilan().prouve, plan.bilan().raisons
    assert issue.du_debut_a_la_fin & set(monde.offres) <= set(issue.lus) | set(suite.lus)
    assert suite.appels <= 2 * 22 + 15
    # Told again from a journal, the same point of the facts leads to the same plan.
    rejoue = Planificateur(PETITES)
    rejoue.dire_tout(issue.faits)  # type: ignore[arg-type]
    rejoue.rouvrir()
    rejoue.dire_tout(suite.faits)  # type: ignore[arg-type]
    assert rejoue.bilan() == plan.bilan()


def test_going_on_where_nothing_is_to_be_gained() -> None:
    """A proved run, and one that failed on the national totals, are not reopened."""
    monde = Monde(random.Random(15), PETITES)
    monde.peupler(400)
    assert not moissonner(monde).planificateur.rouvrir()
    monde.hors_dates = 4
    assert not moissonner(monde).planificateur.rouvrir()


def test_a_fact_of_another_plan_is_refused() -> None:
    """A journal that does not fit the plan is an error, not a silent mess."""
    monde = Monde(random.Random(9), PETITES)
    monde.peupler(100)
    issue = moissonner(monde)
    planificateur = Planificateur(PETITES)
    with pytest.raises(ValueError, match="no open question"):
        planificateur.dire(issue.faits[3])  # type: ignore[arg-type]


def test_calls_near_the_floor_at_the_size_of_the_demo() -> None:
    """20,000 offers at the API's own limits: fewer than 4 % above the least number of calls."""
    monde = Monde(random.Random(10), LIMITES_API)
    monde.peupler(20_000)
    issue = moissonner(monde)
    assert issue.planificateur.bilan().prouve
    assert issue.appels <= 1.04 * 134 + 1


@pytest.mark.parametrize("debut_inclus", [True, False])
def test_a_stretch_without_an_empty_second_is_read_once(debut_inclus: bool) -> None:
    """20 offers in every second of a quarter of an hour: borders stand on seconds that have offers, and are free."""
    monde = Monde(random.Random(13), LIMITES_API, debut_inclus=debut_inclus)
    for seconde in range(900):
        for _ in range(20):
            monde.naitre(monde.now_ms - 60_000 - seconde * 1000 - monde.rng.randrange(1000))
    issue = moissonner(monde)
    assert issue.planificateur.bilan().prouve
    assert set(issue.lus) == set(monde.offres)
    assert issue.appels <= 1.04 * 120 + 8


def test_a_crowded_second_at_full_depth() -> None:
    """60,000 offers, 12,000 of them on one second: at most 15 % above the floor."""
    monde = Monde(random.Random(11), LIMITES_API)
    monde.peupler(48_000, etendue_s=6 * 10**7)
    seconde = monde.now_ms // 1000 - 50_000
    for _ in range(12_000):
        monde.naitre(seconde * 1000)
    issue = moissonner(monde)
    assert issue.planificateur.bilan().prouve
    assert set(issue.lus) == set(monde.offres)
    assert issue.appels <= 1.15 * 400


def test_memory_does_not_keep_what_is_closed() -> None:
    """Closed windows leave a row behind, not their ids."""
    monde = Monde(random.Random(12), PETITES)
    monde.peupler(3000)
    planificateur = moissonner(monde).planificateur
    assert not planificateur._marches
    assert len(planificateur._ouverts) <= 1
