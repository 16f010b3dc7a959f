"""When schedules run, through daylight saving and jumps of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.deployment import Schedule, deployment
from infra.local.scheduler.book import Entry, Result, next_run, opened


def schedule(cron: str, zone: str = "Etc/UTC") -> Schedule:
    return Schedule(name="job", function="f", cron=cron, zone=zone, attempt_deadline=180, body={})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


RESULT = Result(at=utc("2026-01-01"), manual=False, status=200, seconds=1, body="")


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 14 * * *", "Etc/UTC", "2026-03-01T13:59:59", "2026-03-01T14:00"),
        ("0 14 * * *", "Etc/UTC", "2026-03-01T14:00:00", "2026-03-02T14:00"),
        ("*/5 * * * *", "Etc/UTC", "2026-03-01T00:00:01", "2026-03-01T00:05"),
        # Pacific midnight is 08:00 UTC in winter and 07:00 in summer.
        ("0 0 * * *", "America/Los_Angeles", "2026-03-08T07:00", "2026-03-08T08:00"),
        ("0 0 * * *", "America/Los_Angeles", "2026-03-08T08:00", "2026-03-09T07:00"),
        ("0 0 * * *", "America/Los_Angeles", "2026-11-01T07:00", "2026-11-02T08:00"),
        # 02:30 does not exist on 8 March 2026: it runs when the clock has jumped to 03:00.
        ("30 2 * * *", "America/Los_Angeles", "2026-03-08T08:00", "2026-03-08T10:00"),
        # 01:30 comes twice on 1 November 2026: it runs the first time only.
        ("30 1 * * *", "America/Los_Angeles", "2026-11-01T07:00", "2026-11-01T08:30"),
        ("30 1 * * *", "America/Los_Angeles", "2026-11-01T08:30", "2026-11-02T09:30"),
    ],
)
@pytest.mark.fault(21)
def test_the_next_run_is_cron_in_its_zone(cron, zone, after, expected):
    assert next_run(schedule(cron, zone), utc(after)) == utc(expected)


@given(st.integers(0, 365 * 24 * 3600))
def test_an_hourly_schedule_runs_every_hour_of_the_year_in_any_zone(seconds):
    after = utc("2026-01-01") + timedelta(seconds=seconds)
    found = next_run(schedule("40 * * * *", "America/Los_Angeles"), after)
    assert timedelta(0) < found - after <= timedelta(hours=1)


@given(st.sampled_from(["*/5 * * * *", "0 14 * * *", "10 2 * * 1"]), st.integers(0, 400 * 24))
def test_a_jump_over_many_runs_is_caught_up_once(cron, hours):
    now = utc("2026-02-01")
    entry = Entry(schedule=schedule(cron), next_run=next_run(schedule(cron), now))
    later = now + timedelta(hours=hours)
    runs = 0
    while entry.due(later):
        entry = entry.started(later).finished(RESULT)
        runs += 1
    assert runs == (1 if next_run(schedule(cron), now) <= later else 0)
    assert entry.next_run > later


def test_a_schedule_that_still_runs_is_not_started_beside_itself():
    now = utc("2026-02-01")
    entry = opened([schedule("*/5 * * * *")], now, paused=False)["job"].started(now)
    assert not entry.due(now + timedelta(hours=1))
    assert entry.finished(RESULT).due(now + timedelta(hours=1))


def test_a_paused_schedule_never_runs_and_resumes_from_the_next_time_on():
    now = utc("2026-02-01")
    entry = opened([schedule("*/5 * * * *")], now, paused=True)["job"]
    assert not entry.due(now + timedelta(days=30))
    resumed = entry.resumed(now + timedelta(days=30))
    assert not resumed.due(now + timedelta(days=30))
    assert resumed.due(now + timedelta(days=30, minutes=5))


def test_every_declared_schedule_can_be_read():
    book = opened(deployment().schedules.values(), utc("2026-02-01"), paused=False)
    assert set(book) == set(deployment().schedules)
