"""Says who publishes to a channel, and why a connection cannot publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import channels
from shared.channels import Capability
from shared.errors import Forbidden
from shared.youtube.policy import policy

if TYPE_CHECKING:
    from google.cloud.firestore import Client

FEATURE = "publish"


def publisher(client: Client, channel_id: str) -> str:
    """The user who connected a channel. Raises NotFound, or Forbidden for a connection that cannot publish."""
    channel = channels.get(client, channel_id)
    if not channel.working:
        raise Forbidden(f"The channel's connection does not work: {channel.state_reason}", reason=channel.state)
    if not channel.can(FEATURE):
        raise _cannot_publish(channel.capabilities.get(FEATURE))
    return channel.user_id


def _cannot_publish(capability: Capability | None) -> Forbidden:
    rule = policy().rules.get(capability.reason) if capability else None
    if rule is None:
        words = "This channel was connected without the permission to publish; connect it again and allow it."
        return Forbidden(words, reason="publishNotGranted")
    return Forbidden(f"{rule.says} When that is mended, connect the channel again.", reason=rule.reason)
