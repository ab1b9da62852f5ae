"""Processes that call with one application: one quota, whatever they do and however they end."""

from __future__ import annotations

import heapq
import itertools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moisson.api.pacing import MARGIN, WAITING_S, Agenda, Book, OwnBook, Pacer
from moisson.api.sharing import LITTER_S, PATIENCE_S, SILENCE_S, SharedBook, book_name, boot_id


@dataclass(frozen=True)
class Step:
    """One call: seconds before it is wanted; late for its slot; until it is on the wire; and what becomes of it."""

    idle_s: float = 0.0
    late_s: float = 0.0
    connect_s: float = 0.0
    end: str = "leaves"


STEPS = st.builds(
    Step,
    idle_s=st.one_of(st.just(0.0), st.floats(0, 3)),
    late_s=st.one_of(st.just(0.0), st.floats(0, 0.3)),
    connect_s=st.one_of(st.just(0.0), st.floats(0, 2)),
    end=st.sampled_from(["leaves"] * 6 + ["fails", "throttled"]),
)
PROCESSES = st.lists(st.tuples(st.floats(0, 3), st.lists(STEPS, max_size=40), st.booleans()), min_size=2, max_size=3)
"""For each process: when it starts, its calls, and whether it dies while its last one is on its way."""


def play(pacers: Sequence[Pacer], processes: Sequence[tuple[float, Sequence[Step], bool]]) -> list[list[float]]:
    """Let processes call in virtual time; return when the calls of each reached the wire."""
    order = itertools.count()
    events: list[tuple[float, int, Callable[[float], None]]] = []
    sent: list[list[float]] = [[] for _ in processes]

    def at(when_s: float, what: Callable[[float], None]) -> None:
        heapq.heappush(events, (when_s, next(order), what))

    def run(who: int, steps: Sequence[Step], dies: bool, start_s: float) -> None:
        pacer = pacers[who]

        def want(number: int, now: float) -> None:
            if number < len(steps):
                at(now + steps[number].idle_s, lambda now: ask(number, now, False))

        def ask(number: int, now: float, waited: bool) -> None:
            step = steps[number]
            ready_s = pacer.ready_s(now)
            if ready_s > now:
                late_s = max(ready_s, math.nextafter(now, math.inf)) + step.late_s
                at(late_s, lambda now: ask(number, now, True))
            elif (ticket := pacer.depart(now, waited=waited)) is None:
                at(math.nextafter(now, math.inf), lambda now: ask(number, now, True))
            else:
                told = not (dies and number == len(steps) - 1)
                at(now + step.connect_s, lambda now: wire(step, ticket, told, now))
                want(number + 1, now)

        def wire(step: Step, ticket: int, told: bool, now: float) -> None:
            if step.end != "fails":
                sent[who].append(now)
            if told and step.end == "fails":
                pacer.void(ticket, now)
            elif told:
                pacer.left(ticket, now)
            if told and step.end == "throttled":
                pacer.throttled(now, 1.0)

        want(0, start_s)

    for who, (start_s, steps, dies) in enumerate(processes):
        run(who, steps, dies, start_s)
    while events:
        now, _, what = heapq.heappop(events)
        what(now)
    return sent


def most_in_a_window(sent_s: Sequence[float], window_s: float) -> int:
    """The largest number of instants in any half-open window."""
    ordered = sorted(sent_s)
    return max((sum(1 for other in ordered if 0 <= other - start < window_s) for start in ordered), default=0)


def shared(path: Path, told: list[str] | None = None, boot: str = "this boot") -> SharedBook:
    """A book in a file."""
    return SharedBook(path, boot=boot, on_alone=(told if told is not None else []).append)


@settings(max_examples=300)
@given(rate=st.sampled_from([0.5, 1.0, 3.0, 10.0]), processes=PROCESSES)
def test_no_window_is_over_quota_whoever_calls(rate: float, processes: list[tuple[float, list[Step], bool]]) -> None:
    """Any interleaving, lateness, slow connection, refusal and death."""
    book = OwnBook()
    sent = play([Pacer(rate, book, owner) for owner, _ in enumerate(processes, 1)], processes)
    assert most_in_a_window(list(itertools.chain(*sent)), max(1.0, 1 / rate)) <= max(1, rate)


@settings(max_examples=25)
@given(processes=PROCESSES)
def test_nor_through_a_file(processes: list[tuple[float, list[Step], bool]]) -> None:
    """The same when each opens the file on its own."""
    with TemporaryDirectory() as folder:
        books = [shared(Path(folder, "pace")) for _ in processes]
        sent = play([Pacer(3.0, book, owner) for owner, book in enumerate(books, 1)], processes)
        for book in books:
            book.close()
    assert most_in_a_window(list(itertools.chain(*sent)), 1.0) <= 3


