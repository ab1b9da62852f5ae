"""A store that was moved by something that follows links has a folder in the place of the link `current`.

It reads as it is. Before anything is written the link is put back, since a fold switches by renaming a link.
"""

from __future__ import annotations

from moisson.errors import StoreCorrupt
from moisson.store import files
from moisson.store.generation import read_generation
from moisson.store.layout import Layout, generation_name

__all__ = ["relink"]


def relink(layout: Layout) -> None:
    """Make `current` a link again, to the generation that it is a copy of. Needs the lock.

    Raises:
        StoreCorrupt: that generation is not in the store.
    """
    aside = layout.root / ".gone-current"
    if layout.current.is_dir() and not layout.current.is_symlink():
        number = read_generation(layout.current).manifest.generation
        folder = layout.generation(number)
        if not folder.exists() or read_generation(folder).manifest != read_generation(layout.current).manifest:
            raise StoreCorrupt(
                f"{layout.current} is a folder, and the generation {number} that it copies is not in the store",
                doing="opening the store to fill it",
                todo="Copy the store again with `moisson backup` or `cp -a`, which keep links.",
            )
        files.remove(aside)
        files.rename(layout.current, aside)
    if aside.exists():
        # Also after a crash in between.
        if not layout.current.exists():
            number = read_generation(aside).manifest.generation
            files.point(layout.current, f"{layout.generations.name}/{generation_name(number)}")
        files.remove(aside)
