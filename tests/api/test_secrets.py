"""No credential ever shows: over every kind of trouble, in errors, their causes, events, logs and tracebacks."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import traceback

import httpx2
import pytest

from moisson.api import ApiEvent, Client
from moisson.errors import MoissonError
from tests import virtual_loop
from tests.api.fake_service import API_URL, SECRET, TOKEN_URL, Fault, Service, reply
from tests.api.test_client import QUESTION, TRANSIENT, application


def echo(status: int, key: str) -> Fault:
    """A service that sends back what it was sent, credentials included."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        said = request.content.decode() + str(dict(request.headers)) + SECRET + "1"
        return httpx2.Response(status, content=json.dumps({key: said, "message": said}).encode())

    return answer


def raising(kind: type[Exception]) -> Fault:
    """A network whose errors quote what was sent."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        raise kind(f"while sending {request.content!r} {request.headers.raw!r}")

    return answer


FAULTS: dict[str, Fault] = {
    **TRANSIENT,
    **{
        f"echo {status} {key}": echo(status, key) for status in (200, 400, 401, 403, 404, 500) for key in ("error", "x")
    },
    "echo description": echo(400, "error_description"),
    "echo token": echo(200, "access_token"),
    "quoting": raising(httpx2.ReadError),
    "quoting unknown": raising(httpx2.TransportError),
    "invalid_client": reply(400, b'{"error": "invalid_client"}'),
}


HONEST = {*TRANSIENT, "invalid_client"}
"""Those whose service does not send credentials back."""


@pytest.mark.parametrize("where", ["token", "api"])
@pytest.mark.parametrize("name", FAULTS)
def test_no_secret_in_any_trouble(name: str, where: str, caplog: pytest.LogCaptureFixture) -> None:
    """Every text that leaves the room is searched for the secret."""
    service = Service(always=FAULTS[name]) if where == "api" else Service(token_always=FAULTS[name])
    events: list[ApiEvent] = []
    texts: list[str] = []

    async def main() -> None:
        async with Client(
            api_url=API_URL,
            token_url=TOKEN_URL,
            applications=[application()],
            transport=service.transport,
            random=random.Random(1),
            observer=events.append,
            patience_s=30,
        ) as api:
            texts.append(repr(api) + repr(vars(api)) + repr(api.stats()))
            try:
                await asyncio.gather(*(api.search(QUESTION) for _ in range(2)))
            except MoissonError as error:
                texts.append(f"{error} {error!r} {error.args} {error.what} {error.doing} {error.todo}")
                if name in HONEST:
                    # With every local of every frame, as a debugger would print it, causes included.
                    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
                    # The fake service's own frames are among them, and it may know its tokens.
                    texts.extend(line.replace("token-0-of", "…") for line in whole.format())

    with caplog.at_level(logging.DEBUG):
        virtual_loop.run(main())
    texts += [caplog.text, *map(repr, events)]
    assert not [text for text in texts if SECRET[:20] in text or "token-0-of" in text]
