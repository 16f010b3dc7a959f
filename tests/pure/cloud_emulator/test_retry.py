from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.cloud_emulator.retry import UNLIMITED, RetryPolicy

policies = st.builds(
    RetryPolicy,
    min_backoff=st.floats(0, 100),
    max_backoff=st.floats(100, 10_000),
    max_doublings=st.integers(0, 2000),
)


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        # The reference's own example: doubles three times, then grows by 2^3 * 10 s, then stays at the maximum.
        (RetryPolicy(min_backoff=10, max_backoff=300, max_doublings=3), [10, 20, 40, 80, 160, 240, 300, 300]),
        (RetryPolicy(min_backoff=1, max_backoff=10, max_doublings=0), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]),
        (RetryPolicy(min_backoff=2, max_backoff=300, max_doublings=5), [2, 4, 8, 16, 32, 64, 128, 192, 256, 300]),
        (RetryPolicy(min_backoff=5, max_backoff=5, max_doublings=16), [5, 5, 5]),
        (RetryPolicy(), [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]),
    ],
)
def test_the_waits_follow_the_documented_formula(policy, waits):
    assert [policy.interval(failure) for failure in range(1, len(waits) + 1)] == pytest.approx(waits)


@given(policies, st.integers(1, 5000))
def test_a_wait_lies_between_the_bounds_and_never_shrinks(policy, failures):
    assert policy.min_backoff <= policy.interval(failures) <= policy.max_backoff
    for earlier, later in pairwise(policy.interval(n) for n in range(1, 40)):
        assert earlier <= later


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [(None, 10), (0, 10), (5, 10), (30, 30), (9999, 300)],
)
def test_a_targets_retry_after_lengthens_the_wait_up_to_the_maximum(retry_after, wait):
    policy = RetryPolicy(min_backoff=10, max_backoff=300)
    assert policy.wait(1, retry_after) == wait


@pytest.mark.parametrize(
    ("max_attempts", "max_retry_duration", "attempts", "elapsed", "exhausted"),
    [
        (3, 0, 2, 1e9, False),
        (3, 0, 3, 0, True),
        (UNLIMITED, 0, 10_000, 1e9, False),
        (UNLIMITED, 60, 10_000, 59, False),
        (UNLIMITED, 60, 1, 60, True),
        (3, 60, 3, 59, False),  # both limits have to be reached
        (3, 60, 2, 61, False),
        (3, 60, 3, 60, True),
    ],
)
def test_attempts_end_when_every_limit_that_is_set_is_reached(
    max_attempts, max_retry_duration, attempts, elapsed, exhausted
):
    policy = RetryPolicy(max_attempts=max_attempts, max_retry_duration=max_retry_duration)
    assert policy.exhausted(attempts=attempts, elapsed=elapsed) is exhausted
