"""Answers what is known of a channel's numbers, by the owner's guide's four levels: with source, age and reason.

What is asked (`numbers`) is kept (`cache`); the channel's user pays. Where a source does not answer, or its quota
is kept for what cannot wait, what was read last is told with its age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from shared import channels
from shared.channels import Channel
from shared.clock import Clock, pacific_day, parse_optional, to_the_second
from shared.cloud.bigquery import answering
from shared.cloud.firestore import Client
from shared.collection import numbers, week_answers
from shared.collection.analytics.plan import ANALYTICS, queries
from shared.collection.cache import Entry, Fetch, Look
from shared.collection.numbers import QUERIES, Asked, Choice, Held, Known, Subject, shown
from shared.collection.week_answers import asking
from shared.errors import Transient, Unavailable, YtempireError
from shared.monitoring import calls
from shared.warehouse.statements import DAYS_OF_CHANNEL, VIDEOS_OF_CHANNEL, Warehouse
from shared.youtube import data
from shared.youtube.client import Caller

Plan = tuple[list[str], Callable[[Sequence[str]], dict[str, tuple[Any, str]]]]
"""What a source is asked for: the keys of its answers, and what asks for some of them."""


@dataclass(frozen=True, kw_only=True)
class ChannelData:
    """Answers. caller_for: what calls YouTube for a channel, paid by its user."""

    client: Client
    warehouse: Callable[[], Warehouse]
    caller_for: Callable[[Channel], Caller]
    clock: Clock

    def answer(self, asked: Asked) -> dict[str, Any]:
        """Every number that was asked for, with its provenance; what asking cost, by bucket.

        Raises NotFound (reason "notConnected"); and where nothing at all can be told, why a source did not answer.
        """
        channel, spent = channels.get(self.client, asked.channel_id), Counter[str]()
        caller = _counting(self.caller_for(channel), spent)
        known = Known(closed=_closed(channel, self.clock()))
        with Look(self.client, asked.channel_id, self.clock) as look:
            self._days(asked, look, known)
            known.take(look.entries, self.clock())
            subjects, now = asked.subjects(), self.clock()
            answered = self._ask(asked, known.choices(subjects, now), caller, known, look)
            self._videos(asked, look, known)
        choices = known.choices(subjects, now)
        told = {each: choice.answered(answered.get(each)) for each, choice in choices.items()}
        transient = [each for each in known.errors if isinstance(each, Transient)]
        if transient and all(each.held is None for each in told.values()):
            raise next((each for each in transient if each.retry_at), transient[0])
        places: dict[str, Any] = {"channel": {}, "days": {}, "videos": {}}
        for subject, each in told.items():
            place = places[subject.kind]
            place = place.setdefault(subject.thing, {}) if subject.thing else place
            place[subject.name] = shown(each, known.reasons.get(subject), self.clock())
        return {
            "channel_id": asked.channel_id,
            "at": to_the_second(self.clock()),
            "reports_as_of": to_the_second(min(known.reported_at, default=None)),
            "price": dict(spent),
            "retry_at": to_the_second(min((each.retry_at for each in transient if each.retry_at), default=None)),
            **places,
        }

    def _days(self, asked: Asked, look: Look, known: Known) -> None:
        """Take over what the warehouse has of days. Its silence is told, and others answer."""
        window = week_answers.key(asked.start, asked.end)

        def fetch(_: Sequence[str]) -> dict[str, tuple[Any, str]]:
            warehouse, channel = self.warehouse(), asked.channel_id
            rows = asking(warehouse, DAYS_OF_CHANNEL, channel=channel, start=asked.start, end=asked.end)
            return {window: ({row["date"]: row for row in rows}, "")}

        subjects = [subject for subject in asked.subjects() if subject.kind == "days"]
        for entry in self._reports([window] if subjects else [], fetch, subjects, look, known):
            for day, row in entry.value.items():
                known.take_day(day, row)

    def _videos(self, asked: Asked, look: Look, known: Known) -> None:
        """Likewise of videos; of one that was published today no report can tell, so nobody is asked."""
        keys, subjects = dict[str, str](), [subject for subject in asked.subjects() if subject.kind == "videos"]
        for video in dict.fromkeys(subject.thing for subject in subjects):
            [entry] = look.entries.of([f"video:{video}"]).values() or [None]
            published = parse_optional(entry.value.get("published_at")) if entry else None
            if published and pacific_day(published) >= pacific_day(self.clock()):
                known.explain(
                    "videos", video, dict.fromkeys(numbers.COUNTS, "not yet: no report tells of the video")
                )
            else:
                keys[week_answers.key_of(video)] = video

        def fetch(wanted: Sequence[str]) -> dict[str, tuple[Any, str]]:
            warehouse, videos = self.warehouse(), [keys[key] for key in wanted]
            rows = asking(warehouse, VIDEOS_OF_CHANNEL, channel=asked.channel_id, videos=videos)
            found: dict[str, tuple[Any, str]] = dict.fromkeys(wanted, ({}, ""))
            return found | {week_answers.key_of(row["video_id"]): (row, "") for row in rows}

        for entry in self._reports(list(keys), fetch, subjects, look, known):
            if entry.value:
                known.take_video(entry.value["video_id"], entry.value)

    def _reports(
        self, keys: Sequence[str], fetch: Fetch, subjects: Sequence[Subject], look: Look, known: Known
    ) -> Iterator[Entry]:
        """What the warehouse told under these keys, now or before."""
        if not all(look.entries.alive(key, self.clock()) for key in keys):
            try:
                with _warehouse(self.clock):
                    look.read(keys, fetch)
            except YtempireError as error:
                known.errors.append(error)
                reported = (each for each in subjects if each.name not in numbers.TELL[each.asked_of])
                known.reasons |= dict.fromkeys(reported, error.message)
        for entry in look.entries.of(keys).values():
            known.reported_at.append(entry.fetched_at)
            yield entry

    def _ask(
        self, asked: Asked, choices: Mapping[Subject, Choice], caller: Caller, known: Known, look: Look
    ) -> dict[Subject, Held]:
        """Ask each source once for what it was chosen for; one that does not answer is closed, with its reason."""
        wanted: dict[str, list[Subject]] = {}
        for subject, choice in choices.items():
            if choice.level in numbers.LIFE:
                wanted.setdefault(subject.source, []).append(subject)
        plans = {each: self._plan(each, subjects, caller, asked.channel_id) for each, subjects in wanted.items()}
        try:
            look.read([key for keys, _ in plans.values() for key in keys], partial(_asking, plans, known))
        except YtempireError as error:  # somebody else is reading what is missing still
            for source, (keys, _) in plans.items():
                if not all(look.entries.alive(key, self.clock()) for key in keys):
                    known.close(source, error)
        found, told = Known(), [key for each in plans.keys() - known.closed.keys() for key in plans[each][0]]
        found.take(replace(look.entries, entries=look.entries.of(told)), self.clock())
        known.reasons |= found.reasons
        return {subject: held[0] for subject, held in found.held.items()}

    def _plan(self, source: str, subjects: Sequence[Subject], caller: Caller, channel_id: str) -> Plan:
        things = sorted({subject.thing for subject in subjects})
        if source == "channel":
            return ["channel"], lambda _: {"channel": _about_channel(data.my_channel(caller))}
        if source == "videos":

            def videos(wanted: Sequence[str]) -> dict[str, tuple[Any, str]]:
                answer = data.videos(caller, [key.partition(":")[2] for key in wanted])
                own = {f"video:{each.id}": each for each in answer.videos if each.channel_id == channel_id}
                return {key: _about_video(own[key]) if key in own else ({}, "") for key in wanted}

            return [f"video:{video}" for video in things], videos
        start, end = things[0], things[-1]

        def query(wanted: Sequence[str]) -> dict[str, tuple[Any, str]]:
            rows = queries()[source].ask(caller, date.fromisoformat(start), date.fromisoformat(end)).records()
            names = QUERIES[source].items()
            return {
                wanted[0]: ({str(row["day"]): {ours: row.get(name) for ours, name in names} for row in rows}, "")
            }

        return [f"analytics:{source}:{start}:{end}"], query


def _asking(plans: Mapping[str, Plan], known: Known, keys: Sequence[str]) -> dict[str, tuple[Any, str]]:
    """Ask each source for those of these keys that are its own. One that does not answer is closed."""
    found: dict[str, tuple[Any, str]] = {}
    for source, (of_source, ask) in plans.items():
        if missing := [key for key in of_source if key in keys]:
            try:
                found |= ask(missing)
            except YtempireError as error:
                known.close(source, error)
    return found


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


def _about_channel(channel: data.Channel) -> tuple[dict[str, Any], str]:
    told = (channel.subscribers, channel.views, channel.video_count)
    return dict(zip(numbers.NUMBERS["channel"], told, strict=True)), channel.etag


def _about_video(video: data.Video) -> tuple[dict[str, Any], str]:
    told = (to_the_second(video.published_at), video.counts.views, video.counts.likes, video.counts.comments)
    return dict(zip(numbers.OF_DATA, told, strict=True)), video.etag


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
