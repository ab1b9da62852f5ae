"""Giving memory back to the system between two steps of a fold."""

from __future__ import annotations

import ctypes

import pyarrow as pa

__all__ = ["give_back"]

_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Of glibc alone; other allocators give back by themselves."""
if _TRIM is not None:
    _TRIM.argtypes = [ctypes.c_size_t]


def give_back() -> None:
    """Give back what was freed: large arrays leave holes that the next step's do not fit in."""
    pa.default_memory_pool().release_unused()
    if _TRIM is not None:
        _TRIM(0)
