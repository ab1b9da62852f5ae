"""The same job published again by another partner: which offers are copies, and how a partner writes one.

A copy shares the original's job, place, employer and contract; its id, dates, title's spelling and partner are its
own. Three in eight have the original's text as it is; of the others the partner cut it, headed its parts, put a line
before or after it, or lost its layout. One in ten has another title of the same trade, one in twenty names only the
département. All of this was met in recorded offers; how many copies the country has is not published, so the share is
a setting.
"""

import json

import numpy as np
from numpy.typing import NDArray

from moisson_twin.columns import BLOCS, PROFILS, Values
from moisson_twin.draw import Frequencies
from moisson_twin.texts import escape, plain

#: What a copy has of its original's, and what it has of it only where it says anything of the kind.
_SHARED = ("commune", "departement", "pays", "rome", "appellation", "length_days", "flags")
_WHERE_GIVEN = ("naf", "niveau", "permis", "salary_eur", "week_min")
_PER_BLOC = PROFILS // BLOCS


def draw_copies(
    rng: np.random.Generator, frequencies: Frequencies, own: NDArray[np.bool_], share: float, values: Values
) -> None:
    """Make a share of the partners' offers copies of others; fills the column "copy_of" and what a copy has in common.

    Args:
        rng: where the draws come from.
        frequencies: the world's, for the titles of each trade.
        own: for each offer, whether it is France Travail's own.
        share: of the partners' offers, 0 to 1; a little less where the lot falls on a partner's own offer.
        values: the stock's columns, in their final order.
    """
    count = len(own)
    values["copy_of"] = np.zeros(count, np.uint32)
    partners = np.flatnonzero(~own)
    copies = np.sort(rng.choice(partners, round(share * len(partners)), replace=False))
    others = np.setdiff1d(np.arange(count), copies)
    if not len(copies) or not len(others):
        return
    originals = rng.choice(others, len(copies))
    other = own[originals] | (values["partner"][originals] != values["partner"][copies])
    copies, originals = copies[other], originals[other]
    for name in _SHARED:
        values[name][copies] = values[name][originals]
    for name in _WHERE_GIVEN:
        values[name][copies] = np.where(values[name][copies] > 0, values[name][originals], 0)
    bloc = values["profil"][copies] // _PER_BLOC
    values["profil"][copies] = bloc * _PER_BLOC + values["profil"][originals] % _PER_BLOC
    values["commune"][copies[rng.random(len(copies)) < 0.05]] = -1
    retitled = copies[rng.random(len(copies)) < 0.1]
    rome = values["rome"][retitled]
    pick = (rng.random(len(retitled)) * frequencies.title_count[rome]).astype(np.int64)
    values["appellation"][retitled] = frequencies.titles[frequencies.title_start[rome] + pick]
    values["copy_of"][copies] = originals + 1


def rewrite(text: bytes, number: int) -> bytes:
    """A description (JSON-escaped) as a partner publishes it again; the same number does the same to it."""
    before, after = plain("entete_partenaire"), plain("pied_partenaire")
    kind, number = number % 8, number >> 3
    if kind == 3:
        top, line_end, rest = text.partition(b"\\n\\n")
        return b"Description du poste :\\n" + top + line_end + (b"Description du profil :\\n" + rest if rest else b"")
    if kind == 4:
        decoded: str = json.loads(b'"' + text + b'"')
        return escape(decoded[: len(decoded) * (60 + number % 36) // 100] + "...")
    if kind == 5:
        return before[number % len(before)] + b"\\n" + text
    if kind == 6:
        return text + b"\\n" + after[number % len(after)]
    if kind == 7:
        return text.replace(b"\\n", b" ")
    return text
