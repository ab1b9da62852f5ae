"""The token endpoint: who may have a token, for how long, and with what words the others are refused.

Pure logic: the request is given decoded, the present in seconds of the service's clock.
"""

import random
import string
from collections.abc import Mapping
from dataclasses import dataclass, field

from moisson_twin.settings import Settings

REALM = "/partenaire"
SCOPES = frozenset({"api_offresdemploiv2", "o2dsoffre"})
_ALPHABET = string.ascii_letters + string.digits + "-_"
#: Grant types that exist elsewhere: the service knows them and finds the grant invalid.
_OTHER_GRANTS = ("authorization_code", "refresh_token", "password")


class TokenError(Exception):
    """A refusal: HTTP status 400 and the two fields of its body."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its text, who asked for it, for what, and until when (seconds of the service's clock)."""

    text: str
    client_id: str
    scope: frozenset[str]
    until_s: float


@dataclass(slots=True)
class Tokens:
    """All tokens given and still valid. A new one does not invalidate those before."""

    settings: Settings
    _given: dict[str, Token] = field(default_factory=dict)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.settings.world.seed)

    def ask(self, realm: str | None, form: Mapping[str, str], now_s: float) -> Token:
        """Answer a request for a token.

        Raises:
            TokenError: wrong realm, grant type, application or scope, checked in this order.
        """
        if realm != REALM:
            raise TokenError("invalid_request", f"Invalid realm: {realm}")
        grant = form.get("grant_type", "")
        if grant in _OTHER_GRANTS:
            raise TokenError("invalid_grant", "The provided access grant is invalid, expired, or revoked.")
        if grant != "client_credentials":
            raise TokenError("unsupported_grant_type", f"Grant type is not supported: {grant}")
        client_id = form.get("client_id", "")
        known = dict(self.settings.clients)
        refused = client_id not in known or client_id in self.settings.detached_clients
        # A trailing newline in either is refused like any other wrong value.
        if refused or form.get("client_secret") != known[client_id]:
            raise TokenError("invalid_client", "Client authentication failed")
        scope = frozenset(form.get("scope", "").split())
        if not scope or scope - SCOPES:
            unknown = ", ".join(sorted(scope - SCOPES))
            raise TokenError("invalid_scope", f"Unknown/invalid scope(s): [{unknown}]")
        text = "".join(self._dice.choices(_ALPHABET, k=27))
        token = Token(text, client_id, scope, now_s + self.settings.token_life_s)
        self._given[text] = token
        return token

    def read(self, authorization: str | None, now_s: float) -> Token | None:
        """The token of a header ``Bearer …``; None when absent, unknown or expired."""
        scheme, _, text = (authorization or "").partition(" ")
        token = self._given.get(text.strip())
        if scheme.lower() != "bearer" or token is None:
            return None
        if now_s >= token.until_s:
            del self._given[token.text]
            return None
        return token

    def forget_all(self) -> None:
        """Make every token given so far invalid."""
        self._given.clear()
