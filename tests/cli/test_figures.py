"""`moisson indicator`, `map` and `series`, as a person types them."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli
from tests.store.filling import collect, make_offre


def fill(folder: Path) -> None:
    """One night of forty offers, a quarter of them nowhere."""
    somewhere = {"libelle": "74 - RUMILLY", "commune": "74225"}
    collect(
        folder,
        [
            make_offre(
                n, lieuTravail=somewhere if n % 4 else {"libelle": "France"}, romeCode="M1805", typeContrat="CDI"
            )
            for n in range(40)
        ],
        page=150,
    )


def test_an_indicator_on_the_screen(cli: Cli, tmp_path: Path) -> None:
    """The figures on the standard output, what must be told of them on the other."""
    fill(tmp_path / "moisson-store")
    done = cli("indicator", "offres", "--by", "contrat", "--region", "84")
    assert done.code == 0
    assert done.out.splitlines()[0].split() == ["contrat", "contrat_nom", "valeur", "n", "mention"]
    assert done.out.splitlines()[2].split() == ["CDI", "30", "30"]
    assert "10 offers of the country cannot be placed" in done.err


def test_the_list_of_indicators(cli: Cli) -> None:
    """Without a name and without a store, what there is."""
    done = cli("indicator")
    assert done.code == 0
    assert "salaire_median" in done.out
    assert "part_cdi" in done.out


def test_a_file_and_what_is_said_of_it(cli: Cli, tmp_path: Path) -> None:
    """The file, the one beside it, and the share that is not placed."""
    fill(tmp_path / "moisson-store")
    done = cli("indicator", "offres", "a.csv", "--by", "departement")
    assert (done.code, done.out) == (0, "")
    assert "a.csv: 110 rows; beside it: a.csv.datapackage.json" in done.err
    assert "25.0% of 40 offers are not placed at this level" in done.err
    assert '"74","Haute-Savoie",30,30,' in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_what_needs_more_nights_ends_with_2(cli: Cli, tmp_path: Path) -> None:
    """And no file, rather than one of noughts."""
    fill(tmp_path / "moisson-store")
    done = cli("series", "nouvelles", "a.png")
    assert done.code == 2
    assert "nouvelles needs 2 nights, this store has 1" in done.err
    assert not (tmp_path / "a.png").exists()


def test_a_map_by_default(cli: Cli, tmp_path: Path) -> None:
    """One argument makes a page of offers per inhabitant by département."""
    fill(tmp_path / "moisson-store")
    done = cli("map", "carte.html")
    assert done.code == 0
    assert "Offres d'emploi en ligne pour 1 000 habitants" in (tmp_path / "carte.html").read_text(encoding="utf-8")


def test_what_a_map_would_need_is_said(cli: Cli, tmp_path: Path) -> None:
    """Without borders, circles and the command that brings them; counts are circles anyway."""
    fill(tmp_path / "moisson-store")
    assert "territories --fetch --store moisson-store brings them" in cli("map", "a.svg", "--by", "epci").err
    assert "--fetch" not in cli("map", "b.svg", "--by", "epci", "--indicator", "offres").err
