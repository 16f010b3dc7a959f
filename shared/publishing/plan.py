"""From what was asked for to steps, and from steps to the calls that they take. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shared.publishing.requests import Request
from shared.quota.profile import Priority

TRANSFER, PROCESSING, THUMBNAIL = "transfer", "processing", "thumbnail"
UPDATE, PLAYLIST, PLAYLIST_ITEM = "update", "playlist", "playlist_item"

CALLS: Mapping[str, tuple[str, ...]] = {
    TRANSFER: ("youtube.videos.insert",),
    PROCESSING: ("youtube.videos.list",) * 3,  # a video is usually ready at the second or third look
    THUMBNAIL: ("youtube.thumbnails.set",),
    UPDATE: ("youtube.videos.list", "youtube.videos.update"),
    PLAYLIST: ("youtube.playlists.insert",),
    PLAYLIST_ITEM: ("youtube.playlistItems.insert",),
}
"""What a step calls when nothing goes wrong."""


def priority(*, critical: bool) -> Priority:
    """Of every call of an operation, and so of every quote for one.

    Somebody waits for it, so it goes on when reads are put off. But it leaves other users their shares, unless the
    profile gives a method more.
    """
    return Priority.CRITICAL if critical else Priority.PROMPT


def steps(request: Request) -> tuple[str, ...]:
    """What is done, in order. Processing comes last: nothing else has to wait for it."""
    if request.kind == "upload":
        return (TRANSFER, PROCESSING)
    if request.kind != "release":
        return (request.kind,)
    found = [TRANSFER]
    if "thumbnail" in request.work:
        found.append(THUMBNAIL)
    if "playlist" in request.work:
        found.append(PLAYLIST)
    if "playlist" in request.work or "playlist_id" in request.work:
        found.append(PLAYLIST_ITEM)
    return (*found, PROCESSING)


def calls(planned: tuple[str, ...]) -> Mapping[str, int]:
    """How often each method is called by steps that go well."""
    return Counter(method for step in planned for method in CALLS[step])
