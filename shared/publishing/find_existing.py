"""Makes once what YouTube makes again whenever it is asked, and finds what a call made whose answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from shared import ids
from shared.errors import NotFound, YtempireError
from shared.paging import groups
from shared.publishing.attempt import Attempt, Postponed
from shared.publishing.plan import PLAYLIST, TRANSFER
from shared.youtube import data
from shared.youtube.data import PlaylistItem, Video
from shared.youtube.faults import may_be_done

SKEW = timedelta(minutes=10)  # clocks differ, and YouTube dates by its own
LISTED_WITHIN = timedelta(minutes=2)  # YouTube lists what it has made within seconds, mostly
_PAGES = 4
_PARTS = "snippet,status,fileDetails"


def existing_video(attempt: Attempt) -> str | None:
    """The id of the video that an upload of this operation has made, None when there is none.

    Looks through what the channel got since the upload began. Where YouTube shows the file's name, which is the
    id of the operation that sent it, that decides, whoever has changed the video since; otherwise title and size
    must agree, and no other operation may have made it.
    """
    begun: datetime | None = attempt.operation.upload.get("begun_at")
    playlist = data.my_channel(attempt.caller).uploads_playlist
    if begun is None or playlist is None:
        return None
    title = attempt.work("upload")["parts"]["snippet"]["title"]
    recent = (item.video_id for item in _since(attempt, playlist, begun - SKEW))
    for some in groups(recent, data.IDS_MAX):
        for video in data.videos(attempt.caller, some, parts=_PARTS).videos:
            if _is_ours(attempt, video, title):
                return video.id
    return None


def existing_playlist(attempt: Attempt, title: str, begun: datetime) -> str | None:
    """The id of a playlist of this title that appeared since `begun` and that no other operation has made."""
    for playlist in data.my_playlists(attempt.caller):
        fresh = playlist.created_at is not None and playlist.created_at >= begun - SKEW
        if not fresh or playlist.title != title:
            continue
        if not _made_by_another(attempt, PLAYLIST, "playlist_id", playlist.id):
            return playlist.id
    return None


def _since(attempt: Attempt, playlist: str, instant: datetime) -> Iterator[PlaylistItem]:
    page: str | None = None
    for _ in range(_PAGES):
        listed = data.uploads(attempt.caller, playlist, page=page)
        yield from (item for item in listed.items if item.added_at is None or item.added_at >= instant)
        if (page := listed.next_page) is None:
            return


def _is_ours(attempt: Attempt, video: Video, title: str) -> bool:
    file = video.resource.get("fileDetails", {})
    if ids.OPERATION.matches(name := file.get("fileName")):
        return name == attempt.operation.id  # another's file may have the same title and size
    size = file.get("fileSize")
    if video.title != title or size not in {None, str(attempt.operation.upload["size"])}:
        return False
    return not _made_by_another(attempt, TRANSFER, "video_id", video.id)


def _made_by_another(attempt: Attempt, step: str, name: str, found: str) -> bool:
    """Whether another operation's step made it. One that only changes it has it among its results too."""
    others = attempt.operations.with_result(name, found)
    return any(other.id != attempt.operation.id and step in other.steps for other in others)


def once(attempt: Attempt, name: str, look: Callable[[datetime], str | None], make: Callable[[], str]) -> str:
    """Make what YouTube would make twice if it were asked twice; its id.

    The record says that the call is made before it is sent. Where its answer is not known, what it may have made
    is looked for twice, some time apart, because YouTube may not list at once what it has just made.
    """
    begun_at, missing_since = f"{name}_begun_at", f"{name}_missing_since"

    def note(**marks: datetime | None) -> None:
        attempt.save(results={**attempt.operation.results, **marks})

    now, marks = attempt.clock(), attempt.operation.results
    begun: datetime | None = marks.get(begun_at)
    if begun is not None:
        if found := look(begun):
            return found
        since = marks.get(missing_since) or now
        if now < since + LISTED_WITHIN:
            note(**{missing_since: since})
            message = "YouTube's answer was lost; what it may have made is looked for before it is asked again."
            raise Postponed(since + LISTED_WITHIN, "answerLost", message)
    note(**{begun_at: begun or now, missing_since: None})
    try:
        return make()
    except YtempireError as error:
        # What is said to be missing may be found, and used, all the same: YouTube denies what is new.
        if begun is None and not may_be_done(error) and not isinstance(error, NotFound):
            note(**{begun_at: None})
        raise
