"""What the licence wants gone from a content that is no longer published (article 7). Pure.

Every leaf of an offer is told here: it stays (`_GARDES`), it is a free text that is gone over (`_TEXTES`), or it goes.
What is told nowhere goes: a column that somebody adds later, a key that the API invents, can name nobody by mistake.

In a free text, these become `[anonymisé]`: e-mail addresses, telephone numbers, web addresses; a civility with the name
behind it ("Mme A. Leroy"); and wherever they stand as whole words, whatever the case, the accents and the punctuation,
the names that the offer itself gives: employer, contact, town, and its postcode. What this cannot catch is said in
docs/licence.md: another firm, a person named without civility, a misspelt name, a street, a name of three letters or
fewer.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from moisson.store.official import OFFRE, Liste, Objet, Scalaire

__all__ = ["MARQUE", "anonymise", "stays"]

MARQUE = "[anonymisé]"
"""Stands where something was taken out of a text."""

_GARDES = frozenset({
    "id", "dateCreation", "dateActualisation", "romeCode", "romeLibelle", "appellationlibelle", "typeContrat",
    "typeContratLibelle", "natureContrat", "experienceExige", "alternance", "nombrePostes", "accessibleTH",
    "deplacementCode", "deplacementLibelle", "qualificationCode", "qualificationLibelle", "codeNAF",
    "secteurActivite", "secteurActiviteLibelle", "trancheEffectifEtab", "offresManqueCandidats", "entrepriseAdaptee",
    "employeurHandiEngage", "dureeTravailLibelleConverti", "entreprise.entrepriseAdaptee", "formations.codeFormation",
    "formations.domaineLibelle", "formations.niveauLibelle", "formations.exigence", "langues.libelle",
    "langues.exigence", "permis.libelle", "permis.exigence", "competences.code", "competences.exigence",
    "salaire.listeComplements.code", "origineOffre.origine", "origineOffre.partenaires.nom", "creation",
    "departement", "region", "version", "contenu_depuis", "salaire_periode", "salaire_min", "salaire_max",
    "salaire_mois", "salaire_annuel_min", "salaire_annuel_max", "salaire_lu", "heures_hebdo", "contrat_mois",
    "experience_mois", "partenaires", "postes", "interim",
})  # fmt: skip
"""Leaves that stay, by their keys (of the columns that the API does not send: by their names)."""

_TEXTES = frozenset({
    "intitule", "description", "experienceLibelle", "experienceCommentaire", "formations.commentaire",
    "outilsBureautiques", "competences.libelle", "salaire.libelle", "salaire.commentaire", "salaire.complement1",
    "salaire.complement2", "salaire.listeComplements.libelle", "dureeTravailLibelle", "complementExercice",
    "conditionExercice", "qualitesProfessionnelles.libelle", "qualitesProfessionnelles.description",
    "contexteTravail.horaires", "contexteTravail.conditionsExercice",
})  # fmt: skip
"""Leaves that hold free text."""


def stays(chemin: str) -> bool | None:
    """Whether a leaf stays: True, False, or None for a free text that is gone over.

    Args:
        chemin: its keys from the offer down, joined by points: "entreprise.nom".
    """
    return None if chemin in _TEXTES else chemin in _GARDES


def anonymise(data: pa.Table) -> pa.Table:
    """Rows of `offres` as they may be kept once their content is no longer published.

    Args:
        data: rows with any columns of the table; the order of rows and columns, and the types, stay.
    """
    if not len(data):
        return data
    data = data.combine_chunks()
    names = _Names(data)
    champs = {champ.nom: champ for champ in OFFRE.champs}
    columns = []
    for field in data.schema:
        column: Any = data.column(field.name).chunk(0)
        champ = champs.get(field.name)
        if field.name == "autres":
            column = pa.array(map(_clean_autres, column.to_pylist()), field.type)
        elif champ is not None:
            column = _clean(column, champ.genre, champ.cle, np.arange(len(data)), names)
        elif not stays(field.name):
            column = pa.nulls(len(data), field.type)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=data.schema)


def _clean(
    column: Any, genre: Scalaire | Liste | Objet, chemin: str, rows: npt.NDArray[np.int64], names: _Names
) -> Any:
    """One column, or one level of it; `rows` says which offer each of its values belongs to."""
    if isinstance(genre, Objet):
        if not any(feuille.startswith(f"{chemin}.") for feuille in _GARDES | _TEXTES):
            return pa.nulls(len(column), column.type)
        parts = [
            _clean(part, champ.genre, f"{chemin}.{champ.cle}", rows, names)
            for part, champ in zip(column.flatten(), genre.champs, strict=True)
        ]
        return pa.StructArray.from_arrays(parts, fields=list(column.type), mask=column.is_null())
    if isinstance(genre, Liste):
        if column.null_count == len(column):
            return column
        owners = np.repeat(rows, pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))
        values = _clean(column.flatten(), genre.de, chemin, owners, names)
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
        return pa.ListArray.from_arrays(offsets, values, type=column.type, mask=column.is_null())
    kept = stays(chemin)
    if kept is None:
        return _scrub(column, rows, names)
    return column if kept else pa.nulls(len(column), column.type)


# --- free texts -------------------------------------------------------------------------------------------------------

# RE2's syntax, which has no look-around.
_SPACE = r"[ .\-/\x{a0}\x{202f}\x{2009}]"
_GAP = r"[ \x{a0}\x{202f}]+"
_NAME = rf"(?:\p{{Lu}}\.(?:{_GAP})?|(?i:de|du|des|la|le){_GAP}|(?i:d['’]))*\p{{Lu}}[\pL'’\-]+"
"""Initials and particles, and a word with a capital."""
_PERSON = rf"\b(?:MM?\.|M(?:r|me|lle|R|ME|LLE)\.?|(?i:monsieur|madame|mademoiselle)){_GAP}{_NAME}(?:{_GAP}{_NAME})?"
_ADDRESSES = "|".join(
    (
        # First: (?i) below holds for all that follows it.
        _PERSON,
        r"[\pL0-9._%+\-]+(?:@| ?[(\[](?:at|arobase|@)[)\]] ?)[\pL0-9.\-]+\.\pL{2,}",
        r"(?i:https?://|www\.)[^\s<>\"']+",
        r"(?i)\b[a-z0-9][a-z0-9\-]*(?:\.[a-z0-9\-]+)*\.(?:fr|com|org|eu|io|info|biz|jobs|re|gp|mq|nc|pf|be|ch|lu|bzh)\b"
        r"(?:/[^\s<>\"']*)?",
        rf"(?:\+|\b00){_SPACE}?[1-9][0-9]{{0,2}}(?:{_SPACE}?\(0\))?(?:{_SPACE}?[0-9]){{7,12}}\b",
        rf"\b0[1-9](?:{_SPACE}{{0,2}}[0-9]{{2}}){{4}}\b",
    )
)
_NAME_CHARS_MIN = 4
_LABEL = re.compile(r"(?:\d{2,3}|2[AB]) - (.+)")
_WORD = re.compile(r"\w+")
_EMPTY_WORDS = frozenset({
    "sarl", "sas", "sasu", "eurl", "sa", "sci", "snc", "scop", "earl", "scea", "gaec", "ei", "mr", "mme", "m", "mlle",
    "monsieur", "madame", "arrondissement", "cedex",
})  # fmt: skip
"""Say nothing of who it is: forms of firms, civilities; left out at the beginning and at the end of a name."""
_SHORT = {"saint": "st", "sainte": "ste", "sur": "s", "sous": "s"}
"""Words of names that texts and labels shorten: "St Etienne", "Chalon s/ Saône"."""
_LONG = {"st": "saint", "ste": "sainte"}


class _Names:
    """What each offer says of who and where it is, as patterns over folded text."""

    def __init__(self, data: pa.Table) -> None:
        self._employers = _leaf(data, "entreprise", "nom")
        self._contacts = _leaf(data, "contact", "nom")
        self._labels = _leaf(data, "lieu_travail", "libelle")
        self._postcodes = _leaf(data, "lieu_travail", "code_postal")
        self._known: dict[int, tuple[tuple[str, ...], ...]] = {}

    def of(self, row: int) -> tuple[tuple[str, ...], ...]:
        """The names of one offer, each as its folded words."""
        found = self._known.get(row)
        if found is None:
            found = self._known[row] = tuple(filter(None, map(_words, self._of(row))))
        return found

    def _of(self, row: int) -> Iterator[str]:
        if self._employers is not None:
            yield self._employers[row] or ""
        if self._contacts is not None:
            # "MAIRIE DE RUMILLY - Mme Anne Dupont"
            yield from (self._contacts[row] or "").split(" - ")
        if self._labels is not None and (match := _LABEL.fullmatch(self._labels[row] or "")):
            yield match[1]
        if self._postcodes is not None:
            yield self._postcodes[row] or ""


def _leaf(data: pa.Table, column: str, part: str) -> list[str | None] | None:
    if column not in data.column_names:
        return None
    found: list[str | None] = pc.struct_field(data.column(column).chunk(0), part).to_pylist()
    return found


def _words(name: str) -> tuple[str, ...]:
    """A name's telling words, folded; none when they are too short to be looked for."""
    words = _WORD.findall(_fold(name))
    while words and words[0] in _EMPTY_WORDS:
        words.pop(0)
    # "Paris 15", "Lyon 3e Arrondissement": the text says the town alone.
    while words and (words[-1] in _EMPTY_WORDS or re.fullmatch(r"\d{1,2}(e|er|eme)?", words[-1])):
        words.pop()
    return tuple(_LONG.get(word, word) for word in words) if sum(map(len, words)) >= _NAME_CHARS_MIN else ()


