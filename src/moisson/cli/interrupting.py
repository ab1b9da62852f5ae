"""Ctrl-C while a library works: Python looks at signals between its own steps, and an engine may make none for long."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["interruptible"]


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """For as long as the block lasts, a signal that has a handler also calls `stop`, from another thread, at once.

    The handler itself runs as soon as the library has given up. To be used in the main thread.
    """
    ears, mouth = socket.socketpair()
    mouth.setblocking(False)
    before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while ears.recv(1):
            stop()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        mouth.close()
        listener.join()
        ears.close()
