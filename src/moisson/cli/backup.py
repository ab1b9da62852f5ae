"""`moisson backup`: a consistent copy of a store, also during a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count, shell, size

if TYPE_CHECKING:
    from moisson.store.backup import BackupResult

__all__ = ["backup", "lines"]


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the copy: absent, empty, or a copy.")],
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a consistent copy of the store, also during a run.

    The copy is a store: every command works on it with --store. It holds the present state and the evidence of its
    runs; a run in progress is not in it. Done again into the same folder, only what changed is copied.

    \b
    Examples:
      moisson backup /backup/moisson
      moisson verify --store /backup/moisson
    """
    settings = read_settings(config, store=store)
    import time

    from moisson.store.backup import backup as copy
    from moisson.store.store import open_store

    result = copy(open_store(settings.store).layout, folder, now_s=time.time())
    console.tell("copied", lines(result, folder), style="green", fields=_fields(result))


def lines(result: BackupResult, folder: Path) -> list[str]:
    """What was copied, for a person."""
    if result.generation == 0:
        said = [f"COPIED: {folder} holds no offer yet, as the store"]
    else:
        said = [
            f"COPIED: {folder} holds the state after {result.last_run or 'no run'}",
            f"  files:    {count(result.copied)} copied ({size(result.copied_bytes)}), "
            f"{count(result.reused)} linked to what was copied before ({size(result.reused_bytes)})",
            f"  evidence: {count(result.evidence, 'run')} can be proved again",
        ]
    said += [f"  left out: the run {name}, which is not finished" for name in result.left_out]
    return [*said, f"next: moisson verify --store {shell(folder)}"]


def _fields(result: BackupResult) -> dict[str, object]:
    return {name: getattr(result, name) for name in result.__struct_fields__}
