"""Every table of the warehouse, declared: columns with BigQuery's types, partition, clusters, whose its rows are.

A deployment makes them (`schema`), an erasure deletes a channel's rows from each that holds any, GoogleSQL's
analyser judges every statement over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.warehouse.report_types import REPORT_TYPES, ReportType


@dataclass(frozen=True, kw_only=True)
class TableDeclaration:
    """One table. required: columns that are never NULL. partition: a DATE or TIMESTAMP column.

    of_connection: each row belongs to a channel's connection, with which its `load_id` ends; both go together.
    days: how long BigQuery keeps a partition; None: for good.
    """

    name: str
    columns: Mapping[str, str]
    required: frozenset[str]
    partition: str
    clusters: tuple[str, ...] = ("channel_id",)
    of_connection: bool = True
    days: int | None = None


REPORT_LOADS = TableDeclaration(
    name="report_loads",
    columns={
        "report_id": "STRING",
        "load_id": "STRING",
        "channel_id": "STRING",
        "report_type": "STRING",
        "job_id": "STRING",
        "day": "DATE",
        "create_time": "TIMESTAMP",
        "row_count": "INTEGER",
        "checksum": "STRING",
        "loaded_at": "TIMESTAMP",
        "findings": "STRING",
    },
    required=frozenset(
        (
            *("report_id", "load_id", "channel_id", "report_type", "job_id", "day"),
            *("create_time", "row_count", "checksum", "loaded_at"),
        )
    ),
    partition="day",
    clusters=("channel_id", "report_type"),
)
"""The manifest of bulk reports. findings: what is odd about one that was loaded all the same; NULL for nothing."""

ANALYTICS_LOADS = TableDeclaration(
    name="analytics_loads",
    columns={
        "load_id": "STRING",
        "channel_id": "STRING",
        "query": "STRING",
        "subject": "STRING",
        "kind": "STRING",
        "start_day": "DATE",
        "end_day": "DATE",
        "asked_at": "TIMESTAMP",
        "row_count": "INTEGER",
        "truncated": "BOOLEAN",
        "reason": "STRING",
    },
    required=frozenset(
        ("load_id", "channel_id", "query", "kind", "start_day", "end_day", "asked_at", "row_count", "truncated")
    ),
    partition="end_day",
    clusters=("channel_id", "query"),
)
"""The manifest of Analytics queries: one row for each answer, also for one without rows or a refusal.

