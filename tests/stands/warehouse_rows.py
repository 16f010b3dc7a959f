"""Small tables in which every rule of the views has its case, each on a channel of its own.

Both engines answer over them: Google's reference evaluator in pure tests, the emulator in others.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from typing import Any

from infra.judges.googlesql import GoogleSQL
from infra.judges.warehouse import SPOKEN

DAY, NEXT = dt.date(2026, 11, 20), dt.date(2026, 11, 21)
OLD = dt.date(2024, 2, 29)
MONTH = dt.date(2026, 11, 1)

Row = dict[str, Any]
ROWS: dict[str, list[Row]] = defaultdict(list)
BASIC = "channel_basic_a3"
REACH = "channel_reach_basic_a1"


def at(hour: int) -> dt.datetime:
    return dt.datetime(2026, 11, 24, hour, tzinfo=dt.UTC)


def report(
    channel: str,
    day: dt.date,
    *rows: Row,
    kind: str = BASIC,
    hour: int = 1,
    load: str = "",
    findings: str | None = None,
) -> None:
    """A loaded report with its rows."""
    name = f"{channel} {kind} {day} {hour}"
    load_id = load or f"load of {name}"
    ROWS["report_loads"].append(
        {
            "report_id": name, "load_id": load_id, "channel_id": channel, "report_type": kind, "job_id": "j",
            "day": day, "create_time": at(hour), "row_count": len(rows), "checksum": "c", "loaded_at": at(hour),
            "findings": findings,
        }
    )  # fmt: skip
    key = {"report_id": name, "load_id": load_id, "date": day, "channel_id": channel, "video_id": "v1"}
    ROWS[f"report_{kind}"] += [{**key, **row} for row in rows]


def counted(views: int, engaged: int | None = 7, minutes: float = 12.345, **more: Any) -> Row:
    """A row of channel_basic_a3."""
    several = {
        "likes": 2,
        "dislikes": 1,
        "comments": 3,
        "shares": 4,
        "subscribers_gained": 1,
        "subscribers_lost": 0,
    }
    return {"views": views, "engaged_views": engaged, "watch_time_minutes": minutes, **several, **more}


def shown(impressions: int, rate: float, **more: Any) -> Row:
    """A row of a reach report."""
    return {"video_thumbnail_impressions": impressions, "video_thumbnail_impressions_ctr": rate, **more}


def answer(
    channel: str, query: str, *rows: tuple[dt.date, Row], hour: int = 1, kind: str = "recent",
    reason: str | None = None, days: tuple[dt.date, dt.date] = (DAY, NEXT), subject: str | None = None,
    truncated: bool = False, load: str = "",
) -> None:  # fmt: skip
    """An answer of Analytics: rows of (date, {metrics, dimensions, video_id}), or the reason why there is none."""
    load_id = load or f"{channel} {query} {subject} {days[0]} {hour}"
    ROWS["analytics_loads"].append(
        {
            "load_id": load_id, "channel_id": channel, "query": query, "subject": subject, "kind": kind,
            "start_day": days[0], "end_day": days[1], "asked_at": at(hour), "row_count": len(rows),
            "truncated": truncated, "reason": reason,
        }
    )  # fmt: skip
    key = {"load_id": load_id, "channel_id": channel, "query": query, "video_id": subject}
    ROWS["analytics_rows"] += [{**key, "date": date, **row} for date, row in rows]


def told(views: float, **more: float) -> Row:
    """A day of channel_daily; YouTube writes whole numbers as 0.0 at times."""
    metrics = {
        "views": views, "engagedViews": 8, "estimatedMinutesWatched": 30, "averageViewDuration": 225,
        "subscribersGained": 2, "subscribersLost": 1.0,
    }  # fmt: skip
    return {"metrics": {**metrics, **more}}


def money(**metrics: float) -> Row:
    return {"metrics": metrics}


def own(channel: str, name: str, value: str, *, day: dt.date = DAY, video: str | None = None, unit: str = "USD",
        hour: int = 1) -> None:  # fmt: skip
    """One of the owner's own numbers."""
    ROWS["internal_metrics"].append(
        {
            "metric_id": f"{channel} {video} {day} {name}", "channel_id": channel, "video_id": video, "date": day,
            "name": name, "value": value, "unit": unit, "as_of": at(hour),
        }
    )  # fmt: skip


def seen(channel: str, video: str, hour: int, **more: Any) -> None:
    """A snapshot of a video."""
    row = {
        "load_id": f"{channel} {video} {hour}", "channel_id": channel, "video_id": video, "as_of": at(hour),
        "title": "T", "published_at": at(0), "duration_seconds": 60, "privacy": "public", "views": 1000,
        "likes": None, "comments": 5, "gone": False,
    }  # fmt: skip
    ROWS["video_metadata"].append({**row, **more})


