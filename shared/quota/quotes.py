"""What a plan would cost, before any of it is done: how much can run now, and when and why the rest.

The work is tried run by run, as reservations and rate limits would decide: each sees what those before it would
have taken and borrowed. What is refused is tried again at the moment that its refusal names, on the coming days as
if nobody else used anything, which makes its time the earliest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

from shared.clock import PACIFIC, pacific_day, pacific_day_bounds
from shared.errors import InvalidRequest
from shared.quota.accounts import account_of
from shared.quota.calendar import day_left, is_off_peak
from shared.quota.decisions import Moment, Refusal, ReservationRequest, decide
from shared.quota.forecast import off_peak_allowance
from shared.quota.outlook import Outlook
from shared.quota.profile import Bucket, Method, Priority, Profile
from shared.quota.refusals import REASONS, retry_at
from shared.rate_limits.dry_run import DryRunLog

MOST_PIECES = 1_000
HORIZON = timedelta(days=30)
"""How far ahead a plan is tried."""
TRIES = 200
NOT_BEFORE = "notBefore"
"""The reason of work that was asked for a later time."""
TICK = timedelta(seconds=1)
"""What is refused again at the very moment that was named is tried this much later."""

Lanes = Mapping[tuple[str, str], Sequence[DryRunLog]]
"""By (method, account): the rate limits that such a call meets. A limit that calls share is one log."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """`times` equal pieces of work; each piece is so many calls of each method, and runs whole or not at all."""

    calls: Mapping[str, int]
    times: int = 1
    account: str = "system"
    priority: Priority | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Later:
    """Pieces that cannot run now. at: the earliest time, None for never; reason as in a refusal; why: in words."""

    pieces: int
    at: datetime | None
    bucket: str
    reason: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """The answer for one Work. now + the pieces in later = times. costs: units by bucket for all of it."""

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
        """Pieces of the plan that can run now."""
        return sum(part.now for part in self.parts)

    @property
    def later(self) -> tuple[Later, ...]:
        """What cannot."""
        return tuple(later for part in self.parts for later in part.later)


@dataclass(kw_only=True)
class Board:
    """One bucket's day on which a plan is tried. pattern: what yesterday's foreground work used by the hour."""

    bucket: Bucket
    day: date
    outlook: Outlook
    pattern: Sequence[int] = ()
    closed_until: datetime | None = None

    def moment(self, used: int, at: datetime) -> Moment:
        """What decides at a time of this day, with so much used."""
        allowance = None
        if is_off_peak(at):
            allowance = off_peak_allowance(self.bucket, used, self.pattern, self.day, at)
        return Moment(day_left=day_left(self.day, at), allowance=allowance)

    def on(self, day: date) -> Board:
        """The same bucket on a day to come."""
        return Board(bucket=self.bucket, day=day, outlook=self.outlook.fresh(), pattern=self.pattern)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """One run of the work: what it needs of each bucket, in order, and how often it passes each lane."""

    requests: tuple[tuple[Method, ReservationRequest], ...]
    lanes: Mapping[DryRunLog, int]
    costs: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class _No:
    """A piece cannot run at the time at which it was tried. at: the next time to try, None for never."""

    at: datetime | None
    bucket: str
    reason: str
    why: str


def quoted(
    profile: Profile,
    works: Sequence[Work],
    boards: Mapping[str, Board],
    now: datetime,
    lanes: Lanes,
    *,
    part: int,
    promised: Sequence[Work] = (),
) -> Quote:
    """The quote for a plan. boards: today's, one for each bucket concerned. The trial changes boards and lanes.

    promised: work that was accepted before, which the plan finds placed.

    Raises InvalidRequest for an unknown method or an absurd count.
    """
    if not 1 <= sum(max(0, work.times) for work in works) <= MOST_PIECES:
        raise InvalidRequest(f"A plan has 1 to {MOST_PIECES} pieces.", field="plan")
    left = {name: board.outlook.left for name, board in boards.items()}
    trial = _Trial(now=now, today=boards)
    for work in promised:
        _part(trial, work, _piece(profile, work, lanes, part))
    parts = [_part(trial, work, _piece(profile, work, lanes, part)) for work in works]
    concerned = [name for name in boards if any(name in found.costs for found in parts)]
    costs = {name: sum(found.costs.get(name, 0) for found in parts) for name in concerned}
    left = {name: left[name] for name in concerned}
    return Quote(costs=costs, left=left, parts=tuple(parts), message=_message(parts, boards, costs, left))


def _piece(profile: Profile, work: Work, lanes: Lanes, part: int) -> _Piece:
    if work.times < 1 or not work.calls or any(count < 1 for count in work.calls.values()):
        raise InvalidRequest("A piece of a plan is at least one call, at least once.", field="plan")
    requests, costs, passes = [], dict[str, int](), dict[DryRunLog, int]()
    for method, count in work.calls.items():
        price = profile.method(method)
        units = price.cost * count
        request = ReservationRequest(
            account=account_of(work.account, part),
            cost=max(1, units),
            units=units,
            least=units,
            priority=price.at(work.priority),
        )
        requests.append((price, request))
        costs[price.bucket] = costs.get(price.bucket, 0) + units
        for lane in lanes.get((method, work.account), ()):
            passes[lane] = passes.get(lane, 0) + count
    return _Piece(requests=tuple(requests), lanes=passes, costs=costs)


@dataclass(kw_only=True)
class _Trial:
    """The days on which pieces are tried, as they stand after those that were placed."""

    now: datetime
    today: Mapping[str, Board]
    ahead: dict[tuple[str, date], Board] = field(default_factory=dict)

    def place(self, piece: _Piece, at: datetime) -> tuple[datetime | None, _No | None]:
        """The earliest time from `at` on, None for never; and why it is not `at`."""
        first = None
        for _ in range(TRIES):
            no = self._try(piece, at)
            first = first or no
            if no is None:
                return at, first
            if no.at is None or no.at > self.now + HORIZON:
                break
            at = max(no.at, at + TICK)
        return None, first

    def _try(self, piece: _Piece, at: datetime) -> _No | None:
        day, outlooks = pacific_day(at), dict[str, Outlook]()
        for price, request in piece.requests:
            board = self._board(price.bucket, day)
            answer = _answer(board, outlooks.get(price.bucket, board.outlook), price, request, at)
            if isinstance(answer, _No):
                return answer
            outlooks[price.bucket] = answer
        for lane, count in piece.lanes.items():
            free = lane.free_at(at, count)
            if free > at:
                return _No(at=free, bucket=piece.requests[0][0].bucket, reason="rateLimited", why=lane.title)
        for name, outlook in outlooks.items():
            self._board(name, day).outlook = outlook
        for lane, count in piece.lanes.items():
            lane.stamps.extend([at] * count)
        return None

    def _board(self, name: str, day: date) -> Board:
        today = self.today[name]
        return today if day == today.day else self.ahead.setdefault((name, day), today.on(day))


def _answer(
    board: Board, outlook: Outlook, price: Method, request: ReservationRequest, at: datetime
) -> Outlook | _No:
    """The outlook after a grant, or why not."""

    def no(reason: str, when: datetime | None) -> _No:
        why = f"{board.bucket.title}: {REASONS[reason]}"
        return _No(at=when, bucket=board.bucket.name, reason=reason, why=why)

    if request.units == 0:
        return outlook
    if board.closed_until is not None and at < board.closed_until:
        return no("bucketClosedByGoogle", board.closed_until)
    if price.gives_way(request.priority) and outlook.used + request.units > board.bucket.alert:
        return no("cacheOnly", pacific_day_bounds(board.day)[1])
    answer = decide(outlook.book(request.account), request, board.moment(outlook.used, at))
    if isinstance(answer, Refusal):
        return no(answer.reason, retry_at(answer, board.day, at))
    return outlook.after(request.account, answer)


def _part(trial: _Trial, work: Work, piece: _Piece) -> Part:
    costs = {name: units * work.times for name, units in piece.costs.items()}
    placed = list(_placed(trial, work, piece))
    later = [(at, no) for at, no in placed if no is not None]
    return Part(
        work=work,
        costs=costs,
        now=len(placed) - len(later),
        later=tuple(
            Later(pieces=len(list(group)), at=at, bucket=no.bucket, reason=no.reason, why=no.why)
            for (at, no), group in groupby(later)
        ),
    )


def _placed(trial: _Trial, work: Work, piece: _Piece) -> Iterator[tuple[datetime | None, _No | None]]:
    """For each piece its time, and why it is not now. Equal pieces run one after the other."""
    at, why = trial.now, None
    if work.not_before is not None and work.not_before > trial.now:
        at, why = work.not_before, _No(at=None, bucket="", reason=NOT_BEFORE, why="it was asked for this time")
    placed: datetime | None = at
    for _ in range(work.times):
        if placed is not None:
            placed, no = trial.place(piece, placed)
            why = no or why
        yield placed, why


def _message(
    parts: Sequence[Part], boards: Mapping[str, Board], costs: Mapping[str, int], left: Mapping[str, int]
) -> str:
    total = sum(part.work.times for part in parts)
    figures = "; ".join(
        f"{boards[name].bucket.title}: {units} units, {left[name]} left" for name, units in costs.items()
    )
    said = [f"{sum(part.now for part in parts)} of {total} can run now ({figures})."]
    for part in parts:
        for why, group in groupby(part.later, key=lambda later: (later.why, later.at is None)):
            said.append(_sentence(list(group), why[0]))
    return " ".join(said)


def _sentence(later: Sequence[Later], why: str) -> str:
    pieces, first, last = sum(each.pieces for each in later), later[0].at, later[-1].at
    if first is None or last is None:
        return f"{pieces} more at no time in the next {HORIZON.days} days: {why}."
    until = "" if first == last else f" (the last from {_local(last)})"
    return f"{pieces} more from {_local(first)} Pacific{until}: {why}."


def _local(at: datetime) -> str:
    return f"{at.astimezone(PACIFIC):%Y-%m-%d %H:%M}"
