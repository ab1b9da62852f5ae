"""What comes from the HTTP library stops here: its exceptions become ours by one table, addresses are checked once.

Each of ours keeps its cause. A test fails if the library grows an exception that the table does not know.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import httpx2

from moisson.api.answer import excerpt
from moisson.errors import MoissonError, NetworkTrouble, SettingsError, UnreadableAnswer

__all__ = ["FOREIGN", "check_url", "is_loopback", "translate"]

FOREIGN: dict[type[Exception], tuple[type[MoissonError], str]] = {
    httpx2.ConnectTimeout: (NetworkTrouble, "No connection could be made in time"),
    httpx2.ReadTimeout: (NetworkTrouble, "The answer stopped coming"),
    httpx2.WriteTimeout: (NetworkTrouble, "The question could not be sent in time"),
    httpx2.PoolTimeout: (NetworkTrouble, "No connection came free in time"),
    httpx2.TimeoutException: (NetworkTrouble, "Time ran out"),
    httpx2.ConnectError: (NetworkTrouble, "No connection could be made"),
    httpx2.ReadError: (NetworkTrouble, "The connection broke while the answer was read"),
    httpx2.WriteError: (NetworkTrouble, "The connection broke while the question was sent"),
    httpx2.CloseError: (NetworkTrouble, "The connection broke while it was closed"),
    httpx2.NetworkError: (NetworkTrouble, "The network failed"),
    httpx2.LocalProtocolError: (NetworkTrouble, "The connection was in a state that allows no question"),
    httpx2.RemoteProtocolError: (NetworkTrouble, "The answer broke off, or is not HTTP"),
    httpx2.ProtocolError: (NetworkTrouble, "The answer is not HTTP"),
    httpx2.ProxyError: (NetworkTrouble, "The proxy made no connection"),
    httpx2.UnsupportedProtocol: (SettingsError, "The address begins with a scheme that is not known"),
    httpx2.TransportError: (NetworkTrouble, "The network failed"),
    httpx2.DecodingError: (UnreadableAnswer, "The answer could not be decoded"),
    httpx2.TooManyRedirects: (SettingsError, "The address redirects without end"),
    httpx2.RequestError: (NetworkTrouble, "The question got no answer"),
    httpx2.HTTPStatusError: (UnreadableAnswer, "The answer has an unexpected status"),
    httpx2.HTTPError: (NetworkTrouble, "The question got no answer"),
    httpx2.InvalidURL: (SettingsError, "The address is malformed"),
    httpx2.CookieConflict: (UnreadableAnswer, "The answer's cookies contradict each other"),
    httpx2.StreamConsumed: (UnreadableAnswer, "The answer was read twice"),
    httpx2.StreamClosed: (NetworkTrouble, "The connection was closed while the answer was read"),
    httpx2.ResponseNotRead: (UnreadableAnswer, "The answer was used before it was read"),
    httpx2.RequestNotRead: (UnreadableAnswer, "The question was used before it was read"),
    httpx2.StreamError: (NetworkTrouble, "The answer's stream failed"),
    httpx2.SSEError: (UnreadableAnswer, "The answer is not an event stream"),
    # What the system raises when the library does not wrap it, certificates included.
    OSError: (NetworkTrouble, "The network failed"),
}
"""Theirs to ours, and what happened in a person's words. The most specific class of the exception decides."""


def translate(foreign: Exception, clean: Callable[[str], str] = str) -> MoissonError | None:
    """The error of ours that says the same, or None for an exception that is nobody's but a defect.

    Args:
        foreign: what the library raised.
        clean: takes credentials out of its text.
    """
    for kind in type(foreign).__mro__:
        known = FOREIGN.get(kind)
        if known is not None:
            ours, what = known
            detail = excerpt(clean(str(foreign)))
            return ours(f"{what} ({detail.rstrip('.')})" if detail else what)
    return None


def check_url(text: str, setting: str) -> httpx2.URL:
    """Check an address that credentials or a token will be sent to.

    Args:
        text: the address.
        setting: its name in the settings, for the message.

    Raises:
        SettingsError: not an address, plain http to another machine, or credentials written into it.
    """
    try:
        url = httpx2.URL(text.strip())
    except (httpx2.InvalidURL, ValueError, TypeError) as erreur:
        raise SettingsError(f"{setting} is not an address", todo="It begins with https://.") from erreur
    if url.userinfo:
        raise SettingsError(f"{setting} holds credentials", todo="Give the address alone.")
    if not url.host or url.scheme not in ("https", "http"):
        raise SettingsError(f"{setting} is not a web address: {excerpt(text)!r}", todo="It begins with https://.")
    if url.scheme == "http" and not is_loopback(url.host):
        raise SettingsError(
            f"{setting} is plain http to another machine ({excerpt(url.host)})",
            todo="Credentials would cross the network in clear: use https://.",
        )
    if url.fragment:
        raise SettingsError(f"{setting} has a fragment (#{excerpt(url.fragment)})", todo="Give the address alone.")
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its address; nothing is looked up."""
    name = host.lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
