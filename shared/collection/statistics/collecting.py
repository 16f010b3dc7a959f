"""Reads counts of videos, every five minutes: of those first where they lower the error most.

One run at a time. It looks at the outline, reads, appends the rows by one load job, and notes in one commit what
it has read. Who dies in between leaves rows that are true; the same is read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from shared.access.disconnect import ERASE
from shared.clock import format_instant, pacific_day
from shared.cloud.firestore import Client, Store, update
from shared.cloud.steps import Change, Doc, Docs, Listing, Together, Write, only, reading
from shared.collection import gone, readings, videos
from shared.collection.refusals import Storing, Then
from shared.collection.statistics import law, state
from shared.collection.statistics.law import calls_now
from shared.collection.statistics.state import OUTLINE, Counted, Entry, Outline, Pack
from shared.data_map import VIDEO_READINGS, VIDEOS
from shared.errors import YtempireError
from shared.monitoring.log import log
from shared.monitoring.readable import or_told
from shared.quota.blocks import Block
from shared.quota.profile import Priority
from shared.warehouse.tables import VIDEO_COUNTS
from shared.youtube import data

_NOTICES, _CHANNELS = 300, 20  # of one run: what there is besides is the next one's
_EVER = datetime.fromtimestamp(0, UTC)
_OVERLAP = timedelta(minutes=2)  # clocks differ, and a write takes its time
_YOUNG = 2 * 24 * 60  # minutes for which a video that no nightly listing has yet is not taken for gone
METHOD = "youtube.videos.batchGetStats"
_LEASE = timedelta(minutes=4, seconds=30)  # less than from one run to the next
_LONGEST = timedelta(minutes=3)
_ABSENT_MAX = 3  # in a row; then the nightly listing says whether the video is there
_ALONE = {Then.ASK_AGAIN: 5, Then.NEXT_RUN: 60, Then.PAUSE: 20 * 60, Then.RECONNECT: 6 * 60}
"""For how many minutes a channel is left alone after a refusal."""


@dataclass
class _Run:
    """What a run holds. packs: those that it looks at. lost: channels that are no longer where the outline says.

    touched: channels of which something has changed. refused: those that YouTube, or our vault, refused. rows: by
    channel and connection.
    """

    outline: Outline
    calls: int
    packs: dict[int, Pack] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    touched: dict[str, Entry] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    rows: defaultdict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    spent: int = 0

    def counted(self, channel_id: str) -> Counted | None:
        return self.packs[self.outline.entries[channel_id].pack].get(channel_id)


@dataclass(frozen=True, kw_only=True)
class Statistics(Storing):
    """Reads counts. units: calls a day."""

    units: int

    def run(self) -> dict[str, int]:
        """Read what is most worth it now. While another run is under way, nothing is read."""
        now, name = self.clock(), f"{self.rng.getrandbits(64):016x}"
        outline = update(self.client, [OUTLINE], lambda docs: _claimed(state.outline_in(docs[OUTLINE]), name, now))
        if outline is None:
            log("NOTICE", "counts are read by another run")
            return {"channels": 0, "calls": 0, "rows": 0}
        if not outline.entries and (found := state.recovered(self.client, minute(now))):
            outline = replace(outline, entries=found)
            update(self.client, [OUTLINE], lambda _: Change(None, [state.outline_write(outline)]))
        heard = news(self.client, outline.heard_at, outline.looked_at, now)
        run = _Run(outline, calls_now(self.units, outline.spent, now))
        known = outline.entries.items()
        open_ones = ((each, entry.fifties) for each, entry in known if entry.until <= minute(now))
        chosen = law.choose(open_ones, run.calls, minute(now))
        seen = self._look(run, chosen, heard)
        self._learn(run, heard)
        self._read(run, chosen)
        # When BigQuery takes none now, nothing is noted either.
        stored = self.stored(VIDEO_COUNTS, run.rows) is not None
        doubted, left = self._note(run, seen, heard if stored else None)
        left |= {each: doubted[each] for each in gone.ended(self.client, doubted)}
        for channel_id, connection in left.items():  # what was stored of it is taken back
            state.forget(self.client, channel_id)
            if (channel_id, connection) in run.rows:
                self.to_ingest(ERASE, {"channel_id": channel_id, "receipt": connection})
        rows = sum(map(len, run.rows.values())) if stored else 0
        return {"channels": len(run.rows), "calls": run.spent, "rows": rows}

    def _look(self, run: _Run, chosen: Mapping[str, int], heard: News) -> Docs:
        """Read the packs of all channels that are to be read or were heard of, and choose packs for new ones."""
        wanted = {*chosen, *heard.new, *heard.listed}
        known = run.outline.entries
        entries = dict(known)
        for channel_id in sorted(wanted - entries.keys()):
            fifties = -(-len(heard.listed.get(channel_id, ())) // data.IDS_MAX)
            roomy = replace(run.outline, entries=entries).roomy_pack(fifties)
            entries[channel_id] = Entry(roomy, fifties=((0.0, 0),) * fifties)
        run.outline = replace(run.outline, entries=entries)
        numbers = sorted({entries[each].pack for each in wanted})
        seen = Store(self.client).run(reading([OUTLINE, *map(state.path, numbers)]))
        run.packs = {number: state.pack_in(number, seen[state.path(number)]) for number in numbers}
        run.lost = {each for each in known if known[each].pack in run.packs and run.counted(each) is None}
        run.touched |= {each: known[each] for each in run.lost}
        return seen

    def _learn(self, run: _Run, heard: News) -> None:
        """Take in what was heard; a channel that is new here with its connection, if it has one."""
        now = minute(self.clock())
        told = {*heard.new, *heard.listed}
        unknown = [each for each in told if run.counted(each) is None]
        connections = gone.connections(self.client, unknown) if unknown else {}
        for channel_id in sorted(told):
            known = run.counted(channel_id) or Counted(connections.get(channel_id, ""), {})
            if known.connection:
                new, listed = heard.new.get(channel_id, {}), heard.listed.get(channel_id)
                self._keep(run, channel_id, known._replace(videos=merged(known.videos, new, listed, now)))

    def _keep(self, run: _Run, channel_id: str, counted: Counted, until: int = 0) -> None:
        entry, now = run.outline.entries[channel_id], minute(self.clock())
        run.packs[entry.pack][channel_id] = counted
        fifties = tuple(law.outline(counted.videos, now))
        run.touched[channel_id] = entry._replace(until=until or entry.until, fifties=fifties)

    def _read(self, run: _Run, chosen: Mapping[str, int]) -> None:
        ends = self.clock() + _LONGEST
        with self.paying(METHOD, run.calls, Priority.NORMAL) as block:
            for channel_id, calls in chosen.items():
                counted = run.counted(channel_id)
                if counted is not None:  # not lost
                    over = self.clock() >= ends
                    if over or self._channel(run, block, channel_id, counted, calls) is Then.STOP:
                        return

    def _channel(self, run: _Run, block: Block, channel_id: str, counted: Counted, calls: int) -> Then | None:
        """Read some of a channel's videos; None when that went well, else what follows."""
        videos, caller = dict(counted.videos), self.caller_for(channel_id, block)
        then, until = None, 0
        for ids in law.to_read(videos, calls, minute(self.clock())):
            try:
                answer = {each.id: each for each in data.batch_get_stats(caller, ids)}
            except YtempireError as error:
                run.refused.add(channel_id)
                then = self.refused(channel_id, error, "a channel's counts could not be read")
                until = 0 if then is Then.STOP else minute(self.clock()) + _ALONE.get(then, 0)
                break
            run.spent += 1
            rows = [self._take(videos, video_id, answer.get(video_id)) for video_id in ids]
            if told := [row for row in rows if row is not None]:
                run.rows[channel_id, counted.connection] += told
        self._keep(run, channel_id, counted._replace(videos=videos), until)
        return then

    def _take(
        self, videos: dict[str, law.Video], video_id: str, stats: data.Stats | None
    ) -> dict[str, Any] | None:
        """Take in what was answered of a video; the row of it, if it is in the answer."""
        now, known = self.clock(), videos[video_id]
        if stats is None:
            videos[video_id] = law.missed(known)
            if known.absent + 1 >= _ABSENT_MAX:
                del videos[video_id]
            return None
        if stats.published_at is not None:
            known = known._replace(published=minute(stats.published_at))
        videos[video_id] = law.read(known, stats.counts.views, minute(now))
        return {"video_id": video_id, "as_of": format_instant(now), **vars(stats.counts)}

    def _note(self, run: _Run, seen: Docs, heard: News | None) -> tuple[dict[str, str], dict[str, str]]:
        """Note what was read and let the next run begin.

        Answers channels with their connections: those that may have ended, because they are new here or were
        refused; and those that a disconnect has taken out meanwhile, which stay out. Whoever is taken out later is
        erased later, too. heard: None when only the calls are noted.
        """
        before = state.outline_in(seen[OUTLINE]).entries if seen[OUTLINE] else {}

        def noted(docs: Docs) -> Change[tuple[dict[str, str], dict[str, str]]]:
            outline, doubted, left = state.outline_in(docs[OUTLINE]), dict[str, str](), dict[str, str]()
            if outline.run != run.outline.run:
                log("WARNING", "a run has taken so long that another has begun")
                return Change((doubted, left))
            outline = replace(outline, run="", run_until=None, spent=outline.spent + run.spent)
            if heard is None:
                return Change((doubted, left), [state.outline_write(outline)])
            entries, writes = dict(outline.entries), list[Write]()
            for number, ours in run.packs.items():
                pack = state.pack_in(number, docs[state.path(number)])
                for channel_id in [each for each in run.touched if run.outline.entries[each].pack == number]:
                    counted = ours.get(channel_id)
                    if channel_id in before and channel_id not in entries:
                        if counted:  # disconnected meanwhile, and its rows may have been erased before
                            left[channel_id] = counted.connection
                    elif counted:
                        entries[channel_id], pack[channel_id] = run.touched[channel_id], counted
                        if channel_id not in before or channel_id in run.refused:
                            doubted[channel_id] = counted.connection
                    else:
                        entries.pop(channel_id, None)
                writes.append(state.pack_write(number, pack))
            since = (None, None) if run.lost else (heard.heard_at, heard.looked_at)
            outline = replace(outline, heard_at=since[0], looked_at=since[1], entries=entries)
            return Change((doubted, left), [state.outline_write(outline), *writes])

        return update(self.client, list(seen), noted, seen=seen)


