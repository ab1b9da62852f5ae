"""What one simulated harvest is made of; drawn from a seed, or written down with a name in table.py."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from moisson.plan.clock import nuit_de_changement
from moisson.plan.limits import Limites
from moisson_twin.settings import Crowd, Drift, Settings, WorldSettings

if TYPE_CHECKING:
    from tests.simulation.harvest import Harvest

__all__ = ["Kill", "Scenario", "draw"]

PROVED, UNPROVED, FAILED = 0, 3, 1


@dataclass(frozen=True)
class Kill:
    """How one process ends early.

    Attributes:
        kind: "step": dies before that change of the file system; "fold": the same, counted from the fold on; "power":
            as "step", and what was not synced may be lost; "cancel": is interrupted after so many seconds, as by
            Ctrl-C; "full": finds the disk full from that change on.
        at: number of changes, or seconds.
        pause_s: virtual seconds until the next process starts.
    """

    kind: Literal["step", "fold", "power", "cancel", "full"]
    at: float
    pause_s: float = 5.0


def nothing(*_: object) -> None:
    """Nothing happens."""


@dataclass(frozen=True)
class Scenario:
    """One harvest to play.

    Attributes:
        seed: of the world, of the network and of every wait.
        twin: the double's settings, its world among them.
        limites: what the planner believes a search shows; the twin's own numbers.
        due: verdicts that are due: 0 proved, 3 not proved, 1 failed.
        rate: calls a second and application.
        clients: whose quota is spent.
        latency_s: shortest and longest answer.
        kills: how its first processes end.
        nights: how many runs; the kills belong to the last one.
        night_s: virtual seconds between two nights.
        between: called between two nights.
        during: called before each search, with its number.
        after: called when a run has ended by itself and was judged.
        wall_error_s: how wrong this machine's clock is.
        failures_max: how often the command is started again after it failed by itself.
        pause_s: virtual seconds until then.
        fold: the files are written and looked at; else only ids are compared.
        verify: the proof is recomputed from the evidence afterwards.
        short: offers are rendered in a few bytes.
        options: further arguments of `collect`.
        may_fail: final errors are part of the game.
        made_of: its ingredients, for a person.
    """

    seed: int
    twin: Settings
    limites: Limites
    due: frozenset[int] = frozenset({PROVED})
    rate: float | Literal["auto"] = 3.0
    clients: tuple[tuple[str, str], ...] = Settings().clients[:1]
    latency_s: tuple[float, float] = (0.1, 0.6)
    kills: tuple[Kill, ...] = ()
    nights: int = 1
    night_s: float = 3600.0
    between: Callable[[Harvest], None] = nothing
    during: Callable[[Harvest, int], None] = nothing
    after: Callable[[Harvest], None] = nothing
    wall_error_s: float = 0.0
    failures_max: int = 0
    pause_s: float = 30.0
    fold: bool = True
    verify: bool = False
    short: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    may_fail: bool = False
    made_of: tuple[str, ...] = ()


TRANSPORT = (
    "reply_500:", "reply_502:", "reply_503:", "reply_504:", "drop:", "break_body:", "truncate_body:", "invalid_json:",
    "html_under_200:", "no_content_range:", "hang:seconds=90,", "hang:seconds=20,",
)  # fmt: skip
BODIES = ("unknown_keys", "changed_type", "null_object")
OCTOBERS = {2025: datetime(2025, 10, 26, 1, tzinfo=UTC), 2026: datetime(2026, 10, 25, 1, tzinfo=UTC)}
OCTOBERS |= {2027: datetime(2027, 10, 31, 1, tzinfo=UTC), 2028: datetime(2028, 10, 29, 1, tzinfo=UTC)}
"""When Paris goes back to winter time."""
SMALL_FROM = 1_000_000
"""From this seed on worlds are smaller: most of what was found takes few pages, and more of them fit in a minute. Those
below keep their sizes, so that what they found once stays found."""
PAUSES_S = (1.5, 5.0, 60.0, 3600.0, 40_000.0)
EVENTS_MAX = 300
"""Most events of the world while nobody looks: a pause must not cost more than the harvest."""
PAGES = ("repeat_page:", "short_page:", "short_page:missing=3,", "empty_page:")


def draw(seed: int) -> Scenario:
    """A scenario from its seed: each trouble comes or not, alone or with others."""
    rng = random.Random(seed)
    made: list[str] = []
    due = {PROVED}

    def chance(share: float, name: str) -> bool:
        if rng.random() >= share:
            return False
        made.append(name)
        return True

    page = rng.randint(5, 15)
    small = seed >= SMALL_FROM
    limites = Limites(page=page, depart_max=page * rng.randint(*((3, 8) if small else (4, 20))))
    size = rng.choice((0, 1, page, page + 1, limites.profondeur, limites.profondeur + 1))
    if rng.random() < 0.9:
        size = int(rng.choice((100, 200, 200, 400, 400, 800, 2000)) * rng.uniform(0.3, 1.0) * (0.4 if small else 1))
    rate: float | Literal["auto"] = rng.choice((3.0, 3.0, 10.0, "auto"))
    quota = rng.choice((None, 3.0 if rate == 3.0 else 10.0, 10.0))
    latency_s = rng.choice(((0.05, 0.1), (0.1, 0.6), (0.5, 4.0)))
    slow = chance(0.1, "latency")
    # The world may not outrun us: few windows are open in so small a country, each with one question in flight.
    pace = min(quota or 3.0 if rate == "auto" else rate, 4 / (sum(latency_s) / 2 + (4 if slow else 0)))
    drift, scale = Drift.none(), 0.0
    if chance(0.6, "drift"):
        scale = rng.choice((0.01, 0.05, 0.2)) * pace
        drift = Drift(
            births_per_s=scale * rng.random(),
            deaths_per_s=scale * rng.random(),
            edits_per_s=scale * rng.random(),
            republications_per_s=0.3 * scale * rng.random(),
            lag_s=rng.choice((0.0, 0.0, 1.0, 5.0)),
        )
    crowded: tuple[Crowd, ...] = ()
    if chance(0.1, "crowd"):
        crowded = (Crowd(int(limites.profondeur * rng.uniform(0.5, 6))),)
    if chance(0.03, "inseparable"):
        crowded = (Crowd(int(limites.profondeur * rng.uniform(1.1, 2)), separable=False),)
        # Enough of them may leave before the end.
        due = {PROVED, UNPROVED} if scale else {UNPROVED}
    start = datetime(2026, 1, 1, 0, 0, tzinfo=UTC) + timedelta(seconds=rng.randrange(2 * 365 * 86_400))
    if chance(0.25, "night of change"):
        night = rng.choice((datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)))
        start = night + timedelta(seconds=rng.choice((rng.randrange(20 * 86_400), rng.randrange(-4000, 40_000))))
        if nuit_de_changement(int(start.timestamp())):
            # An hour that is shown twice cannot be told apart by anyone: proved, or honestly not (docs/simulation.md).
            due |= {UNPROVED}
    world = WorldSettings(
        offres=size,
        seed=seed,
        start=start.replace(microsecond=0),
        age_days_max=rng.choice((730.0, 400.0, 60.0, 3.0)),
        drift=drift,
        crowded=crowded,
    )
    ties: Literal["instant", "second"] | None = None
    if chance(0.1, "ties"):
        ties = rng.choice(("instant", "second"))
        due |= {UNPROVED}
    faults: list[str] = []
    if chance(0.1, "bodies"):
        faults.append(f"{rng.choice(BODIES)}:p=0.3")
    if chance(0.3, "transport"):
        share = rng.choice((0.01, 0.05, 0.1))
        faults += [f"{name}p={share / 3:.4f}" for name in rng.sample(TRANSPORT, 3)]
    if slow:
        faults.append("latency:min=0.1,max=8")
    if chance(0.1, "429"):
        faults.append(f"reply_429:p=0.03,retry_after={rng.choice(('0', '1', '60', '-5', 'absent', '1.5'))}")
    if chance(0.1, "401"):
        faults.append(f"{rng.choice(('expire_token', 'reply_401'))}:p=0.03")
    if chance(0.08, "pages"):
        faults.append(f"{rng.choice(PAGES)}p={rng.choice((0.005, 0.02))}")
        due |= {UNPROVED}
    if chance(0.05, "totals"):
        faults += [f"total_off:by={by},p=0.05" for by in (-3, 2, 1)]
        due |= {UNPROVED}
    twin = Settings(
        world=world,
        world_clock="clock",
        page_size=page,
        start_max=limites.depart_max,
        quota_per_s=quota,
        quota_mode=rng.choice(("bucket", "window")),
        quota_headers=rng.random() < 0.7,
        # A token must outlive the way to it and back.
        token_life_s=rng.choice((1499.0, 1499.0, 60.0, 60.0 if slow or latency_s[1] > 1 else 8.0)),
        bound_min=rng.choice(("inclusive", "exclusive")),
        bound_max=rng.choice(("inclusive", "exclusive", "whole_second")),
        filter_clock=rng.choice(("utc", "paris")),
        shown_clock=rng.choice(("utc", "paris")),
        refuse_future=rng.random() < 0.3,
        last_page_status=rng.choice((200, 206)),
        unstable_ties=ties,
        qualification_x=rng.random() < 0.8,
        faults=tuple(faults),
    )
    if twin.refuse_future and twin.filter_clock == "paris" and abs(start - OCTOBERS[start.year]) < timedelta(hours=2):
        # In the hour that is read twice, no bound that is taken names the newest offers.
        due |= {UNPROVED}
    kills: list[Kill] = []
    calls = size // page + 12
    if chance(0.4, "kills"):
        for _ in range(rng.randint(1, 4)):
            kind: Any = rng.choice(("step", "step", "fold", "power", "cancel", "full"))
            at = rng.randrange(150) if kind == "fold" else rng.random() * calls * (7 if kind != "cancel" else 1 / pace)
            pause_s = rng.choice([pause for pause in PAUSES_S if pause * scale <= EVENTS_MAX])
            kills.append(Kill(kind, int(at) if kind != "cancel" else at, pause_s))
    nights = 2 if chance(0.1, "two nights") else 1
    fold = nights > 1 or any(kill.kind == "fold" for kill in kills) or rng.random() < 0.2
    scenario = Scenario(
        seed=seed,
        twin=twin,
        limites=limites,
        due=frozenset(due),
        rate=rate,
        latency_s=latency_s,
        kills=tuple(kills),
        nights=nights,
        night_s=rng.choice([pause for pause in (60.0, 3600.0, 86_400.0) if pause * scale <= EVENTS_MAX]),
        wall_error_s=rng.choice((0.0, 0.0, 600.0, -600.0)),
        failures_max=3,
        fold=fold,
        verify=fold and rng.random() < 0.5,
        short=rng.random() < 0.97,
        made_of=tuple(made),
    )
    return replace(scenario, clients=twin.clients[: rng.choice((1, 1, 2))])
