from bisect import bisect_right
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.cloud_emulator.bucket import TokenBucket, burst_of


@pytest.mark.parametrize(("rate", "burst"), [(0.1, 10), (10, 10), (10.5, 11), (100, 100), (500, 500)])
def test_the_burst_is_at_least_the_rate(rate, burst):
    assert burst_of(rate) == burst


@given(
    st.floats(0.05, 500),
    st.lists(st.one_of(st.just(0.0), st.floats(0, 2), st.floats(0, 1e6)), min_size=1, max_size=300),
)
def test_no_span_of_time_gets_more_than_the_burst_and_the_rate(rate, steps):
    bucket = TokenBucket.full(rate, now=0.0)
    taken = [now for now in accumulate(steps) if bucket.take(now)]
    for index, start in enumerate(taken):
        for end in taken[index:]:
            within = bisect_right(taken, end) - index
            assert within <= bucket.size + rate * (end - start) + 1e-3


@given(st.floats(0.05, 500), st.floats(0, 1e9))
def test_a_token_can_be_taken_when_the_bucket_says_so(rate, now):
    bucket = TokenBucket.full(rate, now)
    while bucket.take(now):
        pass
    at = bucket.ready_at(now)
    assert at > now
    assert bucket.take(at + 1e-3)


def test_a_clock_that_is_set_back_gives_and_takes_nothing():
    bucket = TokenBucket.full(1, now=1000)
    for _ in range(10):
        assert bucket.take(1000)
    assert not bucket.take(500)
    assert bucket.take(501)
