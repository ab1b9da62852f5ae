"""Whole harvests in virtual time keep every promise; and where one is broken on purpose, the simulation sees it.

A failing seed is played again, alone, by `python -m tests.simulation --seed N -v`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import moisson.harvest.run as shipped
import moisson.store.closing as closing
from moisson.api.auth import Token, TokenKeeper
from moisson.api.pacing import Pacer
from moisson.harvest.withdrawals import Confirmation
from moisson.model import Fait, PageLue
from moisson.plan.reading import Lecture
from moisson.plan.sweep import Balayage
from moisson.store.journal import Journal
from moisson.store.runs import Run
from moisson_twin.settings import Drift
from tests.simulation.harvest import Harvest, simulate, trouble
from tests.simulation.scenario import SMALL_FROM, UNPROVED, Kill, Scenario, draw
from tests.simulation.table import ROWS, Row, calm, play, with_faults

FIXED, GROUPS = 96, 8
"""Seeds that are always played, and in how many tests."""
FRESH, FRESH_S = 150, 25.0
"""Most fresh seeds in one test, and for how long it goes on."""

FOUND = {
    17: "a second with more offers than a page at the very top was walked twenty times, its missing counted as often",
    55: "an offer that appeared while the first answer was under way was thought missing (by the simulation)",
    89: "a witness in a crowded second, whose rows change places, was not on the first page of its own second",
    1038: "a bound just above an offer of this very second, where the future is refused, failed the national totals",
    1170: "one second that fills the newest page could not be swept, with a false reason",
    1204: "a last window that held more than a search shows was read as if it did not",
    1212: "rows of another search, served in the place of a page, counted as read",
    1841: "rows of other dates than asked led to bounds in the wrong order",
    2328: "rows that slid further than a page were taken for ties that change places",
    1936: "a country that died out left the closing totals without a date to ask up to",
    415615219: "just before summer time, dates shown in Paris time were taken for summer's, and no clock measured",
    5000108: "a page of one part of a crowd, served in the place of another's, hid eight offers behind withdrawals",
    487063708: "a known offer that had left stood in a window's count for a tie that was missed, seen as such too late",
    487063673: "a run that continued one which died after its fold was judged from its own start (by the simulation)",
    313254849: "offers stored that were gone made the country smaller than is believed (not told to the simulation)",
    332304929: "a country was smallest while nobody looked, in a run that was taken up again (likewise)",
    778134806: "above a border in the hour that October shows twice, its second time was said to lie outside the dates",
    778134939: "a run that died before it showed anything was judged from a later start (by the simulation)",
    332304449: "a border on the very first page of a window was followed by rows above the first",
}
"""Seeds that found something, and what; see docs/simulation.md."""


def keeps_its_promises(seed: int) -> None:
    """Play one seed; a broken promise fails with the command that plays it again."""
    scenario = draw(seed)
    wrong = trouble(scenario, simulate(scenario))
    if wrong:
        made_of = ", ".join(scenario.made_of) or "nothing"
        pytest.fail(f"seed {seed} (made of {made_of}): {wrong[0]}\n    python -m tests.simulation --seed {seed} -v")


@pytest.mark.parametrize("seed", FOUND, ids=lambda seed: f"{seed}")
def test_seeds_that_found_something(seed: int) -> None:
    """What was found once stays mended."""
    keeps_its_promises(seed)


@pytest.mark.parametrize("group", range(GROUPS))
def test_fixed_seeds(group: int) -> None:
    """Worlds, drift, faults, kills and full disks, mixed as the seed says: no promise is broken."""
    for seed in range(group, FIXED, GROUPS):
        keeps_its_promises(seed)


@pytest.mark.slow
@pytest.mark.parametrize("group", range(2))
def test_fresh_seeds(group: int) -> None:
    """The same with seeds that nobody has seen, some hundreds of them."""
    first = random.SystemRandom().randrange(SMALL_FROM, 10**9)
    begun_s = time.monotonic()
    for seed in range(first, first + FRESH):
        keeps_its_promises(seed)
        if time.monotonic() > begun_s + FRESH_S:
            break
    print(f"seeds {first} to {seed}")


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.key, marks=pytest.mark.slow if row.slow else ()) for row in ROWS]
)
def test_named_troubles(row: Row) -> None:
    """Each trouble, alone, ends with the verdict that is due."""
    came = play(row)
    assert not came.wrong, "\n".join(came.wrong)
    assert came.verdicts


def test_one_seed_is_one_history() -> None:
    """A seed played again gives the same calls, the same instants, the same end."""
    for seed in (3, 8, 21):
        stories: list[list[str]] = [[], []]
        outcomes = [simulate(draw(seed), story.append) for story in stories]
        assert outcomes[0] == outcomes[1]
        assert stories[0] == stories[1]


# -- the simulation can see --------------------------------------------------------------------------------------------

DRIFT = Drift(births_per_s=0.3, deaths_per_s=0.3, edits_per_s=0.1, republications_per_s=0.3)


def violations(scenario: Scenario, seeds: int = 6) -> str:
    """What the simulation says of a scenario in several worlds."""
    worlds = (replace(scenario.twin, world=replace(scenario.twin.world, seed=seed)) for seed in range(seeds))
    played = (replace(scenario, seed=seed, twin=twin) for seed, twin in enumerate(worlds))
    return "\n".join(text for each in played for text in simulate(each).violations)


def test_it_sees_a_pace_too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots that are always free."""
    assert not violations(calm())
    monkeypatch.setattr(Pacer, "ready_s", lambda self, now: now)
    monkeypatch.setattr(Pacer, "depart", lambda self, now, waited: 1)
    assert "calls departed in the second before" in violations(calm(quota_per_s=None))


