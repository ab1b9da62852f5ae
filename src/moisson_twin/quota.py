"""How many calls a second an application may make: the gateway's token bucket, or a stricter reading of it.

Pure logic: the present is given, in seconds of the service's clock.
"""

from collections import deque
from typing import Literal

#: The second limiter that the headers show, shared by all applications.
DEFAULT_PER_S = 100


class Bucket:
    """A token bucket: ``rate_per_s`` calls at once, refilled at the same rate."""

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._tokens = rate_per_s
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Spend a token if there is one."""
        if self._at_s is not None:
            self._tokens = min(self.rate_per_s, self._tokens + max(0.0, now_s - self._at_s) * self.rate_per_s)
        self._at_s = now_s
        # A billionth of slack: 0.1 s ten times over must refill one token at 1/s.
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens -= 1
        return True

    @property
    def remaining(self) -> int:
        """Whole tokens left after the last call."""
        return max(0, int(self._tokens + 1e-9))


class Window:
    """Never more than ``rate_per_s`` accepted calls in any period of one second."""

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._accepted: deque[float] = deque()

    def take(self, now_s: float) -> bool:
        """Accept a call if the second that ends now has room for it."""
        while self._accepted and self._accepted[0] <= now_s - 1:
            self._accepted.popleft()
        if len(self._accepted) + 1 > self.rate_per_s:
            return False
        self._accepted.append(now_s)
        return True

    @property
    def remaining(self) -> int:
        """How many more calls this second would take."""
        return max(0, int(self.rate_per_s) - len(self._accepted))


class Quota:
    """One limiter per application, and the headers that tell of it."""

    def __init__(self, rate_per_s: float | None, mode: Literal["bucket", "window"], show_headers: bool) -> None:
        self._rate_per_s = rate_per_s
        self._limiter = Bucket if mode == "bucket" else Window
        self._show_headers = show_headers
        self._clients: dict[str, Bucket | Window] = {}
        self._shared = Bucket(DEFAULT_PER_S)

    def take(self, client_id: str, now_s: float) -> tuple[bool, dict[str, str]]:
        """Whether a call may pass, and the headers of its answer."""
        if self._rate_per_s is None:
            return True, {}
        limiter = self._clients.setdefault(client_id, self._limiter(self._rate_per_s))
        passes = limiter.take(now_s)
        self._shared.take(now_s)
        if not self._show_headers:
            return passes, {}
        headers: dict[str, str] = {}
        for name, rate, remaining in (
            ("Clientidlimiter", self._rate_per_s, limiter.remaining),
            ("Defaultlimiter", DEFAULT_PER_S, self._shared.remaining),
        ):
            headers |= {
                f"X-Ratelimit-Burst-Capacity-{name}": f"{rate:g}",
                f"X-Ratelimit-Replenish-Rate-{name}": f"{rate:g}",
                f"X-Ratelimit-Requested-Tokens-{name}": "1",
                f"X-Ratelimit-Remaining-{name}": str(remaining),
            }
        return passes, headers
