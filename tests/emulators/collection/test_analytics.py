"""Figures asked at the simulated Analytics API are YouTube's own in the warehouse, whatever is refused."""

from __future__ import annotations

import json
from datetime import date

import pytest

from shared import channels
from shared.clock import next_reset, pacific_day
from shared.collection.analytics.collecting import QUERY
from shared.collection.analytics.plan import REVENUE, queries
from shared.errors import RateLimited
from shared.monitoring import alerts
from tests.emulators.collection.figures import API, DAY, FREE, HISTORY_QUERIES, PAID, only

# What is asked becomes rows


def test_every_day_since_the_channel_s_birth_is_youtubes_own_and_stands_once(figures):
    channel_id = figures.connect(*PAID)
    channel = figures.stand.channel(*PAID)
    channel.published_at = figures.stand.clock() - 900 * DAY
    figures.day()
    born, last = pacific_day(channel.published_at), pacific_day(figures.stand.clock()) - DAY
    for query in HISTORY_QUERIES:
        found = {day: metrics for (_, day, _, _), metrics in figures.counting(query).items()}
        truth = figures.truth(channel, query, born, last)
        assert found.keys() == truth.keys()
        assert found == truth
    assert figures.run()["due"] == 0
    assert figures.channel(channel_id).analytics_at == next_reset(figures.stand.clock())
    kinds = {load["kind"]: load for load in figures.loads("channel_daily")}
    assert kinds["history"]["end_day"] < kinds["recent"]["start_day"]
    assert figures.state(channel_id).birth == born


def test_all_queries_are_answered_and_what_nobody_asks_twice_a_day_is_asked_once(figures):
    figures.connect(*PAID)
    figures.day()
    loads = figures.loads()
    assert {load["query"] for load in loads} == queries().keys()
    assert not [load for load in loads if load["reason"] or load["truncated"]]
    once = {(load["query"], load["subject"], load["start_day"]) for load in loads}
    assert len(once) == len(loads) == figures.calls()
    curves = figures.counting("retention")
    watched = {load["subject"] for load in figures.loads("retention") if load["row_count"]}
    assert {video for _, _, video, _ in curves} == watched != set()
    assert figures.stand.ours()["analytics"] == figures.stand.googles()["analytics"]


def test_a_second_delivery_and_a_channel_with_nothing_new_are_not_asked(figures):
    channel_id = figures.connect(*PAID)
    figures.day()
    before = (figures.calls(), figures.loads())
    assert figures.collecting().collect([channel_id])["asked"] == 0
    assert figures.run() == {"due": 0, "queued": 0}
    assert (figures.calls(), figures.loads()) == before


def test_days_that_youtube_has_not_counted_are_not_zero_and_come_when_it_has(figures):
    channel_id = figures.connect(*PAID)
    figures.day()
    newest = max(day for _, day, _, _ in figures.counting("channel_daily"))
    assert newest < pacific_day(figures.stand.clock()) - DAY
    figures.stand.advance(days=3)
    figures.day()
    days = {day for _, day, _, _ in figures.counting("channel_daily")}
    assert newest + DAY in days
    assert days == figures.truth(figures.stand.channel(*PAID), "channel_daily", min(days), max(days)).keys()
    assert figures.state(channel_id).queries["channel_daily"].until == max(days)


def test_revenue_that_is_restated_is_read_again_until_it_is_final(figures):
    figures.connect(*PAID)
    figures.day()
    first = figures.counting("revenue_daily")
    figures.stand.advance(days=20)
    figures.run()
    later = figures.counting("revenue_daily")
    changed = [key for key in first if first[key] != later[key]]
    assert changed
    days = {day for _, day, _, _ in later}
    truth = figures.truth(figures.stand.channel(*PAID), "revenue_daily", min(days), max(days))
    assert {day: metrics for (_, day, _, _), metrics in later.items()} == truth


def test_without_a_day_a_row_stands_on_the_first_day_that_was_asked_for(figures):
    figures.connect(*PAID)
    figures.run()
    months = {day for _, day, _, _ in figures.counting("country_monthly")}
    assert months == {date(2026, 7, 1), date(2026, 6, 1), date(2026, 5, 1)}
    videos = {video for _, _, video, _ in figures.counting("top_videos_monthly")}
    assert len(videos) > 1
    assert None not in videos


