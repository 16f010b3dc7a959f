"""When a quality check is asked."""

from __future__ import annotations

from datetime import date, timedelta

from shared.warehouse.checks import MUCH, asked_on

WEEK = [date(2026, 12, 30) + timedelta(days=number) for number in range(7)]


def test_a_check_is_asked_every_day_and_one_that_reads_much_on_one_day_of_the_week():
    assert all(asked_on(day, place, MUCH) for day in WEEK for place in range(11))
    days = [[day for day in WEEK if asked_on(day, place, MUCH + 1)] for place in range(11)]
    assert {len(each) for each in days} == {1}
    assert {day for [day] in days} == set(WEEK), "not all on the same day"
