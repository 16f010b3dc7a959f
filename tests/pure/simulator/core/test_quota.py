"""Google's count of quota."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator import discovery
from infra.local.simulator.errors import GoogleError
from infra.local.simulator.quota import (
    BUCKETS,
    DEFAULT,
    REPORTING,
    UPLOADS,
    Limits,
    QuotaCounter,
    bucket_of,
    cost_of,
)
from shared.clock import pacific_day

NOON = datetime(2026, 11, 22, 20, tzinfo=UTC)


class Hands:
    """A clock that a test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("method", "verb", "bucket", "cost"),
    [
        ("youtube.videos.insert", "POST", "uploads", 1),
        ("youtube.search.list", "GET", "search", 1),
        ("youtube.videos.batchGetStats", "GET", "batchGetStats", 1),
        ("youtube.videos.list", "GET", "default", 1),
        ("youtube.videos.update", "PUT", "default", 50),
        ("youtube.thumbnails.set", "POST", "default", 50),
        ("youtube.playlistItems.insert", "POST", "default", 50),
        ("youtube.playlistItems.delete", "DELETE", "default", 50),
        ("youtube.captions.list", "GET", "default", 50),
        ("youtube.captions.insert", "POST", "default", 400),
        ("youtubereporting.media.download", "GET", "reporting", 1),
        ("youtubeAnalytics.reports.query", "GET", "analytics", 1),
    ],
)
def test_methods_cost_what_the_table_says(method: str, verb: str, bucket: str, cost: int):
    assert (bucket_of(method), cost_of(method, verb)) == (bucket, cost)


def test_every_method_has_a_bucket_and_a_price():
    for method in discovery.methods().values():
        assert bucket_of(method.id) in BUCKETS
        assert cost_of(method.id, method.verb) >= 1


def test_the_last_unit_can_be_spent_and_the_next_is_refused():
    counter = QuotaCounter(Hands(), Limits(daily={UPLOADS: 2}))
    counter.charge("youtube.videos.insert", 1)
    counter.charge("youtube.videos.insert", 1)
    with pytest.raises(GoogleError, match="Video Uploads per day") as refused:
        counter.charge("youtube.videos.insert", 1)
    assert (refused.value.status, refused.value.reason) == (429, "rateLimitExceeded")
    assert counter.used(UPLOADS) == 2


@pytest.mark.parametrize(
    ("method", "status", "reason", "domain"),
    [
        ("youtube.videos.list", 403, "quotaExceeded", "youtube.quota"),
        ("youtube.search.list", 403, "quotaExceeded", "youtube.quota"),
        ("youtubereporting.jobs.list", 429, "rateLimitExceeded", "global"),
    ],
)
def test_each_bucket_refuses_in_its_own_words(method: str, status: int, reason: str, domain: str):
    counter = QuotaCounter(Hands(), Limits(daily=dict.fromkeys(BUCKETS, 0)))
    with pytest.raises(GoogleError) as refused:
        counter.charge(method, 1)
    assert (refused.value.status, refused.value.reason, refused.value.domain) == (status, reason, domain)


def test_reporting_names_its_daily_limit_in_the_body():
    counter = QuotaCounter(Hands(), Limits(daily={REPORTING: 0}))
    with pytest.raises(GoogleError, match="FreeQuotaRequestsPerDayPerProject"):
        counter.charge("youtubereporting.jobs.list", 1)


def test_reporting_calls_a_minute_can_be_limited():
    hands = Hands()
    counter = QuotaCounter(hands, Limits(reporting_per_minute=2))
    counter.charge("youtubereporting.jobs.list", 1)
    counter.charge("youtubereporting.jobs.list", 1)
    with pytest.raises(GoogleError, match="PerMinute"):
        counter.charge("youtubereporting.jobs.list", 1)
    hands.now += timedelta(seconds=61)
    counter.charge("youtubereporting.jobs.list", 1)
    assert counter.used(REPORTING) == 4  # the refused one too


@pytest.mark.parametrize("day", [datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2026, 7, 1)])  # noqa: DTZ001
def test_a_day_ends_at_pacific_midnight_whatever_its_length(day: datetime):
    hands = Hands()
    counter = QuotaCounter(hands, Limits(daily={DEFAULT: 1}))
    allowed = []
    hands.now = day.replace(tzinfo=UTC) - timedelta(hours=12)
    for _ in range(60):
        try:
            counter.charge("youtube.videos.list", 1)
            allowed.append(pacific_day(hands.now))
        except GoogleError:
            pass
        hands.now += timedelta(hours=1)
    assert len(allowed) == len(set(allowed)) >= 3


@given(
    limit=st.integers(0, 500),
    steps=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 7200)), max_size=200),
)
def test_no_day_ever_pays_out_more_than_its_limit(limit: int, steps: list[tuple[int, int]]):
    hands = Hands()
    counter = QuotaCounter(hands, Limits(daily={DEFAULT: limit}))
    paid: dict[object, int] = {}
    for cost, seconds in steps:
        day = pacific_day(hands.now)
        try:
            counter.charge("youtube.videos.list", cost)
            paid[day] = paid.get(day, 0) + cost
        except GoogleError:
            assert paid.get(day, 0) + cost > limit
        assert counter.used(DEFAULT) == paid.get(day, 0) <= limit
        hands.now += timedelta(seconds=seconds)
    report = counter.report()
    for day, units in paid.items():
        assert report[str(day)][DEFAULT] == {"used": units, "limit": limit}