def _claimed(outline: Outline, name: str, now: Any) -> Change[Outline | None]:
    """The outline for one run, unless another is under way; on a new day nothing is spent yet."""
    if outline.run and outline.run != name and outline.run_until is not None and outline.run_until > now:
        return Change(None)
    spent = outline.spent if outline.day == pacific_day(now) else 0
    ours = replace(outline, run=name, run_until=now + _LEASE, day=pacific_day(now), spent=spent)
    return Change(ours, [state.outline_write(ours)])


@dataclass(frozen=True, kw_only=True)
class News:
    """What was heard since the last run. new: by channel, videos and the minutes of their publication.

    listed: by channel, all of its videos. heard_at, looked_at: from where the next run listens.
    """

    new: Mapping[str, Mapping[str, int]]
    listed: Mapping[str, frozenset[str]]
    heard_at: datetime | None
    looked_at: datetime | None


def news(client: Client, heard_at: datetime | None, looked_at: datetime | None, now: datetime) -> News:
    """What is new since these instants; where there is none, all that nights list, and the youngest."""
    notices = Listing(
        VIDEOS.path,
        above=("heard_at", heard_at or now - timedelta(minutes=_YOUNG)),
        order="heard_at",
        limit=_NOTICES,
        only=("channel_id", "published", "state", "heard_at"),
    )
    nightly = Listing(
        VIDEO_READINGS.path, above=("looked_at", looked_at or _EVER), order="looked_at", limit=_CHANNELS
    )
    heard, looked = Store(client).run(only(Together((notices, nightly))))
    new = defaultdict[str, dict[str, int]](dict)
    for video_id, doc in heard.items():
        published = doc.data.get("published")
        if doc.data["state"] != videos.Change.DELETED and published is not None:
            new[doc.data["channel_id"]][video_id] = minute(published)
    heard_at, looked_at = _next(heard, "heard_at", _NOTICES, now), _next(looked, "looked_at", _CHANNELS, now)
    return News(new=new, listed=dict(_listed(looked)), heard_at=heard_at, looked_at=looked_at)


