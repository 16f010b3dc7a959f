"""The control API: what tests, the demo and people tell the simulator, and ask it.

Not part of Google. The clock, quota, faults, the journal of requests, and every secret ever issued.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.simulator import faults, quota
from infra.local.simulator.fields import Asked, Field, instant, number, optional, read, table, text, whole
from infra.local.simulator.journal import KEPT
from infra.local.simulator.state import Simulator, simulator_of
from infra.local.simulator.timepiece import ClockStuck
from infra.local.simulator.wire import json_response, parse_json
from shared.clock import format_instant

LARGEST = 10**9
"""As many units or requests as anybody could mean."""

YEARS = 10 * 366 * 86400.0
"""Seconds by which the clock moves at most in one go."""

Handler = Callable[[Simulator, Any], dict[str, Any] | Awaitable[dict[str, Any]]]
"""What a control request does: the simulator and the fields in, JSON out; ValueError is 400."""


def control_route(
    verb: str, path: str, handler: Handler, *, fields: Mapping[str, Field] | None = None, many: bool = False
) -> Route:
    """A route of the control API.

    fields: what it may be sent; nothing if there are none. many: one object or a list of them, the handler is
    given a list.
    """

    async def endpoint(request: Request) -> Response:
        try:
            raw = await request.body()
            sent = parse_json(raw) if raw else dict(request.query_params)
            asked: Any
            if many:
                asked = [read(one, fields or {}) for one in (sent if isinstance(sent, list) else [sent])]
            else:
                asked = read(sent, fields or {})
            answer = handler(simulator_of(request), asked)
            return json_response(await answer if isawaitable(answer) else answer)
        except ValueError as error:
            return json_response({"error": str(error)}, 400)
        except ClockStuck as error:
            return json_response({"error": str(error)}, 500)

    return Route(path, endpoint, methods=[verb])


def _ready(_simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    return {"ready": True}


# The clock


def _show_clock(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    return {"now": format_instant(simulator.clock()), "speed": simulator.timepiece.speed}


async def _move_clock(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"set": RFC 3339} or {"advance_seconds": n}, and {"speed": simulated seconds a second}."""
    if "set" in asked:
        simulator.timepiece.set(asked["set"])
    if "advance_seconds" in asked:
        simulator.timepiece.advance(asked["advance_seconds"])
    if "speed" in asked:
        simulator.timepiece.speed = asked["speed"]
    await simulator.tick()
    return _show_clock(simulator, asked)


# Quota


def _show_quota(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    return {"days": simulator.quota.report()}


def _set_quota(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"limits": {bucket: units or null}, "reporting_per_minute": n or null, "used": {bucket: units}}."""
    before = simulator.quota.limits
    simulator.quota.limits = quota.Limits(
        daily={**before.daily, **asked.get("limits", {})},
        reporting_per_minute=asked.get("reporting_per_minute", before.reporting_per_minute),
    )
    for bucket, units in asked.get("used", {}).items():
        simulator.quota.set_used(bucket, units)
    return _show_quota(simulator, asked)


# Faults


def _show_faults(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    return {"faults": simulator.faults.describe()}


def _add_faults(simulator: Simulator, asked: list[Asked]) -> dict[str, Any]:
    """One fault, or a list of them; see `faults`."""
    for fault in [faults.parse(spec) for spec in asked]:
        simulator.faults.add(fault)
    return {"faults": simulator.faults.describe()}


def _clear_faults(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """All faults, or those of {"method"}."""
    return {"cleared": simulator.faults.clear(asked.get("method"))}


# The journal


def _show_requests(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Counters, every mistake, and the newest requests: of one `method`, at most `limit`."""
    return {
        "counts": simulator.journal.counters(),
        "mistakes": simulator.journal.mistakes,
        "requests": simulator.journal.entries(asked.get("method"), asked.get("limit", 1000)),
    }


def _forget_requests(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    simulator.journal.forget()
    return {}


def _show_issued(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    return {"issued": simulator.journal.secrets()}


ROUTES = [
    control_route("GET", "/control/ready", _ready),
    control_route("GET", "/control/clock", _show_clock),
    control_route(
        "POST",
        "/control/clock",
        _move_clock,
        fields={"set": instant, "advance_seconds": number(-YEARS, YEARS), "speed": number(0, 1_000_000)},
    ),
    control_route("GET", "/control/quota", _show_quota),
    control_route(
        "POST",
        "/control/quota",
        _set_quota,
        fields={
            "limits": table(optional(whole(0, LARGEST)), quota.BUCKETS),
            "used": table(whole(0, LARGEST), quota.BUCKETS),
            "reporting_per_minute": optional(whole(0, LARGEST)),
        },
    ),
    control_route("GET", "/control/faults", _show_faults),
    control_route("POST", "/control/faults", _add_faults, fields=faults.FIELDS, many=True),
    control_route("DELETE", "/control/faults", _clear_faults, fields={"method": text}),
    control_route("GET", "/control/requests", _show_requests, fields={"method": text, "limit": whole(1, KEPT)}),
    control_route("DELETE", "/control/requests", _forget_requests),
    control_route("GET", "/control/issued", _show_issued),
]
