"""A bucket's day as a dry run sees it: read from as few documents as possible, changed by what is tried on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from shared.cloud.steps import Doc, Read, Steps, Total
from shared.quota.accounts import POOL, RESERVE, SYSTEM, SYSTEMS, Allocation, BucketDay, allocation_in, left_in
from shared.quota.calendar import day_left, is_off_peak
from shared.quota.decisions import Book, Grant, Lender, Moment
from shared.quota.opening import off_peak_allowance
from shared.quota.profile import Bucket
from shared.quota.protocol import claiming, fund_in, fund_of, sharing

OTHERS = "others"


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """One bucket's day: who has what.

    lenders: the pool; the accounts that the plan is for, with shares they have not claimed yet (all of system
    work's are one); and everybody else's, added up. shares: a new day's, of those accounts. pattern: what
    yesterday's foreground work used by the hour. closed_until: until when Google has closed the bucket, if it has.
    """

    bucket: Bucket
    day: date
    allocation: Allocation
    reserve_left: int
    lenders: Mapping[str, Lender]
    shares: Mapping[str, int]
    pattern: Sequence[int]
    closed_until: datetime | None

    @property
    def left(self) -> int:
        """Units outside the reserve that nobody has spent."""
        return sum(max(0, lender.left) for lender in self.lenders.values())

    @property
    def used(self) -> int:
        return self.allocation.limit - self.reserve_left - self.left

    def moment(self, at: datetime) -> Moment:
        allowance = None
        if is_off_peak(at):
            allowance = off_peak_allowance(self.bucket, self.used, self.pattern, self.day, at)
        return Moment(day_left=day_left(self.day, at), allowance=allowance)

    def book(self, account: str) -> Book:
        return Book(
            limit=self.allocation.limit,
            reserve=self.allocation.reserve,
            reserve_left=self.reserve_left,
            own=self.lenders[account].left,
            lenders=tuple(lender for name, lender in self.lenders.items() if name != account),
        )

    def after(self, account: str, grant: Grant) -> Outlook:
        lent = {loan.lender: loan.units for loan in grant.loans}
        taken = {**lent, account: grant.units - sum(lent.values())}
        lenders = {
            name: replace(lender, left=lender.left - taken.get(name, 0)) for name, lender in self.lenders.items()
        }
        return replace(self, reserve_left=self.reserve_left - lent.get(RESERVE, 0), lenders=lenders)

    def on(self, day: date) -> Outlook:
        """The same bucket on a day to come, of which nobody has used anything yet."""
        allocation = self.allocation
        claims = dict.fromkeys((POOL, SYSTEM), 0)
        own = []
        for account, share in self.shares.items():
            units = allocation.system if account in SYSTEMS else share
            own.append(Lender(account, units, units))
            claims[fund_of(account)] += units
        system = allocation.system - claims[SYSTEM]
        pool = Lender(POOL, max(0, allocation.pool - claims[POOL]), max(0, allocation.unclaimed - claims[POOL]))
        lenders = _by_account(pool, Lender(OTHERS, system, system), *own)
        return replace(self, day=day, reserve_left=allocation.reserve, lenders=lenders, closed_until=None)


def _by_account(*lenders: Lender) -> dict[str, Lender]:
    return {each.account: each for each in lenders}


def looking(bucket_day: BucketDay, bucket: Bucket, accounts: Sequence[str]) -> Steps[Outlook]:
    """The outlook of a day that has begun, for some accounts: reads these, the day's document and a sum."""
    paths = (bucket_day.path, *(bucket_day.account(one) for one in accounts))
    docs: Mapping[str, Doc | None] = yield Read(paths)
    day = docs[bucket_day.path]
    assert day is not None
    allocation = allocation_in(day.data)
    claims, own, shares, held = {POOL: 0, SYSTEM: 0}, list[Lender](), {}, 0
    for account in accounts:
        doc, fund = docs[bucket_day.account(account)], fund_of(account)
        claim = yield from claiming(bucket_day, docs, account, allocation.limit)
        claim = min(claim, day.data[fund]["left"] - claims[fund])
        # Others may have borrowed of it today; tomorrow it is whole again.
        share = claim if account in SYSTEMS else (yield from sharing(bucket_day, docs, account))
        claims[fund] += claim
        claimed = doc.data["share"] if doc else 0
        shares[account] = share + claimed
        own.append(Lender(account, claim + left_in(doc), claim + claimed))
        held += claim + claimed
    pool, system = (fund_in(day, fund, claims[fund]) for fund in (POOL, SYSTEM))
    stored = int((yield Total(bucket_day.accounts, "left")))
    rest = stored + sum(claims.values()) - sum(one.left for one in own)
    taken = allocation.unclaimed + allocation.system - pool.share - system.share - held
    others = Lender(OTHERS, max(0, rest) + system.left, max(0, taken) + system.share)
    closed = day.data.get("closed")
    return Outlook(
        bucket=bucket,
        day=bucket_day.day,
        allocation=allocation,
        reserve_left=day.data[RESERVE]["left"],
        lenders=_by_account(pool, others, *own),
        shares=shares,
        pattern=day.data["pattern"],
        closed_until=closed["until"] if closed else None,
    )
