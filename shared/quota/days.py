"""What a process knows of each bucket's day: its allocation, its closing, what is used, and whom it refused.

A day begins with whoever comes first; everybody else reads that allocation and keeps it, because it never changes.
What can change is looked at again after moments that are stated here. `Days.run` is the ledger's way to Firestore.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import pacific_day, pacific_day_bounds
from shared.cloud.firestore import Store
from shared.cloud.steps import PRESENT, Commit, Doc, Result, Steps, Write, only, reading
from shared.errors import QuotaRefused, Unavailable
from shared.monitoring.log import log
from shared.quota import opening
from shared.quota.accounts import BucketDay, name_of
from shared.quota.calendar import DOUBT, hour_of
from shared.quota.decisions import CONTENDED, ReservationRequest, refused
from shared.quota.profile import Bucket, Priority, Profile
from shared.quota.quotes import Outlook, looking
from shared.quota.reservation import Entry

FRESH = timedelta(seconds=2)  # for which this process trusts what it saw of a bucket's closing
RECENT = timedelta(seconds=10)  # for which it trusts what is used, which only the modes need
DENIED = timedelta(seconds=3)  # for which it repeats a refusal without looking again
NOTED = timedelta(minutes=1)  # after which it writes down again that it refused the same for the same reason


@dataclass(kw_only=True)
class Day:
    """One bucket's day, as far as this process has seen it. left: what accounts held when they were last seen."""

    bucket_day: BucketDay
    bucket: Bucket
    doc: Doc
    seen_at: datetime
    used: int = 0
    used_at: datetime | None = None
    left: dict[str, int] = field(default_factory=dict)
    denied: dict[tuple[str, Priority], tuple[int, QuotaRefused, datetime]] = field(default_factory=dict)
    noted: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def granted(self, entry: Entry) -> None:
        if entry.left is not None:  # else somebody counted it already
            self.left[entry.account] = max(0, entry.left)
            self.used += entry.units

    def returned(self, entry: Entry, units: int) -> None:
        self.left.pop(entry.account, None)
        self.denied.clear()
        self.used -= units

    def still_denied(self, request: ReservationRequest, now: datetime) -> QuotaRefused | None:
        """The refusal of the same account a moment ago, if it asked for no more than now."""
        least, error, at = self.denied.get((request.account, request.priority), (0, None, now))
        return error if error and least <= request.least and now - at < DENIED else None

    def closed_until(self, now: datetime) -> datetime | None:
        closed = self.doc.data.get("closed")
        return closed["until"] if closed and now < closed["until"] else None

    def resting_until(self, method: str, now: datetime) -> datetime | None:
        """Until when calls of a method that can wait are put off, None when they are not."""
        until: datetime | None = self.doc.data.get("resting", {}).get(_name(method))
        return until if until is not None and now < until else None


