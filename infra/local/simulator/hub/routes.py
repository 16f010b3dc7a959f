"""The hub's addresses: where subscribers ask, and where tests look and meddle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.simulator.control import LARGEST, control_route
from infra.local.simulator.dispatch import guarded
from infra.local.simulator.errors import Shape
from infra.local.simulator.fields import Asked, one_of, optional, text, whole
from infra.local.simulator.hub.delivery import Signing
from infra.local.simulator.hub.feeds import notification
from infra.local.simulator.hub.hub import MODES, MOVED_TO, Hub
from infra.local.simulator.hub.subscriptions import Unfit, is_loopback, read_wish
from infra.local.simulator.state import Simulator, simulator_of

if TYPE_CHECKING:
    from infra.local.simulator.data.studio import Studio

SIGNINGS: tuple[Signing, ...] = get_args(Signing)
MOST_REPEATS = 1000
"""Deliveries of one feed that one control request may ask for."""


async def subscribe(request: Request) -> Response:
    """`POST /subscribe`: 202 and verified later, or verified first and 204 or 409 (`hub.verify=sync`)."""
    simulator = simulator_of(request)
    raw = await request.body()
    fields = parse_qs(raw.decode("utf-8", errors="replace"), keep_blank_values=True)
    form = {name: values[-1] for name, values in fields.items()}

    async def produce() -> Response:
        hub = simulator.room(Hub)
        if hub.mode == "moved" and request.url.path != MOVED_TO:
            return Response(status_code=308, headers={"Location": hub.location})
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
    if hub.mode in ("unavailable", "dead"):
        return PlainTextResponse(
            "Transient error; please try again later", status_code=503, headers={"Retry-After": "120"}
        )
    wish = read_wish(form, verify)
    if isinstance(wish, Unfit):
        return PlainTextResponse(wish.message, status_code=400)
    if hub.mode == "restricted topic":
        return PlainTextResponse("Restricted topic", status_code=400)
    _studio(simulator)  # From the first subscription on, somebody has to look for new videos.
    if wish.sync:
        if await hub.verify(wish):
            return Response(status_code=204)
        return PlainTextResponse("Error trying to confirm subscription", status_code=409)
    hub.verify_later(wish)
    return Response(status_code=202)


def _studio(simulator: Simulator) -> Studio:
    """Where videos are written, which announces them."""
    # The studio knows the hub, so the hub's modules cannot know the studio while they load.
    from infra.local.simulator.data.studio import Studio

    return simulator.room(Studio)


def _show(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    """Mode, subscriptions, verifications, deliveries with every answer. No secrets."""
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
    return {
        "mode": hub.mode,
        "signing": hub.signing,
        "subscriptions": subscriptions,
        "verifications": list(hub.verifications),
        "deliveries": [one.as_json() for one in hub.deliveries],
    }


def _set_mode(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"mode"?, "signing"?, "location"?}: how the hub behaves from now on."""
    hub = simulator.room(Hub)
    hub.mode, hub.signing = asked.get("mode", hub.mode), asked.get("signing", hub.signing)
    hub.location = asked.get("location", hub.location)
    return {"mode": hub.mode, "signing": hub.signing}


async def _deliver(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Force deliveries, and answer when their first attempts are over.

    {"number", "times"?}: once more what that delivery held. {"video_id"}: a notification about a video.
    {"channel_id", "body"}: any body at all. Each with "signing"?.
    """
    hub, signing = simulator.room(Hub), asked.get("signing")
    if "number" in asked:
        made = [hub.repeat(asked["number"], signing) for _ in range(asked.get("times", 1))]
    elif "body" in asked:
        made = hub.send(asked["channel_id"], "", "other", asked["body"].encode(), signing)
    else:
        studio = _studio(simulator)
        video = studio.library.find(asked["video_id"])
        if video is None:
            raise ValueError("video_id is no video that exists")
        body = notification(studio.entry(video))
        made = hub.send(video.channel_id, video.id, "notification", body, signing)
    await hub.settle()
    return {"deliveries": [one.as_json() for one in made]}


async def _deny(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"topic", "callback", "reason"?}: end a subscription from the hub's side and tell its callback."""
    hub = simulator.room(Hub)
    if not is_loopback(asked["callback"]):
        raise ValueError("callback: this hub calls http addresses of this machine only")
    return {"answer": await hub.deny(asked["topic"], asked["callback"], asked.get("reason", ""))}


async def _settle(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    """Answer once nothing is on its way any more; retries that are not due stay."""
    hub = simulator.room(Hub)
    _studio(simulator).look(force=True)
    hub.tick()
    await hub.settle()
    return {}


ROUTES: Sequence[BaseRoute] = (
    Route("/subscribe", subscribe, methods=["POST"]),
    Route("/", subscribe, methods=["POST"]),
    Route(MOVED_TO, subscribe, methods=["POST"]),
    control_route("GET", "/control/hub", _show),
    control_route(
        "POST",
        "/control/hub",
        _set_mode,
        fields={"mode": one_of(MODES), "signing": one_of(SIGNINGS), "location": text},
    ),
    control_route(
        "POST",
        "/control/hub/deliver",
        _deliver,
        fields={
            "number": whole(1, LARGEST),
            "times": whole(1, MOST_REPEATS),
            "video_id": text,
            "channel_id": text,
            "body": text,
            "signing": optional(one_of(SIGNINGS)),
        },
    ),
    control_route("POST", "/control/hub/deny", _deny, fields={"topic": text, "callback": text, "reason": text}),
    control_route("POST", "/control/hub/settle", _settle),
)
