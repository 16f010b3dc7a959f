"""Resumable uploads, one request at a time: begin a session, ask how far it is, send a range of bytes, cancel.

A session's address is a bearer secret: whoever has it can write the video. It is never logged, and `Session` does
not show it. Starting one is a `videos.insert` and is charged; what goes through it is part of that call. Source:
YouTube's guide to resumable uploads; discovery document of youtube v3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from shared.errors import CorruptData
from shared.youtube import services
from shared.youtube.client import Caller, Outcome
from shared.youtube.faults import Fault, classify, damaged, no_answer
from shared.youtube.policy import Kind, rule
from shared.youtube.transport import Body, Http, foreign

INSERT = "youtube.videos.insert"
SESSION = "upload.session"  # the name under which a session's own requests are logged; they cost nothing
GRANULE = 256 * 1024
"""Every range but the last has a length that is a multiple of this many bytes."""


@dataclass(frozen=True)
class Session:
    """A started upload of `size` bytes."""

    address: str = field(repr=False)
    size: int


@dataclass(frozen=True)
class Stored:
    """YouTube has the first `count` bytes and waits for more."""

    count: int


@dataclass(frozen=True)
class Finished:
    """YouTube has the whole file and made this video of it."""

    video_id: str


def begin(
    caller: Caller,
    *,
    parts: Mapping[str, Mapping[str, Any]],
    size: int,
    content_type: str,
    notify_subscribers: bool,
    file_name: str,
) -> Session:
    """Start a session for a video with these parts; 1 unit of the uploads' daily quota.

    file_name: shown to the channel's owner as the file's name. Raises the fault's error.
    """
    from googleapiclient.http import MediaIoBaseUpload

    request = services.request(
        caller.settings,
        INSERT,
        part=",".join(sorted(parts)),
        body={name: dict(part) for name, part in parts.items()},
        notifySubscribers=notify_subscribers,
        # Makes Google's client address the upload endpoint; the bytes go their own way.
        media_body=MediaIoBaseUpload(BytesIO(), mimetype=content_type, resumable=True),
    )
    headers = {
        **request.headers,
        "slug": file_name,
        "x-upload-content-type": content_type,
        "x-upload-content-length": str(size),
        "content-length": str(len(request.body)),
    }

    def send(token: str) -> Outcome[str]:
        http, outcome = _exchange(caller, token, "POST", request.uri, headers, body=request.body)
        if outcome.fault is not None:
            return outcome
        address = http.fields.get("location", "")
        if http.status != 200 or not address:
            return replace(outcome, fault=damaged(status=http.status, detail="no session address"))
        return replace(outcome, value=address)

    address = caller.spend(INSERT, send)
    _check_address(address, caller.settings.youtube_root)
    return Session(address, size)


def ask(caller: Caller, session: Session) -> Stored | Finished:
    """How far a session is. Raises Conflict, reason uploadSessionGone, when YouTube has forgotten it."""
    headers = {"content-range": f"bytes */{session.size}", "content-length": "0"}
    return caller.unpaid(SESSION, lambda token: _position(caller, token, session, headers, b""))


def send_range(
    caller: Caller, session: Session, *, first: int, length: int, body: Iterable[bytes]
) -> Stored | Finished:
    """Send `length` bytes from byte `first` on; where the session stands then.

    body is read once, as it is sent: after any error, `ask` says what arrived. An exception of `body` itself comes
    through as it is.
    """
    last = first + length - 1
    if last + 1 != session.size and length % GRANULE:
        raise ValueError(f"a range of {length} bytes is neither the last nor a multiple of {GRANULE}")
    headers = {"content-range": f"bytes {first}-{last}/{session.size}", "content-length": str(length)}
    return caller.unpaid(SESSION, lambda token: _position(caller, token, session, headers, body), replay=False)


def cancel(caller: Caller, session: Session) -> None:
    """Make YouTube forget a session; one that is gone already is no error."""

    def send(token: str) -> Outcome[bool]:
        http, outcome = _exchange(caller, token, "DELETE", session.address, {"content-length": "0"}, body=b"")
        # 499 is how this protocol says "cancelled".
        done = http.status in {200, 204, 404, 410, 499}
        return Outcome(http.status, 0, True) if done else outcome

    caller.unpaid(SESSION, send)


def _exchange(
    caller: Caller, token: str, verb: str, address: str, headers: Mapping[str, str], *, body: Body
) -> tuple[Http, Outcome[Any]]:
    """One request; a fault for every answer that is neither a success nor "go on"."""
    from urllib3.exceptions import HTTPError

    http = Http(token)
    try:
        http.request(address, verb, body=body, headers=headers)
    except (HTTPError, OSError, ValueError) as error:
        return http, Outcome(http.status, 0, fault=no_answer(error))
    status = http.status or 0
    if status in {200, 201, 308}:
        return http, Outcome(status, len(http.answer))
    fault = classify(status, http.fields, http.answer, clock=caller.clock)
    return http, Outcome(status, len(http.answer), fault=in_protocol(verb, fault))


_IN_PROTOCOL: Mapping[tuple[str, int | None], str] = {
    ("POST", 409): "uploadNotStarted",  # met for a moment, when there was nothing to contradict
    ("PUT", 404): "uploadSessionGone",
    ("PUT", 410): "uploadSessionGone",
}


def in_protocol(verb: str, fault: Fault) -> Fault:
    """A fault as this protocol means it: what is missing is the session and not a video."""
    reason = _IN_PROTOCOL.get((verb, fault.status))
    if reason is None or fault.kind not in {Kind.MISSING, Kind.INPUT, Kind.CONFLICT}:
        return fault
    return replace(fault, rule=rule(reason), known=fault.known or fault.given is None)


def _position(
    caller: Caller, token: str, session: Session, headers: Mapping[str, str], body: Body
) -> Outcome[Stored | Finished]:
    http, outcome = _exchange(caller, token, "PUT", session.address, headers, body=body)
    if outcome.fault is not None:
        return outcome
    if http.status == 308:  # `bytes=0-n` is n + 1 bytes; no header is none
        stored = re.fullmatch(r"(?:bytes=)?0-(\d+)", http.fields.get("range", "").strip())
        return replace(outcome, value=Stored(int(stored[1]) + 1 if stored else 0))
    try:
        return replace(outcome, value=Finished(str(json.loads(http.answer)["id"])))
    except (ValueError, KeyError, TypeError, RecursionError):
        return replace(outcome, fault=damaged(status=http.status, detail="no video id"))


def _check_address(address: str, root: str) -> None:
    there = urlsplit(address)
    google = there.scheme == "https" and (there.hostname or "").endswith(".googleapis.com")
    if not google and foreign(address, root):
        raise CorruptData("An upload session's address is not YouTube's.", reason="foreignSessionAddress")
