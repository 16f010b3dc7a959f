"""Every method of YouTube's that the code calls is declared, with a price; the declaration has no other."""

from __future__ import annotations

import pytest

from infra.endpoints import called, endpoints, undeclared
from shared.quota.profile import load


def test_what_is_called_is_declared_and_what_is_declared_is_called():
    assert set(called()) == set(endpoints())


@pytest.mark.parametrize("method", endpoints())
def test_every_endpoint_has_a_price_and_keeps_answers_as_the_guide_says(method):
    priced = load("current").method(method)
    assert priced.cost >= 1
    assert endpoints()[method].cached == 0 or priced.cached  # who may do without a call may have its last answer


def test_a_request_with_other_parts_than_declared_is_told_apart():
    declared = ("youtube.videos.list", "snippet,contentDetails,statistics,status")
    changed = ("youtube.videos.update", "snippet,status")
    without = ("youtubereporting.jobs.list", "")
    assert undeclared([declared, changed, without]) == []
    strays = [("youtube.videos.list", "snippet,player"), ("youtube.search.list", "snippet")]
    assert undeclared(strays) == [
        "youtube.search.list with part='snippet'",
        "youtube.videos.list with part='snippet,player'",
    ]
