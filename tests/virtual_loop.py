"""An asyncio event loop whose time jumps: what would take hours of waiting runs at once, and always the same way.

    virtual_loop.run(main())                 # like asyncio.run, in virtual time
    loop.time()                              # virtual seconds, from 0

Whenever nothing is ready to run, the clock jumps to the next timer. Work handed to threads (`asyncio.to_thread`) takes
no virtual time: the clock stands still while it is waited for. A program that waits for something that can never come
is stopped with a RuntimeError instead of hanging. There is no network in virtual time: use an in-process transport.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

__all__ = ["VirtualLoop", "run"]

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    """Never sleeps: it hands the time it should have slept to the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.in_threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.in_threads:
            # Real work is under way elsewhere: wait for it in real time, without letting the clock move.
            return super().select(0.01 if timeout != 0 else 0)
        # Nobody else can wake the loop, so the system need not be asked.
        if timeout is None:
            raise RuntimeError("virtual time: everything waits, and nothing is left that could happen")
        self.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._jumping = _JumpingSelector()
        self._jumping.now_s = start_s
        super().__init__(self._jumping)
        # A timer is due when its instant is reached, not a tick before: additions of floats must not loop for ever.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping.now_s

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """As usual, with the clock held until it is done."""
        self._jumping.in_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self) -> None:
        """As usual: it waits for a thread that ends the others."""
        self._jumping.in_threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jumping.in_threads -= 1

    def _thread_done(self, _: object) -> None:
        self._jumping.in_threads -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
