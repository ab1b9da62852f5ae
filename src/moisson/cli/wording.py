"""How numbers, durations and a run are said to a person; pure, so that tests compare whole texts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moisson.harvest.progress import Avancement, Resultat
    from moisson.model import FenetreBilan

__all__ = [
    "count",
    "doubtful_windows",
    "duration",
    "next_commands",
    "progress_line",
    "progress_lines",
    "ratio",
    "shell",
    "size",
    "summary",
]

ETAPES = {
    "depart": "asking the totals",
    "horloge": "measuring the clock",
    "controle": "checking the bounds",
    "descente": "walking down",
    "balayage": "sweeping the top",
    "cloture": "checking the whole",
    "fini": "judging",
    "retraits": "confirming withdrawals",
    "pli": "writing the lake",
}
"""The stages of a run, in `Avancement`'s words and in ours."""

_WINDOWS_SHOWN = 10

_RATIO_FROM = 0.05
"""Share of the country from which the ratio is shown: before, the calls that every run begins with are all of it."""


def count(number: int, noun: str = "", plural: str = "") -> str:
    """A number as people write it, with its noun: "1 offer", "20,000 offers"."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A duration in its two largest units: "48 s", "28 min 20 s", "1 h 05 min", "3 d 2 h"."""
    left = max(0, round(seconds))
    if left < 60:
        return f"{left} s"
    if left < 3600:
        return f"{left // 60} min {left % 60:02} s"
    if left < 48 * 3600:
        return f"{left // 3600} h {left % 3600 // 60:02} min"
    return f"{left // 86400} d {left % 86400 // 3600} h"


def size(octets: int) -> str:
    """A size on disk, in powers of ten as disks are sold: "812 B", "24.0 MB"."""
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def ratio(calls: int, offres: int, per_page: int = 150) -> float | None:
    """Calls spent over the least that could have read that many offers; None before any was read."""
    least = math.ceil(offres / per_page)
    return calls / least if least else None


def shell(path: Path) -> str:
    """A path as it can be typed in a shell."""
    import shlex

    return shlex.quote(str(path))


def progress_lines(a: Avancement) -> tuple[str, ...]:
    """Where a run stands, for the lines under the bar of a terminal."""
    lines = [
        f"{_offres(a)}{', resumed' if a.reprise else ''}",
        f"{_calls(a)}, {a.rythme_s:.2f}/s of {a.debit_s:.2f}/s allowed",
        f"{count(a.relances)} retried, {count(a.refus_429)} answered 429",
        f"{count(a.prouvees)} of {count(a.fenetres, 'window')} proved, {duration(a.ecoule_s)} gone, {_left(a)}",
    ]
    if a.dernier_ennui:
        lines.append(f"last trouble: {a.dernier_ennui}")
    return tuple(lines)


def progress_line(a: Avancement) -> str:
    """Where a run stands, on one line of a log."""
    trouble = f", last trouble: {a.dernier_ennui}" if a.dernier_ennui else ""
    return (
        f"{ETAPES.get(a.etape, a.etape)}: {_offres(a)}, {_calls(a)}, {a.rythme_s:.2f}/s, "
        f"{count(a.prouvees)} of {count(a.fenetres, 'window')} proved, {_left(a)}{trouble}"
    )


def _offres(a: Avancement) -> str:
    if not a.annonce:
        return count(a.offres, "offer")
    # Rounded down: 100 % is said when there is nothing left.
    share = math.floor(1000 * min(1.0, a.offres / a.annonce)) / 10
    return f"{count(a.offres)} of {count(a.annonce)} offers, {share:.1f} %"


def _calls(a: Avancement) -> str:
    spent = ratio(a.appels, a.offres) if a.offres >= _RATIO_FROM * a.annonce else None
    return count(a.appels, "call") + (f", {spent:.3f} x the floor" if spent is not None else "")


def _left(a: Avancement) -> str:
    return "time left not known yet" if a.restant_s is None else f"{duration(a.restant_s)} left"


