"""Asks YouTube about videos that a notification told of: what came within a moment, 50 in a call of one unit.

Any grant may ask about public videos, so a call takes those of all channels. What is not found is looked for
again, for an hour: it may be processed still, or private.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.cloud.calls import call_options
from shared.cloud.firestore import DocumentSnapshot, Store, where
from shared.cloud.steps import Commit, Write, only
from shared.collection.messages import ToIngestAt
from shared.collection.refusals import Reader
from shared.collection.videos import COLLECTION, DETAILS_AT
from shared.paging import groups
from shared.quota.blocks import Block
from shared.quota.profile import Priority
from shared.youtube import data
from shared.youtube.durations import seconds_of

KIND = "details"
_MOMENT = 2  # seconds
_AGAIN, _GIVEN_UP = timedelta(minutes=10), timedelta(hours=1)
_MOST = 500  # of one message
_LIST = "youtube.videos.list"


def ask_soon(to_ingest_at: ToIngestAt, after: datetime) -> None:
    """Have what waits asked about when the moment that comes after an instant has passed: all ask for one task."""
    at = datetime.fromtimestamp((int(after.timestamp()) // _MOMENT + 1) * _MOMENT, UTC)
    to_ingest_at(KIND, {"at": at.isoformat()}, at)


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
    listed = reader.by_any(
        dict.fromkeys(each.get("channel_id") for each in some),
        block,
        lambda caller: data.videos(caller.of_feature("push"), [each.id for each in some]),
        "videos could not be asked about",
    )
    if listed is None:
        return True
    found, writes = {video.id: video for video in listed.videos}, list[Write]()
    for each in some:
        video, fields = found.get(each.id), dict[str, Any]()
        if video is not None and video.channel_id == each.get("channel_id"):
            fields["details"] = _said(video, now)
        elif now - each.get("updated") < _GIVEN_UP:
            fields[DETAILS_AT] = now + _AGAIN
        done = () if DETAILS_AT in fields else (DETAILS_AT,)
        writes.append(Write(each.reference.path, fields, remove=done, only_if=each.update_time))
    store = Store(reader.client)
    if store.run(only(Commit(tuple(writes)))) is None:  # one has changed meanwhile, and waits on
        for write in writes:
            store.run(only(Commit((write,))))
    return len(found) < len(some)


def _said(video: data.Video, now: datetime) -> dict[str, Any]:
    about = {"as_of": now, "privacy": video.privacy, "published": video.published_at}
    return {**about, "duration_seconds": seconds_of(video.duration) or None, **vars(video.counts)}
