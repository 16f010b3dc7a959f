"""Pacific days, quota resets and timestamps."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import (
    PACIFIC,
    after_reset,
    format_instant,
    last_full_day,
    next_reset,
    pacific_day,
    pacific_day_bounds,
    pacific_midnight,
    parse_instant,
)

instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 11, 22), 24)]
)
def test_a_pacific_day_has_23_24_or_25_hours(day, hours):
    start, end = pacific_day_bounds(day)
    assert end - start == timedelta(hours=hours)


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("instant", "reset"),
    [
        ("2026-11-22T07:59:59Z", "2026-11-22T08:00:00Z"),
        ("2026-11-22T08:00:00Z", "2026-11-23T08:00:00Z"),
        ("2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z"),
        ("2026-11-01T07:30:00Z", "2026-11-02T08:00:00Z"),
        ("2026-03-08T09:00:00Z", "2026-03-09T07:00:00Z"),
    ],
)
def test_quotas_are_full_again_at_the_coming_pacific_midnight(instant, reset):
    assert next_reset(parse_instant(instant)) == parse_instant(reset)


@given(instants)
def test_every_instant_lies_in_exactly_one_pacific_day(instant):
    start, end = pacific_day_bounds(pacific_day(instant))
    assert start <= instant < end
    assert next_reset(instant) == end
    assert pacific_midnight(pacific_day(instant)) == start
    assert last_full_day(instant) == pacific_day(instant) - timedelta(days=1)


@given(instants)
def test_a_timestamp_survives_being_written_and_read(instant):
    assert parse_instant(format_instant(instant)) == instant


def test_nanoseconds_and_offsets_are_read():
    assert parse_instant("2026-11-22T12:00:00.123456789+02:00") == datetime(2026, 11, 22, 10, 0, 0, 123456, UTC)


def test_a_timestamp_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        parse_instant("2026-11-22T12:00:00")


@pytest.mark.case("A13")
@pytest.mark.fault(71)
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_an_instant_that_utc_cannot_name_is_refused(text):
    with pytest.raises(ValueError, match="range"):
        parse_instant(text)


@pytest.mark.fault(21)
@given(instants, st.integers())
def test_a_deferral_falls_just_after_the_next_reset(instant, seed):
    moment = after_reset(instant, rng=random.Random(seed))
    assert timedelta(0) < moment - next_reset(instant) < timedelta(minutes=31)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 8, 23), (11, 1, 25), (6, 1, 24)])
@pytest.mark.fault(21)
def test_the_days_when_the_clocks_change_are_deferred_over_whole(month, day, hours):
    midnight = datetime(2026, month, day, tzinfo=PACIFIC)
    wait = after_reset(midnight, rng=random.Random(1)) - midnight.astimezone(UTC)
    assert timedelta(hours=hours) < wait < timedelta(hours=hours, minutes=31)


@pytest.mark.fault(25)
def test_a_thousand_deferrals_to_the_same_midnight_are_spread():
    rng = random.Random(7)
    moments = [after_reset(datetime(2026, 11, 22, 12, tzinfo=UTC), rng=rng) for _ in range(1000)]
    per_minute = dict.fromkeys(range(31), 0)
    for moment in moments:
        per_minute[(moment - min(moments)) // timedelta(minutes=1)] += 1
    assert max(per_minute.values()) < 80
