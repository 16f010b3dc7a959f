"""Calls that are counted together and made within seconds keep to the limit in every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RateLimited
from shared.rate_limits.limiter import LASTS, Burst, RateLimiter
from shared.rate_limits.limits import Memory, RateLimit
from tests.stands.firestore_in_memory import FirestoreInMemory

QUERY, OTHER = "youtubeAnalytics.reports.query", "youtube.videos.list"
START = datetime(2026, 11, 22, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALL = {"user": "system"}


class Time:
    """One clock for us and the storage, and a limiter of 6 queries a minute, for bursts."""

    def __init__(self, calls: int = 6) -> None:
        self.now = START
        self.storage = FirestoreInMemory()
        window = int((MINUTE + LASTS).total_seconds())
        limits = [
            RateLimit(name=name, methods=(method,), per=("user",), calls=calls, window=window)
            for name, method in (("queries", QUERY), ("lists", OTHER))
        ]
        self.limiter = RateLimiter(None, limits, lambda: self.now)  # type: ignore[arg-type]
        self.limiter._store = self.storage  # type: ignore[assignment]

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.storage.now = self.now

    def burst(self, user: str = "u", upto: int = 4) -> Burst:
        return Burst(self.limiter, QUERY, user, upto=upto)


def made(time: Time, burst: Burst, method: str = QUERY) -> bool:
    time.limiter._memory = Memory()  # versions are no instants in this storage
    try:
        burst.check(method=method, **CALL)
        burst.admit(method=method, **CALL)
    except RateLimited:
        return False
    return True


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 40)), max_size=60), st.integers(1, 9))
def test_no_minute_has_more_calls_than_the_limit_whoever_makes_them(calls, upto):
    time, went = Time(), list[datetime]()
    bursts = [time.burst(upto=upto) for _ in range(3)]
    for who, seconds in calls:
        time.pass_by(seconds)
        if made(time, bursts[who]):
            went.append(time.now)
    assert all(sum(at <= other < at + MINUTE for other in went) <= 6 for at in went)


def test_a_burst_is_counted_by_one_write():
    time = Time()
    burst = time.burst()
    assert [made(time, burst) for _ in range(4)] == [True] * 4
    assert time.storage.commits == 1
    assert made(time, time.burst("other"))


def test_another_method_s_calls_are_counted_one_by_one_for_whom_they_name():
    time = Time(calls=1)
    burst = time.burst()
    assert made(time, burst)
    assert [made(time, burst, OTHER) for _ in range(2)] == [True, False]
    assert "rate_limits/lists:user:system" in time.storage.docs


def test_a_burst_that_is_larger_than_the_limit_takes_what_a_window_admits():
    time = Time(calls=2)
    burst = time.burst(upto=50)
    assert [made(time, burst) for _ in range(3)] == [True, True, False]
    with pytest.raises(RateLimited) as denied:
        burst.check(method=QUERY, **CALL)
    assert denied.value.retry_at == START + MINUTE + LASTS