@pytest.mark.parametrize("rate", [3.0, 10.0])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("late_s", [0.0, 0.001])
def test_the_quota_is_used_and_shared_alike(rate: float, count: int, late_s: float) -> None:
    """Processes that always have a call to make lose nothing to each other, and none starves."""
    book = OwnBook()
    each = int(60 * rate / count)
    processes = [(0.0, [Step(late_s=late_s * who)] * each, False) for who in range(count)]
    sent = play([Pacer(rate, book, who + 1) for who in range(count)], processes)
    ordered = sorted(itertools.chain(*sent))
    assert (len(ordered) - 1) / (ordered[-1] - ordered[0]) >= 0.96 * rate
    middle_s = ordered[len(ordered) // 2]
    halves = [sum(at_s <= middle_s for at_s in of_one) for of_one in sent]
    assert max(halves) - min(halves) <= 0.1 * max(halves) + 1


def test_a_pause_is_everyones() -> None:
    """Retry-After to one of them: the others wait as well, and a new one too."""
    book = OwnBook()
    Pacer(10.0, book, 1).throttled(0.0, 5.0)
    sent = play([Pacer(10.0, book, owner) for owner in (2, 3)], [(0.1, [Step()] * 5, False)] * 2)
    assert min(itertools.chain(*sent)) >= 5.0


def test_a_slower_setting_neither_slows_the_others_nor_starves() -> None:
    """One is set to 10, one to 3: together never above 10, the second never above its 3, and not far below."""
    book = OwnBook()
    sent = play(
        [Pacer(10.0, book, 1), Pacer(3.0, book, 2)], [(0.0, [Step()] * 300, False), (2.0, [Step()] * 60, False)]
    )
    assert most_in_a_window(sent[0] + sent[1], 1.0) <= 10
    assert most_in_a_window(sent[1], 1.0) <= 3
    assert sent[1][-1] - sent[1][0] <= 60 / 3 * 1.1
    assert sent[0][-1] - sent[0][0] <= (300 + 60) / 10 * 1.04


def test_a_lowered_rate_is_heard_by_all() -> None:
    """The service announces less to each in turn; the higher claim does not outlive its owner's."""
    book = OwnBook()
    one, other = Pacer(10.0, book, 1), Pacer(10.0, book, 2)
    play([one, other], [(0.0, [Step()] * 5, False)] * 2)
    one.set_rate(3.0)
    other.set_rate(3.0)
    sent = play([one, other], [(10.0, [Step()] * 20, False)] * 2)
    assert most_in_a_window(sent[0] + sent[1], 1.0) <= 3


def test_a_call_of_the_dead_weighs_for_a_while() -> None:
    """It may be on its way; later it is forgotten."""
    book = OwnBook()
    dead, living = Pacer(1.0, book, 1), Pacer(1.0, book, 2)
    assert dead.depart(0.0, waited=False) is not None
    assert living.ready_s(WAITING_S - 1) > WAITING_S - 1
    assert living.ready_s(WAITING_S + 1) <= WAITING_S + 1


def test_what_one_writes_another_reads(tmp_path: Path) -> None:
    """All of it, and the file is for its owner's eyes."""
    path = tmp_path / "state" / "moisson" / "pace"
    with shared(path).open(100.0) as agenda:
        agenda.left = [98.5, 99.0]
        agenda.waiting = {7: 99.5}
        agenda.ease, agenda.next_s, agenda.tickets, agenda.rate = 0.01, 101.0, 7, 10.0
    with shared(path).open(100.1) as read:
        assert read == agenda != Agenda()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [b"\0" * 40, b"moisson", b"\xff" * 5000, b"half"])
def test_a_damaged_file_begins_with_a_silence(tmp_path: Path, damage: bytes) -> None:
    """It may hide calls that were just made."""
    path = tmp_path / "pace"
    pacer = Pacer(10.0, shared(path))
    pacer.depart(50.0, waited=False)
    path.write_bytes(path.read_bytes()[:-3] if damage == b"half" else damage)
    assert pacer.ready_s(50.2) == pytest.approx(50.2 + SILENCE_S)
    assert pacer.ready_s(50.3) == pytest.approx(50.2 + SILENCE_S)


