"""A quiet day and a bad hour as rows of the warehouse, for the panels' queries, as of noon in Los Angeles."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from shared.clock import pacific_day

NOON = dt.datetime(2026, 11, 24, 20, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 24)

ROWS: dict[str, list[dict[str, Any]]] = defaultdict(list)


def ago(**span: float) -> dt.datetime:
    return NOON - dt.timedelta(**span)


def call(
    name: str, at: dt.datetime, endpoint: str, units: int, feature: str, *, bucket: str = "default",
    failed: tuple[int | None, str | None] | None = None, ms: float = 100, **more: Any,
) -> None:  # fmt: skip
    """A call; failed: the HTTP status and reason of one that was refused."""
    http_status, reason = failed or (200, None)
    ROWS["youtube_api_calls"].append(
        {
            "created_at": at, "date": pacific_day(at), "endpoint": endpoint, "bucket": bucket, "quota_cost": units,
            "status": "error" if failed else "success", "http_status": http_status, "reason": reason,
            "response_time_ms": ms, "attempt": 1, "feature": feature, "user_id": "system", "call_id": name, **more,
        }
    )  # fmt: skip


ONE, TWO = {"user_id": "u1", "channel_id": "UC1"}, {"user_id": "u2", "channel_id": "UC2"}
UPLOAD, LISTED, TOLD = "youtube.videos.insert", "youtube.videos.list", "youtubeAnalytics.reports.query"
REPORTED = "youtubereporting.jobs.reports.list"

# Before the reset: the day before. After it, 40 units, and 600 in the last hour.
call("yesterday", ago(hours=13), LISTED, 7, "metadata")
call("early", ago(hours=11, minutes=30), LISTED, 40, "metadata", **ONE)
call("thumbnail", ago(minutes=50), "youtube.thumbnails.set", 600, "publishing", operation_id="op1", **ONE)
call("upload", ago(minutes=55), UPLOAD, 1, "publishing", bucket="uploads", ms=9000, operation_id="op1", **ONE)
call("twice", ago(minutes=40), LISTED, 1, "statistics", **TWO)
call("refused", ago(minutes=35), UPLOAD, 1, "publishing", bucket="uploads", failed=(403, "quotaExceeded"),
     operation_id="op2", **TWO)  # fmt: skip
call("silent", ago(minutes=30), LISTED, 1, "push", failed=(None, None), ms=30000, **TWO)
call(
    "searched", ago(hours=1), "youtube.search.list", 60, "metadata", bucket="search", **ONE
)  # 40 left, 20 an hour
call("after", NOON + dt.timedelta(minutes=1), LISTED, 5000, "metadata")  # after the range
# A bad quarter of an hour of one endpoint: 3 of 20; 19 of another are too few to judge.
for number in range(20):
    failed = (500, "backendError") if number < 3 else None
    call(f"bad {number}", ago(minutes=14), TOLD, 1, "analytics", bucket="analytics", failed=failed,
         ms=1000 if number < 3 else 50, attempt=2 if number == 3 else 1, **ONE)  # fmt: skip
for number in range(19):
    call(
        f"few {number}", ago(minutes=14), REPORTED, 0, "reports", bucket="reporting", failed=(500, "backendError")
    )
# Collected: of UC1 minutes ago, by the call; of UC2 27 hours ago; UC3 24 hours ago, by a report that was loaded.
call("collected", ago(hours=27), REPORTED, 1, "reports", bucket="reporting", **TWO)


def loaded(channel: str, day: dt.date, rows: int, at: dt.datetime, *, kind: str = "channel_basic_a3",
           issue: int = 1, findings: str | None = None) -> None:  # fmt: skip
    name = f"{channel} {kind} {day} {issue}"
    ROWS["report_loads"].append(
        {
            "report_id": name, "load_id": f"load of {channel}", "channel_id": channel, "report_type": kind,
            "job_id": "j", "day": day, "create_time": ago(days=1) + dt.timedelta(hours=issue), "row_count": rows,
            "checksum": "c", "loaded_at": at, "findings": findings,
        }
    )  # fmt: skip
    ROWS[f"report_{kind}"] += [
        {"report_id": name, "load_id": f"load of {channel}", "channel_id": channel, "date": day, "video_id": "v1",
         "views": 10, "engaged_views": 5, "watch_time_minutes": 6.0}
    ] * min(rows, 1)  # fmt: skip


def day(number: int) -> dt.date:
    return dt.date(2026, 11, number)


for number in (18, 19, 21):  # the 20th is missing
    loaded("UC1", day(number), 4, ago(hours=30))
loaded("UC1", day(21), 5, ago(hours=26), issue=2)  # issued again
loaded("UC2", day(21), 2, ago(hours=28), findings="an unknown column")
loaded("UC3", day(20), 0, ago(hours=24))


def answered(channel: str, query: str, on: dt.date, rows: int, at: dt.datetime, *, reason: str | None = None,
             truncated: bool = False) -> None:  # fmt: skip
    load = f"{channel} {query} {at}"
    ROWS["analytics_loads"].append(
        {
            "load_id": load, "channel_id": channel, "query": query, "kind": "recent", "start_day": on,
            "end_day": on, "asked_at": at, "row_count": rows, "truncated": truncated, "reason": reason,
        }
    )  # fmt: skip
    ROWS["analytics_rows"] += [
        {"load_id": load, "channel_id": channel, "query": query, "date": on, "metrics": {"views": 3}}
    ] * rows


answered("UC2", "channel_daily", day(22), 1, ago(hours=28))
answered("UC2", "revenue_daily", day(22), 0, ago(hours=28), reason="insufficientPermissions")
answered("UC4", "top_videos_monthly", day(22), 1, ago(hours=26), truncated=True)

for channel, video, at, published in (
    ("UC1", "v1", ago(hours=2), ago(hours=3)),
    ("UC1", "v1", ago(hours=1), ago(hours=3)),
    ("UC2", "v2", ago(hours=20), ago(days=90)),  # old: found when the channel was connected
):
    ROWS["video_metadata"].append(
        {"load_id": "l", "channel_id": channel, "video_id": video, "as_of": at, "published_at": published,
         "gone": False}
    )  # fmt: skip
for channel, video, at in (
    ("UC1", "v1", ago(minutes=10)), ("UC1", "v1", ago(hours=9)), ("UC1", "v9", ago(hours=30)),
    ("UC2", "v2", ago(hours=2)),
):  # fmt: skip
    ROWS["video_counts"].append(
        {"load_id": "l", "channel_id": channel, "video_id": video, "as_of": at, "views": 5}
    )

for at, check, channel in ((ago(days=1), "ranges", "UC1"), (ago(hours=1), "ranges", "UC1"),
                           (ago(hours=1), "falls", "UC1"), (ago(hours=1), "falls", "UC2")):  # fmt: skip
    ROWS["check_results"].append(
        {"load_id": "l", "ran_at": at, "check": check, "channel_id": channel, "date": day(20), "what": "views",
         "value": 2.0, "expected": 0.0}
    )  # fmt: skip