subject: the video of a query about one; NULL otherwise. kind: recent (the newest days and those that may still be
restated) or history (before the channel's first bulk report). start_day, end_day: the Pacific days that were asked
for, both included. truncated: the answer has as many rows as one may have, so it is perhaps not all.
reason: why YouTube refuses (a reason of the policy table); NULL for an answer.
"""

ANALYTICS_ROWS = TableDeclaration(
    name="analytics_rows",
    columns={
        "load_id": "STRING",
        "channel_id": "STRING",
        "query": "STRING",
        "date": "DATE",
        "video_id": "STRING",
        "dimensions": "JSON",
        "metrics": "JSON",
    },
    required=frozenset(("load_id", "channel_id", "query", "date")),
    partition="date",
    clusters=("channel_id", "query"),
)
"""The rows of Analytics answers, which count once `analytics_loads` names their load, channel and query.

date: the row's Pacific day; its month's first day; where the query has neither, the first day that was asked for.
dimensions: the others by YouTube's names. metrics: numbers by YouTube's names; one that is absent is unknown.
"""

VIDEO_METADATA = TableDeclaration(
    name="video_metadata",
    columns={
        "load_id": "STRING",
        "channel_id": "STRING",
        "video_id": "STRING",
        "as_of": "TIMESTAMP",
        "title": "STRING",
        "published_at": "TIMESTAMP",
        "duration_seconds": "INTEGER",
        "privacy": "STRING",
        "views": "INTEGER",
        "likes": "INTEGER",
        "comments": "INTEGER",
        "gone": "BOOLEAN",
    },
    required=frozenset(("load_id", "channel_id", "video_id", "as_of", "gone")),
    partition="as_of",
    clusters=("channel_id", "video_id"),
)
"""What the Data API said of a video at an instant; the newest counts. gone: YouTube no longer has it, twice asked.

views, likes, comments: the counts as read; absent is unknown.
"""

VIDEO_COUNTS = TableDeclaration(
    name="video_counts",
    columns={
        **dict.fromkeys(("load_id", "channel_id", "video_id"), "STRING"),
        "as_of": "TIMESTAMP",
        **dict.fromkeys(("views", "likes", "comments"), "INTEGER"),
    },
    required=frozenset(("load_id", "channel_id", "video_id", "as_of")),
    partition="as_of",
    clusters=("channel_id", "video_id"),
)
"""A video's public counts at the instant when they were read, never an estimate; absent is unknown.

Known by channel, video and instant: whatever is appended twice is there once in the views.
"""

INTERNAL_METRICS = TableDeclaration(
    name="internal_metrics",
    columns={
        "metric_id": "STRING",
        "channel_id": "STRING",
        "video_id": "STRING",
        "date": "DATE",
        "name": "STRING",
        "value": "NUMERIC",
        "unit": "STRING",
        "as_of": "TIMESTAMP",
    },
    required=frozenset(("metric_id", "channel_id", "date", "name", "value", "unit", "as_of")),
    partition="date",
    clusters=("channel_id", "name"),
    of_connection=False,
)
"""The owner's own numbers (costs, plans), about a channel or one of its videos; none of YouTube's.

metric_id: made of channel, video, day and name; the newest as_of of one counts, so whatever is sent twice is there
once. They stay when the channel is disconnected: they never came from YouTube.
"""


CHECK_RESULTS = TableDeclaration(
    name="check_results",
    columns={
        "load_id": "STRING",
        "ran_at": "TIMESTAMP",
        "check": "STRING",
        "channel_id": "STRING",
        "date": "DATE",
        "what": "STRING",
        "value": "FLOAT",
        "expected": "FLOAT",
    },
    required=frozenset(("load_id", "ran_at", "check", "channel_id", "date", "what")),
    partition="ran_at",
    clusters=("channel_id", "check"),
)
"""What the quality checks found, one row each, at every run; a check that found nothing has none."""

API_CALLS = TableDeclaration(
    name="youtube_api_calls",
    columns={
        "created_at": "TIMESTAMP",
        "date": "DATE",
        **dict.fromkeys(("endpoint", "bucket"), "STRING"),
        "quota_cost": "INTEGER",
        "status": "STRING",
        "http_status": "INTEGER",
        "reason": "STRING",
        "response_time_ms": "FLOAT",
        "attempt": "INTEGER",
        **dict.fromkeys(("feature", "channel_id", "user_id", "operation_id", "call_id"), "STRING"),
    },
    required=frozenset(
        (
            *("created_at", "date", "endpoint", "bucket", "quota_cost", "status", "response_time_ms", "attempt"),
            *("feature", "user_id", "call_id"),
        )
    ),
    partition="date",
    clusters=("endpoint",),
    of_connection=False,
    days=35,
)
"""Every request that was sent to YouTube, once by call_id: `shared.monitoring.calls` says what each column means.

date: the Pacific day that its units count for. status: success or error, as the guide's query compares. Kept as
long as the quota ledger's entries, which say the same of a user.
"""


def raw_table(report_type: ReportType) -> TableDeclaration:
    """A report type's rows: the load and report of a row, its own columns, and in `extra` those we do not know."""
    return TableDeclaration(
        name=report_type.table,
        columns={"load_id": "STRING", "report_id": "STRING", **report_type.columns, "extra": "JSON"},
        required=frozenset(("load_id", "report_id")),
        partition="date",
        clusters=("channel_id", "load_id"),
    )


RAW = tuple(map(raw_table, REPORT_TYPES.values()))
TABLES = (
    *(REPORT_LOADS, ANALYTICS_LOADS, ANALYTICS_ROWS, VIDEO_METADATA, VIDEO_COUNTS, INTERNAL_METRICS),
    *(CHECK_RESULTS, API_CALLS, *RAW),
)
OF_CONNECTIONS = tuple(table for table in TABLES if table.of_connection)
"""What an erasure deletes from, in its order: manifests first, which takes rows out of sight at once."""
