"""Everything that can go wrong, as one tree.

MoissonError
├── Transient                 may pass if we wait; the client tries again
│   ├── Throttled             429: the quota is spent for now
│   ├── ServerTrouble         500, 502, 503, 504
│   ├── NetworkTrouble        reset, time-out, refused connection, unknown host
│   ├── UnreadableAnswer      truncated, not JSON, HTML under a 200, no Content-Range
│   └── TokenRefused          401: the token died early, or is not known here
└── Final                     waiting will not help
    ├── UsageError            the person must change something            exit 2
    │   ├── SettingsError     a malformed or missing setting
    │   ├── AccountError      credentials, scope or licence
    │   ├── SourceMismatch    the store was filled from another API
    │   └── StoreUnwritable   the store folder cannot be used as asked
    ├── RequestRefused        400: the API does not take this question     exit 1
    ├── ApiUnavailable        transient trouble that outlasted our patience
    ├── ContractBroken        the API no longer does what the proof rests on
    └── StoreError            what lies on disk
        ├── StoreLocked       another process is filling this store
        ├── StoreCorrupt      a file is damaged, or is not one of ours
        ├── StoreVersion      made by a newer Moisson
        └── DiskFull          not enough room, before or during the work

Retrying is decided by type alone: `Transient` is tried again, `Final` never. A message is for a person and has three
parts: what happened, what was being done, what to do next. Secrets and whole bodies never enter it.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AccountError",
    "ApiUnavailable",
    "ContractBroken",
    "DiskFull",
    "Final",
    "MoissonError",
    "NetworkTrouble",
    "RequestRefused",
    "ServerTrouble",
    "SettingsError",
    "SourceMismatch",
    "StoreCorrupt",
    "StoreError",
    "StoreLocked",
    "StoreUnwritable",
    "StoreVersion",
    "Throttled",
    "TokenRefused",
    "Transient",
    "UnreadableAnswer",
    "UsageError",
]


class MoissonError(Exception):
    """Root of all our errors.

    Args:
        what: what happened, one sentence without its final stop.
        doing: what was being done, completing "while ...".
        todo: what the person can do next, whole sentences.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, doing: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.doing = doing
        self.todo = todo

    def __str__(self) -> str:
        """The message in its three parts, on one line."""
        text = f"{self.what} while {self.doing}." if self.doing else f"{self.what}."
        return f"{text} {self.todo}" if self.todo else text


class Transient(MoissonError):
    """May pass if we wait.

    Args:
        retry_after_s: seconds that the server asked us to wait, or None when it did not say.
        status: HTTP status, or None when no answer came.
    """

    def __init__(
        self,
        what: str,
        *,
        doing: str = "",
        todo: str = "",
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(what, doing=doing, todo=todo)
        self.retry_after_s = retry_after_s
        self.status = status


class Throttled(Transient):
    """The quota of this application is spent for now (429)."""


class ServerTrouble(Transient):
    """The service failed on its side (500, 502, 503, 504)."""


class NetworkTrouble(Transient):
    """No whole answer came: reset, time-out, refused connection, unknown host."""


class UnreadableAnswer(Transient):
    """An answer came but is not what the API sends: truncated, not JSON, HTML, no Content-Range."""


class TokenRefused(Transient):
    """The token was refused (401); a new one is asked for, once."""


class Final(MoissonError):
    """Waiting will not help."""


class UsageError(Final):
    """The person must change something before trying again."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is missing or malformed; the message names it and where it came from."""


class AccountError(UsageError):
    """The account is not allowed: wrong credentials, scope not granted, API not attached, licence not accepted."""


class SourceMismatch(UsageError):
    """The store was filled from another API than the one now asked."""


class StoreUnwritable(UsageError):
    """The store folder cannot be created or written."""


class RequestRefused(Final):
    """The API refuses this question (400)."""


class ApiUnavailable(Final):
    """Transient trouble outlasted our patience; the same command goes on later."""


class ContractBroken(Final):
    """The API no longer does what the proof rests on: a filter or an order is ignored."""


class StoreError(Final):
    """Trouble with what lies on disk."""


class StoreLocked(StoreError):
    """Another process is filling this store; the message says which."""


class StoreCorrupt(StoreError):
    """A file of the store is damaged or is not one of ours."""


class StoreVersion(StoreError):
    """The store was made by a newer Moisson than this one."""


class DiskFull(StoreError):
    """Not enough room on the disk; what was written so far is kept."""
