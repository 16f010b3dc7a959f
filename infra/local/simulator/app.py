"""The simulator as one web application: rooms, OAuth, control, and the clock's tick.

A room exports `HANDLERS` (method id to handler); a room with addresses that no discovery document describes also
exports `ROUTES`. `uploads` exports `session`, which answers every request to a resumable session's address (an
upload path with `upload_id`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.simulator import discovery
from infra.local.simulator.dispatch import Handler, dispatch, guarded
from infra.local.simulator.errors import Shape
from infra.local.simulator.state import Simulator
from infra.local.simulator.timepiece import ClockStuck
from infra.local.simulator.wire import bad_request_page

logger = logging.getLogger(__name__)
PACKAGE = "infra.local.simulator"
ROOMS = (
    *("callbacks", "oauth", "data", "uploads", "reporting", "analytics", "truth", "hub"),
    *("control", "control_oauth"),
)
TICK_SECONDS = 1.0
STEP_SECONDS = 0.1
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(simulator: Simulator) -> Starlette:
    """The application that serves one simulator."""
    rooms = [import_module(f"{PACKAGE}.{name}") for name in ROOMS]
    handlers = _handlers(rooms)
    uploads = next((room for room in rooms if hasattr(room, "session")), None)

    async def api(request: Request) -> Response:
        is_upload = request.scope["path"].startswith(discovery.UPLOAD_PREFIXES)
        if is_upload and uploads is not None and "upload_id" in request.query_params:
            return await guarded(
                simulator,
                "upload.session",
                request,
                params=lambda: dict(request.query_params),
                shape=Shape.DATA,
                produce=lambda: uploads.session(simulator, request),
            )
        return await dispatch(simulator, handlers, request)

    routes: list[BaseRoute] = [route for room in rooms for route in getattr(room, "ROUTES", [])]
    routes.append(Route("/{path:path}", api, methods=VERBS))
    app = Starlette(routes=routes, lifespan=_lifespan, middleware=[Middleware(_OneHost)])
    app.state.simulator = simulator
    return app


class _OneHost:
    """Refuses a request with two Host headers before anything looks at it, as RFC 9112, 3.2 wants it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [name for name, _ in scope.get("headers", ()) if name == b"host"]
        await (bad_request_page() if len(hosts) > 1 else self._app)(scope, receive, send)


def _handlers(rooms: list[ModuleType]) -> Mapping[str, Handler]:
    handlers: dict[str, Handler] = {}
    for room in rooms:
        for method, handler in getattr(room, "HANDLERS", {}).items():
            if method not in discovery.methods():
                raise LookupError(f"{room.__name__} handles {method}, which no discovery document describes")
            if method in handlers:
                raise LookupError(f"{method} has two handlers")
            handlers[method] = handler
    return handlers


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Keep the clock running while the application does."""
    ticking = asyncio.create_task(_run_clock(app.state.simulator))
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking


async def _run_clock(simulator: Simulator) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + TICK_SECONDS
    while True:
        await asyncio.sleep(STEP_SECONDS)
        try:
            simulator.timepiece.step()
        except (ClockStuck, ValueError) as error:
            simulator.timepiece.speed = 1.0
            logger.error("%s", error)  # noqa: TRY400 - the message says it all
        if loop.time() >= due or simulator.timepiece.speed != 1.0:
            due = loop.time() + TICK_SECONDS
            try:
                await simulator.tick()
            except Exception:
                # One room's mistake must not stop everybody's clock.
                logger.exception("a room failed when the clock moved")
