"""What exists already is taken over, not made twice: videos, playlists and entries whose answer was lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from shared import ids
from shared.publishing.turn import Turn
from shared.youtube import data
from shared.youtube.data import PlaylistItem, Video

SKEW = timedelta(minutes=10)  # clocks differ, and YouTube dates by its own
LISTED_WITHIN = timedelta(minutes=2)  # YouTube lists what it has made within seconds, mostly
_PAGES = 4
_PARTS = "snippet,status,fileDetails"


def existing_video(turn: Turn, *, title: str) -> str | None:
    """The id of the video that an upload of this operation has made, None when there is none.

    Looks through what the channel got since the upload began. Where YouTube shows the file's name, which is the
    id of the operation that sent it, that decides; otherwise title and size must agree, and no other operation may
    have made it.
    """
    begun: datetime | None = turn.operation.upload.get("begun_at")
    playlist = data.my_channel(turn.caller).uploads_playlist
    if begun is None or playlist is None:
        return None
    recent = [item.video_id for item in _since(turn, playlist, begun - SKEW)]
    for start in range(0, len(recent), data.IDS_MAX):
        listed = data.videos(turn.caller, recent[start : start + data.IDS_MAX], parts=_PARTS)
        for video in listed.videos:
            if _is_ours(turn, video, title) and not _claimed(turn, "video_id", video.id):
                return video.id
    return None


def existing_playlist(turn: Turn, *, title: str, begun: datetime) -> str | None:
    """The id of a playlist of this title that appeared since `begun` and that no other operation has made."""
    for playlist in data.my_playlists(turn.caller):
        fresh = playlist.created_at is not None and playlist.created_at >= begun - SKEW
        if fresh and playlist.title == title and not _claimed(turn, "playlist_id", playlist.id):
            return playlist.id
    return None


def existing_entry(turn: Turn, *, playlist_id: str, video_id: str) -> str | None:
    """The id of a video's entry in a playlist."""
    page = data.playlist_items(turn.caller, playlist_id, video_id=video_id)
    return page.items[0].id if page.items else None


def _since(turn: Turn, playlist: str, instant: datetime) -> Iterator[PlaylistItem]:
    page: str | None = None
    for _ in range(_PAGES):
        listed = data.playlist_items(turn.caller, playlist, page=page)
        for item in listed.items:
            if item.added_at is None or item.added_at >= instant:
                yield item
        page = listed.next_page
        if page is None:
            return


def _is_ours(turn: Turn, video: Video, title: str) -> bool:
    file = video.resource.get("fileDetails", {})
    if ids.OPERATION.matches(name := file.get("fileName")):
        return name == turn.operation.id  # another's file may have the same title and size
    size = file.get("fileSize")
    return video.title == title and size in {None, str(turn.operation.upload["size"])}


def _claimed(turn: Turn, name: str, found: str) -> bool:
    return any(other.id != turn.operation.id for other in turn.operations.with_result(name, found))
