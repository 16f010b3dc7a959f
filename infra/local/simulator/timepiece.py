"""The simulator's clock: it can be set, moved and sped up.

Alone, it keeps an offset to the machine's clock. In the local stack every process reads its time through
the moved clock from one file; there this clock moves that file, and so moves everybody.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from shared.clock import Clock, system_clock

TOLERANCE = timedelta(seconds=5)


class ClockStuck(RuntimeError):
    """The clock file was moved and this process did not notice: it does not run under the moved clock."""


class Timepiece:
    """A clock with hands. speed: simulated seconds per real second; applied by `step`."""

    def __init__(self, file: Path | None = None, base: Clock = system_clock) -> None:
        self._file = file
        self._base = base
        self._offset = timedelta()
        self._stepped = time.monotonic()
        self.speed = 1.0

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return self._base() + self._offset

    def set(self, instant: datetime) -> None:
        """Move to an instant, forwards or backwards. Raises ClockStuck, see there."""
        self.advance((instant - self.now()).total_seconds())

    def advance(self, seconds: float) -> None:
        """Move by some seconds. Raises ClockStuck, see there."""
        if self._file is None:
            self._offset += timedelta(seconds=seconds)
            return
        goal = self.now() + timedelta(seconds=seconds)
        _write(self._file, _read(self._file) + seconds)
        if abs(self.now() - goal) > TOLERANCE:
            raise ClockStuck(f"{self._file} was moved by {seconds:.0f} s, but this process's clock was not")

    def step(self) -> None:
        """Apply the speed to the real time since the last step."""
        present = time.monotonic()
        passed, self._stepped = present - self._stepped, present
        if self.speed != 1.0:
            self.advance(passed * (self.speed - 1.0))


def _read(file: Path) -> float:
    text = file.read_text().strip() if file.exists() else ""
    return float(text or 0)


def _write(file: Path, offset: float) -> None:
    """Replace the file whole: its readers look at it at any moment."""
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "w") as new:
        new.write(f"{offset:+.3f}\n")
    Path(name).replace(file)
