"""What the watch's conditions are decided from: one read each while all is well, and at most MOST of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from shared import data_map
from shared.access.disconnect import WAREHOUSE
from shared.access.receipts import Receipts
from shared.cloud.calls import call_options
from shared.cloud.firestore import where
from shared.watch.conditions import DEAD_LETTERS, ERASURES, MOST, OPERATIONS

if TYPE_CHECKING:
    from google.cloud.firestore import Client

RECENT = timedelta(days=1)
"""For how long a message that was given up is an alarm."""

Reader = Callable[["Client", datetime], list[datetime]]
"""Since when each thing is wrong, the oldest first, at most MOST."""


def _dead_letters(client: Client, now: datetime) -> list[datetime]:
    return _moments(client, data_map.DEAD_LETTERS.path, "at", ">", now - RECENT)


def _operations(client: Client, now: datetime) -> list[datetime]:
    return _moments(client, data_map.OPERATIONS.path, "due_at", "<=", now - OPERATIONS.after)


def _erasures(client: Client, now: datetime) -> list[datetime]:
    receipts = Receipts(client, lambda: now).unconfirmed(WAREHOUSE, page=MOST)
    return sorted(receipt.requested_at for receipt in islice(receipts, MOST))


def _moments(client: Client, collection: str, name: str, operator: str, bound: datetime) -> list[datetime]:
    """The first values of a field within a bound; no record is read, so none can be unreadable."""
    query = where(client.collection(collection), (name, operator, bound))
    found = query.order_by(name).select([name]).limit(MOST).stream(**call_options())
    return [each.get(name) for each in found]


READERS: Mapping[str, Reader] = {
    DEAD_LETTERS.key: _dead_letters,
    ERASURES.key: _erasures,
    OPERATIONS.key: _operations,
}
"""How each condition is read."""
