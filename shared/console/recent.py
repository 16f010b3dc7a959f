"""Keeps what a slow source has said for a moment, so that not every look at the page asks it anew."""

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
    """What a source has said at most `age` ago. Several who ask at once ask it once; a failure is not kept."""

    source: Callable[[], Found]
    age: timedelta
    clock: Clock
    _kept: tuple[datetime, Found] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Found:
        """What the source says, or has said. Raises what it raises."""
        with self._lock:
            now = self.clock()
            if self._kept is None or not timedelta(0) <= now - self._kept[0] < self.age:
                self._kept = (now, self.source())
            return self._kept[1]
