"""Maps and series: what they say, what they draw, and the page in a browser."""

from __future__ import annotations

import gzip
import hashlib
import html.parser
import itertools
import json
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from msgspec.structs import replace

from moisson.errors import StoreCorrupt, UsageError
from moisson.figures import map as maps
from moisson.figures.report import write_map, write_series
from moisson.figures.series import COLOURS as LINES
from moisson.store.engine import connect
from moisson.store.indicators.axes import read_axes
from moisson.store.indicators.definitions import indicateur
from moisson.store.indicators.result import Chiffres
from moisson.store.indicators.statement import Question
from moisson.store.provenance import read_provenance
from moisson.territory.fetch import FILES, Fetched
from tests.store.filling import NOW_S, collect, make_offre, open_here

PLACES = {
    "74010": ("74 - ANNECY", 45.9, 6.12),
    "75108": ("75 - PARIS 08", 48.87, 2.31),
    "38185": ("38 - GRENOBLE", 45.18, 5.72),
    "97411": ("974 - ST DENIS", -20.9, 55.45),
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights of offers in four places, few of them in La Réunion, and some nowhere."""
    found = tmp_path_factory.mktemp("maps") / "store"
    for night in range(3):
        offres = []
        for n in range(night * 40, 300 + night * 30):
            code = "97411" if n % 60 == 0 else [*list(PLACES)[:3], None][n % 4]
            lieu = {"libelle": "France"}
            if code is not None:
                label, latitude, longitude = PLACES[code]
                lieu = {"libelle": label, "commune": code, "latitude": latitude, "longitude": longitude}
            offres.append(make_offre(n, lieuTravail=lieu, romeCode="M1805", typeContrat="CDI" if n % 3 else "CDD"))
        collect(found, offres, NOW_S + night * 86_400, page=150, rows_max=5000)
    return found


def drawn(folder: Path, file: Path, nom: str, by: str, *, simulated: bool = False, **more: str) -> Chiffres:
    """Draw a map, or a series when a period is asked."""
    store = open_here(folder)
    question = Question(indicateur(nom), read_axes(by.split(",")), **more)  # type: ignore[arg-type]
    provenance = replace(read_provenance(store, time.time(), "moisson test"), simulated=simulated)
    with connect(store) as engine:
        if question.periode is not None:
            return write_series(file, engine, question, provenance)
        return write_map(file, engine, question, provenance, folder / "territoires")


def texts(file: Path) -> list[str]:
    """Every text of an SVG."""
    return ["".join(node.itertext()) for node in ET.parse(file).iter(f"{SVG}text")]


def test_a_map_says_what_where_when_from_whom_and_what_is_left_out(folder: Path, tmp_path: Path) -> None:
    """Title, place, day, unit, classes and how they were cut, source, population, what is not placed, simulated."""
    drawn(folder, tmp_path / "a.svg", "part_cdi", "departement", simulated=True)
    said = "\n".join(texts(tmp_path / "a.svg"))
    assert "DONNÉES SIMULÉES" in said
    assert "aucune offre n'est vraie" in said
    chiffres = drawn(folder, tmp_path / "a.svg", "offres_pour_mille", "departement")
    said = "\n".join(texts(tmp_path / "a.svg"))
    share = f"{100 * (chiffres.part_non_placee or 0):.1f}".replace(".", ",")
    for text in (
        "Offres d'emploi en ligne pour 1 000 habitants, par département",
        "France, au 23 septembre 2026",
        "Source : France Travail, API Offres d'emploi v2 ; dernière mise à jour 23 septembre 2026",
        "licence-offres-emploi",
        "Population municipale 2023",
        f"{share} % ne sont pas localisées",
        "habitants",
        "classes d'effectifs voisins",
        "sur moins",
        "La Réunion",
        "Paris et petite couronne",
    ):
        assert text in said, text
    assert "SIMULÉES" not in said


def test_shares_are_colours_and_counts_are_circles(folder: Path, tmp_path: Path) -> None:
    """A hidden share is hatched; a count has a circle for each territory that has some, and a legend of areas."""
    drawn(folder, tmp_path / "part.svg", "part_cdi", "departement")
    assert any("moins de 10 offres" in text for text in texts(tmp_path / "part.svg"))
    assert not ids(tmp_path / "part.svg", "c-")
    drawn(folder, tmp_path / "offres.svg", "offres", "departement")
    assert circles(tmp_path / "offres.svg") == {"c-metropole": 3, "c-d974": 1, "c-paris": 1}
    assert "Aire du cercle : offres" in texts(tmp_path / "offres.svg")


def circles(file: Path) -> dict[str, int]:
    """How many circles each group of an SVG has: matplotlib refers to shapes, or repeats them where they are few."""
    found = {}
    for group in ET.parse(file).iter(f"{SVG}g"):
        if (group.get("id") or "").startswith("c-"):
            kept = {shape for defs in group.iter(f"{SVG}defs") for shape in defs.iter()}
            found[group.get("id") or ""] = sum(
                node.tag in {f"{SVG}use", f"{SVG}path"} and node not in kept for node in group.iter()
            )
    return found


def ids(file: Path, start: str) -> set[str]:
    """The ids of an SVG that begin so."""
    return {found for node in ET.parse(file).iter() if (found := node.get("id") or "").startswith(start)}


def test_every_departement_is_drawn_and_overseas_has_its_frames(folder: Path, tmp_path: Path) -> None:
    """96 on the main map, five overseas, and four again near Paris."""
    drawn(folder, tmp_path / "a.svg", "offres_pour_mille", "departement")
    found = ids(tmp_path / "a.svg", "t-")
    assert len({element for element in found if element.startswith("t-metropole-")}) == 96
    assert {element for element in found if element.startswith("t-d")} == {
        f"t-d{code}-{code}" for code in ("971", "972", "973", "974", "976")
    }
    assert len({element for element in found if element.startswith("t-paris-")}) == 4


def test_communes_of_one_region_are_circles_where_their_offers_are(folder: Path, tmp_path: Path) -> None:
    """Only those of the région, the share of the nowhere told."""
    drawn(folder, tmp_path / "a.svg", "offres", "commune", region="84")
    said = "\n".join(texts(tmp_path / "a.svg"))
    assert "Auvergne-Rhône-Alpes, au 23 septembre 2026" in said
    assert "ne sont localisées nulle part" in said
    assert circles(tmp_path / "a.svg") == {"c-metropole": 2}


SQUARES = {
    "contours_communes": {"74010": (6.0, 45.8), "38185": (5.6, 45.1), "75056": (2.25, 48.8), "97411": (55.4, -21.0)},
    "contours_epci": {"200066793": (6.0, 45.8), "200040715": (5.6, 45.1)},
}


@pytest.fixture(scope="module")
def with_borders(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same store with borders brought: a square for each territory, one of them in two parts, one with a hole."""
    made = tmp_path_factory.mktemp("borders") / "store"
    shutil.copytree(folder, made, symlinks=True)
    places = made / "territoires"
    places.mkdir()
    records = []
    for one in FILES[:2]:
        features = [
            {"type": "Feature", "properties": {"code": code, "nom": "-"}, "geometry": square(*place, code == "74010")}
            for code, place in SQUARES[one.nom].items()
        ]
        data = gzip.compress(json.dumps({"type": "FeatureCollection", "features": features}).encode())
        (places / one.fichier).write_bytes(data)
        records.append(
            Fetched(one.nom, one.url, "", "2026", "", "", one.fichier, hashlib.sha256(data).hexdigest(), len(data), 0.0)
        )
    (places / "territoires.json").write_bytes(msgspec.json.encode(records))
    return made


def square(x: float, y: float, parts: bool) -> dict[str, object]:
    """A square of a fifth of a degree with a hole; or with an island beside it."""

    def ring(x: float, y: float, side: float) -> list[list[float]]:
        return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]

    if parts:
        return {"type": "MultiPolygon", "coordinates": [[ring(x, y, 0.2)], [ring(x + 0.3, y, 0.05)]]}
    return {"type": "Polygon", "coordinates": [ring(x, y, 0.2), ring(x + 0.05, y + 0.05, 0.05)[::-1]]}


