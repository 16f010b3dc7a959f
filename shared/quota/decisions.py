"""What the ledger answers, decided from one look at a bucket's day, and a refusal in words. No storage.

Who may take whose units, by priority:

    own share            everybody; system work's is all of its parts
    what is nobody's     everybody but background work
    shares of others     normal and prompt: what the lender will not need, its share shrinking evenly to zero
                         by midnight
                         high and critical: all of it, from as many as it takes
    the reserve          critical alone

Background work borrows in the off-peak hours alone, and then as far as yesterday's pattern leaves units over for
the rest of the day.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from shared.clock import pacific_day_bounds
from shared.errors import QuotaRefused, Unavailable
from shared.quota.accounts import POOL, RESERVE, SYSTEMS
from shared.quota.calendar import local, next_off_peak, when_left
from shared.quota.profile import Bucket, Method, Priority

PART, THOUSAND = 16, 1_000
"""At least one part of PART of what a lender has is borrowed at once, and at least a thousandth of the limit, so
that a borrower does not come back for each unit. What it does not need stays where others can borrow it."""
SPARING = frozenset({Priority.NORMAL, Priority.PROMPT})
"""Work that leaves every lender what it will hardly do without."""
QUARTERS = 4
"""Who used least lends first, as far as quarters of a share tell; a finer order would send everybody to one."""


@dataclass(frozen=True, slots=True)
class Lender:
    """Units that are not the borrower's. share: what of them is meant for somebody."""

    account: str
    left: int
    share: int = 0

    def spare(self, day_left: float) -> float:
        """What it will hardly need, its share shrinking evenly to zero by midnight."""
        return max(0.0, self.left - self.share * day_left)


@dataclass(frozen=True, kw_only=True)
class Book:
    """A bucket's day as one account sees it.

    own: what the account holds; claim: what it may take out of a fund as its own. lenders: the funds, and others
    as far as they were looked at; complete: nobody else has anything. kept: units that are not there for this one.
    """

    limit: int
    reserve: int
    reserve_left: int
    own: int
    claim: int = 0
    lenders: tuple[Lender, ...] = ()
    complete: bool = True
    kept: int = 0

    @property
    def left(self) -> int:
        """Units outside the reserve that nobody has spent."""
        return max(0, self.own) + self.claim + sum(lender.left for lender in self.lenders) + self.kept


