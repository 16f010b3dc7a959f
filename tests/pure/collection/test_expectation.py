"""Which days must come, and where each of them stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import last_full_day, pacific_day, pacific_midnight
from shared.collection.jobs import (
    AT_RISK,
    HISTORY,
    KEPT,
    LAG,
    LATE,
    MISSING,
    NOT_DUE,
    SOONEST,
    Issue,
    Job,
    Span,
    Standing,
    State,
    end_of,
    standing,
)

MADE = datetime(2026, 9, 1, 19, tzinfo=UTC)
FIRST = pacific_day(MADE) - HISTORY
DAY = date(2026, 9, 20)


def job(*earlier: Span, job_id: str = "j", created_at: datetime = MADE, since: datetime = MADE, **fields) -> Job:
    of = {"name": "c:t", "channel_id": "c", "report_type": "t"}
    return Job(**of, job_id=job_id, created_at=created_at, since=since, earlier=earlier, **fields)


ONE = job()


def issue(state: State = State.LISTED, **fields) -> Issue:
    created = fields.pop("create_time", end_of(DAY) + SOONEST)
    return Issue(state=state, create_time=created, job_id="j", **fields)


def at(day: date, now: datetime, issue: Issue | None = None, job: Job = ONE) -> Standing:
    return standing(day, issue, job, now=now).standing


@pytest.mark.fault(61)
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (LAG - timedelta(seconds=1), Standing.EXPECTED),
        (LAG, Standing.LATE),
        (LAG + LATE, Standing.NEVER_ISSUED),
        (SOONEST + KEPT - timedelta(seconds=1), Standing.NEVER_ISSUED),
        (SOONEST + KEPT, Standing.LOST),
    ],
)
def test_a_day_without_a_report_is_late_then_never_issued_then_lost(after, expected):
    found = standing(DAY, None, ONE, now=end_of(DAY) + after)
    assert found.standing is expected
    assert found.lost_at == end_of(DAY) + SOONEST + KEPT
    if expected is not Standing.LOST:
        assert found.since == end_of(DAY) + LAG


def test_a_day_of_the_history_is_waited_for_from_the_jobs_creation_and_kept_for_thirty_days():
    found = standing(FIRST, None, ONE, now=MADE + LAG)
    assert (found.standing, found.since, found.lost_at) == (Standing.LATE, MADE + LAG, MADE + HISTORY)
    assert at(FIRST, MADE + LAG - timedelta(seconds=1)) is Standing.EXPECTED


@pytest.mark.parametrize(("day", "kept"), [(pacific_day(MADE) - timedelta(days=1), HISTORY), (DAY, KEPT)])
def test_a_listed_report_is_lost_when_youtube_deletes_it(day, kept):
    listed = issue(create_time=MADE + timedelta(days=30))
    assert at(day, listed.create_time + kept - timedelta(seconds=1), listed) is Standing.LISTED
    assert at(day, listed.create_time + kept, listed) is Standing.LOST


def test_a_correction_that_is_not_loaded_leaves_the_older_numbers():
    for state in (State.LISTED, State.FAILED):
        assert at(DAY, MADE + timedelta(days=300), issue(state, load_id="L")) is Standing.SUPERSEDED
    assert at(DAY, end_of(DAY) + LAG, issue(State.LISTED, load_id="L")) is Standing.SUPERSEDED
    assert at(DAY, end_of(DAY) + LAG, issue(State.FAILED, load_id="L")) is Standing.FAILED


def test_nothing_is_expected_from_before_the_first_jobs_history_nor_of_a_retired_type():
    now = MADE + timedelta(days=40)
    assert at(FIRST - timedelta(days=1), now) is Standing.NOT_OFFERED
    retired = job(retired_at=end_of(DAY))
    assert at(DAY, now, job=retired) is Standing.NEVER_ISSUED
    assert at(DAY + timedelta(days=1), now, job=retired) is Standing.NOT_OFFERED


def test_what_youtube_had_deleted_before_we_came_was_never_ours_to_lose():
    since = MADE + timedelta(days=200)
    found = job(since=since)
    assert found.first == pacific_day(since) - KEPT
    assert at(DAY, since + timedelta(days=1), job=found) is Standing.NOT_OFFERED


@pytest.mark.fault(62)
def test_days_after_an_expired_job_are_missing_until_no_new_ones_history_reaches_them():
    ended = job(ends_at=end_of(DAY))
    gap = DAY + timedelta(days=1)
    reach = pacific_midnight(gap + HISTORY + timedelta(days=1))
    assert standing(gap, None, ended, now=end_of(gap) + LAG).lost_at == reach
    assert at(gap, reach - timedelta(seconds=1), job=ended) is Standing.NEVER_ISSUED
    assert at(gap, reach, job=ended) is Standing.LOST
    renewed = job(*ended.spans, job_id="k", created_at=reach - timedelta(hours=1))
    assert at(gap, reach + timedelta(days=1), job=renewed) is Standing.EXPECTED


hours = st.integers(-24 * 200, 24 * 400).map(lambda number: timedelta(hours=number))
instants = hours.map(lambda gone: MADE + gone)
spans = st.builds(
    lambda number, begun, life: Span(
        job_id=f"j{number}", created_at=begun, ends_at=None if life is None else begun + timedelta(days=life)
    ),
    st.integers(0, 2), instants, st.none() | st.integers(0, 200),
)  # fmt: skip
several = st.builds(
    lambda found, retired: job(
        *found[:-1], **vars(found[-1]), since=min(span.created_at for span in found), retired_at=retired
    ),
    st.lists(spans, min_size=1, max_size=3), st.none() | instants,
)  # fmt: skip
issued = st.builds(
    lambda state, gone, number, load: Issue(
        state=state,
        create_time=MADE + gone,
        job_id=f"j{number}",
        load_id="L" if load or state is State.LOADED else None,
    ),
    st.sampled_from(State), hours, st.integers(0, 3), st.booleans(),
)  # fmt: skip
reported = st.lists(st.none() | issued, min_size=1, max_size=40)
"""The days' reports, again and again: hypothesis takes seconds to think of hundreds."""


