"""What a process knows of each bucket's day: its division, its closing, its sum, and whom it refused.

A day is opened by whoever comes first; everybody else reads that division and keeps it, because it never changes.
What can change is looked at again after moments that are stated here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.clock import pacific_day, pacific_day_bounds
from shared.cloud.steps import ABSENT, Commit, Listing, Read, Steps, Total, Write
from shared.errors import QuotaRefused, Unavailable
from shared.monitoring.log import log
from shared.quota import protocol
from shared.quota.accounts import Opening, divide, name_of, needs_users
from shared.quota.books import Books
from shared.quota.calendar import DOUBT, HOURS, KEEP, days_at, slot_of
from shared.quota.decisions import Ask
from shared.quota.forecast import off_peak_allowance
from shared.quota.profile import Bucket, Method, Priority, Profile
from shared.quota.protocol import Hold, Place
from shared.quota.refusals import refused

FRESH = timedelta(seconds=2)
"""How long this process trusts what it saw of a bucket's closing."""
RECENT = timedelta(seconds=10)
"""How long it trusts a bucket's sum, which only the modes need."""
DENIED = timedelta(seconds=3)
"""How long it repeats a refusal without looking again."""
NOTED = timedelta(minutes=1)
"""How often it writes down that it refused the same thing for the same reason."""
USERS = "users"
WEIGHT = "quota_share"


@dataclass(kw_only=True)
class Day:
    """One bucket's day, as far as this process has seen it. left: what accounts held when they were last seen."""

    place: Place
    bucket: Bucket
    opening: Opening
    closed_until: datetime | None
    seen_at: datetime
    used: int = 0
    used_at: datetime | None = None
    left: dict[str, int] = field(default_factory=dict)
    denied: dict[tuple[str, Priority], tuple[int, QuotaRefused, datetime]] = field(default_factory=dict)
    noted: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    borrowing: threading.Lock = field(default_factory=threading.Lock)

    def may_hold(self, ask: Ask) -> bool:
        """Whether the account may well hold what is asked."""
        return self.left.get(ask.account, self.opening.of(ask.account)) >= ask.units

    def granted(self, hold: Hold) -> None:
        """Remember a grant of this process."""
        if hold.left is not None:  # else somebody counted it already
            self.left[hold.account] = max(0, hold.left)
            self.used += hold.units

    def returned(self, hold: Hold, units: int) -> None:
        """Remember that units came back."""
        self.left.pop(hold.account, None)
        self.denied.clear()
        self.used -= units

    def still_denied(self, ask: Ask, now: datetime) -> QuotaRefused | None:
        """The refusal of the same account a moment ago, if it asked for no more than now."""
        least, error, at = self.denied.get((ask.account, ask.priority), (0, None, now))
        return error if error and least <= ask.least and now - at < DENIED else None


