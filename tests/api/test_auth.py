"""A whole dialogue about tokens, played by hand."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import pickle
import traceback
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.api.auth import (
    FRESH_REFUSALS_MAX,
    Application,
    Granted,
    Secret,
    Token,
    TokenKeeper,
    read_token,
    token_form,
)
from moisson.errors import AccountError, MoissonError, ServerTrouble, SettingsError, Throttled, UnreadableAnswer

HEX = "9f3c" * 16


def held(keeper: TokenKeeper, now: float) -> Token:
    """The token it holds."""
    token = keeper.usable(now)
    assert token is not None
    return token


def granted(text: str = "tok", life_s: float = 1499.0) -> Granted:
    """A token from the endpoint."""
    return Granted(Secret(text), life_s)


def test_a_quiet_run() -> None:
    """Ask, use, renew a minute before the end."""
    keeper = TokenKeeper()
    assert keeper.usable(0.0) is None
    assert keeper.ready_s(0.0) <= 0.0
    keeper.granted(granted(), 0.0)
    token = held(keeper, 0.0)
    keeper.accepted(token.number)
    assert held(keeper, 1438.9) == token
    assert keeper.usable(1439.0) is None
    keeper.granted(granted("new"), 1439.0)
    assert held(keeper, 1439.0).number == token.number + 1


@given(life_s=st.floats(0.1, 86400))
def test_a_token_is_never_used_at_its_end(life_s: float) -> None:
    """Short lives keep a margin too, and are still of some use."""
    keeper = TokenKeeper()
    keeper.granted(granted(life_s=life_s), 100.0)
    assert keeper.usable(100.0) is not None
    end_s = 100.0 + life_s - min(60.0, life_s / 10)
    assert keeper.usable(end_s + 0.001) is None
    assert keeper.usable(end_s - 0.001) is not None


def test_a_token_that_died_early_is_replaced_at_once() -> None:
    """However often that happens, as long as calls pass in between."""
    keeper = TokenKeeper()
    for _ in range(50):
        assert keeper.ready_s(0.0) <= 0.0
        keeper.granted(granted(), 0.0)
        number = held(keeper, 0.0).number
        keeper.accepted(number)
        keeper.refused(number, 401, 0.0)
        assert keeper.usable(0.0) is None


def test_ten_calls_that_fall_with_one_token_count_once() -> None:
    """And a late refusal of the old token does not cost the new one."""
    keeper = TokenKeeper()
    keeper.granted(granted(), 0.0)
    old = held(keeper, 0.0).number
    for _ in range(10):
        keeper.refused(old, 401, 0.0)
    keeper.granted(granted("new"), 0.0)
    keeper.refused(old, 401, 0.0)
    assert held(keeper, 0.0).text == Secret("new")


def test_a_storm_of_refusals_ends() -> None:
    """New tokens refused one after the other: waits that double, then the account is blamed."""
    keeper = TokenKeeper()
    now = 0.0
    waits: list[float] = []
    for _ in range(FRESH_REFUSALS_MAX - 1):
        keeper.granted(granted(), now)
        keeper.refused(held(keeper, now).number, 401, now)
        waits.append(max(0.0, keeper.ready_s(now) - now))
        now += waits[-1]
    assert waits == [0.0, 1.0, 2.0, 4.0]
    keeper.granted(granted(), now)
    with pytest.raises(AccountError, match="issues tokens and refuses them") as refus:
        keeper.refused(held(keeper, now).number, 401, now)
    assert "licence" in refus.value.todo


def test_forbidden_is_tried_once_more() -> None:
    """403: with another token, then believed."""
    keeper = TokenKeeper()
    keeper.granted(granted(), 0.0)
    keeper.accepted(held(keeper, 0.0).number)
    keeper.refused(held(keeper, 0.0).number, 403, 0.0)
    keeper.granted(granted(), 0.0)
    with pytest.raises(AccountError, match="403"):
        keeper.refused(held(keeper, 0.0).number, 403, 0.0)


def test_a_call_that_passes_ends_the_storm() -> None:
    """Refusals count in a row only."""
    keeper = TokenKeeper()
    for _ in range(20):
        for _ in range(FRESH_REFUSALS_MAX - 1):
            keeper.granted(granted(), 0.0)
            keeper.refused(held(keeper, 0.0).number, 401, 0.0)
        keeper.granted(granted(), 0.0)
        keeper.accepted(held(keeper, 0.0).number)


def test_an_endpoint_that_fails_is_left_alone_for_a_while() -> None:
    """As long as it was told."""
    keeper = TokenKeeper()
    keeper.failed(10.0, 2.5)
    assert keeper.ready_s(10.0) == 12.5
    keeper.granted(granted(), 12.5)
    assert keeper.ready_s(12.5) < 12.5


# ------------------------------------------------------------------------------------------- the endpoint's answers


@pytest.mark.parametrize(
    ("body", "life_s"),
    [
        ({"scope": "a b", "expires_in": 1499, "token_type": "Bearer", "access_token": "abc"}, 1499.0),
        ({"access_token": "abc", "expires_in": "1499"}, 1499.0),
        ({"access_token": "abc"}, 1499.0),
        ({"access_token": "abc", "expires_in": None}, 1499.0),
        ({"access_token": "abc", "expires_in": 0}, 1499.0),
        ({"access_token": "abc", "expires_in": -5}, 1499.0),
        ({"access_token": "abc", "expires_in": 1e300}, 86400.0),
        ({"access_token": "abc", "expires_in": 12}, 12.0),
    ],
)
def test_a_token_is_read(body: dict[str, object], life_s: float) -> None:
    """In whatever order its keys come; an impossible life is not believed."""
    assert read_token(200, {}, json.dumps(body).encode()) == Granted(Secret("abc"), life_s)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"access_token": 5}',
        b'{"access_token": ""}',
        b'{"access_token": "a b"}',
        b'{"access_token": "a\\r\\nX: y"}',
        b'{"access_token": "\xc3\xa9"}',
        b'{"access_token": "a", "expires_in": "soon"}',
        b'{"access_token": "a", "expires_in": []}',
    ],
)
def test_what_holds_no_token_is_unreadable(body: bytes) -> None:
    """It may pass; the body is not quoted, and no cause that would quote it is kept."""
    with pytest.raises(UnreadableAnswer) as erreur:
        read_token(200, {}, body)
    assert erreur.value.__cause__ is None


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, {"error": "invalid_client", "error_description": "Client authentication failed"}, "not attached"),
        (401, {"error": "invalid_client"}, "licence is not accepted"),
        (400, {"error": "invalid_scope", "error_description": "Unknown/invalid scope(s): [x]"}, "attach the API"),
        (400, {"error": "unauthorized_client"}, "attach the API"),
        (400, {"error": "unsupported_grant_type"}, "MOISSON_TOKEN_URL"),
        (400, {"error": "invalid_grant"}, "MOISSON_TOKEN_URL"),
        (400, {"error": "invalid_request", "error_description": "Invalid realm"}, "realm"),
        (400, {"message": "Invalid realm, /x"}, "realm"),
        (400, {"error": "something_new"}, "licence is accepted"),
        (400, {}, "licence is accepted"),
        (401, {}, "licence is accepted"),
        (403, {}, "licence is accepted"),
        (409, None, "licence is accepted"),
    ],
)
def test_a_refused_account_is_told_what_to_do(status: int, body: object, says: str) -> None:
    """Each cause has its remedy; invalid_client names the two that send people looking elsewhere."""
    raw = b"<html>Conflict</html>" if body is None else json.dumps(body).encode()
    with pytest.raises(AccountError) as erreur:
        read_token(status, {}, raw)
    assert says in erreur.value.todo
    assert erreur.value.exit_code == 2


def test_other_answers_of_the_endpoint() -> None:
    """What may pass is tried again; a wrong address is named by its setting."""
    with pytest.raises(Throttled):
        read_token(429, {"retry-after": "1"}, b"")
    for status in (500, 502, 503, 302):
        with pytest.raises(ServerTrouble):
            read_token(status, {"location": "https://elsewhere.example"}, b"<html>")
    with pytest.raises(ServerTrouble):
        read_token(400, {}, b'{"error": "temporarily_unavailable"}')
    with pytest.raises(SettingsError, match="MOISSON_TOKEN_URL"):
        read_token(404, {}, b"")
    with pytest.raises(SettingsError, match="moved"):
        read_token(301, {"location": "https://elsewhere.example"}, b"")


# ------------------------------------------------------------------------------------------------------------ secrets


def test_the_form() -> None:
    """Credentials in the body, trimmed; the two scopes and no third."""
    application = Application(" PAR_x \n", Secret(f"{HEX}\r\n"))
    assert parse_qs(token_form(application).decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["PAR_x"],
        "client_secret": [HEX],
        "scope": ["api_offresdemploiv2 o2dsoffre"],
    }


def test_a_secret_shows_itself_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Not in repr, str, format, percent formatting, logs, tracebacks or pickles."""
    secret = Secret(HEX)
    application = Application("PAR_x", secret, "observatoire")
    texts = [repr(secret), str(secret), f"{secret}", f"{secret!r:>5}", "%s" % secret, repr(application)]  # noqa: UP031
    texts += [repr([secret]), repr(Granted(secret, 1.0)), repr(Token(secret, 1))]
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").warning("%s %r %s", secret, application, {"s": secret})
    texts.append(caplog.text)
    try:
        raise ValueError(secret)
    except ValueError:
        texts.append(traceback.format_exc())
    assert not [text for text in texts if HEX in text]
    for copier in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            copier(secret)
    assert secret.reveal() == HEX
    assert secret == Secret(HEX) != Secret("other")
    assert hash(secret) == hash(Secret(HEX))


@pytest.mark.parametrize(("client_id", "secret"), [("", HEX), (" ", HEX), ("PAR_x", ""), ("PAR_x", "\n")])
def test_empty_credentials_are_a_setting_to_mend(client_id: str, secret: str) -> None:
    """Told before anything is sent."""
    with pytest.raises(SettingsError, match="empty"):
        Application(client_id, Secret(secret))


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_answer_is_a_token_or_one_of_our_errors(status: int, body: bytes) -> None:
    """Nothing else gets out."""
    with contextlib.suppress(MoissonError):
        assert read_token(status, {}, body).life_s > 0
