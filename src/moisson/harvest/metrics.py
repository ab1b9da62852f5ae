"""The figures of a store and of its last run as Prometheus reads them from a text file.

Names and units follow Prometheus' conventions: a prefix, base units last (seconds, bytes), ratios between 0 and 1,
`_info` for texts, a HELP and a TYPE line each. What is not known is left out rather than made up. All are gauges: the
file is a state as of now, written again by each run. Each line names its store, so that several stores on one machine
do not collide.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from moisson.store.status import StoreStatus

__all__ = ["CollectEnd", "prometheus"]

Sample = tuple[Mapping[str, str], float | None]


class CollectEnd(NamedTuple):
    """How `moisson collect` ended.

    Attributes:
        exit_code: its exit code.
        ended_s: when, seconds since 1970.
        duration_s: how long it took.
    """

    exit_code: int
    ended_s: float
    duration_s: float


def prometheus(store: str, found: StoreStatus | None, end: CollectEnd | None = None, *, version: str) -> str:
    """The text of the file.

    Args:
        store: the store's folder, the label of every line.
        found: its state; None when there is none to be read.
        end: how the command that writes this ended; None when it is not a run.
        version: of Moisson.
    """
    lines: list[str] = []
    for name, help_, samples in _families(found, end, version):
        known = [(labels, value) for labels, value in samples if value is not None]
        if not known:
            continue
        lines += [f"# HELP moisson_{name} {help_}", f"# TYPE moisson_{name} gauge"]
        lines += [f"moisson_{name}{_labels({'store': store, **labels})} {_number(value)}" for labels, value in known]
    return "".join(f"{line}\n" for line in lines)


def _families(
    found: StoreStatus | None, end: CollectEnd | None, version: str
) -> Iterator[tuple[str, str, list[Sample]]]:
    """Name, help, and samples of each metric."""

    def one(value: float | None) -> list[Sample]:
        return [({}, value)]

    if end is not None:
        yield "collect_exit_code", "Exit code of the last collect: 0 proved, 3 not proved.", one(end.exit_code)
        yield "collect_end_timestamp_seconds", "When the last collect ended, whatever its exit code.", one(end.ended_s)
        yield "collect_duration_seconds", "How long the last collect took.", one(end.duration_s)
    if found is None:
        return
    info = {"version": version, "source": found.source, "simulated": str(found.simulated).lower()}
    yield "store_info", "What the store is filled from.", [(info, 1.0)]
    yield "offers", "Offers online as far as the store knows.", one(found.offres)
    yield "proved", "Whether the present state comes from a proved run.", one(found.proved)
    proved_s = _seconds(found.last_proved_at)
    yield "last_proved_timestamp_seconds", "Oldest evidence of the last proved run.", one(proved_s)
    if found.last_run is not None:
        yield "coverage_ratio", "Distinct offers read over those announced, in the last run.", one(found.coverage)
        yield "missing_offers", "Offers known to exist that the last run could not read.", one(found.missing_known)
        yield "run_calls", "Search attempts of the last run, retries included.", one(found.calls)
        yield "run_calls_floor", "Least number of calls that could do.", one(found.calls_floor)
        yield "run_calls_to_floor_ratio", "Search attempts over the least that could do.", one(found.call_ratio)
        yield "run_retries", "Attempts of the last run made again.", one(found.retries)
        yield "run_throttled_calls", "Attempts of the last run answered 429.", one(found.status_429)
        yield "run_duration_seconds", "From the last run's beginning to its last answer.", one(found.duration_s)
    yield "table_rows", "Rows of each table.", [({"table": name}, rows) for name, rows in sorted(found.rows.items())]
    sizes: list[Sample] = [({"table": name}, size) for name, size in sorted(found.bytes.items())]
    yield "table_bytes", "Bytes of each table's files.", sizes
    disk = found.disk
    named = ("tables", "index", "evidence", "superseded", "unfinished", "raw", "territoires")
    parts: list[Sample] = [({"part": part}, getattr(disk, part)) for part in named]
    yield "store_bytes", "Bytes on the disk by what they are.", parts
    yield "disk_free_bytes", "Bytes free on the store's disk.", one(disk.free)
    if found.growth is not None:
        per_second = found.growth.bytes_per_day / 86_400
        yield "store_growth_bytes_per_second", "Growth of the store over its last runs.", one(per_second)


def _seconds(instant: str | None) -> float | None:
    return None if instant is None else dt.datetime.fromisoformat(instant).timestamp()


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    # Whole numbers as such: 20260 offers, not 20260.0.
    return str(int(value)) if value == int(value) else repr(float(value))
