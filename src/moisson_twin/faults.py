"""Named ways to misbehave, each a small class; which calls they strike is said in a short text.

A fault is written ``name`` or ``name:key=value,key=value``, on the command line, in :class:`Settings` or on the control
path alike. Keys that every fault knows say when it strikes:

    ``at=3`` or ``at=3|7|10-20``   the calls of these numbers (0-based, among calls of its kind that pass the quota)
    ``every=50``                   each 50th call (numbers 49, 99, ...)
    ``p=0.01``                     each call with this probability, drawn from the world's seed
    ``times=2``                    at most so often
    ``on=search|offre``            calls of these kinds only (search, offre, referentiel, token)

None of them: every call. Other keys are the fault's own, with their default: see ``FAULTS`` or ``--list-faults``.
"""

import json
import random
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from moisson_twin.fault import FAULTS, Fault, FaultError, Pairs, When, fault
from moisson_twin.reply import Reply, json_reply
from moisson_twin.search import Found

__all__ = ["FAULTS", "Fault", "FaultError", "Faults", "When", "parse_fault"]


def parse_fault(text: str) -> Fault:
    """Read a fault from its text.

    Raises:
        FaultError: unknown name or key, or a value that cannot be read.
    """
    name, _, rest = text.partition(":")
    if name not in FAULTS:
        raise FaultError(f"unknown fault {name!r}; there are: {', '.join(sorted(FAULTS))}")
    given: dict[str, str] = {}
    for item in filter(None, rest.split(",")):
        key, separator, value = item.partition("=")
        if not separator:
            raise FaultError(f"{item!r} in fault {text!r} is not written key=value")
        given[key] = value
    try:
        when = When(
            at=_numbers(given.pop("at", "")),
            every=int(given.pop("every", "0")),
            p=float(given.pop("p", "0")),
            times=int(given.pop("times", "-1")),
            kinds=frozenset(filter(None, given.pop("on", "").split("|"))),
        )
    except ValueError as error:
        raise FaultError(f"a value in fault {text!r} cannot be read: {error}") from error
    unknown = set(given) - set(FAULTS[name].options)
    if unknown:
        known = ", ".join(["at", "every", "p", "times", "on", *FAULTS[name].options])
        raise FaultError(f"fault {name!r} has no key {', '.join(sorted(unknown))}; it has: {known}")
    for key, value in given.items():
        if key in FAULTS[name].numbers and not _NUMBER.fullmatch(value):
            raise FaultError(f"{key}={value} in fault {text!r} is not a number")
    return FAULTS[name](when, given)


_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def _numbers(text: str) -> frozenset[int]:
    numbers: set[int] = set()
    for item in filter(None, text.split("|")):
        first, _, last = item.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


class Faults:
    """The faults in force, and the dice that decide for them."""

    def __init__(self, texts: Iterable[str], seed: int) -> None:
        self.dice = random.Random(seed ^ 0xFA17)
        self.active = [parse_fault(text) for text in texts]

    def set(self, texts: Iterable[str]) -> None:
        """Replace the faults in force; nothing changes when a text cannot be read."""
        self.active = [parse_fault(text) for text in texts]

    def striking(self, kind: str, number: int) -> list[Fault]:
        """The faults that strike a call, in the order in which they were given."""
        return [fault for fault in self.active if kind in fault.kinds and fault.when.strikes(kind, number, self.dice)]


# --- another answer instead -----------------------------------------------------------------------------------------


@fault("expire_token")
class ExpireToken(Fault):
    """401 with an empty body, all tokens given so far having become invalid (the application forgets them)."""

    def instead(self) -> Reply | None:
        """The refusal; :mod:`moisson_twin.app` forgets the tokens."""
        return Reply(401, headers={"WWW-Authenticate": "Bearer"})


@fault("reply_401")
class Reply401(Fault):
    """401 although the token is good; it stays good."""

    def instead(self) -> Reply | None:
        """The refusal."""
        return Reply(401, headers={"WWW-Authenticate": "Bearer"})


@fault("reply_403")
class Reply403(Fault):
    """403 with an empty body."""

    def instead(self) -> Reply | None:
        """The refusal."""
        return Reply(403)


