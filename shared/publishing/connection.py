"""Says who publishes to a channel, and why a connection cannot do some steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared import channels
from shared.channels import Capability
from shared.errors import Forbidden
from shared.publishing.plan import CAPTION, CAPTION_DELETE, kind
from shared.youtube.policy import policy

if TYPE_CHECKING:
    from google.cloud.firestore import Client


def feature(step: str) -> str:
    """The feature that a channel must have been connected with for a step."""
    return "captions" if kind(step) in {CAPTION, CAPTION_DELETE} else "publish"


def publisher(client: Client, channel_id: str, steps: Iterable[str]) -> str:
    """The user who connected a channel. Raises NotFound; Forbidden for a connection that cannot do the steps."""
    channel = channels.get(client, channel_id)
    if not channel.working:
        raise Forbidden(f"The channel's connection does not work: {channel.state_reason}", reason=channel.state)
    for needed in sorted({feature(step) for step in steps}):
        if not channel.can(needed):
            raise _cannot(needed, channel.capabilities.get(needed))
    return channel.user_id


def _cannot(needed: str, capability: Capability | None) -> Forbidden:
    rule = policy().rules.get(capability.reason) if capability else None
    if rule is None:
        words = f"This channel was connected without the feature {needed!r}; connect it again and allow it."
        return Forbidden(words, reason=f"{needed}NotGranted")
    return Forbidden(f"{rule.says} When that is mended, connect the channel again.", reason=rule.reason)
