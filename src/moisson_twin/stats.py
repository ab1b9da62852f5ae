"""What the double saw of its callers: answers by status, and how fast each application called."""

from collections import Counter, deque
from typing import Any


class Stats:
    """Counts since the start or the last reset. Times are seconds of the service's clock."""

    def __init__(self) -> None:
        self.answers: dict[str, Counter[int]] = {}
        self.offres_sent = 0
        self._recent: dict[str, deque[float]] = {}
        self._most_in_1s: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()

    def saw(self, client_id: str, now_s: float) -> None:
        """A call with a valid token came in, whether or not the quota lets it pass."""
        recent = self._recent.setdefault(client_id, deque())
        while recent and recent[0] <= now_s - 1:
            recent.popleft()
        recent.append(now_s)
        self._calls[client_id] += 1
        self._most_in_1s[client_id] = max(self._most_in_1s[client_id], len(recent))

    def answered(self, kind: str, status: int) -> None:
        """An answer of a kind ("search", "offre", "referentiel", "token") went out."""
        self.answers.setdefault(kind, Counter())[status] += 1

    def report(self) -> dict[str, Any]:
        """All counts, ready for JSON."""
        return {
            "answers": {
                kind: {str(status): count for status, count in sorted(counts.items())}
                for kind, counts in sorted(self.answers.items())
            },
            "offres_sent": self.offres_sent,
            "clients": {
                client_id: {"calls": count, "max_in_one_second": self._most_in_1s[client_id]}
                for client_id, count in self._calls.items()
            },
        }
