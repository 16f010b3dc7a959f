"""An hour of counts, read every five minutes as the schedule does: each is what YouTube said when it was read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra.local.demo import control
from infra.local.stack import Stack
from shared.collection.statistics.law import EVERY

if TYPE_CHECKING:
    from shared.warehouse.statements import Warehouse

RUNS = 12
NAMES = ("views", "likes", "comments")
_LATE = timedelta(seconds=5)
"""A row is dated when its answer has come; YouTube counted at most so much earlier."""

At = Mapping[str, Mapping[str, int | None]]
"""Of a channel at an instant: its videos' counts."""


@dataclass
class Counting:
    """calls, rows: of all runs. compared: counts; nulls: of these, that YouTube tells nobody.

    behind: by how many views the newest count of a video is behind the truth, on average, as the hour ends.
    """

    calls: int = 0
    rows: int = 0
    compared: int = 0
    nulls: int = 0
    behind: float = 0.0
    problems: list[str] = field(default_factory=list)


def count(stack: Stack, warehouse: Warehouse, channels: Sequence[str], counting: Counting) -> None:
    """Let an hour of runs pass, one video hiding its likes, and hold every row against the truth."""
    [hidden, *_] = control.ask(stack, "videos", channel_id=channels[0])["videos"]
    control.tell(stack, "videos", video_id=hidden["id"], hidden_counts=["likeCount"])
    for _ in range(RUNS):
        stack.advance(EVERY.total_seconds())
        answered = stack.trigger("collect-statistics")
        if answered["status"] != 200:
            counting.problems.append(f"collect-statistics answered {answered['status']}: {answered.get('body')}")
            return
        told = json.loads(answered["body"])
        counting.calls, counting.rows = counting.calls + told["calls"], counting.rows + told["rows"]
    table = warehouse.full_name("video_counts")
    rows = [dict(row) for row in warehouse.client.query(f"SELECT * FROM `{table}` ORDER BY as_of").result()]

    def truth(channel: str, at: datetime) -> At:
        told: At = control.ask(stack, "truth/counts", channel_id=channel, at=at.isoformat())
        return told

    hold(rows, truth, counting, stack.now())


def hold(
    rows: Iterable[Mapping[str, Any]], truth: Callable[[str, datetime], At], counting: Counting, now: datetime
) -> None:
    """Compare all rows, in the order of their reading, with the truth about a channel at an instant."""
    read, newest = defaultdict[tuple[str, datetime], list[Mapping[str, Any]]](list), dict[str, dict[str, int]]()
    for row in rows:
        read[row["channel_id"], row["as_of"]].append(row)
        if row["views"] is not None:
            newest.setdefault(row["channel_id"], {})[row["video_id"]] = row["views"]
    if (stored := sum(map(len, read.values()))) != counting.rows:
        counting.problems.append(f"{stored} rows of counts are stored, {counting.rows} were read")
    for (channel, at), together in read.items():
        before, after = truth(channel, at - _LATE), truth(channel, at)
        for row in together:
            _compare(row, before.get(row["video_id"], {}), after.get(row["video_id"], {}), counting)
    behind = [
        (true[video]["views"] or 0) - views
        for channel, videos in newest.items()
        for true in [truth(channel, now)]
        for video, views in videos.items()
        if video in true
    ]
    counting.behind = sum(behind) / max(1, len(behind))


def _compare(
    row: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], counting: Counting
) -> None:
    for name in NAMES:
        ours, least, most = row[name], before.get(name), after.get(name)
        counting.compared, counting.nulls = counting.compared + 1, counting.nulls + (ours is None)
        if ours != most and not (None not in {ours, least, most} and least <= ours <= most):
            where = f"{row['channel_id']} {row['video_id']} {name} at {row['as_of']:%H:%M:%S}"
            counting.problems.append(f"{where} is {ours} instead of {most}")