@given(several, reported, instants)
def test_the_standings_part_the_days(job, reports, now):
    """Each day that has ended is held, on its way or missing, or is not due."""
    days = [job.first + timedelta(days=n) for n in range((last_full_day(now) - job.first).days + 1)]
    entries = dict(zip(days, cycle(reports), strict=False))
    found = {day: standing(day, entries.get(day), job, now=now) for day in days}
    due = {day for day, each in found.items() if each.standing not in NOT_DUE}
    held = {day for day, each in found.items() if each.standing in {Standing.LOADED, Standing.SUPERSEDED}}
    missing = {day for day, each in found.items() if each.standing in MISSING}
    on_its_way = {day for day, each in found.items() if each.standing is Standing.LISTED}
    assert len(held) + len(missing) + len(on_its_way) == len(due)
    for day, each in found.items():
        entry = entries.get(day)
        assert (day in held) == (
            entry is not None and (entry.state is State.LOADED or each.standing is Standing.SUPERSEDED)
        )
        if each.standing in MISSING | {Standing.LISTED}:
            assert each.lost_at is not None
            assert (each.lost_at <= now) == (each.standing is Standing.LOST)
            assert each.since is not None
            assert each.since <= now or entry is not None
        if each.standing in NOT_DUE:
            assert entry is None


@given(several, reported, instants, st.integers(0, 90))
def test_the_short_form_says_what_the_whole_coverage_says(job, reports, seen_at, later):
    days = [job.first + timedelta(days=n) for n in range((last_full_day(seen_at) - job.first).days + 1)]
    entries = dict(zip(days, cycle(reports), strict=False))
    known = replace(
        job,
        seen_at=seen_at,
        open={day.isoformat(): each for day, each in entries.items() if each and each.state is not State.LOADED},
        absent=tuple(day.isoformat() for day in days if entries.get(day) is None),
    )
    now = seen_at + timedelta(days=later)
    whole = {day: standing(day, entries.get(day), job, now=now) for day in known.days(now)}
    assert known.unloaded(now) == {
        day: each for day, each in whole.items() if each.standing is not Standing.LOADED
    }
    assert known.assessed(now).at_risk == any(each.standing in AT_RISK for each in whole.values())
    assert known.missing(now) == {day: each for day, each in whole.items() if each.standing in MISSING}
    assert {day for day in known.days(now) if known.loaded(day)} == {
        day for day, each in entries.items() if each and each.load_id
    }


def test_only_what_is_loaded_is_synced_and_nobody_waits_for_what_is_gone():
    def settled(now: datetime, **days: Issue) -> tuple[bool, bool]:
        """Whether it counts as listed, and as loaded."""
        found = replace(ONE, seen_at=now, open={DAY.isoformat(): each for each in days.values()}).settled(now)
        return found.listed_at == now, found.synced_at == now

    soon = end_of(DAY) + LAG
    assert settled(soon) == (True, True)
    assert settled(soon, one=issue()) == (False, False)
    assert settled(soon, one=issue(load_id="L")) == (False, False)
    assert settled(soon, one=issue(State.FAILED)) == (True, False)
    assert settled(soon + KEPT, one=issue(State.FAILED)) == (True, True)
