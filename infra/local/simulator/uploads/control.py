"""What tests and people ask about uploads, and tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from infra.local.simulator.uploads.sessions import Sessions


def _sessions(request: Request) -> Sessions:
    return request.app.state.simulator.room(Sessions)  # type: ignore[no-any-return]


async def list_sessions(request: Request) -> JSONResponse:
    """`GET /control/uploads[?channel_id=]`: every session with bytes, hash, state and video."""
    channel_id = request.query_params.get("channel_id")
    listed = [one.as_json() for one in _sessions(request).everything() if channel_id in (None, one.channel_id)]
    return JSONResponse({"uploads": listed})


async def lose(request: Request) -> JSONResponse:
    """`POST /control/uploads/lose` {"upload_id"?}: forget one open session, or all; their address answers 404."""
    wanted = (await _body(request)).get("upload_id")
    lost = [
        one
        for one in _sessions(request).everything()
        if wanted in (None, one.upload_id) and (wanted or one.state == "open")
    ]
    for one in lost:
        one.state = "lost"
        one.turn += 1
    return JSONResponse({"lost": len(lost)})


async def break_off(request: Request) -> JSONResponse:
    """`POST /control/uploads/break` {"after_bytes", "times"}: cut the connection of the next PUTs mid-body."""
    body, sessions = await _body(request), _sessions(request)
    sessions.break_after, sessions.breaks = int(body.get("after_bytes", 0)), int(body.get("times", 1))
    return JSONResponse({"after_bytes": sessions.break_after, "times": sessions.breaks})


async def _body(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = await request.json() if await request.body() else {}
    return body


ROUTES: Sequence[BaseRoute] = (
    Route("/control/uploads", list_sessions, methods=["GET"]),
    Route("/control/uploads/lose", lose, methods=["POST"]),
    Route("/control/uploads/break", break_off, methods=["POST"]),
)
