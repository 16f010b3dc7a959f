"""What a day's spending so far says about the rest of it.

The burn is the rate of the last three hours (or of the day, while it is younger). Off-peak work gets what is left
over after what yesterday spent between this hour and midnight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared.clock import pacific_day_bounds
from shared.quota.calendar import day_left, hour_of
from shared.quota.profile import Bucket

RECENT_HOURS = 3


class Mode(StrEnum):
    """How freely a bucket is spent."""

    NORMAL = "normal"
    CACHE_ONLY = "cacheOnly"
    EXHAUSTED = "exhausted"


def mode_of(bucket: Bucket, used: int, *, closed: bool) -> Mode:
    """normal; cacheOnly from the alert threshold on, when calls that give way are put off; exhausted when only the
    reserve is left."""
    if closed or used >= bucket.limit - bucket.reserve:
        return Mode.EXHAUSTED
    return Mode.CACHE_ONLY if used >= bucket.alert else Mode.NORMAL


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A bucket's day to its end. used, at_midnight in units; burn in units an hour.

    alert_at, spent_at: when the burn reaches the alert threshold and the limit without its reserve; None for not
    today.
    """

    bucket: str
    used: int
    burn: float
    at_midnight: int
    alert_at: datetime | None
    spent_at: datetime | None


def forecast_of(bucket: Bucket, used: int, hours: Sequence[int], day: date, now: datetime) -> Forecast:
    """The forecast at `now`. hours: units spent in each hour since the day began."""
    begin, end = pacific_day_bounds(day)
    hour = hour_of(day, now)
    first = max(0, hour - RECENT_HOURS)
    span = max((now - begin).total_seconds() / 3600 - first, 0.25)
    burn = sum(hours[first : hour + 1]) / span
    hours_left = max(0.0, (end - now).total_seconds() / 3600)

    def when(level: int) -> datetime | None:
        if used >= level:
            return now
        if burn <= 0 or (level - used) / burn > hours_left:
            return None
        return now + timedelta(hours=(level - used) / burn)

    return Forecast(
        bucket=bucket.name,
        used=used,
        burn=round(burn, 2),
        at_midnight=used + round(burn * hours_left),
        alert_at=when(bucket.alert),
        spent_at=when(bucket.limit - bucket.reserve),
    )


def off_peak_allowance(bucket: Bucket, used: int, yesterday: Sequence[int], day: date, now: datetime) -> int:
    """Units that background work may take now: what is left, less what the rest of the day will want.

    yesterday: its units by hour, without background work; empty when it left none. Then the rest of the day is
    taken to want an even part of all.
    """
    left = bucket.limit - bucket.reserve - used
    wanted = sum(yesterday[hour_of(day, now) :])
    if not yesterday:
        wanted = round((bucket.limit - bucket.reserve) * day_left(day, now))
    return max(0, left - wanted)
