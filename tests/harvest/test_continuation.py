"""A run that ended without a proof is completed by the next one, if it comes soon, for the calls that were missing."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from moisson.harvest.progress import Resultat
from moisson.harvest.run import collect
from moisson.harvest.verify import Verification, verifiable_runs, verify
from moisson.plan.limits import Limites
from moisson.settings import Application, Settings
from moisson.store import files
from moisson.store.store import finished_runs, open_store
from moisson_twin import Drift, WorldSettings, create_app
from moisson_twin import Settings as Twin
from tests import virtual_loop
from tests.harvest.jumeau import jumeau, offres
from tests.hidden import Cachees

BASE = "http://127.0.0.1:1"
LIMITES = Limites(page=20, depart_max=400, marge_s=5)
HOUR_S = 3600.0
RANG = 1500
"""The offer that the first run does not see: in the middle of three thousand."""


class Killed(BaseException):
    """As sudden as kill -9."""


@dataclass
class Pays:
    """A double in process, its clock, and a store filled from it."""

    folder: Path
    drift: Drift = field(default_factory=Drift.none)
    offres: int = 3000
    evidence_runs: int = 30
    now_s: float = 0.0

    def __post_init__(self) -> None:
        twin = Twin(
            world=WorldSettings(offres=self.offres, drift=self.drift),
            page_size=LIMITES.page,
            start_max=LIMITES.depart_max,
            quota_per_s=None,
        )
        self.app = create_app(twin, clock=lambda: self.now_s)
        self.service = self.app.state.service
        self.world = self.app.state.world
        self.client = twin.clients[0]

    def collect(self, *cachees: int, store: Path | None = None, **options: bool) -> Resultat:
        """One run of the command, the offers of these ranks (0: the oldest) hidden from all pages but counted."""
        self.service.faults.active = [Cachees(self.world, cachees)] if cachees else []
        self.service.calls["search"] = 0
        folder = store or self.folder
        settings = Settings(
            store=folder,
            api_url=BASE + "/partenaire/offresdemploi",
            token_url=BASE + "/connexion/oauth2/access_token?realm=%2Fpartenaire",
            applications=(Application(client_id=self.client[0], client_secret=self.client[1]),),
            rate=10.0,
            retention_s=0,
            evidence_runs=self.evidence_runs,
        )

        async def go() -> Resultat:
            loop = asyncio.get_running_loop()
            begun_s = self.now_s

            def wall() -> float:
                self.now_s = begun_s + loop.time()
                return self.world.start_ms / 1000 + self.now_s

            return await collect(
                folder,
                settings,
                observer=lambda vue: None,
                transport=httpx2.ASGITransport(self.app),
                limites=LIMITES,
                wall=wall,
                **options,
            )

        return virtual_loop.run(go())

    @property
    def appels(self) -> int:
        """Searches of the last run."""
        return int(self.service.calls["search"])

    def truth(self) -> set[str]:
        """Ids online now."""
        return set(self.world.truth().ids)


def proved_again(folder: Path, nom: str | None = None) -> Verification:
    """What `verify` says of a run."""
    found = verify(open_store(folder), nom)
    assert found.intacte, found
    return found


def test_only_what_is_in_doubt_is_asked_again(tmp_path: Path) -> None:
    """Exit 3 at first; an hour later a few calls complete the proof, and the row says whose work it rests on."""
    pays = Pays(tmp_path / "store")
    first = pays.collect(RANG)
    assert (first.bilan.prouve, first.reprenable) == (False, True)
    whole, begun_s = pays.appels, pays.now_s
    doubtful = [f for f in first.bilan.fenetres if f.preuve is None]
    assert 1 <= len(doubtful) < len(first.bilan.fenetres) / 2
    assert proved_again(pays.folder).verdict == "not proved"
    pays.now_s += HOUR_S
    second = pays.collect()
    assert (second.bilan.prouve, second.suite_de) == (True, first.collecte)
    assert pays.appels < whole / 3
    assert second.appels_ensemble == whole + pays.appels
    assert set(offres(pays.folder)) == pays.truth()
    vu = proved_again(pays.folder)
    assert vu.verdict == "proved again"
    assert "in 2 runs that continue each other" in vu.etapes[0].detail
    assert proved_again(pays.folder, first.collecte).verdict == "not proved"
    un, deux = finished_runs(open_store(pays.folder).generation())
    assert (un["suite_de"], deux["suite_de"]) == (None, first.collecte)
    assert deux["preuve_la_plus_ancienne"] == un["preuve_la_plus_ancienne"], "the oldest page dates the proof"
    assert deux["distinctes"] == len(pays.truth())
    assert (deux["appels"], deux["appels_ensemble"]) == (pays.appels, whole + pays.appels)
    assert begun_s < HOUR_S


def test_offers_that_the_first_part_read_are_never_closed(tmp_path: Path) -> None:
    """What came before both parts and left before both is closed; what the first part read stays until the next run."""
    pays = Pays(tmp_path / "store")
    assert pays.collect().bilan.prouve
    gone = sorted(pays.truth())[::50]
    for id_ in gone:
        pays.world.withdraw(id_)
    pays.now_s += HOUR_S
    first = pays.collect(RANG)
    assert not first.bilan.prouve
    later = sorted(pays.truth())[::60]
    for id_ in later:
        pays.world.withdraw(id_)
    pays.now_s += HOUR_S
    second = pays.collect()
    assert (second.bilan.prouve, second.suite_de) == (True, first.collecte)
    left = set(offres(pays.folder))
    assert not set(gone) & left
    # A withdrawn offer of a window in doubt was read by the first part all the same.
    assert set(later) <= left
    assert pays.truth() <= left
    assert proved_again(pays.folder).prouvee
    pays.now_s += 24 * HOUR_S
    third = pays.collect()
    assert (third.bilan.prouve, third.suite_de) == (True, "")
    assert set(offres(pays.folder)) == pays.truth()


def test_a_chain_of_three(tmp_path: Path) -> None:
    """A continuation that proves nothing either is continued in its turn."""
    pays = Pays(tmp_path / "store")
    noms = []
    for cachees in ((RANG, 2500), (RANG,), ()):
        found = pays.collect(*cachees)
        noms.append(found.collecte)
        pays.now_s += HOUR_S
    assert [run["suite_de"] for run in finished_runs(open_store(pays.folder).generation())] == [None, *noms[:2]]
    assert found.bilan.prouve
    assert set(offres(pays.folder)) == pays.truth()
    assert "in 3 runs" in proved_again(pays.folder).etapes[0].detail
    assert verifiable_runs(open_store(pays.folder)) == noms


def afresh(pays: Pays) -> Resultat:
    """A run that continues nothing, and costs what a whole one does."""
    found = pays.collect()
    assert (found.suite_de, found.bilan.prouve) == ("", True)
    assert pays.appels >= pays.offres // LIMITES.page
    return found


def test_when_a_whole_run_is_due(tmp_path: Path) -> None:
    """Too old, asked for, proved, or nothing in doubt but the country: the next run starts afresh."""
    pays = Pays(tmp_path / "store")
    pays.collect(RANG)
    pays.now_s += 6 * HOUR_S
    afresh(pays)
    pays.now_s += 60
    afresh(pays)
    pays.now_s += 60
    assert not pays.collect(RANG).bilan.prouve
    pays.now_s += 60
    found = pays.collect(new=True)
    assert (found.suite_de, found.bilan.prouve) == ("", True)
    for id_ in sorted(pays.truth())[: pays.offres // 3]:
        pays.world.withdraw(id_)
    pays.now_s += 60
    shrunk = pays.collect()
    assert (shrunk.bilan.prouve, shrunk.reprenable) == (False, False)
    pays.now_s += 60
    found = pays.collect(accept_shrink=True)
    assert (found.suite_de, found.bilan.prouve) == ("", True)
    assert set(offres(pays.folder)) == pays.truth()


def test_evidence_that_is_damaged(tmp_path: Path) -> None:
    """A run whose evidence cannot be read any more is not continued."""
    pays = Pays(tmp_path / "store")
    first = pays.collect(RANG)
    preuve = pays.folder / "evidence" / f"{first.collecte}.ndjson.zst"
    preuve.write_bytes(preuve.read_bytes()[:-1])
    pays.now_s += 60
    afresh(pays)


def test_evidence_is_kept_as_long_as_what_rests_on_it(tmp_path: Path) -> None:
    """Only the last run's evidence is asked for, and that of the run which it continues stays with it."""
    pays = Pays(tmp_path / "store", evidence_runs=1)

    def kept() -> int:
        pays.now_s += 60
        return len(open_store(pays.folder).evidence_names())

    pays.collect(RANG)
    assert kept() == 1
    pays.collect(RANG)
    assert kept() == 2
    assert pays.collect().bilan.prouve
    assert kept() == 3
    assert proved_again(pays.folder).prouvee
    afresh(pays)
    assert kept() == 1


