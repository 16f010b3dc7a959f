"""Polling: what the hub would have told us, looked up while it tells us nothing.

A channel whose subscription was never verified, or whose lease has ended, is heard of by the newest page of its
uploads: one unit of the Data API a look. What is new there, or has another title or description than at the last
look, goes the way of a notification. Deletions are left to the reconciliation, which looks twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.push.feed import VideoNotice
from shared.push.renewal import EARLIER, Standing
from shared.youtube.data import PlaylistItem

POLL_EVERY = timedelta(hours=1)
DAILY_UNITS = 1_500  # of the 2,000 that the default pool sets aside for system work


def interval(silent: int) -> timedelta:
    """How often each of so many silent channels is looked at: hourly, or as often as the day's units allow."""
    return max(POLL_EVERY, timedelta(days=1) * silent / DAILY_UNITS)


def to_poll(silent: Mapping[str, Standing], now: datetime) -> list[str]:
    """Of the silent channels, those whose turn it is, the longest unheard first."""
    every = interval(len(silent)) - EARLIER
    last = {channel_id: standing.polled_at for channel_id, standing in silent.items()}
    due = (channel_id for channel_id, at in last.items() if at is None or now - at >= every)
    return sorted(due, key=lambda channel_id: (last[channel_id] is not None, last[channel_id] or now, channel_id))


@dataclass(frozen=True)
class Heard:
    """What a look brought: notices, oldest first, and what to remember for the next one (video to fingerprint)."""

    notices: tuple[VideoNotice, ...]
    seen: Mapping[str, str]


def listen(
    channel_id: str,
    items: Sequence[PlaylistItem],
    *,
    seen: Mapping[str, str] | None,
    since: datetime,
    now: datetime,
) -> Heard:
    """Compare the newest page of uploads with the last look; `since`: where the first look begins.

    A new video is dated by its publication, so that a notification that comes after all is the newer one; a change
    is dated now. Private videos, which have no such date, are not heard of yet.
    """
    public = [item for item in items if item.published_at is not None]
    notices = [
        VideoNotice(
            video_id=item.video_id,
            channel_id=channel_id,
            updated=now if seen and item.video_id in seen else item.published_at,
            title=item.title,
            published=item.published_at,
        )
        for item in public
        if item.published_at is not None and _news(item, seen, since)
    ]
    return Heard(
        tuple(sorted(notices, key=lambda notice: (notice.updated, notice.video_id))),
        {item.video_id: fingerprint(item) for item in public},
    )


def _news(item: PlaylistItem, seen: Mapping[str, str] | None, since: datetime) -> bool:
    if seen is None:
        return item.published_at is not None and item.published_at >= since
    return seen.get(item.video_id) != fingerprint(item)


def fingerprint(item: PlaylistItem) -> str:
    """The same for the same words; 50 of them fit a document easily."""
    return hashlib.sha256(f"{item.title}\0{item.description}".encode()).hexdigest()[:16]


def silent(channel_ids: Iterable[str], standings: Mapping[str, Standing], now: datetime) -> dict[str, Standing]:
    """Of these channels, those that were asked for and whose hub promises nothing now."""
    known = (standings[channel_id] for channel_id in channel_ids if channel_id in standings)
    return {standing.channel_id: standing for standing in known if not standing.alive(now)}
