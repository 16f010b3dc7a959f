"""The Data API, typed: channels, videos, their counts, playlists, thumbnails.

A number that YouTube does not give is None, never 0. A video that is deleted, private or unknown is no error in a
listing: its id is absent from the answer, so listings say which ids were not found. A time or a count that cannot
be read is told, and None as well: what else is said of the item holds. Source: discovery document of youtube v3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, TypeVar

from shared.clock import parse_optional
from shared.errors import Forbidden, NotFound
from shared.monitoring.log import log
from shared.youtube import services
from shared.youtube.client import Caller
from shared.youtube.policy import rule

IDS_MAX = 50  # ids that one listing takes, for the price of one
_CHANNEL_PARTS = "snippet,contentDetails,statistics,status"
_VIDEO_PARTS = "snippet,contentDetails,statistics,status"

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel as YouTube describes it. country: ISO 3166-1 alpha-2. etag: another one when the answer is."""

    id: str
    etag: str
    title: str
    uploads_playlist: str | None
    country: str | None
    custom_url: str | None
    published_at: datetime | None
    thumbnail_url: str | None
    subscribers: int | None
    views: int | None
    video_count: int | None
    privacy: str | None
    made_for_kids: bool | None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """A video's public counts at one moment."""

    views: int | None
    likes: int | None
    comments: int | None


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video as YouTube describes it. resource: the answer itself, part by part, for read-merge-write.

    etag: another one when the answer is another.
    """

    id: str
    etag: str
    channel_id: str | None
    title: str | None
    published_at: datetime | None
    duration: str | None
    privacy: str | None
    upload_status: str | None
    failure_reason: str | None
    rejection_reason: str | None
    counts: Counts
    resource: Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """What a listing by id found, and the ids that it did not: deleted, private or never there."""

    videos: tuple[Video, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stats:
    """One entry of `batch_get_stats`."""

    id: str
    counts: Counts
    published_at: datetime | None
    duration: str | None


@dataclass(frozen=True, kw_only=True)
class PlaylistItem:
    """One video's place in a playlist."""

    id: str
    video_id: str
    title: str | None
    added_at: datetime | None
    published_at: datetime | None
    description: str | None


@dataclass(frozen=True, kw_only=True)
class Playlist:
    """One of the channel's own playlists."""

    id: str
    title: str
    created_at: datetime | None


@dataclass(frozen=True)
class Page:
    """One page of a playlist; next_page is None on the last."""

    items: tuple[PlaylistItem, ...]
    next_page: str | None


def my_channel(caller: Caller) -> Channel:
    """The channel that the grant is for. 1 unit.

    Raises Forbidden, reason youtubeSignupRequired, for a Google account that has no channel.
    """
    listing = services.data(caller.settings, "channels").list
    answer = caller.execute(listing(part=_CHANNEL_PARTS, mine=True, maxResults=1))
    items = answer.get("items") or ()
    if not items:
        none = rule("youtubeSignupRequired")
        raise Forbidden(none.says, reason=none.reason)
    return _channel(items[0])


def channels(caller: Caller, ids: Sequence[str]) -> tuple[Channel, ...]:
    """Up to 50 channels. 1 unit; ids that YouTube does not know are absent."""
    listing = services.data(caller.settings, "channels").list
    answer = caller.execute(listing(part=_CHANNEL_PARTS, id=_ids(ids), maxResults=IDS_MAX))
    return tuple(_channel(item) for item in answer.get("items") or ())


def video_counts(caller: Caller, ids: Sequence[str]) -> dict[str, int | None]:
    """How many videos up to 50 channels have, None where no number is told. 1 unit; unknown ids are absent."""
    listing = services.data(caller.settings, "channels").list
    answer = caller.execute(listing(part="id,statistics", id=_ids(ids), maxResults=IDS_MAX))
    return {
        str(item["id"]): _number(item, item.get("statistics", {}).get("videoCount"))
        for item in answer.get("items") or ()
    }


