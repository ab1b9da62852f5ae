"""Every named trouble, alone, with the verdict that is due and the verdict that came.

A row is a switch of the double, or a family of them ("at every request index in turn"), and what must come of it
besides the promises that hold for every harvest: nothing missing from a proof, nothing invented, nothing closed
wrongly, the pace kept, tokens used within their life, the journal never ahead of the landing (harvest.py).
`python -m tests.simulation --table` plays them all; docs/simulation.md shows the last answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any, Literal

import moisson.harvest.run as shipped
from moisson.errors import StoreLocked
from moisson.plan.limits import LIMITES_API, Limites
from moisson.store.store import open_store
from moisson_twin.quota import Quota
from moisson_twin.settings import Crowd, Drift, Settings, WorldSettings
from tests.hidden import Cachees
from tests.simulation.harvest import Harvest, Outcome, simulate
from tests.simulation.scenario import FAILED, PROVED, TRANSPORT, UNPROVED, Kill, Scenario

__all__ = ["ROWS", "Came", "Row", "play"]

PETITES = Limites(page=10, depart_max=90)
"""A hundred rows a search: four hundred offers are four windows and more."""

Family = Callable[[], Iterable[tuple[str, Scenario]]]
Check = Callable[[Outcome], str]


def fine(outcome: Outcome) -> str:
    """Nothing more is due than the verdict."""
    return ""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        key: its name in tests and on the command line.
        switch: what goes wrong, for a person.
        due: what must come of it, for a person.
        family: the scenarios, each with a name.
        verdicts: exit codes that are due.
        check: what is wrong with an outcome besides its verdict and its broken promises, or "".
        slow: takes more than some ten seconds.
    """

    key: str
    switch: str
    due: str
    family: Family
    verdicts: frozenset[int] = frozenset({PROVED})
    check: Check = fine
    slow: bool = False


@dataclass
class Came:
    """What came of a row.

    Attributes:
        verdicts: how often each exit code came.
        wrong: what was not as it is due, each with the scenario's name; empty when all is well.
        ratio: the most calls over the floor among the proved ones of a hundred calls or more.
        missing: most offers missing from an unproved one; named: most that a run itself named.
        noise: how many are proved within the announced noise.
        calls, steps: of all of them together.
    """

    verdicts: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    ratio: float = 0.0
    missing: int = 0
    named: int = 0
    noise: int = 0
    calls: int = 0
    steps: int = 0

    def __str__(self) -> str:
        parts = [", ".join(f"{verdict} ×{count}" for verdict, count in sorted(self.verdicts.items()))]
        if self.ratio:
            parts.append(f"at most {self.ratio:.3f} × floor")
        if self.noise:
            parts.append(f"{self.noise} within the announced noise")
        if self.missing or self.named:
            parts.append(f"up to {self.missing} missing, {self.named} named")
        return "; ".join(parts) + (f"; **{len(self.wrong)} WRONG**" if self.wrong else "")


def play(row: Row) -> Came:
    """Play all scenarios of a row."""
    came = Came()
    for name, scenario in row.family():
        outcome = simulate(scenario)
        came.verdicts[outcome.verdict] += 1
        came.calls += outcome.calls
        came.steps += outcome.steps
        wrong = [*outcome.violations]
        if outcome.verdict not in row.verdicts:
            wrong.append(f"ended with {outcome.verdict}: {'; '.join(outcome.reasons)[:300]}")
        elif found := row.check(outcome):
            wrong.append(found)
        came.wrong += [f"{name}: {text}" for text in wrong]
        if outcome.verdict == PROVED:
            if outcome.calls >= 100 and outcome.nights == 1:
                came.ratio = max(came.ratio, outcome.ratio)
            came.noise += any("noise" in warning for warning in outcome.warnings)
        elif outcome.verdict == UNPROVED:
            came.missing = max(came.missing, outcome.missing)
            came.named = max(came.named, outcome.named)
    return came


# -- what scenarios are made of ----------------------------------------------------------------------------------------


