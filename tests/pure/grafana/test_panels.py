"""What every panel answers over known rows, by Google's reference evaluator; what the judge of all SQL says."""

from __future__ import annotations

import json
import re

import pytest

from infra.deployment import ROOT
from infra.grafana.panels import HERE, Asked, dashboards, described, spoken
from infra.judges.googlesql import Refused
from infra.judges.warehouse import every_panel, problems_of_panels
from tests.pure.grafana.known_rows import NOON, REPORTED, ROWS, TOLD, ago

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
BY_CHANNEL = (
    "sync_by_channel",
    "days_missing",
    "counts_age",
    "numbers_age",
    "first_read",
    "operations",
    "findings",
)
RECORD = ROOT / "infra" / "decisions" / "dashboards.md"


@pytest.fixture(scope="module")
def answers(spoken_views):
    """What each panel answers, all asked at once: what several stand on is worked out once."""
    asked = " UNION ALL ".join(
        f"SELECT '{each.query}' AS name, TO_JSON_STRING(ARRAY(SELECT AS STRUCT * FROM ("
        f"{spoken(each.query, ago(days=30 if board.name in OVER_A_MONTH else 1), NOON)}))) AS said"
        for board in dashboards()
        for each in board.panels
    )
    return {each["name"]: json.loads(each["said"]) for each in spoken_views.evaluate(asked, ROWS)}


@pytest.fixture(scope="module")
def spoken_views(request):
    return request.getfixturevalue("spoken")[0]


@pytest.mark.parametrize("query", [each.query for board in dashboards() for each in board.panels])
def test_a_panel_answers_what_the_rows_say(answers, query):
    assert [tuple(row.values()) for row in answers[query]] == ANSWERS[query]


@pytest.mark.parametrize(
    ("chosen", "channels"),
    [
        ({"owner": "'u2'"}, ["UC2"]),
        ({"channel": "'UC1','UC4'"}, ["UC4", "UC1"]),
        ({}, ["UC2", "UC4", "UC3", "UC1"]),
    ],
)
def test_what_is_chosen_above_the_panels_is_all_that_is_shown(spoken_views, chosen, channels):
    rows = spoken_views.evaluate(spoken("sync_by_channel", ago(days=1), NOON, chosen), ROWS)
    assert [row["channel_id"] for row in rows] == channels


def test_a_user_who_is_chosen_is_all_that_any_panel_by_channel_shows(spoken_views):
    chosen = {"owner": "'u1'"}
    asked = " UNION ALL ".join(
        f"SELECT '{query}' AS name, channel_id FROM ({spoken(query, ago(days=30), NOON, chosen)})"
        for query in (*BY_CHANNEL, "odd_reports")
    )
    found = {(each["name"], each["channel_id"]) for each in spoken_views.evaluate(asked, ROWS)}
    assert found == {(query, "UC1") for query in BY_CHANNEL}  # the one odd report is UC2's


def test_google_takes_every_query_and_only_the_dashboard_of_totals_adds_up_owners(spoken_views):
    assert [*problems_of_panels(spoken_views, every_panel())] == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "SELECT date, SUM(views) AS total FROM `{dataset}.youtube_metrics` GROUP BY date",
            "adds up several owners",
        ),
        ("SELECT views FROM `{dataset}.network_daily`", "is not there without the setting"),
        ("SELECT AVG(views) AS mean FROM `{dataset}.video_counts_latest`", "adds up several owners"),
        ("SELECT SUM(quota_cost) FILTER (WHERE TRUE) FROM `{dataset}.youtube_api_calls`", "Syntax error"),
    ],
)
def test_a_panel_that_may_not_be_is_found(spoken_views, query, says):
    (found,) = problems_of_panels(spoken_views, [Asked("planted", {}, query)])
    assert says in found


def test_a_query_asks_for_no_time_but_the_range_and_says_what_it_answers():
    for path in sorted((HERE / "sql").rglob("*.sql")):
        assert not re.search(r"\bCURRENT_(DATE|TIME)|\bNOW\(", path.read_text(), re.IGNORECASE), path
    for each in (each for board in dashboards() for each in board.panels):
        assert described(each.query).endswith("."), each.query


def test_every_query_has_a_panel():
    shown = {each.query for board in dashboards() for each in board.panels}
    files = {str(path.relative_to(HERE / "sql").with_suffix("")) for path in (HERE / "sql").rglob("*.sql")}
    assert shown == {name for name in files if not name.startswith(("parts/", "variables/"))}


def test_google_refuses_the_guide_s_queries_and_takes_those_beside_them(spoken_views):
    queries = re.findall(r"```sql\n(.*?)```", RECORD.read_text(), re.DOTALL)
    assert len(queries) == 6
    for theirs, ours in zip(queries[::2], queries[1::2], strict=True):
        with pytest.raises(Refused):
            spoken_views.analyse(
                theirs.rstrip().rstrip(";").replace("youtube_api_calls", "`{dataset}.youtube_api_calls`")
            )
        spoken_views.analyse(ours, {"now": "TIMESTAMP"})
