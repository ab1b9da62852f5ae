"""One table on its way into one file: what every writer is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moisson.store.export.feed import Feed
from moisson.store.export.selection import Selection
from moisson.store.provenance import Provenance

__all__ = ["Job", "Write"]


@dataclass(frozen=True)
class Job:
    """What a writer needs.

    Attributes:
        selection: the columns.
        feed: the rows, flat or whole as the kind of file asks.
        path: the file to write, in a folder where anything else may be left: it goes when the export ends.
        provenance: where the data come from.
        more: what else to say of them, as texts.
    """

    selection: Selection
    feed: Feed
    path: Path
    provenance: Provenance
    more: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        """What to say of the data inside the file, where the kind of file allows it."""
        return {**self.provenance.facts(), **self.more}


Write = Callable[[Job], list[str]]
"""Writes the whole file; gives what the person should know of it, whole sentences."""
