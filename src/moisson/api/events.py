"""What the client tells whoever watches or counts: frozen records, every field with its unit."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar
from urllib.parse import quote_plus

import msgspec

from moisson.errors import MoissonError, Transient, UnreadableAnswer
from moisson.model import Ligne

__all__ = ["ApiEvent", "ClientStats", "Effort", "EventKind", "Observer", "Reponse", "Teller", "cause_of", "effort_of"]

CREDENTIAL_MIN = 8
"""Credentials shorter than this are not looked for in texts, characters."""

TOKENS_GUARDED = 32
"""Tokens that are looked for in texts: those of a few applications, and those before them."""

E = TypeVar("E", bound=MoissonError)

EventKind = Literal["token", "retry", "throttled", "rate", "dropped_application", "alone"]
"""token: a new one came; retry: an attempt failed and will be made again; throttled: a 429, and how long its
application pauses; rate: the pace follows the service's headers; dropped_application: it is refused, the others go
on; alone: its slots cannot be shared with other processes."""


@dataclass(frozen=True, slots=True)
class ApiEvent:
    """Something worth a line in a log; never holds a secret.

    Attributes:
        kind: see EventKind.
        text: one sentence for a person.
        application: which one, by name or rank; "" when it concerns none.
        attempt: attempts that this call has taken so far, 0 when it concerns none.
        wait_s: seconds until the next attempt.
        status: HTTP status, or None when no answer came.
    """

    kind: EventKind
    text: str
    application: str = ""
    attempt: int = 0
    wait_s: float = 0.0
    status: int | None = None


Observer = Callable[[ApiEvent], None]
"""Is told every event at once. What it raises is swallowed: watching must not disturb the work."""


class Reponse(msgspec.Struct, frozen=True):
    """The answer to a question.

    Attributes:
        total: offers that the whole search holds.
        premier, dernier: rows sent, as announced; -1 and -1 when none.
        lignes: id and creation of each row, in the order received.
        agregats: filtresPossibles as {filtre: {valeur: count}}.
        statut: 200, 206 or 204.
        corps: the body exactly as received, so that it can be landed without being compressed again; b"" for a 204.
        encodage: how `corps` is encoded.
        sha256: hex digest of the decoded body.
        octets: size of the decoded body, bytes.
        recu_s: wall clock of this machine when the answer was whole, seconds since 1970.
        tentatives: attempts that this answer took, at least 1.
        refus_429: how many of those attempts were answered 429.
        echecs: how many of them failed, by cause (`cause_of`).
    """

    total: int
    premier: int
    dernier: int
    lignes: tuple[Ligne, ...]
    agregats: dict[str, dict[str, int]]
    statut: int
    corps: bytes
    encodage: Literal["gzip", "identity"]
    sha256: str
    octets: int
    recu_s: float
    tentatives: int
    refus_429: int
    echecs: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class ClientStats:
    """What the client has done so far.

    Attributes:
        search_attempts: every attempt at a search, retries included; not tokens, code lists or details.
        other_attempts: the same for code lists and details.
        retries: attempts, of any kind, that followed a failed one.
        status_429: answers 429.
        tokens: token requests made.
        received_bytes: bodies as received; decoded_bytes: the same decoded.
        latency_p95_s: 95th percentile of the last searches, from departure to whole answer; 0 before the first.
        announced_rate: calls a second and application that the service announced last, or None.
        rate_s_total: calls a second allowed now over all applications that work.
        applications: how many work.
    """

    search_attempts: int = 0
    other_attempts: int = 0
    retries: int = 0
    status_429: int = 0
    tokens: int = 0
    received_bytes: int = 0
    decoded_bytes: int = 0
    latency_p95_s: float = 0.0
    announced_rate: float | None = None
    rate_s_total: float = 0.0
    applications: int = 0


@dataclass(frozen=True, slots=True)
class Effort:
    """What a call that failed had cost: attempts made, how many of them were answered 429, and what failed how often,
    by cause (`cause_of`)."""

    tentatives: int = 0
    refus_429: int = 0
    echecs: dict[str, int] = field(default_factory=dict)


def cause_of(trouble: MoissonError) -> str:
    """What a failed attempt is called where they are counted.

    Returns:
        Its HTTP status, "429"; "unreadable" for an answer that is not the API's; else the kind of trouble, as the HTTP
        library or Python names it: "ReadTimeout".
    """
    status = trouble.status if isinstance(trouble, Transient) else None
    if status is not None and status >= 300:
        return str(status)
    if isinstance(trouble, UnreadableAnswer):
        return "unreadable"
    return type(trouble.__cause__ or trouble).__name__


def effort_of(error: MoissonError) -> Effort:
    """What the call that raised this error had cost; nothing for an error raised before any attempt."""
    effort = vars(error).get("effort")
    return effort if isinstance(effort, Effort) else Effort()


class Teller:
    """Tells events, and takes credentials out of every foreign text before it is read.

    Args:
        observer: is told every event, or None.
        credentials: texts that may appear nowhere, should a service echo them.
    """

    def __init__(self, observer: Observer | None, credentials: Iterable[str]) -> None:
        self._observer = observer
        self._credentials: list[str] = []
        for text in credentials:
            self.guard(text, self._credentials)
        self._tokens: deque[str] = deque(maxlen=TOKENS_GUARDED)

    def guard(self, credential: str, among: list[str] | deque[str] | None = None) -> None:
        """Take this text out of messages from now on; of tokens, the last few."""
        # True ones have 27 characters or more; taking a short word out of messages would only garble them.
        if len(credential) >= CREDENTIAL_MIN:
            forms = dict.fromkeys((credential, quote_plus(credential)))
            (self._tokens if among is None else among).extend(forms)

    def tell(
        self,
        kind: EventKind,
        text: str,
        application: str = "",
        *,
        attempt: int = 0,
        wait_s: float = 0.0,
        status: int | None = None,
    ) -> None:
        """Tell an event; what the observer raises is swallowed."""
        if self._observer is not None:
            with contextlib.suppress(Exception):
                self._observer(ApiEvent(kind, self.clean(text), application, attempt, wait_s, status))

    def clean(self, text: str) -> str:
        """The text without credentials."""
        for credential in (*self._credentials, *self._tokens):
            text = text.replace(credential, "***")
        return text

    def clean_body(self, body: bytes) -> bytes:
        """The body without credentials, so that an excerpt of it holds none, nor half of one."""
        return self.clean(body.decode("latin-1")).encode("latin-1")

    def finish(self, error: E, doing: str, effort: Effort) -> E:
        """Complete an error that is about to leave: what was being done, what it had cost, and no credential in it."""
        error.what = self.clean(error.what)
        error.args = (error.what,)
        error.doing = error.doing or self.clean(doing)
        vars(error)["effort"] = effort
        return error
