"""Plans who is collected when: a collector called without channels queues tasks, called with some it collects.

Channels are collected in batches, a task each: a batch's new reports share load jobs, of which BigQuery allows
some 1,500 a table and day, and each batch has its place in the order of a rate limit. A task is named by its batch
and for when, so a trigger that arrives twice plans once. A channel's own id says in which batch it is: one that
comes or goes between two triggers moves nobody, and where that makes one batch more, only those that are in it
now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.channels import Channel

BATCH = 25  # channels, on average
STALE = timedelta(hours=25)  # the guide's threshold for a channel whose collection is overdue
QUEUE = "collect"

_AT_ONCE = 8  # tasks queued side by side: each takes Cloud Tasks some 30 ms

Enqueue = Callable[[str, str, str, Mapping[str, object], datetime | None], bool]
"""(queue, task name, function, payload, when; None is now): True when newly queued."""

Book = Callable[..., Sequence[datetime]]
"""(how many calls each of several groups makes, not_before=None): from when each may run, one after another."""


def due(last_listed: Mapping[str, datetime | None], *, now: datetime, everything: bool) -> list[str]:
    """The channels to collect, in a stable order: all of them, or those whose last listing is missing or stale.

    Not the last sync: a report that cannot be read today is no reason to list a channel every hour.
    """
    return sorted(
        channel_id for channel_id, last in last_listed.items() if everything or last is None or now - last >= STALE
    )


def look_at(channel: Channel, listed: str, report_types: Sequence[str], now: datetime) -> datetime | None:
    """From when on the hourly run looks at a channel of which one report type was just listed.

    When the first of its types is overdue, and not before it was to be looked at.
    """
    oldest = replace(channel, last_listed={**channel.last_listed, listed: now}).listed(report_types)
    return max(filter(None, (channel.collect_at, oldest and oldest + STALE)), default=None)


def batches(channel_ids: Iterable[str], size: int = BATCH) -> dict[int, list[str]]:
    """Channels by the number of their batch, some `size` of them in each, in the order given."""
    everyone = list(channel_ids)
    count = -(-len(everyone) // size)
    found: dict[int, list[str]] = {}
    for channel_id in everyone:
        found.setdefault(_batch(channel_id, count), []).append(channel_id)
    return found


def _batch(channel_id: str, count: int) -> int:
    """Jump consistent hashing, which is even, and where one batch more takes its share from all the others.

    Source: Lamping and Veach, arxiv.org/abs/1406.2294.
    """
    key = int.from_bytes(hashlib.sha256(channel_id.encode()).digest()[:8])
    batch = following = 0
    while following < count:
        batch = following
        key = (key * 2862933555777941757 + 1) % 2**64
        following = int((batch + 1) * (2**31 / ((key >> 33) + 1)))
    return batch


def plan(
    function: str,
    channel_ids: Iterable[str],
    *,
    slot: str,
    enqueue: Enqueue,
    book: Book | None = None,
    calls: Callable[[str], int] = lambda _: 1,
    also: Mapping[str, Any] | None = None,
    size: int = BATCH,
) -> int:
    """Queue one task a batch for `function`; answers how many were new. slot: the run that they belong to.

    book: gives each batch its time; without it all run now. calls: how many calls a channel takes. also: what each
    task is told besides its channels. size: channels in a batch, on average.
    What comes to a batch after its task was queued waits for the next slot.
    """
    found = sorted(batches(channel_ids, size).items())
    times = book([sum(map(calls, ids)) for _, ids in found]) if book and found else [None] * len(found)

    def queue(batch: tuple[int, list[str]], when: datetime | None) -> bool:
        number, ids = batch
        return enqueue(
            QUEUE, f"{function} {slot} batch {number}", function, {"channels": ids, **(also or {})}, when
        )

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(queue, found, times))
