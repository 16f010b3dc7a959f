"""Answers what is known of a channel's numbers, by the owner's guide's four levels: with source, age and reason.

What is asked (`numbers`) is kept (`cache`) and costs nobody anything a second time; the channel's user pays for
the rest. Where a source does not answer, or its quota is kept for what cannot wait, what was read last is told
with its age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from shared import channels
from shared.channels import Channel
from shared.clock import Clock, to_the_second
from shared.cloud.bigquery import answering
from shared.cloud.firestore import Client
from shared.collection import week_answers
from shared.collection.analytics.queries import ANALYTICS, queries
from shared.collection.cache import Cache, Entries
from shared.collection.levels import LIFE, TELL, Choice, Held, merged
from shared.collection.numbers import NUMBERS, OF_DATA, QUERIES, Asked, Known, Subject, shown, source_of
from shared.collection.week_answers import asking
from shared.errors import Transient, Unavailable, YtempireError
from shared.monitoring import calls
from shared.warehouse.statements import DAYS_OF_CHANNEL, VIDEOS_OF_CHANNEL, Warehouse
from shared.youtube import data
from shared.youtube.client import Caller


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
        known = Known(closed=_closed(channel, self.clock()))
        reports_as_of = self._reports(asked, entries, known)
        known.take(entries, self.clock())
        subjects, now = asked.subjects(), self.clock()
        answered = self._ask(asked, known.choices(subjects, now), caller, known)
        told = merged(known.choices(subjects, now), known.held, answered)
        transient = [each for each in known.errors if isinstance(each, Transient)]
        if transient and all(each.value is None for each in told.values()):
            raise next((each for each in transient if each.retry_at), transient[0])
        places: dict[str, Any] = {"channel": {}, "days": {}, "videos": {}}
        for subject, each in told.items():
            place = places[subject.kind]
            place = place.setdefault(subject.thing, {}) if subject.thing else place
            place[subject.name] = shown(each, known.reasons.get(subject), subject.ended, self.clock())
        return {
            "channel_id": asked.channel_id,
            "at": to_the_second(self.clock()),
            "reports_as_of": to_the_second(reports_as_of),
            "price": dict(spent),
            "retry_at": to_the_second(min((each.retry_at for each in transient if each.retry_at), default=None)),
            **places,
        }

    def _reports(self, asked: Asked, entries: Entries, known: Known) -> datetime | None:
        """Take over what the warehouse has; answers when it was asked. Its silence is told, and others answer."""
        window, now = week_answers.key(asked.start, asked.end), self.clock()
        subjects = [subject for subject in asked.subjects() if subject.kind != "channel"]
        videos = dict.fromkeys(subject.thing for subject in subjects if subject.kind == "videos")
        keys = [f"reports:{video}" for video in videos]
        keys += [window] if any(subject.kind == "days" for subject in subjects) else []

        def fetch(wanted: Sequence[str]) -> dict[str, tuple[Any, str]]:
            channel, warehouse = asked.channel_id, self.warehouse()
            found: dict[str, tuple[Any, str]] = dict.fromkeys(wanted, ({}, ""))
            if window in wanted:
                rows = asking(warehouse, DAYS_OF_CHANNEL, channel=channel, start=asked.start, end=asked.end)
                found[window] = {row["date"]: row for row in rows}, ""
            if named := [key.partition(":")[2] for key in wanted if key != window]:
                rows = asking(warehouse, VIDEOS_OF_CHANNEL, channel=channel, videos=named)
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
        stored = {key: entries.entries[key] for key in keys if key in entries.entries}
        for day, row in stored[window].value.items() if window in stored else ():
            known.take_day(day, row)
        for video in videos:
            if (of_video := stored.get(f"reports:{video}")) and of_video.value:
                known.take_video(video, of_video.value)
        return min((each.fetched_at for each in stored.values()), default=None)

    def _ask(
        self, asked: Asked, choices: Mapping[Subject, Choice], caller: Caller, known: Known
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
            found = Known()
            found.take(replace(entries, entries={key: entries.entries[key] for key in keys}), self.clock())
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
    return dict(zip(NUMBERS["channel"], told, strict=True)), channel.etag


def _about_video(video: data.Video) -> tuple[dict[str, Any], str]:
    told = (to_the_second(video.published_at), video.counts.views, video.counts.likes, video.counts.comments)
    return dict(zip(OF_DATA, told, strict=True)), video.etag


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