def shapes_of(file: Path) -> dict[str, list[str]]:
    """The fill of each area of each group of an SVG."""
    found: dict[str, list[str]] = {}
    for group in ET.parse(file).iter(f"{SVG}g"):
        if (name := group.get("id") or "").startswith("s-"):
            kept = {shape for defs in group.iter(f"{SVG}defs") for shape in defs.iter()}
            areas = [node for node in group.iter() if node.tag in {f"{SVG}use", f"{SVG}path"} and node not in kept]
            found[name] = [re.findall(r"fill: ([^;]+)", area.get("style") or "")[0] for area in areas]
    return found


def test_borders_that_were_brought_are_coloured(with_borders: Path, folder: Path, tmp_path: Path) -> None:
    """Communes and EPCI are areas, each where it lies; those without a border are told; without the file, circles."""
    drawn(with_borders, tmp_path / "a.svg", "offres_pour_mille", "commune")
    found = shapes_of(tmp_path / "a.svg")
    assert {name: len(areas) for name, areas in found.items()} == {"s-metropole": 3, "s-d974": 1, "s-paris": 1}
    assert set(found["s-metropole"]) <= {"#ffffff", *maps.COLOURS}
    assert circles(tmp_path / "a.svg") == {}
    drawn(with_borders, tmp_path / "b.svg", "offres_pour_mille", "epci")
    assert {name: len(areas) for name, areas in shapes_of(tmp_path / "b.svg").items()} == {"s-metropole": 2}
    # Paris and La Réunion have offers, but no border in that file.
    assert "2 territoires sans contour connu" in " ".join(texts(tmp_path / "b.svg")).replace("\n", " ")
    drawn(folder, tmp_path / "c.svg", "offres_pour_mille", "commune")
    assert (shapes_of(tmp_path / "c.svg"), len(circles(tmp_path / "c.svg"))) == ({}, 3)


