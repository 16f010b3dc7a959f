"""Which numbers of a channel can be asked for, and which of the owner's guide's four levels answers each. Pure.

    days      the columns of `youtube_metrics`          reports, then what was read last, then one Analytics query
    videos    those of `video_performance`              reports, and the public counters by the Data API
    channel   subscribers and the public counters       by the Data API

    1 reports    what a bulk report says is final: nothing is asked
    2 last read  what was read before, as long as its life, or where nothing newer can be had
    3 analytics  one query, costing nobody a unit of the Data API
    4 data       counters and dates that only the Data API tells, for a unit

Whoever answers a person chooses for each number (`choose`), and asks whom that says. A number is one source's
whole; two sources are never added or averaged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from shared import ids
from shared.clock import days, last_full_day, pacific_midnight, parse_instant, parse_optional, to_the_second
from shared.collection.cache import LIFE as LIVES
from shared.collection.cache import TOLD, Entries, Entry
from shared.errors import YtempireError
from shared.fields import Fields
from shared.youtube.data import IDS_MAX


class Level(IntEnum):
    """Who answers a number."""

    REPORTS = 1
    LAST_READ = 2
    ANALYTICS = 3
    DATA = 4


_BOTH = ("views", "engaged_views", "watch_time_minutes", "subscribers_gained", "subscribers_lost",
         "average_view_duration", "likes", "dislikes", "comments", "shares")  # fmt: skip
TELL: Mapping[Level, frozenset[str]] = {
    Level.REPORTS: frozenset((*_BOTH, "impressions", "click_through_rate")),
    Level.ANALYTICS: frozenset((*_BOTH, "estimated_revenue", "retention_data")),
    Level.DATA: frozenset(
        ("published_at", "lifetime_views", "lifetime_likes", "lifetime_comments", "subscribers", "public_videos")
    ),
}
"""The numbers of the guide's two tables, and of a channel, that each source tells."""
LIFE: Mapping[Level, timedelta] = {Level.ANALYTICS: LIVES["analytics"], Level.DATA: LIVES["video"]}
"""How long what was read of either answers without being read again; of the channel itself, longer."""
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

    @property
    def state(self) -> str:
        """A counter is current at its moment."""
        return "final" if self.settled else "provisional" if self.by is Level.ANALYTICS else "current"

    def alive(self, now: datetime) -> bool:
        """Whether it answers without being read again."""
        return self.settled or now - self.as_of < self.lives

    @property
    def lives(self) -> timedelta:
        return LIFE.get(self.by, timedelta.max) if self.life is None else self.life


@dataclass(frozen=True)
class Choice:
    """Who answers a number. level: None where nobody can, and `why` says so. held: what there is of it by now."""

    level: Level | None
    why: str
    held: Held | None = None

    def answered(self, answer: Held | None) -> Choice:
        """The same after whoever was to be asked was; where nothing came of it, what was read last answers."""
        if self.level not in LIFE:
            return self
        if answer is not None:
            return Choice(answer.by, self.why, answer)
        return replace(self, level=Level.LAST_READ if self.held else None, why="asked, and not told yet")


def choose(name: str, held: Collection[Held], *, now: datetime, closed: Mapping[Level, str]) -> Choice:
    """Who answers one number. closed: sources that cannot be asked now, each with its reason."""
    reported = _newest(each for each in held if each.by is Level.REPORTS)
    if reported is not None:
        return Choice(Level.REPORTS, "a bulk report is final", reported)
    last = _newest(held)
    if last is not None and last.alive(now):
        why = "it changes no more" if last.settled else f"it was read less than {last.lives} ago"
        return Choice(Level.LAST_READ, why, last)
    tellers = [level for level in LIFE if name in TELL[level]]
    for level in tellers:
        if level not in closed:
            why = "no report has come" if name in TELL[Level.REPORTS] else "no report tells it"
            return Choice(level, why, last)
    why = "; ".join(closed[level] for level in tellers) or "not yet: only a bulk report tells it"
    if last is not None:
        return Choice(Level.LAST_READ, f"nothing newer can be had: {why}", last)
    return Choice(None, why)


def _newest(held: Iterable[Held]) -> Held | None:
    """Of two that were read at once, the one that answers longer."""
    return max(held, key=lambda each: (each.as_of, each.settled, each.lives), default=None)


DAYS_MAX = 92
_DAY = timedelta(days=1)

