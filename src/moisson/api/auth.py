"""Whose token is used, when a new one is asked for, and what the token endpoint's answers mean. Pure, given `now`.

    state     told                                    becomes
    --------  --------------------------------------  ------------------------------------------------------
    none      granted                                 fresh
    none      a transient failure of the endpoint     none, and not asked again for a while
    fresh     accepted (a call passed with it)        proven
    fresh     refused (401 or 403)                    none, after a wait that doubles; too many, and none was ever
                                                      accepted: AccountError
    proven    refused                                 none: it died early, a new one is asked for at once
    any       less than the margin left               none

Tokens are numbered. A refusal of an older token than the one now held says nothing new, so ten calls in flight that
fall with one token ask for one new token, and count as one refusal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from moisson.api.answer import excerpt, raise_refusal
from moisson.api.contract import GRANT_TYPE, JETON_DUREE_S, SCOPES
from moisson.errors import (
    AccountError,
    RequestRefused,
    ServerTrouble,
    SettingsError,
    TokenRefused,
    UnreadableAnswer,
)

__all__ = [
    "FRESH_REFUSALS_MAX",
    "Application",
    "Granted",
    "Secret",
    "Token",
    "TokenKeeper",
    "read_token",
    "token_form",
]

MARGIN_S = 60.0
"""A token is renewed this long before its end, seconds, or a tenth of its life if that is less."""

FRESH_REFUSALS_MAX = 5
"""Tokens refused one after the other, each newly issued and never accepted, before the account is blamed. An account
that worked before is not: then it is the service that has trouble, and our patience that ends it."""

FRESH_WAIT_MAX_S = 32.0
"""Longest wait before another token is asked for after a refusal, seconds."""

FORBIDDEN_MAX = 2
"""The same for 403: asked once more with another token, then believed."""

_TODO = {
    "invalid_client": (
        "Check MOISSON_CLIENT_ID and MOISSON_CLIENT_SECRET (blanks around them are ignored). The service answers the "
        "same when the API Offres d'emploi v2 is not attached to the application, or its licence is not accepted: "
        "see to both on francetravail.io, in the application's page."
    ),
    "invalid_scope": (
        f"The application is not allowed {SCOPES!r}: attach the API Offres d'emploi v2 to it on francetravail.io and "
        "accept its licence."
    ),
    "unauthorized_client": (
        "The application may not use this way of signing in: attach the API Offres d'emploi v2 to it on "
        "francetravail.io and accept its licence."
    ),
    "unsupported_grant_type": "Check that MOISSON_TOKEN_URL is the address in the documentation.",
    "invalid_grant": "Check that MOISSON_TOKEN_URL is the address in the documentation.",
}
_TODO_REALM = "Check the realm at the end of MOISSON_TOKEN_URL: ?realm=%2Fpartenaire."
_TODO_OTHER = (
    "Check the client id and secret on francetravail.io, that the API Offres d'emploi v2 is attached to the "
    "application, and that its licence is accepted."
)


class Secret:
    """A text that never shows itself: not in repr, str, format, logs, tracebacks or pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        # A newline that came with a copied secret gives invalid_client, which sends people looking elsewhere.
        self._text = text.strip()

    def reveal(self) -> str:
        """The text itself; call it only where it is put on the wire."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Secret(***)"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class Application:
    """An application registered on francetravail.io; each has its own quota and token.

    Attributes:
        client_id: its identifier, `PAR_…`; blanks around it are dropped.
        client_secret: its secret key.
        nom: how messages call it; "" for none.

    Raises:
        SettingsError: an empty identifier or secret.
    """

    client_id: str = field(repr=False)
    client_secret: Secret = field(repr=False)
    nom: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "client_id", self.client_id.strip())
        if not self.client_id or not self.client_secret:
            raise SettingsError(
                "The client id is empty" if not self.client_id else "The client secret is empty",
                todo="Set MOISSON_CLIENT_ID and MOISSON_CLIENT_SECRET.",
            )


class Granted(NamedTuple):
    """A token as the endpoint gave it, with its life in seconds."""

    token: Secret
    life_s: float


class Token(NamedTuple):
    """A token to use now; `number` names it when the answer to its call is told back."""

    text: Secret
    number: int


class TokenKeeper:
    """The token of one application, by the table at the head of this module. Instants are seconds on one clock."""

    def __init__(self) -> None:
        self._token: Secret | None = None
        self._number = 0
        self._end_s = -math.inf
        self._proven = False
        self._known = False
        self._refusals = 0
        self._forbidden = 0
        self._not_before_s = -math.inf

    def usable(self, now: float) -> Token | None:
        """The token to send now, or None when one must be asked for."""
        return Token(self._token, self._number) if self._token is not None and now < self._end_s else None

    def ready_s(self, now: float) -> float:
        """The earliest instant at which a call may count on a token; in the past when it can at once."""
        return -math.inf if self.usable(now) is not None else self._not_before_s

    def granted(self, granted: Granted, now: float) -> None:
        """A new token came, asked for at `now`."""
        self._token = granted.token
        self._number += 1
        self._end_s = now + granted.life_s - min(MARGIN_S, granted.life_s / 10)
        self._proven = False

    def failed(self, now: float, wait_s: float) -> None:
        """The endpoint gave no token for a passing reason: do not ask again for so many seconds."""
        self._not_before_s = max(self._not_before_s, now + wait_s)

    def accepted(self, number: int) -> None:
        """A call passed with this token."""
        if number == self._number:
            self._proven = True
        self._known = True
        self._refusals = self._forbidden = 0

    def refused(self, number: int, status: int | None, now: float) -> None:
        """A call was refused with this token.

        Raises:
            AccountError: newly issued tokens are refused again and again; asking for more would change nothing.
        """
        if number != self._number or self._token is None:
            return
        self._token = None
        if status == 403:
            self._forbidden += 1
        if self._proven:
            return
        self._refusals += 1
        if self._forbidden >= FORBIDDEN_MAX or (self._refusals >= FRESH_REFUSALS_MAX and not self._known):
            raise AccountError(
                f"The service issues tokens and refuses them ({status or 401}, {self._refusals} new ones in a row)",
                todo=_TODO_OTHER,
            )
        # 0, 1, 2, 4 s: a gateway may learn of a token a moment after it was issued.
        wait_s = min(FRESH_WAIT_MAX_S, 2.0 ** (self._refusals - 2)) if self._refusals > 1 else 0.0
        self._not_before_s = max(self._not_before_s, now + wait_s)


def token_form(application: Application) -> bytes:
    """The body of a token request, as application/x-www-form-urlencoded. Credentials go here and nowhere else."""
    return urlencode(
        {
            "grant_type": GRANT_TYPE,
            "client_id": application.client_id,
            "client_secret": application.client_secret.reveal(),
            "scope": SCOPES,
        }
    ).encode()


class _Jeton(msgspec.Struct):
    access_token: str
    expires_in: float | str | None = None


class _Erreur(msgspec.Struct):
    error: str = ""
    error_description: str = ""


_jeton = msgspec.json.Decoder(_Jeton)
_erreur = msgspec.json.Decoder(_Erreur)


def read_token(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float = 0.0) -> Granted:
    """Read an answer of the token endpoint.

    Args:
        status, headers, body: as in answer.read_search.
        now_s: seconds since 1970, to understand a Retry-After written as a date.

    Raises:
        AccountError: the account is refused; the message says what to do.
        SettingsError: the address is wrong or has moved.
        Throttled, ServerTrouble, UnreadableAnswer: may pass.

    Source: francetravail.io, "client credentials" and "erreurs fréquentes".
    """
    if status == 200:
        return _granted(headers, body)
    try:
        erreur = _erreur.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        erreur = _Erreur()
    if 400 <= status < 500 and (erreur.error or "invalid realm" in body[:4096].lower().decode("latin-1")):
        raise _account_error(status, erreur)
    try:
        raise_refusal(status, headers, body, now_s=now_s)
    except (TokenRefused, RequestRefused) as refus:
        raise AccountError(f"The token endpoint refuses the application ({status})", todo=_TODO_OTHER) from refus
    except SettingsError as refus:
        if status == 404:
            raise SettingsError(
                "Nothing lives at the token's address (404)", todo="Check MOISSON_TOKEN_URL."
            ) from refus
        raise


def _account_error(status: int, erreur: _Erreur) -> AccountError | ServerTrouble:
    if erreur.error in ("server_error", "temporarily_unavailable"):
        return ServerTrouble(f"The token endpoint failed ({status}, {erreur.error})", status=status)
    code = excerpt(erreur.error) or "invalid realm"
    realm = "realm" in f"{erreur.error} {erreur.error_description}".lower() or not erreur.error
    todo = _TODO_REALM if realm else _TODO.get(erreur.error, _TODO_OTHER)
    return AccountError(f"The token endpoint refuses the application ({status}, {code})", todo=todo)


def _granted(headers: Mapping[str, str], body: bytes) -> Granted:
    try:
        jeton = _jeton.decode(body)
        life_s = float(jeton.expires_in) if jeton.expires_in is not None else JETON_DUREE_S
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        # No cause is kept: a decoder's text might quote the token.
        html = "; it is an HTML page" if body.lstrip()[:1] == b"<" else ""
        raise UnreadableAnswer(f"The token endpoint's answer holds no token{html}", status=200) from None
    text = jeton.access_token
    # It goes into a header: blanks or control characters would be refused there, with the token in the message.
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise UnreadableAnswer("The token endpoint's answer holds a malformed token", status=200)
    if not (math.isfinite(life_s) and life_s > 0):
        life_s = JETON_DUREE_S
    return Granted(Secret(text), min(life_s, 86400.0))
