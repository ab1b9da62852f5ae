"""Measures of a search besides time: how far it shows, how its counts add up, which parameters it takes, the detail."""

from __future__ import annotations

from collections.abc import Sequence

from moisson.api import Sonde
from moisson.api.contract import CHEMIN_OFFRE, CHEMIN_RECHERCHE, CHEMIN_REFERENTIEL, EN_TETE_PLAFOND, EN_TETE_RECHARGE
from moisson.errors import ContractBroken
from moisson.harvest.probing import Appel, Carnet, Dialogue, bornes, recherche
from moisson.model import AXES_SOMMES, PageLue, Plage, Question
from moisson.plan.reading import ordre_rompu
from moisson.plan.sums import somme

__all__ = [
    "mesurer_detail",
    "mesurer_fin",
    "mesurer_limites",
    "mesurer_parametres",
    "mesurer_premiere",
    "mesurer_sommes",
]

INCONNUES = ("000BBBB", "000ZZZZ")
"""Ids of the right shape that no offer is likely to have."""
ESSAIS_SOMME = 2
"""Times that parts are added up before they are said not to make the whole."""


def _comptees(sonde: Sonde) -> int:
    """The total of an answer; 0 when it was refused."""
    return sonde.page.total if sonde.page is not None else 0


def _refus(sonde: Sonde) -> str:
    return f"refused ({sonde.statut}): {sonde.message}" if sonde.message else f"refused ({sonde.statut})"


# -- the newest page, and how far a search shows -----------------------------------------------------------------------


def mesurer_premiere(carnet: Carnet) -> Dialogue[Sonde]:
    """The newest page of the country, from which everything else is chosen.

    Raises:
        ContractBroken: there is no offer at all, so nothing can be measured.
    """
    premiere = yield recherche(carnet.premiere)
    vu = "" if premiere.pris else _refus(premiere)
    if not premiere.pris:
        premiere = yield Appel(CHEMIN_RECHERCHE, {"sort": "1"})
        carnet.page = len(premiere.page.lignes) if premiere.page is not None and premiere.page.lignes else carnet.page
    page = premiere.page
    if page is None or not page.lignes:
        raise ContractBroken(
            "The API shows no offer at all", doing="probing its newest page", todo="Look at `moisson check` first."
        )
    carnet.lignes, carnet.total, carnet.agregats = page.lignes, page.total, page.agregats
    carnet.corps.append(premiere.corps)
    if not vu and len(page.lignes) != min(carnet.page, page.total):
        vu = f"{len(page.lignes)} rows of {page.total} came"
    carnet.noter(
        "rows 0-149",
        attendu="served, as many as announced",
        vu=vu or "served",
        tient=not vu,
        sens=f"a run takes {-(-page.total // 150):,} calls at least for {page.total:,} offers",
        appui="proof",
    )
    rompu = ordre_rompu(page.lignes)
    carnet.noter(
        "order of the newest page",
        attendu="newest first",
        vu=rompu or "newest first",
        tient=not rompu,
        sens="windows are walked down time, newest first",
        appui="proof",
    )
    _noter_sommes_libres(carnet)
    _noter_quota(carnet, premiere)
    return premiere


def _noter_sommes_libres(carnet: Carnet) -> None:
    page = PageLue(question=Question(0, "", Plage(0, 0)), total=carnet.total, agregats=carnet.agregats)
    sommes = {axe: sum(carnet.agregats[axe].values()) for axe in AXES_SOMMES if axe in carnet.agregats}
    dites = ", ".join(f"{axe} {nombre:,}" for axe, nombre in sommes.items())
    carnet.noter(
        "free counts",
        attendu=f"{', '.join(AXES_SOMMES)} each add up to the total",
        vu=f"{dites} of {carnet.total:,}" if sommes else "none came",
        tient=somme(page) == carnet.total if sommes else None,
        sens="they check every total for nothing; no run is proved without, or within a noise they establish",
        appui="proof",
    )
    types = sum(carnet.agregats.get("typeContrat", {}).values())
    carnet.noter(
        "free count of typeContrat",
        attendu="a few short of the total (the DDT offers)",
        vu=f"{carnet.total - types:,} short" if types else "none came",
        tient=types <= carnet.total if types else None,
        sens="no proof takes it; a crowded second cut by it is completed by another criterion",
    )


def _noter_quota(carnet: Carnet, sonde: Sonde) -> None:
    recharge, plafond = sonde.en_tetes.get(EN_TETE_RECHARGE), sonde.en_tetes.get(EN_TETE_PLAFOND)
    carnet.noter(
        "quota headers",
        attendu="announced with every answer (10 calls a second in 2026)",
        vu=f"{recharge} calls a second, {plafond} at once" if recharge else "none",
        tient=True if recharge else None,
        sens="the pace is never above what is announced; rate auto follows it",
        appui="cost",
    )


