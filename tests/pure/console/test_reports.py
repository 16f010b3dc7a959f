"""Each channel's reports in days: what ought to be there, what is missing, why, and until when it can come."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.collection.jobs import HISTORY, KEPT, SOONEST, Issue, Span, State, end_of, on
from shared.console.connections import Urgency
from shared.console.reports import GRID_DAYS, grid, rows
from tests.pure.console.network import NOW, channel, job
from tests.pure.console.network import rows as connections

MADE = NOW - timedelta(days=9)
OLD, NEW = date(2026, 11, 1), date(2026, 11, 14)
RECENT = job().absent


def row(**fields):
    [found] = rows([job(**fields)], now=NOW)
    return found


def unreadable(day: date) -> dict[str, Issue]:
    failed = Issue(state=State.FAILED, create_time=end_of(day) + SOONEST, job_id="j", reason="reportColumnMissing")
    return {day.isoformat(): failed}


def test_a_whole_channel_lacks_nothing_and_what_is_not_due_is_not_expected():
    found = row()
    assert (found["missing"], found["note"], found["on_its_way"]) == ([], "", 0)
    assert found["expected"] == found["loaded"] == 36  # 30 days before the job, and six of its nine


def test_what_is_listed_is_on_its_way():
    listed = Issue(state=State.LISTED, create_time=NOW - timedelta(minutes=5), job_id="j")
    found = row(open={NEW.isoformat(): listed})
    assert (found["expected"], found["loaded"], found["on_its_way"], found["missing"]) == (36, 35, 1, [])


def test_a_correction_on_its_way_leaves_the_day_loaded():
    listed = Issue(state=State.LISTED, create_time=NOW - timedelta(minutes=5), job_id="j", load_id="L")
    found = row(open={NEW.isoformat(): listed})
    assert (found["expected"], found["loaded"], found["on_its_way"]) == (36, 36, 1)


@pytest.mark.fault(61)
def test_a_day_that_was_never_issued_says_since_when_what_was_done_and_when_it_is_lost():
    found = row(absent=(OLD.isoformat(), *RECENT))
    assert (found["expected"], found["loaded"]) == (36, 35)
    [missing] = found["missing"]
    assert (missing["day"], missing["why"], missing["lost"]) == (OLD, "YouTube has never issued it", False)
    assert missing["since"] == MADE + timedelta(hours=72)
    assert missing["lost_at"] == MADE + HISTORY
    assert missing["done"] == "YouTube's whole list was last read on 20 Nov 2026"


@pytest.mark.fault(64)
def test_a_report_that_cannot_be_read_says_why_and_until_when_it_is_kept():
    [missing] = row(open=unreadable(NEW))["missing"]
    assert missing["why"] == "its report cannot be read (reportColumnMissing)"
    assert missing["done"] == "It is tried again every day"
    assert missing["lost_at"] == end_of(NEW) + SOONEST + KEPT


@pytest.mark.fault(62)
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ends_at": NOW + timedelta(days=5)}, "Its reporting job expires on 27 Nov 2026; another will take"),
        ({"ends_at": NOW - timedelta(days=5)}, "Its reporting job expired on 17 Nov 2026, and is not replaced"),
        ({"ends_at": NOW, "retired_at": NOW}, "YouTube retired this report type on 22 Nov 2026"),
    ],
)
def test_the_end_of_a_job_or_of_its_type_is_said(fields, says):
    assert row(**fields)["note"].startswith(says)


def test_days_between_two_jobs_are_missing_until_they_are_out_of_a_new_jobs_reach():
    ended = Span(job_id="i", created_at=NOW - timedelta(days=100), ends_at=NOW - timedelta(days=45))
    lost = (NOW - timedelta(days=42)).date()
    found = row(earlier=(ended,), since=ended.created_at, absent=(lost.isoformat(), *RECENT))
    [missing] = found["missing"]
    assert (missing["day"], missing["lost"]) == (lost, True)


def test_what_is_lost_first_comes_first():
    late = job(report_type="b", open=unreadable(NEW))
    first = job(report_type="c", open=unreadable(OLD))
    found = rows([job(report_type="a"), late, first], now=NOW)
    assert [(each["report_type"], len(each["missing"])) for each in found] == [("c", 1), ("b", 1), ("a", 0)]


def test_the_grid_says_of_each_day_where_it_stands():
    listed = {NEW.isoformat(): Issue(state=State.LISTED, create_time=NOW - timedelta(minutes=5), job_id="j")}
    lacking = job(open={**unreadable(OLD), **listed}, absent=RECENT)
    told = grid([lacking], lambda each: {"about": each.channel_id}, now=NOW)
    assert (told["days"][0], told["days"][-1], len(told["days"])) == (
        date(2026, 10, 18),
        date(2026, 11, 21),
        GRID_DAYS,
    )
    [found] = told["rows"]
    stands = dict(zip(told["days"], found["days"], strict=True))
    assert (found["about"], stands[OLD], stands[NEW]) == ("UC1", "failed", "listed")
    assert stands[date(2026, 11, 2)] == "loaded"
    assert stands[date(2026, 11, 21)] == "expected"


@pytest.mark.fault(61)
def test_a_channel_with_missing_days_needs_somebody_who_is_told_the_deadline():
    [found] = connections(channel(), at_risk=(job(open=unreadable(NEW)),))
    assert found.todo.urgency is Urgency.SOON
    assert f"Reports of 1 day are missing, the first lost on {on(end_of(NEW) + SOONEST + KEPT)}" in found.todo.text
    late = job(absent=("2026-11-18", *RECENT))  # beyond the lag, and nothing to worry about yet
    [found] = connections(channel(), at_risk=(late,))
    assert found.todo.urgency is Urgency.NOTHING
