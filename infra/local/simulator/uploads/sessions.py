"""Resumable sessions: opened by an API call, fed by PUTs to an address that is itself the secret, ended once.

The engine knows nothing of videos: whoever opens a session says what happens with the finished file. A session
lives a week by the simulator's clock. Its bytes are hashed and counted as they stream in and never kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from infra.local.simulator.errors import GoogleError
from infra.local.simulator.uploads.protocol import GRANULE, Progress
from infra.local.simulator.uploads.received import Received

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Call
    from infra.local.simulator.state import Simulator

LIFETIME = timedelta(days=7)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
State = Literal["open", "complete", "refused", "cancelled", "lost"]


class NoSession(Exception):
    """A session's address that leads nowhere. The upload servers answer it in plain text, not in JSON."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Whole:
    """A file that has arrived completely. file_name: what the `Slug` header called it, None if nothing did."""

    size: int
    sha256: str
    head: bytes
    media_type: str
    file_name: str | None = None


Finish = Callable[[Whole], dict[str, Any]]
"""What becomes of a finished file: the resource to answer with. Raises GoogleError."""


@dataclass
class Session:
    """One upload on its way. `upload_id` is a bearer secret.

    turn: counts PUTs that store something; an older one still running has lost its turn and stops. hangs: it says
    for ever that it waits for more, although its file is whole and used.
    """

    upload_id: str = field(repr=False)
    method: str
    channel_id: str
    started: datetime
    media_type: str
    finish: Finish = field(repr=False)
    total: int | None = None
    title: str = ""
    file_name: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    received: Received = field(default_factory=Received)
    state: State = "open"
    turn: int = 0
    requests: int = 0
    hangs: bool = False
    answer: dict[str, Any] | None = None
    error: GoogleError | None = None

    @property
    def stored(self) -> int:
        """Bytes that a broken connection cannot take away any more."""
        size = self.received.size
        return size if size == self.total else size - size % GRANULE

    @property
    def progress(self) -> Progress:
        """The session as the protocol sees it."""
        return Progress(self.stored, self.total)

    def complete(self, total: int) -> None:
        """Hand the whole file on; keeps the answer, which is the same however often somebody asks."""
        self.total = total
        whole = Whole(total, self.received.sha256, self.received.head, self.media_type, self.file_name)
        try:
            self.answer = self.finish(whole)
        except GoogleError as error:
            self.state, self.error = "refused", error
        else:
            self.state = "complete"

    def end(self, state: Literal["cancelled", "lost"]) -> None:
        """End the session without a file; a PUT that is still running stops."""
        self.turn += 1
        self.state = state
        self.received.fall_back()

    def as_json(self) -> dict[str, Any]:
        """For the control interface."""
        return {
            "upload_id": self.upload_id,
            "method": self.method,
            "channel_id": self.channel_id,
            "started": self.started.isoformat(),
            "media_type": self.media_type,
            "title": self.title,
            "file_name": self.file_name,
            "parameters": dict(self.parameters),
            "total": self.total,
            "bytes": self.received.size,
            "sha256": self.received.sha256,
            "state": self.state,
            "requests": self.requests,
            "video_id": (self.answer or {}).get("id"),
        }


