"""Quota, operations and push as rows; all of it as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import next_reset
from shared.console import push
from shared.console.operations import SHOWN
from shared.console.overview import Filter, Known, overview
from shared.console.words import words
from shared.publishing.operation import State
from shared.quota.decisions import REASONS
from tests.pure.console.network import (
    APP,
    NOW,
    PROFILE,
    channel,
    failed,
    large,
    loan,
    operation,
    refusal,
    seen,
    usage,
)


def bucket(name="default", *, now=NOW, **fields):
    [found] = overview(
        Known(usage={name: usage(name, **fields)}),
        PROFILE,
        app_url=APP,
        now=now,
        report_types=(),
        metadata_units=2_000,
        only=Filter(),
    ).quota
    return found


class TestQuota:
    @pytest.mark.parametrize(
        ("mode", "standing"),
        [("normal", "Normal"), ("cacheOnly", "Reads put off"), ("exhausted", "Used up")],
    )
    def test_the_mode_is_said_in_words(self, mode, standing):
        assert (bucket(mode=mode)["mode"], bucket(mode=mode)["standing"]) == (mode, standing)

    def test_a_mode_says_what_it_puts_off_and_until_when(self):
        assert bucket()["effect"] == ""
        alerted = bucket(mode="cacheOnly")
        assert "Collectors read nothing more" in alerted["effect"]
        assert "Publishing goes on" in alerted["effect"]
        assert alerted["until"] == next_reset(NOW)
        uploads = bucket("uploads", mode="cacheOnly")  # pays for no read, so there is nothing to put off
        assert (uploads["standing"], uploads["effect"]) == ("Past its alert", "Nothing is put off yet.")
        kept = bucket(mode="exhausted", left=800, reserve=1000)
        assert kept["effect"] == "Only critical work goes on, from the 800 units that are kept for it."
        assert bucket(mode="exhausted", left=0)["effect"] == "Nothing goes on."

    @pytest.mark.fault(22)
    def test_a_bucket_that_google_closed_says_so_with_its_reason_and_the_drift(self):
        closed = {
            "at": NOW,
            "until": NOW + timedelta(hours=11),
            "reason": "quotaExceeded",
            "used": 60,
            "drift": 40,
        }
        found = bucket(mode="exhausted", closed=closed)
        assert found["standing"] == "Closed by Google"
        assert found["closed"] is not None
        assert (found["closed"]["reason"], found["closed"]["drift"]) == ("quotaExceeded", 40)

    @pytest.mark.parametrize("reason", sorted(REASONS))
    def test_every_refusal_has_a_reason_in_words(self, reason):
        [found] = bucket(refusals=[refusal(reason=reason)])["refusals"]
        assert found["why"] == REASONS[reason]
        assert (found["times"], found["retry_at"]) == (3, NOW + timedelta(hours=11, minutes=30))

    def test_what_can_never_work_has_no_time(self):
        assert bucket(refusals=[refusal(reason="neverFits", retry_at=None)])["refusals"][0]["retry_at"] is None

    def test_a_loan_names_both_sides_and_why(self):
        [found] = bucket(loans=[loan()])["loans"]
        assert (found["lender"], found["borrower"], found["units"]) == ("user-002", "user-001", 50)
        assert found["reason"] == "its own share did not suffice; high priority"

    def test_units_from_the_pool_were_nobodys(self):
        [found] = bucket(loans=[loan(lender="pool")])["loans"]
        assert found["reason"].startswith("these units are nobody's")

    def test_the_largest_spender_comes_first(self):
        accounts = {
            name: {"share": 9, "borrowed": 0, "lent": 0, "spent": spent, "left": 0}
            for name, spent in (("a", 1), ("b", 7))
        }
        assert list(bucket(by_account=accounts)["by_account"]) == ["b", "a"]

    @pytest.mark.fault(21)
    @pytest.mark.parametrize(("day", "hours"), [((2026, 11, 22), 24), ((2026, 3, 8), 23), ((2026, 11, 1), 25)])
    def test_a_day_has_as_many_hours_as_california_gives_it(self, day, hours):
        found = bucket(now=datetime(*day, 20, tzinfo=UTC))
        assert len(found["hours"]) == hours
        assert sum(hour.now for hour in found["hours"]) == 1

    def test_the_forecast_counts_what_is_set_aside(self):
        assert bucket(used=100, reserved=20)["forecast"].used == 120


class TestOperations:
    def test_what_goes_on_first_is_listed_first(self):
        early, late = operation(1, due_at=NOW + timedelta(hours=1)), operation(2, due_at=NOW + timedelta(hours=9))
        assert [row.id for row in seen(operations=(late, early)).operations.waiting] == [early.id, late.id]

    def test_failed_ones_stand_apart_the_newest_first(self):
        old, new = failed(1, updated_at=NOW - timedelta(days=2)), failed(2, updated_at=NOW)
        work = seen(operations=(old, operation(3), new)).operations
        assert [row.id for row in work.failed] == [new.id, old.id]
        assert len(work.waiting) == 1

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.CANCELLED])
    def test_what_has_ended_otherwise_is_not_listed(self, state):
        work = seen(operations=(operation(state=state, due_at=None),)).operations
        assert not work.waiting
        assert not work.failed

    @pytest.mark.parametrize(
        ("kind", "work", "title"),
        [
            ("upload", {"parts": {"snippet": {"title": "A film"}}}, "A film"),
            (
                "release",
                {"upload": {"parts": {"snippet": {"title": "A film"}}}, "playlist": {"title": "P"}},
                "A film",
            ),
            ("playlist", {"title": "Evenings"}, "Evenings"),
            ("thumbnail", {"video_id": "abc"}, "abc"),
            ("update", {"video_id": "abc", "parts": {"status": {}}}, "abc"),
        ],
    )
    def test_it_is_called_by_what_people_know_it_by(self, kind, work, title):
        [row] = seen(operations=(operation(kind=kind, work=work),)).operations.waiting
        assert row.title == title

    @pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FAILED])
    def test_there_is_always_a_reason(self, state):
        work = seen(operations=(operation(state=state, message="", reason=""),)).operations
        [row] = work.waiting + work.failed
        assert row.why.endswith(".")

    def test_its_channel_is_named(self):
        [row] = seen(channels=(channel(title="Tides"),), operations=(operation(),)).operations.waiting
        assert row.channel == "Tides"

    def test_a_cut_list_says_that_it_is_cut(self):
        assert seen(operations=tuple(operation(n) for n in range(SHOWN))).operations.cut
        assert not seen(operations=(operation(),)).operations.cut


LIVE = {"state": "active", "lease_until": NOW + timedelta(days=1)}


class TestPush:
    @pytest.mark.parametrize(
        ("fields", "standing"),
        [
            (LIVE, push.ALIVE),
            ({"state": "active", "lease_until": NOW}, push.LAPSED),
            ({"state": "active"}, push.LAPSED),
            ({"state": "pending"}, push.PENDING),
            ({"state": "denied"}, push.DENIED),
        ],
    )
    def test_a_subscription_lives_as_long_as_its_lease(self, fields, standing):
        assert push.standing_of(fields, NOW) == standing

    def test_a_working_channel_without_a_subscription_is_noticed(self):
        found = seen(channels=(channel("UC1"), channel("UC2", title="Silent")), subscriptions={"UC1": LIVE}).push
        assert (found.counts[push.ALIVE], found.counts[push.ABSENT]) == (1, 1)
        assert [row.title for row in found.not_alive] == ["Silent"]

    @pytest.mark.fault(37)
    def test_forged_notifications_are_counted(self):
        found = seen(
            subscriptions={"UC1": {**LIVE, "refused": 3}, "UC2": {**LIVE, "refused": 2, "foreign": 1}}
        ).push
        assert (found.refused, found.foreign) == (5, 1)


class TestJson:
    def test_all_of_it_is_json_with_instants_that_programs_read(self):
        told = json.loads(json.dumps(large(10).as_json()))
        assert datetime.fromisoformat(told["as_of"]) == NOW
        assert told["quota"][0].keys() >= {
            "bucket", "used", "reserved", "left", "limit", "reserve", "alert", "mode", "closed", "forecast",
            "hours", "by_account", "loans", "refusals",
        }  # fmt: skip
        assert told["operations"].keys() == {"waiting", "failed", "cut"}
        assert told["push"]["counts"].keys() == set(words("push"))
        assert told["channels"][0]["todo"].keys() == {"urgency", "text", "link", "code"}
        assert told["loaded"]["days"][0]["date"] == "2026-09-22"

    def test_connections_that_cannot_be_read_are_not_an_empty_network(self):
        assert seen(channels=None).as_json()["available"] is False
        assert seen(channels=()).as_json()["available"] is True
