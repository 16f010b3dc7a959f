"""Reads channels and videos by night, each with its owner's token: what is new, what has changed, what is gone.

A turn appends the rows of all its channels by one load job, then notes what it has read; whoever dies in between
reads again. Channels of which something was never read come first, then those that were read longest ago.

YouTube lets metadata be kept for 30 days (Developer Policies, III.E.4). So a run first takes it out of rows that
are nearly as old, and deletes what was read of videos that are gone; the row that says so stays as a receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared import channels
from shared.access.disconnect import ERASE
from shared.channels import CHANNELS, Askable
from shared.clock import pacific_day
from shared.cloud.bigquery import answering
from shared.cloud.firestore import Store, update
from shared.cloud.steps import Change, Docs, Write, reading
from shared.collection import gone, planner, readings
from shared.collection.planner import METADATA, Turn
from shared.collection.readings import AGAIN, Progress, Readings, Units, read
from shared.collection.refusals import API, Storing, Then
from shared.errors import Transient, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.monitoring.readable import or_told
from shared.quota.profile import Priority
from shared.warehouse.statements import FORGET_GONE, FORGET_GONE_COUNTS, FORGET_OLD, run
from shared.warehouse.tables import VIDEO_METADATA
from shared.youtube.data import IDS_MAX

KEPT = timedelta(days=28)
"""For how long metadata is kept that was not read again: two days less than it may be."""
_LONGEST = timedelta(minutes=3)  # of one turn's reading, well inside the function's time
_LIST = "youtube.videos.list"
RUNS = 2
"""Runs a night, as the schedule has them."""
VERIFIED = timedelta(days=30)
"""Within which every stored video and each permission must be looked at again: Developer Policies, III.E.4."""
CHANNELS_A_TURN = 25
UNITS_A_TURN = 200  # some 10,000 rows: seconds of a load job, and megabytes of memory
CHANNELS_MAX = 1_000  # of one run: what a request may name
_UNSEEN = 10  # units of a channel of which nothing is known: one with 200 videos


def due(known: Iterable[Askable], now: datetime) -> list[Askable]:
    """The channels to read, in their order: never wholly read, then longest ago."""
    found = [each for each in known if (at := _read_at(each)) is None or now - at >= AGAIN]
    return sorted(found, key=lambda each: (_read_at(each) is not None, _read_at(each) or now, each.channel_id))


def chosen(channels: Sequence[Askable], units: int) -> list[str]:
    """The first of these channels, as many as the units of a run are likely to cover."""
    picked: list[str] = []
    for each in channels[:CHANNELS_MAX]:
        if units <= 0:
            break
        picked.append(each.channel_id)
        units -= price(each)
    return picked


def price(channel: Askable) -> int:
    """How many units reading a channel takes: itself, a page of uploads, its videos; all pages the first time."""
    known = channel.videos_read
    if known is None:
        return _UNSEEN
    fifties = -(-known.videos // IDS_MAX)
    return 1 + fifties + (1 if known.at is not None else max(1, fifties))


def outlook(known: Sequence[Askable], units: int, now: datetime) -> dict[str, Any]:
    """What a network's videos take at so many units a day. The first import comes before everything else.

    unread: channels of which something was never read; import_ends: the day by which none is. days: how many
    reading all takes. overdue: channels that were not verified in time.
    """
    unread = [each for each in known if _read_at(each) is None]
    days = -(-sum(map(price, unread)) // units)
    late = [each for each in known if (at := _read_at(each)) is not None and now - at >= VERIFIED]
    return {
        "unread": len(unread),
        "import_ends": f"{pacific_day(now) + timedelta(days=days - 1)}" if unread else None,
        "days": -(-sum(map(price, known)) // units),
        "overdue": len(late),
    }


def _read_at(channel: Askable) -> datetime | None:
    return channel.videos_read.at if channel.videos_read else None


@dataclass(frozen=True, kw_only=True)
class Metadata(Storing):
    """Reads channels and videos. units: a day's."""

    enqueue: planner.Enqueue
    units: int

    def plan(self) -> dict[str, Any]:
        """Forget what may be kept no longer, and queue the reading of the channels whose turn it is."""
        now = self.clock()
        self._forget(now)
        known = [each for each in channels.reading(self.client, api=API) if each.may_ask(API, now)]
        ahead, units = outlook(known, self.units, now), max(1, self.units // RUNS)
        tonight = chosen(due(known, now), units)
        turn = Turn(function=METADATA, channels=tuple(tonight), units=units, run=f"{now:%Y-%m-%dT%H}")
        queued = self._hand_on(turn)
        severity = "WARNING" if ahead["overdue"] or timedelta(days=ahead["days"]) > VERIFIED else "INFO"
        log(severity, "videos are read", channels=len(known), tonight=len(tonight), **ahead)
        return {"channels": len(known), "due": len(tonight), "queued": int(queued), **ahead}

    def _forget(self, now: datetime) -> None:
        """Delete what was read of videos that are gone, and metadata that was not read again in time."""
        try:
            with answering(self.clock):
                warehouse = self.warehouse()
                deleted = run(warehouse, FORGET_GONE).num_dml_affected_rows
                run(warehouse, FORGET_GONE_COUNTS)
                emptied = run(warehouse, FORGET_OLD, before=now - KEPT).num_dml_affected_rows
        except Transient as error:  # the next run does it, with days to spare
            log("WARNING", "metadata could not be forgotten", reason=error.reason, retry_at=error.retry_at)
        else:
            log("NOTICE", "metadata was forgotten", rows_of_gone_videos=deleted, old_rows=emptied)

    def collect(self, turn: Turn) -> dict[str, int]:
        """Read the channels of a turn, and hand on what is left; one that names no run is a run of its own."""
        turn = planner.whole(turn, self.clock(), units=UNITS_A_TURN)
        here = self._held(turn.channels[:CHANNELS_A_TURN])
        units = Units(min(turn.units, UNITS_A_TURN))
        reached, goes_on = self._read_all(here, units)
        kept = self._keep([each for each in reached if each.changed])
        unfinished = [each for each in reached if not each.finished]
        left = [
            *(each.channel_id for each in here[len(reached) :]),
            *turn.channels[CHANNELS_A_TURN:],
            *(each.channel_id for each in unfinished),  # last: a channel with many videos keeps nobody waiting
        ]
        rest = turn.rest(left, spent=units.spent) if goes_on and kept is not None else None
        return {
            "channels": len(reached),
            "unfinished": len(unfinished),
            "units": units.spent,
            "rows": kept or 0,
            "queued": int(rest is not None and self._hand_on(rest)),
        }

    def _hand_on(self, turn: Turn) -> bool:
        return bool(turn.channels) and self.enqueue(planner.QUEUE, turn.name, METADATA, turn.as_json(), None)

    def _held(self, channel_ids: Sequence[str]) -> list[Progress]:
        """The channels that may be asked about, with what was read of their videos before."""
        paths = {channel_id: (channels.path(channel_id), readings.path(channel_id)) for channel_id in channel_ids}
        if not paths:
            return []
        docs = Store(self.client).run(reading([path for pair in paths.values() for path in pair]))
        found = []
        for channel_id, (at, first) in paths.items():
            stored, before = docs[at], docs[first]
            channel = or_told(partial(CHANNELS.read, channel_id, stored.data)) if stored else None
            if channel is not None and channel.may_ask(API, self.clock()):
                known = or_told(partial(readings.stored, channel_id, before.data if before else None))
                # What cannot be read is read anew.
                found.append(Progress(channel, docs, known or Readings(channel_id=channel_id)))
        return found

    def _read_all(self, here: Iterable[Progress], units: Units) -> tuple[list[Progress], bool]:
        """Read channels until the turn ends; those that it came to, and whether another turn can do better."""
        reached, ends = list[Progress](), self.clock() + _LONGEST
        with self.paying(_LIST, units.most, Priority.BACKGROUND) as block:
            for each in here:
                if self.clock() >= ends or units.spent >= units.most:
                    break
                reached.append(each)
                try:
                    read(each, self.caller_for(each.channel_id, block), units, self.clock)
                except YtempireError as error:
                    each.refused = each.finished = True
                    what = "a channel's videos could not be read"
                    if self.refused(each.channel_id, error, what) is Then.STOP:
                        return reached, False
        return reached, True

    def _keep(self, read: Sequence[Progress]) -> int | None:
        """Append the rows, then note what was read; how many. None when BigQuery takes none now."""
        rows = {(each.channel_id, each.connection): each.rows for each in read}
        names = self.stored(VIDEO_METADATA, rows) if read else []
        if names is None:
            return None
        taken = [each for each in read if each.channel_id in names]
        for each in taken:
            try:
                self._note(each)
            except Unavailable as error:
                name = each.channel_id
                log("WARNING", "what was read could not be noted", channel=name, reason=error.reason)
        return sum(len(each.rows) for each in taken)

    def _note(self, each: Progress) -> None:
        """Note what was read. Rows of a connection that has ended meanwhile are to be erased."""
        channel_id, at = each.channel_id, channels.path(each.channel_id)
        first = readings.path(channel_id)

        def noted(docs: Docs) -> Change[bool]:
            found = docs[at]
            if found is None or gone.connection_in(channel_id, found.data) != each.connection:
                return Change(False)
            then, now = each.seen[first], docs[first]
            if (now and now.version) != (then and then.version):
                return Change(True)  # another run has read the same; what it knows stays
            return Change(True, [readings.write(each.readings), _standing(each)])

        if not update(self.client, (first, at), noted, seen=each.seen) and each.rows:
            self.to_ingest(ERASE, {"channel_id": channel_id, "receipt": each.connection})


def _standing(each: Progress) -> Write:
    """What a channel's own document says afterwards."""
    known, about = each.readings, each.about
    read = {"at": known.read_at, "videos": max(len(known.videos), known.counted or 0)}
    fields: dict[str, Any] = {"videos_read": read}
    if about is not None:
        fields |= {"title": about.title, "uploads_playlist": about.uploads_playlist}
    ended = API in each.channel.refusals and not each.refused
    return Write(channels.path(each.channel_id), fields, remove=(f"refusals.`{API}`",) if ended else ())
