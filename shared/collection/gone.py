"""Takes back what work that was under way stored of channels that were disconnected meanwhile.

A disconnect deletes what Firestore holds of a channel and asks `ingest` to erase its rows. A listing or a load
that was under way at that moment writes once more; so whoever has written looks afterwards whether the channel is
still connected, and takes his writing back if not. Looking afterwards leaves no gap: a channel that is connected
then is disconnected later, and whatever was written by then is found by that disconnect.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from shared import channels
from shared.access.disconnect import WAREHOUSE
from shared.access.receipts import Receipts
from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.collection.coverage import Coverage
from shared.monitoring.log import log
from shared.tokens.health import DISCONNECTING
from shared.warehouse.erase import erase_rows
from shared.warehouse.load import load_id_at
from shared.warehouse.statements import Warehouse

if TYPE_CHECKING:
    from google.cloud.firestore import Client


def disconnected(client: Client, channel_ids: Iterable[str]) -> set[str]:
    """Of these channels, those that are not connected, or are being disconnected. One read each."""
    asked = sorted(set(channel_ids))
    references = [client.document(channels.COLLECTION, channel_id) for channel_id in asked]
    connected = {
        found.id
        for found in client.get_all(references, ["state"], **call_options())
        if found.exists and found.get("state") != DISCONNECTING
    }
    return set(asked) - connected


def forget(client: Client, channel_ids: Iterable[str]) -> set[str]:
    """Delete the coverage of those of these channels that are not connected; answers which they are."""
    left = disconnected(client, channel_ids)
    for channel_id in left:
        Coverage(client).forget(channel_id)
    return left


def take_back(warehouse: Warehouse, client: Client, channel_ids: Iterable[str], *, clock: Clock) -> set[str]:
    """Delete all that a load has stored of channels that are not connected; answers which they are."""
    before = clock()  # read first: loads of a new connection begin later
    left = forget(client, channel_ids)
    for channel_id in left:
        erase(warehouse, client, channel_id, before=before)
    return left


def erase(warehouse: Warehouse, client: Client, channel_id: str, *, before: datetime) -> int:
    """Erase a channel's rows of loads that began before an instant; answers how many reports those were.

    Where the channel was connected again meanwhile, the coverage must not count on rows that are gone: those
    reports are dispatched once more. Safe to repeat.
    """
    limit = load_id_at(before)
    erased = erase_rows(warehouse, channel_id, before=limit)
    Coverage(client).unload(channel_id, before=limit)
    log("NOTICE", "a channel's rows were erased", channel=channel_id, reports=erased)
    return erased


def erase_for_receipt(
    warehouse: Warehouse, client: Client, channel_id: str, *, receipt_id: str, clock: Clock
) -> None:
    """Erase what a disconnect asked for, and note on its receipt how many reports that were.

    Loads that began after the disconnect are a new connection's, or take themselves back. Raises NotFound for a
    receipt that does not exist.
    """
    receipts = Receipts(client, clock)
    before = receipts.get(receipt_id).requested_at
    receipts.note(receipt_id, WAREHOUSE, erase(warehouse, client, channel_id, before=before))