# What YouTube refuses, or says oddly


@pytest.mark.fault(6)
def test_revenue_of_a_channel_outside_the_program_is_a_reason_and_everything_else_is_there(figures):
    channel_id = figures.connect(*FREE)
    figures.day()
    refused = [load for load in figures.loads() if load["reason"]]
    assert {load["reason"] for load in refused} == {"monetaryForbidden"}
    assert {load["query"] for load in refused} == {n for n, query in queries().items() if query.needs == REVENUE}
    assert figures.counting("channel_daily")
    assert figures.counting("top_videos_monthly")
    assert figures.channel(channel_id).refusals == {}
    assert sum(entry["status"] == 403 for entry in figures.stand.simulator.journal.entries(QUERY)) == 1
    figures.stand.advance(days=1)
    figures.run()
    assert len([load for load in figures.loads() if load["reason"]]) == len(refused)
    figures.stand.channel(*FREE).monetised = True
    figures.stand.advance(days=7)
    figures.day()
    assert figures.counting("revenue_daily")


def test_one_metric_that_is_refused_takes_nothing_with_it_but_its_own_query(figures):
    figures.connect(*PAID)
    figures.stand.inject(method=QUERY, kind="badRequest", match=only("ads_daily"))
    figures.run()
    assert {load["query"]: load["reason"] for load in figures.loads() if load["reason"]} == {
        "ads_daily": "badRequest"
    }
    assert figures.counting("revenue_daily")


@pytest.mark.case("C5")
@pytest.mark.fault(67)
def test_without_the_scope_nothing_is_asked_and_the_reason_stands_beside_every_query(figures):
    figures.connect(*PAID, granted=("publish",))
    figures.day()
    assert figures.calls() == 0
    assert {load["reason"] for load in figures.loads()} == {"insufficientPermissions"}
    assert {load["query"] for load in figures.loads()} == queries().keys() - {"retention"}


@pytest.mark.fault(6)
def test_without_the_monetary_scope_only_money_is_missing_and_nothing_is_asked_for_it(figures):
    channel_id = figures.connect(*PAID, granted=("analytics",))
    figures.run()
    refused = {load["query"]: load["reason"] for load in figures.loads() if load["reason"]}
    assert refused == dict.fromkeys(
        (name for name, query in queries().items() if query.needs == REVENUE), "insufficientPermissions"
    )
    assert not [each for each in figures.stand.simulator.journal.entries(QUERY) if each["status"] != 200]
    figures.stand.advance(hours=1)
    have = {"capabilities.revenue": {"have": True, "reason": "granted"}, "analytics_at": figures.stand.clock()}
    figures.stand.firestore.document(channels.path(channel_id)).update(have)
    figures.run()
    assert figures.counting("revenue_daily")


@pytest.mark.case("C6")
@pytest.mark.fault(67)
def test_a_token_that_has_lost_its_scope_is_asked_once_and_again_when_the_channel_is_connected_again(figures):
    channel_id = figures.connect(*PAID)
    figures.stand.inject(method=QUERY, kind="error", reason="insufficientPermissions", status=403, body=json.dumps(
        {"error": {"code": 403, "message": "No.", "errors": [{"reason": "insufficientPermissions"}]}}
    ), match=only("channel_daily"))  # fmt: skip
    figures.day()
    refusal = figures.channel(channel_id).refusals[API]
    assert (refusal.reason, refusal.until) == ("insufficientPermissions", None)
    calls = figures.calls()
    figures.stand.advance(days=10)
    figures.day()
    assert figures.calls() == calls
    figures.stand.simulator.faults.clear()
    figures.connect(*PAID)
    figures.day()
    assert figures.counting("channel_daily")
    assert figures.channel(channel_id).refusals == {}


@pytest.mark.case("C4")
@pytest.mark.fault(66)
def test_an_api_that_is_off_is_one_call_and_one_alarm_and_nobody_s_refusal(figures):
    names = [figures.connect(*PAID), figures.connect(*FREE)]
    figures.stand.inject(method=QUERY, kind="accessNotConfigured")
    figures.run()
    assert figures.calls() == 1
    assert [alert.key for alert in alerts.firing(figures.stand.firestore)] == [alerts.of_api(API)]
    assert [figures.channel(name).refusals for name in names] == [{}, {}]
    figures.stand.simulator.faults.clear()
    figures.stand.advance(hours=1)
    assert figures.run()["due"] == 2
    assert not alerts.firing(figures.stand.firestore)


