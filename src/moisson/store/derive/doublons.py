"""The same job published through several partners: the rule that says which offers are one. Pure.

Offers are compared only inside *blocks*, within which one job's publications nearly always fall: same contract, and

    TITRE       same town, same title, two long words of the text in common (ancres.py)
    TERRITOIRE  same département, same title, two such words, and at least one offer that names no town
    TEXTE       same town, three such words: some partners give a job a title of their own

In a block, two texts are the same when they have the same words in the same order (case, punctuation and layout do not
count), and nearly the same when the words that they share in order are at least CONTENU of the shorter one: partners
cut a text, head its parts, put a line of their own before or after it. Where two titles differ, they must be somewhat
alike, and each text must speak of what the other's title names: clinics seek a cardiologist and a gastroenterologist
in the same words but one. Offers of one text are one job if they can be in one place, and if at least two *sources*
brought them: a partner that publishes one text ten times seeks ten people, or republishes; that is its own affair.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
import unicodedata
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq

__all__ = [
    "CONTENU",
    "TEXTES_MAX",
    "Groups",
    "Publication",
    "Texte",
    "is_near",
    "place_of",
    "read_texte",
    "same_jobs",
    "title_key",
    "title_letters",
    "title_words",
    "titles_agree",
]

CONTENU = 0.9
"""Share of the shorter text's words that the longer one must have, in order.

Measured on recorded texts of 2025: copies that were cut, headed or had each twentieth word replaced share 0.93 and
more, different offers 0.38 and less (99 of 100).
"""

_MOTS_MIN = 30
"""Shorter texts are compared word for word only: two sentences of a template prove nothing."""

_PART_MIN = 0.3
"""A text below this share of the other one is not a cut copy but a stub."""

_TITRES = 50.0
"""Least likeness of two titles that differ (rapidfuzz token_set_ratio, 0 to 100).

In recorded offers of 2025, one text under two titles had 54 and more; two jobs of one household, 39.
"""

TEXTES_MAX = 64
"""Most different texts of a block that are compared with each other; a larger block only has its equal texts found."""

# --- titles and places ----------------------------------------------------------------------------------------------

_WORD = re.compile(r"[a-z0-9+#]+")
_NO_MEANING = frozenset(
    _WORD.findall(
        "h f hf fh m x homme femme hommes femmes cdi cdd interim mission temps plein partiel urgent recrutement "
        "recrute poste offre emploi de du des d la le les l en et ou a au aux pour un une sur"
    )
)


@functools.lru_cache(maxsize=1 << 14)
def title_words(text: str) -> frozenset[str]:
    """Words of a title, or of a place's label, that tell it from another: lower case, no accents, no (H/F), no CDI."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return frozenset(_WORD.findall(plain)) - _NO_MEANING


def title_key(intitule: frozenset[str], lieu: frozenset[str]) -> str:
    """What two spellings of a title have in common: its words, sorted, without those of the place it names.

    Args:
        intitule: `title_words` of the title.
        lieu: those of the place's label.
    """
    return " ".join(sorted(intitule - lieu))


_VILLES = (("751", "75056"), ("6938", "69123"), ("132", "13055"))


@functools.lru_cache(maxsize=1 << 16)
def place_of(commune: str | None) -> tuple[str, str]:
    """The town of a commune's code, and the code itself where it is precise; "" for what is not said.

    An arrondissement is a place within Paris, Lyon or Marseille; the code of these whole towns is none.
    """
    if not commune:
        return "", ""
    for start, ville in _VILLES:
        if commune == ville:
            return ville, ""
        if commune.startswith(start) and len(commune) == 5:
            return ville, commune
    return commune, commune


# --- texts ----------------------------------------------------------------------------------------------------------

_MOT = re.compile(r"\w+")
_CHARS = 0xD800  # the characters before the surrogates
_LETTERS_MAX = 200_000


class Texte(NamedTuple):
    """A description, reduced to what is compared.

    Attributes:
        empreinte: digest of its words in order.
        mots: a character for each word, so that comparing words is comparing short texts.
    """

    empreinte: bytes
    mots: str


class _Letters(dict[str, str]):
    """The character of each word; two of 55,296 words may share one, which no comparison of thirty notices."""

    def __missing__(self, mot: str) -> str:
        if len(self) >= _LETTERS_MAX:
            self.clear()
        letter = self[mot] = chr(zlib.crc32(mot.encode(errors="replace")) % _CHARS)
        return letter


