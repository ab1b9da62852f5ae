"""Moisson: every job offer of France Travail, complete, current and proved.

    from moisson import open_store

    store = open_store("moisson-store")
    store.arrow(columns=["id", "intitule", "departement"], where="type_contrat = 'CDI'")

What is imported from here stays; `docs/python.md` tells it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moisson.errors import MoissonError, UsageError
    from moisson.store.reader import StoreReader, open_store

__all__ = ["MoissonError", "StoreReader", "UsageError", "__version__", "open_store"]

__version__ = "0.1.0"

# Looked for when first asked: `moisson --help` needs none of it.
_ROOMS = {
    "MoissonError": "moisson.errors",
    "StoreReader": "moisson.store.reader",
    "UsageError": "moisson.errors",
    "open_store": "moisson.store.reader",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'moisson' has no attribute {name!r}")
    import importlib

    found = getattr(importlib.import_module(_ROOMS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
