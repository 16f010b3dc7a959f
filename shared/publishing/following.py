"""Follows what YouTube does by itself: the processing of a video, and its publication at a given time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from shared.clock import to_the_second
from shared.errors import InvalidRequest
from shared.publishing.attempt import Attempt, Done, Postponed
from shared.publishing.requests import publish_at
from shared.publishing.video import listed
from shared.youtube.data import Video
from shared.youtube.faults import as_error, damaged

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


def processing(attempt: Attempt) -> Done:
    """Follow YouTube's processing to its end. Raises InvalidRequest with the reason in plain words."""
    now = attempt.clock()
    since = attempt.operation.results.get("processing_since")
    if since is None:
        attempt.save(results={**attempt.operation.results, "processing_since": now})
        since = now
        raise Postponed(now + FIRST_LOOK, "processing", "YouTube processes the video.")
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