QUERIES: Mapping[str, Mapping[str, str]] = {
    "channel_daily": {
        "views": "views",
        "engaged_views": "engagedViews",
        "watch_time_minutes": "estimatedMinutesWatched",
        "average_view_duration": "averageViewDuration",
        "subscribers_gained": "subscribersGained",
        "subscribers_lost": "subscribersLost",
    },
    "revenue_daily": {"estimated_revenue": "estimatedRevenue"},
}
"""What each Analytics query tells of a day, by our name and YouTube's."""
_REACH = ("impressions", "click_through_rate")
COUNTS = ("views", "engaged_views", "watch_time_minutes", "likes", "dislikes", "comments", "shares")
OF_DATA = ("published_at", "lifetime_views", "lifetime_likes", "lifetime_comments")
NUMBERS: Mapping[str, tuple[str, ...]] = {
    "days": (*QUERIES["channel_daily"], *QUERIES["revenue_daily"], *_REACH),
    "videos": (*COUNTS, *OF_DATA),
    "channel": ("subscribers", "lifetime_views", "public_videos"),
}
"""The numbers of each kind of subject."""


class Subject(NamedTuple):
    """One number. thing: the day or the video; "" for the channel."""

    kind: str
    thing: str
    name: str

    @property
    def asked_of(self) -> Level:
        """Who is asked where no report tells it."""
        return Level.ANALYTICS if self.kind == "days" else Level.DATA

    @property
    def source(self) -> str:
        """Who that is: a query, or what the Data API tells of."""
        queries_of = (query for query, names in QUERIES.items() if self.name in names)
        return next(queries_of, "") if self.kind == "days" else self.kind

    @property
    def ended(self) -> datetime | None:
        """When the day that it is about ended."""
        return pacific_midnight(date.fromisoformat(self.thing) + _DAY) if self.kind == "days" else None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which numbers are asked for, of days from start to end and of some videos."""

    channel_id: str
    start: date
    end: date
    videos: tuple[str, ...]
    numbers: frozenset[str]

    def subjects(self) -> list[Subject]:
        things = {"days": list(map(str, days(self.start, self.end))), "videos": self.videos, "channel": ("",)}
        return [
            Subject(kind, thing, name)
            for kind, names in NUMBERS.items()
            for thing in things[kind]
            for name in names
            if name in self.numbers
        ]


def week(now: datetime) -> tuple[date, date]:
    """The guide's window: the last seven days that have ended."""
    return last_full_day(now) - 6 * _DAY, last_full_day(now)


def asked_for(body: object, now: datetime) -> Asked:
    """What a request asks for; without days, the last seven that have ended. Raises InvalidRequest."""
    asked = Fields(body, "channel_id", "start", "end", "videos", "numbers")
    channel_id = asked.id("channel_id", ids.CHANNEL)
    end = asked.date("end") if asked.has("end") else last_full_day(now)
    start = asked.date("start") if asked.has("start") else end - 6 * _DAY
    if end > last_full_day(now):
        raise asked.wrong("end", "must be a Pacific day that has ended")
    if not timedelta(0) <= end - start < _DAY * DAYS_MAX:
        raise asked.wrong("start", f"must be no later than end, and at most {DAYS_MAX - 1} days before it")
    videos, known = asked.ids("videos", ids.VIDEO), {name for names in NUMBERS.values() for name in names}
    if len(videos) > IDS_MAX:
        raise asked.wrong("videos", f"are at most {IDS_MAX}")
    numbers = set(asked.texts("numbers"))
    if not numbers <= known:
        raise asked.wrong("numbers", f"are some of {', '.join(sorted(known))}")
    return Asked(
        channel_id=channel_id, start=start, end=end, videos=tuple(videos), numbers=frozenset(numbers or known)
    )