def recount(channel: str, video: str, hour: int, views: int | None, *, load: str = "load") -> None:
    """A reading of a video's counts."""
    ROWS["video_counts"].append(
        {
            "load_id": load, "channel_id": channel, "video_id": video, "as_of": at(hour), "views": views,
            "likes": 3, "comments": None,
        }
    )  # fmt: skip


# A day that was issued again, and named by two deliveries at once; rows of a load that was never named.
report("again", DAY, counted(99))
for load in ("first", "second"):
    report("again", DAY, counted(10), counted(3, None, video_id="", country_code=""), hour=2, load=load)
report("again", NEXT, counted(10, minutes=0.005), findings="a column is gone")
ROWS["report_channel_basic_a3"].append({**ROWS["report_channel_basic_a3"][0], "load_id": "never named"})

# A report without rows is a known zero, and so are impressions; no engaged view has no duration.
report("zero", DAY)
report("zero", DAY, kind=REACH)
report("zero", NEXT, counted(5, 0))
# A report whose file has no such column.
report("lacking", DAY, counted(5, None, subscribers_gained=None))

# Reach: weighted by what the rate is a rate of; and alone, without a basic report.
report("reach", DAY, counted(2**40))
report("reach", DAY, shown(300, 0.5), shown(100, 0.1, video_id=""), kind=REACH)
report("reach alone", OLD, shown(40, 0.25), kind=REACH)

# Analytics stands in for a day whose report has not come, is never added to one that has, and was asked twice.
report("fresh", DAY, counted(10))
answer("fresh", "channel_daily", (DAY, told(11)), (NEXT, told(20.0)), hour=1)
answer("fresh", "channel_daily", (NEXT, told(21)), hour=2)
answer("fresh", "channel_daily", (NEXT, told(22)), hour=2, load="z: as new, and named later")
answer("fresh", "channel_daily", reason="quotaExceeded", hour=3)
# History: before the first report, and overlapping it.
report("history", NEXT, counted(10))
answer(
    "history", "channel_daily", (OLD, told(5, engagedViews=5)), (NEXT, told(9)), kind="history", days=(OLD, NEXT)
)

# Revenue: told and restated, refused for two reasons and another, told after a refusal, not told.
for channel in ("paid", "unpaid", "no permission", "odd refusal", "joined", "silent"):
    report(channel, DAY, counted(2000, 1000))
answer(
    "paid", "revenue_daily", (DAY, money(estimatedRevenue=1.23, estimatedAdRevenue=1.0, grossRevenue=2.5)), hour=1
)
answer(
    "paid",
    "revenue_daily",
    (DAY, money(estimatedRevenue=1.236, estimatedAdRevenue=1.01, grossRevenue=2.5)),
    hour=2,
)
answer(
    "paid", "ads_daily",
    (DAY, money(monetizedPlaybacks=900.0, adImpressions=1200, playbackBasedCpm=2.75, cpm=2.0)),
)  # fmt: skip
answer("unpaid", "revenue_daily", reason="monetaryForbidden")
answer("unpaid", "channel_daily", (OLD, told(3)), kind="history", days=(OLD, OLD))
answer("no permission", "revenue_daily", reason="forbidden", hour=1)
answer("no permission", "revenue_daily", reason="insufficientPermissions", hour=2)
answer("odd refusal", "revenue_daily", reason="channelSuspended")
answer("joined", "revenue_daily", reason="monetaryForbidden", hour=1)
answer("joined", "revenue_daily", (DAY, money(estimatedRevenue=0)), hour=2)
answer("only revenue", "revenue_daily", (OLD, money(estimatedRevenue=7)), kind="history", days=(OLD, OLD))
answer("only refused", "revenue_daily", reason="monetaryForbidden")

# Videos: counted and told, one that is gone, one that only the Data API knows, curves of retention.
report(
    "videos", DAY, counted(10), counted(20, country_code="DE"), counted(1, video_id="v2"), counted(4, video_id="")
)
report("videos", NEXT, counted(5))
seen("videos", "v1", 1, views=900)
seen("videos", "v1", 2)
seen("videos", "v2", 1, gone=True, title=None, published_at=None, views=None, comments=None)
seen("videos", "v3", 1)
for hour, views in ((1, 10), (1, 10), (3, 25), (4, 20), (5, None)):  # once appended twice; taken back; untold
    recount("videos", "v1", hour, views)
