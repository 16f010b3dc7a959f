"""What the warehouse says of every channel that is looked at: its last seven days, and the videos published since.

BigQuery bills 10 MiB at least of each table that a question reads, so twice a day two questions are put for all,
and their answers are kept in the cache. Pages that ask for other days, for older videos, or for a channel at which
nobody has looked for two days ask for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from shared.clock import PACIFIC, Clock
from shared.cloud.bigquery import WORK
from shared.cloud.firestore import Client
from shared.collection import cache
from shared.collection.cache import Entry
from shared.collection.numbers import week
from shared.paging import groups
from shared.warehouse.statements import DAYS_OF_CHANNELS, NEW_VIDEOS_OF_CHANNELS, Statement, Warehouse, run

KIND = "weekAnswers"
AT = (0, 12)
"""O'clock Pacific: when another day is the last, and when most of a day's reports have come."""
_SOON = timedelta(minutes=5)  # a clock that is behind at midnight asks about the day that is over, too
_AT_ONCE = 8
_TOGETHER = 200  # channels whose answers are in memory
_channel = itemgetter("channel_id")


def due(now: datetime) -> bool:
    """Whether the hourly run has the question put."""
    return now.astimezone(PACIFIC).hour in AT


def key(start: date, end: date) -> str:
    """Under which the cache keeps a channel's days."""
    return f"reports:{start}:{end}"


def key_of(video_id: str) -> str:
    """Likewise, what is known of a video."""
    return f"reports:{video_id}"


def ask(client: Client, warehouse: Warehouse, clock: Clock) -> int:
    """Put the questions, if anybody looks at a channel, and keep the answers; about how many. Safe to repeat."""
    now, looked_at = clock(), cache.looked_at(client, clock())
    if not looked_at:
        return 0
    start, end = week(now + _SOON)
    asked = partial(asking, warehouse, work=WORK, channels=looked_at, start=start)
    rows = merge(asked(DAYS_OF_CHANNELS, end=end), asked(NEW_VIDEOS_OF_CHANNELS), key=_channel)

    def keep(of_channel: tuple[str, Mapping[str, Any]]) -> None:
        entries = {key: Entry(value=value, fetched_at=now) for key, value in of_channel[1].items()}
        cache.keep(client, of_channel[0], entries, clock())

    def answers() -> Iterator[tuple[str, Mapping[str, Any]]]:
        silent, days = set(looked_at), key(start, end)
        for channel_id, of_channel in groupby(rows, key=_channel):
            silent.discard(channel_id)
            found: dict[str, Any] = {days: {}}
            for row in of_channel:
                if "video_id" in row:
                    found[key_of(row["video_id"])] = row
                else:
                    found[days][row["date"]] = row
            yield channel_id, found
        yield from ((channel_id, {days: {}}) for channel_id in sorted(silent))

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
