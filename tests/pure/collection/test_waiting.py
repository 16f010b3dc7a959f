"""How long a rate limit is waited for, and what an error means for the report that met it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.ingest import Fate, fate
from shared.collection.patience import Patience, waits
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
        (RateLimited("too fast"), Fate.HAND_ON),
        (Unavailable("cut", reason="damagedDownload"), Fate.REDELIVER),
        (QuotaRefused("spent"), Fate.WAIT),
        (ReauthRequired("lost"), Fate.WAIT),
        (Forbidden("suspended"), Fate.WAIT),
        (Misconfigured("API not enabled"), Fate.WAIT),
        (CorruptData("no header"), Fate.UNREADABLE),
        (NotFound("no such report"), Fate.UNREADABLE),
        (NotFound("gone", reason="notConnected"), Fate.DROP),
    ],
)
def test_an_error_is_the_reports_the_channels_or_the_moments(error, expected):
    assert fate(error) is expected


@given(st.none() | seconds, seconds)
def test_nobody_waits_beyond_his_patience_nor_shorter_than_asked(retry, patience):
    retry_at = None if retry is None else NOW + timedelta(seconds=retry)
    until = NOW + timedelta(seconds=patience)
    wait = waits(retry_at, now=NOW, until=until)
    if wait is None:
        assert until <= NOW or (retry_at or NOW + timedelta(seconds=1)) > until
    else:
        assert 0 < wait <= max(patience, 0.05)
        assert NOW + timedelta(seconds=wait) >= (retry_at or NOW)


def test_a_call_is_made_again_after_each_limit_until_it_answers_or_patience_ends():
    now, calls, slept = [NOW], [], []

    def call() -> str:
        calls.append(now[0])
        if len(calls) < 4:
            raise RateLimited("too fast", retry_at=now[0] + timedelta(seconds=10))
        return "answer"

    def sleep(span: float) -> None:
        slept.append(span)
        now[0] += timedelta(seconds=span)

    assert Patience(NOW + timedelta(minutes=1), lambda: now[0], sleep)(call) == "answer"
    assert slept == [10, 10, 10]
    calls.clear()
    with pytest.raises(RateLimited):
        Patience(now[0] + timedelta(seconds=15), lambda: now[0], sleep)(call)
    assert len(calls) == 2