def videos(caller: Caller, ids: Sequence[str], *, parts: str = _VIDEO_PARTS) -> Listed:
    """Up to 50 videos, with the parts asked for. 1 unit."""
    listing = services.data(caller.settings, "videos").list
    answer = caller.execute(listing(part=parts, id=_ids(ids), maxResults=IDS_MAX))
    found = tuple(_video(item) for item in answer.get("items") or ())
    here = {video.id for video in found}
    return Listed(found, tuple(wanted for wanted in ids if wanted not in here))


def batch_get_stats(caller: Caller, ids: Sequence[str]) -> tuple[Stats, ...]:
    """The counts of up to 50 videos, for 1 unit of a bucket of their own.

    Not atomic by design: some ids can be missing from an answer and be there in the next.
    """
    method = services.data(caller.settings, "videos").batchGetStats
    answer = caller.execute(method(part="id,snippet,statistics,contentDetails", id=_ids(ids)))
    return tuple(_stats(item) for item in answer.get("items") or ())


def playlist_items(
    caller: Caller, playlist_id: str, *, page: str | None = None, video_id: str | None = None
) -> Page:
    """One page of up to 50 entries, newest first in an uploads playlist; of one video if asked. 1 unit a page."""
    listing = services.data(caller.settings, "playlistItems").list
    asked = {"pageToken": page} if page else {}
    if video_id:
        asked["videoId"] = video_id
    answer = caller.execute(
        listing(part="snippet,contentDetails", playlistId=playlist_id, maxResults=IDS_MAX, **asked)
    )
    items = tuple(_playlist_item(item) for item in answer.get("items") or ())
    return Page(items, answer.get("nextPageToken"))


def uploads(caller: Caller, playlist_id: str, *, page: str | None = None) -> Page:
    """One page of a channel's uploads, newest first. A channel without videos has no such list: an empty page."""
    try:
        return playlist_items(caller, playlist_id, page=page)
    except NotFound as error:
        if error.reason != "playlistNotFound":
            raise
        return Page((), None)


def my_playlists(caller: Caller) -> tuple[Playlist, ...]:
    """Every playlist that the channel made. 1 unit for each 50."""
    listing = services.data(caller.settings, "playlists").list
    items = caller.listing(listing, "items", part="snippet", mine=True, maxResults=IDS_MAX)
    return tuple(_playlist(item) for item in items)


def playlists_insert(caller: Caller, *, title: str, description: str = "", privacy: str = "private") -> str:
    """Create a playlist; its id. 50 units."""
    body = {"snippet": {"title": title, "description": description}, "status": {"privacyStatus": privacy}}
    method = services.data(caller.settings, "playlists").insert
    return str(caller.execute(method(part="snippet,status", body=body))["id"])


def playlist_items_insert(caller: Caller, *, playlist_id: str, video_id: str, position: int | None = None) -> str:
    """Add a video to a playlist; the entry's id. 50 units.

    Raises Conflict, reason videoAlreadyInPlaylist, where YouTube says so.
    """
    resource = {"kind": "youtube#video", "videoId": video_id}
    snippet: dict[str, Any] = {"playlistId": playlist_id, "resourceId": resource}
    if position is not None:
        snippet["position"] = position
    method = services.data(caller.settings, "playlistItems").insert
    return str(caller.execute(method(part="snippet", body={"snippet": snippet}))["id"])


def videos_update(caller: Caller, video_id: str, parts: Mapping[str, Mapping[str, Any]]) -> Video:
    """Replace whole parts of a video's description. 50 units.

    YouTube empties every writable field of a part that is not sent: read and merge first.
    """
    method = services.data(caller.settings, "videos").update
    answer = caller.execute(method(part=",".join(sorted(parts)), body={"id": video_id, **parts}))
    return _video(answer)


def videos_delete(caller: Caller, video_id: str) -> None:
    """Delete a video for good. 50 units. Raises NotFound for one that YouTube does not find."""
    caller.execute(services.data(caller.settings, "videos").delete(id=video_id))


def thumbnails_set(caller: Caller, *, video_id: str, image: bytes, content_type: str) -> None:
    """Set a video's thumbnail: JPEG or PNG, at most 50 MB. 50 units."""
    from googleapiclient.http import MediaIoBaseUpload

    media = MediaIoBaseUpload(BytesIO(image), mimetype=content_type, resumable=False)
    method = services.data(caller.settings, "thumbnails").set
    caller.execute(method(videoId=video_id, media_body=media))


