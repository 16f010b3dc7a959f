"""The steps besides the upload: thumbnail, update, playlist, entry, and following YouTube's processing.

Each can be run again after any death: setting and updating are the same done twice, creating looks first whether
an earlier try got through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta

from shared.errors import InvalidRequest
from shared.operations import media
from shared.operations.adopt import existing_entry, existing_playlist
from shared.operations.merge import merged
from shared.operations.plan import PLAYLIST, PLAYLIST_ITEM, PROCESSING, THUMBNAIL, TRANSFER, UPDATE
from shared.operations.requests import check_schedule
from shared.operations.transfer import transfer
from shared.operations.turn import Done, Outcome, Postponed, Turn
from shared.youtube import data
from shared.youtube.data import Video
from shared.youtube.faults import as_error, damaged

FIRST_LOOK = timedelta(seconds=30)
LOOK_EVERY = timedelta(minutes=5)
PATIENCE = timedelta(hours=48)
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


def thumbnail(turn: Turn) -> Outcome:
    """Set the video's picture, once it is certain that it is one."""
    work = turn.operation.work.get("thumbnail", turn.operation.work)
    source = turn.source_of(work["source"], "thumbnail.source")
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
    data.thumbnails_set(turn.caller, video_id=_video_id(turn), image=image, content_type=content_type)
    return Done(message="The thumbnail is set.")


def update(turn: Turn) -> Outcome:
    """Write the parts that change, with everything else in them as it is."""
    check_schedule(turn.operation.kind, turn.operation.work, turn.clock())
    changes = turn.operation.work["parts"]
    video_id = _video_id(turn)
    found = data.videos(turn.caller, [video_id], parts=",".join(sorted(changes)))
    if found.absent:
        raise as_error(damaged("videoNotFound", detail="absent from videos.list"), clock=turn.clock)
    parts = merged(found.videos[0].resource, changes)
    if not parts:
        return Done({"video_id": video_id}, "The video is as wanted already.")
    data.videos_update(turn.caller, video_id, parts)
    return Done({"video_id": video_id}, "The video is updated.")


def playlist(turn: Turn) -> Outcome:
    """Create a playlist, unless an earlier try did."""
    work = turn.operation.work.get("playlist", turn.operation.work)
    begun = turn.operation.results.get("playlist_begun_at")
    if begun is not None:
        found = existing_playlist(turn, title=work["title"], begun=begun)
        if found is not None:
            return Done({"playlist_id": found}, "The playlist exists.")
    else:
        turn.save(results={**turn.operation.results, "playlist_begun_at": turn.clock()})
    created = data.playlists_insert(
        turn.caller, title=work["title"], description=work["description"], privacy=work["privacy"]
    )
    return Done({"playlist_id": created}, "The playlist is created.")


def playlist_item(turn: Turn) -> Outcome:
    """Add the video to the playlist, unless it is in it."""
    results, work = turn.operation.results, turn.operation.work
    playlist_id = str(results.get("playlist_id") or work["playlist_id"])
    video_id = _video_id(turn)
    if results.get("entry_begun_at") is not None:
        found = existing_entry(turn, playlist_id=playlist_id, video_id=video_id)
        if found is not None:
            return Done({"playlist_item_id": found}, "The video is in the playlist.")
    else:
        turn.save(results={**results, "entry_begun_at": turn.clock()})
    added = data.playlist_items_insert(turn.caller, playlist_id=playlist_id, video_id=video_id)
    return Done({"playlist_item_id": added}, "The video is added to the playlist.")


def processing(turn: Turn) -> Outcome:
    """Follow YouTube's processing to its end. Raises InvalidRequest with the reason in plain words."""
    now = turn.clock()
    since = turn.operation.results.get("processing_since")
    if since is None:
        turn.save(results={**turn.operation.results, "processing_since": now})
        since = now
        raise Postponed(now + FIRST_LOOK, "processing", "YouTube processes the video.")
    found = data.videos(turn.caller, [_video_id(turn)], parts=_PROCESSING_PARTS)
    if found.absent:
        raise as_error(damaged("videoNotFound", detail="absent from videos.list"), clock=turn.clock)
    video = found.videos[0]
    _check_refused(turn, video)
    status = video.resource.get("processingDetails", {}).get("processingStatus", "")
    if video.upload_status == "processed" or status == "succeeded":
        return Done({"upload_status": "processed"}, "YouTube has processed the video.")
    if status in {"failed", "terminated"}:
        raise as_error(damaged("processingFailure", detail=status), clock=turn.clock)
    if now - since > PATIENCE:
        raise InvalidRequest("YouTube has not finished processing in two days.", reason="processingTooLong")
    wait = min(LOOK_EVERY, max(FIRST_LOOK, now - since))
    raise Postponed(now + wait, "processing", "YouTube processes the video.")


def _check_refused(turn: Turn, video: Video) -> None:
    if video.upload_status == "failed":
        reason = video.failure_reason or "unknown"
        raise InvalidRequest(FAILED.get(reason, f"YouTube could not use the file ({reason})."), reason=reason)
    if video.upload_status == "rejected":
        reason = video.rejection_reason or "unknown"
        raise InvalidRequest(REJECTED.get(reason, f"YouTube rejected the video ({reason})."), reason=reason)
    if video.upload_status == "deleted":
        raise as_error(damaged("videoNotFound", detail="deleted"), clock=turn.clock)


def _video_id(turn: Turn) -> str:
    video_id = turn.operation.video_id
    assert video_id is not None
    return video_id


STEPS: Mapping[str, Callable[[Turn], Outcome]] = {
    TRANSFER: transfer,
    PROCESSING: processing,
    THUMBNAIL: thumbnail,
    UPDATE: update,
    PLAYLIST: playlist,
    PLAYLIST_ITEM: playlist_item,
}
