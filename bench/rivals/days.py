"""One window a day: what most people write first, and what publieeDepuis suggests.

Stands for nobody in particular; several public projects walk the calendar. What it is given:

- the days of the last two years, where the double's oldest offers are, each from 00:00:00 to 23:59:59;
- page 0 is the probe, the other pages are read forwards; eight threads, a day each;
- three attempts for 429, for errors of the service and for broken connections, then what is left of the day is noted;
- a day above 3,150 is read as far as it shows, and noted: most scripts do not look.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from asking import AS_LENT, PAGE, SHOWN, Asker, Kept, Refused, Retries, arguments, text

OWN = Retries(frozenset({429, 500, 502, 503, 504}), broken=True, attempts=3, wait_s=1)
DAY_S = 86_400
DAYS = 732
THREADS = 8


def read_day(asker: Asker, kept: Kept, begins_s: int) -> None:
    """What one day shows."""
    bounds = {"sort": "1", "minCreationDate": text(begins_s), "maxCreationDate": text(begins_s + DAY_S - 1)}
    row, total = 0, 1
    while row < min(total, SHOWN):
        try:
            answer = asker.page(row, row + PAGE - 1, **bounds)
        except Refused as refused:
            kept.lose(f"{text(begins_s)[:10]}: {refused}")
            return
        kept.add(answer.offres)
        row, total = row + PAGE, answer.total
    if total > SHOWN:
        kept.lose(text(begins_s)[:10], total - SHOWN)


def main() -> None:
    """Collect two years, day by day."""
    told = arguments(__doc__)
    asker, kept = Asker(AS_LENT if told.lent else OWN), Kept(told.out)
    kept.announced = asker.page(0, 0).total
    today_s = told.until_s // DAY_S * DAY_S
    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(read_day, asker, kept, today_s - day * DAY_S) for day in range(DAYS)]:
            done.result()
    kept.report()


if __name__ == "__main__":
    main()
