"""Who is due, and the tasks that follow: a collector called without channels plans, called with some it collects.

Channels are put on shelves, a task each: the new reports of a shelf share load jobs, of which BigQuery allows
some 1,500 a table and day, and Cloud Tasks paces the shelves. A task is named by its shelf and for when, so a
trigger that arrives twice plans once. A channel's own id says where it stands: one that comes or goes between two
triggers moves nobody, and where that makes one shelf more, only those that stand on it now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

SHELF = 25  # channels, on average
STALE = timedelta(hours=25)  # the guide's threshold for a channel whose sync is overdue
QUEUE = "collect"

Enqueue = Callable[[str, str, str, Mapping[str, object]], bool]
"""(queue, task name, function, payload): True when newly queued."""


@dataclass(frozen=True)
class Candidate:
    """A connected channel, and when it was last collected from the source in question."""

    channel_id: str
    last_sync: datetime | None


def due(candidates: Iterable[Candidate], *, now: datetime, everything: bool) -> list[str]:
    """The channels to collect, in a stable order: all of them, or those whose last sync is missing or stale."""
    return sorted(
        candidate.channel_id
        for candidate in candidates
        if everything or candidate.last_sync is None or now - candidate.last_sync >= STALE
    )


def shelves(channel_ids: Iterable[str], size: int = SHELF) -> dict[int, list[str]]:
    """Channels by their shelf, some `size` of them on each, in the order given."""
    everyone = list(channel_ids)
    count = -(-len(everyone) // size)
    found: dict[int, list[str]] = {}
    for channel_id in everyone:
        found.setdefault(_shelf(channel_id, count), []).append(channel_id)
    return found


def _shelf(channel_id: str, count: int) -> int:
    """Jump consistent hashing, which is even, and where one shelf more takes its share from all the others.

    Source: Lamping and Veach, arxiv.org/abs/1406.2294.
    """
    key = int.from_bytes(hashlib.sha256(channel_id.encode()).digest()[:8])
    shelf = following = 0
    while following < count:
        shelf = following
        key = (key * 2862933555777941757 + 1) % 2**64
        following = int((shelf + 1) * (2**31 / ((key >> 33) + 1)))
    return shelf


def plan(function: str, channel_ids: Iterable[str], *, slot: str, enqueue: Enqueue) -> int:
    """Queue one task a shelf for `function`; answers how many were new. slot: the run that they belong to.

    What comes to a shelf after its task was queued waits for the next slot.
    """
    return sum(
        enqueue(QUEUE, f"{function} {slot} shelf {shelf}", function, {"channels": found})
        for shelf, found in sorted(shelves(channel_ids).items())
    )
