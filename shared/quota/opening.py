"""How a bucket's day begins, and what of its spending is written down each hour.

The day's document remembers what was used when an hour's first reservation came. So the units of each hour are
known from one document, however many accounts there are. The next day keeps yesterday's pattern.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from itertools import pairwise

from shared.clock import pacific_day_bounds
from shared.cloud.steps import ABSENT, Commit, Doc, Read, Steps, Total, Write
from shared.quota.accounts import HEAVIEST, BucketDay, Users, allocate, needs_users
from shared.quota.calendar import HOURS, KEEP
from shared.quota.profile import Bucket
from shared.quota.protocol import USERS, WEIGHT

WEIGHTED = (WEIGHT, 0, HEAVIEST)
"""The users who have a weight."""


def opening(bucket_day: BucketDay, bucket: Bucket, profile: str, users_max: int, hour: int) -> Steps[Doc]:
    """The day's document, written if nobody else was faster: its allocation and its funds."""
    users = (yield from _users()) if needs_users(bucket, users_max) else Users()
    allocation = allocate(bucket, users, users_max)
    fields = {
        "profile": profile,
        "allocation": asdict(allocation),
        **allocation.funds(),
        "hours": {mark(hour): {"total": 0, "background": 0}},
        "pattern": (yield from _pattern(BucketDay(bucket_day.day - timedelta(days=1), bucket_day.bucket))),
        "expires_at": pacific_day_bounds(bucket_day.day)[1] + KEEP,
    }
    yield Commit((Write(bucket_day.path, fields, only_if=ABSENT),))
    return (yield Read((bucket_day.path,)))[bucket_day.path]  # type: ignore[no-any-return]


def _users() -> Steps[Users]:
    return Users(
        count=(yield Total(USERS)),
        weighted=(yield Total(USERS, between=WEIGHTED)),
        weights=(yield Total(USERS, WEIGHT, between=WEIGHTED)),
    )


def spent(bucket_day: BucketDay) -> Steps[tuple[int, int]]:
    """Units spent and reserved on a day, and what of them was for background work."""
    return (
        int((yield Total(bucket_day.accounts, "spent"))),
        int((yield Total(bucket_day.accounts, "background"))),
    )


def mark(hour: int) -> str:
    """The field of an hour."""
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
    foreground = {hour: each["total"] - each["background"] for hour, each in doc.data["hours"].items()}
    return by_hour(foreground, total - background)


def by_hour(marks: Mapping[str, int], total: int) -> list[int]:
    """Units used in each hour since the day began, from what was used when some hours began, and in all."""
    hours = [0] * HOURS
    begun = [(hour, marks[mark(hour)]) for hour in range(HOURS) if mark(hour) in marks]
    for (hour, before), (_, after) in pairwise([*begun, (HOURS, total)]):
        hours[hour] = max(0, after - before)
    return hours