def minute(instant: datetime) -> int:
    """An instant in minutes since 1970."""
    return int(instant.timestamp() // 60)


def merged(
    known: Mapping[str, law.Video], new: Mapping[str, int], listed: Collection[str] | None, now: int
) -> dict[str, law.Video]:
    """A channel's videos after what was heard. listed: all of them; None when they were not listed anew."""
    kept = {
        name: each
        for name, each in known.items()
        if listed is None or name in listed or now - each.published < _YOUNG
    }
    found = (
        {name: law.Video() for name in listed or ()}
        | {name: law.Video(published=at) for name, at in new.items()}
        | kept
    )
    if len(found) <= state.VIDEOS_MAX:
        return found
    order = sorted(found, key=lambda name: (found[name].read > 0, -law.rate_at(found[name], now)))
    return {name: found[name] for name in order[: state.VIDEOS_MAX]}


def _next(found: Mapping[str, Doc], field: str, limit: int, now: datetime) -> datetime:
    """From where the next run listens: from the last one, if there may be more."""
    last = max((doc.data[field] for doc in found.values()), default=now)
    return last if len(found) >= limit else now - _OVERLAP


def _listed(documents: Mapping[str, Doc]) -> Iterator[tuple[str, frozenset[str]]]:
    for doc in documents.values():
        stored = or_told(partial(readings.stored, doc.data["channel_id"], doc.data))
        if stored is not None:
            yield stored.channel_id, frozenset(stored.videos)
