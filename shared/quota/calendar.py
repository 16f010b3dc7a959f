"""Quota days: which day a call is charged to, how much of it is left, when off-peak is.

Clocks of instances differ by up to a minute, and a call goes out a little after its units are set aside. Around
midnight nobody can say to which day YouTube will charge it. So for three minutes a day nothing is reserved.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from shared.clock import PACIFIC, pacific_day, pacific_day_bounds

SKEW = timedelta(seconds=90)
"""How far our clock may be from YouTube's when the call arrives: a minute of skew, and the call's own way."""
DOUBT = timedelta(minutes=5)  # for this long after midnight a refusal by Google may still mean yesterday
OFF_PEAK = (time(2), time(6))
HOURS = 25  # the longest day has 25


def day_change_ends(now: datetime) -> datetime | None:
    """Until when nobody can say which day pays for a call made now; None when it is certain."""
    begin, _ = pacific_day_bounds(pacific_day(now + SKEW))
    return begin + SKEW if now < begin + SKEW else None


def hour_of(day: date, now: datetime) -> int:
    """Whole hours since the day began, 0 to 24."""
    begin, end = pacific_day_bounds(day)
    return int(min(max(now, begin), end - timedelta(microseconds=1)).timestamp() - begin.timestamp()) // 3600


def day_left(day: date, now: datetime) -> float:
    """The part of the day that is still to come: 1 at its midnight, 0 at the next."""
    begin, end = pacific_day_bounds(day)
    return min(1.0, max(0.0, (end - now) / (end - begin)))


def when_left(day: date, part: float) -> datetime:
    """When `day_left` falls to `part`."""
    begin, end = pacific_day_bounds(day)
    return end - (end - begin) * part


def is_off_peak(now: datetime) -> bool:
    """Whether it is between 02:00 and 06:00 Pacific (guide 4.1)."""
    begin, end = OFF_PEAK
    return begin <= now.astimezone(PACIFIC).time() < end


def next_off_peak(now: datetime) -> datetime:
    local = now.astimezone(PACIFIC)
    day = local.date() if local.time() < OFF_PEAK[0] else local.date() + timedelta(days=1)
    # 02:00 does not exist on the day when clocks go forward: it is 03:00 then, by the same instant.
    return datetime.combine(day, OFF_PEAK[0], tzinfo=PACIFIC).astimezone(now.tzinfo)


def local(instant: datetime) -> str:
    """An instant as people in California read it."""
    return instant.astimezone(PACIFIC).strftime("%Y-%m-%d %H:%M Pacific")
