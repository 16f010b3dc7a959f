"""When a failed task is tried again, and when no more.

Source: google.cloud.tasks.v2 RetryConfig. The interval starts at min_backoff, doubles max_doublings times, then
grows by the last doubled interval each time, and never passes max_backoff: with 10 s, 300 s and 3 doublings the
waits are 10, 20, 40, 80, 160, 240, 300, 300 seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

UNLIMITED = -1
_MOST_DOUBLINGS = 1000  # 2.0**1000 is still a float; any max_backoff was passed long before


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """A queue's or a task's retry settings; times in seconds. The defaults are a new queue's."""

    max_attempts: int = 100
    max_retry_duration: float = 0
    min_backoff: float = 0.1
    max_backoff: float = 3600
    max_doublings: int = 16

    def interval(self, failures: int) -> float:
        """Seconds from the failure numbered `failures` (1 is the first) to the next attempt."""
        earlier = failures - 1
        doubled = min(earlier, self.max_doublings, _MOST_DOUBLINGS)
        steps = max(earlier - self.max_doublings, 0) + 1
        return float(min(self.min_backoff * 2.0**doubled * steps, self.max_backoff))

    def wait(self, failures: int, retry_after: float | None) -> float:
        """The interval, or the target's own Retry-After if that is longer and within max_backoff."""
        return max(self.interval(failures), min(retry_after or 0.0, self.max_backoff))

    def exhausted(self, *, attempts: int, elapsed: float) -> bool:
        """Whether a failure after so many attempts, so many seconds after the first, was the last.

        With both limits set, both have to be reached; a limit that is off (-1 attempts, 0 s) does not count. With
        neither, only the retention of 31 days ends a task.
        """
        tried = self.max_attempts != UNLIMITED and attempts >= self.max_attempts
        aged = self.max_retry_duration > 0 and elapsed >= self.max_retry_duration
        if self.max_attempts == UNLIMITED:
            return aged
        return tried and (aged or self.max_retry_duration <= 0)
