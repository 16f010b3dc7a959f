"""What each step does: to a video, its thumbnail, playlists and captions; and what YouTube then does by itself.

Each can be run again after any death: setting, updating and deleting are the same done twice, and what is made is
looked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from shared.clock import to_the_second
from shared.errors import InvalidRequest
from shared.publishing import media, plan
from shared.publishing.attempt import Attempt, Done, Postponed, existing_playlist, known_video, listed, once
from shared.publishing.plan import merged
from shared.publishing.requests import publish_at
from shared.publishing.retries import video_gone
from shared.publishing.sources import whole
from shared.publishing.transfer import transfer
from shared.youtube import data
from shared.youtube.data import Video
from shared.youtube.faults import as_error, damaged
from shared.youtube.policy import policy

FIRST_LOOK = timedelta(seconds=30)
LOOK_EVERY = timedelta(minutes=5)
PROCESSING_MAX = timedelta(hours=48)
PUBLISHED_WITHIN = timedelta(minutes=2)
PUBLICATION_MAX = timedelta(minutes=30)
_PROCESSING_PARTS = "status,processingDetails"


def processing(attempt: Attempt) -> Done:
    """Follow YouTube's processing to its end. Raises InvalidRequest with the reason in plain words."""
    now = attempt.clock()
    since = attempt.operation.results.get("processing_since")
    if since is None:
        began = {"results": {**attempt.operation.results, "processing_since": now}}
        raise Postponed(now + FIRST_LOOK, "processing", "YouTube processes the video.", began)
    video = listed(attempt, _PROCESSING_PARTS)
    _check_refused(attempt, video)
    status = video.resource.get("processingDetails", {}).get("processingStatus", "")
    if video.upload_status == "processed" or status == "succeeded":
        return Done({"upload_status": "processed"}, "YouTube has processed the video.")
    if status in {"failed", "terminated"}:
        raise as_error(damaged("processingFailure", detail=status), clock=attempt.clock)
    if now - since > PROCESSING_MAX:
        raise InvalidRequest("YouTube has not finished processing in two days.", reason="processingTooLong")
    wait = min(LOOK_EVERY, max(FIRST_LOOK, now - since))
    raise Postponed(now + wait, "processing", "YouTube processes the video.")


def publication(attempt: Attempt) -> Done:
    """Look once more after the time of publication: YouTube may have kept the video private."""
    at, now = publish_at(attempt.operation.kind, attempt.operation.work), attempt.clock()
    assert at is not None
    if now < at + PUBLISHED_WITHIN:
        raise Postponed(at + PUBLISHED_WITHIN, "scheduled", f"YouTube publishes the video at {to_the_second(at)}.")
    privacy = listed(attempt, "status").privacy
    if privacy == "public":
        return Done(message="The video is public.")
    if now < at + PUBLICATION_MAX:
        raise Postponed(now + LOOK_EVERY, "notPublished", f"Its time has come, and the video is still {privacy}.")
    words = f"The video should be public since {to_the_second(at)}, and is {privacy}."
    raise InvalidRequest(words, reason="notPublished")


def _check_refused(attempt: Attempt, video: Video) -> None:
    ends = {
        "failed": (video.failure_reason, policy().failures, "YouTube could not use the file"),
        "rejected": (video.rejection_reason, policy().rejections, "YouTube rejected the video"),
    }
    if video.upload_status in ends:
        reason, known, otherwise = ends[video.upload_status]
        reason = reason or "unknown"
        raise InvalidRequest(known.get(reason, f"{otherwise} ({reason})."), reason=reason)
    if video.upload_status == "deleted":
        raise as_error(damaged("videoNotFound", detail="deleted"), clock=attempt.clock)


def playlist(attempt: Attempt) -> Done:
    """Create a playlist, unless an earlier try did."""
    work = attempt.work("playlist")
    look = partial(existing_playlist, attempt, work["title"])
    playlist_id = once(attempt, "playlist", look, lambda: data.playlists_insert(attempt.sure(), **work))
    return Done({"playlist_id": playlist_id}, "The playlist exists.")


