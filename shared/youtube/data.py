"""The Data API, typed: channels, videos, their counts, playlists, thumbnails, captions.

A number that YouTube does not give is None, never 0. A video that is deleted, private or unknown is no error in a
listing: its id is absent from the answer, so listings say which ids were not found. A time or a count that cannot
be read is told, and None as well: what else is said of the item holds. Source: discovery document of youtube v3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any

from shared.clock import parse_optional
from shared.errors import Forbidden, NotFound
from shared.youtube.client import Caller
from shared.youtube.items import item_of, items_of, needed, number, said
from shared.youtube.policy import rule

IDS_MAX = 50  # ids that one listing takes, for the price of one
_PARTS = "snippet,contentDetails,statistics,status"  # of a channel or a video


def _subscribers(statistics: Mapping[str, Any]) -> int | None:
    return None if statistics.get("hiddenSubscriberCount") else number(statistics.get("subscriberCount"))


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel as YouTube describes it. etag: another one when the answer is."""

    id: str = needed("id")
    etag: str = said("etag", default="")
    title: str = said("snippet.title", default="")
    uploads_playlist: str | None = said("contentDetails.relatedPlaylists.uploads", lambda name: name or None)
    published_at: datetime | None = said("snippet.publishedAt", parse_optional)
    subscribers: int | None = said("statistics", _subscribers)
    views: int | None = said("statistics.viewCount", number)
    video_count: int | None = said("statistics.videoCount", number)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """A video's public counts at one moment."""

    views: int | None = said("statistics.viewCount", number)
    likes: int | None = said("statistics.likeCount", number)
    comments: int | None = said("statistics.commentCount", number)


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video as YouTube describes it. resource: the answer itself, part by part, for read-merge-write.

    etag: another one when the answer is another.
    """

    id: str = needed("id")
    etag: str = said("etag", default="")
    channel_id: str | None = said("snippet.channelId")
    title: str | None = said("snippet.title")
    published_at: datetime | None = said("snippet.publishedAt", parse_optional)
    duration: str | None = said("contentDetails.duration")
    privacy: str | None = said("status.privacyStatus")
    upload_status: str | None = said("status.uploadStatus")
    failure_reason: str | None = said("status.failureReason")
    rejection_reason: str | None = said("status.rejectionReason")
    counts: Counts = said("", partial(item_of, Counts))
    resource: Mapping[str, Any] = said("")


@dataclass(frozen=True)
class Listed:
    """What a listing by id found, and the ids that it did not: deleted, private or never there."""

    videos: tuple[Video, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stats:
    """One entry of `batch_get_stats`."""

    id: str = needed("id")
    counts: Counts = said("", partial(item_of, Counts))
    published_at: datetime | None = said("snippet.publishTime", parse_optional)
    duration: str | None = said("contentDetails.duration")


def _video_id(item: Mapping[str, Any]) -> str:
    snippet, details = item.get("snippet", {}), item.get("contentDetails", {})
    return str(details.get("videoId") or snippet.get("resourceId", {}).get("videoId", ""))


@dataclass(frozen=True, kw_only=True)
class PlaylistItem:
    """One video's place in a playlist."""

    id: str = needed("id")
    video_id: str = said("", _video_id)
    title: str | None = said("snippet.title")
    added_at: datetime | None = said("snippet.publishedAt", parse_optional)
    published_at: datetime | None = said("contentDetails.videoPublishedAt", parse_optional)
    description: str | None = said("snippet.description")


@dataclass(frozen=True, kw_only=True)
class Playlist:
    """One of the channel's own playlists."""

    id: str = needed("id")
    title: str = said("snippet.title", default="")
    created_at: datetime | None = said("snippet.publishedAt", parse_optional)


@dataclass(frozen=True, kw_only=True)
class Track:
    """A video's captions in one language. kind: standard, ASR (made by YouTube itself) or forced."""

    id: str = needed("id")
    language: str = said("snippet.language", default="")
    name: str = said("snippet.name", default="")
    kind: str = said("snippet.trackKind", default="")


@dataclass(frozen=True)
class Page:
    """One page of a playlist; next_page is None on the last."""

    items: tuple[PlaylistItem, ...]
    next_page: str | None


def my_channel(caller: Caller) -> Channel:
    """The channel that the grant is for. 1 unit.

    Raises Forbidden, reason youtubeSignupRequired, for a Google account that has no channel.
    """
    found = items_of(Channel, caller.call("youtube.channels.list", part=_PARTS, mine=True, maxResults=1))
    if not found:
        none = rule("youtubeSignupRequired")
        raise Forbidden(none.says, reason=none.reason)
    return found[0]


def video_counts(caller: Caller, ids: Sequence[str]) -> dict[str, int | None]:
    """How many videos up to 50 channels have, None where no number is told. 1 unit; unknown ids are absent."""
    answer = caller.call("youtube.channels.list", part="id,statistics", id=_ids(ids), maxResults=IDS_MAX)
    return {each.id: each.video_count for each in items_of(Channel, answer)}


def videos(caller: Caller, ids: Sequence[str], *, parts: str = _PARTS) -> Listed:
    """Up to 50 videos, with the parts asked for. 1 unit."""
    answer = caller.call("youtube.videos.list", part=parts, id=_ids(ids), maxResults=IDS_MAX)
    found = items_of(Video, answer)
    here = {video.id for video in found}
    return Listed(found, tuple(wanted for wanted in ids if wanted not in here))


