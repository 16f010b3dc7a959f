"""Channels that were disconnected: what was under way for them when they went must not bring their data back.

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
from shared.cloud.firestore import patience
from shared.collection.completeness import Ledger
from shared.monitoring.log import log
from shared.tokens.health import DISCONNECTING
from shared.warehouse.erase import erase_rows
from shared.warehouse.load import load_id_at

if TYPE_CHECKING:
    from google.cloud import bigquery, firestore


def disconnected(state: firestore.Client, channel_ids: Iterable[str]) -> set[str]:
    """Of these channels, those that are not connected, or are being disconnected. One read each."""
    asked = sorted(set(channel_ids))
    references = [state.document(channels.COLLECTION, channel_id) for channel_id in asked]
    connected = {
        found.id
        for found in state.get_all(references, ["state"], **patience())
        if found.exists and found.get("state") != DISCONNECTING
    }
    return set(asked) - connected


def erase(
    warehouse: bigquery.Client, dataset: str, state: firestore.Client, channel_id: str, *, before: datetime
) -> int:
    """Erase a channel's rows of loads that began before an instant; answers how many reports those were.

    Where the channel was connected again meanwhile, the ledger must not count on rows that are gone: those reports
    are handed over once more. Safe to repeat.
    """
    limit = load_id_at(before)
    erased = erase_rows(warehouse, dataset, channel_id, before=limit)
    Ledger(state).unload(channel_id, before=limit)
    log("NOTICE", "a channel's rows were erased", channel=channel_id, reports=erased)
    return erased


def take_back(
    warehouse: bigquery.Client, dataset: str, state: firestore.Client, channel_ids: Iterable[str], *, clock: Clock
) -> set[str]:
    """Of the channels that a load was about, those that are not connected: what was stored of them is deleted."""
    before = clock()  # read first: loads of a new connection begin later
    left = disconnected(state, channel_ids)
    for channel_id in left:
        Ledger(state).forget(channel_id)
    for channel_id in left:
        erase(warehouse, dataset, state, channel_id, before=before)
    return left


def erase_for_receipt(
    warehouse: bigquery.Client,
    dataset: str,
    state: firestore.Client,
    channel_id: str,
    *,
    receipt_id: str,
    clock: Clock,
) -> None:
    """Erase what a disconnect asked for, and note on its receipt how many reports that were.

    Loads that began after the disconnect are a new connection's, or take themselves back. Raises NotFound for a
    receipt that does not exist.
    """
    receipts = Receipts(state, clock)
    before = receipts.get(receipt_id).requested_at
    receipts.note(receipt_id, WAREHOUSE, erase(warehouse, dataset, state, channel_id, before=before))
