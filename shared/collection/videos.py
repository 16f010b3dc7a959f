"""Keeps the videos that we know of as push notifications tell of them.

    videos/<video>    channel_id, title, published, updated, heard_at, expires_at, state: new | updated | deleted;
                      details_at while YouTube is to be asked about it, and then what it said (`details`)

A notification has no event type: a video that we did not know is new. Notifications arrive more than once and out
of order; the one with the latest `updated` counts, so each may be repeated without harm. What it said is kept for
28 days at most, and of a video that is deleted not at all: by then its channel's videos were read (`metadata`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.cloud import steps
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, update
from shared.data_map import VIDEOS
from shared.push.feed import VideoNotice

COLLECTION = VIDEOS.path
DETAILS_AT = "details_at"


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


def record(client: Client, notice: VideoNotice, now: datetime) -> Change:
    """Fold one notice into its video. Safe to repeat and to run twice at once."""
    path = f"{COLLECTION}/{notice.video_id}"

    def decide(docs: steps.Docs) -> steps.Change[Change]:
        known = docs[path]
        found = change(notice, None if known is None else known.data["updated"])
        gone = ("title", "published", "details", DETAILS_AT) if notice.deleted else ()
        writes = [] if found is Change.NOTHING else [steps.Write(path, _fields(notice, found, now), remove=gone)]
        return steps.Change(found, writes)

    return update(client, [path], decide)


def forget(client: Client, video_id: str) -> None:
    """Delete a video of a channel that is gone."""
    client.collection(COLLECTION).document(video_id).delete(**call_options())


def _fields(notice: VideoNotice, found: Change, now: datetime) -> dict[str, Any]:
    fields = {
        "channel_id": notice.channel_id,
        "updated": notice.updated,
        "heard_at": now,
        "state": found.value,
        "expires_at": VIDEOS.expiry(notice.updated),
    }
    if notice.deleted:
        return fields
    return {**fields, "title": notice.title, "published": notice.published, DETAILS_AT: now}
