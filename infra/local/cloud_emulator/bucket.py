"""How fast a queue dispatches: a token bucket over the time it is told."""

from __future__ import annotations

import math
from dataclasses import dataclass

_LEAST_BURST = 10


def burst_of(rate: float) -> int:
    """The burst that goes with a rate: the documentation's "at least the rate", and 10 for slow queues."""
    return max(math.ceil(rate), _LEAST_BURST)


@dataclass
class TokenBucket:
    """Holds up to `size` tokens, gains `rate` a second, starts full."""

    rate: float
    size: int
    tokens: float
    filled_at: float

    @classmethod
    def full(cls, rate: float, now: float) -> TokenBucket:
        """A full bucket for a rate in tokens per second."""
        size = burst_of(rate)
        return cls(rate=rate, size=size, tokens=size, filled_at=now)

    def take(self, now: float) -> bool:
        """Take one token, if there is one."""
        self._fill(now)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def ready_at(self, now: float) -> float:
        """When the next token can be taken."""
        self._fill(now)
        if self.tokens >= 1:
            return now
        return now + (1 - self.tokens) / self.rate

    def _fill(self, now: float) -> None:
        # A clock that was set back gains nothing and loses nothing.
        gained = max(now - self.filled_at, 0.0) * self.rate
        self.tokens = min(self.tokens + gained, self.size)
        self.filled_at = now
