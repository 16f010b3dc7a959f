"""The life of a job's files: history, lag, replacement, end."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.world import World
from infra.local.simulator.world.issues import DAY, HOUR, Issue, Job, issues, newest

CREATED = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
WORLD = World.generate(9, 10, 5, datetime(2026, 11, 22, 12, tzinfo=UTC))
CHANNELS = WORLD.channels()
FIRST_DAY = date(2026, 11, 22).toordinal()


def job_of(channel, number=0) -> Job:
    return Job(f"job-{channel.id}-{number}", channel.id, "channel_basic_a3", "test", CREATED)


def after(hours: float, channel=CHANNELS[0]) -> list[Issue]:
    return issues(job_of(channel), channel, CREATED + hours * HOUR)


def test_nothing_is_there_when_the_job_is_created():
    assert all(after(0, channel) == [] for channel in CHANNELS)


@pytest.mark.parametrize("channel", CHANNELS[:10], ids=lambda channel: channel.id)
def test_thirty_days_of_history_come_within_three_days_and_not_at_once(channel):
    found = newest(after(72, channel))
    history = {ordinal for ordinal in found if ordinal < FIRST_DAY}
    assert history == set(range(FIRST_DAY - 30, FIRST_DAY))
    settled = [found[ordinal] for ordinal in history if ordinal < FIRST_DAY - 3]
    assert all(issue.created <= CREATED + 72 * HOUR for issue in settled)
    assert len({round((issue.created - CREATED) / HOUR) for issue in settled if issue.replaced is None}) > 1


@given(st.sampled_from(CHANNELS), st.integers(0, 60))
@settings(max_examples=60)
def test_a_later_day_comes_48_to_72_hours_after_its_end(channel, later):
    ordinal = FIRST_DAY + later
    first = next(issue for issue in after(24 * (later + 6), channel) if issue.ordinal == ordinal)
    assert 48 * HOUR <= first.created - first.end <= 72 * HOUR


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 14), 23), (date(2027, 11, 7), 25)])
def test_a_file_covers_one_pacific_day_also_when_the_clocks_change(day, hours):
    created = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    job = Job("dst", CHANNELS[0].id, "channel_basic_a3", "x", created)
    found = issues(job, CHANNELS[0], created + 10 * DAY)
    issue = next(one for one in found if one.ordinal == day.toordinal())
    assert issue.end - issue.start == hours * 3600
    follower = next(one for one in found if one.ordinal == day.toordinal() + 1)
    assert follower.start == issue.end


def test_a_day_issued_again_replaces_the_draft_which_stays_listed_for_a_week():
    again = [(first, second) for channel in CHANNELS for first, second in _pairs(after(24 * 20, channel))]
    assert len(again) > 20
    for first, second in again:
        assert first.draft is not None
        assert second.draft is None
        assert (first.start, first.end) == (second.start, second.end)
        assert first.id != second.id
        assert first.created < second.created == first.replaced
        assert first.listed(second.shown)
        assert not first.listed(second.created + 7 * DAY)
        assert newest([second, first])[first.ordinal] is second


def _pairs(found: list[Issue]) -> list[tuple[Issue, Issue]]:
    by_day: dict[int, list[Issue]] = {}
    for issue in found:
        by_day.setdefault(issue.ordinal, []).append(issue)
    return [(pair[0], pair[1]) for pair in by_day.values() if len(pair) == 2]


def test_some_files_are_listed_behind_newer_ones():
    found = sorted((issue for issue in after(24 * 60)), key=lambda issue: issue.shown)
    behind = [issue for issue, next_one in pairwise(found) if next_one.created < issue.created]
    assert behind
    assert all(0 <= issue.shown - issue.created <= 5 * HOUR for issue in found)
    assert sum(issue.shown > issue.created for issue in found) < len(found) / 8


def test_history_ends_after_thirty_days_and_the_rest_after_sixty():
    found = [issue for issue in after(24 * 100) if issue.replaced is None]
    for issue in found:
        kept = 30 * DAY if issue.ordinal < FIRST_DAY else 60 * DAY
        assert issue.listed(issue.shown)
        assert issue.listed(issue.created + kept - 1)
        assert not issue.listed(issue.created + kept)


@given(st.sampled_from(CHANNELS), st.floats(0, 2000), st.floats(0, 2000))
@settings(max_examples=40)
def test_what_was_issued_stays_as_it_was(channel, one, other):
    early, late = sorted((one, other))
    known = {issue.id: (issue.ordinal, issue.created, issue.draft) for issue in after(late, channel)}
    for issue in after(early, channel):
        assert known[issue.id] == (issue.ordinal, issue.created, issue.draft)
        assert issue.created <= issue.shown <= CREATED + early * HOUR


def test_a_day_that_is_never_issued_is_missing_and_every_other_day_stays_as_it_is():
    ordinal = FIRST_DAY - 10
    usual = after(96)
    odd = issues(job_of(CHANNELS[0]), CHANNELS[0], CREATED + 96 * HOUR, {ordinal: None})
    assert odd == [issue for issue in usual if issue.ordinal != ordinal]
    assert len(odd) < len(usual)


def test_a_day_that_is_listed_late_is_created_as_ever():
    ordinal = FIRST_DAY - 10
    usual = next(issue for issue in after(96) if issue.ordinal == ordinal)
    job = job_of(CHANNELS[0])
    assert not [
        issue
        for issue in issues(job, CHANNELS[0], usual.shown + 71 * HOUR, {ordinal: 72.0})
        if issue.ordinal == ordinal and issue.id == usual.id
    ]
    late = next(
        issue
        for issue in issues(job, CHANNELS[0], usual.shown + 72 * HOUR, {ordinal: 72.0})
        if issue.ordinal == ordinal
    )
    assert (late.id, late.created, late.shown) == (usual.id, usual.created, usual.shown + 72 * HOUR)


def test_a_job_that_has_expired_keeps_its_files_and_makes_no_more():
    job = job_of(CHANNELS[0])
    before = issues(job, CHANNELS[0], CREATED + 20 * DAY)
    job.expires = CREATED + 10 * DAY
    found = issues(job, CHANNELS[0], CREATED + 20 * DAY)
    assert {issue.id for issue in found} == {issue.id for issue in before if issue.created < job.expires}
    assert len(found) < len(before)
