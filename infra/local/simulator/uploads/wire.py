"""Requests to a session's address: PUT stores or asks, DELETE cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from infra.local.simulator import injection
from infra.local.simulator.errors import GoogleError, Misuse, bad_request
from infra.local.simulator.uploads.protocol import Refuse, Report, Take, decide, range_header
from infra.local.simulator.uploads.sessions import NoSession, Session, Sessions
from infra.local.simulator.wire import json_response

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

CLIENT_CLOSED = 499


async def session(simulator: Simulator, request: Request) -> Response:
    """Answer one request to a session's address. No token is asked for: the address is the secret.

    Raises GoogleError for what is refused.
    """
    try:
        return await _answer(simulator, request, request.query_params["upload_id"])
    except NoSession as error:
        return PlainTextResponse(error.message, status_code=error.status)


async def _answer(simulator: Simulator, request: Request, upload_id: str) -> Response:
    sessions = simulator.room(Sessions)
    one = sessions.find(upload_id)
    one.requests += 1
    if request.method == "DELETE":
        return _cancel(one)
    if request.method not in ("PUT", "POST"):
        raise NoSession(405, "Method Not Allowed")
    if one.state != "open":
        return await _drained(request, one)
    length = request.headers.get("content-length")
    decision = decide(
        one.progress, request.headers.get("content-range"), int(length) if length is not None else None
    )
    if isinstance(decision, Refuse):
        raise Misuse(400, "badRequest", decision.message)
    if isinstance(decision, Report):
        if decision.complete:
            one.turn += 1
            one.complete(one.stored)
        return _where(one)
    return await _store(sessions, request, one, decision)


class _Outrun(Exception):
    """A later PUT, or the session's end, has taken over."""


class _CutOff(Exception):
    """The connection is to be cut here, because somebody asked for it."""


async def _store(sessions: Sessions, request: Request, one: Session, take: Take) -> Response:
    """Stream a body into the session. Whoever comes later has the session's turn; the earlier PUT gives way."""
    one.turn += 1
    mine = one.turn
    one.received.fall_back()
    try:
        await _stream(request, one, take, mine, sessions.take_break())
    except ClientDisconnect:
        if one.turn == mine:
            one.received.fall_back()
        return Response(status_code=CLIENT_CLOSED)
    except _CutOff:
        one.received.fall_back()
        return injection.Broken(None, abrupt=True)
    except _Outrun:
        return Response(status_code=503)
    except GoogleError:
        one.received.fall_back()
        raise
    one.total = take.total
    if take.last:
        one.complete(one.received.size)
    return _where(one)


async def _stream(request: Request, one: Session, take: Take, mine: int, cut_at: int | None) -> None:
    """Feed a body to the session, held against the length that was announced."""
    skip, came = take.skip, 0
    async for data in request.stream():
        if one.turn != mine or one.state != "open":
            raise _Outrun
        came += len(data)
        if take.length is not None and came > take.length:
            raise bad_request(f"The body is longer than the {take.length} bytes announced.")
        if skip < len(data):
            one.received.add(memoryview(data)[skip:] if skip else data)
        skip = max(0, skip - len(data))
        if cut_at is not None and came >= cut_at:
            raise _CutOff
    if take.length is not None and came < take.length:
        raise bad_request(f"The body has {came} bytes, {take.length} were announced.")


async def _drained(request: Request, one: Session) -> Response:
    """An answer to a session that has ended already; what is sent once more is read and dropped."""
    try:
        async for _ in request.stream():
            pass
    except ClientDisconnect:
        return Response(status_code=CLIENT_CLOSED)
    return _where(one)


def _where(one: Session) -> Response:
    """How far the session is: 308 and the range stored, or the resource."""
    if one.error is not None:
        raise one.error
    if one.state == "complete" and not one.hangs:
        return json_response(one.answer)
    return Response(status_code=308, headers={**range_header(one.stored), "X-GUploader-UploadID": one.upload_id})


def _cancel(one: Session) -> Response:
    if one.state == "open":
        one.end("cancelled")
    return Response(status_code=CLIENT_CLOSED)