def test_it_sees_a_token_used_after_its_death(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that never looks at the end of a token's life."""

    def usable(self: TokenKeeper, now: float) -> Token | None:
        return Token(self._token, self._number) if self._token is not None else None

    short = calm(token_life_s=5.0)
    assert not violations(short)
    monkeypatch.setattr(TokenKeeper, "usable", usable)
    assert "a token was used that had died" in violations(short)


def test_it_sees_a_journal_ahead_of_the_landing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that land only after their facts were journalled."""
    waiting: list[Callable[[], object]] = []
    real_land, real_append = Run.land, Run.append_many

    def land(self: Run, no: int, corps: bytes, encodage: str = "") -> str:
        waiting.append(lambda: real_land(self, no, corps, encodage))
        return f"{no:08}.json.gz"

    def append_many(self: Run, faits: Any) -> None:
        real_append(self, faits)
        for landing in waiting:
            landing()
        waiting.clear()

    monkeypatch.setattr(Run, "land", land)
    monkeypatch.setattr(Run, "append_many", append_many)
    assert "the journal is ahead of the landing" in violations(calm())


def test_it_sees_a_landed_page_that_is_not_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that lost its last byte on the way to the disk."""
    real_land = Run.land
    monkeypatch.setattr(Run, "land", lambda self, no, corps, encodage="": real_land(self, no, b"{}", "identity"))
    assert "holds other bytes than its fact says" in violations(calm())


def test_it_sees_offers_closed_outside_proved_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold that closes whatever was not seen, on a night when pages came short."""

    def short_pages(harvest: Harvest) -> None:
        harvest.service.faults.set(["short_page:"])

    nights = replace(calm(), fold=True, nights=2, between=short_pages, due=frozenset({UNPROVED}))
    assert not violations(nights, seeds=2)
    without_the_last_check(monkeypatch)
    monkeypatch.setattr(shipped, "confirm", believe)
    monkeypatch.setattr(closing, "provable", lambda creations_ms, bilan: np.ones(len(creations_ms), np.bool_))
    assert "that stayed online were closed" in violations(nights, seeds=2)


async def believe(ids: Sequence[str], *_: object) -> Confirmation:
    """Withdrawals are believed without asking, which sees such a mistake too."""
    return Confirmation(len(ids), len(ids))


def without_the_last_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds what was read against what the closing page announced, which sees most mistakes on its own."""
    monkeypatch.setattr(shipped, "confronter", lambda bilan, distinctes: bilan)


def test_it_sees_a_claim_with_something_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that believes every reading."""
    short = with_faults("short_page:every=2")
    assert not violations(short)
    without_the_last_check(monkeypatch)
    monkeypatch.setattr(Lecture, "jugement", lambda self: ("compte", ""))
    assert "proved, and" in violations(short)


def test_it_sees_a_top_that_was_not_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that is content with any page: offers published again above the top are lost."""
    moving = calm(world={"drift": replace(DRIFT, republications_per_s=2.0)})
    real_dire = Balayage.dire

    def dire(self: Balayage, fait: Fait) -> None:
        real_dire(self, fait)
        self.complet = self.close

    assert not violations(moving)
    without_the_last_check(monkeypatch)
    monkeypatch.setattr(Balayage, "dire", dire)
    assert "proved, and" in violations(moving)


def test_it_sees_pages_read_forwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows slide onto the page that was just read when others are withdrawn above them."""

    def lire(self: Lecture, page: PageLue) -> None:
        for ligne in page.lignes:
            self.ids[ligne.id] = ligne.creation_ms
        self.premiere = self.premiere if self.premiere is not None else page.total
        self.derniere = page.total
        following = page.question.plage.dernier + 1
        if following < min(page.total, self._limites.profondeur):
            self.suivante = type(page.question.plage)(following, following + self._limites.page - 1)
        else:
            self._finir(vide=page.total == 0)

    real_init = Lecture.__init__

    def init(self: Lecture, *args: Any, **more: Any) -> None:
        real_init(self, *args, **more)
        self.suivante = self._limites.premiere

    leaving = calm(90, world={"drift": Drift(0, 0.6, 0, 0)})
    assert not violations(leaving)
    monkeypatch.setattr(Lecture, "__init__", init)
    monkeypatch.setattr(Lecture, "lire", lire)
    assert "proved, and" in violations(leaving)


def test_it_sees_a_journal_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts that are told to the plan and never written: a kill, and what they said is lost for good."""
    real_append = Journal.append_many

    def append_many(self: Journal, faits: Any) -> None:
        real_append(self, [fait for fait in faits if not isinstance(fait, PageLue) or fait.question.fenetre % 3 != 2])

    killed = replace(calm(), kills=(Kill("step", 150),), failures_max=2)
    assert not violations(killed)
    without_the_last_check(monkeypatch)
    monkeypatch.setattr(Journal, "append_many", append_many)
    seen = violations(killed)
    assert "a bug" in seen or "proved, and" in seen
