"""Reads one channel and its videos by the Data API, with its owner's token: what is new, has changed, is gone.

A channel costs a unit, which also verifies the permission; so does each page of its uploads, and each 50 videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared import channels
from shared.channels import Channel
from shared.clock import Clock, format_instant
from shared.cloud.steps import Docs
from shared.collection.readings import Reading, Readings, needs_row
from shared.errors import InvalidRequest
from shared.monitoring.log import log
from shared.youtube import data
from shared.youtube.client import Caller
from shared.youtube.durations import seconds_of
from shared.youtube.faults import fault_of
from shared.youtube.policy import Action


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

    seen: its document and its readings', as they were. about: what YouTube says of it. finished: nothing is left
    to read tonight; refused: for trouble.
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
        """The connection that it is read for."""
        return channels.connection_of(self.channel_id, self.channel.connected_at)

    def now_reads(self, readings: Readings) -> None:
        """Take over what an answer has brought."""
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
    due = each.readings.due(clock())
    for start in range(0, len(due), data.IDS_MAX):
        if not units.take():
            return
        _ask(each, caller, due[start : start + data.IDS_MAX], clock)
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
        each.now_reads(each.readings.lost_its_place())
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
        "views": video.counts.views,
        "likes": video.counts.likes,
        "comments": video.counts.comments,
    }
