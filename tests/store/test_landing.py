"""A page that landed reads back as it was, whichever way it came."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.errors import StoreCorrupt
from moisson.store.landing import land_page, read_page
from moisson.store.layout import RunLayout


def run_in(folder: Path) -> RunLayout:
    """The folder of a run, ready to land in."""
    layout = RunLayout(folder)
    layout.pages.mkdir(parents=True)
    return layout


@given(st.binary(max_size=300), st.sampled_from(["gzip", "", "identity", "GZIP", "x-gzip"]))
def test_what_landed_reads_back(tmp_path_factory: pytest.TempPathFactory, body: bytes, encodage: str) -> None:
    """Gzip is kept as it came, anything else is compressed here."""
    layout = run_in(tmp_path_factory.mktemp("run"))
    packed = "gzip" in encodage.lower()
    wire = gzip.compress(body) if packed else body
    name = land_page(layout, 7, wire, encodage)
    assert name == "00000007.json.gz"
    assert read_page(layout.page(name)) == body
    if packed:
        assert layout.page(name).read_bytes() == wire
    assert [path.name for path in layout.pages.iterdir()] == [name]


def test_threads_land_at_once(tmp_path: Path) -> None:
    """Each its own number."""
    layout = run_in(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda no: land_page(layout, no, b"%d" % no, ""), range(1, 60)))
    assert [read_page(layout.page(name)) for name in names] == [b"%d" % no for no in range(1, 60)]


def test_an_encoding_that_was_not_asked_for_is_refused(tmp_path: Path) -> None:
    """The client asks for gzip only; anything else would be landed unread."""
    layout = run_in(tmp_path)
    for encodage in ("br", "zstd", "deflate", "gzip, br"):
        with pytest.raises(ValueError, match="not from"):
            land_page(layout, 1, b"x", encodage)
    with pytest.raises(ValueError, match="gzip"):
        land_page(layout, 1, b"not gzip at all", "gzip")


@pytest.mark.parametrize("keep", [0, 5, 20, -1])
def test_a_short_or_missing_page_is_told(tmp_path: Path, keep: int) -> None:
    """Whatever the disk did to it."""
    layout = run_in(tmp_path)
    path = layout.page(land_page(layout, 1, b'{"resultats": []}' * 9, ""))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreCorrupt, match="damaged"):
        read_page(path)
    path.unlink()
    with pytest.raises(StoreCorrupt, match="missing"):
        read_page(path)
