"""The upload: bytes stream from the source to YouTube, and whatever dies, one video comes of it.

Before the first byte is sent the session's address is stored, sealed. From then on any attempt can ask YouTube how
far it is and continue there. A session that was never stored has no bytes, so it makes no video. A session that
YouTube has forgotten is replaced only after looking whether its video is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from shared.errors import Conflict, InvalidRequest, Unavailable
from shared.publishing import media
from shared.publishing.attempt import LISTED_WITHIN, Attempt, Done, Postponed, Requeue, existing_video
from shared.publishing.operation import MAPPER
from shared.publishing.sources import Described, Source, changed, usable
from shared.vault.secret import Secret
from shared.youtube import uploads
from shared.youtube.faults import as_error, damaged
from shared.youtube.uploads import Finished, Session, Stored

FIELD = "upload.session"
_RESTARTS = 3


def transfer(attempt: Attempt) -> Done:
    """Upload the file; results: video_id. Raises whatever stops it; the next attempt continues from there."""
    work = attempt.work("upload")
    source = attempt.source_of(work["source"], "upload.source")
    try:
        return _stream(attempt, source, work)
    except InvalidRequest as error:
        if error.reason == "publishAtPassed" and attempt.operation.upload.get("session"):
            uploads.cancel(attempt.caller, _opened(attempt))  # nobody may send the rest of it
            attempt.save(upload={})
        raise
    except Conflict as error:
        if error.reason != "uploadSessionGone":
            raise
        return _without_session(attempt, error)


def _without_session(attempt: Attempt, error: Conflict) -> Done:
    """The session is gone: its video is the result if there is one, else the next attempt begins again.

    A video that has just been made may not be listed yet. So it is looked for twice, some time apart.
    """
    if found := existing_video(attempt):
        return Done({"video_id": found}, "The video was complete; only the answer had been lost.")
    upload = attempt.operation.upload
    if upload.get("restarts", 0) >= _RESTARTS:
        raise error
    now = attempt.clock()
    missing_since = upload.get("missing_since") or now
    if now < missing_since + LISTED_WITHIN:
        message = "YouTube has forgotten the upload; its video is looked for once more before it begins again."
        noted = {"upload": {**upload, "missing_since": missing_since}}
        raise Postponed(missing_since + LISTED_WITHIN, error.reason, message, noted)
    fresh = {"session": None, "restarts": upload.get("restarts", 0) + 1, "acknowledged": 0, "missing_since": None}
    attempt.save(upload={**upload, **fresh})
    raise Requeue


def _stream(attempt: Attempt, source: Source, work: Mapping[str, Any]) -> Done:
    position: Stored | Finished = Stored(0)
    if attempt.operation.upload.get("session"):
        session = _opened(attempt)
        position = uploads.ask(attempt.caller, session)
    else:
        session = _begun(attempt, source, work)
    if isinstance(position, Stored):
        _moved(attempt, position)  # of the portion that was cut off last time some may have arrived
    described = Described(session.size, attempt.operation.upload["identity"])
    while isinstance(position, Stored):
        if position.count >= session.size:
            position = _settled(attempt, session)
            continue
        with closing(source.read(position.count, described)) as pieces:
            position = _portions(attempt, session, position, pieces)
        # Asked only here: an attempt that began sends at least one portion, or slow beginnings would never end.
        if isinstance(position, Stored) and attempt.out_of_time:
            _moved(attempt, position)
            raise Requeue
    return Done({"video_id": position.video_id}, "YouTube has the whole file.", {"acknowledged": session.size})


def _portions(attempt: Attempt, session: Session, position: Stored, pieces: Iterator[bytes]) -> Stored | Finished:
    """Portions from one read of the source, until YouTube is done, or takes less than it was sent."""
    while True:
        first = position.count
        length = min(attempt.limits.portion, session.size - first)
        attempt.check_schedule()
        body = _portion(attempt, pieces, length, ends=first + length == session.size)
        answer = uploads.send_range(attempt.caller, session, first=first, length=length, body=body)
        if isinstance(answer, Finished):
            return answer
        if answer.count <= first:
            raise as_error(damaged(status=308, detail="no progress"), clock=attempt.clock)
        attempt.beat(upload={**attempt.operation.upload, "acknowledged": answer.count}, retries={})
        if answer.count != first + length or answer.count == session.size or attempt.out_of_time:
            return answer
        position = answer


def _moved(attempt: Attempt, position: Stored) -> None:
    """Remember how far YouTube is. When that is further than ever, all that went wrong before is forgotten."""
    upload = attempt.operation.upload
    if position.count > upload.get("acknowledged", 0):
        attempt.save(upload={**upload, "acknowledged": position.count}, retries={})


def _settled(attempt: Attempt, session: Session) -> Stored | Finished:
    """All bytes are there, but YouTube has not said so yet; it may never do, although the video exists."""
    answer = uploads.ask(attempt.caller, session)
    if isinstance(answer, Stored) and answer.count >= session.size:
        if found := existing_video(attempt):
            return Finished(found)
        raise as_error(damaged(status=308, detail="complete without a video"), clock=attempt.clock)
    return answer


def end_session(attempt: Attempt) -> dict[str, str]:
    """End a cancelled upload's session; the video that it has made by now, if it has made one.

    Raises Unavailable while a video that it may have made could still be unlisted.
    """
    if not attempt.operation.upload.get("session"):
        return {}
    session = _opened(attempt)
    try:
        position: Stored | Finished = uploads.ask(attempt.caller, session)
    except Conflict:
        position = Stored(session.size)
    if isinstance(position, Finished):
        return {"video_id": position.video_id}
    uploads.cancel(attempt.caller, session)
    # One that has all bytes, or is gone, may have made its video without saying so.
    whole = position.count >= session.size
    found = existing_video(attempt) if whole else None
    if whole and found is None and attempt.clock() < attempt.operation.updated_at + LISTED_WITHIN:
        raise Unavailable("The video that the upload may have made is looked for again.", reason="answerLost")
    return {"video_id": found} if found else {}


def _opened(attempt: Attempt) -> Session:
    upload = attempt.operation.upload
    address = attempt.vault.open(upload["session"], record=MAPPER.path(attempt.operation.id), field=FIELD)
    return Session(address.reveal(), upload["size"])


def _begun(attempt: Attempt, source: Source, work: Mapping[str, Any]) -> Session:
    attempt.check_schedule()
    if pause := attempt.operations.upload_pause(attempt.operation.channel_id, attempt.clock()):
        words = "This channel has uploaded as much as YouTube allows it for now."
        raise Postponed(pause.until, "uploadLimitExceeded", words)
    described = usable(source, "The source", "notAVideo", media.VIDEO_MAX, media.no_video)
    if not (described.ranges and described.identity):
        lacks = "gives neither a strong ETag nor a Last-Modified, so no change is noticed"
        if not described.ranges:
            lacks = "does not serve ranges, so an upload from it could not be resumed"
        raise InvalidRequest(f"The source's server {lacks}.", reason="sourceUnusable", field=source.field_name)
    earlier = attempt.operation.upload
    if earlier.get("identity") not in {None, described.identity}:
        raise changed(source.field_name)
    upload = {
        "size": described.size,
        "identity": described.identity,
        "begun_at": earlier.get("begun_at") or attempt.clock(),
        "restarts": earlier.get("restarts", 0),
        "acknowledged": 0,
    }
    session = uploads.begin(
        attempt.sure(attempt.check_schedule, upload=upload),
        parts=work["parts"],
        size=described.size,
        content_type=media.video_type(described.head),
        notify_subscribers=work["notify_subscribers"],
        file_name=attempt.operation.id,
    )
    sealed = attempt.vault.seal(Secret(session.address), record=MAPPER.path(attempt.operation.id), field=FIELD)
    attempt.save(upload={**upload, "session": sealed})
    return session


def _portion(attempt: Attempt, pieces: Iterator[bytes], length: int, *, ends: bool) -> Iterator[bytes]:
    """The next `length` bytes of a read, by pieces, which end where portions do; renews the lease while they flow.

    ends: with them the file is whole, and a video comes of it. So before the last of them goes out the lease is
    confirmed and the time of publication checked. Raises Superseded, InvalidRequest; reason sourceChanged when the
    source ends before.
    """
    while length:
        if not 0 < len(piece := next(pieces, b"")) <= length:
            raise changed("upload.source")
        length -= len(piece)
        attempt.beat()
        if ends and not length:
            attempt.save()
            attempt.check_schedule()
        yield piece
