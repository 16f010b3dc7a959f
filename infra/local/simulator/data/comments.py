"""`commentThreads.list` of a channel of one's own. Comments are counted and not simulated, so it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.simulator.caller import own_channel
from infra.local.simulator.data.lists import SHARED, listing
from infra.local.simulator.data.refusals import not_found, refuse_unknown

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator


def list_threads(simulator: Simulator, call: Call) -> Answer:
    """The comments of a channel, which must be the caller's."""
    refuse_unknown(call, SHARED | {"allThreadsRelatedToChannelId"})
    if call.params.get("allThreadsRelatedToChannelId") != own_channel(simulator, call).id:
        raise not_found("channel", "youtube.commentThread", "allThreadsRelatedToChannelId")
    return listing(call, "youtube#commentThreadListResponse", [])
