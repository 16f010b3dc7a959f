"""What a notification says: an Atom feed with entries, or with deleted entries.

The feed has no event type. Whether a video is new is ours to know: an id that we have not seen is new. A feed
is untrusted XML: entities and document types are refused, and nothing outside it is ever read. One entry that
cannot be read is left out, and the others count.
Source: RFC 4287 (Atom), RFC 6721 (deleted entries), YouTube's push notification guide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from shared import ids
from shared.clock import parse_instant
from shared.errors import InvalidRequest

MAX_BYTES = 64 * 1024  # YouTube's feeds carry one entry, under 2 KiB

_ATOM = "{http://www.w3.org/2005/Atom}"
_YOUTUBE = "{http://www.youtube.com/xml/schemas/2015}"
_TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"


@dataclass(frozen=True, kw_only=True)
class VideoNotice:
    """One video that appeared, changed or went. `updated` orders and deduplicates; instants are UTC."""

    video_id: str
    channel_id: str
    updated: datetime
    deleted: bool = False
    title: str | None = None
    published: datetime | None = None


@dataclass(frozen=True)
class Feed:
    """What a feed says. unreadable: how many of its entries cannot be read."""

    notices: tuple[VideoNotice, ...]
    unreadable: int = 0


class _NoDocumentType(TreeBuilder):
    """Refuses what defines entities, at its first word."""

    def doctype(self, *_: object) -> None:
        raise ValueError("it has a document type")


def parse(body: bytes, channel_id: str) -> Feed:
    """The feed's notices, entries before deletions. channel_id: the channel of an entry that names none.

    Raises InvalidRequest for anything that is not such a feed, and for one of which no entry can be read.
    """
    parser = XMLParser(target=_NoDocumentType())  # noqa: S314 - what is dangerous in XML needs a document type
    try:
        parser.feed(body)
        root = parser.close()
    except (ParseError, ValueError, LookupError) as error:  # LookupError: its encoding
        raise _unreadable(type(error).__name__) from error
    found = [
        _or_none(read, element, channel_id)
        for tag, read in ((f"{_ATOM}entry", _entry), (f"{_TOMBSTONES}deleted-entry", _tombstone))
        for element in root.iter(tag)
    ]
    notices = tuple(notice for notice in found if notice is not None)
    if found and not notices:
        raise _unreadable("none of its entries can be read")
    return Feed(notices, len(found) - len(notices))


def _unreadable(why: str) -> InvalidRequest:
    return InvalidRequest(f"The notification is not a YouTube feed ({why}).", reason="feedUnreadable")


def _or_none(read: Callable[[Element, str], VideoNotice], element: Element, channel_id: str) -> VideoNotice | None:
    """What an element says; None when it has no usable id or time."""
    try:
        notice = read(element, channel_id)
    except ValueError:
        return None
    # Its id is going to name a document.
    return notice if ids.VIDEO.matches(notice.video_id) else None


def _entry(element: Element, channel_id: str) -> VideoNotice:
    published = _text(element, f"{_ATOM}published")
    return VideoNotice(
        video_id=_text(element, f"{_YOUTUBE}videoId"),
        channel_id=_text(element, f"{_YOUTUBE}channelId") or channel_id,
        updated=parse_instant(_text(element, f"{_ATOM}updated")),
        title=element.findtext(f"{_ATOM}title"),
        published=parse_instant(published) if published else None,
    )


def _tombstone(element: Element, channel_id: str) -> VideoNotice:
    # Who deleted it is optional (RFC 6721, 3.3).
    uri = _text(element, f"{_TOMBSTONES}by/{_ATOM}uri")
    return VideoNotice(
        video_id=element.get("ref", "").strip().removeprefix("yt:video:"),
        channel_id=uri.rstrip("/").rsplit("/", 1)[-1] or channel_id,
        updated=parse_instant(element.get("when", "").strip()),
        deleted=True,
    )


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
