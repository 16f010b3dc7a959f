"""The app, as it is told that an operation has ended: takes what is signed with the secret that both know.

Written after the specification of Standard Webhooks and not after our sender, so that each can show the other
wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.simulator.control import control_route
from infra.local.simulator.dispatch import Trace, guarded
from infra.local.simulator.errors import Shape
from infra.local.simulator.fields import Asked
from infra.local.simulator.state import Simulator, simulator_of
from infra.local.simulator.wire import json_response

PATH = "/app/callbacks"
TOLERANCE_SECONDS = 300


@dataclass
class Received:
    """What the app was told, oldest first; by the callback's id each counts once, however often it came."""

    _simulator: Simulator = field(repr=False)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    deliveries: int = 0
    refused: int = 0


async def _receive(request: Request) -> Response:
    simulator, body, trace = simulator_of(request), await request.body(), Trace()
    received = simulator.room(Received)

    async def produce() -> Response:
        if problem := _problem(simulator, request, body):
            received.refused += 1
            trace.mistake = problem
            return json_response({"error": problem}, 401)
        received.deliveries += 1
        received.told.setdefault(request.headers["webhook-id"], json.loads(body))
        return Response(status_code=204)

    return await guarded(
        simulator, "app.callback", request, params=dict, shape=Shape.DATA, produce=produce, trace=trace
    )


def _problem(simulator: Simulator, request: Request, body: bytes) -> str:
    """Why a callback is not believed; "" when it is."""
    headers, secret = request.headers, simulator.plan.callback_secret
    event, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not secret:
        return "the app has no secret"
    if not event or not timestamp.isdecimal():
        return "the callback lacks its id or its time"
    if abs(int(timestamp) - simulator.clock().timestamp()) > TOLERANCE_SECONDS:
        return "the callback is too old, or from the future"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    right = f"v1,{base64.b64encode(digest).decode()}".encode()
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return "" if any(hmac.compare_digest(right, each) for each in given) else "the callback's signature is wrong"


def _show(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    received = simulator.room(Received)
    told = [{"id": event, **body} for event, body in received.told.items()]
    return {"told": told, "deliveries": received.deliveries, "refused": received.refused}


ROUTES = [Route(PATH, _receive, methods=["POST"]), control_route("GET", "/control/callbacks", _show)]
