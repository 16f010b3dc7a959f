"""When everybody's last seven days are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.clock import last_full_day
from shared.collection.cache import LIFE
from shared.collection.week_answers import due


@pytest.mark.parametrize("begin", [datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)])
def test_the_hourly_run_asks_once_another_day_is_the_last_and_again_before_what_is_kept_is_too_old(begin):
    asked = [at for at in (begin + timedelta(hours=hour) for hour in range(96)) if due(at)]
    assert [last_full_day(at) for at in asked if last_full_day(at) != last_full_day(at - timedelta(hours=1))] == [
        last_full_day(begin) + timedelta(days=number) for number in range(1, 5)
    ]
    gaps = [after - before for before, after in pairwise(asked)]
    assert max(gaps) <= LIFE["reports"]
