"""The Prometheus text, read by Prometheus' own client library."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from moisson.harvest.metrics import CollectEnd, prometheus
from moisson.store.status import read_status
from tests.store.filling import NOW_S, collect, make_offre, open_here

HOUR_S = 3600.0


def families(text: str) -> dict[str, Metric]:
    """The metrics of a text, by name; each is told once."""
    found = list(text_string_to_metric_families(text))
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


def value(text: str, name: str, **labels: str) -> float:
    """The one sample of this name and these labels."""
    (sample,) = [
        sample for sample in families(text)[name].samples if sample.labels.items() >= labels.items()
    ]  # fmt: skip
    return float(sample.value)


def test_after_a_proved_run(tmp_path: Path) -> None:
    """What a dashboard and an alert need, with help, type and the store's name on each line."""
    collect(tmp_path, [make_offre(n) for n in range(300)], NOW_S, page=150)
    found = read_status(open_here(tmp_path), NOW_S + HOUR_S)
    text = prometheus("/data/moisson", found, CollectEnd(0, NOW_S + 90, 88.5), version="1.2.3")
    assert value(text, "moisson_offers") == 300
    assert value(text, "moisson_proved") == 1
    assert value(text, "moisson_last_proved_timestamp_seconds") == NOW_S + 1
    assert value(text, "moisson_coverage_ratio") == 1
    assert value(text, "moisson_missing_offers") == 0
    assert (value(text, "moisson_run_calls"), value(text, "moisson_run_calls_floor")) == (2, 2)
    assert value(text, "moisson_run_calls_to_floor_ratio") == 1
    assert value(text, "moisson_run_throttled_calls") == 0
    assert value(text, "moisson_collect_exit_code") == 0
    assert value(text, "moisson_collect_end_timestamp_seconds") == NOW_S + 90
    assert value(text, "moisson_collect_duration_seconds") == 88.5
    assert value(text, "moisson_table_rows", table="offres") == 300
    assert value(text, "moisson_table_bytes", table="offres") == found.bytes["offres"]
    assert value(text, "moisson_store_bytes", part="tables") == found.disk.tables
    assert value(text, "moisson_store_info", version="1.2.3", simulated="false") == 1
    for family in families(text).values():
        assert family.documentation.endswith(".")
        assert family.type == "gauge"
        assert family.name.startswith("moisson_")
        for sample in family.samples:
            assert sample.labels["store"] == "/data/moisson"


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    """An empty store has no proof, no coverage, no call; a run that failed before there was a store has its end."""
    empty = families(prometheus("s", read_status(open_here(tmp_path), NOW_S), version="1"))
    assert empty["moisson_offers"].samples[0].value == 0
    for name in ("last_proved_timestamp_seconds", "coverage_ratio", "run_calls", "collect_exit_code"):
        assert f"moisson_{name}" not in empty
    failed = families(prometheus("s", None, CollectEnd(2, NOW_S, 0.5), version="1"))
    assert set(failed) == {
        "moisson_collect_exit_code", "moisson_collect_end_timestamp_seconds", "moisson_collect_duration_seconds",
    }  # fmt: skip


@pytest.mark.parametrize("store", ['C:\\data "x"', "a\nb", "données été", "}{,="])
def test_labels_are_escaped(tmp_path: Path, store: str) -> None:
    """Whatever the folder is called, it reads back."""
    found = read_status(open_here(tmp_path), NOW_S)
    strange = msgspec.structs.replace(found, source='twin "\\n"\n')
    text = prometheus(store, strange, version="1")
    assert families(text)["moisson_offers"].samples[0].labels == {"store": store}
    assert families(text)["moisson_store_info"].samples[0].labels["source"] == 'twin "\\n"\n'