def mesurer_limites(carnet: Carnet) -> Dialogue[None]:
    """The window: rows 3000 to 3149 are the last that a search shows."""
    fond = yield recherche("3000-3149")
    lignes = fond.page.lignes if fond.page is not None else ()
    carnet.fond = lignes
    if len(lignes) == carnet.page:
        carnet.corps.append(fond.corps)
    profonde = carnet.total > 3150
    suit = not lignes or lignes[0].creation_ms // 1000 <= carnet.lignes[-1].creation_ms // 1000
    vu = _refus(fond) if not fond.pris else f"{len(lignes)} rows came"
    if not suit:
        vu += ", newer than the first page"
    carnet.noter(
        "rows 3000-3149",
        attendu="served, older than the first page",
        vu=vu,
        tient=(fond.pris and suit and len(lignes) == 150) if profonde or not fond.pris else None,
        sens="a window holds 3,150 offers; with less, no border is found where it is looked for",
        appui="proof",
    )
    for plage, nom in (("3001-3100", "first row beyond 3000"), ("0-150", "151 rows in one call")):
        sonde = yield recherche(plage)
        carnet.noter(
            nom,
            attendu="refused (400)",
            vu=_refus(sonde) if not sonde.pris else f"taken: {_rows(sonde)}",
            tient=sonde.statut == 400,
            sens="where it is taken, a run could be made with fewer calls",
            appui="nothing",
        )


def _rows(sonde: Sonde) -> str:
    return f"{len(sonde.page.lignes)} rows" if sonde.page is not None else "no rows"


