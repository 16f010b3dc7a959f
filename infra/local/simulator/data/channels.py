"""`channels.list`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infra.local.simulator.data import render
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.reader import (
    fresh,
    ids,
    listing,
    one_filter,
    own_channel,
    paged,
    reader,
    unknown_here,
)
from infra.local.simulator.world import Channel

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator

FILTERS = ("mine", "id", "forHandle", "forUsername", "managedByMe", "mySubscribers", "categoryId")


def list_channels(simulator: Simulator, call: Call) -> Answer:
    """Channels by id or handle, or the token's own. A list without any channel has no `items` at all."""
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
        raise unknown_here(chosen)
    me = reader(call)
    shown = paged(call, found, of=f"channels/{chosen}/{call.params.get(chosen)}")
    if chosen == "id":  # All that were asked for come at once.
        shown = paged(_unpaged(call), found, of="channels")
    if not shown.items:
        return fresh(
            call,
            {"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0, "resultsPerPage": 5}},
        )
    parts = frozenset(call.parts)
    items = [
        render.channel(one, simulator.world.channel_counters(one.id, now), parts, owner=one.id == me)
        for one in shown.items
    ]
    return listing(call, "youtube#channelListResponse", items, shown)


def _unpaged(call: Call) -> Call:
    params = {name: value for name, value in call.params.items() if name != "pageToken"}
    return replace(call, params={**params, "maxResults": 50})
