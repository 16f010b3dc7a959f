"""Reads one channel and its videos, and keeps what was read when in one document, `video_readings/<channel>`.

A channel costs a unit, which also verifies the permission; so does each page of its uploads, and each 50 videos.
All videos are one packed text: a document each would be read and written each night.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

from shared import channels
from shared.channels import Channel
from shared.clock import Clock, format_instant
from shared.cloud.steps import Docs, Write
from shared.data_map import VIDEO_READINGS
from shared.errors import InvalidRequest
from shared.monitoring.log import log
from shared.paging import groups
from shared.records import Mapper, compact
from shared.youtube import data
from shared.youtube.client import Caller
from shared.youtube.durations import seconds_of
from shared.youtube.faults import fault_of
from shared.youtube.policy import Action

AGAIN = timedelta(hours=20)
"""A video that was read is read again the next night, and not earlier."""
ROW_EVERY = timedelta(hours=24)
"""How old the counts of a video's last row may be until it has another although nothing has changed."""
WHOLE_EVERY = timedelta(days=25)
"""How often all uploads are listed, whatever their newest page says."""
VIDEOS_MAX = 24_000
"""Videos that are remembered, in most of the MiB that a document may have; YouTube lists 20,000 uploads."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class Reading(NamedTuple):
    """How YouTube last answered about one video.

    etag: changes with whatever YouTube says of it. row_at: when its last row was made. public: everybody finds it.
    missing: it was absent from the last answer, which a second one has to confirm.
    """

    etag: str = ""
    read_at: datetime | None = None
    row_at: datetime | None = None
    public: bool = False
    missing: bool = False


@dataclass(frozen=True, kw_only=True)
class Readings:
    """One channel's videos.

    looked_at: when the channel and the newest page of its uploads were read. page: where the listing of all
    uploads goes on. whole_at: when it last came to its end; counted: how many public videos YouTube counted when
    it was last begun.
    """

    channel_id: str
    looked_at: datetime | None = None
    page: str = ""
    whole_at: datetime | None = None
    counted: int | None = None
    videos: Annotated[Mapping[str, Reading], compact(_reading, _parts)] = field(default_factory=dict)

    def looked(self, now: datetime) -> bool:
        """Whether this night has looked for new videos."""
        return self.looked_at is not None and now - self.looked_at < AGAIN

    def due(self, now: datetime) -> list[str]:
        """The videos to read, those never read first, then those read longest ago."""
        times = {video_id: each.read_at for video_id, each in self.videos.items()}
        due = [video_id for video_id, at in times.items() if at is None or now - at >= AGAIN]
        return sorted(due, key=lambda video_id: (times[video_id] is not None, times[video_id] or now, video_id))

    @property
    def read_at(self) -> datetime | None:
        """Since when all of it is read: the oldest time; None while something never was."""
        times = [self.looked_at, *(each.read_at for each in self.videos.values())]
        known = [at for at in times if at is not None]
        return min(known) if self.whole_at is not None and len(known) == len(times) else None

    def to_list(self, page: Sequence[str], count: int | None, now: datetime) -> bool:
        """Whether uploads are listed beyond their newest page, which these ids are on.

        They are where that never came to an end, or not lately; where the page ends with a video that was not
        known; and where YouTube counts more public videos than there are known, once for each such count.
        """
        if self.whole_at is None or now - self.whole_at >= WHOLE_EVERY:
            return True
        new = [video_id for video_id in page if video_id not in self.videos]
        public = sum(each.public for each in self.videos.values()) + len(new)
        short = count is not None and count > public and count != self.counted
        return short or (bool(new) and new[-1] == page[-1])

    def looked_at_newest(
        self, ids: Sequence[str], following: str | None, count: int | None, now: datetime
    ) -> Readings:
        """After the newest page of uploads. following: the next; count: the public videos that YouTube counts."""
        more = self.to_list(ids, count, now)
        found = self._with(ids, self.page or (following if more else None) if following else None)
        whole = now if following is None else self.whole_at
        return replace(found, looked_at=now, whole_at=whole, counted=count if more else self.counted)

    def listed(self, ids: Iterable[str], following: str | None, now: datetime) -> Readings:
        """After another page of uploads; where none follows, all of them are listed."""
        return replace(self._with(ids, following), whole_at=self.whole_at if following else now)

    def _with(self, ids: Iterable[str], page: str | None) -> Readings:
        new = {video_id: Reading() for video_id in ids if video_id not in self.videos}
        videos = {**self.videos, **new}
        if len(videos) > VIDEOS_MAX:  # what was read longest ago is forgotten, here and in time in the warehouse
            newest = sorted(videos, key=lambda video_id: videos[video_id].read_at or _NEVER, reverse=True)
            videos = {video_id: videos[video_id] for video_id in newest[:VIDEOS_MAX]}
        return replace(self, videos=videos, page=page or "")

    def answered(
        self, found: Mapping[str, Reading], absent: Collection[str], now: datetime
    ) -> tuple[Readings, list[str]]:
        """After an answer, and the ids that are gone: absent a second time, on another night."""
        gone, videos = [video_id for video_id in absent if self.videos[video_id].missing], dict(self.videos)
        for video_id in absent:
            videos[video_id] = videos[video_id]._replace(missing=True, read_at=now)
        for video_id in gone:
            del videos[video_id]
        return replace(self, videos={**videos, **found}), gone


def needs_row(reading: Reading, etag: str, now: datetime) -> bool:
    """Whether an answer about a video becomes a row: it is new, says something new, or the last is a day old."""
    return etag != reading.etag or reading.row_at is None or now - reading.row_at >= ROW_EVERY


READINGS = Mapper(Readings, VIDEO_READINGS.path, key="channel_id")
path, stored = READINGS.path, READINGS.read
"""The document of a channel's videos; and what its fields say, which raises CorruptData."""


