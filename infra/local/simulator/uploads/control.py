"""What tests and people ask about uploads, and tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.simulator.control import wish
from infra.local.simulator.state import Simulator
from infra.local.simulator.uploads.sessions import Sessions


def _show(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Every session, of one `channel_id` if it is named: bytes, hash, state, video."""
    wanted = asked.get("channel_id")
    listed = [one.as_json() for one in simulator.room(Sessions).everything() if wanted in {None, one.channel_id}]
    return {"uploads": listed}


def _lose(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """{"upload_id"?}: forget one session, or all that are open; their addresses answer 404."""
    wanted = asked.get("upload_id")
    lost = [
        one
        for one in simulator.room(Sessions).everything()
        if (one.upload_id == wanted if wanted else one.state == "open")
    ]
    for one in lost:
        one.end("lost")
    return {"lost": len(lost)}


def _break(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """{"after_bytes", "times"}: cut the connection of the next PUTs that store something, so far into the body."""
    sessions = simulator.room(Sessions)
    sessions.break_after, sessions.breaks = int(asked.get("after_bytes", 0)), int(asked.get("times", 1))
    return {"after_bytes": sessions.break_after, "times": sessions.breaks}


ROUTES = [
    wish("GET", "/control/uploads", _show),
    wish("POST", "/control/uploads/lose", _lose),
    wish("POST", "/control/uploads/break", _break),
]
