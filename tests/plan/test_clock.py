"""Both clocks, in UTC or Paris time, on the nights when Paris changes its own: a run is proved, or claims nothing.

Truth is told by the time zone database, of which the plan knows nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.errors import ContractBroken
from moisson.model import Ligne, PageLue, Question
from moisson.plan.calibration import Etalonnage
from moisson.plan.clock import Horloge, candidats_s, heure_double, nuit_de_changement
from moisson.plan.limits import Limites
from moisson.plan.sweep import Balayage
from moisson.plan.window import Bordure
from tests.plan.monde import Monde, moissonner

Fuseau = Literal["utc", "paris"]
PARIS = ZoneInfo("Europe/Paris")
MARS, OCTOBRE = (int(datetime(2026, mois, jour, 1, tzinfo=UTC).timestamp()) for mois, jour in ((3, 29), (10, 25)))
H = 3600
HEURES = (-30, -3, -2, -1.5, -1, -0.9, -0.5, -0.1, 0, 0.1, 0.5, 0.9, 1, 1.5, 2, 3.5, 30)
"""Hours from the change: before, in and after its night, and at its edges."""
FUSEAUX = list(product(("utc", "paris"), ("utc", "paris")))
PETITES = Limites(page=10, depart_max=90, marge_s=5)


def avance_s(instant_s: int) -> int:
    """How far Paris is ahead of UTC at a true instant."""
    avance = datetime.fromtimestamp(instant_s, PARIS).utcoffset()
    assert avance is not None
    return int(avance.total_seconds())


def lire_s(instant_s: int, fuseau: Fuseau) -> int:
    """A true instant as a clock reads it."""
    return instant_s + (avance_s(instant_s) if fuseau == "paris" else 0)


@dataclass
class Ailleurs(Monde):
    """A country whose dates are shown on one clock, and its bounds read on another."""

    montre: Fuseau = field(default="utc", kw_only=True)
    filtre: Fuseau = field(default="utc", kw_only=True)

    def montrer_ms(self, instant_ms: int) -> int:
        return lire_s(instant_ms // 1000, self.montre) * 1000 + instant_ms % 1000

    def lire_ms(self, borne_s: int) -> int:
        if self.filtre == "utc":
            return borne_s * 1000
        # Of the hour that October repeats its first pass, of the one that March skips the hour after.
        return int(datetime.fromtimestamp(borne_s, UTC).replace(tzinfo=PARIS).timestamp()) * 1000


def autour(changement_s: int) -> st.SearchStrategy[int]:
    """Seconds of the days about a change."""
    return st.integers(changement_s - 3 * 24 * H, changement_s + 3 * 24 * H)


@pytest.mark.parametrize(("montre", "filtre"), FUSEAUX)
@given(temoin_s=autour(MARS) | autour(OCTOBRE), instant_s=autour(MARS) | autour(OCTOBRE))
def test_what_was_measured_at_one_instant_holds_at_all(
    montre: Fuseau, filtre: Fuseau, temoin_s: int, instant_s: int
) -> None:
    """The true shift is always a candidate; measured anywhere, it tells every bound, of both seasons."""
    montree_s = lire_s(temoin_s, montre)
    decalage_s = lire_s(temoin_s, filtre) - montree_s
    assert decalage_s in candidats_s(montree_s)
    horloge = Horloge().avec(montree_s, decalage_s)
    montree_s, juste_s = lire_s(instant_s, montre), lire_s(instant_s, filtre)
    assert horloge.filtre_s(montree_s, tard=instant_s >= OCTOBRE) == juste_s
    # Where one shown second is two instants, an upper bound takes in both, and so does a lower one.
    assert horloge.borne_basse(montree_s)[0] <= juste_s < horloge.borne_haute(montree_s)
    if not heure_double(montree_s):
        assert horloge.borne_haute(montree_s) == juste_s + 1


@given(instant_s=autour(MARS) | autour(OCTOBRE))
def test_the_hour_that_is_double(instant_s: int) -> None:
    """It is told for every instant that a clock of Paris shows, or reads, twice, and lies in a night of change."""
    lu_s = lire_s(instant_s, "paris")
    deux_fois = any(lire_s(instant_s + ecart, "paris") == lu_s for ecart in (-H, H))
    if deux_fois:
        assert heure_double(lu_s)
        assert instant_s < OCTOBRE or heure_double(instant_s)
    assert not heure_double(lu_s) or nuit_de_changement(lu_s)


@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])
@pytest.mark.parametrize(("montre", "filtre"), FUSEAUX)
@pytest.mark.parametrize("changement_s", [MARS, OCTOBRE], ids=["March", "October"])
def test_runs_about_a_night_of_change(changement_s: int, montre: Fuseau, filtre: Fuseau, dense: bool) -> None:
    """Begun at any hour about it, a run is proved; in the hour that Paris has twice it may be honestly not."""
    for rang, heures in enumerate(HEURES):
        now_s = changement_s + int(heures * H) + 7
        monde = Ailleurs(
            random.Random(int(heures * 10)),
            PETITES,
            births=0.02,
            deaths=0.02,
            now_ms=now_s * 1000,
            futur_refuse=rang % 2 == 0,
            montre=montre,
            filtre=filtre,
        )
        monde.peupler(250, etendue_s=8 * H if dense else 20 * 24 * H)
        issue = moissonner(monde)
        bilan, manquantes = issue.planificateur.bilan(), issue.du_debut_a_la_fin - set(issue.lus)
        assert not issue.jamais
        assert not (bilan.prouve and manquantes), f"{heures} h: proved, and {len(manquantes)} are missing"
        double = changement_s == OCTOBRE and "paris" in (montre, filtre) and -1 <= heures <= 1
        assert bilan.prouve or double, f"{heures} h: {bilan.raisons}"


@settings(max_examples=40)
@given(graine=st.integers(0, 2**32), heures=st.floats(-1.2, 1.2), filtre=st.sampled_from(["utc", "paris"]))
@pytest.mark.parametrize("montre", ["utc", "paris"])
def test_no_false_claim_in_the_double_hour(graine: int, heures: float, filtre: Fuseau, montre: Fuseau) -> None:
    """Many come, leave and are published again in it: what is claimed is true."""
    monde = Ailleurs(
        random.Random(graine),
        PETITES,
        births=0.5,
        deaths=1.0,
        republications=0.2,
        now_ms=(OCTOBRE + int(heures * H)) * 1000,
        montre=montre,
        filtre=filtre,
    )
    monde.peupler(400, etendue_s=8 * H)
    issue = moissonner(monde)
    assert not issue.jamais
    assert not issue.planificateur.bilan().prouve or issue.du_debut_a_la_fin <= set(issue.lus)


# -- the witness -------------------------------------------------------------------------------------------------------


def page(question: Question, total: int, *secondes: int) -> PageLue:
    """Rows of these shown seconds, each named by its own."""
    lignes = tuple(Ligne(f"{seconde}", seconde * 1000) for seconde in secondes)
    return PageLue(question, total, lignes, 0, len(lignes) - 1, {}, 206)


def test_a_witness_from_before_the_night() -> None:
    """Where all of the newest page is of a night of change, a witness is asked for from before it, once."""
    nuit_s, avant_s, minuit_s = OCTOBRE + H // 2, OCTOBRE - 10 * H, OCTOBRE - H
    premiere = Question(0, "nationale", PETITES.premiere)
    etalonnage = Etalonnage(1, PETITES, Horloge(), page(premiere, 95, *range(nuit_s, nuit_s - 10, -1)))
    assert etalonnage.question == Question(
        1, "horloge", PETITES.premiere, debut_s=minuit_s - 2 * H - 30 * 24 * H, fin_s=minuit_s - 2 * H
    )
    etalonnage.dire(page(etalonnage.question, 95, avant_s))
    assert etalonnage.question == Question(1, "horloge", PETITES.premiere, debut_s=avant_s, fin_s=avant_s + 1)
    etalonnage.dire(page(etalonnage.question, 1, avant_s))
    assert etalonnage.close
    assert etalonnage.horloge == Horloge(ete_s=0)


def test_bounds_with_an_hour_between_them() -> None:
    """Rows of other dates beside a witness of the double hour measure nothing; beside any other they end the run."""
    premiere = Question(0, "nationale", PETITES.premiere)
    fin_s = OCTOBRE + 2 * H - 1
    etalonnage = Etalonnage(1, PETITES, Horloge(), page(premiere, 11, *range(fin_s, fin_s - 10, -1)))
    assert etalonnage.question is not None
    etalonnage.dire(page(etalonnage.question, 11))
    avant = etalonnage.question
    etalonnage.dire(page(avant, 2, fin_s, fin_s - 1000))
    assert not etalonnage.close
    assert etalonnage.question != avant
    ailleurs = Etalonnage(1, PETITES, Horloge(), page(premiere, 11, *range(MARS - 9 * H, MARS - 9 * H - 10, -1)))
    assert ailleurs.question is not None
    with pytest.raises(ContractBroken, match="offers of other dates came back"):
        ailleurs.dire(page(ailleurs.question, 2, MARS - 9 * H, MARS))


@pytest.mark.parametrize(("ecart_s", "complet"), [(0, False), (-24 * H, True)], ids=["double hour", "any other"])
def test_a_newer_row_may_show_an_older_second(ecart_s: int, complet: bool) -> None:
    """A sweep over the double hour has reached the top when it meets an offer known to lie below it, not sooner."""
    sommet_s = OCTOBRE + H + 2400 + ecart_s
    for derniere, atteint in ((sommet_s - 1200, complet), (sommet_s, True)):
        balayage = Balayage(1, PETITES, Bordure(sommet_s, {f"{sommet_s}": sommet_s * 1000}, 0, nette=False))
        assert balayage.question is not None
        balayage.dire(page(balayage.question, 99, *range(derniere + 9, derniere - 1, -1)))
        assert balayage.close
        assert balayage.complet == atteint
