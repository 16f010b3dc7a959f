"""Lines and bars stay inside their drawings, and their labels are short."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.console.loaded import DayTotal, Loaded, arriving
from shared.console.page import BARS_HEIGHT, BARS_WIDTH, HEIGHT, WIDTH, bars, chart, render, short
from tests.pure.console.network import channel, seen


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=60))
def test_every_dot_lies_inside_the_chart(values):
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(len(values))]
    drawn = chart(days, [("Views", values)])
    assert drawn is not None
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in drawn.lines[0].dots)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=25))
def test_bars_stand_on_the_ground_and_only_nothing_is_invisible(values):
    drawn = bars(values)
    assert all(abs(bar.y + bar.height - BARS_HEIGHT) < 0.2 for bar in drawn)
    assert all(bar.x >= 0 and bar.x + bar.width <= BARS_WIDTH for bar in drawn)
    assert [bar.height > 0 for bar in drawn] == [value > 0 for value in values]


@pytest.mark.parametrize(("value", "label"), [(0, "0"), (950, "950"), (12_000, "12k"), (3_500_000, "3.5M")])
def test_large_numbers_are_short_on_an_axis(value, label):
    assert short(value) == label


def test_views_are_drawn_and_listed():
    days = (DayTotal(date=date(2026, 11, 1), views=12345, engaged_views=300, channels=2),)
    shown = render(seen(channels=(channel(),), loaded=Loaded(days=days, channels={}, reports=1, rows=1)))
    assert "<svg" in shown
    assert "12,345" in shown


def test_several_owners_views_are_not_added_up_unless_it_is_stated_why():
    shown = render(seen(channels=(channel(),), loaded=Loaded(days=(), channels={}, reports=1, rows=1)))
    assert "not added up" in shown
    assert "<svg" not in shown


def test_days_that_are_still_arriving_are_told_apart_from_whole_ones():
    def day(number: int, channels: int) -> DayTotal:
        return DayTotal(date=date(2026, 11, number), views=1, engaged_views=1, channels=channels)

    days = [day(20, 4), day(21, 5), day(22, 5), day(23, 3), day(24, 1)]
    assert [each.date.day for each in arriving(days, date(2026, 11, 26))] == [23, 24]
    # A channel that has had no report for long is no reason to hide the others' days.
    assert [each.date.day for each in arriving(days, date(2026, 11, 28))] == [24]
    assert arriving(days[:3], date(2026, 11, 24)) == ()
    assert arriving([], date(2026, 11, 24)) == ()