def write(readings: Readings) -> Write:
    return Write(path(readings.channel_id), {"channel_id": readings.channel_id, **READINGS.fields(readings)})


def _parts(each: Reading) -> list[Any]:
    return [each.etag, _seconds(each.read_at), _seconds(each.row_at), int(each.public), int(each.missing)]


def _reading(etag: str, read_at: int, row_at: int, public: int, missing: int) -> Reading:
    return Reading(str(etag), _instant(read_at), _instant(row_at), bool(public), bool(missing))


def _seconds(instant: datetime | None) -> int:
    return 0 if instant is None else int(instant.timestamp())


def _instant(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


@dataclass
class Units:
    """What a turn may spend, and has spent."""

    most: int
    spent: int = 0

    def take(self, units: int = 1) -> bool:
        """Whether so many are left; they are spent then."""
        enough = self.spent + units <= self.most
        self.spent += units if enough else 0
        return enough


@dataclass(eq=False)
class Progress:
    """One channel in a turn.

    seen: its document and its readings', as they were, among others. about: what YouTube says of it.
    finished: nothing is left to read tonight; refused: for trouble.
    """

    channel: Channel
    seen: Docs
    readings: Readings
    rows: list[dict[str, Any]] = field(default_factory=list)
    about: data.Channel | None = None
    changed: bool = False
    finished: bool = False
    refused: bool = False

    @property
    def channel_id(self) -> str:
        return self.channel.channel_id

    @property
    def connection(self) -> str:
        return channels.connection_of(self.channel_id, self.channel.connected_at)

    def now_reads(self, readings: Readings) -> None:
        self.readings, self.changed = readings, True


def read(each: Progress, caller: Caller, units: Units, clock: Clock) -> None:
    """Read the channel, its uploads and what is due of its videos, as far as the units reach."""
    if not each.readings.looked(clock()):
        if not units.take(2):
            return
        _look(each, caller, clock)
    while each.readings.page:
        if not units.take():
            return
        _list(each, caller, clock)
    for some in groups(each.readings.due(clock()), data.IDS_MAX):
        if not units.take():
            return
        _ask(each, caller, some, clock)
    each.finished = True


def _look(each: Progress, caller: Caller, clock: Clock) -> None:
    about = each.about = data.my_channel(caller)
    page = data.uploads(caller, about.uploads_playlist) if about.uploads_playlist else data.Page((), None)
    ids = [item.video_id for item in page.items]
    each.now_reads(each.readings.looked_at_newest(ids, page.next_page, about.video_count, clock()))


def _list(each: Progress, caller: Caller, clock: Clock) -> None:
    """Read the next page of the uploads. A listing whose place YouTube has lost is begun anew another night."""
    playlist = (each.about or each.channel).uploads_playlist
    assert playlist is not None
    try:
        page = data.uploads(caller, playlist, page=each.readings.page)
    except InvalidRequest as error:
        fault = fault_of(error)
        if fault is None or fault.rule.action is not Action.RESTART_LISTING:
            raise
        each.now_reads(replace(each.readings, page="", whole_at=None))
    else:
        each.now_reads(each.readings.listed([item.video_id for item in page.items], page.next_page, clock()))


def _ask(each: Progress, caller: Caller, ids: Sequence[str], clock: Clock) -> None:
    answer, now = data.videos(caller, ids), clock()
    found = dict[str, Reading]()
    for video in answer.videos:
        before = each.readings.videos.get(video.id, Reading())
        row = needs_row(before, video.etag, now)
        found[video.id] = Reading(video.etag, now, now if row else before.row_at, video.privacy == "public")
        if row:
            each.rows.append(_row(video, now))
    after, gone = each.readings.answered(found, answer.absent, now)
    each.now_reads(after)
    for video_id in gone:
        each.rows.append({"video_id": video_id, "as_of": format_instant(now), "gone": True})
        log("NOTICE", "a video is gone", channel=each.channel_id, video=video_id)


def _row(video: data.Video, now: datetime) -> dict[str, Any]:
    return {
        "video_id": video.id,
        "as_of": format_instant(now),
        "gone": False,
        "title": video.title,
        "published_at": video.published_at and format_instant(video.published_at),
        "duration_seconds": seconds_of(video.duration) or None,  # P0D: what is live, or not processed yet
        "privacy": video.privacy,
        **vars(video.counts),
    }
