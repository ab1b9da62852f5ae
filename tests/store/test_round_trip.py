"""What the API sent is what a store's files give back: generated offers, the double's, and real ones."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from moisson_twin import Drift, World, WorldSettings
from tests.store.filling import NOW_S, by_id, collect, make_offre, read_offres, sample_offres
from tests.store.test_rows import OFFRES, spelled


def same(folder: Path, offres: list[dict[str, Any]], *, contacts: bool) -> None:
    """Every offer reads back from the files of `current` as it was sent, value for value."""
    assert spelled(read_offres(folder)) == spelled(by_id(offres, contacts=contacts))


# Each example is a whole store: few of them, of several offers.
@settings(max_examples=25)
@given(st.lists(OFFRES, min_size=1, max_size=8), st.lists(OFFRES, max_size=3), st.booleans())
def test_generated_offers(first: list[dict[str, Any]], edits: list[dict[str, Any]], contacts: bool) -> None:
    """Through two runs, so that rows are also copied from one generation to the next."""
    # A store needs an id and a date; all else is as drawn.
    known = {key: make_offre(0)[key] for key in ("id", "dateCreation")}
    offres = [{**offre, **known, "id": f"{n:07d}"} for n, offre in enumerate(first)]
    edited = [{**offre, **known, "id": f"{n:07d}"} for n, offre in enumerate(edits)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "store"
        collect(folder, offres, store_contacts=contacts)
        same(folder, offres, contacts=contacts)
        after = edited + offres[len(edited) :]
        collect(folder, after, NOW_S + 100, store_contacts=contacts)
        same(folder, after, contacts=contacts)


def test_the_offers_of_a_double(tmp_path: Path) -> None:
    """A world of them, copies of partners included."""
    world = World(WorldSettings(offres=400, duplicate_share=0.2, drift=Drift.none()))
    offres = [json.loads(brut) for brut in world.render(range(400))]
    collect(tmp_path, offres, page=150, rows_max=100)
    same(tmp_path, offres, contacts=False)


def test_real_offers(tmp_path: Path) -> None:
    """455 offers of 2025, with and without their contacts."""
    offres = [json.loads(line) for line in sample_offres()]
    for contacts in (True, False):
        folder = tmp_path / str(contacts)
        collect(folder, offres, page=150, rows_max=200, store_contacts=contacts)
        same(folder, offres, contacts=contacts)
