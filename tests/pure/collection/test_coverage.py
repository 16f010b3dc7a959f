"""What a listing and a load change in the coverage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.coverage import (
    RESEND_AFTER,
    Day,
    Outcome,
    after_listing,
    after_load,
    overdue,
    ref_of,
)
from shared.collection.jobs import KEPT, State
from shared.warehouse.rows import ReportRef

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
FIRST = date(2026, 11, 1)


def ref(report_id: str, *, day: int = 0, issued: int = 0) -> ReportRef:
    return ReportRef(
        report_id=report_id, channel_id="UC1", report_type="channel_basic_a3", job_id="j",
        day=FIRST + timedelta(days=day), create_time=datetime(2026, 11, 10, tzinfo=UTC) + timedelta(hours=issued),
        download_url="https://example.test/r",
    )  # fmt: skip


def loaded(report: ReportRef, days: dict[date, Day]) -> dict[date, Day]:
    after = after_load(days[report.day], Outcome(ref=report, rows=1, load_id="L"))
    assert after is not None
    return {**days, report.day: after}


def test_a_new_report_is_loaded():
    listing = after_listing({}, [ref("a"), ref("b", day=1)], now=NOW)
    assert [r.report_id for r in listing.to_load] == ["a", "b"]
    assert (listing.new, listing.superseded) == (2, 0)


@pytest.mark.fault(28)
def test_listing_the_same_report_again_changes_nothing():
    days = after_listing({}, [ref("a")], now=NOW).changed
    again = after_listing(days, [ref("a")], now=NOW + timedelta(minutes=5))
    assert (again.changed, again.to_load, again.new) == ({}, (), 0)


def test_of_two_issues_in_one_listing_only_the_newer_is_loaded():
    listing = after_listing({}, [ref("new", issued=5), ref("old")], now=NOW)
    assert [r.report_id for r in listing.to_load] == ["new"]
    assert (listing.new, listing.superseded) == (2, 1)


def test_a_report_issued_again_is_loaded_again():
    days = loaded(ref("old"), after_listing({}, [ref("old")], now=NOW).changed)
    again = after_listing(days, [ref("new", issued=5), ref("old")], now=NOW)
    assert [r.report_id for r in again.to_load] == ["new"]
    assert again.changed[FIRST].superseded == ("old",)


@pytest.mark.fault(28)
def test_an_older_issue_that_is_listed_later_is_noted_and_not_loaded():
    days = after_listing({}, [ref("new", issued=5)], now=NOW).changed
    late = after_listing(days, [ref("old")], now=NOW)
    assert late.to_load == ()
    assert late.changed[FIRST].report_id == "new"


def test_a_report_that_never_arrived_is_sent_again():
    days = after_listing({}, [ref("a")], now=NOW).changed
    assert overdue(days, now=NOW + RESEND_AFTER / 2, dispatched_at=NOW) == {}
    again = overdue(days, now=NOW + RESEND_AFTER, dispatched_at=NOW)
    assert [entry.report_id for entry in again.values()] == ["a"]
    assert overdue(again, now=NOW + RESEND_AFTER, dispatched_at=NOW + RESEND_AFTER) == {}
    assert ref_of("UC1", "channel_basic_a3", FIRST, days[FIRST]) == ref("a")


def test_a_load_of_a_report_that_is_no_longer_the_newest_says_nothing_about_the_day():
    days = after_listing({}, [ref("new", issued=5), ref("old")], now=NOW).changed
    assert after_load(days[FIRST], Outcome(ref=ref("old"), rows=3, load_id="L")) is None


def test_a_report_that_cannot_be_read_fails_with_its_reason_and_a_later_issue_heals_the_day():
    days = after_listing({}, [ref("a")], now=NOW).changed
    failed = after_load(days[FIRST], Outcome(ref=ref("a"), reason="reportColumnMissing"))
    assert failed is not None
    assert (failed.state, failed.reason) == (State.FAILED, "reportColumnMissing")
    assert after_listing({FIRST: failed}, [ref("b", issued=9)], now=NOW).to_load[0].report_id == "b"


def test_a_second_delivery_of_a_load_changes_nothing():
    days = loaded(ref("a"), after_listing({}, [ref("a")], now=NOW).changed)
    assert after_load(days[FIRST], Outcome(ref=ref("a"), rows=9, load_id="L2")) is None


@pytest.mark.parametrize("dispatched_at", [None, NOW - timedelta(days=1)])
def test_what_a_run_noted_and_never_dispatched_is_dispatched_by_the_next(dispatched_at):
    days = after_listing({}, [ref("a")], now=NOW).changed
    again = overdue(days, now=NOW + timedelta(seconds=5), dispatched_at=dispatched_at)
    assert [entry.report_id for entry in again.values()] == ["a"]


def test_a_report_that_could_not_be_read_is_tried_again_the_next_day_and_as_long_as_youtube_keeps_it():
    days = after_listing({}, [ref("a")], now=NOW).changed
    failed = after_load(days[FIRST], Outcome(ref=ref("a"), reason="reportColumnMissing"))
    assert failed is not None
    assert overdue({FIRST: failed}, now=NOW + timedelta(hours=1), dispatched_at=NOW) == {}
    again = overdue({FIRST: failed}, now=NOW + timedelta(days=1), dispatched_at=NOW)
    assert again[FIRST].state is State.LISTED
    assert overdue({FIRST: failed}, now=ref("a").create_time + KEPT, dispatched_at=NOW) == {}


def test_a_report_that_has_arrived_is_never_dispatched_again():
    days = loaded(ref("a"), after_listing({}, [ref("a")], now=NOW).changed)
    assert overdue(days, now=NOW + timedelta(days=2), dispatched_at=None) == {}


issues = st.lists(
    st.builds(lambda d, i: ref(f"{d}-{i}", day=d, issued=i), st.integers(0, 4), st.integers(0, 6)), max_size=20
)


@given(st.lists(issues, max_size=5))
def test_whatever_order_listings_come_in_each_day_ends_with_its_newest_issue(listings):
    days: dict[date, Day] = {}
    for listed in listings:
        days.update(after_listing(days, listed, now=NOW).changed)
    everything = [r for listed in listings for r in listed]
    assert set(days) == {r.day for r in everything}
    for day, entry in days.items():
        ids = {r.report_id for r in everything if r.day == day}
        newest = max((r for r in everything if r.day == day), key=lambda r: r.create_time)
        assert entry.report_id == newest.report_id
        assert {entry.report_id, *entry.superseded} == ids
        assert len(entry.superseded) == len(ids) - 1
