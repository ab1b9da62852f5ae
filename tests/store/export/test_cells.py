"""Cells that a spreadsheet cannot take for formulas, nor find too long."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.export.cells import CELL_UNITS_MAX, cut, dangerous, harmless

BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


@given(st.lists(st.one_of(st.none(), st.text(), st.builds(lambda a, b: a + b, st.sampled_from(BEGINNINGS), st.text()))))
def test_no_text_is_left_that_could_be_run(texts: list[str | None]) -> None:
    """Only plain numbers still begin like a formula; every other text is as it was, or after one apostrophe."""
    kept = harmless(pa.array(texts, pa.string())).to_pylist()
    for before, after in zip(texts, kept, strict=True):
        if before is None:
            assert after is None
        elif before.startswith(BEGINNINGS) and after == before:
            float(before.replace(",", "."))
        else:
            assert after == (f"'{before}" if before.startswith(BEGINNINGS) else before)


@given(st.floats(allow_nan=False, allow_infinity=False).map(lambda n: f"{n:.6f}"))
def test_plain_numbers_stay(number: str) -> None:
    """Negative ones too."""
    assert dangerous(pa.array([number, number.replace(".", ",")])).to_pylist() == [False, False]


@given(st.text("aé😀", max_size=5), st.sampled_from("aé😀"), st.integers(16_370, 32_770))
def test_cut(head: str, filling: str, count: int) -> None:
    """A text that fits is untouched; another is its own beginning, as long as it can be."""
    text = head + filling * count
    kept = cut(text)
    units = len(kept.encode("utf-16-le")) // 2
    assert text.startswith(kept)
    assert units <= CELL_UNITS_MAX
    assert kept == text or units >= CELL_UNITS_MAX - 1