@fault("reply_429", retry_after="1")
class Reply429(Fault):
    """429 although the quota is kept.

    ``retry_after``: any text (0, 60, -5; a date with ``_`` for spaces and ``;`` for commas), or ``absent``.
    """

    texts = frozenset({"retry_after"})

    def instead(self) -> Reply | None:
        """The refusal."""
        value = self.given["retry_after"].replace("_", " ").replace(";", ",")
        headers = {} if value == "absent" else {"Retry-After": value}
        return Reply(429, b"Too Many Requests", "text/plain", headers)


@fault("reply_500")
class Reply500(Fault):
    """500 with the service's technical message."""

    def instead(self) -> Reply | None:
        """The error."""
        message = "La vue service retournée par le connecteur HTTP est nulle ou mal formée"
        return json_reply(500, {"codeErreur": "JCS0011G", "codeHttp": 500, "message": message})


_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"


class _Html(Fault):
    """An error page of a gateway."""

    status: ClassVar[int]
    title: ClassVar[str]

    def instead(self) -> Reply | None:
        """The page."""
        return Reply(self.status, _HTML.format(f"{self.status} {self.title}").encode(), "text/html")


@fault("reply_502")
class Reply502(_Html):
    """502 with a page of HTML."""

    status = 502
    title = "Bad Gateway"


@fault("reply_503")
class Reply503(_Html):
    """503 with a page of HTML."""

    status = 503
    title = "Service Unavailable"


@fault("reply_504")
class Reply504(_Html):
    """504 with a page of HTML."""

    status = 504
    title = "Gateway Timeout"


@fault("html_under_200")
class HtmlUnder200(_Html):
    """A maintenance page with status 200."""

    status = 200
    title = "Site en maintenance"


@fault("token_down", status="503")
class TokenDown(Fault):
    """The token endpoint answers an error page instead of a token."""

    kinds = frozenset({"token"})

    def instead(self) -> Reply | None:
        """The error page."""
        return Reply(int(self.given["status"]), _HTML.format("Service Unavailable").encode(), "text/html")


@fault("nothing")
class Nothing(Fault):
    """204 "nothing matches" although offers do."""

    kinds = frozenset({"search"})

    def instead(self) -> Reply | None:
        """The empty answer."""
        return Reply(204, headers={"Content-Range": "*/0"})


@fault("ghost_detail")
class GhostDetail(Fault):
    """The detail of an offer that is gone answers as if it were still online."""

    kinds = frozenset({"offre"})

    def instead(self) -> Reply | None:
        """An old offer, whichever was asked."""
        return json_reply(200, {"id": "000GHST", "dateCreation": "2020-01-01T08:00:00.000Z"})


# --- on the wire ----------------------------------------------------------------------------------------------------


@fault("drop")
class Drop(Fault):
    """The connection is reset without an answer."""

    kinds = frozenset({"search", "offre", "referentiel", "token"})

    def instead(self) -> Reply | None:
        """No answer."""
        return Reply(200, wire="drop")


@fault("hang", seconds="3600")
class Hang(Fault):
    """Nothing comes for an hour, or so many ``seconds``."""

    kinds = frozenset({"search", "offre", "referentiel", "token"})

    def wait_s(self, dice: random.Random) -> float:
        """How long."""
        return float(self.given["seconds"])


@fault("latency", min="0.05", max="0.5")
class Latency(Fault):
    """The answer comes late by ``min`` to ``max`` seconds."""

    kinds = frozenset({"search", "offre", "referentiel", "token"})

    def wait_s(self, dice: random.Random) -> float:
        """How late."""
        return dice.uniform(float(self.given["min"]), float(self.given["max"]))


@fault("break_body")
class BreakBody(Fault):
    """The connection is reset when half the announced body has come."""

    def send(self, reply: Reply) -> Reply:
        """The answer, to be broken."""
        return replace(reply, wire="break")


@fault("truncate_body")
class TruncateBody(Fault):
    """The body stops half-way, in the middle of the gzip stream if it is compressed."""

    def send(self, reply: Reply) -> Reply:
        """The answer, to be cut."""
        return replace(reply, wire="cut")


@fault("no_content_range")
class NoContentRange(Fault):
    """The header Content-Range is missing."""

    def send(self, reply: Reply) -> Reply:
        """The answer without it."""
        return replace(reply, headers={k: v for k, v in reply.headers.items() if k != "Content-Range"})


# --- the search is taken wrong --------------------------------------------------------------------------------------


