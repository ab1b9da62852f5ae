"""What an answer means: status, headers and body in, a page or the right error out. Pure.

    200, 206, 204   a page, also when its rows are fewer than its Content-Range says: the planner judges that
    301, 308        SettingsError: the address has moved, and credentials never follow
    other 3xx       ServerTrouble: a detour, often a maintenance page
    400, other 4xx  RequestRefused, with the service's own message
    401, 403        TokenRefused; auth.py decides when a 403 means the account
    404             SettingsError: nothing lives at this address
    429             Throttled, with the wait that was asked for
    408, 425, 5xx   ServerTrouble
    else            UnreadableAnswer, as is any success that is not what the API sends

The end of a search is never read from 200 against 206: both were recorded on last pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

import msgspec
from isal import isal_zlib

from moisson.errors import (
    RequestRefused,
    ServerTrouble,
    SettingsError,
    Throttled,
    TokenRefused,
    UnreadableAnswer,
)
from moisson.model import Ligne

__all__ = [
    "RETRY_AFTER_MAX_S",
    "Etendue",
    "PageOffres",
    "Sonde",
    "decode_body",
    "excerpt",
    "parse_content_range",
    "parse_retry_after",
    "raise_refusal",
    "read_offre",
    "read_referentiel",
    "read_search",
    "read_sonde",
]

RETRY_AFTER_MAX_S = 120.0
"""No answer makes us wait longer than this before asking again, seconds: a slip of a gateway must not stop a night."""

EXCERPT_MAX = 160
"""Characters of a foreign text that may enter a message of ours."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_CONTENT_RANGE = re.compile(r"\s*(?:offres\s+)?(?:(\d{1,9})-(\d{1,9})|(-1--1)|\*)/(\d{1,12})\s*", re.ASCII | re.I)
_SECONDS = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?", re.ASCII)


class Etendue(NamedTuple):
    """What a Content-Range says: rows of this page (both included, -1 and -1 for none) and rows of the search."""

    premier: int
    dernier: int
    total: int


class PageOffres(msgspec.Struct, frozen=True):
    """A search answer, read.

    Attributes:
        total: offers that the whole search holds.
        premier, dernier: rows sent, as announced; -1 and -1 when none.
        lignes: id and creation of each row, in the order received.
        agregats: filtresPossibles as {filtre: {valeur: count}}; empty when absent or not understood.
    """

    total: int
    premier: int
    dernier: int
    lignes: tuple[Ligne, ...]
    agregats: dict[str, dict[str, int]]


class Sonde(msgspec.Struct, frozen=True):
    """An answer to a probe, where a refusal is as telling as a page.

    Attributes:
        statut: 200, 206, 204, or a 4xx that is about the question itself.
        page: what a search answered; None for a refusal, and for what is no search.
        en_tetes: answer headers, names in lower case.
        corps: the decoded body.
        message: the service's own words about a refusal, "" when it has none.
        recu_s: wall clock of this machine, seconds since 1970.
    """

    statut: int
    page: PageOffres | None = None
    en_tetes: dict[str, str] = {}
    corps: bytes = b""
    message: str = ""
    recu_s: float = 0.0

    @property
    def pris(self) -> bool:
        """The service took the question."""
        return 200 <= self.statut < 300


# Only what the proof needs is decoded; msgspec skips the other keys of each offer without building them.
class _Offre(msgspec.Struct, gc=False):
    id: str
    dateCreation: datetime  # noqa: N815 (the API's key)


class _Page(msgspec.Struct):
    resultats: list[_Offre]
    filtresPossibles: msgspec.Raw = msgspec.Raw(b"[]")  # noqa: N815 (the API's key)


class _Valeur(msgspec.Struct, gc=False):
    valeurPossible: str  # noqa: N815 (the API's key)
    nbResultats: int  # noqa: N815 (the API's key)


class _Filtre(msgspec.Struct):
    filtre: str
    agregation: list[_Valeur]


class _Message(msgspec.Struct):
    message: str = ""


class _Identite(msgspec.Struct):
    id: str


_page = msgspec.json.Decoder(_Page)
_filtres = msgspec.json.Decoder(list[_Filtre])
_message = msgspec.json.Decoder(_Message)
_identite = msgspec.json.Decoder(_Identite)
_liste = msgspec.json.Decoder(list[msgspec.Raw])


