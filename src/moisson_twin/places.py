"""Geography: communes, départements, régions, and how far they are from each other.

Codes, names, postcodes and populations are the official ones. Coordinates are not: a commune lies at an invented but
fixed spot around its département's chief town, save some thirty large towns. Distances are therefore plausible only.
"""

import math
import unicodedata
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from moisson_twin import lists

#: Latitude and longitude of each département's chief town, in hundredths of a degree.
_CHIEF_TOWNS = """
01 4620 523|02 4956 362|03 4657 333|04 4409 624|05 4456 608|06 4370 726|07 4473 460|08 4977 472|09 4297 161
10 4830 408|11 4321 235|12 4435 257|13 4330 538|14 4918 -37|15 4493 244|16 4565 16|17 4616 -115|18 4708 240
19 4527 177|21 4732 504|22 4851 -276|23 4617 187|24 4518 72|25 4724 602|26 4493 489|27 4902 115|28 4845 148
29 4800 -410|2A 4193 874|2B 4270 945|30 4384 436|31 4360 144|32 4365 59|33 4484 -58|34 4361 388|35 4811 -168
36 4681 169|37 4739 69|38 4519 572|39 4667 555|40 4389 -50|41 4759 133|42 4543 439|43 4504 388|44 4722 -155
45 4790 191|46 4445 144|47 4420 62|48 4452 350|49 4747 -55|50 4912 -109|51 4896 436|52 4811 514|53 4807 -77
54 4869 618|55 4877 516|56 4766 -276|57 4912 618|58 4699 316|59 5063 306|60 4943 208|61 4843 9|62 5029 278
63 4578 308|64 4330 -37|65 4323 8|66 4270 290|67 4858 775|68 4808 736|69 4576 484|70 4762 616|71 4631 483
72 4800 20|73 4557 592|74 4590 612|75 4886 235|76 4944 110|77 4854 266|78 4880 213|79 4632 -46|80 4989 230
81 4393 215|82 4402 135|83 4312 593|84 4395 481|85 4667 -143|86 4658 34|87 4583 126|88 4817 645|89 4780 357
90 4764 686|91 4863 243|92 4889 220|93 4891 244|94 4879 245|95 4904 206|971 1600 -6173|972 1461 -6107
973 492 -5233|974 -2088 5545|976 -1278 4523
"""

#: Towns placed where they are, because people look for them: code INSEE, latitude, longitude.
_TOWNS = """
75056 48.8566 2.3522|13055 43.2965 5.3698|69123 45.7640 4.8357|31555 43.6045 1.4440|06088 43.7102 7.2620
44109 47.2184 -1.5536|34172 43.6119 3.8772|67482 48.5734 7.7521|33063 44.8378 -0.5792|59350 50.6292 3.0573
35238 48.1173 -1.6778|51454 49.2583 4.0317|83137 43.1242 5.9280|42218 45.4397 4.3872|76351 49.4944 0.1079
38185 45.1885 5.7245|21231 47.3220 5.0415|49007 47.4784 -0.5632|30189 43.8367 4.3601|63113 45.7772 3.0870
29019 48.3904 -4.4861|37261 47.3941 0.6848|87085 45.8336 1.2611|80021 49.8941 2.2958|57463 49.1193 6.1757
25056 47.2378 6.0241|45234 47.9029 1.9093|68224 47.7508 7.3359|76540 49.4431 1.0993|14118 49.1829 -0.3707
54395 48.6921 6.1844|74010 45.8992 6.1294|64102 43.4929 -1.4748|17300 46.1603 -1.1511
"""

