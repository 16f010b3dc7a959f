"""Quota, operations and push as rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import next_reset
from shared.console import operations, push, quota
from shared.publishing.operation import State
from shared.quota.decisions import REASONS
from tests.pure.console.network import NOW, PROFILE, loan, operation, refusal, usage


def bucket(name="default", *, now=NOW, **fields):
    [found] = quota.rows({name: usage(name, **fields)}, PROFILE, now=now)
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
    def test_the_burn_down_has_as_many_hours_as_california_gives_the_day(self, day, hours):
        now = datetime(*day, 20, tzinfo=UTC)
        drawn = quota.burn_down(bucket(now=now), now)
        assert (drawn[-1]["hour"] - drawn[0]["hour"].astimezone(UTC)) / timedelta(hours=1) == hours
        assert len({each["hour"].astimezone(UTC) for each in drawn}) == hours + 1

    def test_the_burn_down_begins_with_the_limit_and_goes_on_as_the_last_hours_did(self):
        hours = [100, 0, 50, *[0] * 6, 30, 30, 30, 15, *[0] * 12]
        found = bucket(used=sum(hours), by_hour=hours)
        drawn = quota.burn_down(found, NOW)
        assert [each["left"] for each in drawn[:4]] == [10_000, 9_900, 9_900, 9_850]
        begun = next(each for each in drawn if each["hour"] == NOW)
        assert (begun["left"], begun["forecast"]) == (9_745, 9_745)
        assert drawn[-1]["forecast"] == pytest.approx(9_745 - 30 * 11.5, abs=1)
        assert all(each["left"] is None for each in drawn if each["hour"] > NOW)

    def test_the_forecast_counts_what_is_set_aside(self):
        assert bucket(used=100, reserved=20)["forecast"].used == 120


class TestOperations:
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
        [row] = operations.rows([operation(kind=kind, work=work)], {})
        assert row["title"] == title

    @pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FAILED])
    def test_there_is_always_a_reason(self, state):
        [row] = operations.rows([operation(state=state, message="", reason="")], {})
        assert row["why"].endswith(".")

    def test_its_channel_is_named(self):
        [named, other] = operations.rows([operation(), operation(channel_id="UC2")], {"UC1": "Tides"})
        assert (named["channel"], other["channel"]) == ("Tides", "UC2")

    def test_a_file_that_is_being_sent_says_how_much_of_it_is(self):
        [row] = operations.rows([operation(upload={"size": 1000, "acknowledged": 420})], {})
        assert row["sent"] == "42% sent"


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

    def test_a_channel_without_a_subscription_is_called_so(self):
        found = push.row("UC1", None, NOW)
        assert (found["state"], found["standing"], found["since"]) == ("absent", "It was never asked for", None)

    def test_a_lapsed_one_says_since_when_and_when_its_uploads_were_looked_at(self):
        ended = NOW - timedelta(hours=2)
        found = push.row("UC1", {"state": "active", "lease_until": ended, "polled_at": NOW}, NOW)
        assert (found["state"], found["since"], found["polled_at"]) == (push.LAPSED, ended, NOW)
