"""Every indicator against a second way of computing it: plain Python over the nights that a store was filled from."""

from __future__ import annotations

import datetime as dt
import statistics
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from moisson.errors import UsageError
from moisson.store.engine import Engine, connect
from moisson.store.indicators.axes import AXES, read_axes
from moisson.store.indicators.definitions import INDICATEURS, MASQUE_RETIREES, PETIT, indicateur
from moisson.store.indicators.result import Chiffres, ask
from moisson.store.indicators.statement import Question
from moisson.store.indicators.views import indicator_views
from moisson.store.views import View
from tests.store.derive.test_doublons import text
from tests.store.filling import NOW_S, collect, make_offre, open_here
from tests.store.indicators.nights import LIEUX, Nuit, Vraie, fill, make_nights, stays
from tests.store.indicators.reference import reference

NIGHTS = make_nights(7, 12, 240)
BEGAN = dt.datetime.fromtimestamp(NOW_S, dt.UTC).date()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The engine of a store that collected all the nights."""
    folder = tmp_path_factory.mktemp("nights") / "store"
    fill(folder, NIGHTS)
    with connect(open_here(folder)) as found:
        yield found


# --- the second way ---------------------------------------------------------------------------------------------------


def date_of(night: int) -> dt.date:
    """The day of a night."""
    return BEGAN + dt.timedelta(days=night)


def period(axis: str, night: int) -> dt.date:
    """The first day of the period that a night is in."""
    day = date_of(night)
    if axis == "semaine":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if axis == "mois" else day


def states(axes: list[str]) -> list[tuple[Any, Vraie]]:
    """The offers online, now or at the end of each period."""
    time = next((axis for axis in axes if AXES[axis].sorte == "periode"), None)
    if time is None:
        return [(None, vraie) for vraie in NIGHTS[-1].values()]
    last = {period(time, night): night for night in range(len(NIGHTS))}
    return [(p, vraie) for p, night in last.items() for vraie in NIGHTS[night].values()]


def by_keys(rows: list[tuple[Any, Any]], axes: list[str], offre: Any) -> dict[tuple[Any, ...], list[Any]]:
    """Rows of a period and something that `offre` makes an offer of, by their place on the axes."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for when, row in rows:
        key = tuple(when if AXES[axis].sorte == "periode" else offre(row).key(axis) for axis in axes)
        found.setdefault(key, []).append(row)
    return found


def moves(axes: list[str], what: str) -> list[tuple[Any, Any]]:
    """The stays that count for arrivals, departures or times online, each with its period."""
    time = next((axis for axis in axes if AXES[axis].sorte == "periode"), "jour")
    found = []
    for stay in stays(NIGHTS):
        if what == "departs":
            if stay.fin is not None:
                found.append((period(time, stay.fin), stay))
        elif stay.debut > 0:
            found.append((period(time, stay.debut), stay))
    return found


def survival_median(times: list[tuple[int, bool]]) -> int | None:
    """Kaplan and Meier's median, day by day."""
    alive = 1.0
    for day in range(1 + max(t for t, _ in times)):
        at_risk = sum(t >= day for t, _ in times)
        ended = sum(t == day and over for t, over in times)
        if at_risk:
            alive *= 1 - ended / at_risk
        if alive <= 0.5 + 1e-9:
            return day
    return None


def expected(nom: str, axes: list[str], populations: dict[Any, int]) -> dict[tuple[Any, ...], tuple[Any, int]]:
    """The value and n of each figure, before anything is hidden."""
    if nom in {"nouvelles", "retirees", "duree_mediane"}:
        what = {"nouvelles": "arrivees", "retirees": "departs", "duree_mediane": "durees"}[nom]
        groups = by_keys(moves(axes, what), axes, lambda s: s.premiere if what == "arrivees" else s.derniere)
        if nom != "duree_mediane":
            return {key: (len(found), len(found)) for key, found in groups.items()}
        last = len(NIGHTS) - 1
        times = {k: [((s.fin or last) - s.debut, s.fin is not None) for s in found] for k, found in groups.items()}
        return {key: (survival_median(found), len(found)) for key, found in times.items()}
    found: dict[tuple[Any, ...], tuple[Any, int]] = {}
    for key, offres in by_keys(states(axes), axes, lambda o: o).items():
        n, postes = len(offres), sum(o.postes for o in offres)
        inhabitants = populations.get(key[0] if axes and AXES[axes[0]].sorte == "territoire" else "pays")
        yearly = [12 * o.mensuel for o in offres if o.mensuel]
        value: Any = {
            "offres": n,
            "postes": postes,
            "offres_pour_mille": 1000 * n / inhabitants if inhabitants else None,
            "postes_pour_mille": 1000 * postes / inhabitants if inhabitants else None,
            "part_cdi": 100 * sum(o.contrat in {"CDI", "DIN"} for o in offres) / n,
            "part_partenaires": 100 * sum(o.partenaire for o in offres) / n,
            "part_salaire": 100 * len(yearly) / n,
            "salaire_median": statistics.median(yearly) if yearly else None,
        }[nom]
        found[key] = (value, len(yearly) if nom == "salaire_median" else n)
    return found


