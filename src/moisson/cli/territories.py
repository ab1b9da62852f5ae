"""`moisson territories`: the geography that offers are crossed with; what is there, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from moisson.cli import console
from moisson.cli.options import ConfigOption, StoreOption, read_settings
from moisson.cli.wording import count, size
from moisson.errors import MoissonError

if TYPE_CHECKING:
    from pathlib import Path

    from moisson.territory.fetch import Fetched, RemoteFile

__all__ = ["territories"]


def territories(
    store: StoreOption = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Bring what does not come with Moisson from its official address.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show the geography that is there: vintage, source, licence.

    Communes, départements, régions and EPCI with populations come with Moisson and are tables of moisson sql; the view
    offres_placees has each offer with its place. --fetch brings borders of communes and EPCI, employment areas and the
    dates of mergers into the store, with their checksums.

    \b
    Examples:
      moisson territories
      moisson territories --fetch
      moisson sql "select r.nom, count(*) as n from offres_placees join regions r on r.code = region group by all"
    """
    settings = read_settings(config, store=store)
    from moisson.store.layout import Layout

    folder = Layout(settings.store).territoires
    failed = _fetch(settings.store, folder) if fetch else []
    if as_json:
        _show_json(folder)
    else:
        for line in _lines(folder):
            typer.echo(line)
    if failed:
        raise typer.Exit(MoissonError.exit_code)


def _fetch(store: Path, folder: Path) -> list[MoissonError]:
    import time

    from moisson.store.store import open_store
    from moisson.territory import fetch

    def tell(found: Fetched | MoissonError, wanted: RemoteFile) -> None:
        if isinstance(found, MoissonError):
            console.error(found)
            return
        console.note(f"{wanted.nom}: {size(found.octets)}, sha256 {found.sha256}")
        if found.sha256_avant:
            console.warn(f"{wanted.nom} is not what it was the last time (sha256 {found.sha256_avant})")

    open_store(store)  # a store is needed: that is where the files are kept
    return fetch.fetch(folder, fetch.FILES, time.time(), tell=tell)


def _show_json(folder: Path) -> None:
    import msgspec

    from moisson.territory import fetch, reference

    shown = {
        "fourni": reference.read_manifest(),
        "telecharge": fetch.fetched(folder),
        "sans_adresse": fetch.UNKNOWN,
    }
    typer.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())


def _lines(folder: Path) -> list[str]:
    from moisson.territory import fetch, reference

    manifest = reference.read_manifest()
    total = manifest.total
    shown = [f"vintage      {manifest.millesime}", f"populations  {manifest.populations}"]
    shown.append(f"             {count(total.tables)} in all for {total.perimetre}")
    shown.append(f"             published: {count(total.publie)} (rounded to {count(total.arrondi)})")
    shown += [f"table        {table}: {count(rows, 'row')}" for table, rows in manifest.lignes.items()]
    for source in manifest.sources:
        shown.append(f"source       {source.nom}, {source.licence}; its data: {source.licence_donnees}")
    there = {record.nom: record for record in fetch.fetched(folder)}
    for wanted in fetch.FILES:
        if (record := there.get(wanted.nom)) is not None:
            shown.append(f"fetched      {folder / record.fichier}: {record.contenu}, {record.millesime}")
            shown.append(f"             {record.producteur}, {record.licence}; sha256 {record.sha256}")
        else:
            shown.append(f"missing      {wanted.contenu}: --fetch brings it")
    return [*shown, *(f"missing      {text}" for text in (*fetch.UNKNOWN, *manifest.absents))]
