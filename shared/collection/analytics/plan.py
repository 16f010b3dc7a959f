"""Which queries of the Analytics API are asked about a channel now, and what is known once they are answered.

    analytics/<channel>    what was asked, and up to where it was answered; for one connection

Days are Pacific; `queries.toml` declares the queries. Recent days are read again as long as YouTube may still
change them, and as long as no bulk report tells of them; months until some time after their end. The history goes
from the day before the first bulk report back to the channel's birth, a year at a time, and everything is asked
once a day.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from shared import data_map
from shared.channels import Channel, connection_of
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, documents
from shared.monitoring.readable import readable
from shared.records import Mapper
from shared.youtube import analytics
from shared.youtube.client import Caller

YEAR = timedelta(days=364)  # from the first to the last day of a window of history
WINDOWS = 12  # of one query's history in one run: a channel's whole history takes two
MONTHS = 3  # calendar months that are asked about, the present one included
REFUSED_EVERY = 7  # days after which what YouTube refused is asked again: a channel can join the Partner Program
LACKING_MAX = timedelta(days=90)  # how far back days without a report are read again
NEW_FOR, NEW_EVERY = 28, 7  # days: how long a video is new, and how often its retention is asked meanwhile
NEVER = 100  # days that a query counts as waiting that was never asked
VIDEOS_MAX = 50

_DAY = timedelta(days=1)
_REMEMBERED = timedelta(days=31 * (MONTHS + 1))
ANALYTICS, REVENUE = "analytics", "revenue"
"""Features of a connection, as `shared.access.features` names them."""


class Window(StrEnum):
    """Which days one query is about."""

    DAYS = "days"
    MONTH = "month"
    VIDEO = "video"


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query, by YouTube's own names; what the other fields mean stands at the head of `queries.toml`.

    sort: the metric by which a list of videos descends. most: how many rows it may have.
    """

    name: str
    window: Window
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    restated: int
    every: int
    value: int
    needs: str = ANALYTICS
    sort: str | None = None
    most: int | None = None
    history: bool = False

    def ask(self, caller: Caller, start: date, end: date, video: str | None = None) -> analytics.Table:
        """What YouTube answers about some days, money in USD. Raises as `analytics.query`."""
        return analytics.query(
            caller,
            start=start,
            end=end,
            metrics=self.metrics,
            dimensions=self.dimensions,
            filters={"video": video} if video else None,
            sort=[f"-{self.sort}"] if self.sort else (),
            currency="USD" if self.needs == REVENUE else None,
            max_results=self.most,
        )


@cache
def queries() -> Mapping[str, Query]:
    """All queries by name, read once."""
    declared = tomllib.loads(Path(__file__).with_name("queries.toml").read_text(encoding="utf-8"))
    return {name: query_of(name, fields) for name, fields in declared.items()}


def query_of(name: str, fields: Mapping[str, Any]) -> Query:
    values: dict[str, Any] = {
        each: tuple(value) if isinstance(value, list) else value for each, value in fields.items()
    }
    return Query(**{**values, "name": name, "window": Window(fields["window"])})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One query's last asking, by Pacific days; of a query about months, one month's.

    on: when it was. until: up to where its days are answered for good. reason: why YouTube refused.
    history_on, back: when its history was read last, and the first day of that.
    """

    on: date | None = None
    until: date | None = None
    reason: str | None = None
    history_on: date | None = None
    back: date | None = None


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video whose retention is asked. asked: when it was last."""

    id: str
    published: date
    asked: date | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """A channel's. birth: when it was made. videos: the most watched first. features: that it allowed then."""

    channel_id: str
    connection: str
    features: tuple[str, ...] = ()
    birth: date | None = None
    queries: Mapping[str, Asked] = field(default_factory=dict)
    videos: tuple[Video, ...] = ()


STATES = Mapper(State, data_map.ANALYTICS.path, key="channel_id")


def of_channels(client: Client, channels: Iterable[Channel]) -> dict[str, State]:
    """The states of some channels, by id; a new one where none is stored for the connection. One read each."""
    new = {
        name: State(channel_id=name, connection=connection_of(name, connected_at))
        for name, connected_at in ((each.channel_id, each.connected_at) for each in channels)
    }
    stored = readable(STATES, documents(client, data_map.ANALYTICS.path, new))
    return new | {s.channel_id: s for s in stored if s.connection == new[s.channel_id].connection}


def save(client: Client, state: State) -> None:
    """Store a channel's state. Who saves looks afterwards whether the connection still stands."""
    client.document(data_map.ANALYTICS.path, state.channel_id).set(STATES.fields(state), **call_options())


def forget(client: Client, channel_id: str) -> None:
    client.document(data_map.ANALYTICS.path, channel_id).delete(**call_options())