BY = [
    [],
    ["region"],
    ["departement"],
    ["epci"],
    ["commune"],
    ["grand_domaine"],
    ["rome", "contrat"],
    ["jour"],
    ["semaine"],
    ["mois"],
    ["departement", "semaine"],
    ["region", "domaine", "contrat", "jour"],
    ["commune", "rome", "semaine"],
    ["epci", "jour"],
]


def possible(nom: str, axes: list[str]) -> bool:
    """Whether an indicator can be told by these: what the definitions promise, written down a second time."""
    past = nom in {"nouvelles", "retirees", "duree_mediane"} or bool({"jour", "semaine", "mois"} & set(axes))
    fine = bool({"commune", "epci"} & set(axes))
    counts = {"offres", "postes", "offres_pour_mille", "postes_pour_mille", "nouvelles", "retirees"}
    return not (past and fine and nom not in counts)


@pytest.mark.parametrize("axes", BY, ids="-".join)
@pytest.mark.parametrize("nom", INDICATEURS)
def test_each_indicator_is_what_plain_python_makes_of_it(engine: Engine, nom: str, axes: list[str]) -> None:
    """Value, n, what is hidden and why, by every sort of territory, trade, contract and period."""
    if not possible(nom, axes):
        with pytest.raises(UsageError):
            ask(engine, Question(indicateur(nom), read_axes(axes)))
        return
    found = ask(engine, Question(indicateur(nom), read_axes(axes)))
    shown = {tuple(row[axis] for axis in axes): row for row in found.table.to_pylist()}
    assert len(shown) == found.table.num_rows, "a figure is told twice"
    truth = expected(nom, axes, inhabitants(engine, axes))
    if nom == "salaire_median":
        assert set(truth) <= set(shown)
    for key, (value, n) in truth.items():
        check(nom, axes, shown.pop(key), value, n)
    for row in shown.values():
        assert row["n"] == 0
        assert row["valeur"] == (0 if INDICATEURS[nom].genre in {"compte", "taux"} and not lonely(row) else None)


def lonely(row: dict[str, Any]) -> bool:
    """Whether nobody lives there."""
    return "population" in row and row["population"] is None


def check(nom: str, axes: list[str], row: dict[str, Any], value: Any, n: int) -> None:
    """One figure against the truth."""
    past = nom in {"nouvelles", "retirees", "duree_mediane"} or bool({"jour", "semaine", "mois"} & set(axes))
    least = {"duree_mediane": 10, "part_cdi": 10, "part_partenaires": 10, "part_salaire": 10, "salaire_median": 10}
    hidden = 0 < n < max(least.get(nom, 0), 3 if past else 0)
    marks = set((row["mention"] or "").split())
    assert ("masque" in marks) == hidden
    assert ("petit" in marks) == (0 < n < PETIT and not hidden)
    assert row["n"] == (None if past and 0 < n < MASQUE_RETIREES else n)
    if hidden or value is None:
        assert row["valeur"] is None
    else:
        assert row["valeur"] == pytest.approx(value, abs=0.5 * 10 ** -INDICATEURS[nom].decimales + 1e-9)


def inhabitants(engine: Engine, axes: list[str]) -> dict[Any, int]:
    """Populations, summed from the communes in Python."""
    communes = engine.query("FROM communes").to_pylist()
    found: Counter[Any] = Counter()
    for commune in communes:
        commune["commune"] = commune["code"]
        found["pays"] += commune["population"] or 0
        if axes and AXES[axes[0]].sorte == "territoire":
            found[commune[axes[0]]] += commune["population"] or 0
    found.pop(None, None)
    return found


