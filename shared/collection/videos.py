"""What push notifications change: which videos we know of, and their last known state.

    videos/<video>    channel_id, title, published, updated, state: new | updated | deleted

A notification has no event type: a video that we did not know is new. Notifications arrive more than once and out
of order; the one with the latest `updated` counts, so each may be repeated without harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.clock import format_instant, parse_instant
from shared.cloud import pubsub
from shared.cloud.firestore import committed, patience, put
from shared.data_map import VIDEOS
from shared.push.feed import VideoNotice

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = VIDEOS.path
KIND = "videos"
"""The kind of message that brings notices to `ingest`."""


class Change(StrEnum):
    """What a notice means for a video."""

    NEW = "new"
    UPDATED = "updated"
    DELETED = "deleted"
    NOTHING = "nothing"


def change(notice: VideoNotice, known_updated: datetime | None) -> Change:
    """What a notice changes, given when the video was last known to change (None: never heard of it)."""
    if known_updated is not None and notice.updated <= known_updated:
        return Change.NOTHING
    if notice.deleted:
        return Change.DELETED
    return Change.NEW if known_updated is None else Change.UPDATED


def record(client: Client, notice: VideoNotice) -> Change:
    """Fold one notice into its video. Safe to repeat and to run twice at once."""
    reference = client.collection(COLLECTION).document(notice.video_id)
    while True:
        snapshot = reference.get(**patience())
        found = change(notice, snapshot.get("updated") if snapshot.exists else None)
        if found is Change.NOTHING:
            return found
        batch = client.batch()
        put(batch, snapshot, _fields(notice, found))
        if committed(batch):
            return found


def forget(client: Client, video_id: str) -> None:
    """Delete a video of a channel that is gone."""
    client.collection(COLLECTION).document(video_id).delete(**patience())


def _fields(notice: VideoNotice, found: Change) -> dict[str, Any]:
    fields = {"channel_id": notice.channel_id, "updated": notice.updated, "state": found.value}
    if notice.deleted:
        return fields
    return {**fields, "title": notice.title, "published": notice.published}


def hand_over(notices: Sequence[VideoNotice]) -> None:
    """Give notices to `ingest`, durably."""
    if notices:
        pubsub.publish(pubsub.INGEST_TOPIC, json.dumps(message(notices)).encode(), {"kind": KIND})


def message(notices: Sequence[VideoNotice]) -> dict[str, Any]:
    """Notices as a message for `ingest`."""
    return {
        "videos": [
            {
                "video_id": notice.video_id,
                "channel_id": notice.channel_id,
                "updated": format_instant(notice.updated),
                "deleted": notice.deleted,
                "title": notice.title,
                "published": None if notice.published is None else format_instant(notice.published),
            }
            for notice in notices
        ]
    }


def notices_from(message: Mapping[str, Any]) -> list[VideoNotice]:
    """The notices of a message. Raises KeyError, TypeError or ValueError for one that we did not write."""
    return [
        VideoNotice(
            video_id=entry["video_id"],
            channel_id=entry["channel_id"],
            updated=parse_instant(entry["updated"]),
            deleted=bool(entry["deleted"]),
            title=entry["title"],
            published=parse_instant(entry["published"]) if entry["published"] else None,
        )
        for entry in message["videos"]
    ]
