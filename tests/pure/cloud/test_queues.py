import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import PACIFIC, next_reset
from shared.cloud.queues import HORIZON, after_reset, enqueue, horizon, task_id
from shared.errors import InvalidRequest

instants = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.text(min_size=1))
def test_every_name_becomes_an_id_that_cloud_tasks_accepts(name):
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,500}", task_id(name))


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_names_share_an_id_only_when_they_are_the_same(one, other):
    assert (task_id(one) == task_id(other)) == (one == other)


def test_ids_of_a_series_do_not_share_a_prefix():
    assert len({task_id(f"collect/channel-{n}")[:4] for n in range(100)}) > 95


def test_a_task_without_a_name_is_refused():
    with pytest.raises(ValueError, match="without a name"):
        task_id("")


@pytest.mark.fault(21)
@given(instants, st.integers())
def test_a_deferral_falls_just_after_the_next_reset(instant, seed):
    moment = after_reset(instant, dice=random.Random(seed))
    assert timedelta(0) < moment - next_reset(instant) < timedelta(minutes=31)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 8, 23), (11, 1, 25), (6, 1, 24)])
@pytest.mark.fault(21)
def test_the_days_when_the_clocks_change_are_deferred_over_whole(month, day, hours):
    midnight = datetime(2026, month, day, tzinfo=PACIFIC)
    wait = after_reset(midnight, dice=random.Random(1)) - midnight.astimezone(UTC)
    assert timedelta(hours=hours) < wait < timedelta(hours=hours, minutes=31)


@pytest.mark.fault(25)
def test_a_thousand_deferrals_to_the_same_midnight_are_spread():
    dice = random.Random(7)
    moments = [after_reset(datetime(2026, 11, 22, 12, tzinfo=UTC), dice=dice) for _ in range(1000)]
    per_minute = dict.fromkeys(range(31), 0)
    for moment in moments:
        per_minute[(moment - min(moments)) // timedelta(minutes=1)] += 1
    assert max(per_minute.values()) < 80


@pytest.mark.fault(24)
def test_a_moment_beyond_what_the_queue_keeps_is_refused_and_named():
    now = datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(InvalidRequest) as refused:
        enqueue("operations", "x", "run_operation", {}, now + HORIZON + timedelta(1), clock=lambda: now)
    assert refused.value.field == "when"
    assert horizon(now) - now < timedelta(days=30)