@pytest.mark.parametrize("view", indicator_views(), ids=lambda view: view.nom)
def test_the_views_are_the_same_figures(engine: Engine, view: View) -> None:
    """Row for row what asking gives, what is hidden hidden; each indicator that can be told so is there."""
    axis = view.nom.removeprefix("indicateurs_par_")
    found = engine.query(f"FROM {view.nom}")
    assert found.schema.names == view.colonnes.names
    assert [field.type for field in found.schema] == [field.type for field in view.colonnes]
    said: dict[str, list[dict[str, Any]]] = {}
    for row in found.to_pylist():
        said.setdefault(row.pop("indicateur"), []).append(row)
    now = {nom for nom in INDICATEURS if nom not in {"nouvelles", "retirees", "duree_mediane"}}
    assert set(said) == (set(INDICATEURS) if axis == "semaine" else now)
    for nom, rows in said.items():
        table = asked(engine, nom, axis).table
        assert sorted(rows, key=str) == sorted(table.select(view.colonnes.names[1:]).to_pylist(), key=str)
        assert engine.query(f"FROM {view.nom} WHERE indicateur = '{nom}'").num_rows == len(rows)


# --- what must be told ------------------------------------------------------------------------------------------------


def test_what_is_not_placed_is_told(engine: Engine) -> None:
    """The share that has no département, no commune; and, looking at one région, what is nowhere."""
    now = list(NIGHTS[-1].values())
    for axis in ("region", "departement", "epci", "commune"):
        found = asked(engine, "offres", axis)
        assert (found.n, found.non_places) == (len(now), sum(o.key(axis) is None for o in now))
        assert found.part_non_placee == pytest.approx(sum(o.key(axis) is None for o in now) / len(now))
    here = asked(engine, "offres", "commune", region="84")
    assert here.n == sum(o.lieu.region == "84" for o in now)
    assert here.non_places == sum(o.lieu.region == "84" and o.lieu.commune is None for o in now)
    assert here.sans_lieu == sum(o.lieu.region is None for o in now)
    assert here.table.filter(here.table["commune"].is_valid())["commune"].to_pylist()[0].startswith("01")


def asked(engine: Engine, nom: str, *axes: str, **more: Any) -> Chiffres:
    """An indicator."""
    return ask(engine, Question(indicateur(nom), read_axes(axes), **more))


def test_a_choice_of_trade_contract_and_place_is_a_choice_of_rows(engine: Engine) -> None:
    """Filters keep exactly the offers that they name, now and in the past."""

    def right(o: Vraie) -> bool:
        return o.rome.startswith("M18") and o.contrat == "CDI" and o.lieu.departement == "74"

    chosen: dict[str, Any] = {"departement": "74", "metier": "M18", "contrat": "CDI"}
    assert asked(engine, "offres", **chosen).n == sum(map(right, NIGHTS[-1].values()))
    assert asked(engine, "nouvelles", **chosen).n == sum(s.debut > 0 and right(s.premiere) for s in stays(NIGHTS))
    fine = asked(engine, "retirees", "commune", **chosen)
    assert fine.n == sum(s.fin is not None and right(s.derniere) for s in stays(NIGHTS))


def test_territories_and_periods_without_offers_are_there(engine: Engine) -> None:
    """A département without an offer is a row with 0, not a hole; so is a day on which nothing came."""
    table = asked(engine, "offres", "departement").table
    assert table.num_rows == 109 + 1
    assert table.filter(table["departement"].is_null())["mention"].to_pylist()[0].split()[-1] == "non_place"
    assert asked(engine, "nouvelles", "departement", "jour").table.num_rows >= 109 * (len(NIGHTS) - 1)


def test_weeks_that_are_not_whole_say_so(engine: Engine) -> None:
    """The first and the last week have fewer than seven nights, and say how many."""
    nights = Counter(period("semaine", night) for night in range(1, len(NIGHTS)))
    for row in asked(engine, "nouvelles", "semaine").table.to_pylist():
        assert row["nuits"] == nights[row["semaine"]]
        assert ("incomplet" in (row["mention"] or "").split()) == (nights[row["semaine"]] < 7)