class Days:
    """The days of all buckets."""

    def __init__(self, books: Books, profile: Profile, users_max: int) -> None:
        self._books = books
        self._profile = profile
        self._users_max = users_max
        self._known: dict[Place, Day] = {}

    def day(self, place: Place, now: datetime) -> Day:
        """A bucket's day, opened if need be. Raises Unavailable when it was never seen and Firestore is silent."""
        known = self._known.get(place)
        if known and abs(now - known.seen_at) < FRESH:
            return known
        data = self._books.run(_one(place.path)) or self._books.run(self._open(place))
        closed = data.get("closed")
        if known is None:
            known = Day(
                place=place,
                bucket=self._profile.bucket(place.bucket),
                opening=opening_from(data),
                closed_until=None,
                seen_at=now,
            )
            self._forget(now)
            known = self._known.setdefault(place, known)
        known.closed_until, known.seen_at = closed["until"] if closed else None, now
        return known

    def last_seen(self, place: Place, now: datetime) -> Day | None:
        """As `day`; while Firestore is silent, what was seen of it last, if anything."""
        try:
            return self.day(place, now)
        except Unavailable:
            known = self._known.get(place)
            if known is not None:
                known.seen_at = now  # not every call has to wait for the silence
            return known

    def known(self, place: Place) -> Day | None:
        """A day that this process has seen."""
        return self._known.get(place)

    def _forget(self, now: datetime) -> None:
        old = pacific_day(now) - timedelta(days=2)
        for place in [place for place in self._known if place.day < old]:
            self._known.pop(place, None)

    def _open(self, place: Place) -> Steps[Mapping[str, Any]]:
        bucket = self._profile.bucket(place.bucket)
        weights: dict[str, float] = {}
        if needs_users(bucket, self._users_max):
            users = yield Listing(USERS, only=(WEIGHT,))
            weights = {user: doc.data.get(WEIGHT, 1) for user, doc in sorted(users.items())}
        opening = divide(bucket, weights, self._users_max)
        fields = {
            "profile": self._profile.name,
            "limit": opening.limit,
            "reserve": opening.reserve,
            "accounts": dict(opening.accounts),
            "expires_at": pacific_day_bounds(place.day)[1] + KEEP,
        }
        written = yield Commit((Write(place.path, fields, only_if=ABSENT),))
        return fields if written is not None else ((yield from _one(place.path)) or fields)

    def used(self, day: Day, now: datetime) -> int:
        """Units spent and reserved, at most RECENT old."""
        if day.used_at is None or abs(now - day.used_at) >= RECENT:
            day.used, day.used_at = self._books.run(_total(day.place)), now
        return day.used

    def allowance(self, day: Day, now: datetime) -> int:
        """What background work may take at this hour beyond its own account."""
        return off_peak_allowance(day.bucket, self.used(day, now), self.pattern(day), day.place.day, now)

    def pattern(self, day: Day) -> tuple[int, ...]:
        """Units that the day before used in each hour, without background work; empty when it left no books.

        What that takes in a quiet night says nothing of what people will want; were it counted, every second
        night would be lost to it.
        """
        yesterday = Place(day.place.day - timedelta(days=1), day.place.bucket)
        accounts = self._books.run(_accounts(yesterday))
        return hours_in(accounts, background=False) if accounts else ()

    def close(self, bucket: str, reason: str, now: datetime) -> None:
        """Google says that a bucket is used up."""
        days = days_at(now)
        for each in days:
            day = self.day(Place(each, bucket), now)
            begin, end = pacific_day_bounds(each)
            doubtful = each == days[-1] and now < begin + DOUBT
            until = begin + DOUBT if doubtful else end
            used = self._books.run(_total(day.place))
            closed = {"at": now, "until": until, "reason": reason, "used": used}
            closed["drift"] = day.opening.limit - used
            self._books.run(_close(day.place, closed))
            day.closed_until = until
            log("WARNING", "Google closed a quota bucket", bucket=bucket, until=until, drift=closed["drift"])

    def refusal(
        self, day: Day, price: Method, ask: Ask, reason: str, *, when: datetime | None, now: datetime
    ) -> QuotaRefused:
        """The error for a refusal; noted in the books, where people see it, unless those do not answer."""
        used: int | None = None
        with suppress(Unavailable):
            used = self.used(day, now)
        error = refused(day.bucket, reason, needed=ask.least, used=used, retry_at=when, method=price.id)
        key = (ask.account, price.id, reason)
        if key not in day.noted or now - day.noted[key] >= NOTED:
            day.noted[key] = now
            with suppress(Unavailable):
                self._books.run(_note(day.place, price, ask, error, now))
        return error


def opening_from(data: Mapping[str, Any]) -> Opening:
    """A stored division."""
    return Opening(limit=data["limit"], reserve=data["reserve"], accounts=data["accounts"])


def hours_in(accounts: Mapping[str, Mapping[str, Any]], *, background: bool = True) -> tuple[int, ...]:
    """Units spent in each hour since the day began, over all accounts; with background work, or without."""
    hours = [data.get("hours", {}) for data in accounts.values()]
    kinds = (False, True) if background else (False,)
    return tuple(
        sum(found.get(f"h{slot_of(hour, background=kind):02}", 0) for found in hours for kind in kinds)
        for hour in range(HOURS)
    )


def _accounts(place: Place) -> Steps[dict[str, Mapping[str, Any]]]:
    found = yield Listing(place.accounts)
    return {account: doc.data for account, doc in found.items()}


def _one(path: str) -> Steps[Mapping[str, Any] | None]:
    doc = (yield Read((path,)))[path]
    return None if doc is None else doc.data


def _total(place: Place) -> Steps[int]:
    return (yield Total(place.accounts, "spent"))  # type: ignore[no-any-return]


def _close(place: Place, closed: Mapping[str, Any]) -> Steps[None]:
    yield Commit((Write(place.path, {"closed": dict(closed)}),))


def _note(place: Place, price: Method, ask: Ask, error: QuotaRefused, now: datetime) -> Steps[None]:
    fields = {
        "account": name_of(ask.account),
        "method": price.id,
        "reason": error.reason,
        "message": error.message,
        "needed": ask.least,
        "priority": ask.priority.name.lower(),
        "retry_at": error.retry_at,
        "at": now,
        "expires_at": pacific_day_bounds(place.day)[1] + KEEP,
    }
    path = f"{place.path}/refusals/{ask.account} {price.id} {error.reason}"
    yield Commit((Write(path, fields, {"times": 1}),))


def sweep(books: Books, profile: Profile, now: datetime) -> int:
    """Charge what was reserved and never settled, on today's and yesterday's books."""
    today, swept = pacific_day(now), 0
    for day in (today - timedelta(days=1), today):
        for bucket in profile.buckets:
            place = Place(day, bucket)
            data = books.run(_one(place.path))
            if data is not None:
                swept += books.run(protocol.sweeping(place, opening_from(data), now))
    return swept
