"""What is known of a channel's numbers, by the owner's guide's four levels: each with its source, age and reason.

    days      the columns of `youtube_metrics`          reports, then what was read last, then one Analytics query
    videos    those of `video_performance`              reports, and the public counters by the Data API
    channel   subscribers and the public counters       by the Data API

What is asked is kept (`cache`) and costs nobody anything a second time; the channel's user pays for the rest.
Where a source does not answer, or its quota is kept for what cannot wait, what was read last is told with its age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from shared import channels, ids
from shared.channels import Channel
from shared.clock import Clock, days, last_full_day, pacific_midnight, parse_instant, parse_optional, to_the_second
from shared.cloud.bigquery import answering
from shared.cloud.firestore import Client
from shared.collection.analytics.queries import ANALYTICS, queries
from shared.collection.cache import LIFE as LIVES
from shared.collection.cache import TOLD, Cache, Entries, Entry
from shared.collection.levels import LIFE, TELL, Choice, Held, Level, Told, choose, merged
from shared.errors import Transient, Unavailable, YtempireError
from shared.fields import Fields
from shared.monitoring import calls
from shared.warehouse.statements import DAYS_OF_CHANNEL, VIDEOS_OF_CHANNEL, Warehouse, run
from shared.youtube import data
from shared.youtube.client import Caller

DAYS_MAX = 92
_DAYS = 7  # the guide's window
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
_OF_DATA = ("published_at", "lifetime_views", "lifetime_likes", "lifetime_comments")
NUMBERS: Mapping[str, tuple[str, ...]] = {
    "days": (*QUERIES["channel_daily"], *QUERIES["revenue_daily"], *_REACH),
    "videos": (
        *("views", "engaged_views", "watch_time_minutes", "likes", "dislikes", "comments", "shares"),
        *_OF_DATA,
    ),
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
        """Everything that is asked for."""
        things = {"days": list(map(str, days(self.start, self.end))), "videos": self.videos, "channel": ("",)}
        return [
            Subject(kind, thing, name)
            for kind, names in NUMBERS.items()
            for thing in things[kind]
            for name in names
            if name in self.numbers
        ]


def asked_for(body: object, now: datetime) -> Asked:
    """What a request asks for; without days, the last seven that have ended. Raises InvalidRequest."""
    asked = Fields(body, "channel_id", "start", "end", "videos", "numbers")
    channel_id = asked.id("channel_id", ids.CHANNEL)
    end = asked.date("end") if asked.has("end") else last_full_day(now)
    start = asked.date("start") if asked.has("start") else end - _DAY * (_DAYS - 1)
    if end > last_full_day(now):
        raise asked.wrong("end", "must be a Pacific day that has ended")
    if not timedelta(0) <= end - start < _DAY * DAYS_MAX:
        raise asked.wrong("start", f"must be no later than end, and at most {DAYS_MAX - 1} days before it")
    videos, known = asked.ids("videos", ids.VIDEO), {name for names in NUMBERS.values() for name in names}
    if len(videos) > data.IDS_MAX:
        raise asked.wrong("videos", f"are at most {data.IDS_MAX}")
    numbers = set(asked.texts("numbers"))
    if not numbers <= known:
        raise asked.wrong("numbers", f"are some of {', '.join(sorted(known))}")
    return Asked(
        channel_id=channel_id, start=start, end=end, videos=tuple(videos), numbers=frozenset(numbers or known)
    )


@dataclass
class _Known:
    """What there is of what was asked for. closed: why a source (a query, "channel", "videos") is not asked."""

    held: dict[Subject, list[Held]] = field(default_factory=dict)
    reasons: dict[Subject, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    asked_lately: set[Subject] = field(default_factory=set)
    errors: list[YtempireError] = field(default_factory=list)

    def hold(self, kind: str, thing: str, values: Mapping[str, Any], **of: Any) -> None:
        """Take over what one source tells of one thing."""
        for subject in (Subject(kind, thing, name) for name in NUMBERS[kind] if values.get(name) is not None):
            held = Held(value=values[subject.name], ended=subject.ended, **of)
            self.held.setdefault(subject, []).append(held)

    def explain(self, kind: str, thing: str, reasons: Mapping[str, str | None]) -> None:
        """Take over why numbers of one thing are not there, by name."""
        self.reasons |= {Subject(kind, thing, name): why for name, why in reasons.items() if why is not None}

    def closed_for(self, subject: Subject) -> dict[Level, str]:
        """Which sources cannot be asked for a number now, each with its reason."""
        if subject in self.asked_lately:
            return {Level.ANALYTICS: f"it was asked less than {LIFE[Level.ANALYTICS]} ago, and not told yet"}
        never = "no report has come, and Analytics is asked about days alone"
        why = self.closed.get(source_of(subject))
        return ({} if subject.kind == "days" else {Level.ANALYTICS: never}) | (
            {} if why is None else {subject.asked_of: why}
        )


def source_of(subject: Subject) -> str:
    """Who is asked for a number when no report tells it."""
    queries_of = (query for query, names in QUERIES.items() if subject.name in names)
    return next(queries_of, "") if subject.kind == "days" else subject.kind


@dataclass(frozen=True, kw_only=True)
class ChannelData:
    """Answers. caller_for: what calls YouTube for a channel, paid by its user."""

    client: Client
    cache: Cache
    warehouse: Callable[[], Warehouse]
    caller_for: Callable[[Channel], Caller]
    clock: Clock

    def answer(self, asked: Asked) -> dict[str, Any]:
        """Every number that was asked for, with its provenance; what asking cost, by bucket.

        Raises NotFound (reason "notConnected"); and where nothing at all can be told, why a source did not answer.
        """
        channel, spent = channels.get(self.client, asked.channel_id), Counter[str]()
        caller = _counting(self.caller_for(channel), spent)
        entries = self.cache.held(asked.channel_id)
        known = _Known(closed=_closed(channel, self.clock()))
        self._reports(asked, entries, known)
        _take(known, entries, self.clock())
        subjects, now = asked.subjects(), self.clock()
        answered = self._ask(asked, _choices(subjects, known, now), caller, known)
        choices = _choices(subjects, known, now)
        told = merged(choices, known.held, answered)
        transient = [each for each in known.errors if isinstance(each, Transient)]
        if transient and all(each.value is None for each in told.values()):
            raise next((each for each in transient if each.retry_at), transient[0])
        shown: dict[str, Any] = {"channel": {}, "days": {}, "videos": {}}
        for subject, each in told.items():
            place = shown[subject.kind]
            place = place.setdefault(subject.thing, {}) if subject.thing else place
            place[subject.name] = _shown(each, known.reasons.get(subject), subject.ended, self.clock())
        return {
            "channel_id": asked.channel_id,
            "at": to_the_second(self.clock()),
            "price": dict(spent),
            "retry_at": to_the_second(min((each.retry_at for each in transient if each.retry_at), default=None)),
            **shown,
        }

    def _reports(self, asked: Asked, entries: Entries, known: _Known) -> None:
        """What the warehouse has. Its silence is told, and the other levels answer."""
        window, now = f"reports:{asked.start}:{asked.end}", self.clock()
        subjects = [subject for subject in asked.subjects() if subject.kind != "channel"]
        videos = dict.fromkeys(subject.thing for subject in subjects if subject.kind == "videos")
        keys = [f"reports:{video}" for video in videos]
        keys += [window] if any(subject.kind == "days" for subject in subjects) else []

        def fetch(wanted: Sequence[str]) -> dict[str, tuple[Any, str]]:
            about, warehouse = {"channel": asked.channel_id}, self.warehouse()
            found: dict[str, tuple[Any, str]] = dict.fromkeys(wanted, ({}, ""))
            if window in wanted:
                rows = _rows(warehouse, DAYS_OF_CHANNEL, **about, start=asked.start, end=asked.end)
                found[window] = {row["date"]: row for row in rows}, ""
            if named := [key.partition(":")[2] for key in wanted if key != window]:
                rows = _rows(warehouse, VIDEOS_OF_CHANNEL, **about, videos=named)
                found |= {f"reports:{row['video_id']}": (row, "") for row in rows}
            return found

        if not all(entries.alive(key, now) for key in keys):
            try:
                with _warehouse(self.clock):
                    entries = self.cache.read(asked.channel_id, keys, fetch)
            except YtempireError as error:
                known.errors.append(error)
                reported = (each for each in subjects if each.name not in TELL[each.asked_of])
                known.reasons |= dict.fromkeys(reported, error.message)
        stored = {key: entry.value for key, entry in entries.entries.items()}
        for day, row in stored.get(window, {}).items():
            _day(known, day, row)
        for video in videos:
            _video(known, video, stored.get(f"reports:{video}", {}))

    def _ask(
        self, asked: Asked, choices: Mapping[Subject, Choice], caller: Caller, known: _Known
    ) -> dict[Subject, Held]:
        """Ask each source once for what it was chosen for; one that does not answer is closed, with its reason."""
        wanted: dict[str, list[Subject]] = {}
        for subject, choice in choices.items():
            if choice.level in LIFE:
                wanted.setdefault(source_of(subject), []).append(subject)
        answered: dict[Subject, Held] = {}
        for source, subjects in wanted.items():
            keys, fetch = self._plan(source, subjects, caller, asked.channel_id)
            try:
                entries = self.cache.read(asked.channel_id, keys, fetch)
            except YtempireError as error:
                known.closed[source] = error.message
                known.errors.append(error)
                continue
            found = _Known()
            _take(found, replace(entries, entries={key: entries.entries[key] for key in keys}), self.clock())
            known.reasons |= found.reasons
            answered |= {subject: held[0] for subject, held in found.held.items()}
        return answered

    def _plan(
        self, source: str, subjects: Sequence[Subject], caller: Caller, channel_id: str
    ) -> tuple[list[str], Callable[[Sequence[str]], dict[str, tuple[Any, str]]]]:
        things = sorted({thing for _, thing, _ in subjects})
        if source in QUERIES:
            start, end = things[0], things[-1]

            def query(wanted: Sequence[str]) -> dict[str, tuple[Any, str]]:
                table = queries()[source].ask(caller, date.fromisoformat(start), date.fromisoformat(end))
                told = {
                    str(row["day"]): {ours: row.get(theirs) for ours, theirs in QUERIES[source].items()}
                    for row in table.records()
                }
                return {wanted[0]: (told, "")}

            return [f"analytics:{source}:{start}:{end}"], query
        if source == "channel":
            return ["channel"], lambda _: {"channel": _about_channel(data.my_channel(caller))}

        def videos(wanted: Sequence[str]) -> dict[str, tuple[Any, str]]:
            answer = data.videos(caller, [key.partition(":")[2] for key in wanted])
            own = {f"video:{each.id}": each for each in answer.videos if each.channel_id == channel_id}
            return {key: _about_video(own[key]) if key in own else ({}, "") for key in wanted}

        return [f"video:{video}" for video in things], videos


def _choices(subjects: Iterable[Subject], known: _Known, now: datetime) -> dict[Subject, Choice]:
    return {
        subject: choose(subject.name, known.held.get(subject, ()), now=now, closed=known.closed_for(subject))
        for subject in subjects
    }


def _closed(channel: Channel, now: datetime) -> dict[str, str]:
    """What is not asked at all about a connection as it stands."""
    found = dict[str, str]()
    for source in (*QUERIES, "channel", "videos"):
        feature = queries()[source].needs if source in QUERIES else ""
        api = "youtubeAnalytics" if feature else "youtube"
        refusal = channel.refusals.get(api)
        if not channel.may_ask(api, now):
            found[source] = f"not asked: {refusal.reason if refusal and channel.working else channel.state}"
        elif feature and not (channel.can(ANALYTICS) and channel.can(feature)):
            found[source] = "refused: the permission was not given"
    return found


def _take(known: _Known, entries: Entries, now: datetime) -> None:
    """Take over what was read of YouTube and kept."""
    for key, entry in entries.entries.items():
        kind, _, rest = key.partition(":")
        if kind == "analytics":
            _take_days(known, rest.split(":"), entry, alive=entries.alive(key, now))
        elif kind in TOLD:
            subject = "channel" if kind == "channel" else "videos"
            life = LIVES[kind] if entries.current(key) else timedelta(0)
            known.hold(subject, rest, entry.value, by=Level.DATA, as_of=entry.fetched_at, life=life)
            if not entry.value:
                known.explain(subject, rest, dict.fromkeys(_OF_DATA, "gone: YouTube does not find it"))


def _take_days(known: _Known, named: Sequence[str], entry: Entry, *, alive: bool) -> None:
    query, start, end = named
    for day in map(str, days(date.fromisoformat(start), date.fromisoformat(end))):
        values = entry.value.get(day, {})
        known.hold("days", day, values, by=Level.ANALYTICS, as_of=entry.fetched_at)
        if alive:
            untold = (name for name in QUERIES[query] if values.get(name) is None)
            known.asked_lately.update(Subject("days", day, name) for name in untold)


def _day(known: _Known, day: str, row: Mapping[str, Any]) -> None:
    final, as_of = row["state"] == "final", parse_instant(row["as_of"])
    money_at = parse_optional(row["estimated_revenue_as_of"]) or as_of
    for names, by, at in (
        (QUERIES["channel_daily"], Level.REPORTS if final else Level.ANALYTICS, as_of),
        (QUERIES["revenue_daily"], Level.ANALYTICS, money_at),
        (_REACH, Level.REPORTS, as_of),
    ):
        known.hold("days", day, {name: row[name] for name in names}, by=by, as_of=at)
    reasons = {name: "subscribers" if name.startswith("subscribers") else name for name in NUMBERS["days"]}
    known.explain("days", day, {name: row[f"{of}_reason"] for name, of in reasons.items()})


def _video(known: _Known, video: str, row: Mapping[str, Any]) -> None:
    """What the warehouse has of a video. Its counters say nothing of what has happened to it since."""
    if not row:
        return
    counters = {name: row[name] for name in _OF_DATA}
    if (as_of := parse_optional(row["lifetime_as_of"])) is not None:
        known.hold("videos", video, counters, by=Level.DATA, as_of=as_of, life=timedelta(0))
    if (as_of := parse_optional(row["as_of"])) is not None:
        counts = {name: value for name, value in row.items() if name not in counters}
        known.hold("videos", video, counts, by=Level.REPORTS, as_of=as_of)
    reasons = dict.fromkeys(set(NUMBERS["videos"]) - counters.keys(), row["counts_reason"])
    known.explain("videos", video, reasons | {"published_at": row["published_at_reason"]})


def _rows(warehouse: Warehouse, statement: Any, **values: Any) -> list[dict[str, Any]]:
    found = run(warehouse, statement, seconds=10, work=20, **values)
    return [{name: _json(value) for name, value in row.items()} for row in found]


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def _about_channel(channel: data.Channel) -> tuple[dict[str, Any], str]:
    told = (channel.subscribers, channel.views, channel.video_count)
    return dict(zip(NUMBERS["channel"], told, strict=True)), channel.etag


def _about_video(video: data.Video) -> tuple[dict[str, Any], str]:
    told = (to_the_second(video.published_at), video.counts.views, video.counts.likes, video.counts.comments)
    return dict(zip(_OF_DATA, told, strict=True)), video.etag


def _shown(told: Told, reason: str | None, ended: datetime | None, now: datetime) -> dict[str, Any]:
    """A number as it is answered. ended: when its day did. state: current is a counter's at its moment."""
    state = None
    if told.by is not None and told.as_of is not None:
        settled = Held(value=None, by=told.by, as_of=told.as_of, ended=ended).settled
        state = "final" if settled else "provisional" if told.by is Level.ANALYTICS else "current"
    return {
        "value": told.value,
        "level": told.level and int(told.level),
        "source": told.by and told.by.name.lower(),
        "state": state,
        "as_of": to_the_second(told.as_of),
        "age_seconds": None if told.as_of is None else max(0, int((now - told.as_of).total_seconds())),
        "why": reason if told.value is None and reason else told.why,
    }


def _counting(caller: Caller, spent: Counter[str]) -> Caller:
    """The caller, which counts the units that its calls cost by bucket."""

    def counted(call: calls.Call) -> None:
        if call.bucket:
            spent[call.bucket] += call.quota_cost
        caller.calls(call)

    return replace(caller, calls=counted)


@contextmanager
def _warehouse(clock: Clock) -> Iterator[None]:
    """Raise Unavailable for whatever keeps BigQuery from answering."""
    from google.api_core.exceptions import GoogleAPICallError

    try:
        with answering(clock):
            yield
    except (GoogleAPICallError, TimeoutError) as error:
        raise Unavailable("The warehouse does not answer.", reason="warehouseUnavailable") from error
