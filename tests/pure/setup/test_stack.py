"""When a stack begins: not where the quota day changes, because nothing is reserved then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.stack import BUSY, ahead
from shared.clock import next_reset
from shared.quota.calendar import SKEW, day_change_ends
from tests.stands.quota_day import certain

MIDNIGHT = next_reset(datetime(2026, 11, 22, 20, tzinfo=UTC))


@pytest.mark.parametrize("seconds", range(-1200, 300, 15))
def test_a_stack_that_would_meet_the_change_of_the_day_begins_after_it(seconds):
    now = MIDNIGHT + timedelta(seconds=seconds)
    begins = now + ahead(now)
    assert begins in {now, MIDNIGHT + SKEW}
    assert all(day_change_ends(begins + minute * timedelta(minutes=1)) is None for minute in range(15))
    assert (begins > now) == (-BUSY - SKEW < now - MIDNIGHT < SKEW)


@pytest.mark.parametrize("seconds", range(-120, 120))
def test_the_nearest_certain_instant_is_of_the_same_day(seconds):
    now = MIDNIGHT + timedelta(seconds=seconds)
    assert day_change_ends(certain(now)) is None
    assert (certain(now) < MIDNIGHT) == (now < MIDNIGHT)
    assert abs(certain(now) - now) <= SKEW + timedelta(seconds=1)
