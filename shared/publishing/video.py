"""The video that an operation made, or was asked to change, as its owner finds it."""

from __future__ import annotations

from shared.publishing.attempt import Attempt
from shared.youtube import data
from shared.youtube.data import Video
from shared.youtube.faults import as_error, damaged


def listed(attempt: Attempt, parts: str) -> Video:
    """The video, with some of its parts. Raises NotFound."""
    found = data.videos(attempt.caller, [video_id(attempt)], parts=parts)
    if found.absent:
        raise as_error(damaged("videoNotFound", detail="absent from videos.list"), clock=attempt.clock)
    return found.videos[0]


def known_video(attempt: Attempt) -> str:
    """The id of the video to write to; one that this operation has just made is looked for first, for a unit."""
    if "video_id" in attempt.operation.results and not attempt.operation.results.get("seen_at"):
        listed(attempt, "status")
        attempt.save(results={**attempt.operation.results, "seen_at": attempt.clock()})
    return video_id(attempt)


def video_id(attempt: Attempt) -> str:
    """The video's id."""
    found = attempt.operation.video_id
    assert found is not None
    return found
