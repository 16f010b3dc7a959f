"""How a bucket's day begins, what of its spending is written down each hour, and what that says of the rest.

The day's document remembers what was used when an hour's first reservation came. So the units of each hour are
known from one document, however many accounts there are. The next day keeps yesterday's pattern.

The burn is the rate of the last three hours (or of the day, while it is younger). Off-peak work gets what is left
over after what yesterday spent between this hour and midnight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from operator import itemgetter

from shared.clock import pacific_day_bounds
from shared.cloud.steps import ABSENT, Commit, Doc, Read, Steps, Total, Write
from shared.quota.accounts import HEAVIEST, BucketDay, allocate, needs_users
from shared.quota.calendar import HOURS, day_left, hour_of
from shared.quota.profile import Bucket
from shared.quota.protocol import USERS, WEIGHT

WEIGHTED = (WEIGHT, 0, HEAVIEST)  # the users who have a weight


def opening(bucket_day: BucketDay, bucket: Bucket, profile: str, users_max: int, hour: int) -> Steps[Doc]:
    """The day's document, written if nobody else was faster: its allocation and its funds."""
    users, weights = 0, 0.0
    if needs_users(bucket, users_max):
        users = yield Total(USERS)
        ordinary = users - (yield Total(USERS, between=WEIGHTED))
        weights = ordinary + (yield Total(USERS, WEIGHT, between=WEIGHTED))
    allocation = allocate(bucket, users, users_max, weights=weights)
    fields = {
        "profile": profile,
        "allocation": asdict(allocation),
        **allocation.funds(),
        "hours": {mark(hour): {"total": 0, "background": 0}},
        "pattern": (yield from _pattern(BucketDay(bucket_day.day - timedelta(days=1), bucket_day.bucket))),
        "expires_at": bucket_day.expires_at,
    }
    yield Commit((Write(bucket_day.path, fields, only_if=ABSENT),))
    return (yield Read((bucket_day.path,)))[bucket_day.path]  # type: ignore[no-any-return]


def spent(bucket_day: BucketDay) -> Steps[tuple[int, int]]:
    """Units spent and reserved on a day, and what of them was for background work."""
    return int((yield Total(bucket_day.accounts, "spent"))), int((yield Total(bucket_day.accounts, "background")))


def mark(hour: int) -> str:
    return f"h{hour:02}"


def marking(bucket_day: BucketDay, doc: Doc, hour: int) -> Steps[Doc]:
    """Write down what is used at an hour's first reservation. Answers the day's document as it is then."""
    total, background = yield from spent(bucket_day)
    marked = {"total": total, "background": background}
    written = yield Commit((Write(bucket_day.path, {f"hours.{mark(hour)}": marked}, only_if=doc.version),))
    if written is None:
        return (yield Read((bucket_day.path,)))[bucket_day.path]  # type: ignore[no-any-return]
    return Doc({**doc.data, "hours": {**doc.data["hours"], mark(hour): marked}}, written[0].version)


def _pattern(yesterday: BucketDay) -> Steps[list[int]]:
    """Units that a day used in each hour, without background work; empty when it left nothing.

    What that takes in a quiet night says nothing of what people will want; were it counted, every second night
    would be lost to it.
    """
    doc: Doc | None = (yield Read((yesterday.path,)))[yesterday.path]
    if doc is None:
        return []
    total, background = yield from spent(yesterday)
    return by_hour(doc.data["hours"], total - background, lambda each: each["total"] - each["background"])


def by_hour(
    marks: Mapping[str, Mapping[str, int]],
    total: int,
    units: Callable[[Mapping[str, int]], int] = itemgetter("total"),
) -> list[int]:
    """Units used in each hour since the day began, from what was used when some hours began, and in all."""
    hours = [0] * HOURS
    begun = [(hour, units(marks[mark(hour)])) for hour in range(HOURS) if mark(hour) in marks]
    for (hour, before), (_, after) in pairwise([*begun, (HOURS, total)]):
        hours[hour] = max(0, after - before)
    return hours


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

    spent_at: when the burn reaches the limit without its reserve; None for not today.
    """

    used: int
    burn: float
    at_midnight: int
    spent_at: datetime | None


def forecast_of(bucket: Bucket, used: int, hours: Sequence[int], day: date, now: datetime) -> Forecast:
    """The forecast at `now`. hours: units spent in each hour since the day began."""
    begin, end = pacific_day_bounds(day)
    hour = hour_of(day, now)
    first = max(0, hour - RECENT_HOURS)
    span = max((now - begin).total_seconds() / 3600 - first, 0.25)
    burn = sum(hours[first : hour + 1]) / span
    hours_left = max(0.0, (end - now).total_seconds() / 3600)

    left, spent_at = max(0, bucket.limit - bucket.reserve - used), None
    if not left or (burn > 0 and left / burn <= hours_left):
        spent_at = now + timedelta(hours=left / burn if left else 0)
    at_midnight = used + round(burn * hours_left)
    return Forecast(used=used, burn=round(burn, 2), at_midnight=at_midnight, spent_at=spent_at)


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
