"""The upload: bytes stream from the source to YouTube, and whatever dies, one video comes of it.

Before the first byte is sent the session's address is stored, sealed. From then on any turn can ask YouTube how
far it is and go on from there. A session that was never stored has no bytes, so it makes no video. A session that
YouTube has forgotten is replaced only after looking whether its video is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from shared.errors import Conflict, InvalidRequest
from shared.publishing import media
from shared.publishing.adopt import LISTED_WITHIN, existing_video
from shared.publishing.requests import check_schedule
from shared.publishing.sources import Described, Source, changed
from shared.publishing.turn import Done, HandOn, Outcome, OutOfTime, Postponed, Turn
from shared.youtube import uploads
from shared.youtube.faults import as_error, damaged
from shared.youtube.uploads import Finished, Session, Stored

FIELD = "upload.session"
_RESTARTS = 3


def transfer(turn: Turn) -> Outcome:
    """Bring the file to YouTube; results: video_id. Raises whatever stops it; the next turn goes on from there."""
    work = turn.operation.work.get("upload", turn.operation.work)
    source = turn.source_of(work["source"], "upload.source")
    try:
        return _stream(turn, source, work)
    except OutOfTime:
        return HandOn()
    except Conflict as error:
        if error.reason != "uploadSessionGone":
            raise
        return _without_session(turn, work, error)


def _without_session(turn: Turn, work: Mapping[str, Any], error: Conflict) -> Outcome:
    """The session is gone: take over its video if there is one, else let the next turn begin again.

    A video that has just been made may not be listed yet. So it is looked for twice, some time apart.
    """
    found = existing_video(turn, title=work["parts"]["snippet"]["title"])
    if found is not None:
        return Done({"video_id": found}, "The video was complete; only the answer had been lost.")
    upload = dict(turn.operation.upload)
    if upload.get("restarts", 0) >= _RESTARTS:
        raise error
    now = turn.clock()
    missing_since = upload.get("missing_since") or now
    if now < missing_since + LISTED_WITHIN:
        turn.save(upload={**upload, "missing_since": missing_since})
        message = "YouTube has forgotten the upload; its video is looked for once more before it begins again."
        raise Postponed(missing_since + LISTED_WITHIN, error.reason, message)
    upload.update(session=None, restarts=upload.get("restarts", 0) + 1, acknowledged=0, missing_since=None)
    turn.save(upload=upload)
    return HandOn()


def _stream(turn: Turn, source: Source, work: Mapping[str, Any]) -> Outcome:
    session, position = _session(turn, source, work)
    if isinstance(position, Stored):
        _moved(turn, position)  # of the portion that was cut off last time some may have arrived
    described = Described(session.size, turn.operation.upload["identity"])
    while isinstance(position, Stored):
        if position.count >= session.size:
            position = _settled(turn, session)
            continue
        with closing(source.read(position.count, described)) as pieces:
            position = _portions(turn, session, position, _Feed(pieces, turn))
        # Asked only here: a turn that began sends at least one portion, or slow beginnings would go on for ever.
        if isinstance(position, Stored) and turn.out_of_time:
            _moved(turn, position)
            return HandOn()
    turn.save(upload={**turn.operation.upload, "acknowledged": session.size})
    return Done({"video_id": position.video_id}, "YouTube has the whole file.")


def _portions(turn: Turn, session: Session, position: Stored, feed: _Feed) -> Stored | Finished:
    """Portions from one read of the source, until YouTube is done, or takes less than it was sent."""
    while True:
        first = position.count
        length = min(turn.limits.portion, session.size - first)
        answer = uploads.send_range(turn.caller, session, first=first, length=length, body=feed.take(length))
        if isinstance(answer, Finished):
            return answer
        if answer.count <= first:
            raise as_error(damaged(status=308, detail="no progress"), clock=turn.clock)
        turn.beat(upload={**turn.operation.upload, "acknowledged": answer.count}, retries={})
        if answer.count != first + length or answer.count == session.size or turn.out_of_time:
            return answer
        position = answer


def _moved(turn: Turn, position: Stored) -> None:
    """Remember how far YouTube is. When that is further than ever, all that went wrong before is forgotten."""
    upload = turn.operation.upload
    if position.count > upload.get("acknowledged", 0):
        turn.save(upload={**upload, "acknowledged": position.count}, retries={})


def _settled(turn: Turn, session: Session) -> Stored | Finished:
    """All bytes are there, but YouTube has not said so yet."""
    answer = uploads.ask(turn.caller, session)
    if isinstance(answer, Stored) and answer.count >= session.size:
        raise as_error(damaged(status=308, detail="complete without a video"), clock=turn.clock)
    return answer


def abandoned(turn: Turn) -> dict[str, str]:
    """The video that a cancelled upload has made by now; where it has made none, YouTube is told to forget it."""
    if not turn.operation.upload.get("session"):
        return {}
    work = turn.operation.work.get("upload", turn.operation.work)
    session = _opened(turn)
    try:
        position = uploads.ask(turn.caller, session)
    except Conflict:
        found = existing_video(turn, title=work["parts"]["snippet"]["title"])
        return {"video_id": found} if found else {}
    if isinstance(position, Finished):
        return {"video_id": position.video_id}
    uploads.cancel(turn.caller, session)
    return {}


def _opened(turn: Turn) -> Session:
    upload = turn.operation.upload
    address = turn.sealing.open(upload["session"], record=turn.path, field=FIELD).decode()
    return Session(address, upload["size"])


def _session(turn: Turn, source: Source, work: Mapping[str, Any]) -> tuple[Session, Stored | Finished]:
    if turn.operation.upload.get("session"):
        session = _opened(turn)
        return session, uploads.ask(turn.caller, session)
    return _begun(turn, source, work), Stored(0)


def _begun(turn: Turn, source: Source, work: Mapping[str, Any]) -> Session:
    check_schedule(turn.operation.kind, turn.operation.work, turn.clock())
    _check_pause(turn)
    described = source.describe()
    content_type = _checked(described)
    if not described.identity:
        raise InvalidRequest(
            "The source's server gives neither a strong ETag nor a Last-Modified, so a change of the file during "
            "the upload could not be noticed.",
            reason="sourceUnusable",
            field="upload.source",
        )
    earlier = turn.operation.upload
    if earlier.get("identity") not in {None, described.identity}:
        raise changed("upload.source")
    upload = {
        "size": described.size,
        "identity": described.identity,
        "begun_at": earlier.get("begun_at") or turn.clock(),
        "restarts": earlier.get("restarts", 0),
        "acknowledged": 0,
    }
    turn.save(upload=upload)
    session = uploads.begin(
        turn.caller,
        parts=work["parts"],
        size=described.size,
        content_type=content_type,
        notify_subscribers=work["notify_subscribers"],
        file_name=turn.operation.id,
    )
    sealed = turn.sealing.seal(session.address.encode(), record=turn.path, field=FIELD)
    turn.save(upload={**upload, "session": sealed})
    return session


def _check_pause(turn: Turn) -> None:
    until = turn.operations.uploads_paused_until(turn.operation.channel_id, turn.clock())
    if until is not None:
        raise Postponed(
            until, "uploadLimitExceeded", "This channel has uploaded as much as YouTube allows it for now."
        )


def _checked(described: Described) -> str:
    """The media type to announce. Raises InvalidRequest for what is no video, before anything is spent."""
    content_type = media.video_type(described.head)
    if described.size == 0:
        problem = "is empty"
    elif described.size > media.VIDEO_MAX:
        problem = f"has {described.size} bytes; YouTube takes {media.VIDEO_MAX}"
    elif media.looks_like_a_page(described.head):
        problem = "is a web page, not a video"
    elif content_type is None:
        problem = "is no video that YouTube knows"
    else:
        return content_type
    raise InvalidRequest(f"The source {problem}.", reason="notAVideo", field="upload.source")


class _Feed:
    """Cuts what a source gives into portions, and keeps the turn's hold while bytes flow."""

    def __init__(self, pieces: Iterator[bytes], turn: Turn) -> None:
        self._pieces = pieces
        self._turn = turn
        self._rest = b""

    def take(self, length: int) -> Iterator[bytes]:
        """Exactly `length` bytes. Raises InvalidRequest, reason sourceChanged, when the source ends before."""
        while length:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                raise changed("upload.source")
            self._rest = b""
            if len(piece) > length:
                piece, self._rest = piece[:length], piece[length:]
            length -= len(piece)
            self._turn.beat()
            yield piece
