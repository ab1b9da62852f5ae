"""A Scrapy spider, driving the halving of dates.

Stands for somebody at home with Scrapy (2.19), who gives it this API as if it were a site. Kept of it:

- its scheduler, its even delay between requests, its retries (two more attempts for 429, 500, 502, 503, 504 and broken
  connections), after which a request is dropped with a line in the log;
- a probe of one row a span, halves that share a second; a span that fits has all its pages asked at once, in any order;
- ids kept once by an item pipeline, into a file of JSON lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

import scrapy
from asking import PAGE, SHOWN, Kept, Token, arguments, text
from halves import SINCE_S, Span
from scrapy.crawler import CrawlerProcess
from scrapy.http import Request, Response
from twisted.python.failure import Failure

TOTAL = re.compile(r"/(\d+)$")


class Authorised:
    """A downloader middleware: a living token on every request."""

    def __init__(self) -> None:
        self._token = Token()

    def process_request(self, request: Request) -> None:
        """Add the header."""
        request.headers["Authorization"] = self._token.header()


class Once:
    """An item pipeline: pages into a file, each id once."""

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Keep one page."""
        OffresSpider.kept.add(item["resultats"])
        return {"offres": len(item["resultats"])}


class OffresSpider(scrapy.Spider):
    """Everything from 2019 to now."""

    name = "offres"
    kept: Kept
    until_s: int

    async def start(self) -> AsyncIterator[Request]:
        """Probe the whole."""
        yield self._ask(Span(SINCE_S, self.until_s), 0, 0, self.parse_probe)

    def parse_probe(self, response: Response, span: Span) -> Iterator[Request]:
        """Halve what holds too much, ask the pages of what fits."""
        found = TOTAL.search((response.headers.get("Content-Range") or b"").decode())
        total = int(found[1]) if found else 0
        if self.kept.announced is None:
            self.kept.announced = total
        halves = span.touching if total > SHOWN else None
        if halves:
            yield from (self._ask(half, 0, 0, self.parse_probe) for half in halves)
            return
        if total > SHOWN:
            self.kept.lose(f"from {text(span.first_s)} to {text(span.last_s)}", total - SHOWN)
        for row in range(0, min(total, SHOWN), PAGE):
            yield self._ask(span, row, row + PAGE - 1, self.parse_page)

    def parse_page(self, response: Response, span: Span) -> Iterator[dict[str, Any]]:
        """The offers of a page."""
        if response.status != 204:
            yield response.json()

    def given_up(self, failure: Failure) -> None:
        """A request that its retries did not save; its span, if it was a probe, is lost with it."""
        self.kept.lose(failure.request.url.partition("?")[2])

    def _ask(self, span: Span, first: int, last: int, callback: Any) -> Request:
        query = {
            "range": f"{first}-{last}",
            "sort": "1",
            "minCreationDate": text(span.first_s),
            "maxCreationDate": text(span.last_s),
        }
        url = f"{os.environ['MOISSON_API_URL']}/v2/offres/search?{urlencode(query)}"
        return Request(url, callback=callback, errback=self.given_up, cb_kwargs={"span": span})


def main() -> None:
    """Crawl to the end."""
    told = arguments(__doc__)
    OffresSpider.kept, OffresSpider.until_s = Kept(told.out), told.until_s
    process = CrawlerProcess(
        {
            "DOWNLOAD_DELAY": 1 / float(os.environ["MOISSON_RATE"]),
            "DOWNLOAD_DELAY_JITTER": 0,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
            "DOWNLOADER_MIDDLEWARES": {Authorised: 450},
            "ITEM_PIPELINES": {Once: 300},
            "LOG_LEVEL": "ERROR",
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    process.crawl(OffresSpider)
    process.start()
    OffresSpider.kept.report()


if __name__ == "__main__":
    main()
