"""Waiting for a rate limit, for a while: what is too fast by seconds is not worth another delivery."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.clock import Clock
from shared.errors import RateLimited

Value = TypeVar("Value")

_PAUSE = timedelta(seconds=1)  # when nobody says how long
_LEAST_SECONDS = 0.05


@dataclass(frozen=True)
class Patience:
    """Waits until `until`, and not beyond it."""

    until: datetime
    clock: Clock
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, call: Callable[[], Value]) -> Value:
        """What `call` answers, asked again after each RateLimited. Raises the one that would take too long."""
        while True:
            try:
                return call()
            except RateLimited as error:
                wait = waits(error.retry_at, now=self.clock(), until=self.until)
                if wait is None:
                    raise
                self.sleep(wait)


def waits(retry_at: datetime | None, *, now: datetime, until: datetime) -> float | None:
    """Seconds to wait for a rate limit, or None when that takes longer than there is patience."""
    at = retry_at or now + _PAUSE
    return max((at - now).total_seconds(), _LEAST_SECONDS) if at <= until and now < until else None
