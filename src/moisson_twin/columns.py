"""The columns of the stock: one row for each (offer, creation instant), in order of creation.

Rows are only ever appended: a withdrawn offer leaves a dead row, a republished one a dead row and a new row at the end.
So a date window is a range of rows, and the newest offers are the last rows.

The five things that a search counts or splits by most often are packed into one number, the *profil*, so that any
combination of them is one table look-up per row, and their counts one histogram.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moisson_twin.codes import EXPERIENCE, NATURE_CODES, QUALIFICATION, TYPE_CODES

#: Four blocks of the default order: own offers first, partners' after; two ranks of relevance in each.
BLOCS: Final = 4
#: Working time: 0 unspecified, 1 full time, 2 part time.
DUREES: Final = 3
#: How many values each part of a profil has, the slowest first.
PROFIL_SHAPE: Final = (BLOCS, len(TYPE_CODES), len(EXPERIENCE), len(QUALIFICATION), len(NATURE_CODES), DUREES)
PROFILS: Final = int(np.prod(PROFIL_SHAPE))

# Bits of the column "flags".
ACCESSIBLE_TH: Final = 1
ENTREPRISE_ADAPTEE: Final = 2
HANDI_ENGAGE: Final = 4
MRS: Final = 8
MANQUE_CANDIDATS: Final = 16
EXPERIENCE_SOUHAITEE: Final = 32
COORDONNEES: Final = 64
HORS_COMMUNE: Final = 128

Values = dict[str, NDArray[Any]]


class Profil(NamedTuple):
    """The parts of a profil, each as an index into its list of codes."""

    bloc: int
    type: int
    experience: int
    qualification: int
    nature: int
    duree: int


def pack(
    bloc: NDArray[Any],
    type_: NDArray[Any],
    experience: NDArray[Any],
    qualification: NDArray[Any],
    nature: NDArray[Any],
    duree: NDArray[Any],
) -> NDArray[np.uint16]:
    """Profils from their parts (arrays of one length)."""
    packed = np.ravel_multi_index((bloc, type_, experience, qualification, nature, duree), PROFIL_SHAPE)
    return packed.astype(np.uint16)


#: The parts of every profil, by profil.
PROFIL_PARTS: Final = [Profil(*map(int, parts)) for parts in np.ndindex(*PROFIL_SHAPE)]

#: dtype of each column.
DTYPES: Final[dict[str, Any]] = {
    "creation_ms": np.int64,  # true UTC
    "actualisation_ms": np.int64,  # true UTC; 0: the key is absent
    "offre": np.uint32,  # which offer this row shows
    "number": np.uint32,  # the offer's rank among those of its origin, from which its id is made
    "profil": np.uint16,
    "commune": np.int32,  # index in the geography; -1: none
    "departement": np.uint8,  # number in the geography; 0: none
    "pays": np.uint8,  # 1 + index in the list of pays of a foreign offer; 0: France
    "rome": np.uint16,  # index in the list of metiers
    "appellation": np.uint16,  # index in the list of appellations
    "qualification": np.uint8,  # code 1 to 9; 0: none
    "partner": np.uint8,  # index in PARTNER_CODES (meaningless on own offers)
    "naf": np.uint8,  # 1 + index in the list of nafs; 0: none
    "niveau": np.uint8,  # 1 + index in niveauxFormations; 0: none
    "permis": np.uint8,  # 1 + index in permis; 0: none
    "salary_eur": np.uint16,  # monthly; 0: none
    "week_min": np.uint16,  # minutes a week; 0: none
    "length_days": np.uint16,  # of the contract; 0: none
    "flags": np.uint8,
    "version": np.uint16,  # how often the content was edited
    "copy_of": np.uint32,  # 1 + first row of the offer that this one publishes again (see copies.py); 0: none
}


class Columns:
    """The stock's rows; each column is an attribute of capacity ``>= size``, of which the first ``size`` are filled."""

    creation_ms: NDArray[np.int64]
    actualisation_ms: NDArray[np.int64]
    offre: NDArray[np.uint32]
    number: NDArray[np.uint32]
    profil: NDArray[np.uint16]
    commune: NDArray[np.int32]
    departement: NDArray[np.uint8]
    pays: NDArray[np.uint8]
    rome: NDArray[np.uint16]
    appellation: NDArray[np.uint16]
    qualification: NDArray[np.uint8]
    partner: NDArray[np.uint8]
    naf: NDArray[np.uint8]
    niveau: NDArray[np.uint8]
    permis: NDArray[np.uint8]
    salary_eur: NDArray[np.uint16]
    week_min: NDArray[np.uint16]
    length_days: NDArray[np.uint16]
    flags: NDArray[np.uint8]
    version: NDArray[np.uint16]
    copy_of: NDArray[np.uint32]
    alive: NDArray[np.bool_]

    def __init__(self) -> None:
        self.size = 0
        for name, dtype in DTYPES.items():
            setattr(self, name, np.zeros(0, dtype=dtype))
        self.alive = np.zeros(0, dtype=np.bool_)

    def append(self, values: Values) -> range:
        """Add living rows, none older than the last; returns their range. Columns not given are 0."""
        count = len(values["creation_ms"])
        start, stop = self.size, self.size + count
        if stop > len(self.alive):
            self._grow(stop + max(4096, stop // 16))
        for name in DTYPES:
            if name in values:
                getattr(self, name)[start:stop] = values[name]
        self.alive[start:stop] = True
        self.size = stop
        return range(start, stop)

    def row_values(self, row: int) -> Values:
        """A row's columns as arrays of length one, to append again elsewhere."""
        return {name: getattr(self, name)[row : row + 1].copy() for name in DTYPES}

    def _grow(self, capacity: int) -> None:
        for name in (*DTYPES, "alive"):
            old = getattr(self, name)
            new = np.zeros(capacity, dtype=old.dtype)
            new[: self.size] = old[: self.size]
            setattr(self, name, new)