@dataclass
class Known:
    """What there is of what was asked for. closed: why a source (a query, "channel", "videos") is not asked.

    reported_at: when the warehouse was asked for what is here of it.
    """

    held: dict[Subject, list[Held]] = field(default_factory=dict)
    reasons: dict[Subject, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    asked_lately: set[Subject] = field(default_factory=set)
    errors: list[YtempireError] = field(default_factory=list)
    reported_at: list[datetime] = field(default_factory=list)

    def hold(self, kind: str, thing: str, values: Mapping[str, Any], **of: Any) -> None:
        """Take over what one source tells of one thing."""
        for subject in (Subject(kind, thing, name) for name in NUMBERS[kind] if values.get(name) is not None):
            held = Held(value=values[subject.name], ended=subject.ended, **of)
            self.held.setdefault(subject, []).append(held)

    def explain(self, kind: str, thing: str, reasons: Mapping[str, str | None]) -> None:
        """Take over why numbers of one thing are not there, by name."""
        self.reasons |= {Subject(kind, thing, name): why for name, why in reasons.items() if why is not None}

    def close(self, source: str, error: YtempireError) -> None:
        """A source does not answer: it is asked no more, for the first reason that it gave."""
        if source not in self.closed:
            self.closed[source] = error.message
            self.errors.append(error)

    def closed_for(self, subject: Subject) -> dict[Level, str]:
        """Which sources cannot be asked for a number now, each with its reason."""
        if subject in self.asked_lately:
            return {Level.ANALYTICS: f"it was asked less than {LIFE[Level.ANALYTICS]} ago, and not told yet"}
        never = "no report has come, and Analytics is asked about days alone"
        found = {} if subject.kind == "days" else {Level.ANALYTICS: never}
        why = self.closed.get(subject.source)
        return found if why is None else {**found, subject.asked_of: why}

    def choices(self, subjects: Iterable[Subject], now: datetime) -> dict[Subject, Choice]:
        return {
            each: choose(each.name, self.held.get(each, ()), now=now, closed=self.closed_for(each))
            for each in subjects
        }

    def take(self, entries: Entries, now: datetime) -> None:
        """Take over what was read of YouTube and kept."""
        for key, entry in entries.entries.items():
            kind, _, rest = key.partition(":")
            if kind == "analytics":
                self._take_query(rest.split(":"), entry, alive=entries.alive(key, now))
            elif kind in TOLD:
                subject = "channel" if kind == "channel" else "videos"
                life = LIVES[kind] if entries.current(key) else timedelta(0)
                self.hold(subject, rest, entry.value, by=Level.DATA, as_of=entry.fetched_at, life=life)
                if not entry.value:
                    self.explain(subject, rest, dict.fromkeys(OF_DATA, "gone: YouTube does not find it"))

    def _take_query(self, named: list[str], entry: Entry, *, alive: bool) -> None:
        query, start, end = named
        for day in map(str, days(date.fromisoformat(start), date.fromisoformat(end))):
            values = entry.value.get(day, {})
            self.hold("days", day, values, by=Level.ANALYTICS, as_of=entry.fetched_at)
            if alive:
                untold = (name for name in QUERIES[query] if values.get(name) is None)
                self.asked_lately.update(Subject("days", day, name) for name in untold)

    def take_day(self, day: str, row: Mapping[str, Any]) -> None:
        final, as_of = row["state"] == "final", parse_instant(row["as_of"])
        money_at = parse_optional(row["estimated_revenue_as_of"]) or as_of
        for names, by, at in (
            (QUERIES["channel_daily"], Level.REPORTS if final else Level.ANALYTICS, as_of),
            (QUERIES["revenue_daily"], Level.ANALYTICS, money_at),
            (_REACH, Level.REPORTS, as_of),
        ):
            self.hold("days", day, {name: row[name] for name in names}, by=by, as_of=at)
        reasons = {name: "subscribers" if name.startswith("subscribers") else name for name in NUMBERS["days"]}
        self.explain("days", day, {name: row[f"{of}_reason"] for name, of in reasons.items()})

    def take_video(self, video: str, row: Mapping[str, Any]) -> None:
        """Take over a video's row of `video_performance`. Its counters say nothing of what has happened since."""
        counters = {name: row[name] for name in OF_DATA}
        if (as_of := parse_optional(row["lifetime_as_of"])) is not None:
            self.hold("videos", video, counters, by=Level.DATA, as_of=as_of, life=timedelta(0))
        if (as_of := parse_optional(row["as_of"])) is not None:
            counts = {name: value for name, value in row.items() if name not in counters}
            self.hold("videos", video, counts, by=Level.REPORTS, as_of=as_of)
        reasons = dict.fromkeys(COUNTS, row["counts_reason"])
        self.explain("videos", video, reasons | {"published_at": row["published_at_reason"]})


def shown(told: Choice, reason: str | None, now: datetime) -> dict[str, Any]:
    """A number as it is answered, with its provenance. reason: why it is not there, where a source says so."""
    held = told.held
    if held is None:
        empty = dict.fromkeys(("value", "level", "source", "state", "as_of", "age_seconds"))
        return {**empty, "why": reason or told.why}
    return {
        "value": held.value,
        "level": told.level and int(told.level),
        "source": held.by.name.lower(),
        "state": held.state,
        "as_of": to_the_second(held.as_of),
        "age_seconds": max(0, int((now - held.as_of).total_seconds())),
        "why": told.why,
    }
