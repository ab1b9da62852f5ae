"""Every setting of the double, with its unit, its default and the reason for it.

Nothing else in the package reads the environment, the wall clock or a random generator that was not handed in.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

#: Which clock a date is written on. The service ends every date in "Z"; whether that is true UTC is not known.
ClockName = Literal["utc", "paris"]


@dataclass(frozen=True, slots=True)
class Drift:
    """How the stock moves, in events per second of the world's time.

    The defaults are the country's: about 29,000 births and as many deaths a day, whatever the size of the world.
    """

    births_per_s: float = 0.35
    deaths_per_s: float = 0.35
    edits_per_s: float = 0.2
    republications_per_s: float = 0.02
    #: A newborn offer shows up to so many seconds after its dateCreation: the newest seconds are still filling.
    lag_s: float = 0.0

    @classmethod
    def none(cls) -> "Drift":
        """A stock that does not move."""
        return cls(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many offers created within one second that one search cannot show them all.

    ``separable``: spread over the criteria at the national rates; otherwise every criterion has one same value, so
    that no search can tell these offers apart.
    """

    offres: int
    separable: bool = True


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What the invented stock of offers is made of."""

    #: Offers alive at the start (the crowds come on top of these).
    offres: int = 20_000
    #: Same seed, same world, same drift.
    seed: int = 1
    #: The instant at which the world's time is 0. Fixed, so that a test written today reads the same dates tomorrow.
    start: datetime = datetime(2026, 10, 15, 9, 30, tzinfo=UTC)
    #: Share of partners' offers among the living: 65 % is what the national sums of 2026 imply.
    partner_share: float = 0.65
    #: The oldest offer, in days (two years).
    age_days_max: float = 730.0
    #: Share of the partners' offers of the initial stock that publish another offer again. None: no figure is known.
    duplicate_share: float = 0.0
    drift: Drift = field(default_factory=Drift)
    crowded: tuple[Crowd, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service answers. Where the true one is not known, both readings are a setting."""

    world: WorldSettings = field(default_factory=WorldSettings)

    #: "calls": the k-th search arrives at k / ``calls_per_s`` seconds of the world's time, so that a run is the same
    #: on a slow and on a fast machine. "clock": the world's time is the clock handed to ``create_app``.
    world_clock: Literal["calls", "clock"] = "calls"
    calls_per_s: float = 3.0

    #: Rows in a page, and the highest first row: the service shows rows 0 to 3149.
    page_size: int = 150
    start_max: int = 3000

    #: Calls a second and application, enforced as a token bucket of this capacity; None: no quota.
    quota_per_s: float | None = 10
    #: "bucket": what the headers' names suggest. "window": never more than the quota in *any* second.
    quota_mode: Literal["bucket", "window"] = "bucket"
    quota_headers: bool = True

    #: Applications that may ask for a token, as (client id, secret) pairs.
    clients: tuple[tuple[str, str], ...] = (
        ("PAR_demo_" + "0" * 63 + "1", "5" * 64),
        ("PAR_demo_" + "0" * 63 + "2", "6" * 64),
    )
    #: Client ids to which the API is not attached: ``invalid_client``, as the service says.
    detached_clients: tuple[str, ...] = ()
    token_life_s: float = 1499

    #: How the bounds of a date window count, at the millisecond. "whole_second": the upper bound's second counts whole.
    bound_min: Literal["inclusive", "exclusive"] = "inclusive"
    bound_max: Literal["inclusive", "exclusive", "whole_second"] = "inclusive"
    #: The clock on which the bounds are read, and the one on which offers show their dates.
    filter_clock: ClockName = "utc"
    shown_clock: ClockName = "utc"
    #: Answer 400 to an upper bound later than now.
    refuse_future: bool = False

    #: Status of a page that reaches the end of its search.
    last_page_status: Literal[200, 206] = 200
    #: Offers of one "instant" or one "second" change places at each call.
    unstable_ties: Literal["instant", "second"] | None = None
    #: Accept ``qualification=X`` (no qualification).
    qualification_x: bool = True
    #: How far a search by commune reaches beyond the distance asked (documented: up to 0.3).
    radius_overshoot: float = 0.1

    #: Faults to play, written as for ``--fault`` (see :mod:`moisson_twin.faults`).
    faults: tuple[str, ...] = ()
