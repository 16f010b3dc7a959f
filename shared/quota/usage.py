"""A bucket's day as people and programs see it: our own count, in plain data that is ready for JSON.

Whatever the number of users, a look costs at most 60 document reads: sums, and of accounts, loans and refusals
the foremost, so many that they fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import chain, islice
from typing import Any

from shared.cloud.steps import Doc, Listing, Read, Steps, Together, Total
from shared.data_map import QUOTA
from shared.quota.accounts import FUNDS, Allocation, BucketDay, allocate, name_of
from shared.quota.opening import Forecast, by_hour, forecast_of, mode_of
from shared.quota.profile import Bucket

ROWS = 36
"""Accounts, loans and refusals that are read in all; what is left of 60 after the days and sums of six buckets."""
_FIGURES = ("share", "borrowed", "lent", "spent", "left")


Usage = dict[str, Any]
"""One bucket's day, in units. used: charged; reserved: set aside for calls under way.

Also title, limit, reserve, alert, left, mode. closed: {"at", "until", "reason", "used", "drift"} when Google has
closed it. by_account: the funds and who spent most, with {"share", "borrowed", "lent", "spent", "left"}. loans:
the largest, with {"borrower", "lender", "units", "method", "priority", "at"}. refusals: the latest, with
{"account", "method", "reason", "message", "needed", "times", "at", "retry_at"}. by_hour: units in each hour
since midnight.
"""


def reading(day: date, buckets: Mapping[str, Bucket], now: datetime, rows: int = ROWS) -> Steps[dict[str, Usage]]:
    """The usage of every bucket; of one that nothing was asked of, the profile's figures and zeros.

    rows: accounts, loans and refusals in all; 0 for sums alone.
    """
    bucket_days = {name: BucketDay(day, name) for name in buckets}
    docs: Mapping[str, Doc | None] = yield Read(tuple(each.path for each in bucket_days.values()))
    begun = {name: doc.data for name, each in bucket_days.items() if (doc := docs[each.path]) is not None}
    each_of = rows // (3 * max(1, len(begun)))
    asked = [_reads(bucket_days[name], buckets[name], each_of) for name in begun]
    answers, found = iter((yield Together(tuple(chain(*asked))))), dict[str, Usage]()
    for name, bucket in buckets.items():
        known = tuple(islice(answers, 5 if each_of else 2)) if name in begun else (0, 0)
        found[name] = _one(bucket, begun.get(name) or _untouched(bucket), now, (*known, {}, {}, {})[:5])
    return found


@dataclass(frozen=True, kw_only=True)
class Level:
    """How far one bucket's day is spent. closed: as in Usage, also when it is open again."""

    bucket: Bucket
    forecast: Forecast
    closed: Mapping[str, Any] | None


def levels(day: date, buckets: Mapping[str, Bucket], now: datetime) -> Steps[list[Level]]:
    """How far the buckets are spent that anything was asked of: two reads each; none of the others."""
    of_day = Listing(QUOTA.path, where=("expires_at", BucketDay(day, "").expires_at))
    begun = {name.partition(":")[2]: doc.data for name, doc in (yield of_day).items()}
    sums = yield Together(tuple(Total(BucketDay(day, name).accounts, "spent") for name in begun))
    found = []
    for (name, data), spent in zip(begun.items(), sums, strict=True):
        if name not in buckets:
            continue  # of another profile, which was in force before
        forecast = forecast_of(buckets[name], int(spent), by_hour(data["hours"], int(spent)), day, now)
        found.append(Level(bucket=buckets[name], forecast=forecast, closed=data.get("closed")))
    return found


def _untouched(bucket: Bucket) -> dict[str, Any]:
    """The document of a day of which nobody has asked anything."""
    allocation = allocate(bucket, 0, 0)
    return {"allocation": asdict(allocation), "hours": {}} | allocation.funds()


def _reads(of: BucketDay, bucket: Bucket, rows: int) -> tuple[Listing | Total, ...]:
    """What a bucket's day is read by: units spent, units set aside; accounts, loans, refusals, if any rows."""
    sums = (Total(of.accounts, "spent"), Total(of.entries, "held", between=("held", 0, bucket.limit)))
    if not rows:
        return sums
    return (
        *sums,
        Listing(of.accounts, above=("spent", 0), order="-spent", limit=rows),
        Listing(of.entries, above=("borrowed", 0), order="-borrowed", limit=rows),
        Listing(of.refusals, order="-at", limit=rows),
    )


def _one(bucket: Bucket, day: Mapping[str, Any], now: datetime, answers: Iterable[Any]) -> Usage:
    spent, reserved, accounts, loans, refusals = answers
    allocation, closed = Allocation(**day["allocation"]), day.get("closed")
    closed = closed if closed and now < closed["until"] else None
    by_account = {fund: {**dict.fromkeys(_FIGURES, 0), **day[fund]} for fund in FUNDS}
    for account, doc in accounts.items():
        # The accounts of system work are shown as one.
        figures = by_account.setdefault(name_of(account), dict.fromkeys(_FIGURES, 0))
        for figure in _FIGURES:
            figures[figure] += doc.data[figure]
    return Usage(
        title=bucket.title,
        limit=allocation.limit,
        reserve=allocation.reserve,
        alert=bucket.alert,
        used=int(spent) - int(reserved),
        reserved=int(reserved),
        left=allocation.limit - int(spent),
        mode=mode_of(bucket, int(spent), closed=closed is not None),
        closed=closed,
        by_account=by_account,
        loans=[
            {
                "borrower": name_of(doc.data["account"]),
                "lender": name_of(loan["lender"]),
                "units": loan["units"],
                **{name: doc.data[name] for name in ("method", "priority", "at")},
            }
            for doc in sorted(loans.values(), key=lambda doc: doc.data["at"])
            for loan in doc.data["loans"]
        ],
        refusals=[
            {key: value for key, value in doc.data.items() if key != "expires_at"} for doc in refusals.values()
        ],
        by_hour=by_hour(day["hours"], int(spent)),
    )