@fault("ignore_filter", name="minCreationDate|maxCreationDate")
class IgnoreFilter(Fault):
    """Parameters are ignored. ``name``: which, with | between several."""

    kinds = frozenset({"search"})

    def ask(self, pairs: Pairs) -> Pairs:
        """The parameters without them."""
        names = self.given["name"].split("|")
        return [(name, value) for name, value in pairs if name not in names]


@fault("ignore_sort")
class IgnoreSort(Fault):
    """The parameter sort is ignored: own offers come first."""

    kinds = frozenset({"search"})

    def ask(self, pairs: Pairs) -> Pairs:
        """The parameters without it."""
        return [(name, value) for name, value in pairs if name != "sort"]


# --- the page is wrong ----------------------------------------------------------------------------------------------


class _Page(Fault):
    """Strikes searches only."""

    kinds = frozenset({"search"})


@fault("repeat_page")
class RepeatPage(_Page):
    """The rows of the last page answered before come again, under the range asked."""

    _before: Found | None = None

    def find(self, found: Found) -> Found:
        """The rows of before, if any."""
        return found if self._before is None else replace(found, rows=self._before.rows[: len(found.rows)])

    def remember(self, found: Found) -> None:
        """Keep a page for later."""
        self._before = found


@fault("short_page", missing="1")
class ShortPage(_Page):
    """``missing`` rows in the middle of the page are left out; Content-Range does not say so."""

    def find(self, found: Found) -> Found:
        """The page without them."""
        middle = len(found.rows) // 2
        missing = min(int(self.given["missing"]), max(0, len(found.rows) - 1))
        start = max(0, middle - missing // 2)
        return replace(found, rows=np.delete(found.rows, slice(start, start + missing)))


@fault("empty_page")
class EmptyPage(_Page):
    """No row at all, under the true total."""

    def find(self, found: Found) -> Found:
        """The empty page."""
        return replace(found, rows=found.rows[:0])


@fault("total_off", by="1")
class TotalOff(_Page):
    """The announced total differs by ``by`` (may be negative); rows and counts are right."""

    def find(self, found: Found) -> Found:
        """The wrong total."""
        return replace(found, total=max(1, found.total + int(self.given["by"])))


class _Rewrite(_Page):
    """Changes the decoded body of a page."""

    def change(self, page: dict[str, Any]) -> None:
        """Spoil a page in place."""
        raise NotImplementedError

    def write(self, body: bytes) -> bytes:
        """The changed page."""
        page = json.loads(body)
        if page.get("resultats"):
            self.change(page)
        return json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()


@fault("invalid_json")
class InvalidJson(_Page):
    """The body is no JSON: a control character and a missing brace."""

    def write(self, body: bytes) -> bytes:
        """The spoilt body."""
        return body.replace(b'"intitule":"', b'"intitule":"\x01', 1)[:-1]


@fault("unknown_keys")
class UnknownKeys(_Rewrite):
    """Each offer, the page and each filter hold keys that nobody documented."""

    def change(self, page: dict[str, Any]) -> None:
        """Add them."""
        page["meta"] = {"version": "3"}
        for index, offre in enumerate(page["resultats"]):
            offre["teletravail"] = {"jours": index % 5, "mode": None}
            offre["nouveauChamp"] = ["a", {"b": 1.5}]
            offre["lieuTravail"]["region"] = "84"


@fault("changed_type")
class ChangedType(_Rewrite):
    """Some values have another type: a number as text, a text as number, a list as object."""

    def change(self, page: dict[str, Any]) -> None:
        """Change them in every third offer."""
        for offre in page["resultats"][::3]:
            offre["nombrePostes"] = str(offre["nombrePostes"])
            offre["romeCode"] = 4242
            offre["competences"] = {"libelle": "une seule"}
            offre["lieuTravail"]["latitude"] = "46.2"


@fault("null_object")
class NullObject(_Rewrite):
    """Objects that are usually there are null."""

    def change(self, page: dict[str, Any]) -> None:
        """Null them in every third offer."""
        for offre in page["resultats"][::3]:
            offre["entreprise"] = None
            offre["salaire"] = None
            offre["lieuTravail"] = None


@fault("huge_description", megabytes="10")
class HugeDescription(_Rewrite):
    """The first offer's description is ``megabytes`` long."""

    def change(self, page: dict[str, Any]) -> None:
        """Lengthen it."""
        page["resultats"][0]["description"] = "é" * (int(self.given["megabytes"]) * 500_000)
