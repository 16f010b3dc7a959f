"""Listings are read to their end, and never longer."""

from __future__ import annotations

from itertools import count, cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import CorruptData
from shared.paging import ENDLESS, pages


@given(st.lists(st.lists(st.integers(), max_size=3), min_size=1, max_size=9))
def test_everything_is_read_once_and_in_order(listed):
    def page(place: int | None):
        number = place or 0
        return listed[number], number + 1 if number + 1 < len(listed) else None

    assert list(pages(page, most=len(listed), of="ours")) == [item for each in listed for item in each]


@pytest.mark.case("C9")
@pytest.mark.fault(65)
@pytest.mark.parametrize(
    ("places", "read"),
    [(cycle(["same"]), 2), (cycle("ab"), 3), (map(str, count()), 5)],
    ids=["same page", "two pages in turn", "always another"],
)
def test_a_listing_that_does_not_end_is_stopped(places, read):
    asked = []

    def page(place: str | None):
        asked.append(place)
        return [], next(places)

    with pytest.raises(CorruptData) as told:
        list(pages(page, most=5, of="YouTube's"))
    assert told.value.reason == ENDLESS
    assert len(asked) == read
