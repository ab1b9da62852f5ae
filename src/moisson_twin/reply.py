"""An answer on its way out: status, headers and body, and what may happen to them on the wire."""

import json
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class ConnexionCoupee(ConnectionResetError):
    """The connection was dropped on purpose; raised to the caller when the application runs in process."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    ``wire`` tells what happens to it: "whole"; "cut" (the body, compressed if asked, stops half-way although its length
    is announced right), "break" (the connection is reset half-way), "drop" (it is reset before any byte).
    """

    status: int
    body: bytes = b""
    media_type: str | None = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    wire: str = "whole"

    def with_headers(self, headers: dict[str, str]) -> "Reply":
        """The same answer with more headers."""
        return replace(self, headers={**headers, **self.headers})


def json_reply(status: int, content: Any, headers: dict[str, str] | None = None) -> Reply:
    """A JSON answer, compact and in UTF-8."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, body, headers=headers or {})


def bad_request(message: str, now_ms: int) -> Reply:
    """A 400 as the service words it; its ``codeErreur`` is the time of the error, in milliseconds."""
    return json_reply(400, {"message": message, "codeHttp": 400, "codeErreur": f"{now_ms:013}"})


class WireResponse(Response):
    """Sends a :class:`Reply`, compressed when the caller accepts gzip."""

    def __init__(self, reply: Reply, accepts_gzip: bool) -> None:
        body = reply.body
        headers = dict(reply.headers)
        if accepts_gzip and len(body) > 500 and reply.wire != "drop":
            # Level 1 costs a third of level 6 and comes within a fifth of its size.
            body = _gzip(body)
            headers["Content-Encoding"] = "gzip"
            headers["Vary"] = "Accept-Encoding"
        if reply.wire == "cut":
            body = body[: max(1, len(body) // 2)]
        super().__init__(body, reply.status, headers, reply.media_type if reply.body else None)
        self._wire = reply.wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, or do to the connection what the reply says."""
        if self._wire == "break":
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            half = bytes(self.body[: len(self.body) // 2])
            await send({"type": "http.response.body", "body": half, "more_body": True})
        if self._wire in ("drop", "break"):
            # Under uvicorn the connection is reset; in process the caller meets the exception.
            transport = getattr(getattr(receive, "__self__", None), "transport", None)
            if transport is None:
                raise ConnexionCoupee("the double dropped this connection")
            transport.abort()
            # Wait until the server has noticed, else it would call the missing answer an error of ours.
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await super().__call__(scope, receive, send)


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    return compressor.compress(body) + compressor.flush()
