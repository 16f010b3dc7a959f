"""What a plan would cost, before any of it is done: how much can run now, and when and why the rest.

The answer is decided on a copy of the day's books exactly as reservations would be, piece after piece; what does
not fit is laid onto the coming days as if nobody else wanted them, which makes its dates the earliest possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.budget.accounts import account_of
from shared.budget.decisions import Ask, Book, Moment, Refusal, after, decide
from shared.budget.profile import Bucket, Priority, Profile
from shared.budget.refusals import REASONS, retry_at
from shared.clock import PACIFIC, pacific_day, pacific_day_bounds, pacific_midnight
from shared.errors import InvalidRequest

MOST_PIECES = 10_000
HORIZON = 400
"""Days that a plan may reach into the future."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """`times` equal pieces of work; each piece is so many calls of each method, and runs whole or not at all."""

    calls: Mapping[str, int]
    times: int = 1
    account: str = "system"
    priority: Priority | None = None


@dataclass(frozen=True, kw_only=True)
class Later:
    """Pieces that cannot run now. at: the earliest time, None for never; reason as in a QuotaRefused."""

    pieces: int
    at: datetime | None
    bucket: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """The answer for one Work. now + the pieces in later = times."""

    work: Work
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
        """Pieces of the plan that can run now."""
        return sum(part.now for part in self.parts)

    @property
    def later(self) -> tuple[Later, ...]:
        """What cannot."""
        return tuple(later for part in self.parts for later in part.later)


@dataclass(kw_only=True)
class Board:
    """A bucket's day on which a plan is tried, and what the plan has taken of the days after it."""

    bucket: Bucket
    book: Book
    moment: Moment
    closed_until: datetime | None
    ahead: dict[int, int] = field(default_factory=dict)

    def room(self, day: int, priority: Priority) -> int:
        """Units that the plan may still take of the n-th day from today."""
        reserve = 0 if priority == Priority.CRITICAL else self.bucket.reserve
        return self.bucket.limit - reserve - self.ahead.get(day, 0)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """One piece of work: what it asks of each bucket, in order."""

    asks: tuple[tuple[str, Ask, bool], ...]
    costs: Mapping[str, int]
    priority: Priority


def quoted(profile: Profile, works: Sequence[Work], boards: Mapping[str, Board], now: datetime) -> Quote:
    """The quote for a plan. boards: one for each bucket concerned; the trial changes them.

    Raises InvalidRequest for an unknown method or an absurd count.
    """
    costs: dict[str, int] = dict.fromkeys(boards, 0)
    left = {name: board.book.left(with_reserve=False) for name, board in boards.items()}
    parts = []
    for work in works:
        piece = _piece(profile, work)
        for bucket, units in piece.costs.items():
            costs[bucket] += units * work.times
        parts.append(_part(work, piece, boards, now))
    return Quote(costs=costs, left=left, parts=tuple(parts), message=_message(parts, boards, costs, left))


def _piece(profile: Profile, work: Work) -> _Piece:
    if not 1 <= work.times <= MOST_PIECES or not work.calls or any(n < 1 for n in work.calls.values()):
        raise InvalidRequest(f"A plan has 1 to {MOST_PIECES} pieces of at least one call.", field="plan")
    asks, costs, priorities = [], dict[str, int](), []
    for method, count in work.calls.items():
        price = profile.method(method)
        priority = max(price.priority, work.priority or price.priority)
        priorities.append(priority)
        units = price.cost * count
        ask = Ask(
            account=account_of(work.account), cost=max(1, units), units=units, least=units, priority=priority
        )
        asks.append((price.bucket, ask, price.cached))
        costs[price.bucket] = costs.get(price.bucket, 0) + units
    return _Piece(asks=tuple(asks), costs=costs, priority=min(priorities))


def _part(work: Work, piece: _Piece, boards: Mapping[str, Board], now: datetime) -> Part:
    done = 0
    while done < work.times:
        trial = {name: board.book for name, board in boards.items()}
        for bucket, ask, cached in piece.asks:
            refusal = _try(boards[bucket], trial, ask, cached=cached, now=now)
            if refusal is not None:
                later = _later(work.times - done, piece, boards, refusal, now)
                return Part(work=work, now=done, later=tuple(later))
        for name, board in boards.items():
            board.book = trial[name]
        done += 1
    return Part(work=work, now=done)


def _try(board: Board, trial: dict[str, Book], ask: Ask, *, cached: bool, now: datetime) -> Later | None:
    name, midnight = board.bucket.name, pacific_day_bounds(pacific_day(now))[1]
    if ask.units == 0:
        return None
    if board.closed_until is not None:
        return Later(pieces=0, at=board.closed_until, bucket=name, reason="bucketClosedByGoogle")
    book = trial[name]
    if cached and ask.priority < Priority.HIGH and book.used + ask.units > board.bucket.alert:
        return Later(pieces=0, at=midnight, bucket=name, reason="cacheOnly")
    answer = decide(book, ask, board.moment)
    if isinstance(answer, Refusal):
        when = retry_at(answer, pacific_day(now), now)
        return Later(pieces=0, at=when, bucket=name, reason=answer.reason)
    trial[name] = after(book, ask, answer)
    return None


def _later(pieces: int, piece: _Piece, boards: Mapping[str, Board], refusal: Later, now: datetime) -> list[Later]:
    """Lay what did not fit onto the days to come."""
    midnight = pacific_day_bounds(pacific_day(now))[1]

    def at(when: datetime | None, count: int) -> Later:
        return Later(pieces=count, at=when, bucket=refusal.bucket, reason=refusal.reason)

    if refusal.at is None or refusal.at < midnight:
        return [at(refusal.at, pieces)]
    found = []
    for day in range(1, HORIZON):
        room = min(boards[b].room(day, piece.priority) // units for b, units in piece.costs.items() if units)
        taken = min(pieces, max(0, room))
        if taken:
            for bucket, units in piece.costs.items():
                board = boards[bucket]
                board.ahead[day] = board.ahead.get(day, 0) + units * taken
            found.append(at(pacific_midnight(pacific_day(now) + timedelta(days=day)), taken))
            pieces -= taken
        if not pieces:
            return found
    return [*found, at(None, pieces)]


def _message(
    parts: Sequence[Part], boards: Mapping[str, Board], costs: Mapping[str, int], left: Mapping[str, int]
) -> str:
    total = sum(part.work.times for part in parts)
    figures = "; ".join(
        f"{boards[name].bucket.title}: {units} units, {left[name]} left" for name, units in costs.items()
    )
    said = [f"{sum(part.now for part in parts)} of {total} can run now ({figures})."]
    for part in parts:
        for later in part.later:
            when = (
                "at no time" if later.at is None else f"from {later.at.astimezone(PACIFIC):%Y-%m-%d %H:%M} Pacific"
            )
            title = boards[later.bucket].bucket.title
            said.append(f"{later.pieces} more {when}: {title}: {REASONS[later.reason]}.")
    return " ".join(said)
