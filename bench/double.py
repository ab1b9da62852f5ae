"""The double in a process of its own, and the environment of a person whose account it is."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb

__all__ = ["NO_QUOTA", "Double", "Missed", "apart", "compare", "double", "rows_digest"]

Result = TypeVar("Result")

NO_QUOTA = ("--quota", "0", "--no-quota-headers")
"""The world's time counts calls, so a harvest may be measured much faster than it would be allowed to go."""


START = "2026-10-15T09:30:00Z"
"""Where every world begins, so that one seed gives the same world today and tomorrow."""


@dataclass
class Missed:
    """What a store holds against what was online.

    Attributes:
        throughout: offers that were online before and after.
        missing: of those, the ones that the store has not.
        invented: offers of the store that were never online.
        twice: rows of the store whose id another row has.
        stored: rows of the store.
    """

    throughout: int
    missing: int
    invented: int
    twice: int
    stored: int


class Double:
    """A running double.

    Attributes:
        hello: the line of JSON that it printed when it was ready.
        arguments: those it was started with.
    """

    def __init__(self, hello: dict[str, Any], arguments: tuple[str, ...]) -> None:
        self.hello = hello
        self.arguments = arguments
        self._control = hello["api_url"].split("/partenaire")[0] + "/_twin/"

    def stats(self) -> dict[str, Any]:
        """What it answered so far, and its world's time."""
        with urllib.request.urlopen(self._control + "stats") as answer:
            return json.load(answer)  # type: ignore[no-any-return]

    def searches(self) -> int:
        """Searches that reached it so far."""
        return int(self.stats()["calls"]["search"])

    def save_truth(self, path: Path) -> Path:
        """Write the offers online now into a file, one a line; they never enter this process."""
        with urllib.request.urlopen(self._control + "truth") as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
        return path

    def advance(self, seconds: float) -> None:
        """Let the world's time go on."""
        body = json.dumps({"advance_s": seconds}).encode()
        with urllib.request.urlopen(urllib.request.Request(self._control + "clock", data=body, method="POST")):
            pass

    def account(self, **more: str) -> dict[str, str]:
        """Environment of a process that asks this double."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MOISSON_")}
        return clean | {
            "MOISSON_API_URL": self.hello["api_url"],
            "MOISSON_TOKEN_URL": self.hello["token_url"],
            "MOISSON_CLIENT_ID": self.hello["client_id"],
            "MOISSON_CLIENT_SECRET": self.hello["client_secret"],
            **more,
        }


@contextmanager
def double(*arguments: str) -> Iterator[Double]:
    """Start a double, and stop it."""
    arguments = ("--start", START, *arguments)
    command = [sys.executable, "-m", "moisson_twin", "--port", "0", "--exit-with-parent", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the double did not start: {' '.join(arguments)}")
            yield Double(json.loads(line), arguments)
        finally:
            process.terminate()


def apart(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a process of its own, so that its memory is not ours."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(function, *arguments).result()


def compare(twin: Double, store: Path, before: Path, after: Path) -> Missed:
    """Hold a store, or another collector's file of offers, against the truth before and after.

    The engine knows nothing of ours. Offers that another collector left are a DuckDB file, whose table is
    `collecte.offres`, or a file of JSON lines.
    """
    missed, suspects = apart(_compare, store, before, after)
    if suspects:
        # Born and gone between the two looks at the truth, or invented: the same world, made again, tells.
        missed.invented = apart(_never_lived, twin.arguments, twin.stats()["world_time_s"], suspects)
    return missed


def _compare(store: Path, before: Path, after: Path) -> tuple[Missed, list[str]]:
    with duckdb.connect() as engine:
        for name, path in (("before", before), ("after", after)):
            columns = "{id: 'VARCHAR', creation_ms: 'BIGINT'}"
            engine.execute(f"CREATE TABLE {name} AS FROM read_json('{path}', format = 'nd', columns = {columns})")
        engine.execute(f"CREATE TABLE stored AS SELECT id FROM {_offres(engine, store)}")
        throughout = "SELECT before.id FROM before SEMI JOIN after USING (id)"
        ((online, missing, twice, stored),) = engine.execute(
            f"""
            SELECT (SELECT count(*) FROM ({throughout})),
                   (SELECT count(*) FROM ({throughout}) AS t ANTI JOIN stored USING (id)),
                   (SELECT count(*) - count(DISTINCT id) FROM stored),
                   (SELECT count(*) FROM stored)
            """
        ).fetchall()
        suspects = engine.execute(
            "SELECT id FROM stored ANTI JOIN before USING (id) ANTI JOIN after USING (id)"
        ).fetchall()
    return Missed(online, missing, 0, twice, stored), [id_ for (id_,) in suspects]


def _never_lived(arguments: tuple[str, ...], time_s: float, ids: list[str]) -> int:
    """How many of these ids no offer of a world ever had; the world is made again from its seed."""
    from moisson_twin.__main__ import parser, settings_from
    from moisson_twin.world import World

    world = World(settings_from(parser().parse_args(arguments)).world)
    world.advance_to(time_s)
    return len(set(ids) - set(world.ever()))


def rows_digest(store: Path) -> tuple[int, int]:
    """How many offers a store holds, and a number that any difference in any column of any of them changes.

    But for `contenu_depuis`: that is the instant of the run, which no other run shares.
    """
    with duckdb.connect() as engine:
        row = engine.execute(
            f"""
            SELECT count(*), sum(hash(offre)::HUGEINT)
            FROM (SELECT * EXCLUDE (contenu_depuis) FROM {_offres(engine, store)}) AS offre
            """
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def _offres(engine: duckdb.DuckDBPyConnection, store: Path) -> str:
    if store.is_dir():
        return f"read_parquet('{store}/current/offres/*.parquet')"
    if store.suffix == ".duckdb":
        engine.execute(f"ATTACH '{store}' AS other (READ_ONLY)")
        return "other.collecte.offres"
    return f"read_json('{store}', format = 'nd', columns = {{id: 'VARCHAR'}})"
