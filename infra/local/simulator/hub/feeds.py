"""The Atom documents that YouTube's hub and public feed send, in their real and sometimes awkward form.

Timestamps of updates carry nanoseconds, which many date parsers refuse; a deletion names its channel only in the
author's address. Source: YouTube's push notification guide, and captured deliveries of deletions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

HUB = "https://pubsubhubbub.appspot.com"
SELF = "https://www.youtube.com/xml/feeds/videos.xml?channel_id="
TOPIC_PATHS = ("/xml/feeds/videos.xml", "/feeds/videos.xml")
_TOPIC_HOSTS = ("www.youtube.com", "youtube.com", "127.0.0.1", "localhost")
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Entry:
    """One video as a feed shows it. `updated` changes with title and description."""

    video_id: str
    channel_id: str
    channel_title: str
    title: str
    published: datetime
    updated: datetime


@dataclass(frozen=True)
class Deletion:
    """A video that is gone, or private, since `when`."""

    video_id: str
    channel_id: str
    channel_title: str
    when: datetime


def topic_channel(topic: str) -> str | None:
    """The channel that a topic is about; None if it is no topic of YouTube's.

    Both addresses that YouTube has documented count, and both schemes. The loopback host is the simulator itself.
    """
    try:
        parts = urlsplit(topic)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.hostname not in _TOPIC_HOSTS:
        return None
    if parts.path not in TOPIC_PATHS:
        return None
    channels = parse_qs(parts.query).get("channel_id", [])
    return channels[0] if len(channels) == 1 else None


def seconds(instant: datetime) -> str:
    """RFC 3339 with whole seconds and a numeric offset, as `published` has it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def nanoseconds(instant: datetime) -> str:
    """RFC 3339 with nine digits of fraction, as `updated` has it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000+00:00"


def notification(entry: Entry) -> bytes:
    """What the hub delivers for a new or changed video; the two look the same."""
    return _feed(entry.channel_id, "YouTube video feed", entry.updated, [entry])


def public_feed(channel_id: str, channel_title: str, entries: Sequence[Entry], now: datetime) -> bytes:
    """What anybody reads at the topic's address: the newest videos, newest first."""
    updated = max((entry.updated for entry in entries), default=now)
    return _feed(channel_id, channel_title, updated, entries)


def tombstone(deletion: Deletion) -> bytes:
    """What the hub delivers for a video that was deleted or made private."""
    channel = f"https://www.youtube.com/channel/{deletion.channel_id}"
    ref = quoteattr(f"yt:video:{deletion.video_id}")
    text = (
        f'{_XML}<feed xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom">'
        f"<at:deleted-entry ref={ref} when={quoteattr(seconds(deletion.when))}>\n"
        f" <link href={quoteattr('https://www.youtube.com/watch?v=' + deletion.video_id)}/>\n"
        f" <at:by>\n  <name>{escape(deletion.channel_title)}</name>\n  <uri>{escape(channel)}</uri>\n </at:by>\n"
        "</at:deleted-entry></feed>"
    )
    return text.encode()


def _feed(channel_id: str, title: str, updated: datetime, entries: Sequence[Entry]) -> bytes:
    head = (
        f'{_XML}<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">'
        f'<link rel="hub" href={quoteattr(HUB)}/><link rel="self" href={quoteattr(SELF + channel_id)}/>'
        f"<title>{escape(title)}</title><updated>{nanoseconds(updated)}</updated>\n"
    )
    return (head + "".join(_entry(entry) for entry in entries) + "</feed>\n").encode()


def _entry(entry: Entry) -> str:
    watch = f"http://www.youtube.com/watch?v={entry.video_id}"
    return (
        "<entry>\n"
        f"  <id>yt:video:{entry.video_id}</id>\n"
        f"  <yt:videoId>{entry.video_id}</yt:videoId>\n"
        f"  <yt:channelId>{entry.channel_id}</yt:channelId>\n"
        f"  <title>{escape(entry.title)}</title>\n"
        f'  <link rel="alternate" href={quoteattr(watch)}/>\n'
        f"  <author>\n   <name>{escape(entry.channel_title)}</name>\n"
        f"   <uri>http://www.youtube.com/channel/{entry.channel_id}</uri>\n  </author>\n"
        f"  <published>{seconds(entry.published)}</published>\n"
        f"  <updated>{nanoseconds(entry.updated)}</updated>\n"
        "</entry>\n"
    )
