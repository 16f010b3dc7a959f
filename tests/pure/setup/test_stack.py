"""When a stack begins: not where the quota day changes, because nothing is reserved then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.stack import BUSY, STEP, past_reset
from shared.clock import next_reset
from shared.quota.calendar import SKEW, day_change_ends
from tests.stands.quota_day import certain

MIDNIGHT = next_reset(datetime(2026, 11, 22, 20, tzinfo=UTC))


@pytest.mark.parametrize("busy", [BUSY, STEP])
@pytest.mark.parametrize("seconds", range(-1200, 300, 15))
def test_a_clock_that_would_meet_the_change_of_the_day_goes_on_past_it(seconds, busy):
    now = MIDNIGHT + timedelta(seconds=seconds)
    begins = now + past_reset(now, busy=busy)
    assert begins in {now, MIDNIGHT + SKEW}
    minutes = range(int(busy / timedelta(minutes=1)))
    assert all(day_change_ends(begins + minute * timedelta(minutes=1)) is None for minute in minutes)
    assert (begins > now) == (-busy - SKEW < now - MIDNIGHT < SKEW)


@pytest.mark.parametrize("seconds", range(-120, 120))
def test_the_nearest_certain_instant_is_of_the_same_day(seconds):
    now = MIDNIGHT + timedelta(seconds=seconds)
    assert day_change_ends(certain(now)) is None
    assert (certain(now) < MIDNIGHT) == (now < MIDNIGHT)
    assert abs(certain(now) - now) <= SKEW + timedelta(seconds=1)
