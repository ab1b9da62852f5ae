"""Which offers are one job: titles, places, texts, and the judgement of a block."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.store.derive.ancres import MOTS, PAIRES, ancres, mots_longs
from moisson.store.derive.doublons import (
    TEXTES_MAX,
    Groups,
    Publication,
    is_near,
    place_of,
    read_texte,
    same_jobs,
    title_key,
    title_letters,
    title_words,
)

_LETTERS = random.Random(0)
WORDS = ["".join(_LETTERS.choices("abcdefghijklmnopqrst", k=_LETTERS.randint(2, 15))) for _ in range(2000)]


def text(seed: int, length: int = 120) -> str:
    """A text of words drawn at random: two seeds share nearly nothing in order."""
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def publication(
    no: int, description: str, source: int, *, titre: str = "Cuisinier (H/F)", lieu: str = "74225"
) -> Publication:
    """One offer of a block."""
    key = title_key(title_words(titre), frozenset())
    return Publication(no, read_texte(description), title_letters(titre), key, lieu, source)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Cuisinier / Cuisinière (H/F)", "cuisiniere, CUISINIER F/H - CDI"),
        ("Technicien de maintenance H/F", "Technicien maintenance - Rumilly (H/F)"),
        ("Développeur C++ (H/F)", "DEVELOPPEUR C++ - URGENT"),
    ],
)
def test_spellings_of_a_title(one: str, two: str) -> None:
    """Case, accents, order, (H/F), the contract and the town are no part of it."""
    town = title_words("74 - Rumilly")
    assert title_key(title_words(one), town) == title_key(title_words(two), town)


def test_titles_apart() -> None:
    """What is left tells trades apart, also those of few letters."""
    keys = {
        title_key(title_words(t), frozenset()) for t in ("Développeur C", "Développeur C++", "Développeur C#", "H/F")
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("commune", "expected"),
    [
        ("74225", ("74225", "74225")),
        ("75108", ("75056", "75108")),
        ("75056", ("75056", "")),
        ("69385", ("69123", "69385")),
        ("13208", ("13055", "13208")),
        ("13001", ("13001", "13001")),
        ("", ("", "")),
        (None, ("", "")),
    ],
)
def test_places(commune: str | None, expected: tuple[str, str]) -> None:
    """An arrondissement lies in its town; the whole town is no precise place."""
    assert place_of(commune) == expected


CHANGES = {
    "as it is": lambda t: t,
    "cut": lambda t: t[: len(t) * 6 // 10] + "...",
    "headed": lambda t: "Description du poste :\n" + t,
    "followed": lambda t: t + "\nRetrouvez cette annonce sur notre site, mis à jour chaque matin.",
    "without layout": lambda t: t.replace(" ", " \n", 20).upper(),
    "edited": lambda t: " ".join("xx" if n % 20 == 0 else word for n, word in enumerate(t.split())),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_partner_changes_a_text(change: str) -> None:
    """It is still that text; another one is not."""
    one, two = read_texte(text(1)).mots, read_texte(CHANGES[change](text(1))).mots
    assert one == two or is_near(one, two)
    assert not is_near(read_texte(CHANGES[change](text(2))).mots, one)


def test_a_few_words_prove_nothing() -> None:
    """Short texts, and stubs of long ones, are the same only when they are equal."""
    assert not is_near(read_texte(text(1, 25)).mots, read_texte(text(1, 25) + " fin").mots)
    assert not is_near(read_texte(text(1, 40)).mots, read_texte(text(1, 40) + " " + text(2, 200)).mots)


def anchors(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """The anchors of each text."""
    return list(zip(*(column.tolist() for column in ancres(mots_longs(pa.array(texts)))), strict=True))


@pytest.mark.parametrize("change", CHANGES)
def test_texts_meet_by_their_long_words(change: str) -> None:
    """Most copies share a pair and three long words with their original; strangers do not."""
    originals = [text(n, 150) for n in range(200)]
    keys, others = anchors(originals), anchors([CHANGES[change](original) for original in originals])
    met = list(zip(keys, others, strict=True))
    assert sum(bool(set(a[:PAIRES]) & set(b[:PAIRES])) for a, b in met) > 120
    assert sum(bool(set(a[PAIRES:]) & set(b[PAIRES:])) for a, b in met) > 90
    assert not any(set(a[PAIRES:]) & set(b[PAIRES:]) for a, b in itertools.pairwise(keys))


def test_one_word_more_or_less_is_forgiven() -> None:
    """A heading glued to a word is a long word that the original has not."""
    words = ["gastroenterologie", "accompagnement", "collaborateur", "organisation", "preparation", "entretien"]
    one, two = " ".join(words), " ".join([*words[:3], "principalesPhase", *words[3:]])
    (keys, others) = anchors([one, two])
    assert set(keys[PAIRES:]) & set(others[PAIRES:])


@given(st.lists(st.none() | st.text(max_size=40), max_size=12), st.integers(0, 3))
def test_long_words_are_each_texts_own(texts: list[str | None], start: int) -> None:
    """Neither the neighbours of a text nor where an array begins changes them; no text at all has none."""
    array = pa.array(texts, pa.string())
    together = mots_longs(array).tolist()
    assert together == [mots_longs(pa.array([t], pa.string())).tolist()[0] for t in texts]
    assert mots_longs(array.slice(start)).tolist() == together[start:]
    assert all(row == [0] * MOTS for t, row in zip(texts, together, strict=True) if not t)


def test_one_text_of_two_sources_is_one_job() -> None:
    """Of one source it is none of ours: ten people are sought, or it was published again."""
    two = [publication(1, text(1), 1), publication(2, text(1), 2)]
    assert same_jobs(two) == [[1, 2]]
    assert same_jobs([publication(n, text(1), 1) for n in range(5)]) == []
    assert same_jobs([*two, publication(3, text(1), 1)]) == [[1, 2, 3]]


def test_another_text_is_another_job() -> None:
    """Even under the same title in the same town."""
    assert same_jobs([publication(1, text(1), 1), publication(2, text(2), 2)]) == []


def test_one_text_for_several_towns() -> None:
    """A job a town; what names no town is nobody's when there are two."""
    in_two = [publication(n, text(1), n % 2, lieu=lieu) for n, lieu in enumerate(["74225", "74225", "74010", "74010"])]
    assert sorted(same_jobs(in_two)) == [[0, 1], [2, 3]]
    vague = publication(9, text(1), 7, lieu="")
    assert sorted(same_jobs([*in_two, vague])) == [[0, 1], [2, 3]]
    assert same_jobs([in_two[0], vague]) == [[0, 9]]


