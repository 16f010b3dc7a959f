import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloud.queues import MAX_DELAY, enqueue, latest, task_id
from shared.errors import InvalidRequest


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


@pytest.mark.fault(24)
def test_a_moment_beyond_what_the_queue_keeps_is_refused_and_named():
    now = datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(InvalidRequest) as refused:
        enqueue("operations", "x", "run_operation", {}, now + MAX_DELAY + timedelta(1), clock=lambda: now)
    assert refused.value.field == "when"
    assert latest(now) - now < timedelta(days=30)
