"""Halving of dates: a span of time that holds too much is cut in two, down to what a search shows.

Stands for the best tool known before (xpetit/jobs, May 2023: some 6,400 requests for 812,021 offers in 25 minutes, of
828,127 announced). Kept of it:

- from 2019 to now; a probe of one row for each span; halves one second apart, `[a, m-1]` and `[m, b]`;
- eight threads read the spans that fit, forwards, newest first, as many rows as the probe announced;
- 429 and broken connections are asked again for ever; any other status ends the program.

Kinder than it: a span of exactly one offer is read (the original took the total from status 206 alone), and a second
that holds too much is read as far as it shows and noted (the original would halve it for ever). Ids are kept once.
"""

from __future__ import annotations

import sys
from queue import Queue
from threading import Event, Thread

from asking import AS_LENT, PAGE, SHOWN, Asker, Kept, Refused, Retries, arguments, text
from halves import SINCE_S, Span

OWN = Retries(frozenset({429}), broken=True, attempts=1000, wait_s=0.1)
READERS = 8


class Halving:
    """A prober, and readers who are handed the spans that fit."""

    def __init__(self, asker: Asker, kept: Kept) -> None:
        self._asker = asker
        self._kept = kept
        self._fitting: Queue[tuple[Span, int] | None] = Queue(2 * READERS)
        self._broken = Event()

    def run(self, whole: Span) -> bool:
        """Read it all; False when an answer ended it."""
        readers = [Thread(target=self._read_spans, daemon=True) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        try:
            self._probe(whole)
        except Refused as refused:
            self._stop(refused)
        for _ in readers:
            self._fitting.put(None)
        for reader in readers:
            reader.join()
        return not self._broken.is_set()

    def _probe(self, whole: Span) -> None:
        self._kept.announced = self._total(whole)
        spans = [whole]
        while spans and not self._broken.is_set():
            span = spans.pop()
            total = self._total(span)
            halves = span.apart if total > SHOWN else None
            if halves:
                spans += reversed(halves)
            elif total:
                if total > SHOWN:
                    self._kept.lose(f"the second {text(span.first_s)}", total - SHOWN)
                self._fitting.put((span, min(total, SHOWN)))

    def _total(self, span: Span) -> int:
        return self._asker.page(0, 0, **_bounds(span)).total

    def _read_spans(self) -> None:
        while (fitting := self._fitting.get()) is not None:
            span, total = fitting
            for row in range(0, total, PAGE):
                if self._broken.is_set():
                    break
                try:
                    self._kept.add(self._asker.page(row, min(row + PAGE, total) - 1, **_bounds(span)).offres)
                except Refused as refused:
                    self._stop(refused)

    def _stop(self, refused: Refused) -> None:
        print(refused, file=sys.stderr)
        self._kept.lose(f"everything after: {refused}")
        self._broken.set()


def _bounds(span: Span) -> dict[str, str]:
    return {"sort": "1", "minCreationDate": text(span.first_s), "maxCreationDate": text(span.last_s)}


def main() -> int:
    """Collect everything between 2019 and now; 1 when an answer ended it."""
    told = arguments(__doc__)
    kept = Kept(told.out)
    whole = Halving(Asker(AS_LENT if told.lent else OWN), kept).run(Span(SINCE_S, told.until_s))
    kept.report()
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
