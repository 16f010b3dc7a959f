"""`channels.list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.simulator.caller import own_channel, reader
from infra.local.simulator.data import render
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.lists import SHARED, ids, listing, one_filter, paged, with_etag
from infra.local.simulator.data.refusals import refuse_unknown
from infra.local.simulator.errors import not_simulated
from infra.local.simulator.paging import Page
from infra.local.simulator.world import Channel

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator

FILTERS = ("mine", "id", "forHandle", "forUsername", "managedByMe", "mySubscribers", "categoryId")


def list_channels(simulator: Simulator, call: Call) -> Answer:
    """Channels by id or handle, or the token's own. A list without any channel has no `items` at all."""
    refuse_unknown(call, SHARED | set(FILTERS))
    chosen = one_filter(call, *FILTERS)
    library, now = simulator.room(Library), simulator.clock()
    found: list[Channel] = []
    if chosen == "mine":
        found = [own_channel(simulator, call)]
    elif chosen == "id":
        found = [channel for one in ids(call) if (channel := library.channel(one)) is not None]
    elif chosen == "forHandle":
        handle = "@" + call.params["forHandle"].removeprefix("@").lower()
        found = [one for one in simulator.world.channels() if one.handle.lower() == handle and one.state == "ok"]
    else:
        raise not_simulated(chosen)
    me = reader(call)
    if chosen == "id":  # All that were asked for come at once.
        shown = Page(found, len(found), None, None)
    else:
        shown = paged(call, found, of=f"channels/{chosen}/{call.params.get(chosen)}")
    if not shown.items:
        return with_etag(
            {"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0, "resultsPerPage": 5}},
        )
    parts = frozenset(call.parts)
    items = [
        render.channel(one, simulator.world.channel_counters(one.id, now), parts, owner=one.id == me)
        for one in shown.items
    ]
    return listing(call, "youtube#channelListResponse", items, shown)
