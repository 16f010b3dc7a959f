"""Quotes: what reservations and rate limits would say to work before it is done, without making any.

Work items are tried one after the other; each sees what those before it would have taken and borrowed. What is
refused is tried again at the time that its refusal names: on the coming days as if nobody else used anything, so
that its time is the earliest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby

from shared.clock import pacific_day, pacific_day_bounds
from shared.cloud.steps import Read, Steps, Total
from shared.errors import InvalidRequest
from shared.quota.accounts import POOL, RESERVE, SYSTEM, SYSTEMS, Allocation, BucketDay, account_of, left_in
from shared.quota.calendar import day_left, is_off_peak, local
from shared.quota.decisions import REASONS, Book, Grant, Lender, Moment, ReservationRequest, decide, retry_at
from shared.quota.opening import off_peak_allowance
from shared.quota.profile import Bucket, Priority, Profile
from shared.quota.protocol import Look, fund_of
from shared.rate_limits.limits import DryRunLog

MOST_WORK_ITEMS = 1_000
HORIZON = timedelta(days=30)  # how far ahead a plan is tried
NOT_BEFORE = "notBefore"  # the reason of work that was asked for a later time


@dataclass(frozen=True, kw_only=True)
class Work:
    """`times` equal work items; each is so many calls of each method, and runs whole or not at all."""

    calls: Mapping[str, int]
    times: int = 1
    account: str = "system"
    priority: Priority | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Later:
    """`times` work items that cannot run now. at: the earliest time, None for never. why: the reason in words."""

    at: datetime | None
    bucket: str
    reason: str
    why: str
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Part:
    """The answer for one Work: how many of its items run now, and the rest. costs: units by bucket, for all."""

    work: Work
    costs: Mapping[str, int]
    now: int
    later: tuple[Later, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The answer. costs: units by bucket for the whole plan; left: units there now; message: for a person."""

    costs: Mapping[str, int]
    left: Mapping[str, int]
    parts: tuple[Part, ...]
    message: str

    @property
    def now(self) -> int:
        """Work items of the plan that can run now."""
        return sum(part.now for part in self.parts)

    @property
    def later(self) -> tuple[Later, ...]:
        return tuple(later for part in self.parts for later in part.later)


def _quote_of(parts: Sequence[Part], outlooks: Mapping[str, Outlook]) -> Quote:
    costs = Counter[str]()
    for part in parts:
        costs.update(part.costs)
    priced = {name: outlook for name, outlook in outlooks.items() if name in costs}
    figures = (
        f"{outlook.bucket.title}: {costs[name]} units, {outlook.left} left" for name, outlook in priced.items()
    )
    total = sum(part.work.times for part in parts)
    said = [f"{sum(part.now for part in parts)} of {total} can run now ({'; '.join(figures)})."]
    for part in parts:
        for (why, _), group in groupby(part.later, key=lambda later: (later.why, later.at is None)):
            said.append(_sentence(list(group), why))
    return Quote(
        costs={name: costs[name] for name in priced},
        left={name: outlook.left for name, outlook in priced.items()},
        parts=tuple(parts),
        message=" ".join(said),
    )


def _sentence(later: Sequence[Later], why: str) -> str:
    times, first, last = sum(each.times for each in later), later[0].at, later[-1].at
    if first is None or last is None:
        return f"{times} more at no time in the next {HORIZON.days} days: {why}."
    until = "" if first == last else f" (the last from {local(last).removesuffix(' Pacific')})"
    return f"{times} more from {local(first)}{until}: {why}."


