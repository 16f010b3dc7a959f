"""What a process knows of each bucket's day: its allocation, its closing, what is used, and whom it refused.

A day begins with whoever comes first; everybody else reads that allocation and keeps it, because it never changes.
What can change is looked at again after moments that are stated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.clock import pacific_day, pacific_day_bounds
from shared.cloud.firestore import Store
from shared.cloud.steps import Commit, Doc, Read, Steps, Write
from shared.errors import QuotaRefused, Unavailable
from shared.monitoring.log import log
from shared.quota import opening
from shared.quota.accounts import name_of
from shared.quota.calendar import DOUBT, KEEP, hour_of
from shared.quota.decisions import ReservationRequest
from shared.quota.forecast import off_peak_allowance
from shared.quota.places import Entry, Place
from shared.quota.profile import Bucket, Method, Priority, Profile
from shared.quota.refusals import refused
from shared.quota.running import run

FRESH = timedelta(seconds=2)
"""How long this process trusts what it saw of a bucket's closing."""
RECENT = timedelta(seconds=10)
"""How long it trusts what is used, which only the modes need."""
DENIED = timedelta(seconds=3)
"""How long it repeats a refusal without looking again."""
NOTED = timedelta(minutes=1)
"""How often it writes down that it refused the same thing for the same reason."""


@dataclass(kw_only=True)
class Day:
    """One bucket's day, as far as this process has seen it. left: what accounts held when they were last seen."""

    place: Place
    bucket: Bucket
    doc: Doc
    seen_at: datetime
    used: int = 0
    used_at: datetime | None = None
    left: dict[str, int] = field(default_factory=dict)
    denied: dict[tuple[str, Priority], tuple[int, QuotaRefused, datetime]] = field(default_factory=dict)
    noted: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def may_hold(self, request: ReservationRequest) -> bool:
        """Whether the account may well hold what is asked."""
        return self.left.get(request.account, 0) >= request.units

    def granted(self, entry: Entry) -> None:
        """Remember a grant of this process."""
        if entry.left is not None:  # else somebody counted it already
            self.left[entry.account] = max(0, entry.left)
            self.used += entry.units

    def returned(self, entry: Entry, units: int) -> None:
        """Remember that units came back."""
        self.left.pop(entry.account, None)
        self.denied.clear()
        self.used -= units

    def still_denied(self, request: ReservationRequest, now: datetime) -> QuotaRefused | None:
        """The refusal of the same account a moment ago, if it asked for no more than now."""
        least, error, at = self.denied.get((request.account, request.priority), (0, None, now))
        return error if error and least <= request.least and now - at < DENIED else None


class Days:
    """The days of all buckets."""

    def __init__(self, store: Store, profile: Profile, users_max: int) -> None:
        self._store = store
        self._profile = profile
        self._users_max = users_max
        self._known: dict[Place, Day] = {}

    def day(self, place: Place, now: datetime) -> Day:
        """A bucket's day, begun if need be. Raises Unavailable when it was never seen and Firestore is silent."""
        known = self._known.get(place)
        if known and abs(now - known.seen_at) < FRESH:
            return known
        bucket = self._profile.bucket(place.bucket)
        doc, hour = run(self._store, _one(place.path)), hour_of(place.day, now)
        if doc is None:
            doc = run(self._store, opening.opening(place, bucket, self._profile.name, self._users_max, hour))
        if opening.mark(hour) not in doc.data["hours"]:
            doc = run(self._store, opening.marking(place, doc, hour))
        if known is None:
            self._forget(now)
            known = self._known.setdefault(place, Day(place=place, bucket=bucket, doc=doc, seen_at=now))
        known.doc, known.seen_at = doc, now
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

    def used(self, day: Day, now: datetime) -> int:
        """Units spent and reserved, at most RECENT old."""
        if day.used_at is None or abs(now - day.used_at) >= RECENT:
            day.used, day.used_at = run(self._store, opening.spent(day.place))[0], now
        return day.used

    def allowance(self, day: Day, now: datetime) -> int:
        """What background work may take at this hour beyond its own account."""
        return off_peak_allowance(day.bucket, self.used(day, now), day.doc.data["pattern"], day.place.day, now)

    def close(self, bucket: str, reason: str, now: datetime) -> None:
        """Google says that a bucket is used up."""
        day = self.day(Place(pacific_day(now), bucket), now)
        begin, end = pacific_day_bounds(day.place.day)
        until = begin + DOUBT if now < begin + DOUBT else end
        used = run(self._store, opening.spent(day.place))[0]
        drift = day.doc.data["allocation"]["limit"] - used
        closed = {"at": now, "until": until, "reason": reason, "used": used, "drift": drift}
        run(self._store, _commit(Write(day.place.path, {"closed": closed})))
        day.doc = Doc({**day.doc.data, "closed": closed}, day.doc.version)
        log("WARNING", "Google closed a quota bucket", bucket=bucket, until=until, drift=drift)

    def refusal(
        self,
        day: Day,
        price: Method,
        request: ReservationRequest,
        reason: str,
        *,
        when: datetime | None,
        now: datetime,
        used: int | None = None,
    ) -> QuotaRefused:
        """The error for a refusal; noted in the ledger, where people see it, unless that does not answer."""
        if used is None and day.used_at is not None:
            used = day.used
        error = refused(day.bucket, reason, needed=request.least, used=used, retry_at=when, method=price.id)
        key = (request.account, price.id, reason)
        if key not in day.noted or now - day.noted[key] >= NOTED:
            day.noted[key] = now
            with suppress(Unavailable):
                run(self._store, _commit(_note(day.place, price, request, error, now)))
        return error


def closed_until(doc: Doc, now: datetime) -> datetime | None:
    """Until when Google has closed the bucket, None when it has not."""
    closed = doc.data.get("closed")
    return closed["until"] if closed and now < closed["until"] else None


def _one(path: str) -> Steps[Doc | None]:
    return (yield Read((path,)))[path]  # type: ignore[no-any-return]


def _commit(write: Write) -> Steps[None]:
    yield Commit((write,))


def _note(place: Place, price: Method, request: ReservationRequest, error: QuotaRefused, now: datetime) -> Write:
    fields: Mapping[str, Any] = {
        "account": name_of(request.account),
        "method": price.id,
        "reason": error.reason,
        "message": error.message,
        "needed": request.least,
        "priority": request.priority.name.lower(),
        "retry_at": error.retry_at,
        "at": now,
        "expires_at": pacific_day_bounds(place.day)[1] + KEEP,
    }
    return Write(f"{place.refusals}/{request.account} {price.id} {error.reason}", fields, {"times": 1})
