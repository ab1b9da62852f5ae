"""What the double costs: start, memory, and a page of 150 offers with everything included.

    python bench/twin_page.py [20000 750000 ...]

Each size runs in a process of its own, so that memory is its own. Pages are asked in process through the whole
application (token, quota, parameters, search, counts, JSON, gzip); a socket adds a millisecond or two.
"""

import asyncio
import platform
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

SEARCHES = {
    "newest first": "sort=1&range={p}-{d}",
    "default order": "range={p}-{d}",
    "one origin": "sort=1&origineOffre=2&range={p}-{d}",
    "a département": "sort=1&departement=75&range={p}-{d}",
    "a week": "sort=1&minCreationDate=2026-10-01T00:00:00Z&maxCreationDate=2026-10-08T00:00:00Z&range={p}-{d}",
}
STARTS = range(0, 3001, 300)


def measure(offres: int) -> None:
    """Measure one size and print its lines of the table."""
    before = time.perf_counter()
    from moisson_twin import Settings, WorldSettings, create_app

    app = create_app(Settings(world=WorldSettings(offres=offres), quota_per_s=None))
    start_s = time.perf_counter() - before
    for name, search in SEARCHES.items():
        for encoding in ("identity", "gzip"):
            times_ms, sizes = asyncio.run(pages(app, search, encoding))
            rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            median_ms, worst_ms, body_kb = statistics.median(times_ms), max(times_ms), statistics.mean(sizes) / 1000
            print(
                f"| {offres:,} | {start_s:.1f} s | {rss_mb:.0f} MB | {name} | {encoding} "
                f"| {median_ms:.1f} ms | {worst_ms:.1f} ms | {body_kb:.0f} kB |"
            )


async def pages(app: object, search: str, encoding: str) -> tuple[list[float], list[int]]:
    """Ask some pages of a search; their times and body sizes."""
    service = app.state.service  # type: ignore[attr-defined]
    client_id, secret = service.settings.clients[0]
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = service.tokens.ask("/partenaire", form | {"scope": "api_offresdemploiv2 o2dsoffre"}, service.now_s)
    headers = [(b"authorization", b"Bearer " + token.text.encode()), (b"accept-encoding", encoding.encode())]
    times_ms, sizes = [], []
    for first in STARTS:
        query = search.format(p=first, d=first + 149).encode()
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, object], sent: list[dict[str, object]] = sent) -> None:
            sent.append(message)

        path = "/partenaire/offresdemploi/v2/offres/search"
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query, "headers": headers,
            "server": ("twin", 80), "client": ("test", 1),
        }  # fmt: skip
        before = time.perf_counter()
        await app(scope, receive, send)  # type: ignore[operator]
        times_ms.append((time.perf_counter() - before) * 1000)
        sizes.append(sum(len(message.get("body", b"")) for message in sent))  # type: ignore[arg-type]
    return times_ms[1:], sizes[1:]


def machine() -> str:
    """The processor and Python, as the table's heading."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Measure each size asked."""
    if sys.argv[1:2] == ["--one"]:
        measure(int(sys.argv[2]))
        return
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, median and worst of {len(STARTS) - 1} pages of 150\n")
    print("| offers | start | peak memory | search | encoding | median | worst | body |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for size in sys.argv[1:] or ["20000", "750000"]:
        subprocess.run([sys.executable, __file__, "--one", size], check=True)


if __name__ == "__main__":
    main()