def read_search(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float = 0.0) -> PageOffres:
    """Read an answer of GET /v2/offres/search.

    Args:
        status: HTTP status.
        headers: answer headers, names in lower case (or any case-insensitive mapping).
        body: decoded body.
        now_s: seconds since 1970, to understand a Retry-After written as a date.

    Raises:
        The errors of the table at the head of this module.

    Source: Offres d'emploi v2, GET /v2/offres/search, answers 200, 204, 206, 400, 500.
    """
    if status not in (200, 206, 204):
        raise_refusal(status, headers, body, now_s=now_s)
    text = headers.get("content-range")
    if text is None:
        raise UnreadableAnswer(f"The answer has no Content-Range{_looks(headers, body)}", status=status)
    premier, dernier, total = parse_content_range(text)
    if status == 204:
        return PageOffres(total, premier, dernier, (), {})
    try:
        page = _page.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as erreur:
        # msgspec's own text names a path such as $.resultats[3].dateCreation, never a value.
        raise UnreadableAnswer(
            f"The answer is not a page of offers ({excerpt(str(erreur))}){_looks(headers, body)}", status=status
        ) from erreur
    lignes = tuple([Ligne(offre.id, _milliseconds(offre.dateCreation)) for offre in page.resultats])
    if not all(ligne.id for ligne in lignes):
        raise UnreadableAnswer("An offer of the answer has an empty id", status=status)
    return PageOffres(total, premier, dernier, lignes, _agregats(page.filtresPossibles))


def read_offre(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float = 0.0) -> bytes | None:
    """Read an answer of GET /v2/offres/{id}: the offer's JSON, or None when it is no longer online (204).

    Raises:
        As read_search.
    """
    if status == 204:
        return None
    if status != 200:
        raise_refusal(status, headers, body, now_s=now_s)
    try:
        _identite.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as erreur:
        raise UnreadableAnswer(
            f"The answer is not an offer ({excerpt(str(erreur))}){_looks(headers, body)}", status=status
        ) from erreur
    return body


def read_sonde(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float, recherche: bool) -> Sonde:
    """Read an answer to a probe: a refusal of the question is an answer too.

    Args:
        status, headers, body, now_s: as for read_search.
        recherche: it is a search's, so its Content-Range and rows are read.

    Raises:
        As read_search for 401, 403, 408, 425, 429, redirects and 5xx, which are not about the question.
    """
    about_the_question = 400 <= status < 500 and status not in (401, 403, 407, 408, 425, 429)
    if not about_the_question and status not in (200, 206, 204):
        raise_refusal(status, headers, body, now_s=now_s)
    return Sonde(
        statut=status,
        page=None if about_the_question or not recherche else read_search(status, headers, body),
        en_tetes={name.lower(): value for name, value in headers.items()},
        corps=body,
        message=_said(body).removeprefix(": ") if about_the_question else "",
        recu_s=now_s,
    )


def read_referentiel(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float = 0.0) -> bytes:
    """Read an answer of GET /v2/referentiel/{nom}: the body, checked to be a JSON array that is not empty.

    Raises:
        As read_search.
    """
    if status not in (200, 206):
        raise_refusal(status, headers, body, now_s=now_s)
    try:
        rows = _liste.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as erreur:
        raise UnreadableAnswer(
            f"The answer is not a code list ({excerpt(str(erreur))}){_looks(headers, body)}", status=status
        ) from erreur
    if not rows:
        raise UnreadableAnswer("The code list came back empty", status=status)
    return body


def parse_content_range(value: str) -> Etendue:
    """Read how many offers a search holds and which of them this page shows.

    Args:
        value: header text: "offres p-d/t" (0-based, both included), "offres -1--1/t" when the range starts beyond the
            total, "*/0" or "offres */0" when nothing matches.

    Raises:
        UnreadableAnswer: any other text; the message quotes it.

    Source: Offres d'emploi v2, GET /v2/offres/search, answers 200, 204 and 206; the second form was recorded in 2026.
    """
    found = _CONTENT_RANGE.fullmatch(value)
    if found is None:
        raise UnreadableAnswer(f"Content-Range {excerpt(value)!r} is not understood")
    premier, dernier, _, total = found.groups()
    if premier is None:
        return Etendue(-1, -1, int(total))
    if int(premier) > int(dernier):
        raise UnreadableAnswer(f"Content-Range {excerpt(value)!r} ends before it begins")
    return Etendue(int(premier), int(dernier), int(total))


