"""The official specification: whatever it allows to ask, the double answers in the shapes that it promises.

``openapi.json`` is the file that France Travail publishes. Two oddities of it matter here: a parameter is named
``"dureeHebdo "``, with a trailing space (the double ignores it, like any unknown name), and a header Authorization is
declared as an ordinary parameter, which would overwrite the token.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from moisson_twin import Drift, Settings, World, WorldSettings, create_app

SPEC = Path(__file__).parent / "openapi.json"
schema = schemathesis.openapi.from_path(SPEC)
BASE = "/partenaire/offresdemploi"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    """A double on a real port, still and without quota: its base address and a token."""
    settings = Settings(world=WorldSettings(offres=500, drift=Drift.none()), quota_per_s=None)
    app = create_app(settings)
    client_id, secret = settings.clients[0]
    service = app.state.service
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = service.tokens.ask("/partenaire", form | {"scope": "api_offresdemploiv2 o2dsoffre"}, service.now_s)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}{BASE}", token.text
    server.should_exit = True
    thread.join()


@schema.parametrize()
@hypothesis.settings(max_examples=15, suppress_health_check=list(hypothesis.HealthCheck))
def test_answers_conform_to_the_specification(case: schemathesis.Case, served: tuple[str, str]) -> None:
    """No server error, only promised statuses, types, headers and bodies."""
    base_url, token = served
    case.headers.pop("Authorization", None)
    case.call_and_validate(
        base_url=base_url,
        headers={"Authorization": f"Bearer {token}"},
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
        ],
    )


#: These two examples name codes that came after our lists were recorded.
_OTHER_VINTAGE = {"paysContinent", "codeROME"}
_EXAMPLES = {
    parameter["name"]: str(parameter["example"])
    for parameter in json.loads(SPEC.read_text(encoding="utf-8"))["paths"]["/v2/offres/search"]["get"]["parameters"]
    if "example" in parameter
}
_COMPANIONS = {
    "minCreationDate": "maxCreationDate", "maxCreationDate": "minCreationDate",
    "salaireMin": "periodeSalaire", "periodeSalaire": "salaireMin",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(_EXAMPLES) - _OTHER_VINTAGE))
def test_the_specification_s_examples_are_accepted(call: Callable[..., Any], still: World, name: str) -> None:
    """Each documented parameter with its documented example finds something or nothing, and is no error."""
    value = _EXAMPLES[name].lower() if _EXAMPLES[name] in ("True", "False") else _EXAMPLES[name]
    companion = _COMPANIONS.get(name)
    criteria = {name: value} | ({companion: _EXAMPLES[companion]} if companion else {})
    assert call(still).search(**criteria).status_code in (200, 204, 206)


@pytest.mark.parametrize("name", sorted(set(_EXAMPLES) - {"dureeHebdo ", "partenaires"}))
def test_every_documented_parameter_is_checked(call: Callable[..., Any], still: World, name: str) -> None:
    """A value that cannot be is refused: the double ignores no name that the specification knows."""
    assert call(still).search(**{name: "¤"}).status_code == 400
