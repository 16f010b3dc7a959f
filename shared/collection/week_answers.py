"""What the warehouse says of the last seven days of every channel that is looked at: one question for all.

A question about one channel reads five tables, of which BigQuery bills 10 MiB each at least; asked for every page
of ten thousand channels that is most of the bill. So twice a day one question reads the week's partitions,
and its answers are kept in the cache, where a page finds them. Pages that ask for other days, for videos, or for a
channel at which nobody has looked for two days ask for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from shared.clock import PACIFIC, Clock
from shared.cloud.bigquery import WORK
from shared.cloud.firestore import Client
from shared.collection import cache
from shared.collection.cache import Entry
from shared.collection.numbers import week
from shared.paging import groups
from shared.warehouse.statements import DAYS_OF_CHANNELS, Statement, Warehouse, run

KIND = "weekAnswers"
AT = (0, 12)
"""O'clock Pacific: when another day is the last, and when most of a day's reports have come."""
_SOON = timedelta(minutes=5)  # a clock that is behind at midnight asks about the day that is over, too
_AT_ONCE = 8
_TOGETHER = 200  # channels whose answers are in memory


def due(now: datetime) -> bool:
    """Whether the hourly run has the question put."""
    return now.astimezone(PACIFIC).hour in AT


def key(start: date, end: date) -> str:
    """Under which the cache keeps a channel's days."""
    return f"reports:{start}:{end}"


def ask(client: Client, warehouse: Warehouse, clock: Clock) -> int:
    """Put the question, and keep what it answers about each channel; about how many. Safe to repeat.

    Nothing is asked while nobody looks at any channel.
    """
    now, looked_at = clock(), cache.looked_at(client, clock())
    if not looked_at:
        return 0
    start, end = week(now + _SOON)

    def keep(of_channel: tuple[str, Mapping[str, Any]]) -> None:
        channel_id, found = of_channel
        cache.keep(client, channel_id, key(start, end), Entry(value=found, fetched_at=now), clock())

    def answers() -> Iterator[tuple[str, Mapping[str, Any]]]:
        silent = set(looked_at)
        rows = asking(warehouse, DAYS_OF_CHANNELS, work=WORK, channels=looked_at, start=start, end=end)
        for channel_id, of_channel in groupby(rows, key=lambda row: str(row["channel_id"])):
            silent.discard(channel_id)
            yield channel_id, {row["date"]: row for row in of_channel}
        yield from ((channel_id, {}) for channel_id in sorted(silent))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in groups(answers(), _TOGETHER):
            list(pool.map(keep, some))
    return len(looked_at)


def asking(
    warehouse: Warehouse, statement: Statement, *, work: float = 20, **values: Any
) -> Iterator[dict[str, Any]]:
    """A statement's rows, as JSON has them. work: the seconds that it may take; a person waits."""
    for row in run(warehouse, statement, seconds=10, work=work, **values):
        yield {name: _json(value) for name, value in row.items()}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
