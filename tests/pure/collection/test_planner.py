"""Who is due, and in which batch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.planner import BATCH, STALE, batches, due, plan

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)

channels = st.lists(st.text("abcdef0123", min_size=1, max_size=6), unique=True, max_size=120)


def test_due_is_what_was_never_collected_or_not_for_25_hours():
    last_sync = {"new": None, "stale": NOW - STALE, "fresh": NOW - STALE + timedelta(seconds=1)}
    assert due(last_sync, now=NOW, everything=False) == ["new", "stale"]
    assert due(last_sync, now=NOW, everything=True) == ["fresh", "new", "stale"]


@given(channels)
def test_every_channel_is_in_exactly_one_batch(ids):
    found = batches(ids)
    assert sorted(channel for batch in found.values() for channel in batch) == sorted(ids)
    assert all(batch in range(-(-len(ids) // BATCH)) for batch in found)


@pytest.mark.parametrize("channels_in_all", [250, 10_000])
def test_batches_are_few_and_none_is_much_larger_than_the_others(channels_in_all):
    found = batches(f"UC{number:022d}" for number in range(channels_in_all))
    assert len(found) == channels_in_all / BATCH
    assert max(map(len, found.values())) <= 2 * BATCH


def names(ids: Iterable[str], slot: str = "2026-11-22") -> set[str]:
    found: set[str] = set()
    plan("collect_reports", ids, slot=slot, enqueue=lambda _q, name, _f, _p, _w: not found.add(name))
    return found


@pytest.mark.fault(44)
@given(channels, st.text("abcdef0123", min_size=7, max_size=9))
def test_a_channel_that_connects_between_two_triggers_renames_no_task(ids, newcomer):
    before, after = names(ids), names([newcomer, *ids])
    assert before <= after
    assert len(after - before) <= 1


@given(channels, st.text("abcdef0123", min_size=7, max_size=9))
def test_a_channel_that_connects_moves_others_to_a_new_batch_only(ids, newcomer):
    before, after = batches(ids), batches([newcomer, *ids])
    stood = {channel: batch for batch, found in before.items() for channel in found}
    moved = {batch for batch, found in after.items() for channel in found if stood.get(channel, batch) != batch}
    assert moved <= {-(-len(ids) // BATCH)}


@given(channels, st.integers(1, 3))
def test_planning_one_run_any_number_of_times_queues_each_channel_once(ids, times):
    queue: dict[str, list[str]] = {}

    def enqueue(_queue: str, name: str, _function: str, payload: object, _when: object) -> bool:
        assert isinstance(payload, dict)
        return queue.setdefault(name, payload["channels"]) is payload["channels"]

    counts = [plan("collect_reports", ids, slot="2026-11-22", enqueue=enqueue) for _ in range(times)]
    assert counts == [len(batches(ids)), *[0] * (times - 1)]
    assert sorted(channel for batch in queue.values() for channel in batch) == sorted(ids)


@pytest.mark.fault(73)
def test_ten_thousand_channels_are_planned_while_cloud_tasks_takes_its_time():
    meeting = Barrier(4)  # who queues one after another never meets three others
    ids = [f"UC{number:022d}" for number in range(10_000)]
    queued = plan("collect_reports", ids, slot="s", enqueue=lambda *_: meeting.wait(60) is not None)
    assert queued == 10_000 / BATCH


def test_each_batch_has_the_time_that_was_booked_for_it():
    ids = [f"UC{number:022d}" for number in range(60)]
    told: dict[str, object] = {}

    def book(groups: list[int], **_: object) -> list[datetime]:
        assert sum(groups) == len(ids)
        return [NOW + timedelta(minutes=place) for place, _ in enumerate(groups)]

    def enqueue(_queue: str, name: str, _function: str, payload: object, when: object) -> bool:
        told[name] = (when, payload)
        return True

    plan("collect_reports", ids, slot="s", enqueue=enqueue, book=book, also={"run": "s"})
    assert [when for _, (when, _) in sorted(told.items())] == [NOW + timedelta(minutes=n) for n in range(3)]  # type: ignore[misc]
    assert all(payload["run"] == "s" for _, payload in told.values())  # type: ignore[misc,index]


def test_another_run_is_planned_anew():
    assert not names(["UC1"]) & names(["UC1"], slot="2026-11-23")
