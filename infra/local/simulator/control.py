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
from infra.local.simulator.state import Simulator, simulator_of
from infra.local.simulator.timepiece import ClockStuck
from infra.local.simulator.wire import json_response
from shared.clock import format_instant, parse_instant

Wish = Callable[[Simulator, Any], dict[str, Any] | Awaitable[dict[str, Any]]]
"""What a control request does: the simulator and the request's JSON (or query) in, JSON out; ValueError is 400."""


def wish(verb: str, path: str, handler: Wish) -> Route:
    """A route of the control API."""

    async def endpoint(request: Request) -> Response:
        try:
            asked = await request.json() if await request.body() else dict(request.query_params)
            answer = handler(simulator_of(request), asked)
            return json_response(await answer if isawaitable(answer) else answer)
        except (ValueError, KeyError, TypeError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        except ClockStuck as error:
            return json_response({"error": str(error)}, 500)

    return Route(path, endpoint, methods=[verb])


def _ready(_simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"ready": True}


# The clock


def _show_clock(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"now": format_instant(simulator.clock()), "speed": simulator.timepiece.speed}


async def _move_clock(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """{"set": RFC 3339} or {"advance_seconds": n}, and {"speed": simulated seconds a second}."""
    _only(asked, {"set", "advance_seconds", "speed"})
    if "speed" in asked:
        simulator.timepiece.speed = float(asked["speed"])
    if "set" in asked:
        simulator.timepiece.set(parse_instant(asked["set"]))
    if "advance_seconds" in asked:
        simulator.timepiece.advance(float(asked["advance_seconds"]))
    await simulator.tick()
    return _show_clock(simulator, asked)


# Quota


def _show_quota(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"days": simulator.quota.report()}


def _set_quota(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """{"limits": {bucket: units or null}, "reporting_per_minute": n or null, "used": {bucket: units}}."""
    _only(asked, {"limits", "used", "reporting_per_minute"})
    _only(asked.get("limits", {}), set(quota.BUCKETS))
    _only(asked.get("used", {}), set(quota.BUCKETS))
    before = simulator.quota.limits
    simulator.quota.limits = quota.Limits(
        daily={**before.daily, **asked.get("limits", {})},
        reporting_per_minute=asked.get("reporting_per_minute", before.reporting_per_minute),
    )
    for bucket, units in asked.get("used", {}).items():
        simulator.quota.set_used(bucket, int(units))
    return _show_quota(simulator, asked)


# Faults


def _show_faults(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"faults": simulator.faults.describe()}


def _add_faults(simulator: Simulator, asked: Any) -> dict[str, Any]:
    """One fault, or a list of them; see `faults`."""
    for fault in [faults.parse(spec) for spec in (asked if isinstance(asked, list) else [asked])]:
        simulator.faults.add(fault)
    return _show_faults(simulator, asked)


def _clear_faults(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """All faults, or those of {"method"}."""
    _only(asked, {"method"})
    return {"cleared": simulator.faults.clear(asked.get("method"))}


# The journal


def _show_requests(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Counters, and the newest requests: of one `method`, at most `limit`."""
    _only(asked, {"method", "limit"})
    return {
        "counts": simulator.journal.counters(),
        "requests": simulator.journal.entries(asked.get("method"), int(asked.get("limit", 1000))),
    }


def _forget_requests(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    simulator.journal.forget()
    return {}


def _show_issued(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"issued": simulator.journal.secrets()}


def _only(asked: Mapping[str, Any], known: set[str]) -> None:
    surplus = set(asked) - known
    if surplus:
        raise ValueError(f"unknown: {sorted(surplus)}; known: {sorted(known)}")


ROUTES = [
    wish("GET", "/control/ready", _ready),
    wish("GET", "/control/clock", _show_clock),
    wish("POST", "/control/clock", _move_clock),
    wish("GET", "/control/quota", _show_quota),
    wish("POST", "/control/quota", _set_quota),
    wish("GET", "/control/faults", _show_faults),
    wish("POST", "/control/faults", _add_faults),
    wish("DELETE", "/control/faults", _clear_faults),
    wish("GET", "/control/requests", _show_requests),
    wish("DELETE", "/control/requests", _forget_requests),
    wish("GET", "/control/issued", _show_issued),
]
