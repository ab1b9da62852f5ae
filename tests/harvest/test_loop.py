"""The loop lands, journals and tells in that order; cut off anywhere, it goes on from the journal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.api import ClientStats, Reponse
from moisson.errors import ApiUnavailable, RequestRefused
from moisson.harvest.loop import en_vol_max, moissonner
from moisson.model import Fait, PageLue, Question
from moisson.plan.limits import Limites
from moisson.plan.planner import Planificateur
from tests import virtual_loop
from tests.plan.monde import Monde

PETITES = Limites(page=10, depart_max=200, marge_s=5)


class Coupure(Exception):
    """The power went."""


class FauxGuichet:
    """Answers from a little country after a random wait; counts what is in flight in each window."""

    def __init__(self, monde: Monde) -> None:
        self.monde = monde
        self.en_vol: set[int] = set()
        self.en_vol_max = 0
        self.appels = 0
        self.malchance: set[int] = set()

    async def search(self, question: Question) -> Reponse:
        """Answer, one question a window at a time."""
        assert question.fenetre not in self.en_vol
        self.en_vol.add(question.fenetre)
        self.en_vol_max = max(self.en_vol_max, len(self.en_vol))
        try:
            await asyncio.sleep(self.monde.rng.uniform(0.2, 1.5))
            self.appels += 1
            if self.appels in self.malchance:
                raise ApiUnavailable("The service answered 503 for ten minutes")
            fait = self.monde.repondre(question)
        finally:
            self.en_vol.discard(question.fenetre)
        if not isinstance(fait, PageLue):
            raise RequestRefused("refused")
        return Reponse(
            total=fait.total,
            premier=fait.premier,
            dernier=fait.dernier,
            lignes=fait.lignes,
            agregats=fait.agregats,
            statut=fait.statut,
            corps=b"{}" if fait.lignes else b"",
            encodage="identity",
            sha256="",
            octets=2,
            recu_s=0.0,
            tentatives=1,
            refus_429=0,
        )

    def stats(self) -> ClientStats:
        """A pace of ten a second, in answers of up to 1.5 s."""
        return ClientStats(
            search_attempts=self.appels,
            other_attempts=0,
            retries=0,
            status_429=0,
            tokens=1,
            received_bytes=0,
            decoded_bytes=0,
            latency_p95_s=1.5,
            announced_rate=None,
            rate_s_total=10.0,
            applications=1,
        )


class FauxGreffe:
    """Keeps pages and facts in lists, and may lose the power after any step."""

    def __init__(self, coupure: int = -1) -> None:
        self.next_no = 1
        self.pages: set[str] = set()
        self.faits: list[Fait] = []
        self.reste = coupure

    def _pas(self) -> None:
        self.reste -= 1
        if self.reste == 0:
            raise Coupure

    def land(self, no: int, corps: bytes, encodage: str = "") -> str:
        """Keep a page."""
        self._pas()
        nom = f"{no:08d}"
        assert nom not in self.pages, "a landed page would be overwritten"
        self.pages.add(nom)
        self.next_no = max(self.next_no, no + 1)
        self._pas()
        return nom

    def append_many(self, faits: Sequence[Fait]) -> None:
        """Keep facts, each after its page."""
        self._pas()
        for fait in faits:
            assert not isinstance(fait, PageLue) or not fait.fichier or fait.fichier in self.pages
            self.faits.append(fait)
        self._pas()


async def sur_place(tache: object, *arguments: object) -> object:
    """Disk work done at once, so that a seed gives one history."""
    return tache(*arguments)  # type: ignore[operator]


def lancer(plan: Planificateur, guichet: FauxGuichet, greffe: FauxGreffe) -> None:
    """Run the loop under a virtual clock."""
    virtual_loop.run(moissonner(plan, guichet, greffe, avance=lambda: None, wall=lambda: 0.0, en_fil=sur_place))


@settings(max_examples=25)
@given(
    graine=st.integers(0, 2**32), coupures=st.lists(st.integers(1, 150), max_size=4), deaths=st.sampled_from([0, 0.2])
)
def test_cut_off_and_taken_up(graine: int, coupures: list[int], deaths: float) -> None:
    """However often it is cut off, it ends with every offer that stayed online, at the cost of the calls in flight."""
    monde = Monde(random.Random(graine), PETITES, deaths=deaths)
    monde.peupler(600, par_seconde=5)
    guichet = FauxGuichet(monde)
    depart = set(monde.offres)
    faits: list[Fait] = []
    pages: set[str] = set()
    en_vol = 0
    for coupure in [*coupures, -1]:
        plan = Planificateur(PETITES)
        plan.dire_tout(faits)
        greffe = FauxGreffe(coupure)
        # As the store does it: a page that no fact names is cleared away, and numbers go on from the last one named.
        pages &= {fait.fichier for fait in faits if isinstance(fait, PageLue)}
        greffe.faits, greffe.pages = faits, pages
        greffe.next_no = max(map(int, pages), default=0) + 1
        try:
            lancer(plan, guichet, greffe)
        except Coupure:
            en_vol += en_vol_max(guichet.stats())
            continue
        break
    assert plan.fini
    assert plan.bilan().prouve, plan.bilan().raisons
    lus = {ligne.id for fait in faits if isinstance(fait, PageLue) for ligne in fait.lignes}
    assert depart & set(monde.offres) <= lus
    sans_coupure = 60 * 1.1 + 12
    assert guichet.appels <= sans_coupure + en_vol


def test_windows_are_pipelined() -> None:
    """With slow answers, enough windows are open at once to keep the pace."""
    monde = Monde(random.Random(3), PETITES)
    monde.peupler(3000)
    guichet = FauxGuichet(monde)
    lancer(Planificateur(PETITES), guichet, FauxGreffe())
    assert guichet.en_vol_max >= 15


def test_one_question_that_finds_no_answer() -> None:
    """A question that fails while others are answered is asked again later, and the run is still proved."""
    monde = Monde(random.Random(4), PETITES)
    monde.peupler(600)
    guichet = FauxGuichet(monde)
    guichet.malchance = {20, 30}
    plan = Planificateur(PETITES)
    lancer(plan, guichet, FauxGreffe())
    assert plan.bilan().prouve, plan.bilan().raisons


def test_a_service_that_is_gone_stops_the_run() -> None:
    """When nothing is answered any more, the run stops and says why; what was journalled stays."""
    monde = Monde(random.Random(5), PETITES)
    monde.peupler(600)
    guichet = FauxGuichet(monde)
    guichet.malchance = set(range(20, 10_000))
    greffe = FauxGreffe()
    with pytest.raises(ApiUnavailable, match="503"):
        lancer(Planificateur(PETITES), guichet, greffe)
    assert greffe.faits
    assert not guichet.en_vol, "calls were left in flight"
