"""The guide's two tables, cell by cell, of some channels: the truth's value, or NULL with the true reason.

Of these channels the Analytics API is asked, too, and their videos are read; their reports' certificates are
verified. One has no revenue, one's owner has not allowed it, another takes everything back; a video is deleted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from infra.local.demo import control
from infra.local.demo.connect import Person
from infra.local.stack import Stack
from shared.clock import parse_instant
from shared.collection.numbers import LIFE, Level

if TYPE_CHECKING:
    from google.cloud.firestore import Client as Firestore

    from shared.warehouse.statements import Warehouse

METRICS, VIDEOS = "youtube_metrics", "video_performance"
SAMPLE = 6
"""Channels that Analytics is asked about, some thirty queries each on the first day: not all of a network."""
RUNS = 3
"""The first reads the recent days, the others the history before them."""
NIGHTS = 3
"""A video that is absent from YouTube's answers on two nights is gone; on the first it is still there."""
_NIGHT = timedelta(days=1)
_HOUR = timedelta(hours=1)
_COUNTS = ("views", "likes", "dislikes", "comments", "shares", "watch_time_minutes", "engaged_views")
COLUMNS: Mapping[str, Mapping[str, tuple[str, Decimal]]] = {
    METRICS: {
        "views": ("views_reason", Decimal(0)),
        "watch_time_minutes": ("watch_time_minutes_reason", Decimal("0.01")),
        "subscribers_gained": ("subscribers_reason", Decimal(0)),
        "subscribers_lost": ("subscribers_reason", Decimal(0)),
        "estimated_revenue": ("estimated_revenue_reason", Decimal("0.01")),
        "impressions": ("impressions_reason", Decimal(0)),
        "click_through_rate": ("click_through_rate_reason", Decimal("0.0001")),
        "average_view_duration": ("average_view_duration_reason", Decimal("0.01")),
        "engaged_views": ("engaged_views_reason", Decimal(0)),
    },
    VIDEOS: {
        **{name: ("counts_reason", Decimal("0.01") if "minutes" in name else Decimal(0)) for name in _COUNTS},
        "published_at": ("published_at_reason", Decimal(0)),
        "retention_data": ("retention_data_reason", Decimal(0)),
    },
}
"""The guide's columns: which one says why it is NULL, and how far a rounded number may be from the truth."""
REASONS: Mapping[str, str | tuple[str, ...]] = {
    "notYet": "not yet",
    "neverIssued": "never issued",
    "beforeReports": "before reports",
    "notMonetised": "refused: not in the Partner Program",
    "notPermitted": "refused: the permission",
    "noImpressions": "no impressions",
    "noEngagedViews": "no engaged views",
    "notReported": "not yet: no report tells of the video",
    "tooFewViews": "empty",
    "gone": ("gone", "refused: videoNotFound"),
}
"""How a reason of the warehouse begins, by the simulator's word for it."""
NOT_ASKED = "not yet: Analytics has not been asked for it"
"""The reason of a curve that the day's budget did not reach, which the simulator has seen nobody ask for."""


@dataclass
class Cells:
    """What was compared of a table. by_column: cells that have a value; nulls: those that have none, by reason."""

    compared: int = 0
    by_column: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """Channels that are looked at closely. unticked: revenue is not allowed; revoked: everything is taken back."""

    channels: Sequence[str]
    unticked: Collection[str]
    revoked: Collection[str]


def sample(stack: Stack, everybody: Sequence[Person]) -> Sample:
    """Choose channels: people's first, one outside the Partner Program, and two for what their owners refuse."""
    some = [person.channels[0] for person in (*everybody[: SAMPLE - 1], everybody[-1])]
    accounts = control.ask(stack, "world")["accounts"]
    earning = {each["id"] for account in accounts for each in account["channels"] if each["monetised"]}
    others = [channel for person in everybody for channel in person.channels[1:-1]]
    poor = [channel for channel in (*some, *others) if channel not in earning][:1]
    unticked, revoked = ([each for each in others if each not in poor][at : at + 1] for at in range(2))
    return Sample(tuple(dict.fromkeys((*some, *poor, *unticked, *revoked))), unticked, revoked)