def test_areas_of_few_offers_are_hatched_and_a_count_stays_a_circle(with_borders: Path, tmp_path: Path) -> None:
    """As on every other map."""
    drawn(with_borders, tmp_path / "a.svg", "part_cdi", "commune")
    found = shapes_of(tmp_path / "a.svg")
    assert len(found["s-d974-masque"]) == 1
    assert found["s-d974-masque"][0].startswith("url(#")
    drawn(with_borders, tmp_path / "b.svg", "offres", "commune", region="84")
    assert (shapes_of(tmp_path / "b.svg"), circles(tmp_path / "b.svg")) == ({}, {"c-metropole": 2})


def test_the_page_knows_the_areas(with_borders: Path, tmp_path: Path) -> None:
    """In the order in which they stand in the drawing."""
    drawn(with_borders, tmp_path / "a.html", "offres_pour_mille", "commune", region="84")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    data = json.loads(re.findall(r"^const data = (.+);$", text, re.MULTILINE)[0])
    assert data["circles"] == {"s-metropole": ["38185", "74010"]}
    assert data["labels"]["74010"][0] == "Annecy"


def test_a_damaged_file_of_borders_is_told(with_borders: Path, tmp_path: Path) -> None:
    """With what to do; nothing is drawn."""
    path = with_borders / "territoires" / FILES[1].fichier
    whole = path.read_bytes()
    for data in (whole[:-20], gzip.compress(b'{"features": 1}'), gzip.compress(b'{"features": [{"properties": {}}]}')):
        path.write_bytes(data)
        with pytest.raises(StoreCorrupt, match="is not a file of borders"):
            drawn(with_borders, tmp_path / "a.svg", "offres_pour_mille", "epci")
    path.write_bytes(whole)
    assert list(tmp_path.iterdir()) == []


def test_the_same_figures_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """A figure in a repository does not change by itself."""
    for name in ("a", "b"):
        drawn(folder, tmp_path / f"{name}.svg", "part_cdi", "region")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_colours_are_for_every_eye() -> None:
    """Classes darken step by step, so that they are told apart without any hue; lines differ for a deuteranope."""
    linear = [np.array(to_rgb(colour)) ** 2.2 for colour in maps.COLOURS]
    light = [float(found @ [0.2126, 0.7152, 0.0722]) for found in linear]
    assert all(b < 0.8 * a for a, b in itertools.pairwise(light))
    # Source of the matrix: Viénot, Brettel and Mollon, 1999, on linear RGB.
    blind = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    seen = [blind @ (np.array(to_rgb(colour)) ** 2.2) for colour in LINES]
    for n, one in enumerate(seen):
        for other in seen[:n]:
            assert np.linalg.norm(np.clip(one, 0, 1) ** (1 / 2.2) - np.clip(other, 0, 1) ** (1 / 2.2)) > 0.1


