"""The steps besides the upload: thumbnail, update, playlist, entry, and following YouTube's processing.

Each can be run again after any death: setting and updating are the same done twice, creating looks first whether
an earlier try got through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta

from shared.clock import to_the_second
from shared.errors import InvalidRequest, NotFound, YtempireError
from shared.publishing import media, plan
from shared.publishing.attempt import Attempt, Done, Postponed
from shared.publishing.find_existing import LISTED_WITHIN, existing_entry, existing_playlist
from shared.publishing.merge import merged
from shared.publishing.plan import PLAYLIST, PLAYLIST_ITEM, PROCESSING, PUBLICATION, THUMBNAIL, TRANSFER, UPDATE
from shared.publishing.requests import publish_at
from shared.publishing.transfer import transfer
from shared.youtube import data
from shared.youtube.data import Video
from shared.youtube.faults import as_error, damaged, may_be_done

FIRST_LOOK = timedelta(seconds=30)
LOOK_EVERY = timedelta(minutes=5)
PROCESSING_MAX = timedelta(hours=48)
PUBLISHED_WITHIN = timedelta(minutes=2)
PUBLICATION_MAX = timedelta(minutes=30)
_PROCESSING_PARTS = "status,processingDetails"

FAILED: Mapping[str, str] = {
    "conversion": "YouTube could not convert the video.",
    "invalidFile": "The file is damaged, or no video.",
    "emptyFile": "The file is empty.",
    "tooSmall": "The file is too small to be a video.",
    "codec": "YouTube does not know the video's codec.",
    "uploadAborted": "The upload was broken off.",
}
REJECTED: Mapping[str, str] = {
    "claim": "A claim on the content was upheld.",
    "copyright": "The video infringes a copyright.",
    "duplicate": "The channel has this very video already.",
    "inappropriate": "YouTube finds the content inappropriate.",
    "legal": "The video was rejected for legal reasons.",
    "length": "The video is longer than this channel may upload.",
    "termsOfUse": "The video breaks YouTube's terms of use.",
    "trademark": "The video infringes a trademark.",
    "uploaderAccountClosed": "The uploader's account is closed.",
    "uploaderAccountSuspended": "The uploader's account is suspended.",
}


def thumbnail(attempt: Attempt) -> Done:
    """Set the video's picture, once it is certain that it is one."""
    work = attempt.work("thumbnail")
    source = attempt.source_of(work["source"], "thumbnail.source")
    described = source.describe()
    content_type = media.image_type(described.head)
    if content_type is None:
        raise InvalidRequest(
            "The thumbnail is neither JPEG nor PNG.", reason="invalidImage", field="thumbnail.source"
        )
    if described.size > media.IMAGE_MAX:
        raise InvalidRequest(
            f"The thumbnail has {described.size} bytes; YouTube takes {media.IMAGE_MAX}.",
            reason="invalidImage",
            field="thumbnail.source",
        )
    with closing(source.read(0, described)) as pieces:
        image = b"".join(pieces)
    video_id = _new_video(attempt)
    data.thumbnails_set(attempt.sure(), video_id=video_id, image=image, content_type=content_type)
    return Done(message="The thumbnail is set.")


def update(attempt: Attempt) -> Done:
    """Write the parts that change, with everything else in them as it is."""
    attempt.check_schedule()
    changes = attempt.operation.work["parts"]
    video_id = _video_id(attempt)
    parts = merged(_listed(attempt, ",".join(sorted(changes))).resource, changes)
    if not parts:
        return Done({"video_id": video_id}, "The video is as wanted already.")
    data.videos_update(attempt.sure(attempt.check_schedule), video_id, parts)
    return Done({"video_id": video_id}, "The video is updated.")


def playlist(attempt: Attempt) -> Done:
    """Create a playlist, unless an earlier try did."""
    work = attempt.work("playlist")
    playlist_id = _once(
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
    video_id = _new_video(attempt)
    entry_id = _once(
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


def _once(attempt: Attempt, name: str, look: Callable[[datetime], str | None], make: Callable[[], str]) -> str:
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


def processing(attempt: Attempt) -> Done:
    """Follow YouTube's processing to its end. Raises InvalidRequest with the reason in plain words."""
    now = attempt.clock()
    since = attempt.operation.results.get("processing_since")
    if since is None:
        attempt.save(results={**attempt.operation.results, "processing_since": now})
        since = now
        raise Postponed(now + FIRST_LOOK, "processing", "YouTube processes the video.")
    video = _listed(attempt, _PROCESSING_PARTS)
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
    privacy = _listed(attempt, "status").privacy
    if privacy == "public":
        return Done(message="The video is public.")
    if now < at + PUBLICATION_MAX:
        raise Postponed(now + LOOK_EVERY, "notPublished", f"Its time has come, and the video is still {privacy}.")
    raise InvalidRequest(
        f"The video should be public since {to_the_second(at)}, and is {privacy}.", reason="notPublished"
    )


def _check_refused(attempt: Attempt, video: Video) -> None:
    if video.upload_status == "failed":
        reason = video.failure_reason or "unknown"
        raise InvalidRequest(FAILED.get(reason, f"YouTube could not use the file ({reason})."), reason=reason)
    if video.upload_status == "rejected":
        reason = video.rejection_reason or "unknown"
        raise InvalidRequest(REJECTED.get(reason, f"YouTube rejected the video ({reason})."), reason=reason)
    if video.upload_status == "deleted":
        raise as_error(damaged("videoNotFound", detail="deleted"), clock=attempt.clock)


def _listed(attempt: Attempt, parts: str) -> Video:
    """The video as its owner finds it. Raises NotFound."""
    found = data.videos(attempt.caller, [_video_id(attempt)], parts=parts)
    if found.absent:
        raise as_error(damaged("videoNotFound", detail="absent from videos.list"), clock=attempt.clock)
    return found.videos[0]


def _new_video(attempt: Attempt) -> str:
    """The video to write to. One that this operation has just made is looked for first, which costs the least."""
    if "video_id" in attempt.operation.results and not attempt.operation.results.get("seen_at"):
        _listed(attempt, "status")
        attempt.save(results={**attempt.operation.results, "seen_at": attempt.clock()})
    return _video_id(attempt)


def _video_id(attempt: Attempt) -> str:
    video_id = attempt.operation.video_id
    assert video_id is not None
    return video_id


STEPS: Mapping[str, Callable[[Attempt], Done]] = {
    TRANSFER: transfer,
    PROCESSING: processing,
    THUMBNAIL: thumbnail,
    UPDATE: update,
    PLAYLIST: playlist,
    PLAYLIST_ITEM: playlist_item,
    PUBLICATION: publication,
}
