"""What the plain methods share: a token, an even pace, the retries that a method had, and a file of offers.

Nothing of Moisson is in it: `requests`, threads and a set of ids, as somebody writes it who needs the offers today. A
method is told where the API is by the same variables as Moisson (MOISSON_API_URL and so on), keeps each id once, and
says in its last line, in JSON, what it believes to have done.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

__all__ = ["AS_LENT", "PAGE", "SHOWN", "Answer", "Asker", "Kept", "Refused", "Retries", "Token", "arguments", "text"]

PAGE = 150
SHOWN = 3150
"""Rows of a page, and rows that one search shows."""
TOTAL = re.compile(r"/(\d+)$")
TOKEN_MARGIN_S = 30


@dataclass(frozen=True)
class Retries:
    """What a method asks again.

    Attributes:
        statuses: answers that are asked again.
        broken: so is a connection that breaks.
        attempts: how often one page is asked, in all.
        wait_s: before the second attempt, doubled each time; a Retry-After goes before.
    """

    statuses: frozenset[int]
    broken: bool
    attempts: int
    wait_s: float


AS_LENT = Retries(frozenset({429, 500, 502, 503, 504}), broken=True, attempts=6, wait_s=0.5)
"""What is lent to a method whose original gave up sooner, so that its walk can be seen apart from its patience."""


class Refused(Exception):
    """A page that did not come, retries included.

    Attributes:
        status: of the last answer; 0 when the connection broke.
    """

    def __init__(self, status: int, asked: dict[str, str]) -> None:
        super().__init__(f"{status or 'no answer'} to {asked}")
        self.status = status


@dataclass(frozen=True)
class Answer:
    """A page: how many offers the search holds, and those that came."""

    total: int
    offres: list[dict[str, Any]]


class Token:
    """A living token; asked again shortly before its end."""

    def __init__(self) -> None:
        self._text = ""
        self._end_s = 0.0
        self._lock = threading.Lock()

    def header(self) -> str:
        """The header Authorization."""
        with self._lock:
            if time.monotonic() >= self._end_s:
                form = {
                    "grant_type": "client_credentials",
                    "scope": "api_offresdemploiv2 o2dsoffre",
                    "client_id": os.environ["MOISSON_CLIENT_ID"],
                    "client_secret": os.environ["MOISSON_CLIENT_SECRET"],
                }
                given = requests.post(os.environ["MOISSON_TOKEN_URL"], data=form, timeout=60)
                given.raise_for_status()
                self._text = given.json()["access_token"]
                self._end_s = time.monotonic() + given.json()["expires_in"] - TOKEN_MARGIN_S
            return f"Bearer {self._text}"


class Asker:
    """Asks the API, from any number of threads, never faster than allowed.

    Args:
        retries: what is asked again.
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._base = os.environ["MOISSON_API_URL"] + "/v2/"
        self._slot_s = 1 / float(os.environ["MOISSON_RATE"])
        self._next_s = time.monotonic()
        self._lock = threading.Lock()
        self._token = Token()
        self._own = threading.local()

    def referentiel(self, name: str) -> list[dict[str, Any]]:
        """A code list."""
        return self._get(f"referentiel/{name}", {}).json()

    def page(self, first: int, last: int, **criteria: str) -> Answer:
        """Rows of a search.

        Raises:
            Refused: they did not come.
        """
        got = self._get("offres/search", {"range": f"{first}-{last}", **criteria})
        found = TOTAL.search(got.headers.get("Content-Range", ""))
        return Answer(int(found[1]) if found else 0, [] if got.status_code == 204 else got.json()["resultats"])

    def _get(self, path: str, params: dict[str, str]) -> requests.Response:
        wait_s = self._retries.wait_s
        for attempt in range(1, self._retries.attempts + 1):
            self._wait_for_slot()
            got = None
            try:
                got = self._session().get(
                    self._base + path, params=params, headers={"Authorization": self._token.header()}, timeout=60
                )
            except requests.RequestException:
                again = self._retries.broken
            else:
                if got.status_code in (200, 204, 206):
                    return got
                again = got.status_code in self._retries.statuses
            if not again or attempt == self._retries.attempts:
                break
            time.sleep(float(got.headers.get("Retry-After", wait_s)) if got is not None else wait_s)
            wait_s *= 2
        raise Refused(got.status_code if got is not None else 0, params)

    def _wait_for_slot(self) -> None:
        with self._lock:
            now_s = time.monotonic()
            mine_s = max(now_s, self._next_s)
            self._next_s = mine_s + self._slot_s
        time.sleep(mine_s - now_s)

    def _session(self) -> requests.Session:
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
        return self._own.session


@dataclass
class Kept:
    """Offers in a file of JSON lines, each id once; and what a method says of itself.

    Attributes:
        path: the file.
        announced: the total that the API announced when the method began, if it asked.
        rows: rows that came, those of known ids included.
        lost: what the method itself knows that it did not get: a search, and how many offers of it (None: unknown).
    """

    path: Path
    announced: int | None = None
    rows: int = 0
    lost: list[tuple[str, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self._file = self.path.open("w", encoding="utf-8")

    def add(self, offres: Iterable[dict[str, Any]]) -> None:
        """Keep those whose ids are new."""
        with self._lock:
            for offre in offres:
                self.rows += 1
                if offre["id"] not in self._known:
                    self._known.add(offre["id"])
                    self._file.write(json.dumps(offre, ensure_ascii=False) + "\n")

    def lose(self, what: str, offres: int | None = None) -> None:
        """Note what did not come."""
        with self._lock:
            self.lost.append((what, offres))

    def report(self) -> None:
        """Close the file and say what was done, in one line on standard output."""
        self._file.close()
        told = {"announced": self.announced, "rows": self.rows, "kept": len(self._known), "lost": self.lost}
        json.dump(told, sys.stdout)
        print()


def arguments(doc: str | None) -> argparse.Namespace:
    """What every method is told: `out`, the file or folder to fill; `until_s`, the present of the API; `lent`."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="where to put the offers")
    parser.add_argument("--until", required=True, metavar="WHEN", help="the present of the API: 2026-10-15T09:30:00Z")
    parser.add_argument("--lent", action="store_true", help="ask again as Moisson would, not as the original did")
    told = parser.parse_args()
    told.until_s = int(dt.datetime.fromisoformat(told.until).timestamp())
    return told


def text(second: int) -> str:
    """A second since 1970 as the API reads it."""
    return dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
