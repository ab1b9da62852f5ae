"""What no package holds, brought from its official address: borders of communes and EPCI, employment areas, moves.

A file is taken as it comes, checked to be of its kind, and kept with its checksum; it appears whole or not at all. No
publisher gives checksums of these files: the first one seen is remembered, and a later one that differs is told.
Addresses were found in public documentation and code (see docs/territories.md); what has no address that is certain is
in `UNKNOWN`, not guessed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx2
import msgspec

from moisson.api.border import is_loopback, translate
from moisson.errors import ApiUnavailable, MoissonError, StoreUnwritable

__all__ = ["FILES", "UNKNOWN", "Fetched", "RemoteFile", "fetch", "fetched"]

TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 20
BYTES_MAX = 1 << 30
"""Far more than any of them has: a server that never stops must not fill the disk."""

_RECORD = "territoires.json"


class RemoteFile(msgspec.Struct, frozen=True):
    """A file at its official address.

    Attributes:
        nom: how we call it.
        url: its address.
        contenu: what is in it.
        millesime: its year.
        producteur: who publishes it; `licence`, under which licence.
        debut: its first bytes, by which a page that says "error" is told from the file.
    """

    nom: str
    url: str
    contenu: str
    millesime: str
    producteur: str
    licence: str
    debut: bytes

    @property
    def fichier(self) -> str:
        """Its name on disk, that of its address."""
        return self.url.rpartition("/")[2]


class Fetched(msgspec.Struct, frozen=True):
    """A file that was brought.

    Attributes:
        nom, url, contenu, millesime, producteur, licence: of its RemoteFile.
        fichier: its name in the folder.
        sha256: of its bytes.
        octets: how many.
        recu_s: when, seconds since 1970.
        sha256_avant: what it was the time before, if that was another; "" otherwise.
    """

    nom: str
    url: str
    contenu: str
    millesime: str
    producteur: str
    licence: str
    fichier: str
    sha256: str
    octets: int
    recu_s: float
    sha256_avant: str = ""


_CONTOURS = "https://etalab-datasets.geo.data.gouv.fr/contours-administratifs/2026/geojson"
_INSEE = "https://www.insee.fr/fr/statistiques/fichier"
_LO = "Licence Ouverte 2.0"

FILES = (
    RemoteFile(
        "contours_communes", f"{_CONTOURS}/communes-100m.geojson.gz", "borders of communes, simplified to 100 m",
        "2026", "Etalab, from IGN's Admin Express", _LO, b"\x1f\x8b",
    ),
    RemoteFile(
        "contours_epci", f"{_CONTOURS}/epci-100m.geojson.gz", "borders of EPCI, simplified to 100 m",
        "2026", "Etalab, from IGN's Admin Express", _LO, b"\x1f\x8b",
    ),
    RemoteFile(
        "mouvements_communes", f"{_INSEE}/8740222/v_mvt_commune_2026.csv",
        "mergers, moves and renamings of communes since 1943, with their dates", "2026", "Insee", _LO, b"MOD,",
    ),
    RemoteFile(
        "zones_emploi", f"{_INSEE}/4652957/ZE2020_au_01-01-2026.zip",
        "employment areas (zones d'emploi 2020) of communes", "2026", "Insee", _LO, b"PK",
    ),
)  # fmt: skip
"""What `moisson territories --fetch` brings."""

UNKNOWN = (
    "a table from ROME 3 to ROME 4: no lasting address of one is known; France Travail publishes the ROME at "
    "https://www.francetravail.org/opendata/repertoire-operationnel-des-meti.html",
    "the table from NAF rév. 2 to NAF 2025: no lasting address of the final one is known; Insee publishes it from "
    "https://www.insee.fr/fr/information/8181066",
)
"""What would be brought too, if its address were certain."""


def fetch(
    folder: Path,
    wanted: Sequence[RemoteFile],
    now_s: float,
    *,
    tell: Callable[[Fetched | MoissonError, RemoteFile], None] = lambda found, wanted: None,
) -> list[MoissonError]:
    """Bring each file; one that fails leaves the others, and what was brought before, as they are.

    Args:
        folder: where to keep them; made if need be.
        wanted: which files, as `FILES`.
        now_s: wall clock.
        tell: is told what became of each.

    Returns:
        What failed, empty when nothing did.

    Raises:
        StoreUnwritable: the folder cannot be written.
    """
    failed = []
    hooks = {"request": [_refuse_plain]}
    with httpx2.Client(follow_redirects=True, timeout=TIMEOUT_S, event_hooks=hooks) as client:
        for one in wanted:
            try:
                found = _fetch_one(client, folder, one, now_s)
            except StoreUnwritable:
                raise
            except MoissonError as problem:
                failed.append(problem)
                tell(problem, one)
            else:
                tell(found, one)
    return failed


def fetched(folder: Path) -> list[Fetched]:
    """What was brought into a folder and is still there, by name."""
    return [record for record in _records(folder) if (folder / record.fichier).is_file()]


def _refuse_plain(request: httpx2.Request) -> None:
    """Called before each request, those after a redirect too: what comes unprotected could be altered on its way."""
    if request.url.scheme != "https" and not is_loopback(request.url.host):
        raise ApiUnavailable(f"The address leads to plain http at {request.url.host}", doing="bringing official files")


def _fetch_one(client: httpx2.Client, folder: Path, one: RemoteFile, now_s: float) -> Fetched:
    doing = f"bringing {one.nom} from {one.url}"
    before = {record.nom: record for record in _records(folder)}
    aside = folder / f".{one.fichier}.tmp"
    digest, octets, debut = hashlib.sha256(), 0, b""
    unexpected = ApiUnavailable(
        "The answer is not the file that was expected",
        doing=doing,
        todo="The address may have changed: see docs/territories.md.",
    )
    try:
        folder.mkdir(exist_ok=True)
        with aside.open("wb") as out:
            for chunk in _body(client, one, doing):
                octets += len(chunk)
                debut += chunk[: len(one.debut) - len(debut)]
                if octets > BYTES_MAX or not one.debut.startswith(debut):
                    raise unexpected
                digest.update(chunk)
                out.write(chunk)
            if debut != one.debut:
                raise unexpected
            out.flush()
            os.fsync(out.fileno())
        sha256 = digest.hexdigest()
        was = before.get(one.nom)
        record = Fetched(
            one.nom, one.url, one.contenu, one.millesime, one.producteur, one.licence, one.fichier, sha256, octets,
            now_s, was.sha256 if was is not None and was.sha256 != sha256 else "",
        )  # fmt: skip
        aside.replace(folder / one.fichier)
        _write_records(folder, {**before, one.nom: record})
    except OSError as problem:
        raise StoreUnwritable(f"{folder} cannot be written: {problem.strerror}", doing=doing) from problem
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()
    return record


def _body(client: httpx2.Client, one: RemoteFile, doing: str) -> Iterator[bytes]:
    """The bytes of the answer as the server keeps them."""
    todo = "Try again later, or from a machine that reaches the address; without the file, the rest works."
    try:
        # As the file lies there: if the way there compressed it, its checksum would depend on the server's mood.
        with client.stream("GET", one.url, headers={"Accept-Encoding": "identity"}) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise ApiUnavailable(f"The answer is {answer.status_code}", doing=doing, todo=todo)
            yield from answer.iter_raw(CHUNK_BYTES)
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as foreign:
        problem = translate(foreign)
        raise ApiUnavailable(problem.what if problem else str(foreign), doing=doing, todo=todo) from foreign


def _records(folder: Path) -> list[Fetched]:
    try:
        return msgspec.json.decode((folder / _RECORD).read_bytes(), type=list[Fetched])
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        # A damaged record is as none: the files can be brought again.
        return []


def _write_records(folder: Path, records: dict[str, Fetched]) -> None:
    aside = folder / f".{_RECORD}.tmp"
    text = msgspec.json.format(msgspec.json.encode([records[nom] for nom in sorted(records)]), indent=2)
    aside.write_bytes(text + b"\n")
    aside.replace(folder / _RECORD)