def test_another_boot_or_clock_is_not_believed(tmp_path: Path) -> None:
    """Its instants mean nothing here; nothing is waited for."""
    path = tmp_path / "pace"
    before = Pacer(1.0, shared(path, boot="before"))
    ticket = before.depart(1_000_000.0, waited=False)
    assert ticket is not None
    before.throttled(1_000_000.0, 3600.0)
    assert Pacer(1.0, shared(path, boot="after")).ready_s(5.0) <= 5.0
    again = Pacer(1.0, shared(path, boot="after"))
    ticket = again.depart(1_000_000.0, waited=False)
    assert ticket is not None
    again.left(ticket, 1_000_000.0)
    assert Pacer(1.0, shared(path, boot="after")).ready_s(5.0) <= 5.0


def test_a_folder_that_cannot_be_had_is_told_once(tmp_path: Path) -> None:
    """And this process goes on alone, within the quota."""
    (tmp_path / "state").write_text("a file, where a folder should be")
    told: list[str] = []
    (sent,) = play([Pacer(3.0, shared(tmp_path / "state" / "pace", told))], [(0.0, [Step()] * 20, False)])
    assert most_in_a_window(sent, 1.0) <= 3
    assert len(told) == 1
    assert "cannot be used" in told[0]


def test_a_disk_that_fills_up_is_no_drama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known so far is kept in memory."""
    told: list[str] = []
    pacer = Pacer(1.0, shared(tmp_path / "pace", told))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert pacer.depart(0.0, waited=False) is not None
    assert pacer.ready_s(0.5) > 1.0
    assert len(told) == 1


def test_a_file_that_was_removed_is_made_again(tmp_path: Path) -> None:
    """Two that shared it go on sharing."""
    path = tmp_path / "pace"
    one, other = Pacer(1.0, shared(path), 1), Pacer(1.0, shared(path), 2)
    other.ready_s(0.0)
    one.ready_s(0.0)
    path.unlink()
    assert one.depart(10.0, waited=False) is not None
    assert other.ready_s(10.1) > 10.9


def test_files_of_long_ago_go(tmp_path: Path) -> None:
    """A double listens on another port each time."""
    old, young, foreign = tmp_path / "pace-old", tmp_path / "pace-young", tmp_path / "other"
    for path in (old, young, foreign):
        path.touch()
    past_s = time.time() - LITTER_S - 60
    for path in (old, foreign):
        os.utime(path, (past_s, past_s))
    with shared(tmp_path / "pace-new").open(0.0):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "pace-new", "pace-young"]


HOLD = """
import sys
from pathlib import Path
from moisson.api.sharing import SharedBook
with SharedBook(Path(sys.argv[1]), boot="this boot", on_alone=print).open(0.0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_dies_with_its_holder_and_a_stopped_one_is_not_waited_for(tmp_path: Path) -> None:
    """Killed while it holds the lock: the next one has it. Merely stopped: we go on alone after a moment."""
    path = tmp_path / "pace"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []
        began_s = time.monotonic()
        Pacer(1.0, shared(path, told)).ready_s(1.0)
        assert PATIENCE_S <= time.monotonic() - began_s < 10 * PATIENCE_S
        assert len(told) == 1
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    told = []
    Pacer(1.0, shared(path, told)).ready_s(1.0)
    assert told == []


def test_a_name_tells_no_secret_and_parts_what_is_apart() -> None:
    """Another application, or another token host: another file."""
    url = "https://entreprise.francetravail.fr/connexion/oauth2/access_token?realm=%2Fpartenaire"
    name = book_name("PAR_moisson", url)
    assert "moisson" not in name.lower()
    assert name == book_name("PAR_moisson", url.replace("realm", "royaume"))
    assert len({name, book_name("PAR_autre", url), book_name("PAR_moisson", "http://127.0.0.1:8000/jeton")}) == 3
    assert boot_id() == boot_id()


def test_sharing_costs_little(tmp_path: Path) -> None:
    """At most 0.2 ms a call of this process's time, on a quiet machine."""
    book: Book = shared(tmp_path / "pace")
    pacer = Pacer(100.0, book)
    now, best_s = 0.0, math.inf
    for _ in range(10):
        began_s = time.perf_counter()
        for _ in range(50):
            now = max(now, pacer.ready_s(now))
            ticket = pacer.depart(now, waited=True)
            assert ticket is not None
            pacer.left(ticket, now)
            pacer.void(ticket, now)
        best_s = min(best_s, (time.perf_counter() - began_s) / 50)
    assert best_s < 0.0002
    assert now == pytest.approx(499 * (1 + MARGIN) / 100, rel=0.02)
