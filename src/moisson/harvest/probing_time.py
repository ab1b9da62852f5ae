"""Measures of time: the two clocks, how bounds count, what lies outside the dates, the order of rows and of ties."""

from __future__ import annotations

import itertools
from email.utils import parsedate_to_datetime

from moisson.api import Sonde
from moisson.harvest.probing import Carnet, Dialogue, bornes, recherche
from moisson.model import Ligne
from moisson.plan.clock import candidats_s
from moisson.plan.planner import DEBUTS_S

__all__ = ["mesurer_bornes", "mesurer_dates", "mesurer_horloges", "mesurer_ordre", "mesurer_ties"]

FUTUR_S = 86_400
"""How far above the newest creation the widest upper bound is put, seconds: what a harvest tries first."""
REPOS_S = 10
"""The newest seconds may still be filling: no witness is taken from them."""
TEMOINS_MAX = 3
CONTROLES_MAX = 3
"""Times that a comparison of totals is made before they are said to disagree: offers come and go meanwhile."""


def temoins(lignes: tuple[Ligne, ...], *, entiere: bool | None = None) -> list[Ligne]:
    """Rows fit to be looked for by their second, the least crowded first; of whole seconds, or not, or either."""
    recente_s, ancienne_s = lignes[0].creation_ms // 1000, lignes[-1].creation_ms // 1000
    foule: dict[int, int] = {}
    for ligne in lignes:
        foule[ligne.creation_ms // 1000] = foule.get(ligne.creation_ms // 1000, 0) + 1

    def voisins(ligne: Ligne) -> int:
        seconde = ligne.creation_ms // 1000
        return sum(foule.get(seconde + ecart, 0) for ecart in range(-2, 4))

    bons = [
        ligne
        for ligne in lignes
        if ancienne_s + 3 < ligne.creation_ms // 1000 <= recente_s - REPOS_S
        and (entiere is None or (ligne.creation_ms % 1000 == 0) == entiere)
    ]
    return sorted(bons, key=voisins)[:TEMOINS_MAX]


# -- the two clocks ----------------------------------------------------------------------------------------------------


def mesurer_horloges(carnet: Carnet, premiere: Sonde) -> Dialogue[None]:
    """The filter's clock against the one of the dates shown; then that one against ours."""
    decalage = yield from _decalage(carnet)
    attendu = "the same, or apart by what Paris is from UTC"
    if decalage is None:
        carnet.noter(
            "filter's clock",
            attendu=attendu,
            vu="offers just shown are not found by their own creation dates",
            tient=False,
            sens="bounds or dates mean something new: nothing can be proved until it is understood",
            appui="proof",
        )
    else:
        vu = "the same as that of the dates shown"
        if decalage:
            vu = f"{abs(decalage) // 3600} h {'ahead of' if decalage > 0 else 'behind'} that of the dates shown"
        carnet.noter(
            "filter's clock",
            attendu=attendu,
            vu=vu,
            tient=True,
            sens=("each run measures this shift before it walks, and checks it at every link"),
            appui="proof",
        )
    fuseau, vu = _fuseau(carnet.recente_s, premiere)
    if fuseau and decalage is not None:
        filtre = fuseau if not decalage else "Paris time" if fuseau == "UTC" else "UTC"
        vu = f"dates are shown in {fuseau}, bounds are read in {filtre}: {vu}"
    carnet.noter(
        "Z",
        attendu="not known to anyone: UTC, or Paris time under a Z",
        vu=vu,
        tient=True if fuseau else None,
        sens="no bound is ever taken from a clock of ours",
    )


def _decalage(carnet: Carnet) -> Dialogue[int | None]:
    """The filter's second minus the shown second, or None when no known shift finds an offer just shown."""
    for temoin in temoins(carnet.lignes):
        seconde = temoin.creation_ms // 1000
        for decalage in candidats_s(seconde):
            if (yield from _trouver(carnet, temoin, -1, 1, decalage)):
                carnet.horloge = carnet.horloge.avec(seconde, decalage)
                carnet.mesuree = True
                return decalage
    return None


def _trouver(carnet: Carnet, temoin: Ligne, avant_s: int, apres_s: int, decalage: int | None = None) -> Dialogue[bool]:
    """Whether an offer is found between bounds so far from its own second; rows of other dates are noted in passing."""
    seconde = temoin.creation_ms // 1000
    if decalage is None:
        decalage = carnet.horloge.filtre_s(seconde) - seconde
    dates = bornes(seconde + decalage + avant_s, seconde + decalage + apres_s)
    page = (yield recherche(carnet.premiere, dates)).page
    lignes = page.lignes if page is not None else ()
    trouvee = any(ligne.id == temoin.id for ligne in lignes)
    if carnet.mesuree or trouvee:
        ecarts = ((ligne.id, ligne.creation_ms // 1000 - seconde) for ligne in lignes)
        carnet.dehors += [id_ for id_, ecart in ecarts if not avant_s <= ecart <= apres_s]
    return trouvee


def _fuseau(recente_s: int, premiere: Sonde) -> tuple[str, str]:
    """On which clock dates are shown, "" when that cannot be known, and what tells it: the newest creation and now."""
    now_s, montre = _maintenant(premiere)
    paris_s = candidats_s(int(now_s))[1]
    ecart = recente_s - now_s
    vu = f"the newest creation is {_duree(ecart)} {'ahead of' if ecart > 0 else 'behind'} {montre}"
    if -900 <= ecart <= 300:
        # What is shown in Paris time would have to be that much older still.
        return "UTC", f"{vu}; Paris time is excluded unless nothing was created for {_duree(paris_s - ecart)}"
    if abs(ecart - paris_s) <= 900:
        return "Paris time", vu
    return "", f"{vu}: too far to tell UTC from Paris time"


def _maintenant(sonde: Sonde) -> tuple[float, str]:
    """The present, by the service's own clock where it tells it and ours is off."""
    try:
        service_s = parsedate_to_datetime(sonde.en_tetes.get("date", "")).timestamp()
    except (ValueError, TypeError, IndexError):
        return sonde.recu_s, "our clock"
    if abs(service_s - sonde.recu_s) <= 60:
        return sonde.recu_s, "our clock, which agrees with the service's"
    return service_s, f"the service's clock, from which ours is off by {_duree(service_s - sonde.recu_s)}"


def _duree(secondes: float) -> str:
    entiere = round(abs(secondes))
    if entiere < 120:
        return f"{entiere} s"
    return f"{entiere // 60} min" if entiere < 7200 else f"{entiere / 3600:.1f} h"


# -- bounds to the millisecond -----------------------------------------------------------------------------------------


def mesurer_bornes(carnet: Carnet) -> Dialogue[None]:
    """Whether each bound counts, to the millisecond; a filter that is ignored shows here too."""
    bas, haut = yield from _entiere(carnet)
    if (yield from _seconde_entiere(carnet)) and haut != "exclusive":
        haut = "its whole second counts"
    carnet.noter(
        "lower bound",
        attendu="inclusive or exclusive",
        vu=bas or "no offer of a whole second to tell by",
        tient=None if bas is None else True,
        sens="either is coped with: a border stands beside an empty second, or all of its second is read",
        appui="proof",
    )
    carnet.noter(
        "upper bound",
        attendu="inclusive, exclusive, or its whole second",
        vu=haut or "no offer of a whole second to tell by",
        tient=None if haut is None else True,
        sens="no upper bound is trusted to count: each is written a second above what is wanted",
        appui="proof",
    )
    dehors = carnet.dehors
    carnet.noter(
        "date filter",
        attendu="no row from outside the bounds",
        vu=f"{len(dehors)} rows of other dates came back, {dehors[0]} among them" if dehors else "none",
        tient=not dehors,
        sens="windows are walked down time, newest first",
        appui="proof",
    )


def _entiere(carnet: Carnet) -> Dialogue[tuple[str | None, str | None]]:
    """How the bounds count for an offer of a whole second."""
    for temoin in temoins(carnet.lignes, entiere=True):
        bas = yield from _trouver(carnet, temoin, 0, 2)
        haut = yield from _trouver(carnet, temoin, -2, 0)
        if not (bas or haut) and not (yield from _trouver(carnet, temoin, -1, 1)):
            continue  # It was withdrawn meanwhile: another witness.
        return "inclusive" if bas else "exclusive", "inclusive, to the millisecond" if haut else "exclusive"
    return None, None


def _seconde_entiere(carnet: Carnet) -> Dialogue[bool]:
    """Whether an upper bound takes in an offer later in its own second."""
    for temoin in temoins(carnet.lignes, entiere=False):
        dedans = yield from _trouver(carnet, temoin, -2, 0)
        if dedans or (yield from _trouver(carnet, temoin, 0, 2)):
            return dedans
    return False


# -- everything lies within the dates ----------------------------------------------------------------------------------


def mesurer_dates(carnet: Carnet) -> Dialogue[None]:
    """Whether far bounds are taken, and whether any offer lies outside them."""
    futur_s = carnet.horloge.filtre_s(carnet.recente_s) + FUTUR_S
    passe_s = carnet.horloge.filtre_s(carnet.recente_s) - 60
    ouverte = yield recherche("0-0", bornes(DEBUTS_S[0], futur_s))
    passe, futur = ouverte.pris, ouverte.pris
    if not ouverte.pris:
        passe = (yield recherche("0-0", bornes(DEBUTS_S[0], passe_s))).pris
        futur = not passe and (yield recherche("0-0", bornes(DEBUTS_S[1], futur_s))).pris
        carnet.debut_s = DEBUTS_S[0] if passe else DEBUTS_S[1]
    carnet.noter(
        "far lower bound",
        attendu="2000-01-01 is taken, or else 2019-01-01",
        vu="2000-01-01 is taken" if passe else f"2000-01-01 is refused: {ouverte.message or ouverte.statut}",
        tient=passe or futur or (yield recherche("0-0", bornes(DEBUTS_S[1], passe_s))).pris,
        sens="where the walk ends; a harvest tries both",
        appui="proof",
    )
    carnet.noter(
        "future upper bound",
        attendu="a day ahead is taken",
        vu="taken" if futur else f"refused: {ouverte.message}",
        tient=futur,
        sens="only the comparison of the national totals uses one, and it comes nearer when refused",
        appui="cost",
    )
    fin_s = futur_s if futur else carnet.horloge.filtre_s(carnet.recente_s) + 1
    yield from _comparer(carnet, bornes(carnet.debut_s, fin_s))


def _comparer(carnet: Carnet, dates: dict[str, str]) -> Dialogue[None]:
    """The unfiltered total and the dated one, back to back: U, D, U."""
    tient, vu = False, ""
    avant = _total((yield recherche("0-0")))
    for _ in range(CONTROLES_MAX):
        date = _total((yield recherche("0-0", dates)))
        apres = _total((yield recherche("0-0")))
        vu = f"{date:,} within the widest dates, {avant:,} without dates before and {apres:,} after"
        tient = min(avant, apres) <= date <= max(avant, apres)
        if tient:
            break
        avant = apres
    carnet.noter(
        "nothing outside the dates",
        attendu="the dated total equals the unfiltered one",
        vu=vu,
        tient=tient,
        sens="else offers lie where no window reaches, and nothing is proved",
        appui="proof",
    )


def _total(sonde: Sonde) -> int:
    return sonde.page.total if sonde.page is not None else -1


# -- order -------------------------------------------------------------------------------------------------------------


def mesurer_ordre(carnet: Carnet) -> Dialogue[None]:
    """Whether sort=1 hides nothing: as many offers lie within the dates of the newest page as it shows there."""
    s0, s1 = carnet.lignes[-1].creation_ms // 1000 + 2, carnet.recente_s - REPOS_S
    nom, attendu = "sort by date", "newest first, all origins together"
    sens = "windows are walked down time, newest first"
    if s1 <= s0:
        carnet.noter(
            nom,
            attendu=attendu,
            vu="the newest page is too short in time to tell",
            tient=None,
            sens=sens,
            appui="proof",
        )
        return
    dates = bornes(carnet.horloge.filtre_s(s0), carnet.horloge.filtre_s(s1))
    compte = _total((yield recherche(carnet.premiere, dates)))
    # Wide on both sides: offers leave and arrive late, and a bound may count or not.
    large = sum(1 for ligne in carnet.lignes if s0 * 1000 <= ligne.creation_ms < (s1 + 1) * 1000)
    etroit = sum(1 for ligne in carnet.lignes if s0 * 1000 < ligne.creation_ms < s1 * 1000)
    tient = etroit * 0.9 - 3 <= compte <= large * 1.05 + 3
    carnet.noter(
        nom,
        attendu=attendu,
        vu=f"the newest page shows {large} offers of a stretch that holds {compte}",
        tient=tient,
        sens=sens,
        appui="proof",
    )


def mesurer_ties(carnet: Carnet) -> Dialogue[None]:
    """Whether offers of one instant keep their order: the same page asked three times."""
    milieu = _plus_serree(carnet.lignes[carnet.page // 3 :]) if len(carnet.lignes) > 3 else None
    foule = _plus_serree(carnet.fond)
    seconde = max((s for s in (milieu, foule) if s), key=lambda s: s[1], default=None)
    nom, attendu = "order of ties", "the same at each call"
    if seconde is None:
        carnet.noter(
            nom,
            attendu=attendu,
            vu="no two offers of one instant were seen",
            tient=None,
            sens=_SENS_TIES,
            appui="cost",
        )
        return
    s = carnet.horloge.filtre_s(seconde[0])
    lues = []
    for _ in range(3):
        # The page begins with them, however many they are.
        sonde = yield recherche(carnet.premiere, bornes(s - 600, s + 1))
        lues.append(sonde.page.lignes if sonde.page is not None else ())
    instant, dans_la_seconde = 0, 0
    for avant, apres in itertools.combinations(lues, 2):
        a, b = _deplacees(avant, apres)
        instant, dans_la_seconde = instant + a, dans_la_seconde + b
    if instant or dans_la_seconde:
        vu = f"{instant} pairs of one instant changed places between three readings"
        if dans_la_seconde:
            vu = f"{vu}, and {dans_la_seconde} of one second and different milliseconds"
    else:
        vu = f"three readings of {len(lues[0])} rows, all in one order"
    carnet.noter(
        nom,
        attendu=attendu,
        vu=vu,
        tient=not (instant or dans_la_seconde),
        sens=_SENS_TIES,
        appui="cost",
    )


_SENS_TIES = "where it moves, a harvest closes groups of ties at every page border: about 5 % more calls"


def _plus_serree(lignes: tuple[Ligne, ...]) -> tuple[int, int] | None:
    """The second with most offers of one instant among rows, and how many; None when no two share one."""
    comptes: dict[int, int] = {}
    for ligne in lignes:
        comptes[ligne.creation_ms] = comptes.get(ligne.creation_ms, 0) + 1
    ms = max(comptes, key=lambda ms: comptes[ms], default=None)
    return None if ms is None or comptes[ms] < 2 else (ms // 1000, comptes[ms])


def _deplacees(avant: tuple[Ligne, ...], apres: tuple[Ligne, ...]) -> tuple[int, int]:
    """Neighbours in a reading that stood the other way round before: of one instant, and of one second only."""
    rangs = {ligne.id: rang for rang, ligne in enumerate(avant)}
    connues = [ligne for ligne in apres if ligne.id in rangs]
    instant = seconde = 0
    for haut, bas in itertools.pairwise(connues):
        if rangs[haut.id] > rangs[bas.id]:
            instant += haut.creation_ms == bas.creation_ms
            seconde += haut.creation_ms != bas.creation_ms and haut.creation_ms // 1000 == bas.creation_ms // 1000
    return instant, seconde
