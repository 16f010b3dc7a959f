"""Which videos there are to count, from what others have stored: notifications, and what was read by night.

Two queries bring what is new since the last run, so a network that stands still costs two reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.cloud.firestore import Client, Store
from shared.cloud.steps import Doc, Listing, Together, only
from shared.collection import readings, videos
from shared.collection.statistics.law import Video, rate_at
from shared.collection.statistics.state import VIDEOS_MAX
from shared.data_map import VIDEO_READINGS, VIDEOS
from shared.errors import CorruptData
from shared.monitoring.log import log

_NOTICES, _CHANNELS = 300, 20  # of one run: what there is besides is the next one's
_EVER = datetime.fromtimestamp(0, UTC)
_OVERLAP = timedelta(minutes=2)  # clocks differ, and a write takes its time
_YOUNG = 2 * 24 * 60  # minutes for which a video that no nightly listing has yet is not taken for gone


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
    new: dict[str, dict[str, int]] = {}
    for video_id, doc in heard.items():
        published = doc.data.get("published")
        if doc.data["state"] != videos.Change.DELETED and published is not None:
            new.setdefault(doc.data["channel_id"], {})[video_id] = minute(published)
    return News(
        new=new,
        listed=dict(_listed(looked)),
        heard_at=_next(heard, "heard_at", _NOTICES, now),
        looked_at=_next(looked, "looked_at", _CHANNELS, now),
    )


def minute(instant: datetime) -> int:
    """An instant in minutes since 1970."""
    return int(instant.timestamp() // 60)


def merged(
    known: Mapping[str, Video], new: Mapping[str, int], listed: Collection[str] | None, now: int
) -> dict[str, Video]:
    """A channel's videos after what was heard. listed: all of them; None when they were not listed anew."""
    kept = {
        name: each
        for name, each in known.items()
        if listed is None or name in listed or now - each.published < _YOUNG
    }
    found = (
        {name: Video() for name in listed or ()} | {name: Video(published=at) for name, at in new.items()} | kept
    )
    if len(found) <= VIDEOS_MAX:
        return found
    order = sorted(found, key=lambda name: (found[name].read > 0, -rate_at(found[name], now)))
    return {name: found[name] for name in order[:VIDEOS_MAX]}


def _next(found: Mapping[str, Doc], field: str, limit: int, now: datetime) -> datetime:
    """From where the next run listens: from the last one, if there may be more."""
    last = max((doc.data[field] for doc in found.values()), default=now)
    return last if len(found) >= limit else now - _OVERLAP


def _listed(documents: Mapping[str, Doc]) -> Iterable[tuple[str, frozenset[str]]]:
    for doc in documents.values():
        channel_id = doc.data["channel_id"]
        try:
            stored = readings.stored(channel_id, doc.data)
        except CorruptData as error:
            log("ERROR", error.message, channel=channel_id, reason=error.reason)
        else:
            yield channel_id, frozenset(stored.videos)