def calm(
    offres: int = 400, *, limites: Limites = PETITES, world: Mapping[str, Any] | None = None, seed: int = 1, **twin: Any
) -> Scenario:
    """A world that keeps still, behind a service that does what it should; keywords change the double's settings."""
    settings = WorldSettings(**{"offres": offres, "seed": seed, "drift": Drift.none(), **(world or {})})
    return Scenario(
        seed=seed,
        twin=Settings(
            **{
                "world": settings,
                "world_clock": "clock",
                "page_size": limites.page,
                "start_max": limites.depart_max,
                # Where the quota is not what is tried, answers that overtake each other must not look like too many.
                "quota_per_s": 10.0,
                **twin,
            }
        ),
        limites=limites,
        fold=False,
    )


def with_faults(*faults: str, offres: int = 400, **more: Any) -> Scenario:
    """A calm world and faults of the double."""
    return calm(offres, faults=faults, **more)


def at(when: int, then: Callable[[Harvest], None]) -> Callable[[Harvest, int], None]:
    """Something that happens once, before the search of that number."""

    def during(harvest: Harvest, number: int) -> None:
        if number == when:
            then(harvest)

    return during


def named(*scenarios: Scenario, **more: Scenario) -> Family:
    """A family whose scenarios are known beforehand."""
    numbered = [(str(rank), scenario) for rank, scenario in enumerate(scenarios)]
    return lambda: [*numbered, *more.items()]


def nothing_missing(outcome: Outcome) -> str:
    """No offer that stayed online is missing, proved or not."""
    return f"{outcome.missing} offers are missing" if outcome.missing else ""


# -- the families ------------------------------------------------------------------------------------------------------


def sizes() -> Iterator[tuple[str, Scenario]]:
    """Around every limit of the API."""
    for offres in (0, 1, 149, 150, 151, 3149, 3150, 3151, 10_000):
        yield str(offres), calm(offres, limites=LIMITES_API)


def drifts() -> Iterator[tuple[str, Scenario]]:
    """The country's drift, sixty times as much, and each kind of event alone."""
    country = Drift()
    rush = Drift(births_per_s=20, deaths_per_s=20, edits_per_s=10, republications_per_s=1, lag_s=1)
    for name, drift, offres in (
        ("0.35 a second", country, 30_000),
        ("20 a second", rush, 30_000),
        ("births", Drift(2, 0, 0, 0), 10_000),
        ("withdrawals", Drift(0, 5, 0, 0), 10_000),
        ("edits", Drift(0, 0, 5, 0), 10_000),
        ("republications", Drift(0, 0, 0, 2), 10_000),
    ):
        yield name, calm(offres, limites=LIMITES_API, world={"drift": drift})
    for name, rank in (("the row above the border", -1), ("the row below it", 0), ("the last row of the page", 9)):
        yield f"{name} withdrawn at every page", replace(calm(), during=_withdraw(rank))


def _withdraw(rank: int) -> Callable[[Harvest, int], None]:
    """Withdraw, before each search, a row next to a border of the page read last; rank -1 stands just above it."""

    def during(harvest: Harvest, number: int) -> None:
        world, page = harvest.world, harvest.page
        if page is None or len(page.lignes) <= max(0, rank):
            return
        id_ = page.lignes[max(0, rank)].id
        if rank < 0:
            living = world.truth().ids
            above = living.index(id_) + 1 if id_ in living else len(living)
            if above >= len(living):
                return
            id_ = living[above]
        world.advance_to(asyncio.get_running_loop().time())
        if world.find(id_) is not None:
            world.withdraw(id_)

    return during


def crowds() -> Iterator[tuple[str, Scenario]]:
    """Seconds that hold more than a search shows."""
    for foule in (4_000, 40_000):
        yield f"{foule} on a second", calm(10_000, limites=LIMITES_API, world={"crowded": (Crowd(foule),)})
    yield "three such seconds", calm(300, world={"crowded": (Crowd(150), Crowd(400), Crowd(900))})
    yield (
        "the newest second of a country",
        calm(0, world={"crowded": (Crowd(60),)}),
    )


def inseparable() -> Iterator[tuple[str, Scenario]]:
    """Seconds that no criterion takes apart."""
    for foule in (3_151, 4_000):
        crowd = Crowd(foule, separable=False)
        yield f"{foule}", calm(9_000, limites=LIMITES_API, world={"crowded": (crowd,)})
    yield "beside another", calm(world={"crowded": (Crowd(130, separable=False), Crowd(300))})


