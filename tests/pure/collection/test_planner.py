"""Who is due, and on which shelf."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.collection.planner import SHELF, STALE, Candidate, due, plan, shelves

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)

channels = st.lists(st.text("abcdef0123", min_size=1, max_size=6), unique=True, max_size=120)


def test_due_is_what_was_never_collected_or_not_for_25_hours():
    candidates = [
        Candidate("new", None),
        Candidate("stale", NOW - STALE),
        Candidate("fresh", NOW - STALE + timedelta(seconds=1)),
    ]
    assert due(candidates, now=NOW, everything=False) == ["new", "stale"]
    assert due(candidates, now=NOW, everything=True) == ["fresh", "new", "stale"]


@given(channels)
def test_every_channel_stands_on_exactly_one_shelf(ids):
    found = list(shelves(ids))
    assert [channel for shelf in found for channel in shelf] == ids
    assert all(0 < len(shelf) <= SHELF for shelf in found)


@given(channels, st.integers(1, 3))
def test_planning_one_run_any_number_of_times_queues_each_channel_once(ids, times):
    queue: dict[str, list[str]] = {}

    def enqueue(_queue: str, name: str, _function: str, payload: object) -> bool:
        assert isinstance(payload, dict)
        return queue.setdefault(name, payload["channels"]) is payload["channels"]

    counts = [plan("collect_reports", ids, slot="2026-11-22", enqueue=enqueue) for _ in range(times)]
    assert counts == [len(list(shelves(ids))), *[0] * (times - 1)]
    assert sorted(channel for shelf in queue.values() for channel in shelf) == sorted(ids)


def test_another_run_is_planned_anew():
    names: set[str] = set()
    for slot in ("2026-11-22", "2026-11-23"):
        plan("collect_reports", ["UC1"], slot=slot, enqueue=lambda _q, name, _f, _p: not names.add(name))
    assert len(names) == 2
