"""Spans of seconds, and how they are halved; pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SINCE_S", "Span"]

SINCE_S = 1_546_300_800
"""1 January 2019, before which no tool found an offer."""


@dataclass(frozen=True)
class Span:
    """Seconds since 1970, both ends asked for."""

    first_s: int
    last_s: int

    @property
    def apart(self) -> tuple[Span, Span] | None:
        """Halves a second apart: nothing is asked twice, and what bears a fraction of a second may fall between.

        None when there is only one second.
        """
        if self.first_s >= self.last_s:
            return None
        middle_s = self.first_s + (self.last_s - self.first_s + 1) // 2
        return Span(self.first_s, middle_s - 1), Span(middle_s, self.last_s)

    @property
    def touching(self) -> tuple[Span, Span] | None:
        """Halves that share a second: nothing falls between, and what bears that second comes twice.

        None when a half would be the whole.
        """
        if self.last_s - self.first_s < 2:
            return None
        middle_s = (self.first_s + self.last_s) // 2
        return Span(self.first_s, middle_s), Span(middle_s, self.last_s)