_LETTERS = _Letters()


def read_texte(description: str | None) -> Texte:
    """The words of a description."""
    mots = _MOT.findall((description or "").lower())
    digest = hashlib.blake2b(" ".join(mots).encode(errors="replace"), digest_size=12).digest()
    return Texte(digest, "".join(map(_LETTERS.__getitem__, mots)))


def title_letters(intitule: str | None) -> str:
    """The characters of a title's words, in no order: what `Texte.mots` is made of."""
    return "".join({_LETTERS[mot] for mot in _MOT.findall((intitule or "").lower()) if mot not in _NO_MEANING})


def is_near(one: str, two: str) -> bool:
    """Whether two texts (`Texte.mots`) are one, but for what a partner cut off, added or changed."""
    short, long = sorted((len(one), len(two)))
    if short < _MOTS_MIN or short < _PART_MIN * long:
        return False
    least = math.ceil(CONTENU * short)
    return LCSseq.similarity(one, two, score_cutoff=least) >= least


# --- blocks ---------------------------------------------------------------------------------------------------------


class Publication(NamedTuple):
    """One offer of a block.

    Attributes:
        no: its number, in the order of the ids.
        texte: its description.
        titre_mots: the words of its title, as `title_letters` has them.
        titre: its `title_key`.
        lieu: precise code of the commune; "" when it names none.
        source: number of what brought it.
    """

    no: int
    texte: Texte
    titre_mots: str
    titre: str
    lieu: str
    source: int


def titles_agree(one: Publication, two: Publication) -> bool:
    """Whether the titles of two offers whose texts are nearly the same may name one job."""
    if one.titre == two.titre:
        return True
    return (
        fuzz.token_set_ratio(one.titre, two.titre) >= _TITRES
        and _speaks_of(one, two.texte.mots)
        and _speaks_of(two, one.texte.mots)
    )


def _speaks_of(publication: Publication, other: str) -> bool:
    """Whether a text has all those words of the other offer's title that this offer's own text has."""
    return all(mot in other for mot in publication.titre_mots if mot in publication.texte.mots)


def same_jobs(block: Iterable[Publication]) -> list[list[int]]:
    """Numbers of the offers of a block that are one job, each list of two or more.

    Texts are taken longest first; each joins the first one that it is near to, so that likeness does not wander from
    text to text. No order of `block` changes the result.
    """
    by_texte: dict[tuple[bytes, str], list[Publication]] = {}
    for publication in sorted(block):
        by_texte.setdefault((publication.texte.empreinte, publication.titre), []).append(publication)
    texts = sorted(by_texte.values(), key=lambda found: (-len(found[0].texte.mots), found[0].no))
    jobs: list[list[Publication]] = []
    comparable = jobs if len(texts) <= TEXTES_MAX else []
    of_texte: dict[bytes, list[list[Publication]]] = {}
    for found in texts:
        first = found[0]
        equal = of_texte.setdefault(first.texte.empreinte, [])
        near = (job for job in comparable if is_near(job[0].texte.mots, first.texte.mots))
        job = next((job for job in itertools.chain(equal, near) if titles_agree(job[0], first)), None)
        if job is None:
            jobs.append(job := [])
            equal.append(job)
        job += found
    return [numbers for job in jobs for numbers in _by_place(job)]


def _by_place(job: list[Publication]) -> list[list[int]]:
    """One text may be published for several towns. What names none belongs to a town only if there is but one."""
    places: dict[str, list[Publication]] = {}
    for publication in job:
        places.setdefault(publication.lieu, []).append(publication)
    vague = places.pop("", [])
    if len(places) == 1:
        next(iter(places.values())).extend(vague)
    else:
        places[""] = vague
    return [
        sorted(publication.no for publication in found)
        for found in places.values()
        if len({publication.source for publication in found}) > 1
    ]


class Groups:
    """Offers joined by number, over all blocks."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def join(self, numbers: Iterable[int]) -> None:
        """These are one job."""
        first, *others = map(self._top, numbers)
        for other in others:
            first, other = sorted((self._top(first), self._top(other)))
            self._above[other] = first

    def _top(self, no: int) -> int:
        self._above.setdefault(no, no)
        while (above := self._above[no]) != no:
            self._above[no] = self._above[above]
            no = above
        return no

    def members(self) -> list[tuple[int, int]]:
        """Each offer of a group with the smallest number of it, sorted."""
        return sorted((no, self._top(no)) for no in self._above)
