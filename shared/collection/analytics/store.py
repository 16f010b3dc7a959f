"""Answers of the Analytics API as rows of the warehouse.

A task's answers are appended by one load job, then named by another in the manifest: who dies in between leaves
rows that nobody names. What is asked again is stored under another load id, and the newest counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.clock import format_instant
from shared.collection.analytics.plan import Request
from shared.collection.refusals import Storing
from shared.errors import CorruptData
from shared.warehouse.load import new_load_id
from shared.warehouse.tables import ANALYTICS_LOADS, ANALYTICS_ROWS
from shared.youtube.analytics import Cell, Table

UNREADABLE = "unreadableAnswer"
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request brought: rows, or the reason why there are none. Build the former by `answer_of`."""

    request: Request
    asked_at: datetime
    rows: tuple[Row, ...] = ()
    truncated: bool = False
    reason: str | None = None

    @property
    def newest(self) -> date | None:
        """The newest day that has numbers."""
        return max((date.fromisoformat(row["date"]) for row in self.rows), default=None)


def answer_of(request: Request, table: Table, asked_at: datetime) -> Answer:
    """A table as an answer. Raises CorruptData for one that is not what was asked for."""
    try:
        rows = tuple(_row(request, record) for record in table.records())
    except (KeyError, TypeError, ValueError) as error:
        message = f"YouTube Analytics answered {request.query.name} with what was not asked: {error!r}."
        raise CorruptData(message, reason=UNREADABLE) from error
    return Answer(request=request, asked_at=asked_at, rows=rows, truncated=table.truncated)


def _row(request: Request, record: Mapping[str, Cell]) -> Row:
    query = request.query
    given = {name: record[name] for name in query.dimensions if name not in {"day", "video"}}
    day = date.fromisoformat(str(record["day"])) if "day" in query.dimensions else request.start
    if not request.start <= day <= request.end:
        raise ValueError(f"{day} was not asked for")
    video = record["video"] if "video" in query.dimensions else request.video
    numbers = {name: _number(record[name]) for name in query.metrics}
    return {
        "date": day.isoformat(),
        "video_id": video or None,
        "dimensions": given or None,
        "metrics": {name: number for name, number in numbers.items() if number is not None},
    }


def _number(cell: Cell) -> float | None:
    if cell is not None and (isinstance(cell, str) or not math.isfinite(cell)):
        raise ValueError(f"{cell!r} is no number")
    return cell


def store(storing: Storing, told: Mapping[tuple[str, str], Sequence[Answer]]) -> set[str]:
    """Append all answers together and name them; the channels whose are named. Raises Unavailable and RateLimited.

    told: by channel and connection.
    """
    left, load_id = {channel for channel, _ in told}, new_load_id(storing.clock())
    for table, rows in ((ANALYTICS_ROWS, _rows), (ANALYTICS_LOADS, _named)):
        there = {
            of: [row for answer in some for row in rows(answer)] for of, some in told.items() if of[0] in left
        }
        left = set(storing.append(table, there, load_id))
    return left


def _rows(answer: Answer) -> Iterator[Row]:
    return ({"query": answer.request.query.name, **row} for row in answer.rows)


def _named(answer: Answer) -> Iterator[Row]:
    request = answer.request
    yield {
        "query": request.query.name,
        "subject": request.video,
        "kind": request.kind.value,
        "start_day": request.start.isoformat(),
        "end_day": request.end.isoformat(),
        "asked_at": format_instant(answer.asked_at),
        "row_count": len(answer.rows),
        "truncated": answer.truncated,
        "reason": answer.reason,
    }
