"""The steps for playlists: make one, and put the video into one."""

from __future__ import annotations

from collections.abc import Mapping

from shared.errors import InvalidRequest
from shared.publishing import plan
from shared.publishing.attempt import Attempt, Done
from shared.publishing.find_existing import existing_entry, existing_playlist
from shared.publishing.once import once
from shared.publishing.video import known_video
from shared.youtube import data
from shared.youtube.faults import as_error, damaged


def playlist(attempt: Attempt) -> Done:
    """Create a playlist, unless an earlier try did."""
    work = attempt.work("playlist")
    playlist_id = once(
        attempt,
        "playlist",
        look=lambda begun: existing_playlist(attempt, title=work["title"], begun=begun),
        make=lambda: data.playlists_insert(
            attempt.sure(), title=work["title"], description=work["description"], privacy=work["privacy"]
        ),
    )
    return Done({"playlist_id": playlist_id}, "The playlist exists.")


def playlist_item(attempt: Attempt) -> Done:
    """Add the video to the playlist, unless it is in it."""
    number = plan.number(attempt.operation.current)
    suffix = f"_{number + 1}" if number else ""
    playlist_id = _playlist_of(attempt, attempt.operation.work["into"][number])
    video_id = known_video(attempt)
    entry_id = once(
        attempt,
        f"entry{suffix}",
        look=lambda _begun: existing_entry(attempt, playlist_id=playlist_id, video_id=video_id),
        make=lambda: data.playlist_items_insert(attempt.sure(), playlist_id=playlist_id, video_id=video_id),
    )
    return Done({f"playlist_item_id{suffix}": entry_id}, "The video is in the playlist.")


def _playlist_of(attempt: Attempt, into: Mapping[str, str]) -> str:
    """The playlist that the request names by id or title; the operation's own when it names none."""
    if "title" not in into:
        return str(into.get("id") or attempt.operation.results["playlist_id"])
    found = [one.id for one in data.my_playlists(attempt.caller) if one.title == into["title"]]
    if not found:
        raise as_error(damaged("playlistNotFound", detail="no playlist of this title"), clock=attempt.clock)
    if len(found) > 1:
        words = f"The channel has {len(found)} playlists with the title {into['title']!r}; name one by its id."
        raise InvalidRequest(words, reason="playlistAmbiguous")
    return found[0]
