"""Lines stay inside their drawings, what is not known is not drawn, and labels are short."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.console.draw import HEIGHT, WIDTH, chart, short
from shared.console.read import arriving

VALUES = st.lists(st.none() | st.integers(-(10**6), 10**10) | st.floats(0, 10**6), min_size=1, max_size=60)


@given(VALUES, st.booleans())
def test_every_point_lies_inside_the_chart_and_there_is_one_for_each_known_value(values, by_day):
    start = date(2026, 1, 1) if by_day else datetime(2026, 1, 1, tzinfo=UTC)
    drawn = chart([start + timedelta(days=n) for n in range(len(values))], [("Views", values)])
    known = [value for value in values if value is not None]
    if not known:
        assert drawn is None
        return
    points = re.findall(r"[ML](-?[0-9.]+) (-?[0-9.]+)", drawn.lines[0].path)
    assert len(points) == len(known)
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)


def test_a_line_is_interrupted_where_nothing_is_known():
    drawn = chart([date(2026, 1, day) for day in range(1, 6)], [("Views", [1, 2, None, 4, 5])])
    assert drawn.lines[0].path.count("M") == 2


def test_a_counter_that_grows_slowly_is_not_drawn_from_zero():
    drawn = chart([date(2026, 1, 1), date(2026, 1, 2)], [("Views", [1_000_000, 1_000_400])])
    assert drawn.y_ticks[0][1] == "1M"
    assert drawn.lines[0].y < HEIGHT / 2


@pytest.mark.parametrize(
    ("value", "label"), [(0, "0"), (950, "950"), (12_000, "12k"), (3_500_000, "3.5M"), (-2_000, "-2k")]
)
def test_large_numbers_are_short_on_an_axis(value, label):
    assert short(value) == label


def test_days_that_are_still_arriving_are_told_apart_from_whole_ones():
    def day(number: int, channels: int) -> dict[str, object]:
        return {"date": date(2026, 11, number), "views": 1, "engaged_views": 1, "channels": channels}

    days = [day(20, 4), day(21, 5), day(22, 5), day(23, 3), day(24, 1)]
    assert [each["date"].day for each in arriving(days, date(2026, 11, 26))] == [23, 24]
    # A channel that has had no report for long is no reason to hide the others' days.
    assert [each["date"].day for each in arriving(days, date(2026, 11, 28))] == [24]
    assert arriving(days[:3], date(2026, 11, 24)) == ()
    assert arriving([], date(2026, 11, 24)) == ()
