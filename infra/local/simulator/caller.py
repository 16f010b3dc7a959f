"""For which channel a call speaks: what every API asks before it shows or changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.simulator.errors import GoogleError, forbidden
from infra.local.simulator.world import Channel

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Call
    from infra.local.simulator.state import Simulator


def own_channel(simulator: Simulator, call: Call) -> Channel:
    """The channel that the token is for. Raises what YouTube answers when there is none, or none that may act."""
    channel_id = reader(call)
    channel = simulator.world.channel(channel_id) if channel_id else None
    if channel is None:
        raise GoogleError(
            401,
            "youtubeSignupRequired",
            "Unauthorized",
            domain="youtube.header",
            location="Authorization",
            location_type="header",
        )
    if channel.state == "closed":
        raise GoogleError(403, "channelClosed", "The channel has been closed.", domain="youtube.common")
    if channel.state == "suspended":
        raise GoogleError(403, "channelSuspended", "The channel has been suspended.", domain="youtube.common")
    return channel


def reader(call: Call) -> str | None:
    """The channel whose private things this call may see; None if the account has no channel."""
    if call.params.get("onBehalfOfContentOwner"):
        raise forbidden("youtube.common", "The account is not linked to this content owner.")
    return call.grant.channel_id