@pytest.mark.fault(34)
@pytest.mark.case("C10")
def test_a_list_as_long_as_one_may_be_is_flagged_and_odd_numbers_are_kept(figures):
    figures.connect(*PAID)
    figures.answer_with(
        [[f"video{number:06}", 5.0, 7.0, 3, -2, 0, 0, None] for number in range(200)], **only("top_videos_monthly")
    )
    figures.run()
    [flagged, *_] = figures.loads("top_videos_monthly")
    assert (flagged["row_count"], flagged["truncated"]) == (200, True)
    assert not [load for load in figures.loads() if load["truncated"] and load["query"] != "top_videos_monthly"]
    numbers_ = next(iter(figures.counting("top_videos_monthly").values()))
    assert (numbers_["views"], numbers_["likes"], "subscribersGained" in numbers_) == (5, -2, False)


@pytest.mark.case("C10")
def test_numbers_written_as_floats_are_the_same_whole_numbers(figures):
    figures.connect(*PAID)
    from infra.local.simulator.analytics.control import Manner

    figures.stand.simulator.room(Manner).whole_numbers = "float"
    figures.day()
    channel, last = figures.stand.channel(*PAID), pacific_day(figures.stand.clock())
    found = {day: metrics for (_, day, _, _), metrics in figures.counting("channel_daily").items()}
    assert found == figures.truth(channel, "channel_daily", pacific_day(channel.published_at), last)
    assert all(isinstance(metrics["views"], int) for metrics in found.values())


@pytest.mark.parametrize(
    "rows",
    [[["v", 1]], [["v", 1.5, 0, 0, 0, 0, 0, 0]], [["v", "many", 0, 0, 0, 0, 0, 0]], [7], [["v"] * 9]],
    ids=["short", "half a view", "words", "no row", "long"],
)
def test_an_answer_that_is_no_table_is_a_reason_and_spoils_no_other(figures, rows):
    figures.connect(*PAID)
    figures.answer_with(rows, **only("top_videos_monthly"))
    figures.run()
    assert {load["reason"] for load in figures.loads("top_videos_monthly")} == {"unreadableAnswer"}
    assert figures.counting("channel_daily")


# Quotas and limits


@pytest.mark.case("C12")
def test_a_spent_quota_ends_the_day_for_everybody_and_no_unit_more_is_asked(figures):
    names = [figures.connect(*PAID), figures.connect(*FREE)]
    figures.stand.inject(method=QUERY, kind="quota", skip=5)
    figures.run()
    assert figures.calls() == 6
    tomorrow = next_reset(figures.stand.clock())
    assert {figures.channel(name).analytics_at for name in names} == {tomorrow}
    assert figures.stand.ours()["analytics"] == figures.stand.googles()["analytics"]
    figures.stand.simulator.faults.clear()
    figures.stand.advance(hours=1)
    assert figures.run()["due"] == 0
    figures.stand.simulator.timepiece.set(tomorrow)
    assert figures.run()["due"] == 2


def test_the_day_s_quota_is_divided_among_those_who_are_due(figures):
    figures.connect(*PAID)
    figures.connect(*FREE)
    figures.collecting().plan()
    [(_, payload)] = figures.reading.tasks.values()
    assert payload["most"] == 1_000
    told = figures.collecting().collect(payload["channels"], 2)
    assert told["asked"] == 4
    assert {load["query"] for load in figures.loads()} == set(HISTORY_QUERIES)


def test_one_person_s_minute_holds_up_his_channels_alone_and_the_next_run_goes_on(figures):
    mine, other = figures.connect(*FREE), figures.connect(*PAID)
    for _ in range(4):
        figures.stand.limiter.admit(method=QUERY, user="u1", count=15)
    with pytest.raises(RateLimited):
        figures.stand.limiter.admit(method=QUERY, user="u1")
    figures.run()
    assert {load["channel_id"] for load in figures.loads()} == {other}
    figures.stand.advance(hours=1)
    figures.run()
    assert {load["channel_id"] for load in figures.loads()} == {mine, other}
