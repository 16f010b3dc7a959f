"""What a notification says: an Atom feed with entries, or with deleted entries.

The feed has no event type. Whether a video is new is ours to know: an id that we have not seen is new. A feed
is untrusted XML: entities and document types are refused, and nothing outside it is ever read.
Source: RFC 4287 (Atom), RFC 6721 (deleted entries), YouTube's push notification guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.clock import parse_instant
from shared.errors import InvalidRequest

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

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


def parse(body: bytes) -> list[VideoNotice]:
    """The feed's notices, in its order. Raises InvalidRequest for anything that is not such a feed."""
    # XML is read only once a signature held, so a forged request does not even pay for the parser.
    from defusedxml import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

    try:
        feed = fromstring(body, forbid_dtd=True)
        entries = [_entry(element) for element in feed.iter(f"{_ATOM}entry")]
        return entries + [_tombstone(element) for element in feed.iter(f"{_TOMBSTONES}deleted-entry")]
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise InvalidRequest(
            f"The notification is not a YouTube feed ({type(error).__name__}).", reason="feedUnreadable"
        ) from error


def _entry(element: Element) -> VideoNotice:
    published = element.findtext(f"{_ATOM}published")
    return VideoNotice(
        video_id=_text(element, f"{_YOUTUBE}videoId"),
        channel_id=_text(element, f"{_YOUTUBE}channelId"),
        updated=parse_instant(_text(element, f"{_ATOM}updated")),
        title=element.findtext(f"{_ATOM}title"),
        published=parse_instant(published) if published else None,
    )


def _tombstone(element: Element) -> VideoNotice:
    by = element.find(f"{_TOMBSTONES}by")
    uri = "" if by is None else by.findtext(f"{_ATOM}uri") or ""
    return VideoNotice(
        video_id=element.get("ref", "").removeprefix("yt:video:"),
        channel_id=uri.rstrip("/").rsplit("/", 1)[-1],
        updated=parse_instant(element.get("when", "")),
        deleted=True,
    )


def _text(element: Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    if not text:
        raise ValueError(f"an entry without {path}")
    return text
