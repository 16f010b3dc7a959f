"""Tests at the moments that dates break at: a part of what `make test-clocks` runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from infra.local import clocks
from shared.clock import pacific_day, pacific_day_bounds

READ_THE_CLOCK = (
    "tests/emulators/quota/test_sweep.py",
    "tests/emulators/publishing/test_plans.py",
    "tests/pure/youtube",
)


def test_each_moment_is_ten_minutes_before_a_midnight_that_dates_break_at():
    begins, ends, leap, month = clocks.MOMENTS.values()
    for moment in clocks.MOMENTS.values():
        assert pacific_day_bounds(pacific_day(moment))[1] - moment == timedelta(minutes=10)
    assert [length_of_day(moment) for moment in (begins, ends, leap, month)] == [23, 25, 24, 24]
    assert (leap.month, leap.day) == (2, 29)
    assert (month + timedelta(minutes=10)).month == month.month + 1


def length_of_day(moment: datetime) -> float:
    first, last = pacific_day_bounds(pacific_day(moment))
    return (last - first) / timedelta(hours=1)


def test_tests_that_read_the_machines_clock_pass_as_a_day_of_25_hours_ends():
    assert clocks.run(clocks.MOMENTS["daylight saving ends"], [*READ_THE_CLOCK]) == 0