@dataclass(frozen=True, kw_only=True)
class ReservationRequest:
    """Somebody wants units; down to `least` will do. seed: spreads those who ask at once over the lenders."""

    account: str
    price: Method
    units: int
    least: int
    priority: Priority
    seed: str = ""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What of the calendar matters.

    day_left: 1 at midnight, 0 at the next. allowance: units that background work may take beyond its own account,
    None outside the off-peak hours. kept: units of system work's fund that it leaves to other system work.
    """

    day_left: float
    allowance: int | None = None
    kept: int = 0


class Loan(NamedTuple):
    """Units that moved from one account to the borrower's."""

    lender: str
    units: int


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Yes: these units, after these loans."""

    units: int
    loans: tuple[Loan, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """No.

    reason: bucketSpent, reserveKept, shareSpentNobodyToBorrowFrom, offPeakOnly, allowanceSpent or neverFits.
    day_left: how little of the day must be left for the answer to become yes, 0 for "not today". used: units of
    the bucket that are spent, None where not everything was looked at.
    """

    reason: str
    day_left: float = 0.0
    used: int | None = None


def decide(book: Book, request: ReservationRequest, moment: Moment) -> Grant | Refusal:
    """Grant all that is asked, or as much as there is (at least `least`), or refuse with the reason."""
    own = max(0, book.own) + book.claim
    if own >= request.units:
        return Grant(units=request.units)
    units = min(request.units, (own + _reach(book, request, moment)) // request.price.cost * request.price.cost)
    if units < request.least:
        return _refusal(book, request, moment)
    return Grant(units=units, loans=tuple(_loans(book, request, moment, units - own)))


def _reach(book: Book, request: ReservationRequest, moment: Moment) -> int:
    parts, others = _split(book, request)
    mine = sum(lender.left for lender in parts)
    if request.priority in SPARING:
        # The smallest fraction more, for what adding fractions loses.
        return mine + math.floor(sum(lender.spare(moment.day_left) for lender in others) + 1e-6)
    lent = sum(lender.left for lender in others)
    if request.priority == Priority.BACKGROUND:
        return mine + min(lent, max(0, moment.allowance or 0))
    return mine + lent + (max(0, book.reserve_left) if request.priority == Priority.CRITICAL else 0)


def _split(book: Book, request: ReservationRequest) -> tuple[list[Lender], list[Lender]]:
    """The other accounts of system work, if this is one; and everybody else."""
    parts = SYSTEMS if request.account in SYSTEMS else ()
    there = [lender for lender in book.lenders if lender.left > 0]
    return [one for one in there if one.account in parts], [one for one in there if one.account not in parts]


def _loans(book: Book, request: ReservationRequest, moment: Moment, need: int) -> Iterator[Loan]:
    """Loans of `need` units in all: rather more than less, but never of the reserve, which comes last."""
    parts, others = _split(book, request)
    # Background work borrows no more than it needs: more would outlive its allowance.
    generous = request.priority != Priority.BACKGROUND
    for lender in (*parts, *sorted(others, key=lambda one: _order(one, request.seed))):
        most = lender.left
        if request.priority in SPARING and lender not in parts:
            most = min(most, math.ceil(lender.spare(moment.day_left)))
        more = max(1, book.limit // THOUSAND, lender.left // PART) if generous else 0
        units = min(most, max(need, more))
        if need > 0 and units > 0:
            need -= units
            yield Loan(lender.account, units)
    if need > 0:
        yield Loan(RESERVE, need)


def _order(lender: Lender, seed: str) -> tuple[bool, int, int]:
    used = QUARTERS * max(0, lender.share - lender.left) // (lender.share or 1)
    return lender.account != POOL, used, crc32(f"{seed}/{lender.account}".encode())


def _refusal(book: Book, request: ReservationRequest, moment: Moment) -> Refusal:
    reserve, left = max(0, book.reserve_left), book.left
    used = book.limit - reserve - left if book.complete else None
    critical = request.priority == Priority.CRITICAL
    if request.least > book.limit - (0 if critical else book.reserve):
        return Refusal(reason="neverFits", used=used)
    if left < request.least:
        kept = not critical and left + reserve >= request.least
        return Refusal(reason="reserveKept" if kept else "bucketSpent", used=used)
    if request.priority == Priority.BACKGROUND:
        return Refusal(reason="offPeakOnly" if moment.allowance is None else "allowanceSpent", used=used)
    return Refusal(reason="shareSpentNobodyToBorrowFrom", day_left=_enough_at(book, request), used=used)


def _enough_at(book: Book, request: ReservationRequest) -> float:
    """The greatest day_left at which others would lend enough, found by halving."""
    need = request.least - max(0, book.own) - book.claim
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        enough = _reach(book, request, Moment(day_left=middle)) >= need
        low, high = (middle, high) if enough else (low, middle)
    return low


CONTENDED = "ledgerContended"
REASONS: Mapping[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def refused(
    bucket: Bucket, request: ReservationRequest, reason: str, when: datetime | None, used: int | None = None
) -> QuotaRefused:
    """The error to raise. when: from when it can work, None for never. used: units, where it is known."""
    figures = f"{used} of {bucket.limit} units used, " if used is not None else ""
    then = "It cannot work at any time." if when is None else f"It can work from {local(when)}."
    why = f"{REASONS[reason]} ({figures}{request.least} needed)"
    message = f"{bucket.title}: {request.price.id} was refused, because {why}. {then}"
    return QuotaRefused(message, reason=reason, retry_at=when)


def unreachable(bucket: Bucket, method: str, error: Unavailable, when: datetime) -> Unavailable:
    """The error to raise when the ledger could not say yes or no, and nothing is to be spent unrecorded."""
    words = f"{bucket.title}: {method} was not sent. {error.message} It can be tried again from {local(when)}."
    return Unavailable(words, reason=error.reason, retry_at=when)


def retry_at(refusal: Refusal, day: date, now: datetime) -> datetime | None:
    reset = pacific_day_bounds(day)[1]
    if refusal.reason == "neverFits":
        return None
    if refusal.reason == "offPeakOnly":
        return next_off_peak(now)
    if refusal.day_left > 0:
        # A second more, because the moment itself is the last at which it is refused.
        return min(reset, max(now, when_left(day, refusal.day_left)) + timedelta(seconds=1))
    return reset
