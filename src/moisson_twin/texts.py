"""Descriptions and other free texts of the offers, put together from invented fragments.

Fragments are kept as JSON-escaped UTF-8, so that a text is a join of bytes. Their number is such that a page compresses
about as well as real ones do: four to five times.
"""

import json
import re
from functools import cache

from moisson_twin import lists

#: What fills the slots of a fragment: slot name to JSON-escaped bytes.
Slots = dict[bytes, bytes]

_SLOT = re.compile(r"\{([a-z])\}")
#: Descriptions are cut at this many characters, as by the service, even within a word.
DESCRIPTION_CHARS_MAX = 5000


def escape(text: str) -> bytes:
    """A text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


def _compile(line: str) -> bytes:
    """A fragment as a template for the operator ``%``."""
    return _SLOT.sub(lambda match: f"%({match[1]})b", escape(line).decode().replace("%", "%%")).encode()


@cache
def pool(name: str) -> tuple[bytes, ...]:
    """The fragments of a section of ``phrases.txt`` as templates, to be filled even when they have no slot."""
    return tuple(_compile(line) for line in lines(name))


@cache
def plain(name: str) -> tuple[bytes, ...]:
    """The fragments of a section that has no slots, ready for use."""
    return tuple(escape(line) for line in lines(name))


@cache
def _sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lists.read_text("phrases.txt").splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return sections


def lines(name: str) -> list[str]:
    """The lines of a section of ``phrases.txt``."""
    return _sections()[name]


#: How many random numbers a description takes at most.
DESCRIPTION_NUMBERS = 112
_NUMBERS = tuple(str(number).encode() for number in range(1000))


def description(numbers: list[int], slots: Slots, own: bool) -> bytes:
    """A description, JSON-escaped, some 1,700 to 2,200 characters long on average.

    Args:
        numbers: at least :data:`DESCRIPTION_NUMBERS` random numbers below 2**32; the same ones give the same text.
        slots: trade, town and employer; the numeric slots are filled here.
    """
    verbs, objects, complements = plain("verbe"), plain("objet"), pool("complement")
    openings, profiles, benefits, closings = pool("accroche"), pool("profil"), pool("avantage"), pool("cloture")
    take = iter(numbers)

    def refill() -> None:
        number = next(take)
        slots[b"n"] = _NUMBERS[2 + number % 7]
        slots[b"k"] = _NUMBERS[10 + (number >> 4) % 90]
        slots[b"q"] = _NUMBERS[100 + (number >> 12) % 900]
        slots[b"p"] = b"1%b%b" % (_NUMBERS[8 + (number >> 5) % 2], _NUMBERS[10 + (number >> 9) % 90])
        slots[b"t"] = b"1%b,%b" % (_NUMBERS[2 + (number >> 7) % 7], _NUMBERS[10 + (number >> 15) % 90])
        slots[b"h"] = _NUMBERS[20 + (number >> 11) % 20]

    refill()
    shape = next(take)
    tasks = 4 + shape % 9 + (14 if shape % 61 == 0 else 0) + own * 2
    bullet = (b"- ", b"* ", "• ".encode(), b"")[(shape >> 8) % 4]
    end = (b"\\n", b".\\n", b" ;\\n", b" \\n")[(shape >> 10) % 4]
    parts = []
    for _ in range(1 + (shape >> 12) % 3):
        parts.append(openings[next(take) % len(openings)] % slots)
        parts.append(b"\\n" if shape & 1 << 14 else b" ")
    parts.append(b"\\n")
    parts.append(_title("titre_missions", next(take)))
    for _ in range(tasks):
        number = next(take)
        parts.append(bullet)
        parts.append(verbs[number % len(verbs)])
        parts.append(b" ")
        parts.append(objects[(number >> 8) % len(objects)])
        if number & 0x40000000:
            parts.append(b", ")
            parts.append(objects[(number >> 12) % len(objects)])
        parts.append(b" ")
        parts.append(complements[(number >> 18) % len(complements)] % slots)
        parts.append(end)
    for title, sentences, count in (
        ("titre_profil", profiles, 2 + (shape >> 16) % 5),
        ("titre_avantages", benefits, 2 + (shape >> 20) % 5),
    ):
        refill()
        parts.append(b"\\n")
        parts.append(_title(title, next(take)))
        for _ in range(count):
            parts.append(sentences[next(take) % len(sentences)] % slots)
            parts.append(b"\\n" if shape & 1 << 25 else b" ")
    refill()
    for _ in range((shape >> 27) % 3):
        parts.append(b"\\n")
        parts.append(closings[next(take) % len(closings)] % slots)
    text = b"".join(parts)
    return text if len(text) <= DESCRIPTION_CHARS_MAX else _cut(text)


def _title(name: str, number: int) -> bytes:
    titles = plain(name)
    return titles[number % len(titles)] + (b"\\n" if number & 1 << 20 else b" ")


def _cut(text: bytes) -> bytes:
    decoded: str = json.loads(b'"' + text + b'"')
    return escape(decoded[:DESCRIPTION_CHARS_MAX])


def employer(number: int) -> bytes:
    """An invented employer's name, JSON-escaped."""
    kinds, names = plain("raison"), plain("nom")
    return b"%b %b" % (kinds[number % len(kinds)], names[(number >> 8) % len(names)])


def person(number: int) -> bytes:
    """An invented person, JSON-escaped: first name and a name that nobody bears."""
    names = plain("nom")
    first = plain("prenom")
    return b"%b %b" % (first[(number >> 16) % len(first)], names[(number >> 4) % len(names)])
