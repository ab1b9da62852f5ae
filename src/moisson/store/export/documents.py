"""Rows as JSON documents, one a line: offers as the API spelled them, other rows by their columns' names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from moisson.store.export.cells import as_text
from moisson.store.export.job import Job
from moisson.store.export.mapping import index_mapping
from moisson.store.export.selection import Column, Selection
from moisson.store.official import OFFRE, snake
from moisson.store.rows import row_to_offre

__all__ = ["MAPPING_SUFFIX", "as_documents", "document_of", "write_bulk", "write_ndjson"]

MAPPING_SUFFIX = ".mapping.json"
"""What is added to a bulk file's name for the mapping of its index."""

_CHAMPS = {champ.nom: champ for champ in OFFRE.champs}
_AUTRES = "autres"


def as_documents(selection: Selection) -> Selection:
    """The same, with the columns that go into a document.

    Unless columns were asked for by name, a row of `offres` is the very JSON that the API sent; another table of offers
    adds what it alone knows, and leaves out what is derived from the API's own fields.
    """
    if not (_of_offers(selection) and selection.everything):
        return selection
    alone = selection.table != "offres"
    kept = [
        column
        for column in selection.columns
        if _is_official(column) or column.name == _AUTRES or (alone and not column.said("source"))
    ]
    return replace(selection, columns=tuple(kept))


def document_of(selection: Selection) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What makes a document of a row; a key without a value is left out, as the API does."""
    columns = selection.columns
    if not _of_offers(selection):
        names = [column.name for column in columns]
        return lambda row: {name: row[name] for name in names if row[name] is not None}
    added = [column.name for column in columns if column.name != _AUTRES and not _is_official(column)]
    if not added:
        return row_to_offre
    return lambda row: row_to_offre(row) | {name: row[name] for name in added if row[name] is not None}


def _of_offers(selection: Selection) -> bool:
    # Lists with a row an item have the id of their offer, and no more of it.
    return any(_is_official(column) and column.name != "id" for column in selection.columns)


def _is_official(column: Column) -> bool:
    champ = _CHAMPS.get(column.name)
    return champ is not None and column.said("source") == f"{OFFRE.nom}.{champ.cle}" and snake(champ.cle) == column.name


def write_ndjson(job: Job) -> list[str]:
    """One JSON document a line, UTF-8."""
    return _write(job, lambda document: b"")


def write_bulk(job: Job) -> list[str]:
    """Two lines a document, as the bulk endpoints of Elasticsearch and OpenSearch take them; a mapping beside it."""
    encode = msgspec.json.encode
    notes = _write(job, lambda document: encode({"index": {"_id": document["id"]}}) + b"\n")
    mapping = index_mapping(job.selection.columns, job.provenance)
    job.path.with_name(job.path.name + MAPPING_SUFFIX).write_bytes(msgspec.json.format(encode(mapping), indent=2))
    return notes


def _write(job: Job, head: Callable[[dict[str, Any]], bytes]) -> list[str]:
    encoder = msgspec.json.Encoder(enc_hook=as_text)
    document = document_of(job.selection)
    with job.path.open("wb") as out:
        for batch in job.feed:
            lines = bytearray()
            for row in batch.to_pylist():
                made = document(row)
                lines += head(made)
                lines += encoder.encode(made)
                lines += b"\n"
            out.write(lines)
    return []
