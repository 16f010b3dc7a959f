"""What the ledger answers, decided from one look at a bucket's day. No clock, no storage.

Who may take whose units, by priority:

    own account          everybody; system work's is all of its parts
    the pool             everybody but background work
    idle accounts        normal: what the lender will not need, its share shrinking evenly to zero by midnight
                         high and critical: all of it, from those who used least, from as many as it takes
    the reserve          critical alone

Background work borrows in the off-peak hours alone, and then from pool and idle accounts alike, as far as
yesterday's pattern leaves units over for the rest of the day.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from zlib import crc32

from shared.quota.accounts import RESERVE, Balance, Opening, is_free, is_sister
from shared.quota.profile import Priority

BLOCK, THOUSAND = 16, 1_000
"""At least one part of BLOCK of what a lender has is borrowed at once, and at least a thousandth of the limit, so
that a borrower does not come back for each unit. What it does not need stays where others can borrow it."""
QUARTERS = 4
"""Who used least lends first, as far as quarters of a share tell; a finer order would send everybody to one."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """A bucket's day at one moment."""

    opening: Opening
    balances: Mapping[str, Balance]

    def balance(self, account: str) -> Balance:
        """An account; one without a document holds what the day's division gave it."""
        return self.balances.get(account) or Balance(opening=self.opening.of(account))

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account, active or idle."""
        return tuple(sorted({*self.opening.accounts, *self.balances}))

    @property
    def used(self) -> int:
        """Units spent, including what is reserved."""
        return sum(balance.spent for balance in self.balances.values())

    def left(self, *, with_reserve: bool) -> int:
        """Units that nobody has spent."""
        return sum(
            max(0, self.balance(account).available)
            for account in self.accounts
            if with_reserve or account != RESERVE
        )


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Somebody wants units. units is a multiple of cost; down to `least` will do."""

    account: str
    cost: int
    units: int
    priority: Priority
    least: int
    seed: str = ""
    """Spreads those who ask at once over different lenders."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What of the calendar matters. day_left: 1 at midnight, 0 at the next. allowance: units that background work
    may take beyond its own account, None outside the off-peak hours."""

    day_left: float
    allowance: int | None = None


@dataclass(frozen=True, slots=True)
class Loan:
    """Units that moved from one account to the borrower's."""

    lender: str
    units: int


@dataclass(frozen=True, kw_only=True)
class Spend:
    """Yes: these units, after these loans."""

    units: int
    loans: tuple[Loan, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """No.

    reason: bucketSpent, reserveKept, shareSpentNobodyToBorrowFrom, offPeakOnly, allowanceSpent or neverFits.
    day_left: how little of the day must be left for the answer to become yes, 0 for "not today".
    """

    reason: str
    day_left: float = 0.0


def decide(book: Book, ask: Ask, moment: Moment) -> Spend | Refusal:
    """Grant all that is asked, or as much as there is (at least `least`), or refuse with the reason."""
    own = max(0, book.balance(ask.account).available)
    if own >= ask.units:
        return Spend(units=ask.units)
    offers = list(_offers(book, ask, moment))
    reachable = own + sum(loan.units for loan in offers)
    if ask.priority == Priority.BACKGROUND:
        sisters = sum(loan.units for loan in offers if is_sister(loan.lender, ask.account))
        reachable = own + sisters + min(reachable - own - sisters, max(0, moment.allowance or 0))
    units = min(ask.units, reachable // ask.cost * ask.cost)
    if units < ask.least:
        return _refusal(book, ask, moment, own)
    # Background work borrows no more than it needs: a block would outlive its allowance.
    block = 0 if ask.priority == Priority.BACKGROUND else max(1, book.opening.limit // THOUSAND)
    return Spend(units=units, loans=tuple(_borrow(offers, units - own, block)))


def after(book: Book, ask: Ask, spend: Spend) -> Book:
    """The book once a grant has been entered."""
    balances = dict(book.balances)
    for loan in spend.loans:
        lender = book.balance(loan.lender)
        balances[loan.lender] = replace(lender, lent=lender.lent + loan.units)
    own = book.balance(ask.account)
    borrowed = own.borrowed + sum(loan.units for loan in spend.loans)
    balances[ask.account] = replace(own, borrowed=borrowed, spent=own.spent + spend.units)
    return replace(book, balances=balances)


def _offers(book: Book, ask: Ask, moment: Moment) -> Iterator[Loan]:
    """What each lender would give, in the order of asking; only critical work gets to the reserve, and last."""
    lenders = [account for account in book.accounts if account not in {ask.account, RESERVE}]

    def order(account: str) -> tuple[bool, bool, int, int]:
        balance, free = book.balance(account), is_free(account, ask.account)
        used = 0 if free else QUARTERS * balance.spent // (balance.opening or 1)
        return not is_sister(account, ask.account), not free, used, crc32(f"{ask.seed}/{account}".encode())

    for account in sorted(lenders, key=order):
        free = is_free(account, ask.account)
        units = _lendable(book.balance(account), ask.priority, free, moment.day_left)
        if units > 0:
            yield Loan(account, units)
    reserve = book.balance(RESERVE).available
    if ask.priority == Priority.CRITICAL and reserve > 0:
        yield Loan(RESERVE, reserve)


def _lendable(balance: Balance, priority: Priority, free: bool, day_left: float) -> int:
    if free or priority != Priority.NORMAL:
        return balance.available
    return balance.available - math.floor(balance.opening * day_left)


def _borrow(offers: list[Loan], need: int, block: int) -> Iterator[Loan]:
    """Loans of `need` units in all; with a block, rather more than less, but never of the reserve."""
    for offer in offers:
        if need <= 0:
            return
        generous = block if offer.lender != RESERVE else 0
        wanted = max(need, generous, offer.units // BLOCK) if generous else need
        taken = min(offer.units, wanted)
        need -= taken
        yield Loan(offer.lender, taken)


def _refusal(book: Book, ask: Ask, moment: Moment, own: int) -> Refusal:
    reserve = max(0, book.balance(RESERVE).available)
    reach = book.opening.limit - (0 if ask.priority == Priority.CRITICAL else book.opening.reserve)
    if ask.least > reach:
        return Refusal(reason="neverFits")
    left = book.left(with_reserve=False)
    if left < ask.least:
        kept = ask.priority < Priority.CRITICAL and left + reserve >= ask.least
        return Refusal(reason="reserveKept" if kept else "bucketSpent")
    if ask.priority == Priority.BACKGROUND:
        return Refusal(reason="offPeakOnly" if moment.allowance is None else "allowanceSpent")
    return Refusal(reason="shareSpentNobodyToBorrowFrom", day_left=_enough_at(book, ask, own))


def _enough_at(book: Book, ask: Ask, own: int) -> float:
    """The greatest day_left at which idle accounts would lend enough, found by halving."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        offered = sum(loan.units for loan in _offers(book, ask, Moment(day_left=middle)))
        low, high = (middle, high) if own + offered >= ask.least else (low, middle)
    return low
