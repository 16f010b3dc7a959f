"""The guide's two tables and the marts, as Google's reference evaluator answers over every case."""

from __future__ import annotations

from decimal import Decimal

import pytest

from infra.marts import QUERIED, described
from tests.stands import warehouse_rows
from tests.stands.warehouse_rows import DAY, NEXT, OLD


@pytest.fixture(scope="module")
def answers(spoken):
    """What a view answers."""
    return warehouse_rows.answers(spoken[0]).__getitem__


@pytest.fixture(scope="module")
def day(answers):
    """A channel's day in youtube_metrics, or some columns of it."""

    def of(channel, date, *columns):
        rows = [
            each
            for each in answers("youtube_metrics")
            if (each["channel_id"], each["date"]) == (channel, date.isoformat())
        ]
        assert len(rows) == 1
        return tuple(rows[0][name] for name in columns) if columns else rows[0]

    return of


@pytest.fixture(scope="module")
def video(answers):
    def of(video_id):
        (row,) = (
            row
            for row in answers("video_performance")
            if row["channel_id"] == "videos" and row["video_id"] == video_id
        )
        return row

    return of


def of_channel(rows, channel):
    return [row for row in rows if row["channel_id"] == channel]


class TestTheBulkReport:
    def test_counts_in_its_newest_issue_once_and_alone(self, day):
        assert day("again", DAY, "views", "engaged_views", "state", "source") == (
            13,
            7,
            "final",
            "channel_basic_a3",
        )

    def test_counts_before_analytics_and_nothing_is_added_to_it(self, day):
        assert day("fresh", DAY, "views", "state") == (10, "final")
        assert day("history", NEXT, "views", "state") == (10, "final")

    def test_without_rows_is_a_known_zero(self, day):
        assert day("zero", DAY, "views", "impressions", "views_reason", "impressions_reason") == (0, 0, None, None)
        assert day("zero", DAY, "click_through_rate_reason", "average_view_duration_reason") == (
            "no impressions", "no engaged views"
        )  # fmt: skip

    def test_without_a_column_is_null_with_the_reason(self, day):
        lacking = "absent: the channel_basic_a3 report has no such column"
        assert day("lacking", DAY, "views", "subscribers_gained", "subscribers_reason") == (5, None, lacking)
        assert day("lacking", DAY, "engaged_views", "engaged_views_reason") == (None, lacking)

    def test_gives_the_average_duration_by_engaged_views(self, day):
        assert day("again", DAY, "average_view_duration") == (str(round(Decimal("24.69") * 60 / 7, 2)),)

    def test_says_what_is_odd_about_it(self, day):
        assert day("again", NEXT, "findings") == ("channel_basic_a3: a column is gone",)


class TestAnalytics:
    def test_stands_in_for_a_day_without_a_report_with_its_newest_answer(self, day):
        row = day("fresh", NEXT)
        assert (row["views"], row["state"], row["source"]) == (21, "provisional", "channel_daily")
        assert (row["engaged_views"], float(row["average_view_duration"])) == (8, 225)
        assert row["views_reason"] is None

    def test_tells_the_days_before_the_first_report_marked_as_history(self, day):
        row = day("history", OLD)
        assert (row["views"], row["state"], row["views_definition"]) == (5, "history", "views of a minimum length")
        assert row["impressions_reason"].startswith("before reports")

    def test_makes_no_day_by_refusing_it(self, answers):
        assert of_channel(answers("youtube_metrics"), "only refused") == []