class Sessions:
    """Every session since the start. One a simulator: `simulator.room(Sessions)`.

    break_after: bytes of a PUT's body after which the connection is cut, for the next `breaks` PUTs. hangs: how
    many of the sessions to come will hang at their end.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._clock = simulator.clock
        self._random = simulator.derived("uploads")
        self._journal = simulator.journal
        self._all: dict[str, Session] = {}
        self.break_after = 0
        self.breaks = 0
        self.hangs = 0

    def open(
        self,
        *,
        method: str,
        channel_id: str,
        media_type: str,
        total: int | None,
        finish: Finish,
        title: str = "",
        file_name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Session:
        """A new session with an address that nobody can guess."""
        upload_id = "AJ" + "".join(self._random.choices(_LETTERS, k=94))
        session = Session(
            upload_id=self._journal.issued("upload_id", upload_id),
            method=method,
            channel_id=channel_id,
            started=self._clock(),
            media_type=media_type,
            finish=finish,
            total=total,
            title=title,
            file_name=file_name,
            parameters=parameters or {},
            hangs=self.hangs > 0,
        )
        self.hangs = max(0, self.hangs - 1)
        self._all[upload_id] = session
        return session

    def find(self, upload_id: str) -> Session:
        """The session of an id. Raises NoSession: 404 if never opened or lost, 410 if it ended or expired."""
        session = self._all.get(upload_id)
        if session is None or session.state == "lost":
            raise NoSession(404, "Not Found")
        if session.state == "cancelled" or self._clock() - session.started > LIFETIME:
            raise NoSession(410, "Gone")
        return session

    def everything(self) -> list[Session]:
        """All sessions, oldest first."""
        return list(self._all.values())

    def take_break(self) -> int | None:
        """After how many bytes to cut this PUT's connection; None to let it be."""
        if not self.breaks:
            return None
        self.breaks -= 1
        return self.break_after


def media_of(call: Call) -> tuple[str, int | None]:
    """(type, length) of the media sent or announced. Raises 400 or 413 for what the method does not take."""
    media_type, total = _announced(call) if call.upload == "resumable" else (call.media_type, len(call.media))
    if total is not None and total > call.method.max_size:
        raise GoogleError(413, "uploadTooLarge", f"The media is larger than {call.method.max_size} bytes.")
    return accepted(call, media_type), total


def _announced(call: Call) -> tuple[str, int | None]:
    headers = call.request.headers
    length = headers.get("x-upload-content-length", "")
    if length and not re.fullmatch(r"[0-9]{1,15}", length):
        raise GoogleError(400, "badRequest", "X-Upload-Content-Length is not a number.")
    return headers.get("x-upload-content-type", "application/octet-stream"), int(length) if length else None


def accepted(call: Call, media_type: str) -> str:
    """A media type that the method takes. Raises 400 badContent otherwise."""
    plain = media_type.partition(";")[0].strip().lower() or "application/octet-stream"
    for pattern in call.method.accept:
        if pattern == plain or (pattern.endswith("/*") and plain.startswith(pattern[:-1])):
            return plain
    raise GoogleError(
        400,
        "badContent",
        f"Media type '{plain}' is not supported. Valid media types: {list(call.method.accept)}",
    )


def receive(simulator: Simulator, call: Call, *, channel_id: str, title: str, finish: Finish) -> Any:
    """Take in the media of an upload call: a session's address for a resumable one, the resource for the others.

    Raises 400 mediaBodyRequired when the call brings no media and does not announce any.
    """
    if not call.upload:
        raise GoogleError(
            400, "mediaBodyRequired", "The request does not include the media content.", domain="youtube.common"
        )
    media_type, total = media_of(call)
    session = simulator.room(Sessions).open(
        method=call.method.id,
        channel_id=channel_id,
        media_type=media_type,
        total=total,
        finish=finish,
        title=title,
        file_name=call.request.headers.get("slug"),
        parameters=call.params,
    )
    if call.upload == "resumable":
        return Response(status_code=200, headers=_address(simulator, call, session))
    session.received.add(call.media)
    session.complete(len(call.media))
    if session.error is not None:
        raise session.error
    return session.answer


def _address(simulator: Simulator, call: Call, session: Session) -> dict[str, str]:
    query = [
        (name, value)
        for name, value in parse_qsl(call.request.url.query)
        if name not in ("access_token", "oauth_token", "upload_id")
    ]
    query.append(("upload_id", session.upload_id))
    path = call.request.scope["path"]
    return {
        "Location": f"{simulator.root}{path}?{urlencode(query)}",
        "X-GUploader-UploadID": session.upload_id,
        "Content-Type": "text/plain; charset=utf-8",
    }
