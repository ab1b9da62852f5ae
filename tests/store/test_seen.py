"""Keys of ids, and what a run saw."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from moisson.model import Ligne, PageLue, Plage, Question, QuestionEchouee, QuestionRefusee
from moisson.store.masking import mark
from moisson.store.seen import Erreur, distinct, id_keys, provable, read_seen
from tests.store.filling import make_bilan, make_fenetre

IDS = st.text(max_size=9) | st.from_regex(r"[0-9]{7}|[0-9]{3}[B-DF-HJ-NP-TV-Z]{4}", fullmatch=True)


@given(st.lists(IDS, max_size=12))
def test_keys_tell_ids_apart(ids: list[str]) -> None:
    """Equal keys, equal ids; and a key does not depend on the ids beside it."""
    keys = id_keys(ids)
    assert len(set(keys.tolist())) == len(set(ids))
    assert keys.tolist() == [int(id_keys([id_])[0]) for id_ in ids]


def test_leading_zeros_and_lengths_count() -> None:
    """0660182 is not 660182, nor is a short id the beginning of a long one."""
    ids = ["0660182", "660182", "", "\0", "\0\0", "0660182\0"]
    assert len(set(id_keys(ids).tolist())) == len(ids)


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 99)), max_size=5), max_size=6))
def test_the_last_occurrence_wins(pages: list[list[tuple[int, int]]]) -> None:
    """As a dictionary filled in the order of receipt would have it."""
    faits = [
        PageLue(
            Question(1, "page", Plage(0, 149)),
            len(page),
            tuple(Ligne(f"{n:07d}", creation) for n, creation in page),
            fichier=f"{no}",
        )
        for no, page in enumerate(pages)
    ]
    expected = {
        int(id_keys([f"{n:07d}"])[0]): (no, row, creation)
        for no, page in enumerate(pages)
        for row, (n, creation) in enumerate(page)
    }
    seen = read_seen(faits, make_bilan(0))
    found = zip(seen.page.tolist(), seen.row.tolist(), seen.creation_ms.tolist(), strict=True)
    assert dict(zip(seen.keys.tolist(), found, strict=True)) == expected
    assert seen.keys.tolist() == sorted(expected)
    assert seen.appels == len(pages)


def one_page(*ids: str) -> PageLue:
    """A page that shows these offers."""
    return PageLue(Question(1, "page", Plage(0, 149)), len(ids), tuple(Ligne(id_, 1) for id_ in ids), fichier="1")


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=3),
    st.frozensets(st.integers(0, 9)),
    st.frozensets(st.integers(0, 9)),
)
def test_distinct_counts_each_offer_once(
    parts: list[list[int]], forgotten: frozenset[int], redacted: frozenset[int]
) -> None:
    """Whichever parts of a walk read it, forgotten or not, and whether its id or its mark stands in the first part."""
    oublis = [mark(f"{n:07d}") for n in forgotten]
    seen = []
    for no, part in enumerate(parts):
        ids = [f"{n:07d}" for n in part]
        hidden = [mark(id_) if no == 0 and n in forgotten & redacted else id_ for n, id_ in zip(part, ids, strict=True)]
        seen.append(read_seen([one_page(*hidden)], make_bilan(0), oublis))
    assert distinct(*seen) == len({n for part in parts for n in part})


def test_what_failed() -> None:
    """Attempts at an answered question are made good; a question given up is when it, or its window, was answered."""
    question, other = Question(1, "page", Plage(0, 149)), Question(2, "page", Plage(150, 299), debut_s=10, fin_s=20)
    faits = [
        PageLue(question, 0, recu_s=1.0, tentatives=4, echecs={"ReadTimeout": 1, "429": 2}),
        PageLue(question, 0, recu_s=2.0, tentatives=3),
        QuestionEchouee(other, "no answer", 3.0, 2, 0, {"503": 2}),
        QuestionRefusee(question, "no", 4.0),
        PageLue(question, 0, recu_s=5.0),
        PageLue(question, 0, recu_s=6.0, tentatives=2, echecs={"token 503": 1}),
    ]
    one, two = "window 1 (page), rows 0-149", "window 2 (page), rows 150-299 between 10 and 20"
    assert read_seen(faits, make_bilan(0, make_fenetre(3))).erreurs == [
        Erreur(1.0, one, "answered after 3 failed attempts (2 × 429, 1 × ReadTimeout)", True),
        Erreur(3.0, two, "gave up: no answer; 2 failed attempts (2 × 503)", False),
        Erreur(4.0, one, "refused: no", True),
        Erreur(6.0, one, "answered after 1 failed attempt (1 × token 503)", True),
    ]


@given(
    st.lists(st.tuples(st.integers(1, 50), st.lists(st.integers(0, 20), max_size=4)), min_size=1, max_size=5),
)
def test_pauses_are_what_lies_between_the_sittings(sittings: list[tuple[int, list[int]]]) -> None:
    """From the last answer of one to the beginning of the next; one without an answer is a pause as well."""
    at, faits, reprises, pauses, answered = 0, [], [], 0, False
    question = Question(1, "page", Plage(0, 149))
    waiting = 0
    for number, (idle, steps) in enumerate(sittings):
        at += idle
        waiting += idle
        if number:
            reprises.append(float(at))
        for step in steps:
            if waiting and answered:
                pauses += waiting
            waiting, answered = 0, True
            at += step
            faits.append(PageLue(question, 0, (), recu_s=float(at)))
    assert read_seen(faits, make_bilan(0), (), reprises).pauses_s == pauses
    assert read_seen(faits, make_bilan(0)).pauses_s == 0


def test_provable() -> None:
    """Inside a proved window without filters, both ends included."""
    windows = (
        make_fenetre(1, 10, 20),
        make_fenetre(2, 30, None, verdict="en doute"),
        make_fenetre(3, None, 40, critere="experience=1"),
        make_fenetre(4, 50, None),
    )
    creations = np.array([0, 9, 10, 15, 20, 21, 35, 49, 50, 10**12], np.int64)
    found = provable(creations, make_bilan(0, *windows))
    assert found.tolist() == [False, False, True, True, True, False, False, False, True, True]
