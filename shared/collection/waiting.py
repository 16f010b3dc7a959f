"""Waits for rate limits within one run: what is too fast by seconds is not worth another delivery."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from shared.clock import Clock
from shared.errors import RateLimited

Value = TypeVar("Value")

_PAUSE = timedelta(seconds=1)  # when nobody says how long
_SHORTEST = 0.05  # seconds


def repeated(
    call: Callable[[], Value], *, deadline: datetime, clock: Clock, sleep: Callable[[float], None] = time.sleep
) -> Value:
    """What `call` answers, asked again after each RateLimited. Raises the one that would last too long."""
    while True:
        try:
            return call()
        except RateLimited as error:
            seconds = pause(error.retry_at, now=clock(), deadline=deadline)
            if seconds is None:
                raise
            sleep(seconds)


def pause(retry_at: datetime | None, *, now: datetime, deadline: datetime) -> float | None:
    """Seconds to wait for a rate limit; None when that takes longer than there is time."""
    at = retry_at or now + _PAUSE
    return max((at - now).total_seconds(), _SHORTEST) if at <= deadline and now < deadline else None
