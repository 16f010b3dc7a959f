"""How long a rate limit is waited for, and what an error means for the report that met it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.loading import Disposition, disposition
from shared.collection.waiting import pause, repeated
from shared.errors import (
    CorruptData,
    Forbidden,
    Misconfigured,
    NotFound,
    QuotaRefused,
    RateLimited,
    ReauthRequired,
    Unavailable,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
seconds = st.integers(-100, 1000)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RateLimited("too fast"), Disposition.HAND_ON),
        (Unavailable("cut", reason="damagedDownload"), Disposition.REDELIVER),
        (QuotaRefused("spent"), Disposition.RETRY_LATER),
        (ReauthRequired("lost"), Disposition.RETRY_LATER),
        (Forbidden("suspended"), Disposition.RETRY_LATER),
        (Misconfigured("API not enabled"), Disposition.RETRY_LATER),
        (CorruptData("no header"), Disposition.UNREADABLE),
        (NotFound("no such report"), Disposition.UNREADABLE),
        (NotFound("gone", reason="notConnected"), Disposition.DROP),
    ],
)
def test_an_error_is_the_reports_the_channels_or_the_moments(error, expected):
    assert disposition(error) is expected


@given(st.none() | seconds, seconds)
def test_nobody_waits_past_the_deadline_nor_shorter_than_asked(retry, left):
    retry_at = None if retry is None else NOW + timedelta(seconds=retry)
    deadline = NOW + timedelta(seconds=left)
    wait = pause(retry_at, now=NOW, deadline=deadline)
    if wait is None:
        assert deadline <= NOW or (retry_at or NOW + timedelta(seconds=1)) > deadline
    else:
        assert 0 < wait <= max(left, 0.05)
        assert NOW + timedelta(seconds=wait) >= (retry_at or NOW)


def test_a_call_is_made_again_after_each_limit_until_it_answers_or_time_is_up():
    now, calls, slept = [NOW], [], []

    def call() -> str:
        calls.append(now[0])
        if len(calls) < 4:
            raise RateLimited("too fast", retry_at=now[0] + timedelta(seconds=10))
        return "answer"

    def sleep(span: float) -> None:
        slept.append(span)
        now[0] += timedelta(seconds=span)

    assert repeated(call, deadline=NOW + timedelta(minutes=1), clock=lambda: now[0], sleep=sleep) == "answer"
    assert slept == [10, 10, 10]
    calls.clear()
    with pytest.raises(RateLimited):
        repeated(call, deadline=now[0] + timedelta(seconds=15), clock=lambda: now[0], sleep=sleep)
    assert len(calls) == 2