def missing_named(outcome: Outcome) -> str:
    """What is missing is what the run names, to the offer."""
    if outcome.missing and outcome.missing == outcome.named:
        return ""
    return f"{outcome.missing} are missing and {outcome.named} were named"


def bounds() -> Iterator[tuple[str, Scenario]]:
    """How bounds count, for whole seconds, milliseconds, and both."""
    for share, low, high in product(
        (0.0, 0.65, 1.0), ("inclusive", "exclusive"), ("inclusive", "exclusive", "whole_second")
    ):
        drift = Drift(0.1, 0.1, 0.1, 0.02)
        yield (
            f"partners {share:.0%}, lower {low}, upper {high}",
            calm(world={"partner_share": share, "drift": drift}, bound_min=low, bound_max=high),
        )


def clocks() -> Iterator[tuple[str, Scenario]]:
    """Both clocks, all seasons, the nights of change, this machine's clock, bounds in the future."""
    mars, octobre = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
    starts = {"summer": datetime(2026, 7, 1, 9, tzinfo=UTC), "winter": datetime(2026, 1, 20, 9, tzinfo=UTC)}
    for name, night in (("March", mars), ("October", octobre)):
        for hours in (-2, -0.5, 0, 0.5, 1.5, 3, 30, 24 * 5):
            starts[f"{hours:+g} h of the change in {name}"] = night + timedelta(hours=hours)
    for (when, start), read, shown in product(starts.items(), ("utc", "paris"), ("utc", "paris")):
        world = {
            "start": start,
            "age_days_max": 400.0 if "h of" not in when else 10.0,
            "drift": Drift(0.1, 0.1, 0, 0.02),
        }
        repeated_hour = name_of_repeated_hour(when) and read == "paris"
        # Five hundred in twelve hours: the newest page is of the night alone.
        if "March" in when:
            yield (
                f"{when}, bounds in {read}, dates in {shown}, a crowd of the night",
                calm(500, world=world | {"age_days_max": 0.5}, filter_clock=read, shown_clock=shown),
            )
        for future in (False,) if repeated_hour else (False, True):
            scenario = calm(250, world=world, filter_clock=read, shown_clock=shown, refuse_future=future)
            name = f"{when}, bounds in {read}, dates in {shown}{', future refused' if future else ''}"
            yield name, replace(scenario, wall_error_s=600.0 if future else -600.0)


def name_of_repeated_hour(when: str) -> bool:
    """Whether a start lies in the hour that October shows twice."""
    return when in ("+0 h of the change in October", "+0.5 h of the change in October")


