"""Who is due, and the tasks that follow: a collector called without channels plans, called with some it collects.

Channels are put on shelves, a task each: the new reports of a shelf share load jobs, of which BigQuery allows
some 1,500 a table and day, and Cloud Tasks paces the shelves. A task is named by what it does and for when, so a
trigger that arrives twice plans once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

SHELF = 25
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


def shelves(channel_ids: Iterable[str], size: int = SHELF) -> Iterator[Sequence[str]]:
    """Channels in groups of `size`."""
    rest = iter(channel_ids)
    while shelf := list(islice(rest, size)):
        yield shelf


def plan(function: str, channel_ids: Iterable[str], *, slot: str, enqueue: Enqueue) -> int:
    """Queue one task a shelf for `function`; answers how many were new. slot: the run that they belong to."""
    return sum(
        enqueue(QUEUE, f"{function} {slot} {_fingerprint(shelf)}", function, {"channels": list(shelf)})
        for shelf in shelves(channel_ids)
    )


def _fingerprint(shelf: Sequence[str]) -> str:
    return hashlib.sha256(",".join(shelf).encode()).hexdigest()[:16]
