"""What tests and people ask about uploads, and tell them."""

from __future__ import annotations

from typing import Any

from infra.local.simulator.control import control_route
from infra.local.simulator.fields import Asked, WrongField, text, whole
from infra.local.simulator.state import Simulator
from infra.local.simulator.uploads.protocol import MAX_BYTES
from infra.local.simulator.uploads.sessions import Sessions

MOST_BREAKS = 1_000_000


def _show(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Every session, of one `channel_id` if it is named: bytes, hash, state, video."""
    wanted = asked.get("channel_id")
    listed = [one.as_json() for one in simulator.room(Sessions).everything() if wanted in {None, one.channel_id}]
    return {"uploads": listed}


def _lose(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"upload_id"?}: forget one session, or all that are open; their addresses answer 404."""
    wanted = asked.get("upload_id")
    lost = [
        one
        for one in simulator.room(Sessions).everything()
        if (one.upload_id == wanted if wanted else one.state == "open")
    ]
    if wanted and not lost:
        raise WrongField(f"upload_id: there is no upload {wanted!r}")
    for one in lost:
        one.end("lost")
    return {"lost": len(lost)}


def _break(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"after_bytes", "times"}: cut the connection of the next PUTs that store something, so far into the body."""
    sessions = simulator.room(Sessions)
    sessions.break_after, sessions.breaks = asked.get("after_bytes", 0), asked.get("times", 1)
    return {"after_bytes": sessions.break_after, "times": sessions.breaks}


def _hang(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"times"}: let the next sessions say 308 for ever after their last byte, although the video exists."""
    sessions = simulator.room(Sessions)
    sessions.hangs = asked.get("times", 1)
    return {"hangs": sessions.hangs}


ROUTES = [
    control_route("GET", "/control/uploads", _show, fields={"channel_id": text}),
    control_route("POST", "/control/uploads/hang", _hang, fields={"times": whole(0, MOST_BREAKS)}),
    control_route("POST", "/control/uploads/lose", _lose, fields={"upload_id": text}),
    control_route(
        "POST",
        "/control/uploads/break",
        _break,
        fields={"after_bytes": whole(0, MAX_BYTES), "times": whole(0, MOST_BREAKS)},
    ),
]
