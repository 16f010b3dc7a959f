"""The hub's addresses: where subscribers ask, and where tests look and meddle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.simulator.dispatch import guarded
from infra.local.simulator.errors import Shape
from infra.local.simulator.hub.delivery import Signing
from infra.local.simulator.hub.hub import MODES, Hub
from infra.local.simulator.hub.subscriptions import Unfit, Wish, read_wish

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

SIGNINGS: tuple[Signing, ...] = get_args(Signing)


def _simulator(request: Request) -> Simulator:
    return request.app.state.simulator  # type: ignore[no-any-return]


async def subscribe(request: Request) -> Response:
    """`POST /subscribe`: 202 and verified later, or verified first and 204 or 409 (`hub.verify=sync`)."""
    simulator = _simulator(request)
    raw = await request.body()
    fields = parse_qs(raw.decode("utf-8", errors="replace"), keep_blank_values=True)
    form = {name: values[-1] for name, values in fields.items()}

    async def produce() -> Response:
        return await _subscribe(simulator, form, fields.get("hub.verify", []))

    return await guarded(
        simulator,
        "hub.subscribe",
        request,
        params=lambda: {name.removeprefix("hub."): value for name, value in form.items()},
        shape=Shape.OAUTH,
        produce=produce,
    )


async def _subscribe(simulator: Simulator, form: dict[str, str], verify: list[str]) -> Response:
    hub = simulator.room(Hub)
    if hub.mode == "unavailable":
        return PlainTextResponse(
            "Transient error; please try again later", status_code=503, headers={"Retry-After": "120"}
        )
    wish = read_wish(form, verify)
    if isinstance(wish, Unfit):
        return PlainTextResponse(wish.message, status_code=400)
    if hub.mode == "restricted topic":
        return PlainTextResponse("Restricted topic", status_code=400)
    _wake_studio(simulator)
    if wish.sync:
        if await hub.verify(wish):
            return Response(status_code=204)
        return PlainTextResponse("Error trying to confirm subscription", status_code=409)
    hub.background(_verify_later(hub, wish))
    return Response(status_code=202)


async def _verify_later(hub: Hub, wish: Wish) -> None:
    await hub.verify(wish)


def _wake_studio(simulator: Simulator) -> None:
    """From the first subscription on, somebody has to look for new videos."""
    # The studio knows the hub, so the hub's modules cannot know the studio when they load.
    from infra.local.simulator.data.studio import Studio  # noqa: PLC0415

    simulator.room(Studio)


async def show(request: Request) -> JSONResponse:
    """`GET /control/hub`: mode, subscriptions, verifications, deliveries with every answer. No secrets."""
    simulator = _simulator(request)
    hub, now = simulator.room(Hub), simulator.clock()
    subscriptions = [
        {
            "topic": one.topic,
            "channel_id": one.channel_id,
            "callback": one.callback,
            "verified": one.verified.isoformat(),
            "expires": one.expires.isoformat(),
            "alive": one.expires > now,
            "signed": one.secret is not None,
        }
        for one in hub.subscriptions.everything()
    ]
    return JSONResponse(
        {
            "mode": hub.mode,
            "signing": hub.signing,
            "subscriptions": subscriptions,
            "verifications": list(hub.verifications),
            "deliveries": [one.as_json() for one in hub.deliveries],
        }
    )


async def set_mode(request: Request) -> JSONResponse:
    """`POST /control/hub` {"mode"?, "signing"?}: how the hub behaves from now on."""
    hub, body = _simulator(request).room(Hub), await request.json()
    mode, signing = body.get("mode", hub.mode), body.get("signing", hub.signing)
    if mode not in MODES or signing not in SIGNINGS:
        return JSONResponse({"error": f"mode: {MODES}; signing: {SIGNINGS}"}, status_code=400)
    hub.mode, hub.signing = mode, signing
    return JSONResponse({"mode": hub.mode, "signing": hub.signing})


async def deliver(request: Request) -> JSONResponse:
    """`POST /control/hub/deliver`: force a delivery, and wait for its first attempt.

    {"number", "times"?}: once more what that delivery held. {"video_id"}: a notification about a video.
    {"channel_id", "body"}: any body at all. Each with "signing"?.
    """
    simulator, body = _simulator(request), await request.json()
    hub, signing = simulator.room(Hub), body.get("signing")
    made: list[Any] = []
    if "number" in body:
        made = [hub.repeat(int(body["number"]), signing) for _ in range(int(body.get("times", 1)))]
    elif "body" in body:
        made = list(hub.send(body["channel_id"], "", "other", body["body"].encode(), signing))
    else:
        made = list(_notify(simulator, body["video_id"], signing))
    await hub.settle()
    return JSONResponse({"deliveries": [one.as_json() for one in made if one is not None]})


def _notify(simulator: Simulator, video_id: str, signing: Signing | None) -> list[Any]:
    from infra.local.simulator.data.studio import Studio  # noqa: PLC0415 - see _wake_studio
    from infra.local.simulator.hub.feeds import notification  # noqa: PLC0415

    studio = simulator.room(Studio)
    video = studio.library.find(video_id)
    if video is None:
        return []
    body = notification(studio.entry(video))
    return list(studio.hub.send(video.channel_id, video.id, "notification", body, signing))


async def deny(request: Request) -> JSONResponse:
    """`POST /control/hub/deny` {"topic", "callback", "reason"?}: end a subscription and tell its callback."""
    hub, body = _simulator(request).room(Hub), await request.json()
    status = await hub.deny(body["topic"], body["callback"], body.get("reason", ""))
    return JSONResponse({"answer": status})


async def settle(request: Request) -> JSONResponse:
    """`POST /control/hub/settle`: answer once nothing is on its way any more."""
    hub = _simulator(request).room(Hub)
    hub.tick()
    await hub.settle()
    return JSONResponse({})


ROUTES: Sequence[BaseRoute] = (
    Route("/subscribe", subscribe, methods=["POST"]),
    Route("/", subscribe, methods=["POST"]),
    Route("/control/hub", show, methods=["GET"]),
    Route("/control/hub", set_mode, methods=["POST"]),
    Route("/control/hub/deliver", deliver, methods=["POST"]),
    Route("/control/hub/deny", deny, methods=["POST"]),
    Route("/control/hub/settle", settle, methods=["POST"]),
)