class Days:
    """The days of all buckets."""

    def __init__(self, store: Store, profile: Profile, users_max: int) -> None:
        self._store = store
        self._profile = profile
        self._users_max = users_max
        self._known: dict[BucketDay, Day] = {}

    def run(self, steps: Steps[Result]) -> Result:
        """A protocol's result. Raises Unavailable when Firestore does not answer, or too many met there."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError

        try:
            return self._store.run(steps)
        except (GoogleAPICallError, RetryError) as error:
            raise Unavailable("The quota ledger does not answer.", reason="ledgerUnavailable") from error
        except Unavailable as error:
            raise Unavailable("Too many meet at one quota account.", reason=CONTENDED) from error

    def day(self, bucket_day: BucketDay, now: datetime) -> Day:
        """A bucket's day, begun if need be. Raises Unavailable when it was never seen and Firestore is silent."""
        known = self._known.get(bucket_day)
        if known and abs(now - known.seen_at) < FRESH:
            return known
        bucket = self._profile.bucket(bucket_day.bucket)
        hour, doc = hour_of(bucket_day.day, now), self.run(reading([bucket_day.path]))[bucket_day.path]
        if doc is None:
            doc = self.run(opening.opening(bucket_day, bucket, self._profile.name, self._users_max, hour))
        if opening.mark(hour) not in doc.data["hours"]:
            doc = self.run(opening.marking(bucket_day, doc, hour))
        if known is None:
            old = pacific_day(now) - timedelta(days=2)
            for each in [each for each in self._known if each.day < old]:
                self._known.pop(each, None)
            begun = Day(bucket_day=bucket_day, bucket=bucket, doc=doc, seen_at=now)
            known = self._known.setdefault(bucket_day, begun)
        known.doc, known.seen_at = doc, now
        return known

    def last_seen(self, bucket_day: BucketDay, now: datetime) -> Day | None:
        """As `day`; while Firestore is silent, what was seen of it last, if anything."""
        try:
            return self.day(bucket_day, now)
        except Unavailable:
            known = self._known.get(bucket_day)
            if known is not None:
                known.seen_at = now  # not every call has to wait for the silence
            return known

    def known(self, bucket_day: BucketDay) -> Day | None:
        return self._known.get(bucket_day)

    def outlook(self, bucket_day: BucketDay, accounts: Sequence[str], now: datetime) -> Outlook:
        day = self._known.get(bucket_day) or self.day(bucket_day, now)
        return self.run(looking(bucket_day, day.bucket, accounts))

    def used(self, day: Day, now: datetime) -> int:
        """Units spent and reserved, at most RECENT old."""
        if day.used_at is None or abs(now - day.used_at) >= RECENT:
            day.used, day.used_at = self.run(opening.spent(day.bucket_day))[0], now
        return day.used

    def close(self, bucket: str, reason: str, now: datetime) -> None:
        """Google says that a bucket is used up."""
        day = self.day(BucketDay(pacific_day(now), bucket), now)
        begin, end = pacific_day_bounds(day.bucket_day.day)
        until = begin + DOUBT if now < begin + DOUBT else end
        used = self.run(opening.spent(day.bucket_day))[0]
        drift = day.doc.data["allocation"]["limit"] - used
        closed = {"at": now, "until": until, "reason": reason, "used": used, "drift": drift}
        self._write(Write(day.bucket_day.path, {"closed": closed}))
        day.doc = Doc({**day.doc.data, "closed": closed}, day.doc.version)
        log("WARNING", "Google closed a quota bucket", bucket=bucket, until=until, drift=drift)

    def rest(self, bucket_day: BucketDay, method: str, until: datetime) -> None:
        """Have a method's calls that can wait put off; on a day that nobody has begun nothing is written."""
        self._write(Write(bucket_day.path, {f"resting.{_name(method)}": until}, only_if=PRESENT))

    def _write(self, write: Write) -> None:
        self.run(only(Commit((write,))))

    def refusal(
        self,
        day: Day,
        request: ReservationRequest,
        reason: str,
        when: datetime | None,
        *,
        now: datetime,
        used: int | None = None,
    ) -> QuotaRefused:
        """The error for a refusal; noted in the ledger, where people see it, unless that does not answer."""
        if used is None and day.used_at is not None:
            used = day.used
        error = refused(day.bucket, request, reason, when, used)
        key = (request.account, request.price.id, reason)
        if key not in day.noted or now - day.noted[key] >= NOTED:
            day.noted[key] = now
            fields = {
                "account": name_of(request.account),
                "method": request.price.id,
                "reason": reason,
                "message": error.message,
                "needed": request.least,
                "priority": request.priority.name.lower(),
                "retry_at": when,
                "at": now,
                "expires_at": day.bucket_day.expires_at,
            }
            with suppress(Unavailable):
                self._write(Write(f"{day.bucket_day.refusals}/{' '.join(key)}", fields, {"times": 1}))
        return error


def _name(method: str) -> str:
    return method.replace(".", "_")
