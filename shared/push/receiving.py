"""Takes what the hub posts, and makes the message of it that `ingest` reads; needs no store and no client.

A module of its own, because a cold webhook that takes a notification loads nothing else of this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.clock import format_instant, parse_instant, parse_optional
from shared.monitoring.log import log
from shared.push import feed, verification
from shared.push.feed import VideoNotice

KIND = "videos"
"""The kind of message that brings notices to `ingest`."""


def receive(
    channel_id: str,
    secrets: Sequence[bytes],
    signature: str | None,
    body: bytes,
    *,
    count: Callable[[str], object],
) -> list[VideoNotice]:
    """The notices of a body that one of the secrets signed. Raises Forged (which is counted) or InvalidRequest.

    Notices about another channel than the subscription's are dropped and counted: the hub should never send
    them, and nobody else can. count: takes the name of a counter of the channel's.
    """
    try:
        verification.check_signature(signature, body, secrets)
    except verification.Forged:
        count("refused")
        raise
    found = feed.parse(body, channel_id)
    ours = [notice for notice in found.notices if notice.channel_id == channel_id]
    if found.unreadable:
        log("WARNING", "entries of a notification cannot be read", channel=channel_id, entries=found.unreadable)
    if len(ours) < len(found.notices):
        count("foreign")
    return ours


def message(notices: Sequence[VideoNotice], *, received: datetime | None = None) -> dict[str, Any]:
    """Notices as a message for `ingest`. received: when the hub brought them, None: they were looked up."""
    return {"videos": [_entry(notice) for notice in notices], "received": received and format_instant(received)}


def _entry(notice: VideoNotice) -> dict[str, Any]:
    published = None if notice.published is None else format_instant(notice.published)
    return {**vars(notice), "updated": format_instant(notice.updated), "published": published}


def notices_from(message: Mapping[str, Any]) -> tuple[list[VideoNotice], datetime | None]:
    """The notices of a message, and when the hub brought them.

    Raises KeyError, TypeError or ValueError for one that we did not write.
    """
    notices = []
    for entry in message["videos"]:
        times = {"updated": parse_instant(entry["updated"]), "published": parse_optional(entry["published"])}
        notices.append(VideoNotice(**{**entry, **times}))
    return notices, parse_optional(message.get("received"))
