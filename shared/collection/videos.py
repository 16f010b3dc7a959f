"""Keeps the videos that we know of as push notifications tell of them.

    videos/<video>    channel_id, title, published, updated, heard_at, expires_at, state: new | updated | deleted;
                      details_at while YouTube is to be asked about it, and then what it said

A notification has no event type: a video that we did not know is new. The one with the latest `updated` counts, so
each may come again, and late. What it said is kept for 28 days at most, and of a video that is deleted not at all.

YouTube is asked a moment later, about all that came within that moment; any grant may ask about public videos.
What is not found is looked for again, for an hour: it may be processed still, or private.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.cloud import steps
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, DocumentSnapshot, Store, update, where
from shared.cloud.steps import Commit, Write, only
from shared.collection.messages import ToIngestAt
from shared.collection.refusals import Reader
from shared.data_map import VIDEOS
from shared.errors import YtempireError
from shared.monitoring.log import log
from shared.paging import groups
from shared.push.feed import VideoNotice
from shared.quota.blocks import Block
from shared.quota.profile import Priority
from shared.youtube import data
from shared.youtube.durations import seconds_of

DETAILS = "details"
_MOMENT = 2  # seconds
_AGAIN, _GIVEN_UP = timedelta(minutes=10), timedelta(hours=1)
_MOST = 500  # of one message
_CALLERS = 3  # channels whose grants are tried for one call
_LIST = "youtube.videos.list"
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
        }
        fields["expires_at"] = VIDEOS.expiry(notice.updated)
        if not notice.deleted:
            fields |= {"title": notice.title, "published": notice.published, DETAILS_AT: now}
        gone = ("title", "published", "details", DETAILS_AT) if notice.deleted else ()
        write = steps.Write(path, fields, remove=gone)
        return steps.Change(found, () if found is Change.NOTHING else (write,))

    return update(client, [path], decide)


def forget(client: Client, video_id: str) -> None:
    """Delete a video of a channel that is gone."""
    client.collection(COLLECTION).document(video_id).delete(**call_options())


def ask_soon(to_ingest_at: ToIngestAt, after: datetime) -> None:
    """Have what waits asked about when the moment that comes after an instant has passed: all ask for one task."""
    at = datetime.fromtimestamp((int(after.timestamp()) // _MOMENT + 1) * _MOMENT, UTC)
    to_ingest_at(DETAILS, {"at": at.isoformat()}, at)


def ask(reader: Reader, to_ingest_at: ToIngestAt) -> None:
    """Ask about what waits. What cannot be answered now waits on; its task is asked for before this ends."""
    now = reader.clock()
    waiting = where(reader.client.collection(COLLECTION), (DETAILS_AT, "<=", now))
    due = list(waiting.order_by(DETAILS_AT).limit(_MOST).stream(**call_options()))
    calls = list(groups(due, data.IDS_MAX))
    with reader.paying(_LIST, len(calls), Priority.PROMPT) as block:
        wait_on = [_about(reader, block, some, now) for some in calls]
    if len(due) == _MOST:
        ask_soon(to_ingest_at, now)
    elif any(wait_on):
        ask_soon(to_ingest_at, now + _AGAIN)


def _about(reader: Reader, block: Block, some: Sequence[DocumentSnapshot[Any]], now: datetime) -> bool:
    """Ask about up to 50, and note the answers; whether something waits on."""
    listed = _asked(reader, block, some)
    if listed is None:
        return True
    found, writes = {video.id: video for video in listed.videos}, list[Write]()
    for each in some:
        video, at = found.get(each.id), {"only_if": each.update_time}
        if video is not None and video.channel_id == each.get("channel_id"):
            said = {"details": _said(video, now)}
            writes.append(Write(each.reference.path, said, remove=(DETAILS_AT,), **at))
        elif now - each.get("updated") < _GIVEN_UP:
            writes.append(Write(each.reference.path, {DETAILS_AT: now + _AGAIN}, **at))
        else:
            writes.append(Write(each.reference.path, remove=(DETAILS_AT,), **at))
    store = Store(reader.client)
    if store.run(only(Commit(tuple(writes)))) is None:  # one has changed meanwhile, and waits on
        for write in writes:
            store.run(only(Commit((write,))))
    return len(found) < len(some)


def _asked(reader: Reader, block: Block, some: Sequence[DocumentSnapshot[Any]]) -> data.Listed | None:
    """YouTube's answer by the first grant that works; None when none of a few does."""
    for name in list(dict.fromkeys(each.get("channel_id") for each in some))[:_CALLERS]:
        try:
            return data.videos(reader.caller_for(name, block).of_feature("push"), [each.id for each in some])
        except YtempireError as error:
            log("WARNING", "videos could not be asked about", channel=name, reason=error.reason)
    return None


def _said(video: data.Video, now: datetime) -> dict[str, Any]:
    about = {"as_of": now, "privacy": video.privacy, "published": video.published_at}
    return {**about, "duration_seconds": seconds_of(video.duration) or None, **vars(video.counts)}
