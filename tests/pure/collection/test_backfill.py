"""Which days a backfill may ask for, and which of them change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.backfill import Asked, asked_for, listed_again
from shared.collection.coverage import AGAIN, after_listing, ref_of
from shared.collection.jobs import KEPT, State
from shared.errors import InvalidRequest
from shared.warehouse.load import load_ids_from, new_load_id
from shared.warehouse.rows import ReportRef

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
TODAY = date(2026, 11, 22)
CHANNEL = "UC" + "a" * 22
KIND = "channel_basic_a3"
BODY = {"channel": CHANNEL, "from": "2026-11-01", "to": "2026-11-03"}


def ref(day: date, issue: int = 0) -> ReportRef:
    return ReportRef(
        report_id=f"{day}-{issue}", channel_id=CHANNEL, report_type=KIND, job_id="j", day=day,
        create_time=NOW - timedelta(days=5 - issue), download_url="u",
    )  # fmt: skip


@given(
    st.dates(TODAY - KEPT, TODAY - timedelta(days=1)),
    st.integers(0, 60),
    st.sampled_from([None, KIND, "channel_reach_basic_a1"]),
)
def test_a_task_asks_for_the_days_that_it_was_made_of(first, length, kind):
    last = min(first + timedelta(days=length), TODAY - timedelta(days=1))
    asked = Asked(channel_id=CHANNEL, first=first, last=last, report_type=kind, asked_at=NOW)
    assert asked_for(asked.as_json(), NOW + timedelta(hours=1)) == asked


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"from": "2026-09-22"}, "from", "must be 2026-09-23 or later: YouTube keeps reports for 60 days"),
        ({"to": "2026-11-22"}, "to", "from 2026-11-01 to 2026-11-21, the newest that has ended in California"),
        ({"to": "2026-10-31"}, "to", "must be a day from 2026-11-01"),
        ({"from": "yesterday"}, "from", "must be a day, as in 2026-12-01"),
        ({"to": "20261103"}, "to", "must be a day, as in 2026-12-01"),
        ({"channel": "me"}, "channel", "must be a channel id"),
        ({"type": "channel_basic_a2"}, "type", "must be one of"),
        ({"until": "2026-11-03"}, "until", "is not known"),
    ],
)
def test_a_range_that_cannot_be_loaded_again_is_refused_by_the_field_that_is_wrong(wrong, field, says):
    with pytest.raises(InvalidRequest) as refused:
        asked_for({"backfill": {**BODY, **wrong}}, NOW)
    assert refused.value.field == f"backfill.{field}"
    assert says in refused.value.message


def test_what_is_loaded_stays_so_until_it_is_loaded_again():
    day = date(2026, 11, 1)
    known = after_listing({}, [ref(day)], now=NOW).changed
    load_id = new_load_id(NOW - timedelta(days=1))
    loaded = {day: replace(known[day], state=State.LOADED, rows=3, load_id=load_id)}
    changed = listed_again(loaded, [ref(day)], asked_at=NOW, now=NOW)
    assert changed == {day: replace(loaded[day], state=State.LISTED, noted_at=NOW, reason=AGAIN)}
    again = ref_of(CHANNEL, KIND, day, changed[day])
    assert again == replace(ref(day), newer_than=load_ids_from(NOW))
    assert load_id < again.newer_than < new_load_id(NOW)


def test_a_task_that_runs_twice_asks_for_no_second_load():
    day = date(2026, 11, 1)
    known = after_listing({}, [ref(day)], now=NOW).changed
    since = {day: replace(known[day], state=State.LOADED, load_id=new_load_id(NOW + timedelta(minutes=1)))}
    assert listed_again(since, [ref(day)], asked_at=NOW, now=NOW + timedelta(hours=1)) == {}


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), unique=True), st.randoms())
def test_each_day_s_newest_report_is_loaded_again_in_whatever_order_they_are_listed(issues, rng):
    refs = [ref(date(2026, 11, day), issue) for day, issue in issues]
    rng.shuffle(refs)
    changed = listed_again({}, refs, asked_at=NOW, now=NOW)
    newest = {day: max(issue for each, issue in issues if each == day) for day, _ in issues}
    assert {day.day: entry.report_id for day, entry in changed.items()} == {
        day: f"{date(2026, 11, day)}-{issue}" for day, issue in newest.items()
    }
    assert {entry.reason for entry in changed.values()} <= {AGAIN}