def test_the_command(tmp_path: Path) -> None:
    """What a person sees: one second too many at first; once it is thinned, a few calls and PROVED."""
    store = tmp_path / "store"
    rate = {"MOISSON_RATE": "300"}
    with jumeau("--offres", "6000", "--crowd", "3200:alike", "--still", "--quota", "0", "--no-quota-headers") as double:
        rendu = double.moisson("collect", "--store", str(store), **rate)
        assert rendu.returncode == 3, rendu.stderr
        assert "50 known to be missing" in rendu.stderr
        assert "to do: run it again within 6 h 00 min of its beginning, and it asks what is in doubt" in rendu.stderr
        whole = double.appels()
        seconds = Counter(ms // 1000 for ms in double.verite().values())
        second = max(seconds, key=lambda s: seconds[s])
        crowd = sorted(id_ for id_, ms in double.verite().items() if ms // 1000 == second)
        for id_ in crowd[:100]:
            double.post("events", {"withdraw": id_})
        time.sleep(1.1)
        rendu = double.moisson("collect", "--store", str(store), **rate)
        assert rendu.returncode == 0, rendu.stderr
        assert "which it continues" in rendu.stderr
        assert double.appels() - whole < whole / 2
        assert double.moisson("verify", "--store", str(store)).returncode == 0
        assert set(offres(store)) >= set(double.verite())


def test_a_drifting_country(tmp_path: Path) -> None:
    """With births, deaths and republications between and during both parts, none that stayed is missing."""
    pays = Pays(tmp_path / "store", Drift(births_per_s=0.05, deaths_per_s=0.05, republications_per_s=0.005))
    before = pays.truth()
    first = pays.collect(RANG)
    assert not first.bilan.prouve
    pays.now_s += HOUR_S
    second = pays.collect()
    assert (second.bilan.prouve, second.suite_de) == (True, first.collecte), second.bilan.raisons
    assert before & pays.truth() <= set(offres(pays.folder))
    assert proved_again(pays.folder).prouvee


def test_forgotten_between_the_parts(tmp_path: Path) -> None:
    """An offer that is forgotten between the two parts stays out, and both still prove."""
    pays = Pays(tmp_path / "store")
    first = pays.collect(RANG)
    id_ = sorted(pays.truth())[7]
    store = open_store(pays.folder)
    with store.lock("forget"):
        store.forget({id_}, pays.world.start_ms / 1000 + pays.now_s)
    assert proved_again(pays.folder).verdict == "not proved"
    pays.now_s += 60
    second = pays.collect()
    assert (second.bilan.prouve, second.suite_de) == (True, first.collecte), second.bilan.raisons
    assert set(offres(pays.folder)) == pays.truth() - {id_}
    assert proved_again(pays.folder).prouvee


def test_each_part_reads_an_offer_forgotten_before(tmp_path: Path) -> None:
    """One that only the first part reads, and one that only the second does: both count, and both stay out."""
    pays = Pays(tmp_path / "store")
    assert pays.collect().bilan.prouve
    by_age = pays.world.truth().ids
    store = open_store(pays.folder)
    with store.lock("forget"):
        store.forget({by_age[RANG], by_age[7]}, pays.world.start_ms / 1000 + pays.now_s)
    pays.now_s += HOUR_S
    first = pays.collect(RANG)
    assert not first.bilan.prouve
    pays.now_s += HOUR_S
    second = pays.collect()
    assert (second.bilan.prouve, second.suite_de) == (True, first.collecte), second.bilan.raisons
    assert finished_runs(open_store(pays.folder).generation())[-1]["distinctes"] == len(pays.truth())
    assert set(offres(pays.folder)) == pays.truth() - {by_age[RANG], by_age[7]}
    assert proved_again(pays.folder).prouvee


@pytest.fixture(scope="module")
def unproved(tmp_path_factory: pytest.TempPathFactory) -> Pays:
    """A country whose first run is not proved."""
    pays = Pays(tmp_path_factory.mktemp("unproved") / "store", offres=1500)
    assert not pays.collect(700).bilan.prouve
    pays.now_s += 600
    return pays


@pytest.fixture
def killed_at() -> Iterator[Callable[[int], list[str]]]:
    """Make the file system die at its step of this number; returns the list that the steps are told to."""
    steps: list[str] = []

    def arm(at: int) -> list[str]:
        steps.clear()

        def hook(step: str) -> None:
            steps.append(step)
            if len(steps) > at:
                raise Killed

        files.hook = hook
        return steps

    yield arm
    files.hook = None


@pytest.mark.slow
def test_killed_at_any_step(unproved: Pays, tmp_path: Path, killed_at: Callable[[int], list[str]]) -> None:
    """Die at any step of the second run, and run again: proved, the same offers, and no call too many."""
    pays, begun_s = unproved, unproved.now_s
    steps = killed_at(10**6)
    shutil.copytree(pays.folder, tmp_path / "whole", symlinks=True)
    assert pays.collect(store=tmp_path / "whole").bilan.prouve
    needed, total = pays.appels, len(steps)
    # One in seven: each costs a run and a half.
    for at in range(0, total, 7):
        pays.now_s = begun_s
        folder = tmp_path / f"{at}"
        shutil.copytree(pays.folder, folder, symlinks=True)
        killed_at(at)
        with pytest.raises(Killed):
            pays.collect(store=folder)
        spent = pays.appels
        files.hook = None
        pays.now_s += 60
        found = pays.collect(store=folder)
        # Killed after the switch, the first of the two was whole: then this is a run like any other.
        over = finished_runs(open_store(folder).generation())[-2]["prouvee"]
        assert found.bilan.prouve, at
        assert bool(found.suite_de) == (not over), at
        assert over or spent + pays.appels <= needed + 6, at
        assert set(offres(folder)) == pays.truth(), at
        assert proved_again(folder).prouvee, at
        shutil.rmtree(folder)
