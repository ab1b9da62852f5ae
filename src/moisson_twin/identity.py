"""Ids: an offer's rank among those of its origin, written the way the service writes ids.

Own ids are three digits and four consonants, partners' seven digits. Ranks step through the whole space of ids by a
fixed stride prime to its size: ids are unique, grow with time, and wrap around like the real ones.
"""

import re
from typing import Final

import numpy as np

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXYZ"
_RADIX: Final = len(LETTERS)
_OWN_SPACE: Final = 1000 * _RADIX**4
_PARTNER_SPACE: Final = 10**7
_OWN_STRIDE: Final = 13
_PARTNER_STRIDE: Final = 17
OWN: Final = re.compile(r"[0-9]{3}[B-DF-HJ-NP-TV-Z]{4}", re.ASCII)
PARTNER: Final = re.compile(r"[0-9]{7}", re.ASCII)
#: What the service lets pass as an id, whether or not such an offer can exist.
ID_FORMAT: Final = re.compile(r"[0-9]{3}[0-9A-Z]{4}", re.ASCII)


class Identities:
    """Ids of one world, in both directions."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 3])
        self._own_first = int(rng.integers(100_000_000, 180_000_000))
        self._partner_first = int(rng.integers(0, _PARTNER_SPACE))

    def text(self, own: bool, number: int) -> str:
        """The id of the offer of this rank (0-based) among those of its origin."""
        if not own:
            return f"{(self._partner_first + number * _PARTNER_STRIDE) % _PARTNER_SPACE:07}"
        value = (self._own_first + number * _OWN_STRIDE) % _OWN_SPACE
        letters = ""
        for _ in range(4):
            value, letter = divmod(value, _RADIX)
            letters = LETTERS[letter] + letters
        return f"{value:03}{letters}"

    def number(self, id_: str) -> tuple[bool, int] | None:
        """The origin (own or not) and rank of an id; None when it has neither of the two shapes."""
        if PARTNER.fullmatch(id_):
            offset = int(id_) - self._partner_first
            return False, offset * pow(_PARTNER_STRIDE, -1, _PARTNER_SPACE) % _PARTNER_SPACE
        if not OWN.fullmatch(id_):
            return None
        value = int(id_[:3])
        for letter in id_[3:]:
            value = value * _RADIX + LETTERS.index(letter)
        return True, (value - self._own_first) * pow(_OWN_STRIDE, -1, _OWN_SPACE) % _OWN_SPACE
