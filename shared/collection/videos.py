"""Keeps the videos that we know of as push notifications tell of them.

    videos/<video>    channel_id, title, published, updated, heard_at, expires_at, state: new | updated | deleted;
                      details_at while YouTube is to be asked about it, and then what it said (`details`)

A notification has no event type: a video that we did not know is new. The one with the latest `updated` counts, so
each may come again, and late. What it said is kept for 28 days at most, and of a video that is deleted not at all.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

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
    return Change.DELETED if notice.deleted else Change.UPDATED if known_updated else Change.NEW


def record(client: Client, notice: VideoNotice, now: datetime) -> Change:
    """Fold one notice into its video. Safe to repeat and to run twice at once."""
    path = f"{COLLECTION}/{notice.video_id}"

    def decide(docs: steps.Docs) -> steps.Change[Change]:
        known = docs[path]
        found = change(notice, None if known is None else known.data["updated"])
        fields = {
            "channel_id": notice.channel_id,
            "updated": notice.updated,
            "heard_at": now,
            "state": found.value,
            "expires_at": VIDEOS.expiry(notice.updated),
        }
        if not notice.deleted:
            fields |= {"title": notice.title, "published": notice.published, DETAILS_AT: now}
        gone = ("title", "published", "details", DETAILS_AT) if notice.deleted else ()
        write = steps.Write(path, fields, remove=gone)
        return steps.Change(found, () if found is Change.NOTHING else (write,))

    return update(client, [path], decide)


def forget(client: Client, video_id: str) -> None:
    client.collection(COLLECTION).document(video_id).delete(**call_options())
