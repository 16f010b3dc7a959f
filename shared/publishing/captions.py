"""The steps for captions: set a video's track of one language and name, and delete one."""

from __future__ import annotations

from shared.errors import InvalidRequest
from shared.publishing import media
from shared.publishing.attempt import Attempt, Done
from shared.publishing.once import begun, once
from shared.publishing.sources import whole
from shared.publishing.video import video_id
from shared.youtube import captions


def caption(attempt: Attempt) -> Done:
    """Set the track: one that is there is replaced, or else made."""
    work = attempt.operation.work
    content = _file(attempt)
    track = None if begun(attempt, "caption") else _track(attempt)
    if track is not None:
        captions.update(attempt.sure(), track, draft=work["draft"], content=content)
        return Done({"caption_id": track}, "The captions are replaced.")
    made = once(
        attempt,
        "caption",
        look=lambda _begun: _track(attempt),
        make=lambda: captions.insert(
            attempt.sure(),
            video_id=video_id(attempt),
            language=work["language"],
            name=work["name"],
            draft=work["draft"],
            content=content,
        ),
    )
    return Done({"caption_id": made}, "The captions are there.")


def caption_delete(attempt: Attempt) -> Done:
    """Delete the track, unless there is none."""
    track = _track(attempt)
    if track is None:
        return Done(message="The video has no such captions.")
    captions.delete(attempt.sure(), track)
    return Done(message="The captions are deleted.")


def _track(attempt: Attempt) -> str | None:
    """The id of the track that the operation names. What YouTube has made by itself is no such track."""
    work = attempt.operation.work
    named = (work["language"].lower(), work["name"])
    for track in captions.tracks(attempt.caller, video_id(attempt)):
        if (track.language.lower(), track.name) == named and track.kind == "standard":
            return track.id
    return None


def _file(attempt: Attempt) -> bytes:
    """The captions' file. Raises InvalidRequest for what surely is none, before anything is spent."""
    source = attempt.source_of(attempt.operation.work["source"], "caption.source")
    described = source.describe()
    if described.size == 0:
        problem: str | None = "is empty"
    elif described.size > media.CAPTION_MAX:
        problem = f"has {described.size} bytes; {media.CAPTION_MAX} are taken"
    else:
        other = media.no_caption(described.head)
        problem = f"is {other}" if other else None
    if problem:
        raise InvalidRequest(f"The captions' file {problem}.", reason="invalidCaption", field="caption.source")
    return whole(source, described)
