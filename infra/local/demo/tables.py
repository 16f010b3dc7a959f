"""The guide's `youtube_metrics`, cell by cell, of some channels: the truth's value, or NULL with the true reason.

Of these channels the Analytics API is asked, too; their reports' certificates are verified.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from infra.local import loopback
from infra.local.demo import control
from infra.local.stack import Stack

if TYPE_CHECKING:
    from google.cloud.firestore import Client as Firestore

SAMPLE = 6
"""Channels that Analytics is asked about, some thirty queries each on the first day: not all of a network."""
RUNS = 2
"""The second reads the history, which begins where the reports do."""
COLUMNS: Mapping[str, tuple[str, Decimal]] = {
    "views": ("views_reason", Decimal(0)),
    "watch_time_minutes": ("watch_time_minutes_reason", Decimal("0.01")),
    "subscribers_gained": ("subscribers_reason", Decimal(0)),
    "subscribers_lost": ("subscribers_reason", Decimal(0)),
    "estimated_revenue": ("estimated_revenue_reason", Decimal("0.01")),
    "impressions": ("impressions_reason", Decimal(0)),
    "click_through_rate": ("click_through_rate_reason", Decimal("0.0001")),
    "average_view_duration": ("average_view_duration_reason", Decimal("0.01")),
    "engaged_views": ("engaged_views_reason", Decimal(0)),
}
"""The guide's columns: which one says why it is NULL, and how far a rounded number may be from the truth."""
REASONS: Mapping[str, str] = {
    "notYet": "not yet",
    "neverIssued": "never issued",
    "beforeReports": "before reports",
    "notMonetised": "refused: not in the Partner Program",
    "notPermitted": "refused: the permission was not given",
    "noImpressions": "no impressions",
    "noEngagedViews": "no engaged views",
}
"""How a reason of the warehouse begins, by the simulator's word for it."""


@dataclass
class Cells:
    """What was compared. by_column: how many cells have a value; nulls: how many are NULL, by their reason."""

    compared: int = 0
    by_column: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def ask_figures(stack: Stack, channel_ids: Sequence[str]) -> None:
    """Have the Analytics API asked about some channels, as by the tasks that the hourly runs queue."""
    function = "collect_analytics"
    token = stack.service_token("task-queues", function)
    for _ in range(RUNS):
        answer = loopback.http().post(
            stack.url(function),
            content=json.dumps({"channels": list(channel_ids)}),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            timeout=240,
        )
        answer.raise_for_status()


def compared(
    stack: Stack, warehouse: bigquery.Client, dataset: str, channel_ids: Sequence[str], days: tuple[date, date]
) -> Cells:
    """Every cell of some channels' days, the first and the last of which are given, held against the truth."""
    first, last = days
    asked = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ArrayQueryParameter("channels", "STRING", list(channel_ids)),
            bigquery.ScalarQueryParameter("since", "DATE", first),
        ]
    )
    query = (
        f"SELECT * FROM `{warehouse.project}.{dataset}.youtube_metrics` "
        "WHERE channel_id IN UNNEST(@channels) AND date >= @since"
    )
    rows = {(row["channel_id"], row["date"].isoformat()): row for row in warehouse.query(query, asked).result()}
    span = {"from": first.isoformat(), "to": last.isoformat()}
    truth = {each: control.ask(stack, "truth/metrics", channel_id=each, **span)["days"] for each in channel_ids}
    return compare_cells(rows, truth)


def compare_cells(rows: Mapping[tuple[str, str], Mapping[str, Any]], truth: Mapping[str, Any]) -> Cells:
    """Hold rows, by channel and day, against the truth about channels. A day without a row has NULL everywhere."""
    found = Cells()
    for channel, days in truth.items():
        for day, cells in days.items():
            for column, true in cells.items():
                _compare(found, f"{channel} {day} {column}", column, rows.get((channel, day)), true)
    return found


def _compare(
    found: Cells, where: str, column: str, row: Mapping[str, Any] | None, true: Mapping[str, Any]
) -> None:
    reason, slack = COLUMNS[column]
    found.compared += 1
    shown = None if row is None else row[column]
    if "reason" in true:
        found.nulls[true["reason"]] += 1
        why = "no row" if row is None else row[reason]
        if shown is not None or (row is not None and not str(why).startswith(REASONS[true["reason"]])):
            found.differences.append(f"{where} is {shown} ({why}) instead of NULL: {true['reason']}")
        return
    found.by_column[column] += 1
    right = _as_of(true["value"], None if row is None else row["estimated_revenue_as_of"])
    if shown is None or right is None or abs(Decimal(str(shown)) - Decimal(str(right))) > slack:
        why = "no row" if row is None else row[reason]
        found.differences.append(f"{where} is {shown} ({why}) instead of {right}")


def _as_of(value: Any, at: datetime | None) -> Any:
    """A number; of one that is told in steps, what was told at an instant."""
    if not isinstance(value, list):
        return value
    told = [number for since, number in value if at is not None and datetime.fromisoformat(since) <= at]
    return told[-1] if told else None


def certified(
    stack: Stack, client: Firestore, warehouse: bigquery.Client, dataset: str, channel_ids: Sequence[str]
) -> tuple[int, list[str]]:
    """Verify the certificates of some channels: how many days they certify, and what differs."""
    from shared.collection.certifying import Certifying
    from shared.warehouse.statements import Warehouse

    certifying = Certifying(client=client, warehouse=lambda: Warehouse(warehouse, dataset), clock=stack.now)
    days, wrong = 0, list[str]()
    for channel in channel_ids:
        for each in certifying.verify(channel=channel):
            days += each.days
            wrong += [f"certificate of {channel} {each.month}: {found.says}" for found in each.differing]
    return days, wrong
