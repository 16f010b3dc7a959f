"""Spreads a day's calls over the Pacific day, of 23, 24 or 25 hours. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.clock import pacific_day
from shared.quota.calendar import day_left

EVERY = timedelta(minutes=5)
"""How often the schedule runs."""
CALLS_MAX = 60
"""Of one run. What an outage has left over is spent over the rest of the day, not at once."""


def calls_now(units: int, spent: int, now: datetime) -> int:
    """How many calls a run may make, so that by the next no more are spent than that part of the day."""
    part = 1 - day_left(pacific_day(now), now + EVERY)
    return max(0, min(int(units * part + 1e-6) - spent, CALLS_MAX))
