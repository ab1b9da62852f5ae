"""What a fault is, and which calls it strikes. The faults themselves are in :mod:`moisson_twin.faults`."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from moisson_twin.reply import Reply
from moisson_twin.search import Found

Pairs = list[tuple[str, str]]


class FaultError(ValueError):
    """A fault is misspelt; the text says how and what exists."""


@dataclass(slots=True)
class When:
    """Which calls a fault strikes."""

    at: frozenset[int] = frozenset()
    every: int = 0
    p: float = 0.0
    times: int = -1
    kinds: frozenset[str] = frozenset()

    def strikes(self, kind: str, number: int, dice: random.Random) -> bool:
        """Whether the call of this kind and number is struck; counts it if so."""
        if self.times == 0 or (self.kinds and kind not in self.kinds):
            return False
        chosen = not (self.at or self.every or self.p)
        chosen |= number in self.at
        chosen |= bool(self.every) and (number + 1) % self.every == 0
        chosen |= bool(self.p) and dice.random() < self.p
        if chosen and self.times > 0:
            self.times -= 1
        return chosen


class Fault:
    """One way to misbehave. Subclasses override the steps of an answer that they spoil."""

    #: Its name in settings and on the command line.
    name: ClassVar[str]
    #: Keys whose values may be any text although their default is a number.
    texts: ClassVar[frozenset[str]] = frozenset()
    #: Its own keys and their defaults.
    options: ClassVar[dict[str, str]] = {}
    #: Those of its keys whose values are numbers.
    numbers: ClassVar[frozenset[str]] = frozenset()
    #: The kinds of call that it may strike.
    kinds: ClassVar[frozenset[str]] = frozenset({"search", "offre", "referentiel"})

    def __init__(self, when: When, given: dict[str, str]) -> None:
        self.when = when
        self.given = {**self.options, **given}

    def instead(self) -> Reply | None:
        """An answer to give instead of any other, or None."""
        return None

    def ask(self, pairs: Pairs) -> Pairs:
        """The search's parameters as the service will take them."""
        return pairs

    def find(self, found: Found) -> Found:
        """What was found."""
        return found

    def write(self, body: bytes) -> bytes:
        """The JSON of a page of offers."""
        return body

    def send(self, reply: Reply) -> Reply:
        """The whole answer."""
        return reply

    def wait_s(self, dice: random.Random) -> float:
        """Seconds to wait before answering."""
        return 0.0


#: Every fault by name.
FAULTS: dict[str, type[Fault]] = {}


def fault(name: str, /, **options: str) -> Callable[[type[Fault]], type[Fault]]:
    """Register a class under a name, with its own keys and their defaults."""

    def register(cls: type[Fault]) -> type[Fault]:
        cls.name = name
        cls.options = options
        cls.numbers = frozenset(key for key, value in options.items() if value.replace(".", "").isdigit()) - cls.texts
        FAULTS[name] = cls
        return cls

    return register
