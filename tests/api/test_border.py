"""Foreign exceptions become ours, and addresses are checked before anything is sent to them."""

from __future__ import annotations

import ssl

import httpx2
import pytest

from moisson.api.border import FOREIGN, check_url, is_loopback, translate
from moisson.errors import MoissonError, NetworkTrouble, SettingsError, Transient, UnreadableAnswer


def foreign_classes() -> list[type[Exception]]:
    """Every exception that the HTTP library lets out."""
    return [
        value
        for value in vars(httpx2).values()
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
    ]


@pytest.mark.parametrize("kind", foreign_classes(), ids=lambda kind: kind.__name__)
def test_every_foreign_exception_is_in_the_table(kind: type[Exception]) -> None:
    """This fails on the day the library grows one that nobody thought about."""
    assert kind in FOREIGN


def test_the_library_still_has_exceptions() -> None:
    """Or the test above would be empty."""
    assert len(foreign_classes()) >= 25


def test_the_most_specific_class_decides() -> None:
    """And what happened is said in a person's words, with a short detail."""
    ours = translate(httpx2.ConnectError("[Errno 111] Connection refused"))
    assert isinstance(ours, NetworkTrouble)
    assert str(ours) == "No connection could be made ([Errno 111] Connection refused)."
    assert isinstance(translate(httpx2.UnsupportedProtocol("gopher")), SettingsError)
    assert isinstance(translate(httpx2.DecodingError("x")), UnreadableAnswer)
    assert isinstance(translate(ConnectionResetError()), NetworkTrouble)
    assert isinstance(translate(ssl.SSLCertVerificationError("self-signed")), NetworkTrouble)


def test_a_class_to_come_falls_to_its_parent() -> None:
    """An unknown network failure is still one that may pass."""

    class NewError(httpx2.NetworkError):
        pass

    assert isinstance(translate(NewError("x")), Transient)


def test_a_defect_stays_a_defect() -> None:
    """Ours to mend, not the network's to be blamed for."""
    assert translate(ValueError("x")) is None
    assert translate(KeyError("x")) is None


def test_details_are_short() -> None:
    """A library may quote a lot."""
    ours = translate(httpx2.ReadError("x" * 5000))
    assert isinstance(ours, MoissonError)
    assert len(str(ours)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "https://api.francetravail.io/partenaire/offresdemploi",
        "http://127.0.0.1:8000/x",
        "http://127.8.9.1/",
        "http://localhost:1",
        "http://[::1]:80/x",
        " https://a.example \n",
    ],
)
def test_addresses_taken(text: str) -> None:
    """https anywhere, http to this machine."""
    assert check_url(text, "MOISSON_API_URL").host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.francetravail.io",
        "ftp://a.example",
        "https://",
        "https:///path",
        "http://a.example",
        "http://10.0.0.1",
        "http://0.0.0.0:80",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "https://user:secretsecret@a.example",
        "https://a.example/#x",
        "https://a.example:port",
        "https://a\x00b",
    ],
)
def test_addresses_refused(text: str) -> None:
    """By a message that names the setting and quotes no credential."""
    with pytest.raises(SettingsError, match="MOISSON_API_URL") as erreur:
        check_url(text, "MOISSON_API_URL")
    assert "secretsecret" not in str(erreur.value)


def test_loopback() -> None:
    """Names that only look like this machine are another one."""
    assert is_loopback("LOCALHOST")
    assert is_loopback("twin.localhost")
    assert not is_loopback("localhost.example")
    assert not is_loopback("128.0.0.1")