for video, hour in (("v1", 1), ("v1", 2), ("v4", 1)):
    points = [
        (
            DAY,
            {
                "dimensions": {"elapsedVideoTimeRatio": place / 4},
                "metrics": {"audienceWatchRatio": hour + place / 4},
            },
        )
        for place in (2, 1)
    ]
    answer("videos", "retention", *points, subject=video, hour=hour)
answer("videos", "retention", subject="v2", reason="videoNotFound")
answer("videos", "retention", subject="v3")

# Codes, known and unknown; shares of viewers are weighted by the views of their groups.
WATCHED = {"views": 10, "engaged_views": 5, "watch_time_minutes": 10.0}
report(
    "codes", DAY,
    {**WATCHED, "traffic_source_type": "5", "traffic_source_detail": "cats"},
    {**WATCHED, "traffic_source_type": "99", "traffic_source_detail": ""},
    {**WATCHED, "traffic_source_type": "5", "traffic_source_detail": "cats", "country_code": "DE"},
    kind="channel_traffic_source_a3",
)  # fmt: skip
report("codes", DAY, {**WATCHED, "device_type": "104", "operating_system": "x"}, kind="channel_device_os_a3")
report("codes", DAY, {**WATCHED, "playback_location_type": "0"}, kind="channel_playback_location_a3")
report(
    "codes", DAY, shown(10, 0.5, traffic_source_type="5"),
    shown(30, 0.1, traffic_source_type="5", country_code="DE"), kind="channel_reach_combined_a1",
)  # fmt: skip
report("codes", DAY, counted(300, country_code="DE"), counted(100, country_code="FR"))
report(
    "codes", DAY,
    *({"country_code": country, "age_group": age, "gender": "FEMALE", "views_percentage": share}
      for country, age, share in (("DE", "AGE_18_24", 50), ("DE", "AGE_25_34", 50), ("FR", "AGE_18_24", 100))),
    kind="channel_demographics_a1",
)  # fmt: skip

# Analytics stands in for days without a report, and not for one whose report has no rows.
for query, dimension, word in (
    ("traffic_daily", "insightTrafficSourceType", "YT_SEARCH"), ("device_daily", "deviceType", "MOBILE"),
):  # fmt: skip
    answer("codes", query, *((day, {"dimensions": {dimension: word}, **told(30.0)}) for day in (DAY, NEXT)))
    answer("zero", query, *((day, {"dimensions": {dimension: word}, **told(30.0)}) for day in (DAY, NEXT)))
report("zero", DAY, kind="channel_traffic_source_a3")

# Months, as Analytics tells them.
answer("months", "country_monthly", (MONTH, {"dimensions": {"country": "DE"}, **told(12)}), days=(MONTH, NEXT))
answer(
    "months", "demographics_monthly",
    (MONTH, {"dimensions": {"ageGroup": "age18-24", "gender": "male"}, "metrics": {"viewerPercentage": 61.25}}),
    days=(MONTH, NEXT),
)  # fmt: skip
answer("months", "top_videos_monthly", (MONTH, {"video_id": "v1", **told(12)}), days=(MONTH, NEXT), truncated=True)

# The owner's own numbers: sent twice, corrected, in another unit; a plan of two days, one of them for a video.
report("owner", DAY, counted(1000, minutes=600.0))
answer("owner", "revenue_daily", (DAY, money(estimatedRevenue=25)))
answer(
    "owner", "video_revenue_monthly", (MONTH, {"video_id": "v1", **money(estimatedRevenue=30)}), days=(MONTH, NEXT)
)
for hour in (1, 1, 2):
    own("owner", "cost", "100.5" if hour == 1 else "80.25", video="v1", hour=hour)
own("owner", "cost", "9", video="v1", day=NEXT, unit="EUR")
own("owner", "cost", "5")
own("owner", "plan_views", "1500")
own("owner", "plan_views", "500", day=NEXT)
own("owner", "plan_views", "70000", video="v1")
own("owner", "mood", "3", unit="stars")


def answers(reference: GoogleSQL) -> dict[str, list[Row]]:
    """What every view answers, asked at once: what several stand on is worked out once."""
    asked = (
        f"SELECT '{name}' AS name, TO_JSON_STRING(row) AS said FROM `{{dataset}}.{name}` AS row" for name in SPOKEN
    )
    found: dict[str, list[Row]] = {name: [] for name in SPOKEN}
    for answer in reference.evaluate(" UNION ALL ".join(asked), ROWS):
        found[answer["name"]].append(json.loads(answer["said"]))
    return found