#: Towns whose arrondissements and whole are one place for a search: whole's code and the arrondissements' prefix.
AGGREGATES = {"75056": "751", "13055": "132", "69123": "6938"}


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune or municipal arrondissement; latitude and longitude in degrees."""

    code: str
    nom: str
    code_postal: str
    departement: str
    population: int
    latitude: float
    longitude: float


class Geography:
    """All places, with the tables that searches need. Départements are numbered from 1; 0 stands for none."""

    def __init__(self) -> None:
        chief_towns = {
            code: (int(lat) / 100, int(lon) / 100)
            for code, lat, lon in (item.split() for item in _CHIEF_TOWNS.replace("\n", "|").split("|") if item)
        }
        towns = {
            code: (float(lat), float(lon))
            for code, lat, lon in (item.split() for item in _TOWNS.replace("\n", "|").split("|") if item)
        }
        self.departements: tuple[str, ...] = tuple(row["code"] for row in lists.rows("departements"))
        self.departement_labels = {row["code"]: row["libelle"] for row in lists.rows("departements")}
        self.region_of = {row["code"]: row["region"]["code"] for row in lists.rows("departements")}
        self.departement_index = {code: index for index, code in enumerate(self.departements, start=1)}
        self.chief_towns = chief_towns
        self.communes = tuple(_read_communes(chief_towns, towns))
        self.commune_index = {commune.code: index for index, commune in enumerate(self.communes)}
        #: For each town cut into arrondissements, the indices of these.
        self.arrondissements = {
            whole: [index for index, commune in enumerate(self.communes) if commune.code.startswith(prefix)]
            for whole, prefix in AGGREGATES.items()
        }
        #: For each commune, the number of its département.
        self.commune_departement: NDArray[np.uint8] = np.array(
            [self.departement_index[c.departement] for c in self.communes], dtype=np.uint8
        )
        self._latitudes = np.radians([c.latitude for c in self.communes])
        self._longitudes = np.radians([c.longitude for c in self.communes])

    def distances_km(self, code: str) -> NDArray[np.float64]:
        """Distance from a commune to every commune, in km, by growing index. Arrondissements count as their town."""
        centre = self.communes[self.commune_index[_whole(code)]]
        latitude, longitude = math.radians(centre.latitude), math.radians(centre.longitude)
        x = (self._longitudes - longitude) * np.cos((self._latitudes + latitude) / 2)
        distances: NDArray[np.float64] = 6371.0 * np.hypot(x, self._latitudes - latitude)
        # A town cut into arrondissements is reached whole or not at all.
        for whole, members in self.arrondissements.items():
            distances[members] = distances[self.commune_index[whole]]
        return distances

    def neighbours(self, departement: str) -> set[str]:
        """Départements next to one: those whose chief towns are less than 130 km away (an approximation)."""
        latitude, longitude = self.chief_towns[departement]
        near = set()
        for code, (other_latitude, other_longitude) in self.chief_towns.items():
            x = math.radians(other_longitude - longitude) * math.cos(math.radians((latitude + other_latitude) / 2))
            if 6371.0 * math.hypot(x, math.radians(other_latitude - latitude)) < 130:
                near.add(code)
        return near


def _whole(code: str) -> str:
    """The town that an arrondissement belongs to, or the commune itself."""
    return next((whole for whole, prefix in AGGREGATES.items() if code.startswith(prefix) and len(code) == 5), code)


def _read_communes(chief_towns: dict[str, tuple[float, float]], towns: dict[str, tuple[float, float]]) -> list[Commune]:
    communes = []
    for line in lists.read_text("communes.tsv").splitlines():
        code, nom, code_postal, population = line.split("\t")
        departement = code[:3] if code.startswith("97") else code[:2]
        place = towns.get(_whole(code))
        if place is None:
            # Within some 45 km of the chief town (6 in the small départements around Paris), always at the same spot.
            noise = crc32(code.encode())
            reach = 0.05 if departement in ("75", "92", "93", "94") else 0.4
            latitude, longitude = chief_towns[departement]
            place = (
                round(latitude + reach * ((noise & 0xFFFF) / 32768 - 1), 6),
                round(longitude + reach * 1.4 * ((noise >> 16) / 32768 - 1), 6),
            )
        communes.append(Commune(code, nom, code_postal, departement, int(population), *place))
    return communes


def capitals(name: str) -> str:
    """A commune's name as the référentiel writes it: capitals without accents, hyphens or apostrophes."""
    plain = unicodedata.normalize("NFD", name.replace("œ", "oe").replace("Œ", "OE"))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return letters.upper().replace("-", " ").replace("'", " ")


def departement_label(code: str, label: str) -> str:
    """How an offer placed only by département names it: ``74 - Savoie (Haute)``."""
    first, _, rest = label.partition("-")
    if first in ("Haut", "Haute", "Hautes", "Bas") and rest:
        return f"{code} - {rest} ({first})"
    return f"{code} - {label}"


@cache
def geography() -> Geography:
    """The one geography, built at first use (about 60 ms)."""
    return Geography()