def test_one_template_for_two_trades() -> None:
    """A clinic's texts differ by the specialist alone; a partner that retitles a text does not change what it says."""
    body = text(1, 200)
    cardio = f"Votre mission de cardiologue {body} en cardiologie"
    gastro = f"Votre mission de gastroentérologue {body} en gastroentérologie"
    one = publication(1, cardio, 1, titre="Médecin cardiologue (H/F)")
    assert is_near(read_texte(cardio).mots, read_texte(gastro).mots)
    assert same_jobs([one, publication(2, gastro, 2, titre="Médecin gastroentérologue (H/F)")]) == []
    retitled = publication(3, "Description du poste : " + cardio, 2, titre="Médecin généraliste (H/F)")
    assert same_jobs([one, retitled]) == [[1, 3]]
    assert same_jobs([one, publication(4, cardio, 2, titre="Garde d'enfant (H/F)")]) == []


def test_likeness_does_not_wander() -> None:
    """A is near B and B near C, but C is not A: it does not join them."""
    words = text(1, 200).split()
    ends = [" ".join(["xx"] * n + words[n : 200 - n] + ["yy"] * n) for n in (0, 9, 18)]
    mots = [read_texte(t).mots for t in ends]
    assert is_near(mots[0], mots[1])
    assert is_near(mots[1], mots[2])
    assert not is_near(mots[0], mots[2])
    assert same_jobs([publication(n, t, n) for n, t in enumerate(ends)]) == [[0, 1]]


def test_a_crowded_block_has_its_equal_texts_found() -> None:
    """The cost of a block is bounded: near texts are compared up to a number of them."""
    crowd = [publication(n, text(n + 10), 1) for n in range(TEXTES_MAX)]
    near = [publication(100, text(1), 1), publication(101, "Bonjour " + text(1), 2)]
    equal = [publication(102, text(2), 1), publication(103, text(2), 2)]
    assert same_jobs([*near, *equal]) == [[100, 101], [102, 103]]
    assert same_jobs([*crowd, *near, *equal]) == [[102, 103]]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(["a", "b", ""])), max_size=9), st.randoms()
)
def test_the_order_of_a_block_does_not_matter(drawn: Sequence[tuple[int, int, str]], rng: random.Random) -> None:
    """The same groups, each of two sources and one place."""
    block = [publication(n, text(t), source, lieu=lieu) for n, (t, source, lieu) in enumerate(drawn)]
    found = same_jobs(block)
    shuffled = rng.sample(block, len(block))
    assert sorted(map(sorted, same_jobs(shuffled))) == sorted(map(sorted, found))
    for job in found:
        assert len({block[n].source for n in job}) > 1
        assert len({block[n].lieu for n in job} - {""}) <= 1
        assert len({block[n].texte.empreinte for n in job}) == 1


@given(st.lists(st.lists(st.integers(0, 12), min_size=2, max_size=4), max_size=8))
def test_groups_are_what_was_joined(joined: list[list[int]]) -> None:
    """Each offer once, under the smallest it is joined with, however the joins came."""
    groups = Groups()
    expected: list[set[int]] = []
    for numbers in joined:
        groups.join(numbers)
        touched = [found for found in expected if found & set(numbers)]
        expected = [found for found in expected if found not in touched] + [set(numbers).union(*touched)]
    assert groups.members() == sorted((n, min(found)) for found in expected for n in found)
