"""A bucket's day as a quote sees it: read from as few documents as possible, and changed by work that is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.cloud.steps import Doc, Read, Steps, Total
from shared.quota.accounts import POOL, RESERVE, SYSTEMS, Allocation, allocation_from, sisters_of
from shared.quota.decisions import Book, Grant, Lender
from shared.quota.places import Place, left_in, pool_in
from shared.quota.protocol import claiming

OTHERS = "others"


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Who has what. own: the accounts that the plan is for, with shares they have not claimed yet; for system work
    all of its accounts together. others: everybody else's accounts, added up. shares: a new day's, of `own`."""

    allocation: Allocation
    reserve_left: int
    pool: Lender
    others: Lender
    own: Mapping[str, Lender]
    shares: Mapping[str, int]

    @property
    def left(self) -> int:
        """Units outside the reserve that nobody has spent."""
        return self.pool.left + self.others.left + sum(max(0, lender.left) for lender in self.own.values())

    @property
    def used(self) -> int:
        """Units that are spent."""
        return self.allocation.limit - self.reserve_left - self.left

    def book(self, account: str) -> Book:
        """What decides for one account."""
        rest = [lender for name, lender in self.own.items() if name != account]
        return Book(
            limit=self.allocation.limit,
            reserve=self.allocation.reserve,
            reserve_left=self.reserve_left,
            own=self.own[account].left,
            lenders=(self.pool, self.others, *rest),
        )

    def after(self, account: str, grant: Grant) -> Outlook:
        """The day once a grant has been entered."""
        lent = {loan.lender: loan.units for loan in grant.loans}
        own = {name: _less(lender, lent.get(name, 0)) for name, lender in self.own.items()}
        own[account] = _less(own[account], grant.units - sum(lent.values()))
        return replace(
            self,
            reserve_left=self.reserve_left - lent.get(RESERVE, 0),
            pool=_less(self.pool, lent.get(POOL, 0)),
            others=_less(self.others, lent.get(OTHERS, 0)),
            own=own,
        )

    def fresh(self) -> Outlook:
        """The same bucket on a day on which nobody has used anything yet."""
        allocation, shares = self.allocation, self.shares
        claims = sum(units for account, units in shares.items() if account not in SYSTEMS)
        system = 0 if any(account in SYSTEMS for account in shares) else allocation.system
        return replace(
            self,
            reserve_left=allocation.reserve,
            pool=Lender(POOL, max(0, allocation.pool - claims), max(0, allocation.unclaimed - claims)),
            others=Lender(OTHERS, system, system),
            own={account: Lender(account, units, units) for account, units in shares.items()},
        )


def _less(lender: Lender, units: int) -> Lender:
    return replace(lender, left=lender.left - units)


def looking(place: Place, accounts: Sequence[str]) -> Steps[tuple[Doc, Outlook]]:
    """The document of a day that has begun, and its outlook for some accounts: reads these and a sum."""
    near = dict.fromkeys(one for account in accounts for one in (account, *sisters_of(account)))
    docs: Mapping[str, Doc | None] = yield Read((place.path, *(place.account(one) for one in near)))
    day = docs[place.path]
    assert day is not None
    allocation = allocation_from(day.data)
    left, unclaimed = pool_in(day.data)
    claims, own, shares = 0, {}, {}
    for account in accounts:
        claim = min(left - claims, (yield from claiming(place, docs, account)))
        mine = [docs[place.account(one)] for one in (account, *sisters_of(account))]
        shares[account] = claim + sum(doc.data["share"] for doc in mine if doc)
        own[account] = Lender(account, claim + sum(left_in(doc) for doc in mine), shares[account])
        claims += claim
    total = int((yield Total(place.accounts, "left"))) + claims
    taken = allocation.unclaimed - unclaimed + allocation.system + claims
    return day, Outlook(
        allocation=allocation,
        reserve_left=allocation.reserve - day.data["reserve_lent"],
        pool=Lender(POOL, left - claims, max(0, unclaimed - claims)),
        others=Lender(
            OTHERS,
            max(0, total - sum(lender.left for lender in own.values())),
            max(0, taken - sum(shares.values())),
        ),
        own=own,
        shares=shares,
    )
