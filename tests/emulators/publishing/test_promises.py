"""Answers before work count what was accepted before; what can never run is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.clock import next_reset
from shared.errors import Forbidden, QuotaRefused
from shared.publishing import plan
from shared.publishing.operation import State
from shared.quota.calendar import SKEW
from shared.quota.ledger import Ledger
from shared.quota.profile import adjusted


def limited(bench, *limits, **changes):
    """From now on the plan in force has other limits."""
    stand = bench.stand
    profile = replace(adjusted(stand.ledger.profile, limits=limits), **changes)
    stand.ledger = Ledger(stand.firestore, profile, stand.clock)


@pytest.fixture
def days_of_two(bench):
    """Two uploads a day."""
    limited(bench, "uploads=2")
    return bench


def uploads(bench, count):
    bench.video()
    return [bench.submit(upload=bench.upload()) for _ in range(count)]


@pytest.mark.case("P19")
def test_eight_uploads_where_two_a_day_can_run_are_told_four_days_in_the_order_of_asking(days_of_two):
    asked = uploads(days_of_two, 8)
    first = next_reset(days_of_two.stand.clock())
    days = [(quote.runs_at - first) // timedelta(days=1) for _, quote in asked[2:]]
    assert days == [0, 0, 1, 1, 2, 2]
    assert [quote.why_not_now == "" for _, quote in asked[:3]] == [True, True, False]
    assert [operation.state for operation, _ in asked[:3]] == [State.QUEUED, State.QUEUED, State.WAITING]
    assert {operation.reason for operation, _ in asked[2:]} == {"bucketSpent"}


@pytest.mark.case("P19")
def test_what_was_told_is_what_happens(days_of_two):
    for operation, quote in uploads(days_of_two, 3):
        done = days_of_two.settle(operation)
        assert done.state is State.SUCCEEDED
        began = next(event.at for event in done.history if event.reason == "stepDone")
        assert quote.runs_at <= began < quote.runs_at + SKEW + timedelta(minutes=5)


def test_asked_again_the_same_operation_is_told_the_same_time(days_of_two):
    days_of_two.video()
    asked = [days_of_two.submit(f"key-of-{n}", upload=days_of_two.upload())[1] for n in range(3)]
    again = [days_of_two.submit(f"key-of-{n}", upload=days_of_two.upload())[1] for n in range(3)]
    assert [each.runs_at > next_reset(days_of_two.stand.clock()) - timedelta(hours=1) for each in again] == [
        False,
        False,
        True,
    ]
    assert again[2].runs_at == asked[2].runs_at


def test_a_plan_counts_what_was_accepted_and_prices_only_itself(days_of_two):
    from shared.publishing.plan import Intent

    uploads(days_of_two, 1)
    answer = days_of_two.submissions.plan([Intent(channel_id=days_of_two.channel_id, do=("upload",), times=2)])
    assert (answer.costs["uploads"], answer.left["uploads"], answer.now) == (2, 2, 1)


def test_what_has_ended_is_promised_no_more(days_of_two):
    first, second = (operation for operation, _ in uploads(days_of_two, 2))
    days_of_two.submissions.cancel(second.id)
    assert days_of_two.settle(first).state is State.SUCCEEDED
    assert uploads(days_of_two, 1)[0][1].why_not_now == ""


@pytest.mark.case("P19")
def test_a_channel_s_pause_is_in_the_answer(bench):
    bench.video()
    until = (bench.stand.clock() + timedelta(hours=5)).replace(microsecond=0)
    bench.operations.pause_uploads(bench.channel_id, until, "uploadLimitExceeded")
    operation, quote = bench.submit(upload=bench.upload())
    assert (quote.runs_at, quote.why_not_now) == (until, "YouTube takes no uploads to this channel before then.")
    assert (operation.state, operation.reason, operation.due_at) == (State.WAITING, "uploadLimitExceeded", until)
    assert bench.submit(playlist={"title": "Not an upload"})[1].why_not_now == ""


@pytest.mark.case("P14")
@pytest.mark.fault(57)
def test_what_can_never_run_under_the_plan_in_force_is_refused_at_once(bench):
    limited(bench, "default=40")
    body = {"idempotency_key": "never", "channel_id": bench.channel_id, "playlist": {"title": "Never"}}
    told = bench.submissions.quote(body)
    assert (told.runs_at, told.reason) == (None, "neverFits")
    with pytest.raises(Forbidden) as refused:
        bench.submissions.submit(body)
    assert refused.value.reason == "neverFits"
    assert "it is more than this bucket ever holds" in refused.value.message
    assert list(bench.operations.in_state(*State)) == []


@pytest.mark.case("P14")
@pytest.mark.fault(57)
def test_what_can_never_run_any_more_fails_and_is_not_tried_for_ever(bench):
    operation, _ = bench.submit(playlist={"title": "Never"})
    limited(bench, "default=40")
    bench.stand.advance(days=1)  # a day that has begun keeps its figures
    bench.run_due()
    failed = bench.get(operation)
    assert (failed.state, failed.reason) == (State.FAILED, "neverFits")


@pytest.mark.case("P20")
@pytest.mark.fault(60)
def test_one_user_who_asks_for_the_whole_day_leaves_the_others_their_shares(bench):
    for number in range(50):
        bench.stand.firestore.document("users", f"u{number}").set({"connected": []})
    bench.stand.simulator.timepiece.set(next_reset(bench.stand.clock()) + SKEW + timedelta(seconds=1))
    ledger, ordinary = bench.stand.ledger, plan.priority(critical=False)

    def had(user):
        for count in range(101):
            try:
                ledger.reserve(method="youtube.videos.insert", account=user, priority=ordinary)
            except QuotaRefused:
                return count
        raise AssertionError("no end of uploads")

    assert had("u0") <= 4
    assert [had(f"u{number}") for number in range(1, 5)] == [2] * 4
    ledger.reserve(method="youtube.videos.insert", account="u0", priority=plan.priority(critical=True), count=10)


def test_publishing_goes_on_when_reads_are_put_off():
    from shared.quota.profile import load

    profile = load("current")
    read = profile.method("youtube.videos.list")
    assert not read.gives_way(read.at(plan.priority(critical=False)))
    assert read.gives_way(read.at(None))


def test_a_promise_of_a_method_without_a_price_stops_nobody_else(bench):
    uploads(bench, 1)
    methods = dict(bench.stand.ledger.profile.methods)
    del methods["youtube.videos.insert"]
    limited(bench, methods=methods)
    assert bench.submit(playlist={"title": "Goes on"})[1].why_not_now == ""
