"""A refusal in words: which bucket, how much of it is used, what was needed, and from when it can work."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from shared.clock import PACIFIC, pacific_day_bounds
from shared.errors import QuotaRefused, Unavailable
from shared.quota.calendar import next_off_peak, when_left
from shared.quota.decisions import Refusal
from shared.quota.profile import Bucket

CONTENDED = "ledgerContended"
REASONS = {
    "bucketSpent": "too little of it is left",
    "reserveKept": "too little is left outside the reserve, which only critical work may enter",
    "shareSpentNobodyToBorrowFrom": "this account's share is used up and nobody can lend enough at this time",
    "offPeakOnly": "this account's share is used up, and background work borrows only from 02:00 to 06:00 Pacific",
    "allowanceSpent": "what is left will be needed later today, as yesterday shows",
    "neverFits": "it is more than this bucket ever holds",
    "cacheOnly": "it has passed its alert threshold, from which on nothing is read that was read before, "
    "unless a person waits for it",
    "bucketClosedByGoogle": "YouTube says that it is used up",
    "dayChanging": "around midnight nobody can say which day pays for it",
    "rateLimited": "so many calls of this kind may not follow each other so fast",
}


def refused(
    bucket: Bucket,
    reason: str,
    *,
    needed: int,
    used: int | None,
    retry_at: datetime | None,
    method: str,
) -> QuotaRefused:
    """The error to raise. needed and used in units; used None where it is not known."""
    figures = f"{used} of {bucket.limit} units used, " if used is not None else ""
    when = "It cannot work at any time." if retry_at is None else f"It can work from {_local(retry_at)}."
    message = f"{bucket.title}: {method} was refused, because {REASONS[reason]} ({figures}{needed} needed). {when}"
    return QuotaRefused(message, reason=reason, retry_at=retry_at)


def unreachable(bucket: Bucket, error: Unavailable, *, retry_at: datetime, method: str) -> Unavailable:
    """The error to raise when the ledger could not say yes or no, and nothing is to be spent unrecorded."""
    message = (
        f"{bucket.title}: {method} was not sent. {error.message} It can be tried again from {_local(retry_at)}."
    )
    return Unavailable(message, reason=error.reason, retry_at=retry_at)


def retry_at(refusal: Refusal, day: date, now: datetime) -> datetime | None:
    """When the same request can succeed."""
    reset = pacific_day_bounds(day)[1]
    if refusal.reason == "neverFits":
        return None
    if refusal.reason == "offPeakOnly":
        return next_off_peak(now)
    if refusal.day_left > 0:
        # A second more, because the moment itself is the last at which it is refused.
        return min(reset, max(now, when_left(day, refusal.day_left)) + timedelta(seconds=1))
    return reset


def _local(instant: datetime) -> str:
    return instant.astimezone(PACIFIC).strftime("%Y-%m-%d %H:%M Pacific")
