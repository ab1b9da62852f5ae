"""The loop whose time jumps tells the time truly, or every test that uses it would be worthless."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests import virtual_loop


def test_time_jumps() -> None:
    """An hour of waiting takes no time, and timers fire in order at their instant."""
    seen: list[tuple[str, float]] = []

    async def wait(name: str, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        seen.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(wait("c", 3600.0), wait("a", 0.1), wait("b", 0.1 + 0.2))

    began_s = time.monotonic()
    virtual_loop.run(main())
    assert time.monotonic() - began_s < 5
    assert seen == [("a", 0.1), ("b", 0.1 + 0.2), ("c", 3600.0)]


def test_time_stands_still_for_threads() -> None:
    """Work on disk takes no virtual time, even with timers pending."""

    async def main() -> float:
        timer = asyncio.ensure_future(asyncio.sleep(5.0))
        await asyncio.to_thread(time.sleep, 0.05)
        after_s = asyncio.get_running_loop().time()
        await timer
        return after_s

    assert virtual_loop.run(main()) == 0.0


def test_waiting_for_nothing_is_told() -> None:
    """Instead of hanging for ever."""

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing is left"):
        virtual_loop.run(main())


def test_deadlines_are_virtual_too() -> None:
    """asyncio.timeout fires at its instant."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert virtual_loop.run(main()) == 60.0
