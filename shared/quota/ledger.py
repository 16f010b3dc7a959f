"""The quota ledger: reserve before a call, settle after it; never over the limit, never in the dark.

One bucket's Pacific day is `quota/<day>:<bucket>`: its allocation, its pool and whether Google has closed it, with
`accounts`, `entries` (reservations) and `refusals` beneath. Units move in `protocol.py` and `reservation.py`, who
may take what is in `decisions.py`, what a process knows of a day in `days.py`; here they meet the clock.

Writes: 2 documents for a reservation and 1 to settle it, if not charged at once; a block costs the same for all of
its calls together. Reads: the day's document once every two seconds while there is work; at most 10 to borrow.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from shared.clock import Clock, pacific_day, pacific_day_bounds
from shared.cloud.firestore import Client, Store
from shared.errors import InvalidRequest, Unavailable
from shared.monitoring.log import log
from shared.quota import protocol, usage
from shared.quota.accounts import PARTS, BucketDay, account_of
from shared.quota.calendar import day_change_ends, day_left, is_off_peak
from shared.quota.days import Day, Days
from shared.quota.decisions import CONTENDED, Moment, ReservationRequest, refused, retry_at, unreachable
from shared.quota.opening import off_peak_allowance
from shared.quota.profile import Method, Priority, Profile
from shared.quota.quotes import DryRun, Quote, RateLimits, Work
from shared.quota.reservation import Entry, NewEntry, Reservation, entry_id, settling, sweeping
from shared.quota.usage import Level, Usage

LAPSE = timedelta(hours=1)  # after which an unsettled reservation counts as spent
PAUSE = timedelta(seconds=30)  # before asking again while the ledger does not answer ...
CROWD = timedelta(seconds=5)  # ... and when too many met at one account


class Ledger:
    """The day's quotas. One a process; safe for threads. part: of system work, that this instance keeps to."""

    def __init__(
        self,
        client: Client,
        profile: Profile,
        clock: Clock,
        *,
        users_max: int = 50,
        store: Store | None = None,
        part: int | None = None,
    ) -> None:
        self.profile = profile
        self.clock = clock
        self._days = Days(store or Store(client), profile, users_max)
        self._part = secrets.randbelow(PARTS) if part is None else part

    def reserve(
        self,
        *,
        method: str,
        account: str,
        operation_id: str | None = None,
        priority: Priority | None = None,
        count: int = 1,
        least: int | None = None,
        lapse: timedelta = LAPSE,
        charged: bool = False,
    ) -> Reservation:
        """Set aside what `count` calls of a method cost, for a user or "system"; down to `least` calls will do.

        operation_id: the name of one attempt to send. Asked again under it before it is settled, as by whoever
        lost the answer, it answers the same reservation; who may send once more asks under another name, so that
        each request to Google pays for itself. priority: at least the profile's for this method. lapse: when it
        counts as spent; charged: at once, as a call that is sent now does, if nothing else is settled.
        Raises QuotaRefused with reason and retry_at, InvalidRequest for an unknown method, Unavailable with
        retry_at when the ledger cannot be reached or too many meet there.
        """
        price = self.profile.method(method)
        request = self._request(price, account, priority, least=count if least is None else least, most=count)
        now = self.clock()
        granted = Reservation(bucket=price.bucket, cost=0, day=pacific_day(now))
        if price.cost == 0:
            return granted
        self._check_day(request, now)
        new = NewEntry(
            bucket_day=BucketDay(granted.day, price.bucket),
            request=request,
            id=entry_id(operation_id or uuid.uuid4().hex, method),
            token=uuid.uuid4().hex,
            at=now,
            lapses_at=now + lapse,
            charged=charged,
        )
        try:
            entry = self._reserve(new)
        except Unavailable as error:
            return replace(granted, cost=self._uncounted(request, error))
        return replace(granted, entry=entry, cost=entry.units)

    def settle(self, reservation: Reservation, *, sent: bool) -> None:
        """Charge what was sent, whatever came of it; give back what was not. Doing it again changes nothing."""
        self.settle_units(reservation, reservation.cost if sent else 0)

    def settle_units(self, reservation: Reservation, used: int) -> None:
        """Charge a part of a reservation, in units, and give the rest back."""
        entry = reservation.entry
        if entry is None:
            return
        back = max(0, entry.units - used)
        if entry.charged and not back:
            return
        done = self._days.run(settling(entry, entry.units - back))
        if done and back and (day := self._days.known(entry.bucket_day)):
            day.returned(entry, back)

    def close_bucket(self, bucket: str, *, reason: str) -> None:
        """Google says that a bucket is used up: nothing more is spent from it until its reset.

        What the ledger believed to be left is recorded as drift. In the first minutes after midnight Google may
        still mean yesterday; then the new day is closed for those minutes only.
        """
        self._days.close(bucket, reason, self.clock())

    def check_open(self, method: str, account: str) -> None:
        """Raise QuotaRefused if the day is changing, or Google has closed the bucket as far as is known."""
        now, price = self.clock(), self.profile.method(method)
        request = self._request(price, account, None)
        self._check_day(request, now)
        day = self._days.last_seen(BucketDay(pacific_day(now), price.bucket), now)
        if day is not None:
            self._check_closed(day, request, now)

    def sweep(self, now: datetime | None = None) -> int:
        """Charge what was reserved and never settled, on whatever day. Answers how many."""
        return self._days.run(sweeping(now or self.clock()))

    def usage(self, day: date | None = None, *, rows: int = usage.ROWS) -> dict[str, Usage]:
        """Our own count, by bucket; of today's Pacific day unless another is given. rows: see `usage.reading`."""
        now = self.clock()
        return self._days.run(usage.reading(day or pacific_day(now), self.profile.buckets, now, rows))

    def levels(self) -> list[Level]:
        """How far today's buckets are spent, as far as they have begun."""
        now = self.clock()
        return self._days.run(usage.levels(pacific_day(now), self.profile.buckets, now))

    def rest(self, method: str, until: datetime) -> None:
        """Put off the calls of a method that can wait, in every process, until an instant."""
        price = self.profile.methods.get(method)
        if price is not None and price.cost:
            self._days.rest(BucketDay(pacific_day(self.clock()), price.bucket), method, until)

    def quote(
        self,
        works: Sequence[Work],
        promised: Sequence[Work] = (),
        *,
        limits: Callable[[Iterable[tuple[str, str]]], RateLimits] = lambda _: {},
    ) -> Quote:
        """What work would cost, how much of it can run now, and when and why the rest. Reserves nothing.

        promised: what was accepted before, and will be spent first. limits: answers, for each (method, account),
        the rate limits that such calls meet, as they are now.
        """
        now = self.clock()
        # What was promised under another profile may have no price in this one; it will be refused when it runs.
        promised = [work for work in promised if work.calls.keys() <= self.profile.methods.keys()]
        asked = {(method, work.account) for work in (*promised, *works) for method in work.calls}
        accounts = sorted({account_of(account, self._part) for _, account in asked})
        buckets = sorted({self.profile.method(method).bucket for method, _ in asked})
        outlooks = {
            bucket: self._days.outlook(BucketDay(pacific_day(now), bucket), accounts, now) for bucket in buckets
        }
        met = limits(asked)
        dry_run = DryRun(profile=self.profile, limits=met, part=self._part, now=now, today=outlooks)
        return dry_run.quoted(works, promised)

    # --- one bucket's day ---------------------------------------------------------------------------------------

    def _request(
        self, price: Method, account: str, priority: Priority | None, *, least: int = 1, most: int = 1
    ) -> ReservationRequest:
        whole = all(isinstance(count, int) and not isinstance(count, bool) for count in (least, most))
        if not whole or not 1 <= least <= most:
            raise InvalidRequest(f"{most!r} is not a number of calls.", field="count")
        return ReservationRequest(
            account=account_of(account, self._part),
            price=price,
            units=price.cost * most,
            least=price.cost * least,
            priority=price.at(priority),
            seed=uuid.uuid4().hex,
        )

    def _check_day(self, request: ReservationRequest, now: datetime) -> None:
        ends = day_change_ends(now)
        if ends is not None:
            raise refused(self.profile.bucket(request.price.bucket), request, "dayChanging", ends)

    def _check_closed(self, day: Day, request: ReservationRequest, now: datetime) -> None:
        until = day.closed_until(now)
        if until is not None:
            raise self._days.refusal(day, request, "bucketClosedByGoogle", until, now=now)

    def _reserve(self, new: NewEntry) -> Entry:
        request, now = new.request, new.at
        day = self._days.day(new.bucket_day, now)
        self._check_closed(day, request, now)
        if request.price.gives_way(request.priority):
            if until := day.resting_until(request.price.id, now):
                raise self._days.refusal(day, request, "resting", until, now=now)
            if self._days.used(day, now) + request.least > day.bucket.alert:
                tomorrow = pacific_day_bounds(day.bucket_day.day)[1]
                raise self._days.refusal(day, request, "cacheOnly", tomorrow, now=now)
        entry = None
        if day.left.get(request.account, 0) >= request.units and not new.charged:
            entry = self._days.run(protocol.spending(new))
        if entry is None:
            entry = self._borrow(day, new)
        day.granted(entry)
        return entry

    def _borrow(self, day: Day, new: NewEntry) -> Entry:
        request, now, of = new.request, new.at, day.bucket_day.day
        day.left[request.account] = 0
        if denied := day.still_denied(request, now):
            # A moment ago there was nothing to borrow; but this operation may have its units already.
            held = self._days.run(protocol.existing(new))
            if isinstance(held, Entry):
                return held
            raise denied
        moment = Moment(day_left=day_left(of, now))
        if request.priority == Priority.BACKGROUND:
            allowance = None
            if is_off_peak(now):
                used, pattern = self._days.used(day, now), day.doc.data["pattern"]
                allowance = off_peak_allowance(day.bucket, used, pattern, of, now)
            moment = replace(moment, allowance=allowance, kept=round(day.bucket.kept * moment.day_left))
        answer = self._days.run(protocol.borrowing(new, moment))
        if isinstance(answer, Entry):
            return answer
        when = retry_at(answer, of, now)
        error = self._days.refusal(day, request, answer.reason, when, now=now, used=answer.used)
        day.denied[request.account, request.priority] = (request.least, error, now)
        raise error

    def _uncounted(self, request: ReservationRequest, error: Unavailable) -> int:
        """The units of calls that go on while the ledger does not answer. Raises Unavailable where none may."""
        price, contended = request.price, error.reason == CONTENDED
        bucket = self.profile.bucket(price.bucket)
        if bucket.unreachable == "allow" and not contended:
            log("WARNING", "the quota ledger does not answer; a call goes on uncounted", method=price.id)
            return request.least
        raise unreachable(bucket, price.id, error, self.clock() + (CROWD if contended else PAUSE))