def repeated_hour() -> Iterator[tuple[str, Scenario]]:
    """In October's repeated hour, bounds read in Paris time cannot name its second half before it is over.

    Where it brings more than a page, no clock tells which of the two passes the newest offers are of.
    """
    for minutes, shown in product((0, 30, 55), ("utc", "paris")):
        start = datetime(2026, 10, 25, 1, minutes, tzinfo=UTC)
        world = {"start": start, "age_days_max": 10.0, "drift": Drift(0.1, 0.1, 0, 0.02)}
        scenario = calm(250, world=world, filter_clock="paris", shown_clock=shown, refuse_future=True)
        yield f"{minutes} min into it, dates in {shown}", scenario
    for minutes, read, shown, future in product((-30, 10, 50), ("utc", "paris"), ("utc", "paris"), (False, True)):
        start = datetime(2026, 10, 25, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        world = {"start": start, "age_days_max": 0.5, "drift": Drift(0.1, 0.1, 0, 0.02)}
        scenario = calm(1500, world=world, filter_clock=read, shown_clock=shown, refuse_future=future)
        name = f"{minutes} min into it, bounds in {read}, dates in {shown}{', future refused' if future else ''}"
        yield f"{name}, a crowd of the night", scenario


def ties() -> Iterator[tuple[str, Scenario]]:
    """Offers of one instant, or of one second, change places at each call."""
    for unit in ("instant", "second"):
        yield f"of one {unit}", calm(30_000, limites=LIMITES_API, unstable_ties=unit)
        yield (
            f"of one {unit}, drifting",
            calm(30_000, limites=LIMITES_API, unstable_ties=unit, world={"drift": Drift()}),
        )
        for seed in range(10):
            drift = Drift(0.2, 0.3, 0, 0.05)
            yield f"of one {unit}, small {seed}", calm(300, seed=seed, unstable_ties=unit, world={"drift": drift})


def few_more_calls(outcome: Outcome) -> str:
    """At most 1.06 times the floor, the dozen calls that any country costs, and two windows read before it was seen."""
    if outcome.verdict == PROVED and outcome.floor >= 100 and outcome.calls > 1.06 * outcome.floor + 12 + 2 * 21:
        return f"{outcome.calls} calls for a floor of {outcome.floor}"
    return ""


def pages() -> Iterator[tuple[str, Scenario]]:
    """Each call in turn shows a wrong page, then every tenth one does."""
    for fault, index in product(("repeat_page:", "short_page:", "short_page:missing=3,", "empty_page:"), range(26)):
        yield f"{fault} at call {index}", with_faults(f"{fault}at={index}", offres=150)
    for fault in ("repeat_page", "short_page", "empty_page"):
        yield f"{fault} every tenth call", with_faults(f"{fault}:every=10", offres=300)


def nothings() -> Iterator[tuple[str, Scenario]]:
    """Each call in turn is answered "nothing matches", then every tenth one is."""
    for index in range(26):
        yield f"at call {index}", with_faults(f"nothing:at={index}", offres=150)
    for seed in range(6):
        yield f"at random, seed {seed}", with_faults("nothing:p=0.1", seed=seed)


def noise() -> Iterator[tuple[str, Scenario]]:
    """Totals that are off now and then."""
    for seed in range(6):
        faults = [f"total_off:by={by},p=0.15" for by in (-3, -2, -1, 1, 2, 3)]
        yield f"seed {seed}", with_faults(*faults, seed=seed)


def wrong_totals() -> Iterator[tuple[str, Scenario]]:
    """Totals that are off for good."""
    for by in (-25, -3, -1, 1, 3, 25):
        yield f"{by:+}", with_faults(f"total_off:by={by}")


DATES = "minCreationDate|maxCreationDate"
CRITERIA = "typeContrat|natureContrat|experience|qualification|origineOffre|dureeHebdo|grandDomaine"


def ignored() -> Iterator[tuple[str, Scenario]]:
    """A filter, or the sort, that does nothing."""
    for name in (DATES, "minCreationDate", "maxCreationDate"):
        yield name.replace("|", " and "), with_faults(f"ignore_filter:name={name}")
    yield "sort", calm(15_000, limites=LIMITES_API, faults=("ignore_sort:",))
    # Of the criteria only one is used here, the one that takes this crowd apart in the fewest calls.
    for name, criteria in (("a criterion", "typeContrat"), ("all criteria", CRITERIA)):
        yield name, calm(100, world={"crowded": (Crowd(260),)}, faults=(f"ignore_filter:name={criteria}",))


def ignored_later() -> Iterator[tuple[str, Scenario]]:
    """The same from some call on."""
    for index, name in product((8, 12, 20, 30), (DATES, "minCreationDate", "maxCreationDate")):
        scenario = with_faults(f"ignore_filter:name={name},at={index}-9999")
        yield f"{name.replace('|', ' and ')} from call {index} on", scenario
    for index in (8, 12, 20, 30):
        yield f"sort from call {index} on", with_faults(f"ignore_sort:at={index}-9999")


def within_a_hundred_calls(outcome: Outcome) -> str:
    """It must not take long to see."""
    return f"it took {outcome.calls} calls to see" if outcome.calls > 100 else ""


def answers() -> Iterator[tuple[str, Scenario]]:
    """What the service may do either way."""
    for status, headers, quota in product((200, 206), (True, False), (None, 3.0)):
        for rate in (3.0, "auto"):
            scenario = calm(last_page_status=status, quota_headers=headers, quota_per_s=quota)
            yield f"last page {status}, headers {headers}, quota {quota}, rate {rate}", replace(scenario, rate=rate)


def expired() -> Iterator[tuple[str, Scenario]]:
    """The token dies at any call, or always after some seconds."""
    for index in range(45):
        yield f"at call {index}", with_faults(f"expire_token:at={index}")
    for life_s in (3, 8, 20, 60):
        yield f"every {life_s} s", calm(token_life_s=life_s)
    yield "forgotten at random", with_faults("expire_token:p=0.1")


def storms() -> Iterator[tuple[str, Scenario]]:
    """Good tokens are refused for a while."""
    for length in (2, 4, 30):
        yield f"{length} calls", with_faults(f"reply_401:at=10-{9 + length}")
    yield "at random", with_faults("reply_401:p=0.1")


def token_minute() -> Iterator[tuple[str, Scenario]]:
    """No token for a minute, from the start or later on."""
    for index, status in product((0, 1, 10, 30), (500, 503)):
        yield f"{status} from call {index}", replace(calm(), during=at(index, _no_token(60.0, status)))
    yield "before the first call", replace(calm(faults=("token_down:at=0-3",)), failures_max=0)


def token_gone() -> Iterator[tuple[str, Scenario]]:
    """No token for good."""
    yield "from the start", with_faults("token_down:")
    for index in (1, 10, 30):
        yield f"from call {index}", replace(calm(), during=at(index, _no_token(None, 503)))


def _no_token(for_s: float | None, status: int) -> Callable[[Harvest], None]:
    def happen(harvest: Harvest) -> None:
        harvest.service.tokens.forget_all()
        harvest.service.faults.set([f"token_down:status={status}"])
        if for_s is not None:
            asyncio.get_running_loop().call_later(for_s, harvest.service.faults.set, [])

    return happen


def throttled() -> Iterator[tuple[str, Scenario]]:
    """429 with every kind of Retry-After, and a quota that is lowered."""
    date = "Thu;_15_Oct_2026_09:31:00_GMT"
    for after in ("0", "1", "60", date, "-5", "absent", "1.5", "soon"):
        yield f"Retry-After {after.replace('_', ' ')}", with_faults(f"reply_429:every=9,retry_after={after}")
        yield f"the same, five times running: {after}", with_faults(f"reply_429:at=11-15,retry_after={after}")
    for quota, headers, mode in product((1.0, 2.0), (True, False), ("bucket", "window")):

        def lower(harvest: Harvest, quota: float = quota, mode: Any = mode, headers: bool = headers) -> None:
            harvest.service.quota = Quota(quota, mode, headers)

        name = f"lowered to {quota:g} a second, {mode}, headers {headers}"
        yield name, replace(calm(), during=at(15, lower))


def transport() -> Iterator[tuple[str, Scenario]]:
    """Each call in turn fails in every way that a network or a server knows."""
    for fault, index in product(TRANSPORT, range(22)):
        yield f"{fault} at call {index}", with_faults(f"{fault}on=search,at={index}", offres=150)
    for fault in ("drop:", "hang:seconds=90,", "token_down:status=500,"):
        yield f"{fault} at the token", with_faults(f"{fault}on=token,at=0", offres=150)


def bad_luck() -> Iterator[tuple[str, Scenario]]:
    """One call in ten fails, in all ways mixed."""
    for seed in range(12):
        faults = [f"{fault}p={0.1 / len(TRANSPORT):.4f}" for fault in TRANSPORT]
        yield f"seed {seed}", with_faults(*faults, seed=seed, offres=600)


def bodies() -> Iterator[tuple[str, Scenario]]:
    """Offers that are not as the specification says."""
    for fault in ("unknown_keys", "changed_type", "null_object"):
        yield fault, replace(with_faults(f"{fault}:p=0.5", offres=200), fold=True, verify=True, after=_kept)
    yield "10 MB", replace(with_faults("huge_description:at=5", offres=60), fold=True, after=_huge)


def _kept(harvest: Harvest) -> None:
    """What has no column is in `autres`, and what has another type is counted."""
    offres = _rows(harvest, "offres")
    if not any(offre["autres"] for offre in offres):
        harvest.violated("what has no column was not kept")
    counted = any("not of the official type" in erreur["quoi"] for erreur in _rows(harvest, "erreurs"))
    if harvest.scenario.twin.faults[0].startswith("changed_type") and not counted:
        harvest.violated("values of another type were not counted")


def _huge(harvest: Harvest) -> None:
    if max(len(offre["description"] or "") for offre in _rows(harvest, "offres")) != 5_000_000:
        harvest.violated("the long description was not kept whole")


def _rows(harvest: Harvest, table: str) -> list[dict[str, Any]]:
    generation = open_store(harvest.folder).generation()
    found = generation.read(table) if generation is not None else None
    return [] if found is None else found.to_pylist()


def killed(kind: Literal["step", "power", "full"], pause_s: float = 5.0) -> Family:
    """One process dies at each change of the file system in turn, the next one goes on."""

    def family() -> Iterator[tuple[str, Scenario]]:
        base = replace(calm(60, limites=Limites(page=10, depart_max=40)), fold=True, verify=True)
        whole = simulate(base)

        def the_same(harvest: Harvest) -> None:
            """Once the new state is switched to, the run is done, and the next command is another run."""
            runs = len(_rows(harvest, "collectes"))
            # Two windows were in flight at most.
            if harvest.wire.searches > runs * whole.calls + 3:
                harvest.violated(f"{harvest.wire.searches} calls for {runs} runs of {whole.calls}")
            if len(_rows(harvest, "offres")) != whole.offres:
                harvest.violated(f"{len(_rows(harvest, 'offres'))} offers are stored, of {whole.offres}")

        for step in range(whole.changes):
            kills = (Kill(kind, step, pause_s),)
            yield (
                f"{kind} {step} of {whole.changes}",
                replace(base, kills=kills, failures_max=1, verify=step % 8 == 0, after=the_same),
            )

    return family


def rivals() -> Iterator[tuple[str, Scenario]]:
    """A second `collect` is started on the store while the first one runs."""
    for index in (1, 5, 20):
        tasks: list[asyncio.Task[Any]] = []

        def start(harvest: Harvest, tasks: list[asyncio.Task[Any]] = tasks) -> None:
            tasks.append(
                asyncio.ensure_future(
                    shipped.collect(harvest.folder, harvest.settings, observer=lambda vue: None, transport=harvest.wire)
                )
            )

        def refused(harvest: Harvest, tasks: list[asyncio.Task[Any]] = tasks) -> None:
            (task,) = tasks
            tasks.clear()
            if not task.done() or not isinstance(task.exception(), StoreLocked):
                harvest.violated("a second process was let into the store")

        yield f"at call {index}", replace(calm(), fold=True, verify=True, during=at(index, start), after=refused)


def abandoned() -> Iterator[tuple[str, Scenario]]:
    """A crash on one night, and the command again on the next."""
    for kind, step in (("step", 30), ("power", 77), ("cancel", 6.0), ("fold", 3), ("fold", 25)):
        kill = Kill(kind, step, pause_s=22 * 3600)  # type: ignore[arg-type]
        drift = Drift(0.002, 0.002, 0.001, 0.0005)
        scenario = calm(200, world={"drift": drift})
        yield f"{kind} {step}", replace(scenario, fold=True, verify=True, kills=(kill,), after=_afresh)


def _afresh(harvest: Harvest) -> None:
    """The first run is in the books as abandoned, and the second read the whole country."""
    verdicts = [row["verdict"] for row in sorted(_rows(harvest, "collectes"), key=lambda row: row["debut"])]
    if verdicts != ["abandonnee", "prouvee"]:
        harvest.violated(f"the runs are recorded as {verdicts}")


def again() -> Iterator[tuple[str, Scenario]]:
    """A run that proved too little, and the command again an hour later, when the service does what it should."""
    for seed, moving in product(range(4), (False, True)):
        drift = Drift(0.004, 0.004, 0.002, 0.001) if moving else Drift.none()
        begun: list[int] = []
        tops: list[str] = []

        def spoil(harvest: Harvest, number: int, tops: list[str] = tops) -> None:
            # Whatever is asked of the third window comes short, until the night is over.
            top = harvest.wire.asked.get("maxCreationDate", "")
            if top not in tops:
                tops.append(top)
            spoilt = harvest.outcome.nights == 1 and len(tops) > 5 and top == tops[5]
            harvest.service.faults.set(["short_page:"] if spoilt else [])

        def count(harvest: Harvest, begun: list[int] = begun) -> None:
            begun[:] = [harvest.wire.searches]

        def judge(harvest: Harvest, begun: list[int] = begun) -> None:
            rows = sorted(_rows(harvest, "collectes"), key=lambda row: row["debut"])
            if harvest.outcome.nights == 1:
                if harvest.outcome.verdict != UNPROVED:
                    harvest.violated(f"the first night ended with {harvest.outcome.verdict}")
            elif rows[-1]["suite_de"] != rows[-2]["collecte"]:
                harvest.violated("the second run did not go on from the first")
            elif harvest.wire.searches - begun[0] > harvest.outcome.floor * 0.7:
                harvest.violated(f"{harvest.wire.searches - begun[0]} calls for one window in doubt")

        scenario = calm(600, seed=seed, world={"drift": drift})
        yield (
            f"seed {seed}{', drifting' if moving else ''}",
            replace(scenario, fold=True, verify=True, nights=2, during=spoil, between=count, after=judge),
        )


def shrunk() -> Iterator[tuple[str, Scenario]]:
    """The second night finds half of the country, or nothing at all."""

    def halve(harvest: Harvest) -> None:
        for id_ in harvest.world.truth().ids[::2]:
            harvest.world.withdraw(id_)

    def silence(harvest: Harvest) -> None:
        harvest.service.faults.set(["nothing"])

    for name, between in (("half", halve), ("nothing", silence)):
        yield name, replace(calm(200), fold=True, nights=2, between=between, after=_all_kept)
    for index in (0, 5, 12, 18):
        begun: list[int] = []

        def remember(harvest: Harvest, begun: list[int] = begun) -> None:
            begun[:] = [harvest.wire.searches]

        def later(harvest: Harvest, number: int, begun: list[int] = begun, index: int = index) -> None:
            if begun and number == begun[0] + index:
                silence(harvest)

        then = replace(calm(200), fold=True, nights=2, between=remember, during=later, after=_all_kept)
        yield f"nothing from call {index} of the second night on", then


def completed() -> Iterator[tuple[str, Scenario]]:
    """One window of the first run finds no agreement; half an hour later the command is run again, killed or not."""
    for step in (None, *range(0, 64, 4)):
        first: list[int] = []

        def hide(harvest: Harvest, number: int) -> None:
            if number == 0:
                harvest.service.faults.active = [Cachees(harvest.world, [200])]

        def mend(harvest: Harvest, first: list[int] = first) -> None:
            harvest.service.faults.set([])
            first[:] = [harvest.wire.searches]

        def cheap(harvest: Harvest, first: list[int] = first) -> None:
            rows = _rows(harvest, "collectes")
            # Killed after the switch, the second run was whole, and the next command is another.
            if len(rows) == 2 and first and harvest.wire.searches - first[0] > first[0] * 0.75:
                harvest.violated(f"{harvest.wire.searches - first[0]} calls to complete a run of {first[0]}")
            if first and rows[1]["suite_de"] != rows[0]["collecte"]:
                harvest.violated("the second run does not continue the first")

        scenario = replace(
            calm(400),
            fold=True,
            verify=True,
            nights=2,
            night_s=1800.0,
            during=hide,
            between=mend,
            after=cheap,
            kills=() if step is None else (Kill("step", step, 5.0),),
            failures_max=1,
        )
        yield "whole" if step is None else f"killed at step {step}", scenario


def ghosts() -> Iterator[tuple[str, Scenario]]:
    """Offers that no page shows answer at the detail resource all the same, or it answers nothing of use."""

    def withdraw(harvest: Harvest, fault: str) -> None:
        for id_ in harvest.world.truth().ids[::10]:
            harvest.world.withdraw(id_)
        harvest.service.faults.set([fault])

    for fault in ("ghost_detail", "reply_403:on=offre"):
        between = partial(withdraw, fault=fault)
        yield fault, replace(calm(200), fold=True, verify=True, nights=2, between=between, after=_all_kept)


def _all_kept(harvest: Harvest) -> None:
    if len(_rows(harvest, "offres")) != 200:
        harvest.violated(f"{200 - len(_rows(harvest, 'offres'))} offers were closed")


# -- the table ---------------------------------------------------------------------------------------------------------

EITHER = frozenset({PROVED, UNPROVED})

ROWS: tuple[Row, ...] = (
    Row("sizes", "sizes 0, 1, 149, 150, 151, 3149, 3150, 3151, 10⁴", "0, nothing missing", sizes),
    Row(
        "drift",
        "drift of 0.35 and 20 a second; edits; republications; withdrawals at every page border",
        "0, nothing missing",
        drifts,
        slow=True,
    ),
    Row("crowds", "4,000 and 40,000 offers on one second that criteria can separate", "0", crowds),
    Row(
        "inseparable",
        "one second that no criterion separates",
        "3, the count missing named exactly",
        inseparable,
        frozenset({UNPROVED}),
        missing_named,
    ),
    Row("bounds", "milliseconds; bounds inclusive, exclusive, one of each", "0", bounds),
    Row(
        "clocks",
        "filter's clock and shown clock in UTC or Paris, all four; nights when the clocks change; this machine's clock "
        "wrong by ten minutes; a future upper bound refused",
        "0",
        clocks,
    ),
    Row(
        "repeated-hour",
        "the hour that October has twice: bounds read in Paris time and a future one refused, so that none names the "
        "newest; more in it than a page",
        "0 or 3; never a false claim",
        repeated_hour,
        EITHER,
    ),
    Row(
        "ties",
        "ties in another order on each call",
        "0 (≤ 1.06 × floor), or 3; never a false claim",
        ties,
        EITHER,
        few_more_calls,
    ),
    Row(
        "pages", "a page repeated; a short page in the middle; an empty page under a total", "0 after re-reading", pages
    ),
    Row("nothings", "one answer that says “nothing”", "0 after asking again", nothings),
    Row(
        "noise",
        "totals off by ±3 from call to call",
        "0 “within the announced noise”, or 3; nothing missing",
        noise,
        EITHER,
        nothing_missing,
    ),
    Row("wrong-totals", "a total wrong for good", "3", wrong_totals, frozenset({UNPROVED})),
    Row(
        "ignored",
        "a filter, or the sort, that is ignored",
        "1 or 3 within 100 calls, no claim",
        ignored,
        frozenset({FAILED, UNPROVED}),
        within_a_hundred_calls,
    ),
    Row(
        "ignored-later",
        "the same from some call on",
        "1 or 3, no claim",
        ignored_later,
        frozenset({FAILED, UNPROVED}),
    ),
    Row("answers", "last page 200 or 206; no quota headers", "0", answers),
    Row("expired", "token expired at any call", "0", expired),
    Row("storms", "a storm of 401", "0", storms),
    Row("token-minute", "token endpoint down for a minute", "0", token_minute),
    Row("token-gone", "token endpoint down for good", "1", token_gone, frozenset({FAILED})),
    Row(
        "throttled",
        "429 with `Retry-After` 0, 1, 60, a date, negative, absent; quota lowered in mid-run",
        "0",
        throttled,
    ),
    Row(
        "transport",
        "500, 502, 503, 504, reset, hang, truncated gzip, invalid JSON, HTML, no `Content-Range`, at every request "
        "index in turn",
        "0",
        transport,
    ),
    Row("bad-luck", "the same at 10 % of calls at random", "0", bad_luck),
    Row(
        "bodies",
        "unknown keys, changed type, null for an object, a description of 10 MB",
        "0, kept and counted",
        bodies,
    ),
    Row(
        "killed",
        "killed at every step between landing, journal, proof and fold",
        "0 at the next run, the same rows, no calls lost but those in flight",
        killed("step"),
        slow=True,
    ),
    Row(
        "power",
        "power cut at every step, what was not synced torn",
        "the same",
        killed("power"),
        slow=True,
    ),
    Row("full", "disk full at every write", "the same", killed("full"), slow=True),
    Row("rivals", "two runs at once", "1 for the second, the first undisturbed", rivals),
    Row("abandoned", "crash on one night, run on the next", "the first recorded as abandoned, a full run", abandoned),
    Row(
        "again",
        "a window that could not be proved, and the command again an hour later",
        "0, and calls for what was in doubt only",
        again,
    ),
    Row(
        "shrunk",
        "total down by half; an API that answers “nothing”",
        "3, nothing closed",
        shrunk,
        frozenset({UNPROVED}),
    ),
    Row(
        "completed",
        "a window without agreement, the command again within the hour, killed at any step",
        "0, for the calls of what was in doubt",
        completed,
    ),
    Row(
        "ghosts",
        "withdrawn offers whose detail says that they are online, or says nothing",
        "3, nothing closed",
        ghosts,
        frozenset({UNPROVED}),
    ),
)