def mesurer_fin(carnet: Carnet) -> Dialogue[None]:
    """What the end of a search looks like: 200 or 206, and 204 beyond it."""
    seconde = carnet.horloge.filtre_s(carnet.lignes[len(carnet.lignes) // 2].creation_ms // 1000)
    dates = bornes(seconde - 2, seconde + 2)
    longue = yield recherche(carnet.premiere, dates)
    total = _comptees(longue)
    statuts = {}
    if 0 < total < carnet.page:
        statuts["a page longer than the rest"] = longue.statut
        statuts["one that ends on the last row"] = (yield recherche(f"0-{total - 1}", dates)).statut
    carnet.noter(
        "last page",
        attendu="200 or 206: both were recorded",
        vu=", ".join(f"{statut} for {quoi}" for quoi, statut in statuts.items()) or "none was met",
        tient=set(statuts.values()) <= {200, 206} if statuts else None,
        sens="nothing: the end is told by the total and the rows received",
    )
    au_dela = yield recherche(f"{carnet.page + 10}-{carnet.page + 19}", dates)
    dit = au_dela.page.total if au_dela.page is not None else None
    carnet.noter(
        "rows beyond the end",
        attendu="204 with the total",
        vu=(
            f"{au_dela.statut} with {au_dela.en_tetes.get('content-range', 'no Content-Range')}"
            if au_dela.pris
            else _refus(au_dela)
        ),
        tient=(au_dela.statut == 204 and dit is not None) if total < carnet.page else None,
        sens="a window's deepest page is asked before its total is known",
        appui="proof",
    )


# -- sums of the criteria ----------------------------------------------------------------------------------------------


def mesurer_sommes(carnet: Carnet) -> Dialogue[None]:
    """Whether the values of each criterion add up to the whole, asked back to back."""
    total = _comptees((yield recherche("0-0", carnet.calme())))
    natures = sorted(carnet.agregats.get("natureContrat", {}).items(), key=lambda compte: -compte[1])
    codes = [code for code, _ in natures]
    axes: list[tuple[str, Sequence[str], str]] = [
        ("experience", ("0", "1", "2", "3", "4"), "the value 4 is documented nowhere"),
        ("origineOffre", ("1", "2"), ""),
        ("dureeHebdo", ("0", "1", "2"), ""),
        # The commonest one by one, all others in one call: whether several values may be given shows as well.
        ("natureContrat", (*codes[:3], *([",".join(codes[3:])] if codes[3:] else [])), "several values in one call"),
        ("qualification", ("0", "9", "X"), "whether X, no qualification, is taken is not known to anyone"),
    ]
    for axe, valeurs, note in axes:
        total = yield from _additionner(carnet, axe, valeurs, note, total)


def _additionner(carnet: Carnet, axe: str, valeurs: Sequence[str], note: str, avant: int) -> Dialogue[int]:
    """Ask the parts between two totals; offers can only leave meanwhile. Returns the last total."""
    vu, tient = "", False
    for _ in range(ESSAIS_SOMME):
        parts: dict[str, int] = {}
        refusees: list[str] = []
        for valeur in valeurs:
            sonde = yield recherche("0-0", {axe: valeur}, carnet.calme())
            if not sonde.pris:
                refusees.append(f"{axe}={valeur} {_refus(sonde)}")
            parts[valeur] = _comptees(sonde)
        apres = _comptees((yield recherche("0-0", carnet.calme())))
        vu = f"{sum(parts.values()):,} of {avant:,} before and {apres:,} after"
        tient = min(avant, apres) <= sum(parts.values()) <= max(avant, apres) and not refusees
        avant = apres
        if tient or refusees:
            break
    carnet.noter(
        f"sum of {axe}",
        attendu="its values add up to the total" + (f"; {note}" if note else ""),
        vu="; ".join([vu, *refusees]),
        tient=tient,
        sens="a second of more than 3,150 offers is cut by it; the count decides, and another criterion completes it",
        appui="cost",
    )
    return avant


# -- parameters --------------------------------------------------------------------------------------------------------


def mesurer_parametres(carnet: Carnet) -> Dialogue[None]:
    """Several values of region, an unknown name, malformed and lonely bounds, an unknown code list."""
    deux = yield recherche("0-0", {"region": "11,84"}, carnet.calme())
    une = _comptees((yield recherche("0-0", {"region": "11"}, carnet.calme())))
    autre = _comptees((yield recherche("0-0", {"region": "84"}, carnet.calme())))
    plusieurs = _proche(_comptees(deux), une + autre) and min(une, autre) > 0
    carnet.noter(
        "several regions",
        attendu="one value only, as documented",
        vu=(
            _refus(deux)
            if not deux.pris
            else f"{_comptees(deux):,} for both, {une:,} and {autre:,} for each"
            + ("" if plusieurs else ": one of them is ignored" if _comptees(deux) in (une, autre) else "")
        ),
        tient=not (deux.pris and plusieurs),
        sens="nothing: no harvest asks by place, which loses offers",
    )
    tout = _comptees((yield recherche("0-0", carnet.calme())))
    inconnu = yield recherche("0-0", {"moissonInconnu": "1"}, carnet.calme())
    carnet.noter(
        "unknown parameter",
        attendu="ignored, as if it were not there",
        vu=_refus(inconnu) if not inconnu.pris else f"{_comptees(inconnu):,} offers with it, {tout:,} without",
        tient=inconnu.pris and _proche(_comptees(inconnu), tout),
        sens="a misspelt filter returns the country: questions are made from a closed list",
    )
    for nom, params in (
        ("malformed date", {"minCreationDate": "hier", "maxCreationDate": "demain"}),
        ("one date alone", {"minCreationDate": "2026-01-01T00:00:00Z"}),
    ):
        sonde = yield recherche("0-0", params)
        carnet.noter(
            nom,
            attendu="refused (400)",
            vu=_refus(sonde) if not sonde.pris else f"taken: {_comptees(sonde):,} offers",
            tient=sonde.statut == 400,
            sens="nothing: no harvest writes one",
        )
    liste = yield Appel(CHEMIN_REFERENTIEL + "inconnu")
    carnet.noter(
        "unknown code list",
        attendu="404",
        vu=str(liste.statut) + (f": {liste.message}" if liste.message else ""),
        tient=liste.statut == 404,
        sens="nothing; a 404 is taken for a wrong address",
    )


def _proche(un: int, autre: int) -> bool:
    """Equal, but for the few offers that leave between two calls."""
    return abs(un - autre) <= 3 + 0.0005 * max(un, autre)


def mesurer_detail(carnet: Carnet) -> Dialogue[None]:
    """The detail of an offer that is online, and of one that never was."""
    temoin = (carnet.fond or carnet.lignes)[-1]
    connue = yield Appel(CHEMIN_OFFRE + temoin.id)
    sonde, inconnue = connue, ""
    for inconnue in INCONNUES:
        sonde = yield Appel(CHEMIN_OFFRE + inconnue)
        if sonde.statut != 200:
            break
    carnet.noter(
        "detail of an offer",
        attendu="200 for one that is online, 204 for one that is not",
        vu=f"{connue.statut} for {temoin.id}, just shown; {sonde.statut} for {inconnue}",
        tient=connue.statut == 200 and sonde.statut == 204,
        sens="some withdrawals are confirmed by it before a run closes them",
        appui="proof",
    )