def prepare(stack: Stack, chosen: Sample) -> set[tuple[str, str]]:
    """Read the sample's videos by night, one of which is deleted after the first, then ask Analytics about it all.

    Whose permission is taken back, Analytics was never asked about. Answers the channels' days that it did not
    tell yet when it was asked for recent days, which this Pacific day does no more.
    """
    for night in range(NIGHTS):
        if night:
            stack.advance(_NIGHT.total_seconds())
        control.call(stack, "collect_metadata", channels=list(chosen.channels))
        if not night:
            _delete_one(stack, chosen.channels[0])
    for channel in chosen.revoked:
        control.tell(stack, "grants", action="revoke", channel_id=channel)
    untold = _untold(stack, chosen.channels)
    for _ in range(RUNS):  # hourly: a person's channels share a minute's queries
        control.call(stack, "collect_analytics", channels=list(chosen.channels))
        stack.advance(_HOUR.total_seconds())
    return untold


def _untold(stack: Stack, channel_ids: Sequence[str]) -> set[tuple[str, str]]:
    """The last days of channels that nothing tells of yet."""
    today = stack.now().date()
    span = {"from": (today - timedelta(days=6)).isoformat(), "to": today.isoformat()}
    return {
        (channel, day)
        for channel in channel_ids
        for day, cells in control.ask(stack, "truth/metrics", channel_id=channel, **span)["days"].items()
        if cells["views"].get("reason") == "notYet"
    }


def _delete_one(stack: Stack, channel_id: str) -> None:
    """Delete the most watched of a channel's videos."""
    videos = control.ask(stack, "videos", channel_id=channel_id)["videos"]
    watched = max(videos, key=lambda video: video["views"] or 0, default=None)
    if watched is not None:
        control.tell(stack, "videos", video_id=watched["id"], delete=True)


def compared(
    stack: Stack,
    warehouse: Warehouse,
    channel_ids: Sequence[str],
    last: date,
    untold: Collection[tuple[str, str]] = (),
) -> dict[str, Cells]:
    """Every cell of some channels' videos and of their 46 days until the last, held against the truth.

    untold: channels' days that YouTube did not tell yet when they were asked for.
    """
    first = last - timedelta(days=45)
    span = {"from": first.isoformat(), "to": last.isoformat()}
    asked = control.ask(stack, "requests", method="youtubeAnalytics.reports.query", limit="20000")["requests"]
    days, videos = (
        {channel: control.ask(stack, path, channel_id=channel, **about)[kind] for channel in channel_ids}
        for path, kind, about in (("truth/metrics", "days", span), ("truth/videos", "videos", {}))
    )
    metrics = _rows(warehouse, METRICS, channel_ids, "date")
    return {
        METRICS: compare_cells(METRICS, metrics, days, untold=untold),
        VIDEOS: compare_cells(
            VIDEOS,
            _rows(warehouse, VIDEOS, channel_ids, "video_id"),
            videos,
            asked=frozenset(each["filters"].removeprefix("video==") for each in asked),
        ),
    }


def _rows(
    warehouse: Warehouse, table: str, channel_ids: Sequence[str], key: str
) -> dict[tuple[str, str], Mapping[str, Any]]:
    parameter = bigquery.ArrayQueryParameter("channels", "STRING", list(channel_ids))
    query = f"SELECT * FROM `{warehouse.full_name(table)}` WHERE channel_id IN UNNEST(@channels)"
    rows = warehouse.client.query(query, bigquery.QueryJobConfig(query_parameters=[parameter])).result()
    return {(row["channel_id"], str(row[key])): row for row in rows}


