"""The journal: what was appended comes back; a crash costs the last line at most; nothing can be changed unseen."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.errors import DiskFull, StoreCorrupt
from moisson.model import Critere, Fait, Ligne, PageLue, Plage, Question, QuestionEchouee, QuestionRefusee
from moisson.store.journal import Debut, Journal, read_facts
from moisson.store.masking import is_mark, mark, mark_all, redact

DEBUT = Debut("20261123T224601Z", "https://api.example.org", False, "1", "", 1_795_473_961.0, marques=True)
QUESTIONS = st.builds(
    Question,
    st.integers(0, 9),
    st.text(max_size=5),
    st.builds(Plage, st.integers(0, 3000), st.integers(0, 3149)),
    st.builds(Critere.de, st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)),
    st.none() | st.integers(0, 2**32),
)
FAITS: st.SearchStrategy[Fait] = st.one_of(
    st.builds(
        PageLue,
        QUESTIONS,
        st.integers(0, 10**6),
        st.lists(st.builds(Ligne, st.text(max_size=7), st.integers(0, 2**42)), max_size=3).map(tuple),
        agregats=st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(max_size=2), st.integers()), max_size=2),
        recu_s=st.floats(0, 2e9),
    ),
    st.builds(QuestionRefusee, QUESTIONS, st.text(max_size=9)),
    st.builds(QuestionEchouee, QUESTIONS, st.text(max_size=9), st.floats(0, 2e9)),
)


def page(n: int) -> PageLue:
    """A small fact."""
    return PageLue(Question(n, "page", Plage(0, 149)), total=n, lignes=(Ligne(f"{n:07d}", n),))


def journal_of(path: Path, count: int) -> list[PageLue]:
    """A closed journal of some facts."""
    journal = Journal.create(path, DEBUT)
    faits = [page(n) for n in range(count)]
    for fait in faits:
        journal.append(fait)
    journal.close()
    return faits


@given(st.lists(st.lists(FAITS, max_size=3), max_size=4))
def test_facts_come_back_in_order(tmp_path_factory: pytest.TempPathFactory, groups: list[list[Fait]]) -> None:
    """Appended one by one or together, read at once or after reopening."""
    path = tmp_path_factory.mktemp("journal") / "journal.ndjson"
    journal = Journal.create(path, DEBUT)
    for group in groups:
        journal.append_many(group)
    faits = [fait for group in groups for fait in group]
    assert list(journal.read()) == faits
    journal.close()
    again = Journal.reopen(path)
    assert (again.debut, list(again.read())) == (DEBUT, faits)
    again.close()


def test_a_line_torn_at_any_byte_is_cut_and_the_journal_goes_on(tmp_path: Path) -> None:
    """A crash while the last line was being written."""
    path = tmp_path / "journal.ndjson"
    faits = journal_of(path, 3)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for size in range(last, len(whole)):
        path.write_bytes(whole[:size])
        journal = Journal.reopen(path)
        assert list(journal.read()) == faits[:2], size
        journal.append(faits[2])
        journal.close()
        assert path.read_bytes() == whole, size


def test_a_tail_of_zeros_is_a_torn_line(tmp_path: Path) -> None:
    """After a power cut, the file may be long enough and hold nothing."""
    path = tmp_path / "journal.ndjson"
    faits = journal_of(path, 2)
    with path.open("ab") as file:
        file.write(b"\0" * 300)
    journal = Journal.reopen(path)
    assert list(journal.read()) == faits
    journal.close()


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_line_is_named(tmp_path: Path, line: int) -> None:
    """Whatever is changed in a line that was whole, the journal is refused."""
    path = tmp_path / "journal.ndjson"
    journal_of(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    for at in range(0, len(lines[line]) - 1, 7):
        raw = lines[line]
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        path.write_bytes(b"".join([*lines[:line], changed, *lines[line + 1 :]]))
        with pytest.raises(StoreCorrupt, match=f"Line {line + 1} of journal.ndjson"):
            Journal.reopen(path).close()


@pytest.mark.parametrize("keep", [[1, 2, 3], [0, 2, 3], [0, 2, 1, 3], [0, 1, 1, 2, 3]])
def test_a_lost_moved_or_repeated_line_is_found(tmp_path: Path, keep: list[int]) -> None:
    """Each line is chained to all before it."""
    path = tmp_path / "journal.ndjson"
    journal_of(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[n] for n in keep))
    with pytest.raises(StoreCorrupt):
        Journal.reopen(path).close()


def test_a_last_line_out_of_the_chain_is_not_a_torn_one(tmp_path: Path) -> None:
    """It was whole, so it was changed."""
    path = tmp_path / "journal.ndjson"
    journal_of(path, 2)
    text = path.read_text()
    path.write_text(text.replace('"total":1', '"total":2'))
    with pytest.raises(StoreCorrupt, match="Line 3"):
        Journal.reopen(path).close()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written whole is taken back, so that appending can go on later."""
    path = tmp_path / "journal.ndjson"
    journal = Journal.create(path, DEBUT)
    journal.append(page(0))
    before = path.read_bytes()
    real = os.write

    def half(fd: int, data: bytes) -> int:
        real(fd, bytes(data)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(DiskFull):
        journal.append(page(1))
    monkeypatch.undo()
    assert path.read_bytes() == before
    journal.append(page(1))
    assert list(journal.read()) == [page(0), page(1)]
    journal.close()


def test_an_empty_journal_is_refused(tmp_path: Path) -> None:
    """Its first line is written whole, before the run exists."""
    path = tmp_path / "journal.ndjson"
    path.touch()
    with pytest.raises(StoreCorrupt, match="empty"):
        Journal.reopen(path)


@given(st.lists(FAITS, max_size=6), st.data())
def test_an_id_can_be_forgotten_and_the_chain_holds(
    tmp_path_factory: pytest.TempPathFactory, faits: list[Fait], data: st.DataObject
) -> None:
    """Whatever the ids look like: each becomes its mark, everything else stays, and so does the last line's chain."""
    path = tmp_path_factory.mktemp("journal") / "journal.ndjson"
    journal = Journal.create(path, DEBUT)
    journal.append_many(faits)
    fin = journal.chaine
    journal.close()
    ids = sorted({ligne.id for fait in faits if isinstance(fait, PageLue) for ligne in fait.lignes})
    forgotten = set(data.draw(st.lists(st.sampled_from(ids), unique=True))) if ids else set()
    marks = {mark(id_) for id_ in forgotten}
    lines = [redact(line, marks)[0] for line in path.read_bytes().splitlines(keepends=True)]
    debut, read = read_facts(io.BytesIO(b"".join(lines)), "evidence", fin)
    assert debut == DEBUT
    assert list(read) == [
        msgspec.structs.replace(
            fait, lignes=tuple(Ligne(mark(x.id) if x.id in forgotten else x.id, x.creation_ms) for x in fait.lignes)
        )
        if isinstance(fait, PageLue)
        else fait
        for fait in faits
    ]


@given(st.text(max_size=9))
def test_marks(id_: str) -> None:
    """A mark is its own, no id of the API looks like one, and the bytes of a fact are marked as its ids are."""
    assert is_mark(mark(id_))
    assert mark(mark(id_)) == mark(id_)
    assert not is_mark(id_)
    ligne = msgspec.json.encode([[id_, 17], [mark(id_), -3]])
    assert mark_all(ligne) == msgspec.json.encode([[mark(id_), 17], [mark(id_), -3]])
    ids = [id_, "0123456", id_]
    assert mark_all(msgspec.json.encode([[i, n] for n, i in enumerate(ids)])) == msgspec.json.encode(
        [[mark(i), n] for n, i in enumerate(ids)]
    )
    text = msgspec.json.encode({"message": f'["{id_}",17]', "critere": [["a", id_]], "plage": [0, 149]})
    assert mark_all(text) == text


def test_a_journal_of_an_older_moisson(tmp_path: Path) -> None:
    """Is chained over its bytes as they stand, and goes on so."""
    path = tmp_path / "journal.ndjson"
    old = msgspec.structs.replace(DEBUT, marques=False)
    journal = Journal.create(path, old)
    journal.append(page(1))
    journal.close()
    again = Journal.reopen(path)
    again.append(page(2))
    assert (again.debut, list(again.read())) == (old, [page(1), page(2)])
    again.close()
    path.write_bytes(redact(path.read_bytes(), {mark("0000001")})[0])
    with pytest.raises(StoreCorrupt):
        Journal.reopen(path)
