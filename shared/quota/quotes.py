"""What is asked and answered before work is done: the work, its quote, and the quote in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from shared.clock import PACIFIC
from shared.quota.profile import Priority

MOST_WORK_ITEMS = 1_000
HORIZON = timedelta(days=30)
"""How far ahead a plan is tried."""
NOT_BEFORE = "notBefore"
"""The reason of work that was asked for a later time."""


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
    """`times` work items that cannot run now. at: the earliest time, None for never.

    reason: as in a refusal; why: in words.
    """

    times: int
    at: datetime | None
    bucket: str
    reason: str
    why: str


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
        """What cannot."""
        return tuple(later for part in self.parts for later in part.later)


def quote_of(parts: Sequence[Part], titles: Mapping[str, str], left: Mapping[str, int]) -> Quote:
    """The quote that parts come to. titles, left: of each bucket that was looked at, in the order of telling."""
    costs = {
        bucket: sum(part.costs.get(bucket, 0) for part in parts)
        for bucket in titles
        if any(bucket in part.costs for part in parts)
    }
    left = {bucket: left[bucket] for bucket in costs}
    figures = "; ".join(f"{titles[name]}: {units} units, {left[name]} left" for name, units in costs.items())
    total = sum(part.work.times for part in parts)
    said = [f"{sum(part.now for part in parts)} of {total} can run now ({figures})."]
    for part in parts:
        for (why, _), group in groupby(part.later, key=lambda later: (later.why, later.at is None)):
            said.append(_sentence(list(group), why))
    return Quote(costs=costs, left=left, parts=tuple(parts), message=" ".join(said))


def _sentence(later: Sequence[Later], why: str) -> str:
    times, first, last = sum(each.times for each in later), later[0].at, later[-1].at
    if first is None or last is None:
        return f"{times} more at no time in the next {HORIZON.days} days: {why}."
    until = "" if first == last else f" (the last from {_local(last)})"
    return f"{times} more from {_local(first)} Pacific{until}: {why}."


def _local(at: datetime) -> str:
    return f"{at.astimezone(PACIFIC):%Y-%m-%d %H:%M}"
