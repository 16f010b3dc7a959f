"""A list of channels in pages: each channel once, whatever the filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.console.overview import PAGE, Filter
from shared.console.push import ABSENT, LISTED
from tests.pure.console.network import channel, seen


@pytest.mark.case("A11")
@given(st.integers(0, 3 * PAGE + 1), st.sampled_from([None, "u"]))
def test_whoever_goes_on_to_the_end_sees_every_channel_once_and_finds_the_way_back(number, user):
    channels = tuple(channel(f"UC{n:04d}", user_id="u") for n in range(number))
    other = channel("UC-other", user_id="other")
    after, listed, pages = 0, [], []
    while True:
        found = seen(Filter(user=user, after=after), channels=(*channels, other))
        listed += [row.channel_id for row in found.channels]
        assert found.page.previous == (pages[-1] if pages else None)
        assert len(found.channels) <= PAGE
        pages.append(after)
        assert len(pages) <= 5
        if found.page.next is None:
            break
        after = found.page.next
    assert len(listed) == len(set(listed)) == found.page.matching == number + (user is None)


@pytest.mark.parametrize("after", ["", "-1", "1.5", "x", "9" * 30, "\u00b2"])
def test_what_is_no_number_is_the_first_page(after):
    assert Filter.asked({"after": after}).after == 0


def test_past_the_end_is_a_way_back():
    found = seen(Filter(after=5 * PAGE), channels=(channel(),))
    assert (found.channels, found.page.previous, found.page.next) == ((), 4 * PAGE, None)


def test_of_many_channels_without_push_some_are_listed_and_all_are_counted():
    found = seen(channels=tuple(channel(f"UC{n:04d}") for n in range(2 * LISTED))).push
    assert (len(found.not_alive), found.missing, found.counts[ABSENT]) == (LISTED, 2 * LISTED, 2 * LISTED)
