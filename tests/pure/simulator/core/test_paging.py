"""Pages show every item once, and a token is good for its own list only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator.paging import BadToken, etag, page


@given(count=st.integers(0, 130), size=st.integers(1, 50))
def test_following_the_tokens_shows_every_item_once_and_in_order(count: int, size: int):
    items, seen, token = list(range(count)), [], None
    while True:
        shown = page(items, of="list", size=size, token=token)
        assert shown.total == count
        seen += shown.items
        token = shown.next_token
        if token is None:
            break
    assert seen == items


def test_the_previous_token_leads_back():
    items = list(range(30))
    second = page(items, of="list", size=10, token=page(items, of="list", size=10, token=None).next_token)
    assert page(items, of="list", size=10, token=second.previous_token).items == items[:10]


@pytest.mark.parametrize("token", ["nonsense", "ä", "AAAA", "CAUQAA", "*" * 12])
def test_a_token_that_was_never_given_out_is_refused(token: str):
    with pytest.raises(BadToken):
        page([1, 2, 3], of="list", size=1, token=token)


def test_a_token_of_another_list_is_refused():
    token = page([1, 2, 3], of="one", size=1, token=None).next_token
    with pytest.raises(BadToken):
        page([1, 2, 3], of="other", size=1, token=token)


def test_an_etag_changes_with_the_payload_and_only_with_it():
    assert etag({"a": 1, "b": 2}) == etag({"b": 2, "a": 1})
    assert etag({"a": 1}) != etag({"a": 2})