def compare_cells(
    table: str,
    rows: Mapping[tuple[str, str], Mapping[str, Any]],
    truth: Mapping[str, Any],
    asked: Collection[str] = (),
    untold: Collection[tuple[str, str]] = (),
) -> Cells:
    """Hold a table's rows, by channel and day or video, against the truth about channels.

    What has no row has NULL everywhere. asked: the videos for whose retention Analytics was asked. untold: what
    YouTube did not tell yet when it was asked, and may have no row therefore.
    """
    found = Cells()
    for channel, subjects in truth.items():
        for subject, cells in subjects.items():
            row, unasked = rows.get((channel, subject)), subject not in asked
            if row is None and (channel, subject) in untold:
                found.compared += len(cells)
                found.nulls["notYet"] += len(cells)
                continue
            for column, true in cells.items():
                why = "no row" if row is None else str(row[COLUMNS[table][column][0]])
                if unasked and column == "retention_data" and why == NOT_ASKED:
                    found.compared, found.nulls["notAsked"] = found.compared + 1, found.nulls["notAsked"] + 1
                else:
                    _compare(found, f"{channel} {subject}", (table, column), row, true)
    return found


def _compare(
    found: Cells, where: str, of: tuple[str, str], row: Mapping[str, Any] | None, true: Mapping[str, Any]
) -> None:
    table, column = of
    reason, slack = COLUMNS[table][column]
    found.compared += 1
    shown = None if row is None else row[column]
    why = "no row" if row is None else str(row[reason])
    where = f"{where} {column}"
    if "reason" in true:
        found.nulls[true["reason"]] += 1
        if shown is not None or (row is not None and not why.startswith(REASONS[true["reason"]])):
            found.differences.append(f"{where} is {shown} ({why}) instead of NULL: {true['reason']}")
    else:
        found.by_column[column] += 1
        right = true["value"]
        if column == "estimated_revenue":
            right = as_of(right, None if row is None else row["estimated_revenue_as_of"])
        if shown is None or right is None or not same(column, shown, right, slack):
            found.differences.append(f"{where} is {shown} ({why}) instead of {right}")


def same(column: str, shown: Any, right: Any, slack: Decimal = Decimal(0)) -> bool:
    """Whether a column's value is the true one, but for what it is rounded by."""
    if column == "published_at":
        return bool(parse_instant(right) == shown)
    if column == "retention_data":
        points = json.loads(shown) if isinstance(shown, str) else shown
        return bool([[point["at"], point["watching"], point["relative"]] for point in points] == right)
    return abs(Decimal(str(shown)) - Decimal(str(right))) <= slack


def as_of(steps: Iterable[tuple[str, float]], at: datetime | None) -> float | None:
    """Of a number that is told in steps, what was told at an instant."""
    told = [number for since, number in steps if at is not None and datetime.fromisoformat(since) <= at]
    return told[-1] if told else None


def levels(stack: Stack, warehouse: Warehouse, channel_ids: Sequence[str], since: date) -> dict[str, int]:
    """How many numbers each of the guide's levels answers, for somebody who asks now."""
    from infra.levels import LEVELS
    from shared.warehouse.statements import run

    now, found = stack.now(), {level.name.lower(): 0 for level in Level}
    analytics, data = (now - LIFE[level] for level in (Level.ANALYTICS, Level.DATA))
    asked: dict[str, Any] = {
        "channels": channel_ids,
        "since": since,
        "analytics_since": analytics,
        "data_since": data,
    }
    for row in run(warehouse, LEVELS, **asked):
        found[row["level"]] += row["numbers"]
    return found


def certified(
    stack: Stack, client: Firestore, warehouse: Warehouse, channel_ids: Sequence[str]
) -> Iterator[tuple[int, list[str]]]:
    """Verify the certificates of some channels: of each month how many days it certifies, and what differs."""
    from infra.verifying import verified
    from shared.collection.certifying import Certifying

    certifying = Certifying(client=client, warehouse=lambda: warehouse, clock=stack.now)
    for channel in channel_ids:
        for each in verified(certifying, channel=channel):
            wrong = [f"certificate of {channel} {each.month}: {found.says}" for found in each.differing]
            yield each.days, wrong
