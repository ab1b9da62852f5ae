"""`moisson forget`: remove offers everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count

if TYPE_CHECKING:
    from moisson.store.forget import Oubli

__all__ = ["forget", "lines"]


def forget(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of offers; leading zeros count.")],
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove offers everywhere, for good.

    From every table, every version and every file of the store, the evidence included; no later run brings them back.
    Only a hash of each id stays, to know it again, and the proof of past runs still holds. Older states of the store
    are removed at once: a query that is still reading one of them may fail, and works when asked again.

    \b
    Example:
      moisson forget 048KLTP 5316894
    """
    settings = read_settings(config, store=store)
    import time

    from moisson.store.store import open_store

    opened, now_s = open_store(settings.store), time.time()
    with opened.lock("forget", now_s=now_s):
        done = opened.forget(set(ids), now_s)
    for line in lines(done):
        console.note(line)


def lines(done: Oubli) -> list[str]:
    """What forgetting did, for a person."""
    said = [f"Forgotten: {', '.join(done.ids)}."]
    said += [f"  {table}: {count(rows, 'row')} removed" for table, rows in sorted(done.lignes.items())]
    if done.preuves:
        runs = count(len(done.preuves), "run")
        said.append(f"  evidence of {runs}: a hash stands for each id, and moisson verify still proves it")
    if done.abandonnees:
        said.append("  the unfinished run had read some of them: it is given up, and the next collect starts afresh")
    if done.online:
        said.append(f"Still online at the source: {', '.join(done.online)}. Every run leaves them out.")
    said.append("Copies, exports and databases made from this store still hold them: remove them there too.")
    return said
