"""Time, as YouTube and Google Cloud count it.

Three calendars meet here: instants are UTC; quota days and report days are America/Los_Angeles days, which have
23 or 25 hours when daylight saving changes; schedules are UTC. Nothing reads the clock by itself: what
depends on the time takes a `Clock`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
RESET_GRACE = timedelta(seconds=30)
"""Google's counters do not turn over at the very second."""
RESET_SPREAD = timedelta(minutes=30)

Found = TypeVar("Found")
Clock = Callable[[], datetime]
"""Answers the present instant as an aware UTC datetime."""


def system_clock() -> datetime:
    return datetime.now(UTC)


def pacific_day(instant: datetime) -> date:
    """The quota day and report day that an aware instant belongs to."""
    return instant.astimezone(PACIFIC).date()


def pacific_midnight(day: date) -> datetime:
    """The instant (UTC) at which a Pacific day begins.

    Local midnight is never skipped or repeated in this zone: both changes happen at 02:00.
    """
    return datetime.combine(day, time.min, tzinfo=PACIFIC).astimezone(UTC)


def next_reset(instant: datetime) -> datetime:
    """When the daily quotas are next full: the coming Pacific midnight, in UTC."""
    return pacific_midnight(pacific_day(instant) + timedelta(days=1))


def after_reset(instant: datetime, *, rng: random.Random) -> datetime:
    """A moment shortly after the coming Pacific midnight, when the daily quotas are full again.

    Evenly spread over RESET_SPREAD, so that a thousand deferrals do not arrive at once.
    """
    return next_reset(instant) + RESET_GRACE + RESET_SPREAD * rng.random()


def pacific_day_bounds(day: date) -> tuple[datetime, datetime]:
    """First instant of the day and first instant of the next; 23, 24 or 25 hours apart."""
    return pacific_midnight(day), pacific_midnight(day + timedelta(days=1))


def last_full_day(instant: datetime) -> date:
    """The newest Pacific day that has ended."""
    return pacific_day(instant) - timedelta(days=1)


def days(first: date, last: date) -> Iterator[date]:
    """Each day from first to last, both included."""
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def parse_instant(text: str) -> datetime:
    """An RFC 3339 timestamp as Google writes it (any fraction, Z or offset), in UTC.

    Raises ValueError for a text without an offset, which is no instant, and for an instant before the year 1 or
    after 9999.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"timestamp without a zone: {text!r}")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"timestamp out of range: {text!r}") from error


def parse_optional(text: object) -> datetime | None:
    """As `parse_instant`; None for a timestamp that is absent or empty."""
    return parse_instant(text) if isinstance(text, str) and text else None


def to_the_second(instant: datetime | None) -> str | None:
    """ISO 8601 with its offset, as our own answers have it; None for no instant."""
    return None if instant is None else instant.isoformat(timespec="seconds")


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with microseconds and a Z, as Google's APIs take it."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


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
