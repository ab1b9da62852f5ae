"""The code lists (référentiels) that ship with the package, read once.

``data/README.md`` says which of them are recorded facts and which are invented.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

#: The sixteen lists of the service, in the order of its documentation.
NAMES = (
    "appellations", "nafs", "communes", "continents", "departements", "domaines", "langues", "metiers",
    "naturesContrats", "niveauxFormations", "pays", "permis", "regions", "secteursActivites", "themes",
    "typesContrats",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Appellation:
    """A job title: code, label, and the code of the trade under which we file it ("" when no word was in common)."""

    code: str
    libelle: str
    rome: str


def read_text(name: str) -> str:
    """The text of a file of the package's ``data`` folder."""
    return (files("moisson_twin") / "data" / name).read_text(encoding="utf-8")


@cache
def rows(name: str) -> list[dict[str, Any]]:
    """A list kept as JSON, as the service serves it: objects with ``code`` and ``libelle`` at least."""
    return json.loads(read_text(f"{name}.json"))  # type: ignore[no-any-return]


@cache
def codes(name: str) -> frozenset[str]:
    """The codes of a list kept as JSON."""
    return frozenset(row["code"] for row in rows(name))


@cache
def appellations() -> tuple[Appellation, ...]:
    """All appellations, by growing code."""
    return tuple(Appellation(*line.split("\t")) for line in read_text("appellations.tsv").splitlines())


def referentiel(name: str) -> list[dict[str, Any]]:
    """One of :data:`NAMES` in the shape of the service's answer.

    Raises:
        KeyError: the service has no such list.
    """
    from moisson_twin import places  # communes need the geography, which itself reads these lists

    if name not in NAMES:
        raise KeyError(name)
    if name == "appellations":
        return [{"code": a.code, "libelle": a.libelle} for a in appellations()]
    if name == "communes":
        return [
            {
                "code": c.code,
                "libelle": places.capitals(c.nom),
                "codePostal": c.code_postal,
                "codeDepartement": c.departement,
            }
            for c in places.geography().communes
        ]
    return rows(name)
