"""The Analytics API, spoken to by Google's own client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from googleapiclient.errors import HttpError

from infra.local.simulator import discovery
from infra.local.simulator.state import Simulator
from infra.local.simulator.world import Channel
from infra.local.simulator.world.issues import available_at
from shared.clock import pacific_day
from tests.end_to_end.simulator.google import google_client

PLAIN, MONETARY = "yt-analytics.readonly", "yt-analytics-monetary.readonly"
COUNTS = "views,engagedViews,likes,comments,shares,subscribersGained,subscribersLost,estimatedMinutesWatched"
Ask = Callable[..., dict[str, Any]]


def owners(simulator: Simulator) -> list[tuple[str, int, Channel]]:
    return [
        (account.email, place, channel)
        for account in simulator.world.accounts[:3]
        for place, channel in enumerate(account.channels)
    ]


@pytest.fixture
def busy(simulator: Simulator) -> tuple[str, int, Channel]:
    """The monetised channel with the most views."""
    return max(
        (owner for owner in owners(simulator) if owner[2].monetised),
        key=lambda owner: simulator.world.channel_counters(owner[2].id, simulator.clock()).views,
    )


@pytest.fixture
def ask(simulator: Simulator, connect, busy) -> Ask:
    """A query in the name of the busy channel; its last 30 days unless told otherwise."""

    def query(scope: str = MONETARY, owner: tuple[str, int] | None = None, **asked: Any) -> dict[str, Any]:
        email, place = owner or busy[:2]
        client = google_client("youtubeAnalytics", "v2", simulator.root, connect(email, place, scope).access_token)
        today = pacific_day(simulator.clock())
        whole = {
            "ids": "channel==MINE",
            "startDate": (today - timedelta(days=30)).isoformat(),
            "endDate": today.isoformat(),
            "metrics": "views",
            **asked,
        }
        answer = client.reports().query(**whole).execute()
        assert discovery.response_errors("youtubeAnalytics.reports.query", answer) == []
        names = [column["name"] for column in answer["columnHeaders"]]
        assert names == [*filter(None, whole.get("dimensions", "").split(",")), *whole["metrics"].split(",")]
        assert "rows" not in answer or all(len(row) == len(names) for row in answer["rows"])
        return answer

    return query


def refused(ask: Ask, **asked: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as caught:
        ask(**asked)
    details = caught.value.error_details
    return caught.value.status_code, details[0]["reason"] if isinstance(details, list) else str(details)


def test_days_say_the_truth_and_the_most_recent_are_missing(simulator: Simulator, ask: Ask, busy):
    answer = ask(dimensions="day", metrics=COUNTS)
    assert answer["kind"] == "youtubeAnalytics#resultTable"
    assert answer["columnHeaders"][:2] == [
        {"name": "day", "columnType": "DIMENSION", "dataType": "STRING"},
        {"name": "views", "columnType": "METRIC", "dataType": "INTEGER"},
    ]
    days = [date.fromisoformat(row[0]) for row in answer["rows"]]
    today = pacific_day(simulator.clock())
    assert today - timedelta(days=4) <= days[-1] < today - timedelta(days=1)
    assert all(available_at(busy[2], day.toordinal()) <= simulator.clock().timestamp() for day in days)
    for day, row in zip(days, answer["rows"], strict=True):
        truth = simulator.world.channel_day(busy[2].id, day)
        assert row[1:] == [
            *(truth.views, truth.engaged_views, truth.likes, truth.comments, truth.shares),
            *(truth.subscribers_gained, truth.subscribers_lost, int(truth.watch_minutes)),
        ]


def test_without_dimensions_there_is_one_row_with_the_sum_of_the_days(ask: Ask):
    days = ask(dimensions="day", metrics="views,likes")["rows"]
    assert ask(metrics="views,likes")["rows"] == [[sum(row[1] for row in days), sum(row[2] for row in days)]]


@pytest.mark.parametrize(
    "dimensions",
    [
        *("country", "subscribedStatus", "liveOrOnDemand", "creatorContentType", "deviceType", "operatingSystem"),
        *("insightTrafficSourceType", "insightPlaybackLocationType", "deviceType,operatingSystem"),
        *("day,subscribedStatus", "insightTrafficSourceType,day,liveOrOnDemand", "country,creatorContentType"),
    ],
)
def test_every_split_has_the_same_total(ask: Ask, dimensions: str):
    whole = ask()["rows"][0][0]
    rows = ask(dimensions=dimensions)["rows"]
    assert sum(row[-1] for row in rows) == whole
    assert len({tuple(row[:-1]) for row in rows}) == len(rows)


def test_a_query_by_month_names_first_days_and_means_whole_months(ask: Ask, simulator: Simulator):
    this = pacific_day(simulator.clock()).replace(day=1)
    last = (this - timedelta(days=1)).replace(day=1)
    months = ask(dimensions="month", startDate=last.isoformat(), endDate=this.isoformat())["rows"]
    days = ask(dimensions="day", startDate=last.isoformat(), endDate=pacific_day(simulator.clock()).isoformat())[
        "rows"
    ]
    assert months[0] == [f"{last:%Y-%m}", sum(row[1] for row in days if row[0] < this.isoformat())]
    assert sum(row[1] for row in months) == sum(row[1] for row in days)
    assert (
        refused(
            ask, dimensions="month", startDate=last.isoformat(), endDate=(this - timedelta(days=1)).isoformat()
        )[0]
        == 400
    )


def test_details_are_those_of_one_kind_of_source(ask: Ask):
    whole = {row[0]: row[1] for row in ask(dimensions="insightTrafficSourceType")["rows"]}
    ranking = {"dimensions": "insightTrafficSourceDetail", "sort": "-views", "maxResults": 25}
    details = ask(filters="insightTrafficSourceType==YT_SEARCH", **ranking)["rows"]
    assert sum(views for _, views in details) == whole["YT_SEARCH"]
    assert refused(ask, **ranking)[0] == 400


def test_shares_by_service_add_up(ask: Ask):
    services = ask(dimensions="sharingService", metrics="shares")["rows"]
    assert sum(shares for _, shares in services) == ask(metrics="shares")["rows"][0][0]
    assert {service for service, _ in services} <= {"COPY_PASTE", "WHATS_APP", "FACEBOOK", "OTHER"}


def test_what_is_documented_and_not_simulated_is_no_mistake_of_the_query(ask: Ask):
    assert refused(ask, dimensions="youtubeProduct")[0] == 501
    assert refused(ask, metrics="playlistStarts", filters="playlist==PL0")[0] == 501


def test_zero_values_are_taken_as_absent(ask: Ask):
    assert ask(dimensions="day", sort="", filters="", maxResults=0) == ask(dimensions="day")


def test_top_videos_are_ranked_and_at_most_two_hundred(ask: Ask):
    rows = ask(dimensions="video", metrics="views,likes", sort="-views", maxResults=3)["rows"]
    assert 0 < len(rows) <= 3
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    second = ask(dimensions="video", metrics="views,likes", sort="-views", maxResults=2, startIndex=2)["rows"]
    assert second == rows[1:3]
    assert refused(ask, dimensions="video", sort="-views", maxResults=201) == (400, "badRequest")
    assert refused(ask, dimensions="video", maxResults=10) == (400, "badRequest")
    assert refused(ask, dimensions="video", sort="-views") == (400, "badRequest")


def test_a_video_filter_leaves_that_video(simulator: Simulator, ask: Ask):
    video, views = ask(dimensions="video", sort="-views", maxResults=1)["rows"][0]
    assert ask(filters=f"video=={video}")["rows"] == [[views]]
    assert "rows" not in ask(dimensions="day", filters="video==AAAAAAAAAAA")


def test_a_span_without_numbers_has_no_rows(simulator: Simulator, ask: Ask):
    today = pacific_day(simulator.clock()).isoformat()
    assert "rows" not in ask(startDate=today, endDate=today, dimensions="day")


@pytest.mark.parametrize(
    "wrong",
    [
        {"startDate": "7daysAgo"},
        {"endDate": "today"},
        {"startDate": "2026-02-30"},
        {"startDate": "2026-11-05", "endDate": "2026-11-01"},
        {"metrics": "videoThumbnailImpressions"},
        {"metrics": "views,views"},
        {"dimensions": "day,country"},
        {"dimensions": "day,video"},
        {"dimensions": "hour"},
        {"dimensions": "elapsedVideoTimeRatio", "metrics": "audienceWatchRatio"},
        {"dimensions": "elapsedVideoTimeRatio", "metrics": "audienceWatchRatio", "filters": "video==a,b"},
        {"dimensions": "elapsedVideoTimeRatio", "metrics": "views", "filters": "video==AAAAAAAAAAA"},
        {"metrics": "audienceWatchRatio"},
        {"filters": "weather==rain"},
        {"filters": "video"},
        {"sort": "-likes"},
        {"currency": "XXX"},
        {"maxResults": -1},
    ],
    ids=str,
)
def test_queries_that_google_refuses(ask: Ask, wrong):
    assert refused(ask, **wrong)[0] == 400


def test_another_channel_is_forbidden_even_to_the_same_person(simulator: Simulator, ask: Ask, busy):
    assert ask(ids=f"channel=={busy[2].id}")["rows"]
    other = next(channel for _, _, channel in owners(simulator) if channel.id != busy[2].id)
    assert refused(ask, ids=f"channel=={other.id}") == (403, "forbidden")
    assert refused(ask, ids="contentOwner==somebody") == (403, "forbidden")


def test_money_needs_the_scope_and_the_partner_programme(simulator: Simulator, ask: Ask, busy):
    assert refused(ask, scope=PLAIN, metrics="estimatedRevenue") == (403, "forbidden")
    row = ask(metrics="estimatedRevenue,estimatedAdRevenue,estimatedRedPartnerRevenue,grossRevenue,cpm")["rows"][0]
    assert row[0] == pytest.approx(row[1] + row[2], abs=0.01)
    assert 0 < row[1] < row[3]
    busy[2].monetised = False
    assert refused(ask, metrics="views,estimatedRevenue") == (403, "forbidden")
    assert ask(metrics="views")["rows"]


def test_money_is_restated_for_some_days_and_counts_are_not(simulator: Simulator, ask: Ask):
    last = pacific_day(simulator.clock()) - timedelta(days=5)
    span = {"startDate": (last - timedelta(days=40)).isoformat(), "endDate": last.isoformat(), "dimensions": "day"}
    before = ask(metrics="views,estimatedRevenue", **span)["rows"]
    simulator.timepiece.advance(20 * 86400)
    after = ask(metrics="views,estimatedRevenue", **span)["rows"]
    assert [row[:2] for row in before] == [row[:2] for row in after]
    changed = [old[0] for old, new in zip(before, after, strict=True) if old[2] != new[2]]
    assert changed
    assert min(changed) > (last - timedelta(days=13)).isoformat()
    simulator.timepiece.advance(20 * 86400)
    assert ask(metrics="views,estimatedRevenue", **span)["rows"] == after


def test_money_comes_in_the_currency_asked_for(ask: Ask):
    dollars = ask(metrics="grossRevenue,adImpressions")["rows"][0]
    yen = ask(metrics="grossRevenue,adImpressions", currency="JPY")["rows"][0]
    assert yen[0] == pytest.approx(dollars[0] * 152, rel=0.01)
    assert yen[1] == dollars[1]


def test_retention_has_a_hundred_points_for_one_video_and_none_for_low_traffic(
    simulator: Simulator, ask: Ask, busy
):
    def curve(video_id: str) -> list[list[float]]:
        return ask(
            dimensions="elapsedVideoTimeRatio",
            metrics="audienceWatchRatio,relativeRetentionPerformance",
            filters=f"video=={video_id}",
            startDate="2023-01-01",
        ).get("rows", [])

    videos = sorted(
        simulator.world.videos_of(busy[2].id, simulator.clock()),
        key=lambda video: simulator.world.counters(video, simulator.clock()).views,
    )
    points = curve(videos[-1].id)
    assert [point[0] for point in points] == [round(number / 100, 2) for number in range(1, 101)]
    assert points[0][1] > points[99][1] > 0
    assert all(0 <= point[2] <= 1 for point in points)
    fresh = simulator.world.insert_video(busy[2].id, title="Nobody has seen this", now=simulator.clock())
    assert curve(fresh.id) == []


def test_viewers_by_age_and_gender_make_a_hundred(ask: Ask):
    rows = ask(dimensions="ageGroup,gender", metrics="viewerPercentage", startDate="2023-01-01")["rows"]
    assert sum(row[2] for row in rows) == pytest.approx(100)
    assert all(row[0].startswith("age") for row in rows)
    assert {row[1] for row in rows} == {"female", "male", "user_specified"}


def test_a_token_without_an_analytics_scope_is_refused(ask: Ask):
    assert refused(ask, scope="youtube.upload")[0] == 403
    assert ask(scope="youtube.readonly")["rows"]


def test_answers_can_be_written_as_youtube_does_at_times(simulator: Simulator, ask: Ask):
    def manner(**chosen: str) -> None:
        httpx.post(f"{simulator.root}/control/analytics", json=chosen).raise_for_status()

    plain = ask(dimensions="day")["rows"]
    manner(whole_numbers="float")
    floats = ask(dimensions="day")["rows"]
    assert floats == plain
    assert all(isinstance(row[1], float) for row in floats)
    today = pacific_day(simulator.clock()).isoformat()
    manner(no_rows="empty")
    assert ask(startDate=today, dimensions="day")["rows"] == []
    manner()
    assert "rows" not in ask(startDate=today, dimensions="day")