class TestRevenue:
    @pytest.mark.parametrize(
        ("channel", "reason"),
        [
            ("unpaid", "refused: not in the Partner Program"),
            ("no permission", "refused: the permission was not given"),
            ("odd refusal", "refused: channelSuspended"),
            ("silent", "not told: Analytics has no row for this day"),
        ],
    )
    def test_that_is_not_there_is_null_with_the_reason_beside_views_that_are(self, channel, reason, day):
        assert day(channel, DAY, "estimated_revenue", "estimated_revenue_reason", "views") == (None, reason, 2000)

    def test_that_is_refused_is_so_for_days_that_nobody_asked_for_too(self, day):
        told = day("unpaid", OLD, "estimated_revenue", "estimated_revenue_reason")
        assert told == (None, "refused: not in the Partner Program")

    def test_is_the_newest_restated_to_the_cent(self, day):
        assert day("paid", DAY, "estimated_revenue", "estimated_revenue_reason") == ("1.24", None)

    def test_of_nothing_is_a_zero_also_after_a_refusal(self, day):
        assert day("joined", DAY, "estimated_revenue", "estimated_revenue_reason") == (0, None)

    def test_before_any_report_stands_alone(self, day):
        assert day("only revenue", OLD, "estimated_revenue", "views", "state") == (7, None, "history")
        assert day("only revenue", OLD, "views_reason") == ("before reports: Analytics did not tell it",)

    def test_for_a_thousand_views_and_engaged_views(self, answers):
        (row,) = of_channel(answers("revenue_daily"), "paid")
        assert (row["revenue_per_thousand_views"], row["revenue_per_thousand_engaged_views"]) == ("0.62", "1.24")
        assert (row["monetized_playbacks"], row["ad_revenue"], row["playback_based_cpm"]) == (900, "1.01", "2.75")


def test_every_null_of_the_metrics_has_its_reason_and_nothing_else_has(answers):
    told = {name.removesuffix("_reason") for name in answers("youtube_metrics")[0] if name.endswith("_reason")}
    for row in answers("youtube_metrics"):
        for name in told - {"subscribers"}:
            assert (row[name] is None) == (row[f"{name}_reason"] is not None), (row["channel_id"], name)
        lost = row["subscribers_gained"] is None or row["subscribers_lost"] is None
        assert lost == (row["subscribers_reason"] is not None)


def test_impressions_are_weighted_and_stand_without_a_basic_report(day):
    assert day("reach", DAY, "impressions", "click_through_rate") == (400, "0.4")
    assert day("reach alone", OLD, "impressions", "views", "source") == (40, None, "channel_reach_basic_a1")


class TestAVideo:
    def test_is_counted_by_reports_beside_its_public_counters(self, video):
        row = video("v1")
        assert (row["views"], row["likes"], row["dislikes"], row["shares"]) == (35, 6, 3, 12)
        assert (row["counted_from"], row["counted_to"]) == (DAY.isoformat(), NEXT.isoformat())
        assert (row["lifetime_views"], row["lifetime_likes"], row["lifetime_comments"]) == (1000, None, 5)
        assert (row["published_at"], row["published_at_reason"]) == ("2026-11-24T00:00:00Z", None)

    def test_has_its_newest_retention_curve_in_order(self, video):
        points = [(point["at"], point["watching"]) for point in video("v1")["retention_data"]]
        assert points == [(0.25, 2.25), (0.5, 2.5)]

    def test_that_is_gone_says_so(self, video):
        row = video("v2")
        assert (row["gone"], row["views"], row["published_at"]) == (True, 1, None)
        assert row["published_at_reason"].startswith("gone")
        assert row["retention_data_reason"] == "refused: videoNotFound"

    def test_that_no_report_tells_of_has_no_counts_and_says_why(self, video):
        row = video("v3")
        assert (row["views"], row["counts_reason"]) == (None, "not yet: no report tells of the video")
        assert row["retention_data_reason"].startswith("empty")

    def test_that_only_analytics_knows_is_there_with_what_is_missing(self, video):
        assert video("v4")["published_at_reason"].startswith("not yet: the Data API")


