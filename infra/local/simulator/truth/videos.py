"""The truth about a channel's videos: what `video_performance` ought to say of each, and their counts.

Counts are what all issued reports together say of a video, the newest issue of each day counting.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from infra.local.simulator.analytics.retention import ENOUGH_VIEWS, curve
from infra.local.simulator.data.library import Library
from infra.local.simulator.reporting.jobs import Jobs, instant
from infra.local.simulator.state import Simulator
from infra.local.simulator.truth.cells import (
    ANALYTICS,
    ANALYTICS_SCOPE,
    DATA,
    REPORT,
    Cell,
    Reason,
    allowed,
    counting,
    told,
    untold,
)
from infra.local.simulator.truth.channel_days import BASIC
from infra.local.simulator.world import growth
from infra.local.simulator.world.issues import available_at
from infra.local.simulator.world.model import Channel, Video
from infra.local.simulator.world.report_types import REPORT_TYPES
from infra.local.simulator.world.rows import rows
from infra.local.simulator.world.store import exists
from infra.local.simulator.world.tally import Tally
from shared.clock import pacific_day

_COUNTED = ("views", "engaged_views", "likes", "dislikes", "comments", "shares")


def videos(simulator: Simulator, channel: Channel) -> dict[str, dict[str, Cell]]:
    """Each video's cells, by its id: all that were ever uploaded."""
    world, now = simulator.world, simulator.clock()
    totals = _totals(simulator, channel)
    scopes = allowed(simulator, channel)
    return {
        video.id: {
            "published_at": _published(simulator, video, now),
            **_counts(totals.get(video.id)),
            "retention_data": _retention(channel, video, now)
            if ANALYTICS_SCOPE in scopes
            else untold(Reason.NOT_PERMITTED),
        }
        for video in world.all_videos_of(channel.id, pacific_day(now))
        if (video.uploaded_at or video.published_at) <= now
    }


def counts(simulator: Simulator, channel: Channel, at: datetime) -> dict[str, dict[str, int | None]]:
    """Each video's counts at an instant, by its id; None are those that nobody is told."""
    hidden, names = simulator.room(Library).hidden_counts, ("views", "likes", "comments")
    return {
        video.id: {
            name: None
            if f"{name.removesuffix('s')}Count" in hidden.get(video.id, ())
            else getattr(simulator.world.counters(video, at), name)
            for name in names
        }
        for video in simulator.world.all_videos_of(channel.id, pacific_day(at))
    }


def _totals(simulator: Simulator, channel: Channel) -> dict[str, Tally]:
    """What the reports that count say of each video that they name."""
    found: dict[str, Tally] = defaultdict(Tally)
    for ordinal, (_, issue) in counting(simulator.room(Jobs), channel, BASIC).items():
        uploaded = simulator.world.all_videos_of(channel.id, date.fromordinal(ordinal))
        kind = REPORT_TYPES[BASIC]
        for row in rows(channel, uploaded, ordinal, kind, draft=issue.draft, as_of=issue.created):
            found[row.video_id] = found[row.video_id].plus(row.tally)
    return found


def _counts(tally: Tally | None) -> dict[str, Cell]:
    if tally is None:
        return dict.fromkeys((*_COUNTED, "watch_time_minutes"), untold(Reason.NOT_REPORTED))
    minutes = told(tally.watch_minutes, REPORT)
    return {**{name: told(getattr(tally, name), REPORT) for name in _COUNTED}, "watch_time_minutes": minutes}


def _published(simulator: Simulator, video: Video, now: datetime) -> Cell:
    if not exists(video, now):
        return untold(Reason.GONE)
    return told(instant(simulator.world.settle(video, now).published_at.timestamp()), DATA)


def _retention(channel: Channel, video: Video, now: datetime) -> Cell:
    """Its curve, and since when YouTube shows it: a day on which enough views have been counted."""
    if not exists(video, now):
        return untold(Reason.GONE)
    first = growth.ordinal_at(video.published_at.timestamp())
    before = growth.views_until(video, first)
    for ordinal in range(first, pacific_day(now).toordinal()):
        counted_at, views = available_at(channel, ordinal), growth.views_until(video, ordinal + 1) - before
        if counted_at > now.timestamp():
            break
        if views >= ENOUGH_VIEWS:
            points = [
                [
                    point["elapsedVideoTimeRatio"],
                    point["audienceWatchRatio"],
                    point["relativeRetentionPerformance"],
                ]
                for point in curve(video, views)
            ]
            return told(points, ANALYTICS, since=instant(counted_at, fraction=True))
    return untold(Reason.TOO_FEW_VIEWS)
