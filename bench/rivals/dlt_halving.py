"""dlt's REST source, driving the halving of dates.

Stands for a data team that takes the ready-made framework (dlt 1.31, `rest_api_source`) and writes only what it cannot
know: how this API pages, and which windows to ask. Kept of it:

- its client, with its own retries (five attempts, 429 and errors of the service, waits from a second on), its token,
  its five workers; what it still cannot get ends the pipeline;
- a parent resource yields the windows that fit, found with a probe a node (halves share a second); a child resource
  declared in the configuration reads their pages forwards, by a paginator that reads Content-Range;
- `merge` on the primary key `id` into a DuckDB file, nested lists in tables of their own: what dlt does best.

Ours here: an even pace put below its session, since dlt has none.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
from asking import PAGE, SHOWN, arguments, text
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from dlt.sources.rest_api import rest_api_source
from halves import SINCE_S, Span
from requests import PreparedRequest, Request, Response
from requests.adapters import HTTPAdapter

# Nothing leaves this machine: dlt would tell its makers of each run.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
SEARCH = "v2/offres/search"
RANGE = re.compile(r"(\d+)-(\d+)/(\d+)$")


class Paced(HTTPAdapter):
    """Sends no faster than allowed, whichever thread asks."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=50)
        self._slot_s = 1 / float(os.environ["MOISSON_RATE"])
        self._next_s = time.monotonic()
        self._lock = threading.Lock()

    def send(self, request: PreparedRequest, *rest: Any, **more: Any) -> Response:
        """One attempt, in its slot."""
        with self._lock:
            now_s = time.monotonic()
            mine_s = max(now_s, self._next_s)
            self._next_s = mine_s + self._slot_s
        time.sleep(mine_s - now_s)
        return super().send(request, *rest, **more)


class ByRange(BasePaginator):
    """Asks `range=0-149` and so on, up to the total or to what a search shows."""

    def init_request(self, request: Request) -> None:
        """The first page."""
        self._row = 0
        self.update_request(request)

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Look how far this page went."""
        found = RANGE.search(response.headers.get("Content-Range", ""))
        self._row += PAGE
        self._has_next_page = found is not None and self._row < min(int(found[3]), SHOWN)

    def update_request(self, request: Request) -> None:
        """The next page."""
        request.params = {**(request.params or {}), "range": f"{self._row}-{self._row + PAGE - 1}"}


class Windows:
    """Finds the windows that fit."""

    def __init__(self, client: RESTClient, whole: Span) -> None:
        self._client = client
        self._whole = whole
        self.announced: int | None = None
        self.lost: list[tuple[str, int]] = []

    def found(self) -> Iterator[dict[str, str]]:
        """The windows, newest first."""
        spans = [self._whole]
        while spans:
            span = spans.pop()
            window = {"debut": text(span.first_s), "fin": text(span.last_s)}
            total = self._total(window)
            self.announced = total if self.announced is None else self.announced
            halves = span.touching if total > SHOWN else None
            if halves:
                spans += halves
            elif total:
                if total > SHOWN:
                    self.lost.append((f"from {window['debut']} to {window['fin']}", total - SHOWN))
                yield window

    def _total(self, window: dict[str, str]) -> int:
        bounds = {"minCreationDate": window["debut"], "maxCreationDate": window["fin"]}
        got = self._client.get(SEARCH, params={"range": "0-0", "sort": "1", **bounds})
        got.raise_for_status()
        found = RANGE.search(got.headers.get("Content-Range", ""))
        return int(found[3]) if found else 0


def main() -> int:
    """Bring everything into a DuckDB file; 1 when the pipeline ended before."""
    told = arguments(__doc__)
    base = os.environ["MOISSON_API_URL"] + "/"
    session, paced = Client(raise_for_status=False).session, Paced()
    session.mount("http://", paced)
    session.mount("https://", paced)
    auth = OAuth2ClientCredentials(
        access_token_url=os.environ["MOISSON_TOKEN_URL"],
        client_id=os.environ["MOISSON_CLIENT_ID"],
        client_secret=os.environ["MOISSON_CLIENT_SECRET"],
        access_token_request_data={"scope": "api_offresdemploiv2 o2dsoffre"},
    )
    windows = Windows(RESTClient(base, auth=auth, session=session), Span(SINCE_S, told.until_s))
    rows = Rows()

    @dlt.resource(name="windows", selected=False)
    def fitting() -> Iterator[list[dict[str, str]]]:
        for window in windows.found():
            yield [window]

    source = rest_api_source(
        {
            "client": {"base_url": base, "auth": auth, "session": session},
            "resources": [
                fitting,
                {
                    "name": "offres",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "parallelized": True,
                    "processing_steps": [{"map": rows.count}],
                    "endpoint": {
                        "path": SEARCH,
                        "params": {
                            "sort": "1",
                            "minCreationDate": "{resources.windows.debut}",
                            "maxCreationDate": "{resources.windows.fin}",
                        },
                        "data_selector": "resultats",
                        "paginator": ByRange(),
                        "response_actions": [{"status_code": 204, "action": "ignore"}],
                    },
                },
            ],
        }
    )
    pipeline = dlt.pipeline(
        "offres",
        pipelines_dir=str(told.out.with_suffix(".pipelines")),
        destination=dlt.destinations.duckdb(str(told.out)),
        dataset_name="collecte",
    )
    ended = 0
    try:
        pipeline.run(source, loader_file_format="parquet")
    except Exception as error:
        print(str(error)[:2000], file=sys.stderr)
        windows.lost.append((f"not loaded: {type(error).__name__}", None))
        ended = 1
    told_of = {"announced": windows.announced, "rows": rows.seen, "kept": _kept(told.out), "lost": windows.lost}
    print(json.dumps(told_of))
    return ended


class Rows:
    """Counts the rows that pass."""

    def __init__(self) -> None:
        self.seen = 0

    def count(self, offre: dict[str, Any]) -> dict[str, Any]:
        """One row, unchanged."""
        self.seen += 1
        return offre


def _kept(path: Path) -> int:
    import duckdb

    with duckdb.connect(str(path)) as engine:
        tables = {name for (name,) in engine.execute("SELECT table_name FROM information_schema.tables").fetchall()}
        if "offres" not in tables:
            return 0
        (count,) = engine.execute("SELECT count(*) FROM collecte.offres").fetchone() or (0,)
        return count


if __name__ == "__main__":
    sys.exit(main())
