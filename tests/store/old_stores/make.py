"""Make a small store with the Moisson that is checked out, to be kept as a test for all later ones.

    python -m tests.store.old_stores.make NAME     # writes tests/store/old_stores/NAME.tar.gz

Two proved runs of a small world of the double, with births, edits, a republished offer and withdrawals between them,
then a third run that was interrupted after a few pages. `NAME.tar.gz` also holds `truth.json`: what the world showed
to each of the runs. Run it once, when a format is born; a store that a newer Moisson makes is another fixture.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from moisson_twin.settings import Drift, WorldSettings
from moisson_twin.world import World
from tests.store.filling import begin, collect, land_page, open_here

OFFRES = 110
PAGE = 25
START = datetime(2026, 10, 15, 9, 30, tzinfo=UTC)


def main(name: str) -> None:
    """Make the store and pack it."""
    world = World(WorldSettings(offres=OFFRES, seed=11, start=START, drift=Drift.none()))
    truth = []
    with tempfile.TemporaryDirectory() as parent:
        store = Path(parent) / "store"
        truth.append(shown(world))
        collect(store, truth[0], START.timestamp(), page=PAGE, rows_max=48)
        world.advance_to(80_000)
        ids = sorted(offre["id"] for offre in truth[0])
        for id_ in ids[:6]:
            world.withdraw(id_)
        for id_ in ids[6:15]:
            world.edit(id_)
        world.republish(ids[15])
        world.publish(4, own=True)
        world.publish(5, own=False)
        truth.append(shown(world))
        collect(store, truth[1], START.timestamp() + 80_000, page=PAGE, rows_max=48)
        here = open_here(store)
        with here.lock("collect"):
            run = begin(here, START.timestamp() + 160_000)
            for no in (1, 2):
                land_page(run, no, truth[1][no * PAGE : (no + 1) * PAGE], START.timestamp() + 160_000 + no)
            run.close()
        (store / "lock").unlink()
        pack(Path(__file__).parent / f"{name}.tar.gz", store, truth)


def shown(world: World) -> list[dict[str, Any]]:
    """Every living offer as a search shows it, newest first."""
    living = world.truth()
    rows = [row for id_ in living.ids if (row := world.find(id_)) is not None]
    offres = [msgspec.json.decode(brut) for brut in world.render(rows)]
    return sorted(offres, key=lambda offre: str(offre["dateCreation"]), reverse=True)


def pack(target: Path, store: Path, truth: list[list[dict[str, Any]]]) -> None:
    """Write the archive; hard and symbolic links stay what they are."""
    with tarfile.open(target, "w:gz") as archive:
        archive.add(store, "store", filter=anonymous)
        data = json.dumps(truth, ensure_ascii=False).encode()
        info = tarfile.TarInfo("truth.json")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))


def anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of whoever made it."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


if __name__ == "__main__":
    main(sys.argv[1])