def playlist_item(attempt: Attempt) -> Done:
    """Add the video to the playlist, unless it is in it."""
    number = plan.number(attempt.operation.current)
    suffix = f"_{number + 1}" if number else ""
    playlist_id = _playlist_of(attempt, attempt.operation.work["into"][number])
    video_id = known_video(attempt)

    def look(_begun: datetime) -> str | None:
        found = data.playlist_items(attempt.caller, playlist_id, video_id=video_id).items
        return found[0].id if found else None

    def make() -> str:
        return data.playlist_items_insert(attempt.sure(), playlist_id=playlist_id, video_id=video_id)

    entry_id = once(attempt, f"entry{suffix}", look, make)
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


def caption(attempt: Attempt) -> Done:
    """Set the track: one that is there is replaced, or else made."""
    work = attempt.operation.work
    source = attempt.source_of(work["source"], "caption.source")
    content = whole(source, "The captions' file", "invalidCaption", media.CAPTION_MAX, media.no_caption)
    wanted = {name: work[name] for name in ("language", "name", "draft")}
    # One that may be our own `once` looks for, and waits until YouTube lists it.
    track = None if attempt.operation.results.get("caption_begun_at") else _track(attempt)
    if track is not None:
        data.captions_update(attempt.sure(), track, draft=work["draft"], content=content)
        return Done({"caption_id": track}, "The captions are replaced.")

    def make() -> str:
        return data.captions_insert(attempt.sure(), video_id=attempt.operation.video_id, **wanted, content=content)

    made = once(attempt, "caption", lambda _begun: _track(attempt), make)
    return Done({"caption_id": made}, "The captions are there.")


def caption_delete(attempt: Attempt) -> Done:
    """Delete the track, unless there is none."""
    track = _track(attempt)
    if track is None:
        return Done(message="The video has no such captions.")
    data.captions_delete(attempt.sure(), track)
    return Done(message="The captions are deleted.")


def _track(attempt: Attempt) -> str | None:
    """The id of the track that the operation names. What YouTube has made by itself is no such track."""
    work = attempt.operation.work
    named = (work["language"].lower(), work["name"], "standard")
    tracks = data.captions_list(attempt.caller, attempt.operation.video_id)
    ours = (each.id for each in tracks if (each.language.lower(), each.name, each.kind) == named)
    return next(ours, None)


def thumbnail(attempt: Attempt) -> Done:
    """Set the video's picture, once it is certain that it is one."""
    work = attempt.work("thumbnail")
    source = attempt.source_of(work["source"], "thumbnail.source")
    image = whole(source, "The thumbnail", "invalidImage", media.IMAGE_MAX, media.no_image)
    video = known_video(attempt)
    data.thumbnails_set(attempt.sure(), video_id=video, image=image, content_type=media.image_type(image))
    return Done(message="The thumbnail is set.")


def update(attempt: Attempt) -> Done:
    """Write the parts that change, with everything else in them as it is."""
    attempt.check_schedule()
    changes = attempt.operation.work["parts"]
    video = attempt.operation.video_id
    parts = merged(listed(attempt, ",".join(sorted(changes))).resource, changes)
    if not parts:
        return Done({"video_id": video}, "The video is as wanted already.")
    data.videos_update(attempt.sure(attempt.check_schedule), video, parts)
    return Done({"video_id": video}, "The video is updated.")


def delete(attempt: Attempt) -> Done:
    """Delete the video for good, once it is certain that it is this channel's.

    Raises NotFound for one that is not there, as after an answer that was lost: YouTube denies a new one for a
    while, so it is looked for again before it counts as deleted.
    """
    operation = attempt.operation
    found = listed(attempt, "snippet")
    if found.channel_id != operation.channel_id:
        words = "The video belongs to another channel."
        raise InvalidRequest(words, reason="otherChannel", field="delete.video_id")
    data.videos_delete(attempt.sure(), found.id)
    video_gone(attempt.operations.client, operation, attempt.clock())
    return Done(message="The video is deleted.")


_TO_VIDEOS = (transfer, processing, thumbnail, update, delete, publication)
_BESIDE_THEM = (playlist, playlist_item, caption, caption_delete)
STEPS: Mapping[str, Callable[[Attempt], Done]] = {step.__name__: step for step in (*_TO_VIDEOS, *_BESIDE_THEM)}
"""What each step of a plan does; a step is called as its function."""