class _Folding(dict[str, str]):
    """Each character to its small letter without accent, always exactly one, so that positions stay."""

    def __missing__(self, char: str) -> str:
        self[char] = folded = unicodedata.normalize("NFD", char.lower())[0]
        return folded


_FOLDING = _Folding()


def _fold(text: str) -> str:
    # A text has few letters that are not ASCII, often: replacing these takes half as long as translating each.
    for char in () if text.isascii() else set(text):
        if char > "\x7f":
            text = text.replace(char, _FOLDING[char])
    return text.lower()


@functools.lru_cache(4096)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    spellings = [f"(?:{word}|{_SHORT[word]})" if word in _SHORT else re.escape(word) for word in words]
    # Looking back after the first word: a pattern that begins with letters is sought five times faster.
    alone = rf"(?<!\w){spellings[0]}" if words[0] in _SHORT else rf"{spellings[0]}(?<!\w{spellings[0]})"
    return re.compile(r"[\W_]+".join([alone, *spellings[1:]]) + r"(?!\w)")


def _without_names(text: str, names: Sequence[tuple[str, ...]]) -> str:
    folded = _fold(text)
    spans: list[tuple[int, int]] = []
    for words in names:
        # Looking for the words first is quick, and most texts have none of them.
        if all(word in folded for word in words if word not in _SHORT):
            spans += [match.span() for match in _pattern(words).finditer(folded)]
    if not spans:
        return text
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [text[end:start], MARQUE]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _scrub(column: Any, rows: npt.NDArray[np.int64], names: _Names) -> Any:
    """Texts without addresses nor names."""
    if column.null_count == len(column):
        return column
    texts = pc.replace_substring_regex(column, pattern=_ADDRESSES, replacement=MARQUE).to_pylist()
    clean = [
        None if text is None else _without_names(text, names.of(row))
        for text, row in zip(texts, rows.tolist(), strict=True)
    ]
    return pa.array(clean, column.type)


# --- what the columns could not hold ----------------------------------------------------------------------------------


def _clean_autres(text: str | None) -> str | None:
    """Of what the official schema knows, what stays; the rest can be anything, and goes."""
    if text is None:
        return None
    found = _known_part(OFFRE, json.loads(text), "")
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if found else None


def _known_part(genre: Scalaire | Liste | Objet, valeur: Any, chemin: str) -> Any:
    """What may stay of a left-over value; None when nothing does, and also for an explicit null, which is lost."""
    if isinstance(genre, Objet) and isinstance(valeur, Mapping):
        parts = {
            champ.cle: _known_part(champ.genre, valeur[champ.cle], f"{chemin}.{champ.cle}" if chemin else champ.cle)
            for champ in genre.champs
            if champ.cle in valeur
        }
        return {cle: part for cle, part in parts.items() if part is not None} or None
    if isinstance(genre, Liste) and isinstance(valeur, Mapping):
        items = {i: _known_part(genre.de, item, chemin) for i, item in valeur.items() if i.isdecimal()}
        return {i: item for i, item in items.items() if item is not None} or None
    # Only what can name nobody: a text of a changed type is not gone over, it goes.
    return valeur if isinstance(valeur, bool | int | float) and stays(chemin) else None
