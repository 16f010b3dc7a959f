"""The quota ledger: reserve before a call, settle after it; never over the limit, never in the dark.

One bucket's Pacific day is `quota/<day>:<bucket>`: how it was divided and whether Google has closed it, with
`accounts` (balances), `entries` (reservations) and `refusals` beneath. What moves units is in `protocol.py`, who
may take what in `decisions.py`, what a process knows of a day in `days.py`; here they meet the clock.

Writes: 2 for a reservation and 1 to settle it; a lease costs the same for all calls of a block together. Reads:
the day's document once every two seconds while there is work.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote as quoted

from shared.clock import Clock, pacific_day, pacific_day_bounds
from shared.cloud.firestore import Store
from shared.errors import InvalidRequest, QuotaRefused, Unavailable
from shared.monitoring.log import log
from shared.quota import protocol, quotes, usage
from shared.quota.accounts import PARTS, account_of, name_of
from shared.quota.books import Books
from shared.quota.calendar import KEEP, day_left, days_at, hour_of, is_off_peak, reset_after, slot_of
from shared.quota.days import Day, Days, sweep
from shared.quota.decisions import Ask, Moment
from shared.quota.forecast import Forecast, Mode, forecast_of, mode_of
from shared.quota.profile import Method, Priority, Profile
from shared.quota.protocol import Hold, Place, Want
from shared.quota.quotes import Lanes, Quote, Work
from shared.quota.refusals import CONTENDED, retry_at, unreachable
from shared.quota.usage import Usage

if TYPE_CHECKING:
    from google.cloud.firestore import Client

LAPSE = timedelta(hours=1)
"""After this long an unsettled reservation counts as spent."""
PAUSE = timedelta(seconds=30)
"""When to ask again while the ledger does not answer ..."""
CROWD = timedelta(seconds=5)
"""... and when too many met at one account."""


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """Units set aside for `count` calls of one method. cost: units in all; day: the Pacific day that pays."""

    operation_id: str
    method: str
    bucket: str
    account: str
    cost: int
    count: int
    priority: Priority
    day: date
    holds: tuple[Hold, ...] = field(default=(), repr=False)

    @property
    def borrowed(self) -> tuple[tuple[str, int], ...]:
        """From whom how many units were borrowed."""
        return tuple((name_of(loan.lender), loan.units) for hold in self.holds for loan in hold.loans)


class Ledger:
    """The day's budgets. One a process; safe for its threads.

    part: the part of system work that this instance keeps to, by chance if not given.
    """

    def __init__(
        self,
        client: Client,
        profile: Profile,
        clock: Clock,
        *,
        users_max: int = 50,
        books: Books | None = None,
        part: int | None = None,
    ) -> None:
        self.profile = profile
        self.clock = clock
        self.books = books or Books(Store(client))
        self._days = Days(self.books, profile, users_max)
        self._part = secrets.randbelow(PARTS) if part is None else part

    def reserve(
        self,
        *,
        method: str,
        account: str,
        operation_id: str | None = None,
        priority: Priority | None = None,
        count: int = 1,
    ) -> Reservation:
        """Set aside what `count` calls of a method cost, for a user or "system".

        operation_id: the name of one attempt to send. Asked again under it before it is settled, as by whoever
        lost the answer, it answers the same reservation; who may send once more asks under another name, so that
        each request to Google pays for itself. priority: at least the profile's for this method. Raises
        QuotaRefused with reason and retry_at, InvalidRequest for an unknown method, Unavailable with retry_at
        when the ledger cannot be reached or too many meet there.
        """
        return self.reserve_between(
            method=method,
            account=account,
            operation_id=operation_id,
            priority=priority,
            least=count,
            most=count,
        )

    def reserve_between(
        self,
        *,
        method: str,
        account: str,
        operation_id: str | None,
        priority: Priority | None,
        least: int,
        most: int,
        lapse: timedelta = LAPSE,
    ) -> Reservation:
        """As `reserve`, for as many of `most` calls as can be had, but at least `least`."""
        price = self.profile.method(method)
        ask = self._ask(price, account, priority, least=least, most=most)
        now = self.clock()
        granted = Reservation(
            operation_id=operation_id or uuid.uuid4().hex,
            method=method,
            bucket=price.bucket,
            account=account,
            cost=0,
            count=most,
            priority=ask.priority,
            day=pacific_day(now),
        )
        if price.cost == 0:
            return granted
        entry, token = _entry_id(granted.operation_id, method), uuid.uuid4().hex
        try:
            for each in days_at(now):
                day = self._days.day(Place(each, price.bucket), now)
                want = self._want(day, price, ask, entry=entry, token=token, now=now, lapse=lapse)
                hold = self._hold(day, price, want)
                # The second day of two around midnight pays for exactly what the first one granted.
                ask = replace(ask, units=hold.units, least=hold.units)
                granted = replace(granted, holds=(*granted.holds, hold), cost=hold.units)
        except QuotaRefused:
            self._undo(granted, token)
            raise
        except Unavailable as error:
            self._undo(granted, token)
            return self._unreachable(price, replace(granted, holds=()), ask, error)
        return replace(granted, count=granted.cost // price.cost)

    def _undo(self, granted: Reservation, token: str) -> None:
        """Give back what the first of two days granted to this request; not what an earlier one relies on."""
        ours = tuple(hold for hold in granted.holds if hold.token == token)
        try:
            self.settle(replace(granted, holds=ours), sent=False)
        except Unavailable as error:
            log("WARNING", "units stay set aside until they lapse", bucket=granted.bucket, reason=error.reason)

    def settle(self, reservation: Reservation, *, sent: bool) -> None:
        """Charge what was sent, whatever came of it; give back what was not. Doing it again changes nothing."""
        self.settle_units(reservation, reservation.cost if sent else 0)

    def settle_units(self, reservation: Reservation, used: int) -> None:
        """Charge a part of a reservation, in units, and give the rest back."""
        for hold in reservation.holds:
            back = max(0, hold.units - used)
            done = self.books.run(protocol.settling(hold, hold.units - back))
            if done and back and (day := self._days.known(hold.place)):
                day.returned(hold, back)

    def close_bucket(self, bucket: str, *, reason: str) -> None:
        """Google says that a bucket is used up: nothing more is spent from it until its reset.

        What the ledger believed to be left is recorded as drift. In the first minutes after midnight Google may
        still mean yesterday; then the new day is closed for those minutes only.
        """
        self.profile.bucket(bucket)
        self._days.close(bucket, reason, self.clock())

    def check_open(self, method: str, account: str) -> None:
        """Raise QuotaRefused if Google has closed the method's bucket, as far as this process knows."""
        now, price = self.clock(), self.profile.method(method)
        day = self._days.last_seen(Place(pacific_day(now), price.bucket), now)
        if day is not None:
            self._check_closed(day, price, self._ask(price, account, None), now)

    def sweep(self, now: datetime | None = None) -> int:
        """Charge what was reserved and never settled, on today's and yesterday's books. Answers how many."""
        return sweep(self.books, self.profile, now or self.clock())

    def usage(self, day: date | None = None) -> dict[str, Usage]:
        """Our own count, by bucket; of today's Pacific day unless another is given."""
        now = self.clock()
        when = day or pacific_day(now)
        return {
            name: self.books.run(usage.reading(Place(when, name), bucket, now))
            for name, bucket in self.profile.buckets.items()
        }

    def mode(self, bucket: str) -> Mode:
        """How freely a bucket is spent now: normal, cacheOnly from its alert threshold on, or exhausted."""
        now = self.clock()
        day = self._days.day(Place(pacific_day(now), self.profile.bucket(bucket).name), now)
        closed = day.closed_until is not None and now < day.closed_until
        return mode_of(day.bucket, self._days.used(day, now), closed=closed)

    def forecast(self) -> dict[str, Forecast]:
        """Each bucket's day to its Pacific midnight, from the day's burn."""
        now = self.clock()
        day = pacific_day(now)
        return {
            name: forecast_of(
                self.profile.bucket(name), figures["used"] + figures["reserved"], figures["by_hour"], day, now
            )
            for name, figures in self.usage(day).items()
        }

    def quote(self, plan: Work | Sequence[Work], lanes: Lanes = MappingProxyType({})) -> Quote:
        """What work would cost, how much of it can run now, and when and why the rest. Reserves nothing.

        lanes: the rate limits that it meets, as the rate limiter sees them now.
        """
        now = self.clock()
        works = (plan,) if isinstance(plan, Work) else tuple(plan)
        buckets = {self.profile.method(method).bucket for work in works for method in work.calls}
        background = any(work.priority == Priority.BACKGROUND for work in works)
        boards = {}
        for bucket in sorted(buckets):
            day = self._days.day(Place(pacific_day(now), bucket), now)
            boards[bucket] = quotes.Board(
                bucket=day.bucket,
                day=day.place.day,
                book=self.books.run(protocol.looking(day.place, day.opening)),
                yesterday=self._days.pattern(day) if background else (),
                closed_until=day.closed_until,
            )
        return quotes.quoted(self.profile, works, boards, now, lanes)

    # --- one bucket's day ---------------------------------------------------------------------------------------

    def _ask(
        self,
        price: Method,
        account: str,
        priority: Priority | None,
        *,
        least: int = 1,
        most: int = 1,
    ) -> Ask:
        whole = all(isinstance(count, int) and not isinstance(count, bool) for count in (least, most))
        if not whole or not 1 <= least <= most:
            raise InvalidRequest(f"{most!r} is not a number of calls.", field="count")
        return Ask(
            account=account_of(account, self._part),
            cost=price.cost,
            units=price.cost * most,
            least=price.cost * least,
            priority=price.at(priority),
            seed=uuid.uuid4().hex,
        )

    def _want(
        self, day: Day, price: Method, ask: Ask, *, entry: str, token: str, now: datetime, lapse: timedelta
    ) -> Want:
        return Want(
            ask=ask,
            moment=Moment(day_left=day_left(day.place.day, now)),
            method=price.id,
            token=token,
            entry=entry,
            hour=slot_of(hour_of(day.place.day, now), background=ask.priority == Priority.BACKGROUND),
            at=now,
            lapses_at=now + lapse,
            expires_at=pacific_day_bounds(day.place.day)[1] + KEEP,
        )

    def _hold(self, day: Day, price: Method, want: Want) -> Hold:
        ask, now = want.ask, want.at
        self._check_closed(day, price, ask, now)
        if price.gives_way(ask.priority) and self._days.used(day, now) + ask.least > day.bucket.alert:
            when = reset_after(day.place.day, now)
            raise self._days.refusal(day, price, ask, "cacheOnly", when=when, now=now)
        hold = None
        if day.may_hold(ask):
            hold = self.books.run(protocol.spending(day.place, day.opening, want))
        if hold is None:
            hold = self._borrow(day, price, want)
        day.granted(hold)
        return hold

    def _borrow(self, day: Day, price: Method, want: Want) -> Hold:
        ask, now = want.ask, want.at
        day.left[ask.account] = 0
        if denied := day.still_denied(ask, now):
            # A moment ago there was nothing to borrow; but this operation may hold its units already.
            held = self.books.run(protocol.existing(day.place, day.opening, want))
            if isinstance(held, Hold):
                return held
            raise denied
        if ask.priority == Priority.BACKGROUND and is_off_peak(now):
            allowance = self._days.allowance(day, now)
            want = replace(want, moment=replace(want.moment, allowance=allowance))
        with day.borrowing:  # threads of one process would only collide
            answer = self.books.run(protocol.borrowing(day.place, day.opening, want))
        if isinstance(answer, Hold):
            return answer
        when = retry_at(answer, day.place.day, now)
        error = self._days.refusal(day, price, ask, answer.reason, when=when, now=now)
        day.denied[ask.account, ask.priority] = (ask.least, error, now)
        raise error

    def _check_closed(self, day: Day, price: Method, ask: Ask, now: datetime) -> None:
        if day.closed_until is not None and now < day.closed_until:
            raise self._days.refusal(day, price, ask, "bucketClosedByGoogle", when=day.closed_until, now=now)

    def _unreachable(self, price: Method, reservation: Reservation, ask: Ask, error: Unavailable) -> Reservation:
        bucket, contended = self.profile.bucket(price.bucket), error.reason == CONTENDED
        if bucket.unreachable == "allow" and not contended:
            log("WARNING", "the quota ledger does not answer; a call goes on uncounted", method=price.id)
            return replace(reservation, cost=ask.least, count=ask.least // price.cost)
        raise unreachable(bucket, error, retry_at=self.clock() + (CROWD if contended else PAUSE), method=price.id)


def _entry_id(operation_id: str, method: str) -> str:
    """One entry for each attempt and method: an operation makes several calls under its id."""
    text = f"{quoted(operation_id, safe='')}~{method}"
    return text if len(text) < 400 else hashlib.sha256(text.encode()).hexdigest()