def _ids(ids: Sequence[str]) -> str:
    if not 0 < len(ids) <= IDS_MAX:
        raise ValueError(f"a listing takes 1 to {IDS_MAX} ids, not {len(ids)}")
    return ",".join(ids)


def _channel(item: Mapping[str, Any]) -> Channel:
    snippet, statistics = item.get("snippet", {}), item.get("statistics", {})
    status = item.get("status", {})
    playlists = item.get("contentDetails", {}).get("relatedPlaylists", {})
    hidden = bool(statistics.get("hiddenSubscriberCount"))
    return Channel(
        id=str(item["id"]),
        etag=str(item.get("etag", "")),
        title=str(snippet.get("title", "")),
        uploads_playlist=playlists.get("uploads") or None,
        country=snippet.get("country"),
        custom_url=snippet.get("customUrl"),
        published_at=_time(item, snippet.get("publishedAt")),
        thumbnail_url=snippet.get("thumbnails", {}).get("default", {}).get("url"),
        subscribers=None if hidden else _number(item, statistics.get("subscriberCount")),
        views=_number(item, statistics.get("viewCount")),
        video_count=_number(item, statistics.get("videoCount")),
        privacy=status.get("privacyStatus"),
        made_for_kids=status.get("madeForKids"),
    )


def _video(item: Mapping[str, Any]) -> Video:
    snippet, status = item.get("snippet", {}), item.get("status", {})
    return Video(
        id=str(item["id"]),
        etag=str(item.get("etag", "")),
        channel_id=snippet.get("channelId"),
        title=snippet.get("title"),
        published_at=_time(item, snippet.get("publishedAt")),
        duration=item.get("contentDetails", {}).get("duration"),
        privacy=status.get("privacyStatus"),
        upload_status=status.get("uploadStatus"),
        failure_reason=status.get("failureReason"),
        rejection_reason=status.get("rejectionReason"),
        counts=_counts(item),
        resource=item,
    )


def _stats(item: Mapping[str, Any]) -> Stats:
    return Stats(
        id=str(item["id"]),
        counts=_counts(item),
        published_at=_time(item, item.get("snippet", {}).get("publishTime")),
        duration=item.get("contentDetails", {}).get("duration"),
    )


def _playlist_item(item: Mapping[str, Any]) -> PlaylistItem:
    snippet, details = item.get("snippet", {}), item.get("contentDetails", {})
    return PlaylistItem(
        id=str(item["id"]),
        video_id=str(details.get("videoId") or snippet.get("resourceId", {}).get("videoId", "")),
        title=snippet.get("title"),
        added_at=_time(item, snippet.get("publishedAt")),
        published_at=_time(item, details.get("videoPublishedAt")),
        description=snippet.get("description"),
    )


def _playlist(item: Mapping[str, Any]) -> Playlist:
    snippet = item.get("snippet", {})
    return Playlist(
        id=str(item["id"]),
        title=str(snippet.get("title", "")),
        created_at=_time(item, snippet.get("publishedAt")),
    )


def _counts(item: Mapping[str, Any]) -> Counts:
    statistics = item.get("statistics", {})
    return Counts(
        views=_number(item, statistics.get("viewCount")),
        likes=_number(item, statistics.get("likeCount")),
        comments=_number(item, statistics.get("commentCount")),
    )


def _time(item: Mapping[str, Any], text: object) -> datetime | None:
    return _told(item, parse_optional, text)


def _number(item: Mapping[str, Any], text: object) -> int | None:
    return _told(item, int, text) if isinstance(text, str | int) else None


def _told(item: Mapping[str, Any], read: Callable[[Any], Value], text: object) -> Value | None:
    """A value as YouTube wrote it; None for one that cannot be read."""
    try:
        return read(text)
    except (ValueError, OverflowError):
        said, about = str(text)[:40], str(item.get("id"))
        log("ERROR", "YouTube answered what cannot be read", about=about, said=said, reason="unreadableAnswer")
        return None