class Kind(StrEnum):
    """Whether a query is about days that bulk reports tell of, or about those before."""

    RECENT = "recent"
    HISTORY = "history"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One query about the days from start to end. waited: for how many days it has."""

    query: Query
    kind: Kind = Kind.RECENT
    start: date
    end: date
    video: str | None = None
    waited: int = NEVER

    @property
    def key(self) -> str:
        return f"{self.query.name}:{self.start:%Y-%m}" if self.query.window is Window.MONTH else self.query.name


@dataclass(frozen=True, kw_only=True)
class Reports:
    """Bulk reports. first: the first day that they can tell of. lacking: the oldest whose report is not loaded."""

    first: date | None = None
    lacking: date | None = None


def to_ask(state: State, reports: Reports, *, today: date, retention: int) -> list[Request]:
    """The queries to ask now, what has waited longest for its value first. retention: videos a day at most."""
    found = [request for query in queries().values() for request in _of(query, state, reports, today)]
    found += [request for query in queries().values() for request in _history(query, state, reports, today)]
    found += _retention(state, today, retention)
    return sorted(found, key=lambda request: -request.waited * request.query.value)


def _of(query: Query, state: State, reports: Reports, today: date) -> Iterator[Request]:
    last = today - _DAY
    if query.window is Window.VIDEO:
        return
    monthly = query.window is Window.MONTH
    for start in months(last) if monthly else [_first_day(query, state, reports, last)]:
        end = min(last, end_of_month(start)) if monthly else last
        request = Request(query=query, start=start, end=end)
        asked = state.queries.get(request.key, Asked())
        waited = NEVER if asked.on is None else (today - asked.on).days
        every = max(query.every, REFUSED_EVERY) if asked.reason else query.every
        lived = start <= end and end >= (state.birth or end)
        if lived and waited >= every and not _settled(request, asked):
            yield replace(request, waited=waited)


def _first_day(query: Query, state: State, reports: Reports, last: date) -> date:
    """The first recent day to read: restated, not answered, or without a report."""
    until = state.queries.get(query.name, Asked()).until
    days = [last - timedelta(days=query.restated - 1), until + _DAY if until else reports.first]
    if reports.lacking:
        days.append(max(reports.lacking, last - LACKING_MAX))
    return max(state.birth or date.min, min(day for day in days if day))


def _settled(request: Request, asked: Asked) -> bool:
    """Whether a month was answered after its figures had stopped changing."""
    final = end_of_month(request.start) + timedelta(days=request.query.restated)
    over = request.query.window is Window.MONTH and asked.on is not None and asked.on > final
    return over and asked.reason is None


def _history(query: Query, state: State, reports: Reports, today: date) -> Iterator[Request]:
    asked = state.queries.get(query.name, Asked())
    if not query.history or asked.on is None or asked.reason or state.birth is None or reports.first is None:
        return
    waited = NEVER if asked.history_on is None else (today - asked.history_on).days
    # Nor what the recent days are, so that no answer tells of a day twice.
    before = min(reports.first, asked.back or _first_day(query, state, reports, today - _DAY))
    for _ in range(WINDOWS):
        end = before - _DAY
        before = max(state.birth, end - YEAR)
        if end < before:
            return
        yield Request(query=query, kind=Kind.HISTORY, start=before, end=end, waited=waited)


def _retention(state: State, today: date, most: int) -> list[Request]:
    """Retention of new videos, then of the most watched, those first that were never asked."""
    left = max(0, most - sum(video.asked == today for video in state.videos))
    [query] = (query for query in queries().values() if query.window is Window.VIDEO)
    new = {video.id for video in state.videos if (today - video.published).days <= NEW_FOR}

    def is_due(video: Video) -> bool:
        every = NEW_EVERY if video.id in new else query.every
        return video.published < today and (video.asked is None or (today - video.asked).days >= every)

    due = sorted(filter(is_due, state.videos), key=lambda video: (video.asked is not None, video.id not in new))
    last = max((video.asked for video in state.videos if video.asked), default=None)
    waited = NEVER if last is None else (today - last).days
    return [
        Request(query=query, start=video.published, end=today - _DAY, video=video.id, waited=waited)
        for video in due[:left]
    ]


def after(state: State, request: Request, *, today: date, newest: date | None, reason: str | None) -> State:
    """The state once a request was answered, up to the newest day that has numbers, or refused for a reason."""
    if request.video is not None:
        videos = (replace(each, asked=today) if each.id == request.video else each for each in state.videos)
        return replace(state, videos=tuple(videos))
    asked = state.queries.get(request.key, Asked())
    if request.kind is Kind.RECENT:
        done = request.end - timedelta(days=request.query.restated)
        until = asked.until if reason else max(day for day in (asked.until, newest, done) if day)
        asked = replace(asked, on=today, reason=reason, until=until)
    elif reason and request.query.needs == REVENUE:
        asked = replace(asked, reason=reason)
    else:
        asked = replace(asked, history_on=today, back=request.start)
    oldest = f"{today - _REMEMBERED:%Y-%m-%d}"  # of months: about older ones nobody asks any more
    kept = {key: each for key, each in state.queries.items() if ":" not in key or f"{key[-7:]}-01" >= oldest}
    return replace(state, queries={**kept, request.key: asked})


def allowed(state: State, features: tuple[str, ...]) -> State:
    """The state of a connection with these features: with others than before, what was refused is asked anew."""
    if state.features == features:
        return state
    refused = {key: replace(each, on=None, reason=None) for key, each in state.queries.items() if each.reason}
    return replace(state, features=features, queries={**state.queries, **refused})


def with_videos(state: State, ranked: Iterable[str], published: dict[str, date]) -> State:
    """The state with the videos whose retention is asked, the most watched first; of some the publication."""
    known = {video.id: video for video in state.videos}
    new = {id_: Video(id=id_, published=day) for id_, day in published.items()}
    found = [{**new, **known}[id_] for id_ in ranked if id_ in new or id_ in known]
    return replace(state, videos=tuple(found[:VIDEOS_MAX]))


def months(last: date) -> list[date]:
    """The first days of the calendar months that are asked about, the newest first."""
    found = [last.replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - _DAY).replace(day=1))
    return found


def end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - _DAY