def test_what_needs_more_nights_says_how_many(tmp_path: Path) -> None:
    """Change cannot be told of one night; the message says so instead of a figure of nought."""
    first: list[Nuit] = [{0: Vraie(0, LIEUX[0], "M1805", "CDI", 1, False, None)}]
    fill(tmp_path / "store", first)
    with connect(open_here(tmp_path / "store")) as engine:
        with pytest.raises(UsageError, match="nouvelles needs 2 nights, this store has 1"):
            asked(engine, "nouvelles", "semaine")
        assert asked(engine, "offres", "jour").table.num_rows == 1


def test_questions_that_do_not_fit_are_refused() -> None:
    """Each with what to do instead."""
    with pytest.raises(UsageError, match=r"There is no indicator ofres.*Did you mean offres"):
        indicateur("ofres")
    with pytest.raises(UsageError, match="Nothing can be told by canton"):
        read_axes(["canton"])
    with pytest.raises(UsageError, match="region and commune cannot be asked at once"):
        read_axes(["commune", "region"][::-1])
    with pytest.raises(UsageError, match=r"nouvelles cannot .* online now only\. Leave --distinct out\.$"):
        Question(indicateur("nouvelles"), (), distinct=True)
    with pytest.raises(UsageError, match=r"offres cannot .* by semaine.* or the period: the present can be told\.$"):
        Question(indicateur("offres"), read_axes(["semaine"]), distinct=True)
    with pytest.raises(UsageError, match="M'5 is no code of a metier"):
        Question(indicateur("offres"), metier="M'5")


def test_a_territory_that_is_none_is_refused(engine: Engine) -> None:
    """By its code, before anything is computed."""
    with pytest.raises(UsageError, match="There is no departement 20"):
        asked(engine, "offres", departement="20")


def test_an_empty_store_has_figures_of_nought(tmp_path: Path) -> None:
    """Nothing was ever collected: no offers, rather than an error."""
    with connect(open_here(tmp_path / "store")) as engine:
        assert asked(engine, "offres").table.to_pylist() == [{"valeur": 0, "n": 0, "mention": None}]


def test_the_document_is_written_from_the_definitions() -> None:
    """docs/indicators.md says what the code does; `make docs` writes it."""
    path = Path(__file__).parents[3] / "docs" / "indicators.md"
    assert path.read_text(encoding="utf-8") == reference()


def test_distinct_counts_a_job_once(tmp_path: Path) -> None:
    """Ten jobs, three of them published through a second partner too: thirteen offers, ten jobs."""

    def offre(n: int, job: int, partner: str) -> dict[str, Any]:
        return make_offre(
            n,
            intitule="Cuisinier (H/F)",
            description=text(job),
            romeCode="G1602",
            typeContrat="CDI",
            nombrePostes=2,
            origineOffre={"origine": "2", "partenaires": [{"nom": partner}]},
        )

    offres = [offre(n, n, "A") for n in range(10)] + [offre(20 + n, n, "B") for n in range(3)]
    collect(tmp_path / "store", offres, page=150)
    with connect(open_here(tmp_path / "store")) as engine:
        for nom, every, once in (("offres", 13, 10), ("postes", 26, 20)):
            assert asked(engine, nom, "departement").table["valeur"].to_pylist().count(every) == 1
            found = asked(engine, nom, "departement", distinct=True).table
            assert max(found["valeur"].to_pylist()) == once


def test_a_store_of_an_older_moisson_says_what_it_lacks(tmp_path: Path) -> None:
    """It has offers, but no history and no pay that was read: figures of the one, a plain word of the others."""
    with tarfile.open(Path(__file__).parents[1] / "old_stores" / "format-1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with connect(open_here(tmp_path / "store")) as engine:
        assert asked(engine, "offres", "departement").n > 0
        with pytest.raises(UsageError, match="nouvelles needs history"):
            asked(engine, "nouvelles")
        with pytest.raises(UsageError, match="salaire_median needs the pay"):
            asked(engine, "salaire_median")
        told = engine.query("SELECT DISTINCT indicateur AS nom FROM indicateurs_par_region")["nom"].to_pylist()
        assert set(told) == {
            "offres", "postes", "offres_pour_mille", "postes_pour_mille", "part_cdi", "part_partenaires"
        }  # fmt: skip
        with pytest.raises(UsageError, match="indicateurs_par_semaine is not there yet"):
            engine.query("FROM indicateurs_par_semaine")
