"""Shares what a slow source says among those who look at once, and for a moment after."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from shared.clock import Clock

Found = TypeVar("Found")


@dataclass(kw_only=True)
class Recent(Generic[Found]):
    """What a source has said at most `age` ago, or since it was asked for. A failure is not kept.

    So several who ask at once ask the source once, or twice when it was just being asked; even at an age of zero.
    """

    source: Callable[[], Found]
    age: timedelta
    clock: Clock
    _kept: tuple[int, datetime, Found] | None = None
    _times: int = 0  # that the source was asked
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Found:
        """What the source says, or has said. Raises what it raises."""
        before = self._times
        with self._lock:
            if self._kept is not None:
                number, at, found = self._kept
                if number > before or timedelta(0) <= self.clock() - at < self.age:
                    return found
            self._times += 1
            now = self.clock()
            found = self.source()
            self._kept = (self._times, now, found)
            return found