def test_a_series_draws_what_was_seen(folder: Path, tmp_path: Path) -> None:
    """New offers a day: thirty each night after the first; the week is not whole and says so."""
    chiffres = drawn(folder, tmp_path / "a.svg", "nouvelles", "jour")
    assert chiffres.table["valeur"].to_pylist() == [30, 30]
    assert texts(tmp_path / "a.svg").count("30") == 2 + 1
    drawn(folder, tmp_path / "b.svg", "nouvelles", "semaine")
    said = "\n".join(texts(tmp_path / "b.svg"))
    assert "Hachuré ou creux : période où des nuits manquent." in said
    assert "France, du 21 septembre 2026 au 23 septembre 2026" in said
    drawn(folder, tmp_path / "c.png", "offres", "jour,departement")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_periods_without_a_figure_keep_their_place(folder: Path, tmp_path: Path) -> None:
    """No day has a median yet: each has its place on the axis all the same, and it is said why nothing stands there."""
    chiffres = drawn(folder, tmp_path / "a.svg", "duree_mediane", "jour")
    assert chiffres.table["valeur"].to_pylist() == [None, None]
    placed = {node.text: node.get("transform") or "" for node in ET.parse(tmp_path / "a.svg").iter(f"{SVG}text")}
    first, second = (float(re.findall(r"translate\(([\d.]+)", placed[day])[0]) for day in ("22", "23"))
    assert second - first > 100
    assert "Sans point : plus de la moitié des offres encore en ligne." in texts(tmp_path / "a.svg")


def test_questions_that_make_no_figure_are_refused(folder: Path, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match="A map is told by one territory"):
        drawn(folder, tmp_path / "a.png", "offres", "rome")
    with pytest.raises(UsageError, match=r"There are: \.html, \.png, \.svg"):
        drawn(folder, tmp_path / "a.pdf", "offres", "region")
    with pytest.raises(UsageError, match="one thing more at most"):
        drawn(folder, tmp_path / "a.png", "offres", "region,rome,jour")
    assert list(tmp_path.iterdir()) == []


# --- the page ---------------------------------------------------------------------------------------------------------


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"src", "href", "xlink:href", "data", "action", "srcset"}
        self.found += [value or "" for name, value in attrs if name in names]


def test_the_page_is_alone_and_small(folder: Path, tmp_path: Path) -> None:
    """It refers to nothing but itself, is under 3 MB, and holds every figure in a table too."""
    chiffres = drawn(folder, tmp_path / "a.html", "offres_pour_mille", "departement")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 3_000_000
    links = _Links()
    links.feed(text)
    assert all(link.startswith("#") for link in links.found)
    assert not re.findall(r"url\((?!#)|@import", text)
    assert text.count("<tr>") == chiffres.table.num_rows + 1


PROBE = """<script>
const at = document.querySelector("#t-metropole-74 path").getBoundingClientRect();
const event = {bubbles: true, clientX: at.x + at.width / 2, clientY: at.y + at.height / 2};
document.querySelector("#t-metropole-74 path").dispatchEvent(new PointerEvent("pointermove", event));
document.title = document.getElementById("dire").innerText + "|" + document.getElementById("dire").hidden;
</script></body>"""


@pytest.mark.slow
def test_the_page_works_in_a_browser_and_asks_nobody(folder: Path, tmp_path: Path) -> None:
    """In Chromium, from the disk: the pointer on Haute-Savoie tells its figure, and no request leaves."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium here")
    chiffres = drawn(folder, tmp_path / "a.html", "offres_pour_mille", "departement")
    page = tmp_path / "a.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    log = tmp_path / "net.json"
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}",
            "--virtual-time-budget=2000", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    row = next(row for row in chiffres.table.to_pylist() if row["departement"] == "74")
    value = f"{row['valeur']:.3f}".replace(".", ",")
    expected = f"Haute-Savoie\n{value} offres pour 1 000 habitants\nsur {row['n']} offres|false"
    assert f"<title>{expected}</title>" in done.stdout
    asked = [
        url
        for event in json.loads(log.read_text(encoding="utf-8"))["events"]
        if (url := event.get("params", {}).get("url", "")).startswith(("http", "ws"))
        and "initiator" in event["params"]
        and event["params"]["initiator"].startswith("file")
    ]
    assert asked == []
