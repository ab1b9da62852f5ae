"""From rows to the JSON of offers, the same at each call for one (seed, offer, version).

Keys, their order, which of them are absent and how often follow recorded offers (dossier of August 2025), apart for
own and partners' offers. Employers and people are invented; addresses lead nowhere (example.org, numbers kept for
fiction).
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moisson_twin import codes, lists, texts
from moisson_twin.columns import (
    ACCESSIBLE_TH,
    COORDONNEES,
    ENTREPRISE_ADAPTEE,
    EXPERIENCE_SOUHAITEE,
    HANDI_ENGAGE,
    MANQUE_CANDIDATS,
    PROFIL_PARTS,
    Columns,
    Profil,
)
from moisson_twin.copies import rewrite
from moisson_twin.identity import Identities
from moisson_twin.instants import show
from moisson_twin.places import departement_label, geography
from moisson_twin.settings import ClockName
from moisson_twin.texts import escape, plain, pool

_URL = b"https://candidat.francetravail.fr/offres/recherche/detail/"
_APPLY = b"Pour postuler, utiliser le lien suivant : " + _URL
#: Random numbers per offer that an edit does not change, then those that it does.
_STABLE = 24
_EDITED = texts.DESCRIPTION_NUMBERS

_TYPE_LABELS_OWN = {
    "CDI": "CDI", "CDD": "CDD", "MIS": "Intérim", "SAI": "Saisonnier", "LIB": "Profession libérale",
    "CCE": "Profession commerciale", "FRA": "Franchise", "DIN": "CDI Intérimaire", "DDI": "CDD Insertion",
    "TTI": "Travail temporaire insertion", "REP": "Reprise d'entreprise", "DDT": "CDD Temporaire",
}  # fmt: skip
_TYPE_LABELS_PARTNER = _TYPE_LABELS_OWN | {
    "CDI": "Contrat à durée indéterminée", "CDD": "Contrat à durée déterminée", "MIS": "Mission intérimaire",
    "SAI": "Contrat travail saisonnier",
}  # fmt: skip
_TYPE_LABELS = tuple(
    tuple(escape(labels[code]) for code in codes.TYPE_CODES) for labels in (_TYPE_LABELS_PARTNER, _TYPE_LABELS_OWN)
)
_TYPE_JSON = tuple(code.encode() for code in codes.TYPE_CODES)
_TRUE_FALSE = (b"false", b"true")


@cache
def _nature_json() -> tuple[bytes, ...]:
    labels = {row["code"]: row["libelle"] for row in lists.rows("naturesContrats")}
    return tuple(escape(labels[code]) for code in codes.NATURE_CODES)


@cache
def _labels(name: str) -> tuple[bytes, ...]:
    return tuple(escape(row["libelle"]) for row in lists.rows(name))


@cache
def _rome_json(rome: int) -> bytes:
    row = lists.rows("metiers")[rome]
    return b'"romeCode":"%b","romeLibelle":"%b"' % (row["code"].encode(), escape(row["libelle"]))


@cache
def _appellation(index: int) -> bytes:
    return escape(lists.appellations()[index].libelle)


@cache
def _naf_json(naf: int) -> bytes:
    row = lists.rows("nafs")[naf - 1]
    code, label = row["code"].encode(), escape(row["libelle"])
    return b',"codeNAF":"%b","secteurActivite":"%b","secteurActiviteLibelle":"%b"' % (code, code[:2], label)


@cache
def _commune(index: int) -> tuple[bytes, bytes]:
    """The name of a commune, and the whole lieuTravail of an offer there."""
    commune = geography().communes[index]
    nom = escape(commune.nom)
    lieu = (
        b'"lieuTravail":{"libelle":"%b - %b","latitude":%b,"longitude":%b,"codePostal":"%b","commune":"%b"}'
        % (
            commune.departement.encode(), nom, repr(commune.latitude).encode(), repr(commune.longitude).encode(),
            commune.code_postal.encode(), commune.code.encode(),
        )
    )  # fmt: skip
    return nom, lieu


@cache
def _other_place(departement: int, pays: int, located: bool) -> tuple[bytes, bytes]:
    """The same for an offer without commune: a département, a foreign country or just France."""
    geo = geography()
    if departement:
        code = geo.departements[departement - 1]
        label = escape(departement_label(code, geo.departement_labels[code]))
        latitude, longitude = geo.chief_towns[code]
        where = (
            b',"latitude":%b,"longitude":%b' % (repr(latitude).encode(), repr(longitude).encode()) if located else b""
        )
        name = escape(geo.departement_labels[code])
    else:
        label = name = escape(lists.rows("pays")[pays - 1]["libelle"]) if pays else b"France"
        where = b""
    return name, b'"lieuTravail":{"libelle":"%b"%b}' % (label, where)


class Renderer:
    """Writes offers of one world."""

    def __init__(self, columns: Columns, identities: Identities, seed: int) -> None:
        self._columns = columns
        self._identities = identities
        self._seed = np.uint64((seed * 0x9E3779B97F4A7C15 + 0x1234567) & 0xFFFFFFFFFFFFFFFF)

    def render(self, rows: list[int], clock: ClockName) -> list[bytes]:
        """The compact JSON of each row."""
        index = np.array(rows, dtype=np.int64)
        stable, edited = self._numbers(self._columns.offre[index], self._columns.version[index])
        return [
            self._offre(row, stable_numbers, edited_numbers, clock)
            for row, stable_numbers, edited_numbers in zip(rows, stable.tolist(), edited.tolist(), strict=True)
        ]

    def _numbers(self, offres: NDArray[Any], versions: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Random 32-bit numbers that depend on the offer, and others that depend on its version too."""
        offres, versions = offres.astype(np.uint64), versions.astype(np.uint64)
        stable = _mix((offres << np.uint64(28)) + self._seed, _STABLE)
        edited = _mix((offres << np.uint64(28)) + (versions + np.uint64(1) << np.uint64(10)) + self._seed, _EDITED)
        return stable, edited

    def _offre(self, row: int, r: list[int], edited: list[int], clock: ClockName) -> bytes:
        columns = self._columns
        profil = PROFIL_PARTS[columns.profil[row]]
        own = profil.bloc < 2
        flags = int(columns.flags[row])
        id_ = self._identities.text(own, int(columns.number[row])).encode()
        town, lieu = self._place(row)
        title = _appellation(int(columns.appellation[row]))
        employer, description = self._text(row, r, edited)
        actualisation = int(columns.actualisation_ms[row])
        experience, libelle = self._experience(profil, own, r[1], flags)
        schedule = self._schedule(profil.duree, int(columns.week_min[row]), own, r[2])
        parts = [
            b'{"id":"', id_, b'","intitule":"', _intitule(title, town, own, edited[0]),
            b'","description":"', description,
            b'","dateCreation":"', show(int(columns.creation_ms[row]), clock).encode(),
            b'","dateActualisation":"' + show(actualisation, clock).encode() if actualisation else b"",
            b'",', lieu, b",", _rome_json(int(columns.rome[row])), b',"appellationlibelle":"', title,
            b'","entreprise":', _entreprise(employer, own, flags, r[3], r[4], town),
            b',"typeContrat":"', _TYPE_JSON[profil.type], b'","typeContratLibelle":"',
            _TYPE_LABELS[own][profil.type], _length(int(columns.length_days[row])),
            b'","natureContrat":"', _nature_json()[profil.nature],
            b'","experienceExige":"', experience, b'"', libelle,
            _formations(int(columns.niveau[row]), r[5]),
            _langues(own, r[6]),
            _permis(int(columns.permis[row]), r[6]),
            _competences(r[7:10]) if own and r[7] % 100 < 69 else b"",
            b',"salaire":', _salaire(int(columns.salary_eur[row]), own, r[10]),
            schedule[0],
            b',"complementExercice":"Travail le samedi"' if not own and r[11] % 100 < 6 else b"",
            b',"alternance":', _TRUE_FALSE[codes.NATURE_CODES[profil.nature] in ("E2", "FS")],
            _contact(own, id_, town, r[12], r[13]),
            b',"nombrePostes":', b"1" if r[14] % 40 else b"%d" % (2 + r[14] // 64 % 9),
            b',"accessibleTH":' + _TRUE_FALSE[bool(flags & ACCESSIBLE_TH)] if own or r[15] % 100 < 92 else b"",
            _deplacement(r[16]) if own and r[16] % 100 < 40 else b"",
            _qualification(int(columns.qualification[row])),
            _naf_json(int(columns.naf[row])) if columns.naf[row] else b"",
            _qualites(r[17]) if own and r[17] % 100 < 55 else b"",
            _tranche(r[18]) if own and r[18] % 5 == 0 else b"",
            b',"origineOffre":{"origine":"', b"1" if own else b"2", b'","urlOrigine":"', _URL, id_,
            b'"}' if own else _partenaires(int(columns.partner[row]), id_, r[19]),
            b',"offresManqueCandidats":' + _TRUE_FALSE[bool(flags & MANQUE_CANDIDATS)] if own and r[20] % 100 else b"",
            b',"contexteTravail":', schedule[1],
            b',"entrepriseAdaptee":', _TRUE_FALSE[bool(flags & ENTREPRISE_ADAPTEE)],
            b',"employeurHandiEngage":', _TRUE_FALSE[bool(flags & HANDI_ENGAGE)], b"}",
        ]  # fmt: skip
        return b"".join(parts)

    def _place(self, row: int) -> tuple[bytes, bytes]:
        """The name of the place of work, and the whole lieuTravail."""
        columns = self._columns
        commune = int(columns.commune[row])
        if commune >= 0:
            return _commune(commune)
        located = bool(int(columns.flags[row]) & COORDONNEES)
        return _other_place(int(columns.departement[row]), int(columns.pays[row]), located)

    def _text(self, row: int, r: list[int], edited: list[int]) -> tuple[bytes, bytes]:
        """The employer's name and the description: an original's own, or what a partner makes of them."""
        columns = self._columns
        original = int(columns.copy_of[row]) - 1
        if original < 0:
            employer = texts.employer(r[0])
            return employer, self._description(row, employer, edited)
        stable, numbers = self._numbers(columns.offre[[original]], columns.version[[row]])
        employer = texts.employer(int(stable[0, 0]))
        return employer, rewrite(self._description(original, employer, numbers[0].tolist()), r[21])

    def _description(self, row: int, employer: bytes, numbers: list[int]) -> bytes:
        columns = self._columns
        slots = {b"m": _appellation(int(columns.appellation[row])), b"v": self._place(row)[0], b"e": employer}
        return texts.description(numbers, slots, PROFIL_PARTS[columns.profil[row]].bloc < 2)

    @staticmethod
    def _experience(profil: Profil, own: bool, number: int, flags: int) -> tuple[bytes, bytes]:
        """experienceExige (D, E or S), and the keys that follow it."""
        comment = b""
        if number % 1000 < (40 if own else 5):
            comment = plain("experience_commentaire")[(number >> 12) % len(plain("experience_commentaire"))]
        wish = bool(flags & EXPERIENCE_SOUHAITEE)
        if profil.experience == 4:
            code, label = b"D", "Débutant accepté".encode()
        else:
            code = b"S" if wish else b"E"
            if profil.experience == 1:
                label = b"%d Mois" % (1 + (number >> 16) % 11)
            else:
                years = {0: 0, 2: 1 + (number >> 16) % 3, 3: 4 + (number >> 16) % 5}[profil.experience]
                label = b"%d An(s)" % years if years else b""
            if not own:
                start = ("Expérience souhaitée" if wish else "Expérience exigée").encode()
                label = start + b" de " + label if label else start
        if not own and (number >> 4) % 100 >= 92:
            return code, b""
        if comment:
            return code, b',"experienceLibelle":"%b (%b)","experienceCommentaire":"%b"' % (label, comment, comment)
        return code, b',"experienceLibelle":"%b"' % label

    @staticmethod
    def _schedule(duree: int, week_min: int, own: bool, number: int) -> tuple[bytes, bytes]:
        """The keys about working time, and the value of contexteTravail."""
        if not duree:
            return b"", b"{}"
        hours = b"%dH" % (week_min // 60)
        part_time = b"Temps partiel - " if duree == 2 else b""
        converti = b"Temps partiel" if duree == 2 else b"Temps plein"
        if own:
            rhythm = plain("horaire")[min(number % 14, len(plain("horaire")) - 1) if number % 3 else 0]
            label = b"%b%b/semaine\\n%b" % (part_time, hours, rhythm)
        else:
            label = hours[:-1] + b" H" if number % 3 else converti
        condition = b""
        if own and number % 17 == 0:
            condition = b',"conditionsExercice":["%b"]' % plain("condition")[(number >> 8) % len(plain("condition"))]
        return (
            b',"dureeTravailLibelle":"%b","dureeTravailLibelleConverti":"%b"' % (label, converti),
            b'{"horaires":["%b"]%b}' % (label, condition),
        )


def _mix(keys: NDArray[np.uint64], width: int) -> NDArray[np.uint64]:
    """SplitMix64: for each key, ``width`` well spread numbers, reduced to 32 bits."""
    z = keys[:, None] + (np.arange(1, width + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))[None, :]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    return mixed


_TRANCHES = tuple(
    escape(label)
    for label in ("0 salarié", "1 ou 2 salariés", "3 à 5 salariés", "6 à 9 salariés", "10 à 19 salariés",
                  "20 à 49 salariés", "50 à 99 salariés", "100 à 199 salariés", "250 à 499 salariés")
)  # fmt: skip
_DEPLACEMENTS = tuple(escape(label) for label in ("Jamais", "Ponctuels", "Fréquents", "Quotidiens"))


def _intitule(title: bytes, town: bytes, own: bool, number: int) -> bytes:
    kind = number % 10
    if own or kind < 5:
        return title + (b" (H/F)" if kind < 8 else b" H/F" if kind == 8 else b" (F/H)")
    if kind < 7:
        return b"%b - %b (H/F)" % (title, town)
    return b"%b %b H/F" % (title, (b"CDI", b"URGENT", b"temps plein")[kind - 7])


def _entreprise(employer: bytes, own: bool, flags: int, number: int, other: int, town: bytes) -> bytes:
    keys = []
    if number % 100 < (98 if own else 55):
        keys.append(b'"nom":"%b"' % employer)
    if (number >> 8) % 100 < (40 if own else 54):
        slots = {b"e": employer, b"v": town, b"n": b"%d" % (2 + other % 8), b"k": b"%d" % (10 + (other >> 4) % 90)}
        fragments = pool("entreprise")
        about = b" ".join(fragments[(other >> shift) % len(fragments)] % slots for shift in range(0, 8 * (2 + own), 8))
        keys.append(b'"description":"%b"' % about)
    if own and (number >> 16) % 100 < 7:
        keys.append(b'"logo":"https://example.org/logos/%d.png"' % (other % 100_000))
    if own and (number >> 20) % 100 < 5:
        keys.append(b'"url":"https://example.org/employeur/%d"' % (other % 100_000))
    if own or (number >> 24) % 100 < 92:
        keys.append(b'"entrepriseAdaptee":' + _TRUE_FALSE[bool(flags & ENTREPRISE_ADAPTEE)])
    return b"{" + b",".join(keys) + b"}"


def _length(days: int) -> bytes:
    if not days:
        return b""
    return b" - %d Mois" % (days // 30) if days % 30 == 0 else b" - %d Jour(s)" % days


def _formations(niveau: int, number: int) -> bytes:
    if not niveau:
        return b""
    domain = plain("formation")[number % len(plain("formation"))]
    field = b'"codeFormation":"%d","domaineLibelle":"%b",' % (21000 + number % 900, domain) if number & 1 << 9 else b""
    level = _labels("niveauxFormations")[niveau - 1]
    comment = b""
    if (number >> 10) % 8 == 0:
        comment = b'"commentaire":"%b",' % plain("formation_commentaire")[(number >> 14) % 3]
    return b',"formations":[{%b"niveauLibelle":"%b",%b"exigence":"%b"}]' % (
        field,
        level,
        comment,
        b"ES"[number & 1 :][:1],
    )


def _langues(own: bool, number: int) -> bytes:
    if number % 1000 >= (130 if own else 10):
        return b""
    labels = _labels("langues")
    label = "Français".encode() if number & 1 << 20 else labels[(number >> 10) % len(labels)]
    return b',"langues":[{"libelle":"%b","exigence":"%b"}]' % (label, b"ES"[number & 1 :][:1])


def _permis(permis: int, number: int) -> bytes:
    if not permis:
        return b""
    label = _labels("permis")[permis - 1]
    return b',"permis":[{"libelle":"%b","exigence":"%b"}]' % (label, b"ES"[(number >> 5) & 1 :][:1])


def _competences(numbers: list[int]) -> bytes:
    verbs, objects = plain("verbe"), plain("objet")
    items = []
    spread = numbers[0] ^ numbers[1] << 11 ^ numbers[2] << 23
    for index in range(3 + numbers[1] % 5):
        spread = spread * 0x5DEECE66D + 0xB & 0xFFFFFFFFFFFF
        code = b'"code":"%d",' % (100_000 + (spread >> 9) % 400_000) if index < 6 else b""
        label = b"%b %b" % (verbs[(spread >> 7) % len(verbs)], objects[(spread >> 17) % len(objects)])
        items.append(b'{%b"libelle":"%b","exigence":"%b"}' % (code, label, b"ES"[index & 1 :][:1]))
    return b',"competences":[' + b",".join(items) + b"]"


def _salaire(monthly: int, own: bool, number: int) -> bytes:
    keys = []
    if monthly:
        unit, value = (
            ("Horaire", monthly / 151.67), ("Mensuel", float(monthly)), ("Annuel", monthly * 12.0)
        )[number % 3]  # fmt: skip
        top = value * (1 + (number >> 4) % 5 * 0.08)
        months = " sur 12.0 mois" if own and number & 1 << 9 else ""
        if own:
            text = f"{unit} de {round(value, 2)} Euros" + (f" à {round(top, 2)} Euros" if top > value else "") + months
        else:
            text = f"{unit} de {value:.2f} Euros à {top:.2f} Euros".replace(".", ",")
        keys.append(b'"libelle":"%b"' % text.encode())
    if (number >> 10) % 100 < (25 if own else 8):
        keys.append(b'"commentaire":"%b"' % plain("salaire_commentaire")[(number >> 17) % 7])
    if own and (number >> 12) % 100 < 53:
        complements = plain("complement_salaire")
        first, second = (number >> 19) % len(complements), (number >> 23) % len(complements)
        keys.append(b'"complement1":"%b"' % complements[first])
        if (number >> 12) % 100 < 24:
            keys.append(b'"complement2":"%b"' % complements[second])
        keys.append(b'"listeComplements":[{"code":"%d","libelle":"%b"}]' % (first + 1, complements[first]))
    return b"{" + b",".join(keys) + b"}"


def _contact(own: bool, id_: bytes, town: bytes, number: int, other: int) -> bytes:
    """The keys contact and agence; partners' offers have an empty contact at most."""
    if not own:
        return b',"contact":{}' if number % 100 < 8 else b""
    keys = []
    if number % 100 < 67:
        keys.append(b'"nom":"%b - %b"' % (texts.employer(other), texts.person(other)))
    if (number >> 7) % 100 < 81:
        street = plain("rue")[(other >> 3) % len(plain("rue"))]
        keys.append(b'"coordonnees1":"%d %b"' % (1 + other % 120, street))
    if (number >> 9) % 100 < 12:
        keys.append(b'"coordonnees2":"BP %d","coordonnees3":"%b"' % (other % 900, town))
    if (number >> 11) % 100 < 41:
        keys.append(b'"courriel":"%b%b"' % (_APPLY, id_))
    if (number >> 13) % 100 < 1:
        keys.append(b'"telephone":"06 39 98 %02d %02d"' % (other % 100, (other >> 8) % 100))
    if (number >> 15) % 100 < 26:
        keys.append(b'"urlPostulation":"https://example.org/postuler/%d"' % (other % 1_000_000))
    agency = b""
    if (number >> 17) % 100 < 8:
        agency = b'"courriel":"%b%b"' % (_APPLY, id_)
    return b',"contact":{%b},"agence":{%b}' % (b",".join(keys), agency)


def _tranche(number: int) -> bytes:
    return b',"trancheEffectifEtab":"%b"' % _TRANCHES[(number >> 7) % len(_TRANCHES)]


def _deplacement(number: int) -> bytes:
    code = min((number >> 9) % 6, 3)
    return b',"deplacementCode":"%d","deplacementLibelle":"%b"' % (code + 1, _DEPLACEMENTS[code])


def _qualification(code: int) -> bytes:
    if not code:
        return b""
    label = escape(codes.QUALIFICATION_LABELS[code])
    return b',"qualificationCode":"%d","qualificationLibelle":"%b"' % (code, label)


def _qualites(number: int) -> bytes:
    items = []
    lines = texts.lines("qualite")
    for index in range(1 + (number >> 8) % 3):
        label, description = lines[((number >> 12) + 3 * index) % len(lines)].split("|")
        items.append(b'{"libelle":"%b","description":"%b"}' % (escape(label), escape(description)))
    return b',"qualitesProfessionnelles":[' + b",".join(items) + b"]"


def _partenaires(partner: int, id_: bytes, number: int) -> bytes:
    """The end of origineOffre: usually one partner, rarely several (7 of 829 recorded offers)."""
    names = [codes.PARTNER_CODES[partner]]
    if number % 120 == 0:
        names.append(codes.PARTNER_CODES[(partner + 1 + number // 128) % len(codes.PARTNER_CODES)])
    items = b",".join(
        b'{"nom":"%b","url":"https://example.org/%b/offre/%b-%d","logo":"https://example.org/logos/%b.png"}'
        % (name.encode(), name.lower().encode(), id_, number % 100_000, name.lower().encode())
        for name in names
    )
    return b'","partenaires":[' + items + b"]}"
