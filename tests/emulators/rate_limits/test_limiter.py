"""Rate limits on the real Firestore emulator: exact, atomic, cheap to deny, and blind to clock skew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import RateLimited
from shared.quota.profile import load
from shared.rate_limits.limiter import COLLECTION, RateLimiter
from shared.rate_limits.limits import RateLimit

UPLOAD = "youtube.videos.insert"


def limit(calls: int, window: int, *per: str) -> tuple[RateLimit, ...]:
    return (RateLimit(name="test", methods=("youtube.*",), per=per or ("user",), calls=calls, window=window),)


def now() -> datetime:
    return datetime.now(UTC)


def tried(limiter: RateLimiter, user: str = "u1") -> bool:
    try:
        limiter.admit(method=UPLOAD, user=user)
    except RateLimited:
        return False
    return True


def test_a_denial_says_when_and_the_call_is_admitted_then(firestore_client):
    moved = [timedelta(0)]
    limiter = RateLimiter(firestore_client, limit(3, 2), lambda: now() + moved[0])
    assert [tried(limiter) for _ in range(4)] == [True, True, True, False]
    with pytest.raises(RateLimited) as denial:
        limiter.admit(method=UPLOAD, user="u1")
    wait = denial.value.retry_at - now()
    assert timedelta(0) < wait <= timedelta(seconds=2)
    assert "At most 3 calls in 2 seconds for one user" in denial.value.message
    moved[0] = timedelta(hours=1)  # the stack's clock is set forward: what was admitted is long ago
    assert tried(limiter)


def test_users_have_keys_of_their_own_and_share_the_projects(firestore_client):
    limiter = RateLimiter(firestore_client, limit(2, 60, "user"), now)
    assert [tried(limiter, user) for user in ("a", "a", "a", "b/c", "b/c", "b/c")] == [True, True, False] * 2
    shared = RateLimiter(firestore_client, limit(3, 60, "project"), now)
    assert [tried(shared, user) for user in ("a", "b", "c", "d")] == [True, True, True, False]


def test_all_limits_of_a_call_are_counted_or_none(firestore_client):
    limiter = RateLimiter(firestore_client, load("guide").rate_limits, now)
    tight = RateLimiter(firestore_client, (*load("guide").rate_limits, *limit(1, 60, "user")), now)
    assert tried(tight, "a")
    assert not tried(tight, "a")
    stamps = firestore_client.collection(COLLECTION).document("uploads:project").get().get("stamps")
    assert len(stamps) == 8
    assert tried(limiter, "a")


def test_thirty_two_workers_on_one_key_get_exactly_the_limit(firestore_client):
    limiters = [RateLimiter(firestore_client, limit(20, 60), now) for _ in range(4)]
    with ThreadPoolExecutor(32) as workers:
        admitted = list(workers.map(lambda n: tried(limiters[n % 4]), range(64)))
    assert sum(admitted) == 20


@pytest.mark.fault(27)
def test_a_minute_of_skew_lets_nothing_more_through_at_the_windows_edge(firestore_client):
    slow = RateLimiter(firestore_client, limit(3, 60), lambda: now() - timedelta(seconds=61))
    fast = RateLimiter(firestore_client, limit(3, 60), lambda: now() + timedelta(seconds=61))
    assert [tried(slow), tried(fast), tried(slow), tried(fast), tried(slow)] == [True, True, True, False, False]


def test_a_denial_costs_one_read_and_no_write(firestore_client):
    first = RateLimiter(firestore_client, limit(1, 60), now)
    assert tried(first)
    reference = firestore_client.collection(COLLECTION).document("test:user:u1")
    before = reference.get().update_time
    assert not tried(RateLimiter(firestore_client, limit(1, 60), now))
    assert reference.get().update_time == before


def test_looking_counts_nothing_and_answers_as_admitting_would(firestore_client):
    one, other = (RateLimiter(firestore_client, limit(2, 60, "user", "project"), now) for _ in range(2))
    call = {"method": UPLOAD, "user": "u1"}
    one.check(**call)
    assert not list(firestore_client.collection(COLLECTION).stream())
    assert tried(one)
    other.check(**call)  # sees one call ...
    assert tried(one)  # ... and builds on it when another has come between
    assert not tried(other)
    with pytest.raises(RateLimited) as denial:
        RateLimiter(firestore_client, limit(2, 60, "project"), now).check(**call)
    assert timedelta(0) < denial.value.retry_at - now() <= timedelta(seconds=60)


def test_a_method_without_a_limit_is_admitted_without_looking(firestore_client):
    RateLimiter(firestore_client, limit(1, 60), now).admit(method="other", user="u")
    assert not list(firestore_client.collection(COLLECTION).stream())
