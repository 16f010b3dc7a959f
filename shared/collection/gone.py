"""Takes back what work that was under way stored of connections that ended meanwhile.

A disconnect deletes what Firestore holds of a channel and asks `ingest` to erase its rows. Whoever writes
meanwhile looks afterwards whether the channel is still connected (of reports: whether its place stands, `places`),
and takes his writing back if not. That leaves no gap: a channel that is connected then is disconnected later, and
that disconnect finds whatever was written. Who dies before he looks leaves rows, which a daily audit finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from shared import channels
from shared.access.disconnect import ERASE, WAREHOUSE
from shared.access.receipts import Receipts
from shared.clock import Clock, pacific_day
from shared.cloud.firestore import Client, documents
from shared.collection import packs, places
from shared.collection.jobs import KEPT
from shared.collection.messages import ToIngest
from shared.collection.places import Place
from shared.errors import NotFound
from shared.monitoring.log import log
from shared.tokens.health import DISCONNECTING
from shared.warehouse.erase import connections_held, erase_rows, named_reports
from shared.warehouse.statements import Warehouse

UNREADABLE = ""
"""The connection of a channel whose record does not say which: it has not ended as far as anybody knows."""
_LATE = timedelta(days=10)  # a message lives for seven days, so a load writes no later


def connections(client: Client, channel_ids: Iterable[str]) -> dict[str, str]:
    """The connections of those of these channels that are connected and not being disconnected. One read each."""
    found = documents(client, channels.COLLECTION, sorted(set(channel_ids)), ["state", "connected_at"])
    stored = ((each.id, connection_in(each.id, each.to_dict() or {})) for each in found)
    return {channel_id: connection for channel_id, connection in stored if connection is not None}


def connection_in(channel_id: str, fields: Mapping[str, Any]) -> str | None:
    """The connection that a channel's document tells of; None for one that is being disconnected."""
    if fields.get("state") == DISCONNECTING:
        return None
    at = fields.get("connected_at")
    return channels.connection_of(channel_id, at) if isinstance(at, datetime) else UNREADABLE


def placed(client: Client, wanted: Mapping[str, str]) -> dict[str, Place]:
    """Give channels a place in a pack for their connections. Whose connection has ended meanwhile is left out."""
    found, new = places.take(client, wanted)
    for channel_id in ended(client, {channel_id: wanted[channel_id] for channel_id in new}) if new else ():
        places.forget(client, channel_id, found.pop(channel_id).connection)
    return found


def ended(client: Client, held: Mapping[str, str]) -> set[str]:
    """The channels whose connections have ended. held: each with the connection that it had when a load began."""
    return {channel_id for channel_id, _ in over(held.items(), connections(client, held))}


def over(held: Iterable[tuple[str, str]], standing: Mapping[str, str]) -> list[tuple[str, str]]:
    """Of some channels and connections, those that are not among the standing, in order."""
    return [(name, each) for name, each in sorted(held) if standing.get(name) not in {each, UNREADABLE}]


def erase(warehouse: Warehouse, client: Client, channel_id: str, connection: str) -> None:
    """Erase the rows of a connection that has ended. Safe to repeat."""
    erase_rows(warehouse, channel_id, connection)
    # The coverage of a channel that is connected again must not count on them.
    packs.unload(client, channel_id, connection)
    log("NOTICE", "a connection's rows were erased", channel=channel_id, connection=connection)


def erase_for_receipt(
    warehouse: Warehouse, client: Client, channel_id: str, receipt_id: str, clock: Clock
) -> None:
    """Erase what a disconnect asked for, unless the connection stands; the receipt says how many reports.

    What is found is noted first: a run that dies after a deletion could not count it again.
    """
    if not ended(client, {channel_id: receipt_id}):
        log("ERROR", "a connection that stands was to be erased", channel=channel_id, connection=receipt_id)
        return
    receipts, known = Receipts(client, clock), True
    try:
        receipts.found(receipt_id, WAREHOUSE, named_reports(warehouse, channel_id, receipt_id))
    except NotFound:
        known = False
        log("WARNING", "rows without a receipt are erased", channel=channel_id, connection=receipt_id)
    erase(warehouse, client, channel_id, receipt_id)
    if known:
        receipts.confirm(receipt_id, WAREHOUSE)


def audit(warehouse: Warehouse, client: Client, to_ingest: ToIngest, clock: Clock) -> int:
    """Find the rows of connections that have ended, and ask for each to be erased; how many those are."""
    since = pacific_day(clock()) - KEPT - _LATE
    held = connections_held(warehouse, since=since)
    ended = over(held, connections(client, (channel_id for channel_id, _ in held)))
    for channel_id, connection in ended:
        log("WARNING", "rows of an ended connection are left", channel=channel_id, connection=connection)
        to_ingest(ERASE, {"channel_id": channel_id, "receipt": connection})
    return len(ended)
