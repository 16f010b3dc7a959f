"""A quiet day and a bad hour as rows of the warehouse, and what each panel answers as of noon in Los Angeles."""

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

OVER_A_MONTH = {"channels", "quality", "cost", "network"}  # dashboards; the others over a day
ANSWERS = {
    "quota_used": [  # time, bucket, used
        ('2026-11-24T07:00:00Z', 'default', 7),
        ('2026-11-24T08:00:00Z', 'default', 40),
        ('2026-11-24T19:00:00Z', 'analytics', 20),
        ('2026-11-24T19:00:00Z', 'default', 642),
        ('2026-11-24T19:00:00Z', 'reporting', 0),
        ('2026-11-24T19:00:00Z', 'search', 60),
        ('2026-11-24T19:00:00Z', 'uploads', 2),
    ],
    "quota_left": [  # bucket, a_day, used, remaining, percent_used, by_midnight, spent_at
        ('search', 100, 60, 40, 60, 300, '2026-11-24T22:00:00Z'),
        ('default', 10000, 642, 9358, 6.4, 3050, None),
        ('uploads', 100, 2, 98, 2, 10, None),
        ('analytics', 10000, 20, 9980, 0.2, 100, None),
        ('batchGetStats', 10000, 0, 10000, 0, 0, None),
        ('reporting', 20000, 0, 20000, 0, 0, None),
    ],
    "quota_by_feature": [  # time, spent_by, units
        ('2026-11-24T07:00:00Z', 'default: metadata', 7),
        ('2026-11-24T08:00:00Z', 'default: metadata', 40),
        ('2026-11-24T19:00:00Z', 'analytics: analytics', 20),
        ('2026-11-24T19:00:00Z', 'default: publishing', 600),
        ('2026-11-24T19:00:00Z', 'default: push', 1),
        ('2026-11-24T19:00:00Z', 'default: statistics', 1),
        ('2026-11-24T19:00:00Z', 'search: metadata', 60),
        ('2026-11-24T19:00:00Z', 'uploads: publishing', 2),
    ],
    "quota_refused": [  # time, refused, calls
        ('2026-11-24T19:00:00Z', 'uploads: quotaExceeded', 1),
    ],
    "quota_by_owner": [  # bucket, user_id, calls, units
        ('default', 'u1', 2, 640),
        ('search', 'u1', 1, 60),
        ('analytics', 'u1', 20, 20),
        ('default', 'system', 1, 7),
        ('default', 'u2', 2, 2),
        ('uploads', 'u1', 1, 1),
        ('uploads', 'u2', 1, 1),
    ],
    "quota_by_endpoint": [  # bucket, feature, endpoint, calls, units
        ('default', 'publishing', 'youtube.thumbnails.set', 1, 600),
        ('search', 'metadata', 'youtube.search.list', 1, 60),
        ('default', 'metadata', 'youtube.videos.list', 2, 47),
        ('analytics', 'analytics', 'youtubeAnalytics.reports.query', 20, 20),
        ('uploads', 'publishing', 'youtube.videos.insert', 2, 2),
        ('default', 'push', 'youtube.videos.list', 1, 1),
        ('default', 'statistics', 'youtube.videos.list', 1, 1),
    ],
    "calls_by_endpoint": [  # endpoint, success_rate, avg_latency, p50, p95, total_calls, replayed, last_error
        ('youtubereporting.jobs.reports.list', 0, 100, 100, 100, 19, 0, '2026-11-24T19:46:00Z'),
        ('youtube.videos.insert', 50, 4550, 100, 9000, 2, 0, '2026-11-24T19:25:00Z'),
        ('youtube.videos.list', 75, 7575, 100, 30000, 4, 0, '2026-11-24T19:30:00Z'),
        ('youtubeAnalytics.reports.query', 85, 192.5, 50, 1000, 20, 1, '2026-11-24T19:46:00Z'),
        ('youtube.search.list', 100, 100, 100, 100, 1, 0, None),
        ('youtube.thumbnails.set', 100, 100, 100, 100, 1, 0, None),
    ],
    "error_rate": [  # time, endpoint, error_rate
        ('2026-11-24T19:45:00Z', 'youtubeAnalytics.reports.query', 0.15),
    ],
    "latency": [  # time, endpoint, p95
        ('2026-11-24T07:00:00Z', 'youtube.videos.list', 100),
        ('2026-11-24T08:30:00Z', 'youtube.videos.list', 100),
        ('2026-11-24T19:00:00Z', 'youtube.search.list', 100),
        ('2026-11-24T19:00:00Z', 'youtube.thumbnails.set', 100),
        ('2026-11-24T19:00:00Z', 'youtube.videos.insert', 9000),
        ('2026-11-24T19:15:00Z', 'youtube.videos.insert', 100),
        ('2026-11-24T19:15:00Z', 'youtube.videos.list', 100),
        ('2026-11-24T19:30:00Z', 'youtube.videos.list', 30000),
        ('2026-11-24T19:45:00Z', 'youtubeAnalytics.reports.query', 1000),
        ('2026-11-24T19:45:00Z', 'youtubereporting.jobs.reports.list', 100),
    ],
    "reasons": [  # reason, http_status, calls, channels, endpoints, first, last
        ('backendError', 500, 22, 1, f"{TOLD}, {REPORTED}", '2026-11-24T19:46:00Z', '2026-11-24T19:46:00Z'),
        ('no answer', None, 1, 1, 'youtube.videos.list', '2026-11-24T19:30:00Z', '2026-11-24T19:30:00Z'),
        ('quotaExceeded', 403, 1, 1, 'youtube.videos.insert', '2026-11-24T19:25:00Z', '2026-11-24T19:25:00Z'),
    ],
    "stale_channels": [  # stale, channels
        (2, 4),
    ],
    "sync_by_owner": [  # user_id, channel_count, stale_channels, oldest_sync
        ('u2', 1, 1, '2026-11-23T17:00:00Z'),
        ('unknown', 2, 1, '2026-11-23T18:00:00Z'),
        ('u1', 1, 0, '2026-11-24T19:46:00Z'),
    ],
    "sync_by_channel": [  # channel_id, user_id, last_sync, hours_ago, stale
        ('UC2', 'u2', '2026-11-23T17:00:00Z', 27, True),
        ('UC4', 'unknown', '2026-11-23T18:00:00Z', 26, True),
        ('UC3', 'unknown', '2026-11-23T20:00:00Z', 24, False),
        ('UC1', 'u1', '2026-11-24T19:46:00Z', 0.2, False),
    ],
    "days_missing": [  # channel_id, report_type, first_day, newest_day, days_loaded, days_missing, days_behind
        ('UC1', 'channel_basic_a3', '2026-11-18', '2026-11-21', 3, 1, 3),
        ('UC3', 'channel_basic_a3', '2026-11-20', '2026-11-20', 1, 0, 4),
        ('UC2', 'channel_basic_a3', '2026-11-21', '2026-11-21', 1, 0, 3),
    ],
    "days_loaded": [  # time, report_type, channels
        ('2026-11-18T08:00:00Z', 'channel_basic_a3', 1),
        ('2026-11-19T08:00:00Z', 'channel_basic_a3', 1),
        ('2026-11-20T08:00:00Z', 'channel_basic_a3', 1),
        ('2026-11-21T08:00:00Z', 'channel_basic_a3', 2),
    ],
    "counts_age": [  # channel_id, videos, older_than_an_hour, older_than_a_day, newest_reading, oldest_reading
        ('UC2', 1, 1, 0, '2026-11-24T18:00:00Z', '2026-11-24T18:00:00Z'),
        ('UC1', 2, 1, 1, '2026-11-24T19:50:00Z', '2026-11-23T14:00:00Z'),
    ],
    "counts_calls": [  # time, calls, units, failed
        ('2026-11-24T19:00:00Z', 1, 1, 0),
    ],
    "numbers_age": [  # channel_id, newest_final, newest_known, days_behind
        ('UC3', '2026-11-20', '2026-11-20', 4),
        ('UC1', '2026-11-21', '2026-11-21', 3),
        ('UC2', '2026-11-21', '2026-11-22', 2),
    ],
    "first_read": [  # published_at, channel_id, video_id, first_read, minutes
        ('2026-11-24T17:00:00Z', 'UC1', 'v1', '2026-11-24T18:00:00Z', 60),
    ],
    "push_calls": [  # time, endpoint, calls
        ('2026-11-24T19:00:00Z', 'youtube.videos.list', 1),
    ],
    "publishing_calls": [  # time, what, calls
        ('2026-11-24T19:00:00Z', 'youtube.thumbnails.set: success', 1),
        ('2026-11-24T19:00:00Z', 'youtube.videos.insert: error', 1),
        ('2026-11-24T19:00:00Z', 'youtube.videos.insert: success', 1),
    ],
    "operations": [  # operation_id, channel_id, first_call, last_call, calls, units, failed, uploaded, last_reason
        ('op2', 'UC2', '2026-11-24T19:25:00Z', '2026-11-24T19:25:00Z', 1, 1, 1, False, 'quotaExceeded'),
        ('op1', 'UC1', '2026-11-24T19:05:00Z', '2026-11-24T19:10:00Z', 2, 601, 0, True, None),
    ],
    "checks_latest": [  # check, ran_at, findings, channels
        ('falls', '2026-11-24T19:00:00Z', 2, 2),
        ('ranges', '2026-11-24T19:00:00Z', 1, 1),
    ],
    "checks_in_time": [  # time, check, findings
        ('2026-11-23T20:00:00Z', 'ranges', 1),
        ('2026-11-24T19:00:00Z', 'falls', 2),
        ('2026-11-24T19:00:00Z', 'ranges', 1),
    ],
    "findings": [  # channel_id, date, check, what, value, expected
        ('UC1', '2026-11-20', 'falls', 'views', 2, 0),
        ('UC1', '2026-11-20', 'ranges', 'views', 2, 0),
        ('UC2', '2026-11-20', 'falls', 'views', 2, 0),
    ],
    "odd_reports": [  # channel_id, day, report_type, row_count, findings, loaded_at
        ('UC2', '2026-11-21', 'channel_basic_a3', 2, 'an unknown column', '2026-11-23T16:00:00Z'),
    ],
    "rows_loaded": [  # time, report_type, loaded_rows
        ('2026-11-23T14:00:00Z', 'channel_basic_a3', 12),
        ('2026-11-23T16:00:00Z', 'channel_basic_a3', 2),
        ('2026-11-23T18:00:00Z', 'channel_basic_a3', 5),
        ('2026-11-23T20:00:00Z', 'channel_basic_a3', 0),
    ],
    "loads": [  # report_type, reports, loaded_rows, loads, channels, replaced
        ('channel_basic_a3', 6, 19, 3, 3, 1),
    ],
    "answers": [  # query, asked, answered_rows, perhaps_cut_off, refused, last
        ('channel_daily', 1, 1, 0, 0, '2026-11-23T16:00:00Z'),
        ('top_videos_monthly', 1, 1, 1, 0, '2026-11-23T18:00:00Z'),
        ('revenue_daily', 1, 0, 0, 1, '2026-11-23T16:00:00Z'),
    ],
    "over_owners/network": [  # time, views, engaged_views, watch_time_minutes
        ('2026-11-18T08:00:00Z', 10, 5, 6),
        ('2026-11-19T08:00:00Z', 10, 5, 6),
        ('2026-11-20T08:00:00Z', 0, 0, 0),
        ('2026-11-21T08:00:00Z', 20, 10, 12),
        ('2026-11-22T08:00:00Z', 3, 0, None),
    ],}  # fmt: skip
"""By query: the rows, with the columns in their order."""
