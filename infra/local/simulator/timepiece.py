"""The simulator's clock: it can be set, moved and sped up.

Alone, it keeps an offset to the machine's clock. In the local stack one file says by how much the time of every
process is moved (`infra.local.moved_clock`); there this clock moves that file, and so moves everybody.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.moved_clock import MovedClock
from shared.clock import Clock, parse_instant, system_clock

TOLERANCE = timedelta(seconds=5)
EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
"""Where the clock may stand: a large world needs a second to grow by a year, so it cannot go far ahead."""


def sent_instant(text: str) -> datetime:
    """An instant that somebody sent, in UTC. Raises ValueError for what is none or beyond the calendar."""
    try:
        return parse_instant(text)
    except OverflowError:
        raise ValueError(f"no calendar has an instant {text!r}") from None


class ClockStuck(RuntimeError):
    """The clock file was moved and this process did not notice: it does not live by the moved clock."""


class Timepiece:
    """A clock with hands. speed: simulated seconds per real second; applied by `step`."""

    def __init__(self, file: Path | None = None, base: Clock = system_clock) -> None:
        self._moved = MovedClock(file) if file is not None else None
        self._base = base
        self._offset = timedelta()
        self._stepped = time.monotonic()
        self.speed = 1.0

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return self._base() + self._offset

    def set(self, instant: datetime) -> None:
        """Move to an instant, forwards or backwards. Raises ValueError and ClockStuck, see `advance`."""
        self.advance((instant - self.now()).total_seconds())

    def advance(self, seconds: float) -> None:
        """Move by some seconds. Raises ValueError beyond `EARLIEST` and `LATEST`, and ClockStuck, see there."""
        goal = self.now() + timedelta(seconds=seconds)
        if not EARLIEST <= goal <= LATEST:
            raise ValueError(f"the clock stands between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}, not at {goal}")
        if self._moved is None:
            self._offset += timedelta(seconds=seconds)
            return
        self._moved.set_offset(self._moved.offset + seconds)
        if abs(self.now() - goal) > TOLERANCE:
            raise ClockStuck(f"{self._moved.path} was moved by {seconds:.0f} s, but this process's clock was not")

    def step(self) -> None:
        """Apply the speed to the real time since the last step."""
        present = time.monotonic()
        passed, self._stepped = present - self._stepped, present
        if self.speed != 1.0:
            self.advance(passed * (self.speed - 1.0))
