"""What a listing notes, from as few months of the coverage as it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.clock import last_full_day, pacific_day
from shared.collection.coverage import Day, issue_of
from shared.collection.jobs import Job, State
from shared.collection.reports import noted, to_read
from shared.warehouse.rows import ReportRef

MADE = datetime(2026, 9, 1, 19, tzinfo=UTC)
FIRST = pacific_day(MADE) - timedelta(days=30)
NEWEST = 150  # days since then


def entry(number: int, state: State, issued: int, *, older: bool) -> Day:
    created = MADE + timedelta(days=max(0, number - 30) + 2, hours=issued)
    return Day(
        report_id=f"{number}-{issued}", create_time=created, state=state, noted_at=created + timedelta(hours=1),
        job_id="j", download_url="https://example.test/r", superseded=(f"{number}-old",) if older else (),
        load_id="L" if older or state is State.LOADED else None,
    )  # fmt: skip


def report(number: int, issued: int) -> ReportRef:
    return ReportRef(
        report_id=f"{number}-{issued}", channel_id="UC1", report_type="k", job_id="j",
        day=FIRST + timedelta(days=number), download_url="https://example.test/r",
        create_time=MADE + timedelta(days=max(0, number - 30) + 2, hours=issued),
    )  # fmt: skip


odd = st.tuples(st.none() | st.sampled_from(State), st.integers(0, 3), st.booleans())
coverages = st.dictionaries(st.integers(0, NEWEST), odd, max_size=6)
"""The days that are not simply loaded, by number."""
listings = st.lists(st.builds(report, st.integers(0, NEWEST), st.integers(0, 4)), max_size=3)


@given(coverages, st.integers(0, NEWEST), st.integers(0, 60), listings, st.none() | st.integers(0, NEWEST))
def test_what_is_noted_from_a_few_months_is_what_all_of_them_would_give(odd_ones, seen, later, refs, sent):
    """The job knows of every day that is open or absent, so of a month in which nothing changes it says enough."""
    seen_at = MADE + timedelta(days=seen)
    ended = [FIRST + timedelta(days=n) for n in range((last_full_day(seen_at) - FIRST).days + 1)]
    days = {
        day: entry(number, state, issued, older=older)
        for number, day in enumerate(ended)
        for state, issued, older in [odd_ones.get(number, (State.LOADED, 0, False))]
        if state is not None
    }
    job = Job(
        name="UC1:k", channel_id="UC1", report_type="k", job_id="j", created_at=MADE, since=MADE, seen_at=seen_at,
        dispatched_at=None if sent is None else MADE + timedelta(days=sent),
        open={day.isoformat(): issue_of(each) for day, each in days.items() if each.state is not State.LOADED},
        absent=tuple(day.isoformat() for day in ended if day not in days),
    )  # fmt: skip
    now = seen_at + timedelta(days=later)
    asked = to_read(job, refs, now=now)
    since = min(asked, default=date.max)
    few = {day: each for day, each in days.items() if day >= since}
    assert noted(job, few, refs, now=now, since=since) == noted(job, days, refs, now=now, since=date.min)


def test_while_nothing_is_listed_or_open_no_month_is_read():
    job = Job(name="UC1:k", channel_id="UC1", report_type="k", job_id="j", created_at=MADE, since=MADE)
    assert to_read(job, [], now=MADE) == set()
    assert to_read(job, [report(0, 0)], now=MADE) == {FIRST, pacific_day(MADE)}