def batch_get_stats(caller: Caller, ids: Sequence[str]) -> tuple[Stats, ...]:
    """The counts of up to 50 videos, for 1 unit of a bucket of their own.

    Not atomic by design: some ids can be missing from an answer and be there in the next.
    """
    part = "id,snippet,statistics,contentDetails"
    return items_of(Stats, caller.call("youtube.videos.batchGetStats", part=part, id=_ids(ids)))


def playlist_items(
    caller: Caller, playlist_id: str, *, page: str | None = None, video_id: str | None = None
) -> Page:
    """One page of up to 50 entries, newest first in an uploads playlist; of one video if asked. 1 unit a page."""
    asked = {"playlistId": playlist_id, "pageToken": page, "videoId": video_id}
    asked = {name: value for name, value in asked.items() if value}
    part = "snippet,contentDetails"
    answer = caller.call("youtube.playlistItems.list", part=part, maxResults=IDS_MAX, **asked)
    return Page(items_of(PlaylistItem, answer), answer.get("nextPageToken"))


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
    items = caller.listing("youtube.playlists.list", "items", part="snippet", mine=True, maxResults=IDS_MAX)
    return tuple(item_of(Playlist, item) for item in items)


def playlists_insert(caller: Caller, *, title: str, description: str = "", privacy: str = "private") -> str:
    """Create a playlist; its id. 50 units."""
    body = {"snippet": {"title": title, "description": description}, "status": {"privacyStatus": privacy}}
    return str(caller.call("youtube.playlists.insert", part="snippet,status", body=body)["id"])


def playlist_items_insert(caller: Caller, *, playlist_id: str, video_id: str) -> str:
    """Add a video to a playlist; the entry's id. 50 units.

    Raises Conflict, reason videoAlreadyInPlaylist, where YouTube says so.
    """
    resource = {"kind": "youtube#video", "videoId": video_id}
    body = {"snippet": {"playlistId": playlist_id, "resourceId": resource}}
    return str(caller.call("youtube.playlistItems.insert", part="snippet", body=body)["id"])


def videos_update(caller: Caller, video_id: str, parts: Mapping[str, Mapping[str, Any]]) -> Video:
    """Replace whole parts of a video's description. 50 units.

    YouTube empties every writable field of a part that is not sent: read and merge first.
    """
    body = {"id": video_id, **parts}
    return item_of(Video, caller.call("youtube.videos.update", part=",".join(sorted(parts)), body=body))


def videos_delete(caller: Caller, video_id: str) -> None:
    """Delete a video for good. 50 units. Raises NotFound for one that YouTube does not find."""
    caller.call("youtube.videos.delete", id=video_id)


def thumbnails_set(caller: Caller, *, video_id: str, image: bytes, content_type: str) -> None:
    """Set a video's thumbnail: JPEG or PNG, at most 50 MB. 50 units."""
    caller.call("youtube.thumbnails.set", videoId=video_id, media_body=_media(image, content_type))


# Only a grant with the scope youtube.force-ssl reaches captions.


def captions_list(caller: Caller, video_id: str) -> tuple[Track, ...]:
    """Every caption track of a video. 50 units. Raises NotFound for a video that YouTube does not find."""
    return items_of(Track, caller.call("youtube.captions.list", part="id,snippet", videoId=video_id))


def captions_insert(
    caller: Caller, *, video_id: str, language: str, name: str, draft: bool, content: bytes
) -> str:
    """Add a track; its id. 400 units. Raises Conflict, reason captionExists, for the second of one name."""
    snippet = {"videoId": video_id, "language": language, "name": name, "isDraft": draft}
    asked = {"part": "snippet", "body": {"snippet": snippet}, "media_body": _media(content)}
    return str(caller.call("youtube.captions.insert", **asked)["id"])


def captions_update(caller: Caller, track_id: str, *, draft: bool, content: bytes) -> None:
    """Replace a track's file. 450 units. Raises NotFound."""
    body = {"id": track_id, "snippet": {"isDraft": draft}}
    caller.call("youtube.captions.update", part="snippet", body=body, media_body=_media(content))


def captions_delete(caller: Caller, track_id: str) -> None:
    """Delete a track. 50 units. Raises NotFound."""
    caller.call("youtube.captions.delete", id=track_id)


def captions_probed(caller: Caller) -> None:
    """Ask for a comment of the channel: needs youtube.force-ssl as captions do, whose own listing is 50 units."""
    channel = caller.context.channel_id
    caller.call("youtube.commentThreads.list", part="id", allThreadsRelatedToChannelId=channel, maxResults=1)


def _media(content: bytes, content_type: str = "application/octet-stream") -> Any:
    from googleapiclient.http import MediaIoBaseUpload

    return MediaIoBaseUpload(BytesIO(content), mimetype=content_type, resumable=False)


def _ids(ids: Sequence[str]) -> str:
    if not 0 < len(ids) <= IDS_MAX:
        raise ValueError(f"a listing takes 1 to {IDS_MAX} ids, not {len(ids)}")
    return ",".join(ids)