OTHERS = "others"


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """One bucket's day as a dry run sees it: who has what.

    lenders: the pool; the accounts that the plan is for, with shares they have not claimed yet (all of system
    work's are one); and everybody else's, added up. shares: a new day's, of those accounts. pattern: what
    yesterday's foreground work used by the hour. closed_until: until when Google has closed the bucket, if it has.
    """

    bucket: Bucket
    day: date
    allocation: Allocation
    reserve_left: int
    lenders: tuple[Lender, ...]
    shares: Mapping[str, int]
    pattern: Sequence[int]
    closed_until: datetime | None

    @property
    def left(self) -> int:
        """Units outside the reserve that nobody has spent."""
        return sum(max(0, lender.left) for lender in self.lenders)

    @property
    def used(self) -> int:
        return self.allocation.limit - self.reserve_left - self.left

    def moment(self, at: datetime) -> Moment:
        allowance = off_peak_allowance(self.bucket, self.used, self.pattern, self.day, at)
        return Moment(day_left=day_left(self.day, at), allowance=allowance if is_off_peak(at) else None)

    def book(self, account: str) -> Book:
        return Book(
            limit=self.allocation.limit,
            reserve=self.allocation.reserve,
            reserve_left=self.reserve_left,
            own=sum(each.left for each in self.lenders if each.account == account),
            lenders=tuple(each for each in self.lenders if each.account != account),
        )

    def after(self, account: str, grant: Grant) -> Outlook:
        lent = dict(grant.loans)
        taken = {**lent, account: grant.units - sum(lent.values())}
        rest = tuple(replace(each, left=each.left - taken.get(each.account, 0)) for each in self.lenders)
        return replace(self, reserve_left=self.reserve_left - lent.get(RESERVE, 0), lenders=rest)

    def on(self, day: date) -> Outlook:
        """The same bucket on a day to come, of which nobody has used anything yet."""
        allocation = self.allocation
        claims, own = {POOL: 0, SYSTEM: 0}, list[Lender]()
        for account, share in self.shares.items():
            units = allocation.system if account in SYSTEMS else share
            own.append(Lender(account, units, units))
            claims[fund_of(account)] += units
        system = allocation.system - claims[SYSTEM]
        pool = Lender(POOL, max(0, allocation.pool - claims[POOL]), max(0, allocation.unclaimed - claims[POOL]))
        lenders = (pool, Lender(OTHERS, system, system), *own)
        return replace(self, day=day, reserve_left=allocation.reserve, lenders=lenders, closed_until=None)


def looking(bucket_day: BucketDay, bucket: Bucket, accounts: Sequence[str]) -> Steps[Outlook]:
    """The outlook of a day that has begun, for some accounts: reads these, the day's document and a sum."""
    paths = (bucket_day.path, *(bucket_day.account(one) for one in accounts))
    look = Look(bucket_day, (yield Read(paths)))
    allocation, closed = look.allocation, look.day.get("closed")
    claims, own, shares, held = {POOL: 0, SYSTEM: 0}, list[Lender](), {}, 0
    for account in accounts:
        doc, fund = look.account(account), fund_of(account)
        claim = yield from look.claiming(account, allocation.limit)
        claim = min(claim, look.fund(fund, claims[fund]).left)
        # Others may have borrowed of it today; tomorrow it is whole again.
        share = claim if account in SYSTEMS else (yield from look.sharing(account))
        claims[fund] += claim
        claimed = doc.data["share"] if doc else 0
        shares[account] = share + claimed
        own.append(Lender(account, claim + left_in(doc), claim + claimed))
        held += claim + claimed
    pool, system = (look.fund(fund, claims[fund]) for fund in (POOL, SYSTEM))
    stored = int((yield Total(bucket_day.accounts, "left")))
    rest = stored + sum(claims.values()) - sum(one.left for one in own)
    taken = allocation.unclaimed + allocation.system - pool.share - system.share - held
    others = Lender(OTHERS, max(0, rest) + system.left, max(0, taken) + system.share)
    return Outlook(
        bucket=bucket,
        day=bucket_day.day,
        allocation=allocation,
        reserve_left=look.day[RESERVE]["left"],
        lenders=(pool, others, *own),
        shares=shares,
        pattern=look.day["pattern"],
        closed_until=closed["until"] if closed else None,
    )


TRIES = 200
TICK = timedelta(seconds=1)  # what is refused again at the very moment that was named is tried this much later

RateLimits = Mapping[tuple[str, str], Sequence[DryRunLog]]
"""By (method, account): the rate limits that such a call meets. A limit that calls share is one log."""


@dataclass(frozen=True, kw_only=True)
class _WorkItem:
    """What one item needs of each bucket, in order, and how many calls it makes under each rate limit."""

    requests: tuple[ReservationRequest, ...]
    limits: Mapping[DryRunLog, int]


