"""An offer's JSON to a row and back, losing nothing. Pure.

The fast way decodes the offer straight into a struct made from `official.OFFRE`. It is taken when the offer says
nothing that the struct cannot hold: no unknown key, no other type than the official one, no explicit null. Otherwise
the offer is walked along the schema: what fits goes to its column, the rest to `autres`, nested as it was in the offer.
An absent key is a null column; an explicit null is in `autres`.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from moisson.errors import StoreCorrupt
from moisson.store.official import OFFRE, Champ, Liste, Objet, Scalaire

__all__ = ["Rangee", "RowReader", "departement_of", "fit_object", "instant_ms", "row_to_offre"]

_INT64 = range(-(2**63), 2**63)
_CONTACTS = ("contact", "agence")


class Rangee(msgspec.Struct, frozen=True, gc=False):
    """One offer, ready for the columns.

    Attributes:
        offre: struct with a field for each column of `official.OFFRE`, None where absent.
        autres: JSON text of what the struct cannot hold, or None.
        empreinte: signed 64-bit hash of all that is stored of the offer.
        ecarts: values whose type is not the official one.
    """

    offre: Any
    autres: str | None
    empreinte: int
    ecarts: int


@functools.cache
def _by_key(objet: Objet) -> dict[str, Champ]:
    return {champ.cle: champ for champ in objet.champs}


def _struct_type(objet: Objet) -> type[msgspec.Struct]:
    # gc=False: an offer never refers to itself, and the collector need not visit millions of them.
    return msgspec.defstruct(
        objet.nom,
        [(champ.nom, _field_type(champ.genre), None) for champ in objet.champs],
        rename={champ.nom: champ.cle for champ in objet.champs},
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
    )


def _field_type(genre: Scalaire | Liste | Objet) -> Any:
    if isinstance(genre, Liste):
        return list[_value_type(genre.de)] | None  # type: ignore[misc]  # a type made at run time
    return _value_type(genre) | None


def _value_type(genre: Scalaire | Objet) -> Any:
    if isinstance(genre, Objet):
        if genre.nom not in _STRUCTS:
            _STRUCTS[genre.nom] = _struct_type(genre)
        return _STRUCTS[genre.nom]
    # int | float: so that 46 is seen not to be 46.0.
    return {"texte": str, "nombre": int | float, "entier": int, "booleen": bool}[genre.genre]


_STRUCTS: dict[str, type[msgspec.Struct]] = {}
_OFFRE_TYPE = _value_type(OFFRE)


class RowReader:
    """Reads offers as the API wrote them.

    Args:
        store_contacts: keep `contact` and `agence`; the licence limits what they may serve for.
    """

    def __init__(self, *, store_contacts: bool) -> None:
        self._store_contacts = store_contacts
        self._fast = msgspec.json.Decoder(_OFFRE_TYPE)
        self._any = msgspec.json.Decoder(dict[str, Any])
        self._encoder = msgspec.msgpack.Encoder()

    def read(self, brut: bytes | msgspec.Raw) -> Rangee:
        """Read one offer.

        Args:
            brut: its JSON object.

        Raises:
            StoreCorrupt: not a JSON object at all.
        """
        try:
            # An explicit null would look like an absent key. The word also occurs in texts: those just take longer.
            offre = None if b"null" in bytes(brut) else self._fast.decode(brut)
        except msgspec.DecodeError:
            offre = None
        if offre is None or _has_int_coordinates(offre):
            return self._walk(bytes(brut))
        if not self._store_contacts:
            offre.contact = offre.agence = None
        return Rangee(offre, None, self._hash(offre, None), 0)

    def _walk(self, brut: bytes) -> Rangee:
        valeur = self._decode_any(brut)
        if not self._store_contacts:
            valeur = {cle: v for cle, v in valeur.items() if cle not in _CONTACTS}
        ecarts: list[str] = []
        offre, autres = fit_object(OFFRE, valeur, ecarts)
        return Rangee(offre, autres, self._hash(offre, autres), len(ecarts))

    def _decode_any(self, brut: bytes) -> dict[str, Any]:
        try:
            return self._any.decode(brut)
        except msgspec.DecodeError:
            # Python's own reader takes lone surrogates and infinite numbers; UTF-8 and columns cannot hold the former.
            try:
                valeur = json.loads(brut.decode(errors="replace"))
            except ValueError as error:
                raise StoreCorrupt("A landed page holds an offer that is not JSON", doing="folding it") from error
            if not isinstance(valeur, dict):
                raise StoreCorrupt("A landed page holds a row that is not an object", doing="folding it") from None
            repaired = _without_surrogates(valeur)
            assert isinstance(repaired, dict)
            return repaired

    def _hash(self, offre: Any, autres: str | None) -> int:
        # From the struct, not from the received bytes: the order of keys may differ between two answers.
        digest = hashlib.sha256(self._encoder.encode(offre))
        if autres is not None:
            digest.update(b"\0")
            digest.update(autres.encode())
        return int.from_bytes(digest.digest()[:8], "big", signed=True)


def _has_int_coordinates(offre: Any) -> bool:
    # The only "nombre" fields of the schema; a test says so.
    lieu = offre.lieu_travail
    return lieu is not None and (type(lieu.latitude) is int or type(lieu.longitude) is int)


def _without_surrogates(valeur: Any) -> Any:
    if isinstance(valeur, str):
        return valeur.encode(errors="replace").decode()
    if isinstance(valeur, list):
        return [_without_surrogates(v) for v in valeur]
    if isinstance(valeur, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in valeur.items()}
    return valeur


def fit_object(objet: Objet, valeur: Mapping[str, Any], ecarts: list[str] | None = None) -> tuple[Any, str | None]:
    """Fit any JSON object to a schema of the API.

    Args:
        objet: the schema.
        valeur: the object.
        ecarts: the keys of values that are not of the official type are added to it.

    Returns:
        A struct with a field for each key of the schema, and the JSON text of what it cannot hold, or None.
    """
    struct, reste = _fit_object(objet, valeur, [] if ecarts is None else ecarts)
    if reste is _RIEN:
        return struct, None
    return struct, json.dumps(reste, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


_RIEN: Any = object()
"""Nothing is left over; null would not do, since an offer can say null."""


def _fit_object(objet: Objet, valeur: Mapping[str, Any], ecarts: list[str]) -> tuple[Any, Any]:
    fitted: dict[str, Any] = {}
    reste: dict[str, Any] = {}
    champs = _by_key(objet)
    for cle, v in valeur.items():
        champ = champs.get(cle)
        if champ is None:
            reste[cle] = v
            continue
        fitted[champ.nom], over = _fit(champ.genre, v, cle, ecarts)
        if over is not _RIEN:
            reste[cle] = over
    return _value_type(objet)(**fitted), reste or _RIEN


def _fit(genre: Scalaire | Liste | Objet, v: Any, cle: str, ecarts: list[str]) -> tuple[Any, Any]:
    """What of a value its column can hold, and what is left over.

    Of an object or a list that fits, what is left over is a part of it, by keys or indices; of anything else, all of
    it. `_merge` tells the two apart by what came from the column.
    """
    if isinstance(genre, Objet) and isinstance(v, dict):
        return _fit_object(genre, v, ecarts)
    if isinstance(genre, Liste) and isinstance(v, list):
        items = [_fit(genre.de, item, cle, ecarts) for item in v]
        reste = {str(i): over for i, (_, over) in enumerate(items) if over is not _RIEN}
        return [fitted for fitted, _ in items], reste or _RIEN
    if isinstance(genre, Scalaire):
        if genre.genre == "nombre" and type(v) is int and abs(v) < 2**53:
            # Useful as a number, and kept as it was written too: 46 is not spelled 46.0.
            return float(v), v
        if _is_a(genre.genre, v):
            return v, _RIEN
    if v is not None:
        ecarts.append(cle)
    return None, v


def _is_a(genre: str, v: Any) -> bool:
    if genre == "entier":
        return type(v) is int and v in _INT64
    return type(v) is {"texte": str, "nombre": float, "booleen": bool}[genre]


def row_to_offre(row: Mapping[str, Any]) -> dict[str, Any]:
    """The offer as the API sent it (less its contacts, where they are not kept).

    Args:
        row: columns of the table `offres` by name, as Python values (`pyarrow.RecordBatch.to_pylist`).
    """
    offre: dict[str, Any] = _unfit(OFFRE, row)
    if row.get("autres"):
        offre = _merge(offre, json.loads(row["autres"]))
    return offre


def _unfit(genre: Scalaire | Liste | Objet, v: Any) -> Any:
    if isinstance(genre, Objet):
        found = ((champ, v.get(champ.nom)) for champ in genre.champs)
        return {champ.cle: _unfit(champ.genre, value) for champ, value in found if value is not None}
    if isinstance(genre, Liste):
        return [None if item is None else _unfit(genre.de, item) for item in v]
    return v


def _merge(fitted: Any, reste: Any) -> Any:
    """Put back what a column could not hold."""
    if isinstance(fitted, dict) and isinstance(reste, dict):
        for cle, over in reste.items():
            fitted[cle] = _merge(fitted[cle], over) if cle in fitted else over
        return fitted
    if isinstance(fitted, list) and isinstance(reste, dict):
        for i, over in reste.items():
            fitted[int(i)] = _merge(fitted[int(i)], over)
        return fitted
    return reste


_INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?Z?", re.ASCII)
_EPOCH = dt.date(1970, 1, 1).toordinal()


def instant_ms(texte: str | None) -> int | None:
    """Milliseconds since 1970 of a date as the API writes it, read as if its Z were true; None if it is not one."""
    match = _INSTANT.fullmatch(texte) if texte else None
    if match is None:
        return None
    an, mois, jour, heure, minute, seconde, fraction = match.groups()
    try:
        jours = dt.date(int(an), int(mois), int(jour)).toordinal() - _EPOCH
    except ValueError:
        return None
    secondes = ((jours * 24 + int(heure)) * 60 + int(minute)) * 60 + int(seconde)
    return secondes * 1000 + int((fraction or "").ljust(3, "0")[:3])


_LABEL = re.compile(r"(\d{2,3}|2[AB]) - ")
_OUTRE_MER = "971 972 973 974 975 976 977 978 984 986 987 988 989"
_DEPARTEMENTS = {f"{n:02d}" for n in range(1, 96) if n != 20} | {"2A", "2B", *_OUTRE_MER.split()}


def departement_of(commune: str | None, libelle: str | None) -> str | None:
    """Code of the département of a place of work.

    Args:
        commune: INSEE code of the commune, if any: its first two characters say it, or three overseas.
        libelle: label of the place: "74 - Savoie (Haute)" says 74, "France" nothing.

    Returns:
        "01" to "95", "2A", "2B", or three digits overseas; None when neither says, as for foreign places.
    """
    if commune:
        code = commune[:3] if commune[:2] in {"97", "98"} else commune[:2]
        if code in _DEPARTEMENTS:
            return code
    match = _LABEL.match(libelle) if libelle else None
    return match[1] if match is not None and match[1] in _DEPARTEMENTS else None
