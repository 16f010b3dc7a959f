"""The four levels of the owner's guide: which answers each of a channel's numbers, why, and as of when. Pure.

    1 reports    what a bulk report says is final: nothing is asked
    2 last read  what was read before, as long as its life, or where nothing newer can be had
    3 analytics  one query, costing nobody a unit of the Data API
    4 data       counters and dates that only the Data API tells, for a unit

Whoever answers a person chooses for each number (`choose`), asks what was chosen, and merges (`merged`). A number
is one source's whole; two sources are never added or averaged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TypeVar

Key = TypeVar("Key")
"""What names a number: its column, or that of one day or video."""


class Level(IntEnum):
    """Who answers a number."""

    REPORTS = 1
    LAST_READ = 2
    ANALYTICS = 3
    DATA = 4


COUNTED = ("views", "engaged_views", "watch_time_minutes", "subscribers_gained", "subscribers_lost")
_BOTH = (*COUNTED, "average_view_duration", "likes", "dislikes", "comments", "shares")
TELL: Mapping[Level, frozenset[str]] = {
    Level.REPORTS: frozenset((*_BOTH, "impressions", "click_through_rate")),
    Level.ANALYTICS: frozenset((*_BOTH, "estimated_revenue", "retention_data")),
    Level.DATA: frozenset(
        ("published_at", "lifetime_views", "lifetime_likes", "lifetime_comments", "subscribers", "public_videos")
    ),
}
"""The numbers of the guide's two tables, and of a channel, that each source tells."""
LIFE: Mapping[Level, timedelta] = {Level.ANALYTICS: timedelta(minutes=30), Level.DATA: timedelta(hours=1)}
"""The guide's lifetimes (2.2, 4.1): how long what was read answers without being read again."""
CHANNEL_LIFE = timedelta(hours=24)
"""Likewise, of what the Data API tells of a channel."""
RESTATED = timedelta(days=35)
"""How long after a day's end YouTube still changes what Analytics says of it."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A number that is there. by: the source that told it; as_of: when. ended: when the day it is about ended.

    life: how long it answers, where that is not its source's: not at all once it is known to have changed.
    """

    value: object
    by: Level
    as_of: datetime
    ended: datetime | None = None
    life: timedelta | None = None

    @property
    def settled(self) -> bool:
        """Whether its source says the same for good."""
        if self.by is Level.ANALYTICS:
            return self.ended is not None and self.as_of >= self.ended + RESTATED
        return self.by is Level.REPORTS

    def alive(self, now: datetime) -> bool:
        """Whether it answers without being read again."""
        return self.settled or now - self.as_of < self.lives

    @property
    def lives(self) -> timedelta:
        return LIFE.get(self.by, timedelta.max) if self.life is None else self.life


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who answers a number. level: None where nobody can; as_of: of what is held, None for what is to be asked."""

    level: Level | None
    why: str
    as_of: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """A number with its provenance. value: None where nobody tells it, and `why` says so."""

    value: object
    level: Level | None
    by: Level | None
    why: str
    as_of: datetime | None


def choose(name: str, held: Collection[Held], *, now: datetime, closed: Mapping[Level, str]) -> Choice:
    """Who answers one number. closed: sources that cannot be asked now, each with its reason."""
    reported = _newest(each for each in held if each.by is Level.REPORTS)
    if reported is not None:
        return Choice(level=Level.REPORTS, why="a bulk report is final", as_of=reported.as_of)
    last = _newest(held)
    if last is not None and last.alive(now):
        why = "it changes no more" if last.settled else f"it was read less than {last.lives} ago"
        return Choice(level=Level.LAST_READ, why=why, as_of=last.as_of)
    tellers = [level for level in LIFE if name in TELL[level]]
    for level in tellers:
        if level not in closed:
            why = "no report has come" if name in TELL[Level.REPORTS] else "no report tells it"
            return Choice(level=level, why=why)
    why = "; ".join(closed[level] for level in tellers) or "not yet: only a bulk report tells it"
    if last is not None:
        return Choice(level=Level.LAST_READ, why=f"nothing newer can be had: {why}", as_of=last.as_of)
    return Choice(level=None, why=why)


def merged(
    choices: Mapping[Key, Choice], held: Mapping[Key, Collection[Held]], answered: Mapping[Key, Held]
) -> dict[Key, Told]:
    """Every number with its provenance. answered: what came of asking; a number that did not come is not there.

    What was asked for and did not come is what was read last.
    """
    return {name: _told(choice, held.get(name, ()), answered.get(name)) for name, choice in choices.items()}


def _told(choice: Choice, held: Collection[Held], answer: Held | None) -> Told:
    if choice.level in LIFE and answer is not None:
        return Told(value=answer.value, level=answer.by, by=answer.by, why=choice.why, as_of=answer.as_of)
    reports = choice.level is Level.REPORTS
    last = _newest(each for each in held if not reports or each.by is Level.REPORTS)
    asked = choice.level in LIFE
    why = "asked, and not told yet" if asked else choice.why
    if last is None:
        return Told(value=None, level=None, by=None, why=why, as_of=None)
    level = Level.LAST_READ if asked else choice.level
    return Told(value=last.value, level=level, by=last.by, why=why, as_of=last.as_of)


def _newest(held: Iterable[Held]) -> Held | None:
    """Of two that were read at once, the one that answers longer."""
    return max(held, key=lambda each: (each.as_of, each.settled, each.lives), default=None)