class TestMarts:
    def test_shares_of_viewers_are_weighted_by_views(self, answers):
        shares = {row["age_group"]: row["views_percentage"] for row in answers("demographics_daily")}
        assert shares == {"AGE_18_24": "62.5", "AGE_25_34": "37.5"}  # 300 views, half of them, and all of 100

    def test_a_code_is_named_and_one_that_nobody_has_named_is_kept(self, answers):
        rows = {
            row["traffic_source_type"]: row for row in answers("traffic_source_daily") if row["state"] == "final"
        }
        assert (rows["5"]["traffic_source"], rows["5"]["views"]) == ("YouTube search", 20)
        assert (rows["99"]["traffic_source"], rows["99"]["traffic_source_detail"]) == ("99", None)

    @pytest.mark.parametrize(
        ("mart", "named", "name"),
        [("traffic_source_daily", "traffic_source", "YouTube search"), ("device_daily", "device", "Mobile phone")],
    )
    def test_analytics_stands_in_until_the_report_of_the_day_comes(self, mart, named, name, answers):
        (row,) = (row for row in of_channel(answers(mart), "codes") if row["date"] == NEXT.isoformat())
        assert (row["state"], row[named], row["video_id"], row["views"]) == ("provisional", name, None, 30)
        assert {row["state"] for row in of_channel(answers(mart), "codes") if row["date"] == DAY.isoformat()} == {
            "final"
        }

    def test_a_report_without_rows_leaves_nothing_for_analytics_to_tell(self, answers):
        rows = of_channel(answers("traffic_source_daily"), "zero")
        assert [(row["date"], row["state"]) for row in rows] == [(NEXT.isoformat(), "provisional")]

    def test_reach_by_source_is_weighted(self, answers):
        (row,) = answers("reach_daily")
        assert (row["impressions"], row["click_through_rate"]) == (40, "0.2")

    def test_a_month_says_of_how_many_days_it_is(self, answers):
        (row,) = of_channel(answers("channel_monthly"), "fresh")
        assert (row["days"], row["days_final"], row["days_provisional"], row["views"]) == (2, 1, 1, 31)
        (old, new) = sorted(of_channel(answers("channel_monthly"), "history"), key=lambda row: row["month"])
        assert (old["days_history"], old["days_missing"], new["days_final"]) == (1, 28, 1)

    def test_history_is_joined_to_today_with_its_seam(self, answers):
        first, second = sorted(of_channel(answers("history_daily"), "history"), key=lambda row: row["date"])
        assert (first["state"], first["seam"], second["state"], second["seam"]) == (
            "history",
            False,
            "final",
            True,
        )
        assert second["days_missing"] == (NEXT - OLD).days - 1

    def test_engaged_views_say_which_days_may_be_compared(self, answers):
        rows = {row["date"]: row for row in of_channel(answers("engaged_views_daily"), "history")}
        assert (rows[OLD.isoformat()]["as_today"], rows[NEXT.isoformat()]["as_today"]) == (False, True)
        assert rows[OLD.isoformat()]["engaged_share"] == 1


class TestTheOwnersOwnNumbers:
    def test_count_once_in_their_newest_version(self, answers):
        costs = [row["value"] for row in answers("owner_metrics") if row["name"] == "cost"]
        assert sorted(map(str, costs)) == ["5", "80.25", "9"]

    def test_stand_beside_what_a_video_brought_in(self, answers):
        (row,) = of_channel(answers("video_cost_and_return"), "owner")
        assert (row["cost"], row["costs_in_other_units"], row["net"]) == ("80.25", 1, "-50.25")
        assert (row["hours_watched"], row["cost_per_hour_watched"]) == (10, "8.025")

    def test_stand_beside_what_an_hour_watched_brought(self, answers):
        (row, *_) = of_channel(answers("revenue_per_hour_daily"), "owner")
        assert (row["revenue_per_hour_watched"], row["cost"], row["net"]) == ("2.5", "85.25", "-60.25")

    def test_plans_of_a_month_stand_beside_what_came(self, answers):
        (row,) = answers("plan_against_actual")
        assert (row["name"], row["planned"], row["actual"], row["attained"]) == ("views", 2000, 1000, "0.5")


@pytest.mark.parametrize("name", QUERIED)
def test_what_is_declared_unique_is_and_what_is_never_null_is_not(name, answers):
    told, rows = described(name), answers(name)
    assert len({tuple(row[column] for column in told.unique) for row in rows}) == len(rows) > 0
    assert [row for row in rows if any(row[column] is None for column in told.never_null)] == []
