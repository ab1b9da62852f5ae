"""The double's offers beside recorded ones, where the recordings are at hand."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moisson_twin import Drift, World, WorldSettings

NAME = "offres-2025-08.ndjson"
# Recordings may not be published: they lie outside the repository, where the variable says or in a folder beside it.
BESIDE = sorted(Path(__file__).parents[3].glob(f"*/samples/{NAME}"))
RECORDED = (
    Path(os.environ["MOISSON_SAMPLES"], NAME) if "MOISSON_SAMPLES" in os.environ else next(iter(BESIDE), Path(NAME))
)
pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason="no recorded offers here")

Offres = list[dict[str, Any]]


def keys(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each dotted key of an offer and the JSON type of its value; [] stands for the items of a list."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{prefix}{name}", type(inner).__name__.replace("int", "float")
            yield from keys(inner, f"{prefix}{name}.")
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, f"{prefix}[].")


@pytest.fixture(scope="module")
def recorded() -> dict[str, Offres]:
    """Recorded offers by origin."""
    offres = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    return {origine: [o for o in offres if o["origineOffre"]["origine"] == origine] for origine in "12"}


@pytest.fixture(scope="module")
def ours() -> dict[str, Offres]:
    """The double's offers by origin."""
    world = World(WorldSettings(offres=6000, seed=11, drift=Drift.none()))
    offres = [json.loads(text) for text in world.render(range(6000))]
    return {origine: [o for o in offres if o["origineOffre"]["origine"] == origine] for origine in "12"}


@pytest.mark.parametrize("origine", ["1", "2"])
def test_every_recorded_key_exists_with_its_type(
    recorded: dict[str, Offres], ours: dict[str, Offres], origine: str
) -> None:
    """Nothing that the service sent is unknown to the double."""
    seen = {key for offre in recorded[origine] for key in keys(offre)}
    made = {key for offre in ours[origine] for key in keys(offre)}
    assert seen - made == set()


@pytest.mark.parametrize("origine", ["1", "2"])
def test_keys_come_in_the_recorded_order(recorded: dict[str, Offres], ours: dict[str, Offres], origine: str) -> None:
    """Two keys that stand in one order in every recorded offer stand so in ours."""
    before = {(a, b) for offre in recorded[origine] for i, a in enumerate(offre) for b in list(offre)[i + 1 :]}
    for offre in ours[origine][:500]:
        names = [name for name in offre if any(name in pair for pair in before)]
        for first, second in itertools.pairwise(names):
            assert (first, second) in before or (second, first) not in before


#: Keys whose rate in the recordings is that of one département and day, of a redaction, or too small to compare.
_NOT_COMPARED = {"contact", "entreprise", "agence", "competences", "qualitesProfessionnelles", "codeNAF"}


@pytest.mark.parametrize("origine", ["1", "2"])
def test_top_keys_are_about_as_frequent(recorded: dict[str, Offres], ours: dict[str, Offres], origine: str) -> None:
    """Within fifteen points: 455 offers of one day are a small sample of the country."""
    for name in {key for offre in recorded[origine] for key in offre} - _NOT_COMPARED:
        there = sum(name in offre for offre in recorded[origine]) / len(recorded[origine])
        here = sum(name in offre for offre in ours[origine]) / len(ours[origine])
        assert here == pytest.approx(there, abs=0.15), name


def test_descriptions_are_about_as_long(recorded: dict[str, Offres], ours: dict[str, Offres]) -> None:
    """Mean lengths within a third."""
    for origine in "12":
        there = sum(len(o["description"]) for o in recorded[origine]) / len(recorded[origine])
        here = sum(len(o["description"]) for o in ours[origine]) / len(ours[origine])
        assert here == pytest.approx(there, rel=0.35)