def parse_retry_after(value: str | None, now_s: float) -> float | None:
    """Read a Retry-After: seconds to wait, from 0 to RETRY_AFTER_MAX_S, or None when it says nothing usable.

    Args:
        value: header text: seconds, or an HTTP date.
        now_s: seconds since 1970, for a date.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        wait_s = float(text)
    else:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return RETRY_AFTER_MAX_S if text.isascii() and text.isdigit() else None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        wait_s = date.timestamp() - now_s
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)


def raise_refusal(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float = 0.0) -> NoReturn:
    """Raise what a status that is no success means; see the table at the head of this module."""
    if status in (301, 308):
        raise SettingsError(
            f"The service says that its address has moved ({status}) to {_place(headers)}",
            todo="Credentials never follow a redirect: if you trust it, put the new address in the settings.",
        )
    if 300 <= status < 400:
        raise ServerTrouble(f"The service answered with a redirect ({status}) to {_place(headers)}", status=status)
    retry_after_s = parse_retry_after(headers.get("retry-after"), now_s)
    said = _said(body)
    if status == 401:
        raise TokenRefused("The token was refused (401)", status=status)
    if status == 403:
        raise TokenRefused(f"Access was refused (403){said}", status=status)
    if status == 404:
        raise SettingsError(
            f"Nothing lives at this address (404){said}",
            todo="Check MOISSON_API_URL: it stops before /v2.",
        )
    if status == 429:
        raise Throttled("The quota is spent for now (429)", retry_after_s=retry_after_s, status=status)
    if status in (408, 425) or 500 <= status < 600:
        raise ServerTrouble(f"The service failed ({status}){said}", retry_after_s=retry_after_s, status=status)
    if status == 407:
        raise SettingsError("The proxy wants credentials (407)", todo="Put them in HTTPS_PROXY.")
    if 400 <= status < 500:
        raise RequestRefused(f"The API does not take this question ({status}){said}")
    raise UnreadableAnswer(f"The service answered with status {status}, which the API does not use", status=status)


def decode_body(encoding: str, raw: bytes, *, bytes_max: int) -> bytes:
    """Decode a body as received, in memory.

    Args:
        encoding: Content-Encoding; "gzip", or "identity" or "" for none.
        raw: bytes received.
        bytes_max: largest decoded size; beyond it the answer is not one of the API's, and might fill the memory.

    Raises:
        UnreadableAnswer: truncated, damaged, too large, or encoded in a way that was not asked for.
    """
    if encoding in ("", "identity"):
        if len(raw) > bytes_max:
            raise UnreadableAnswer(f"The answer is larger than {bytes_max:,} bytes")
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise UnreadableAnswer(f"The answer is encoded as {excerpt(encoding)!r}, which was not asked for")
    parts: list[bytes] = []
    room = bytes_max
    rest = raw
    try:
        # A gzip body may be several members one after the other; one is usual.
        while rest:
            member = isal_zlib.decompressobj(wbits=31)
            part = member.decompress(rest, room + 1)
            room -= len(part)
            if room < 0:
                raise UnreadableAnswer(f"The answer is larger than {bytes_max:,} bytes once decoded")
            if not member.eof:
                raise UnreadableAnswer("The compressed answer is cut short")
            parts.append(part)
            rest = member.unused_data
    except isal_zlib.error as erreur:  # type: ignore[misc]  # its stub names an instance
        raise UnreadableAnswer("The compressed answer is damaged") from erreur
    return parts[0] if len(parts) == 1 else b"".join(parts)


def excerpt(text: str) -> str:
    """A short piece of a foreign text on one line, fit for a message."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * EXCERPT_MAX]).split())
    return line if len(line) <= EXCERPT_MAX else line[: EXCERPT_MAX - 1] + "…"


def _milliseconds(date: datetime) -> int:
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - _EPOCH) // _MS


def _agregats(raw: msgspec.Raw) -> dict[str, dict[str, int]]:
    # These counts are a free check on top of the proof: if they change shape one day, the offers still count.
    try:
        return {f.filtre: {v.valeurPossible: v.nbResultats for v in f.agregation} for f in _filtres.decode(raw)}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _said(body: bytes) -> str:
    """The service's own `message`, quoted for a person, or nothing."""
    try:
        message = excerpt(_message.decode(body[:65536]).message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return f": {message.rstrip('.')}" if message else ""


def _looks(headers: Mapping[str, str], body: bytes) -> str:
    """What an unreadable body looks like, in two words: a maintenance page is the usual guest."""
    if body[:512].lstrip()[:1] == b"<" or "html" in headers.get("content-type", "").lower():
        return "; it is an HTML page"
    return "; its body is empty" if not body else ""


def _place(headers: Mapping[str, str]) -> str:
    """Scheme and host of a Location: its path and query may carry a session."""
    try:
        place = urlsplit(headers.get("location", ""))
        host = place.hostname
    except ValueError:
        host = None
    return f"{excerpt(place.scheme)}://{excerpt(host)}" if host else "an unnamed place"
