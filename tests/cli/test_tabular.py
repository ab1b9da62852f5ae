"""A result as a table for a person: it fits the terminal, numbers to the right, nothing breaks a line."""

from __future__ import annotations

import io

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from moisson.cli.tabular import GAP, NARROW, Shown, fit, write_table


@given(st.lists(st.integers(0, 60), min_size=1, max_size=60), st.integers(1, 200))
def test_fit(widths: list[int], room: int) -> None:
    """It fits; nothing is wider than it would like; columns go only when all that stay are as narrow as they may be."""
    fitted = fit(widths, room)
    assert sum(fitted) + len(GAP) * (len(fitted) - 1) <= room
    assert all(got <= max(1, wanted) for got, wanted in zip(fitted, widths, strict=False))
    assert 1 <= len(fitted) <= len(widths)
    if len(fitted) < len(widths):
        one_more = [min(NARROW, width) for width in widths[: len(fitted) + 1]]
        assert sum(one_more) + len(GAP) * len(fitted) > room
    if sum(widths) + len(GAP) * (len(widths) - 1) <= room:
        assert fitted == widths


def shown(table: pa.Table, width: int | None) -> tuple[Shown, str]:
    """What is said of it, and the text."""
    out = io.BytesIO()
    return write_table(table.to_reader(), out, width=width), out.getvalue().decode()


def test_a_table() -> None:
    """The whole text, wide and narrow."""
    table = pa.table({"intitule": ["Boulanger\n(H/F)", "x" * 30, None], "n": [1, 20, 300], "fin": ["a", "b", "c" * 30]})
    said, text = shown(table, 40)
    assert said == Shown(3, False, 0)
    assert text == (
        "intitule            n  fin\n"
        "----------------  ---  ----------------\n"
        "Boulanger (H/F)     1  a\n"
        "xxxxxxxxxxxxxxx…   20  b\n"
        "                  300  ccccccccccccccc…\n"
    )
    assert max(map(len, text.splitlines())) <= 40
    said, text = shown(table, 18)
    assert (said.hidden, text.splitlines()[0]) == (1, "intitule         n")
    _, text = shown(table, None)
    assert "x" * 30 in text