@dataclass(kw_only=True)
class DryRun:
    """The days on which work items are tried, as they stand after those that were placed.

    today: the outlook of each bucket concerned; limits: their logs are written on.
    """

    profile: Profile
    limits: RateLimits
    part: int
    now: datetime
    today: Mapping[str, Outlook]
    _days: dict[tuple[str, date], Outlook] = field(default_factory=dict)

    def quoted(self, works: Sequence[Work], promised: Sequence[Work]) -> Quote:
        """The quote for a plan. promised: work that was accepted before, which takes its place first.

        Raises InvalidRequest for an unknown method or an absurd count.
        """
        if not 1 <= sum(max(0, work.times) for work in works) <= MOST_WORK_ITEMS:
            raise InvalidRequest(f"A plan has 1 to {MOST_WORK_ITEMS} work items.", field="plan")
        for work in promised:
            self.placed(work)
        return _quote_of([self.placed(work) for work in works], self.today)

    def placed(self, work: Work) -> Part:
        """Place all items of a work; the answer for it."""
        item = self._item(work)
        placed, costs = list(self._placed(work, item)), Counter[str]()
        later = groupby(each for each in placed if each is not None)
        for request in item.requests:
            costs[request.price.bucket] += request.units * work.times
        return Part(
            work=work,
            costs=costs,
            now=placed.count(None),
            later=tuple(replace(each, times=len(list(equal))) for each, equal in later),
        )

    def _item(self, work: Work) -> _WorkItem:
        if work.times < 1 or not work.calls or any(count < 1 for count in work.calls.values()):
            raise InvalidRequest("A work item is at least one call, at least once.", field="plan")
        requests, met = [], Counter[DryRunLog]()
        for method, count in work.calls.items():
            price, account = self.profile.method(method), account_of(work.account, self.part)
            units, priority = price.cost * count, price.at(work.priority)
            requests.append(
                ReservationRequest(account=account, price=price, units=units, least=units, priority=priority)
            )
            met.update(dict.fromkeys(self.limits.get((method, work.account), ()), count))
        return _WorkItem(requests=tuple(requests), limits=met)

    def _placed(self, work: Work, item: _WorkItem) -> Iterator[Later | None]:
        """For each item its time and why it is not now, None if it is. Equal items run one after the other."""
        placed: datetime | None = self.now
        later: Later | None = None
        if work.not_before is not None and work.not_before > self.now:
            placed = work.not_before
            later = Later(at=placed, bucket="", reason=NOT_BEFORE, why="it was asked for this time")
        for _ in range(work.times):
            if placed is not None:
                placed, refused = self._place(item, placed)
                later = refused or later
            yield later and replace(later, at=placed)

    def _place(self, item: _WorkItem, at: datetime) -> tuple[datetime | None, Later | None]:
        """The earliest time from `at` on, None for never; and why it is not `at`."""
        first = None
        for _ in range(TRIES):
            refused = self._try(item, at)
            first = first or refused
            if refused is None:
                return at, first
            if refused.at is None or refused.at > self.now + HORIZON:
                break
            at = max(refused.at, at + TICK)
        return None, first

    def _try(self, item: _WorkItem, at: datetime) -> Later | None:
        """Place an item at a time; or say why not and when to try next, and change nothing."""
        day, outlooks = pacific_day(at), dict[str, Outlook]()
        for request in item.requests:
            bucket = request.price.bucket
            answer = _decided(outlooks.get(bucket) or self._outlook(bucket, day), request, at)
            if isinstance(answer, Later):
                return answer
            outlooks[bucket] = answer
        for limit, count in item.limits.items():
            free = limit.free_at(at, count)
            if free > at:
                return Later(at=free, bucket=item.requests[0].price.bucket, reason="rateLimited", why=limit.title)
        self._days.update({(name, day): outlook for name, outlook in outlooks.items()})
        for limit, count in item.limits.items():
            limit.stamps.extend([at] * count)
        return None

    def _outlook(self, bucket: str, day: date) -> Outlook:
        today = self.today[bucket]
        return self._days.get((bucket, day)) or (today if day == today.day else today.on(day))


def _decided(outlook: Outlook, request: ReservationRequest, at: datetime) -> Outlook | Later:
    def refused(reason: str, when: datetime | None) -> Later:
        why = f"{outlook.bucket.title}: {REASONS[reason]}"
        return Later(at=when, bucket=outlook.bucket.name, reason=reason, why=why)

    if request.units == 0:
        return outlook
    if outlook.closed_until is not None and at < outlook.closed_until:
        return refused("bucketClosedByGoogle", outlook.closed_until)
    if request.price.gives_way(request.priority) and outlook.used + request.units > outlook.bucket.alert:
        return refused("cacheOnly", pacific_day_bounds(outlook.day)[1])
    answer = decide(outlook.book(request.account), request, outlook.moment(at))
    if isinstance(answer, Grant):
        return outlook.after(request.account, answer)
    return refused(answer.reason, retry_at(answer, outlook.day, at))
