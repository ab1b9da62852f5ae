"""A command watched from outside: what the operating system says of it, phase by phase.

CPU time is what `wait4` reports of the process once it has ended. Memory is the kernel's own high-water mark (`VmHWM`),
read many times a second and set back when a phase begins, so that each phase has its own. (`ru_maxrss` would not do: a
process starts with the mark of the one that started it.) A phase begins when the command says so on its standard error.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["COLLECTING", "FOLDING", "PROVING", "Outcome", "Phase", "Watched", "moisson"]

STAGES = {
    "asking the totals": "collecting",
    "measuring the clock": "collecting",
    "checking the bounds": "collecting",
    "walking down": "collecting",
    "sweeping the top": "proving",
    "checking the whole": "proving",
    "judging": "proving",
    "writing the lake": "folding",
}
"""What `moisson collect` calls its stages (moisson/cli/wording.py), and the three phases measured here."""

STARTING, COLLECTING, PROVING, FOLDING = "starting", "collecting", "proving", "folding"

_SAMPLE_S = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Phase:
    """What one phase took.

    Attributes:
        wall_s, cpu_s: time on the clock, and of processors (user and system).
        peak_mb: most memory resident at once, in millions of bytes.
        written_bytes: bytes handed to the system in writes.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    written_bytes: int = 0


@dataclass
class Outcome:
    """How a command ended.

    Attributes:
        exit: its exit code; minus the signal's number if a signal ended it.
        wall_s, user_s, sys_s: what it took in all.
        phases: what each phase took, by name.
        errors, output: what it said.
    """

    exit: int
    wall_s: float
    user_s: float
    sys_s: float
    phases: dict[str, Phase]
    errors: str
    output: str

    @property
    def cpu_s(self) -> float:
        """Processor time, user and system."""
        return self.user_s + self.sys_s

    @property
    def peak_mb(self) -> float:
        """Most memory resident at once, in millions of bytes."""
        return max(phase.peak_mb for phase in self.phases.values())

    def peak_of(self, *phases: str) -> float:
        """Most memory of some phases."""
        return max((self.phases[name].peak_mb for name in phases if name in self.phases), default=0.0)

    def wall_of(self, *phases: str) -> float:
        """Time on the clock of some phases together."""
        return sum(self.phases[name].wall_s for name in phases if name in self.phases)


@dataclass
class _Counters:
    at_s: float
    cpu_s: float
    written_bytes: int


class Watched:
    """A command that is running.

    Args:
        command: what to run.
        environ: its environment.
        at_phase: told each phase as it begins, while the command goes on.
    """

    def __init__(
        self, command: Sequence[str], environ: dict[str, str], at_phase: Callable[[str], None] = lambda phase: None
    ) -> None:
        self._at_phase = at_phase
        self._phases: dict[str, Phase] = {}
        self._lines: list[str] = []
        self._output: list[str] = []
        self._changed = threading.Condition()
        self._start_s = time.perf_counter()
        self.ended = False
        self.phase = STARTING
        self._process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        self.pid = self._process.pid
        self._proc = Path("/proc") / str(self.pid)
        self._since = _Counters(self._start_s, 0.0, 0)
        self._last = self._since
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._read, self._drain)]
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        for thread in (*self._threads, self._sampler):
            thread.start()

    # --- what a benchmark does with it ---

    def wait_phase(self, name: str, timeout_s: float = 3600.0) -> bool:
        """Wait until a phase begins; False if the command ended before, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.phase == name or name in self._phases or self.ended, timeout_s)
            return self.phase == name or name in self._phases

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; False if the command had ended already."""
        if self.ended:
            return False
        self._process.send_signal(number)
        return True

    def finish(self) -> Outcome:
        """Wait for the end."""
        for thread in self._threads:
            thread.join()
        _, status, usage = os.wait4(self.pid, 0)
        wall_s = time.perf_counter() - self._start_s
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._note_end()
        self._sampler.join()
        with self._lock:
            self._close_phase(usage.ru_utime + usage.ru_stime)
        return Outcome(
            exit=self._process.returncode,
            wall_s=wall_s,
            user_s=usage.ru_utime,
            sys_s=usage.ru_stime,
            phases=self._phases,
            errors="".join(self._lines),
            output="".join(self._output),
        )

    # --- threads ---

    def _note_end(self) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._lines.append(line)
                phase = next((phase for text, phase in STAGES.items() if f" {text}: " in line), None)
                if phase is not None and phase != self.phase:
                    self._enter(phase)
        self._note_end()

    def _drain(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self._output.append(output.read())

    def _sample(self) -> None:
        while not self.ended:
            with self._lock:
                self._look()
            time.sleep(_SAMPLE_S)

    def _enter(self, phase: str) -> None:
        with self._lock:
            self._look()
            self._close_phase(None)
            self._since = self._last
            try:
                # 5: the high-water mark starts again from what is resident now.
                (self._proc / "clear_refs").write_text("5")
            except OSError:
                print(
                    f"The peak of {phase} may be that of an earlier phase: the kernel keeps the mark", file=sys.stderr
                )
        with self._changed:
            self.phase = phase
            self._changed.notify_all()
        self._at_phase(phase)

    def _look(self) -> None:
        """Read the kernel's figures; the process may have gone meanwhile."""
        try:
            status = (self._proc / "status").read_text()
            ticks = (self._proc / "stat").read_text().rpartition(")")[2].split()
            written = (self._proc / "io").read_text()
        except OSError:
            return
        mark = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        if not mark:
            return
        phase = self._phases.setdefault(self.phase, Phase())
        phase.peak_mb = max(phase.peak_mb, int(mark[0].split()[1]) * 1024 / 1e6)
        wchar = next(int(line.split()[1]) for line in written.splitlines() if line.startswith("wchar:"))
        self._last = _Counters(time.perf_counter(), (int(ticks[11]) + int(ticks[12])) / _TICKS, wchar)

    def _close_phase(self, cpu_s: float | None) -> None:
        now_s = time.perf_counter()
        phase = self._phases.setdefault(self.phase, Phase())
        phase.wall_s += now_s - self._since.at_s
        phase.cpu_s += (self._last.cpu_s if cpu_s is None else cpu_s) - self._since.cpu_s
        phase.written_bytes += self._last.written_bytes - self._since.written_bytes
        self._last.at_s = now_s


def moisson(*arguments: str) -> list[str]:
    """The command line of a command of Moisson, run by this Python."""
    return [sys.executable, "-m", "moisson", *arguments]