def summary(resultat: Resultat, *, store: Path, simulated: bool) -> list[str]:
    """How a run ended: the verdict on the first line, then what is missing, what it cost, where the data lie."""
    bilan, last = resultat.bilan, resultat.avancement
    first, last_total = bilan.nationale_premiere, bilan.nationale_derniere
    announced = f"{count(first)} announced" + (
        f" at first and {count(last_total)} at last" if last_total != first else ""
    )
    stored = f"{count(resultat.offres, 'offer')} stored, {announced}"
    if bilan.prouve:
        lines = [f"PROVED COMPLETE: {stored}"]
    else:
        missing = f", {count(bilan.manquantes)} known to be missing" if bilan.manquantes else ""
        lines = [f"NOT PROVED: {stored}{missing}"]
        lines += [f"  why: {raison}" for raison in bilan.raisons]
        lines += list(_unproved(bilan.fenetres))
    if simulated:
        lines.append("  simulated data: they come from a double of the API, not from France Travail")
    lines += [f"  note: {text}" for text in bilan.avertissements]
    proved = sum(fenetre.verdict == "prouvee" for fenetre in bilan.fenetres)
    spent = max(last.appels, resultat.appels_ensemble)
    over = f", {spent / last.plancher:.3f} x the floor of {count(last.plancher)}" if last.plancher else ""
    together = f", {count(spent)} with {resultat.suite_de}, which it continues" if resultat.suite_de else ""
    return [
        *lines,
        f"  offers:  {count(resultat.nouvelles)} new, {count(resultat.retirees)} closed{_confirmed(resultat)}",
        f"  calls:   {count(last.appels)}{together}{over}; {count(last.relances)} retried, "
        f"{count(last.refus_429)} answered 429",
        f"  windows: {count(proved)} of {count(len(bilan.fenetres))} proved",
        f"  time:    {duration(last.ecoule_s)}{' for this session' if last.reprise else ''}",
        f"  store:   {store}",
        f"  run:     {resultat.collecte}",
    ]


def _confirmed(resultat: Resultat) -> str:
    if not resultat.retraits_demandes:
        return ""
    return f" ({resultat.retraits_confirmes} of {resultat.retraits_demandes} asked one by one are gone)"


def _unproved(fenetres: tuple[FenetreBilan, ...]) -> Iterator[str]:
    # The parts of a crowded second say nothing that its whole does not.
    doubtful = [fenetre for fenetre in fenetres if fenetre.verdict != "prouvee" and not fenetre.critere]
    for fenetre in doubtful[:_WINDOWS_SHOWN]:
        what = f"{count(fenetre.manquantes, 'offer')} missing" if fenetre.manquantes else "in doubt"
        yield (
            f"  window {fenetre.numero} ({_instant(fenetre.debut_ms)} to {_instant(fenetre.fin_ms)}): "
            f"{what}; {fenetre.raison}"
        )
    if len(doubtful) > _WINDOWS_SHOWN:
        yield f"  … and {count(len(doubtful) - _WINDOWS_SHOWN, 'window')} more; all of them: table fenetres"


def _instant(ms: int | None) -> str:
    """An offer's creation as the API shows it, to the second; Z is as it is written, whatever it means."""
    if ms is None:
        return "…"
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def next_commands(store: Path, *, proved: bool, continuable: bool = False) -> list[str]:
    """What can be typed after a run; `continuable`: the next one can ask again what is in doubt, and only that."""
    option = _store_option(store)
    commands = [
        f"moisson status{option}",
        f'moisson sql{option} "select type_contrat, count(*) as offres from offres group by all order by offres desc"',
    ]
    if proved:
        return commands
    return [*([f"moisson collect{option}"] if continuable else []), doubtful_windows(store), *commands]


def doubtful_windows(store: Path) -> str:
    """The command that lists the windows of the last run that are not proved."""
    return (
        f"moisson sql{_store_option(store)} \"select * from fenetres where verdict <> 'prouvee' "
        'and collecte = (select max(collecte) from fenetres)"'
    )


def _store_option(store: Path) -> str:
    # The usual store needs no option; a path is quoted so that the line can be pasted.
    return "" if store == Path("moisson-store") else f" --store {shell(store)}"
